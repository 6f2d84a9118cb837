//! The third table of one trace: where the memory goes.

use super::columns::{self, details, metric};
use super::model::Table;
use super::placing::Placing;

const LEGEND: &str = "In detail: J–W #1 is the mean of committed / live over bytes requested, less 1. Span is what an arena would need. At peak live: \
    internal fragmentation (granted beyond requested, of what is granted) and gaps (of the span). At peak heap: live bytes of all pages, and pages \
    pinned by less than 10 % live. Reallocs: served in place, and bytes copied for each byte requested. Resident at the end, every byte written. \
    METRICS.md defines them.";

/// The table for a terminal, of the rows that have memory figures; nothing where there is none.
pub(super) fn table(rows: &[Placing]) -> Option<Table> {
    let sources = [metric("jw1", rows)].into_iter().chain(details(rows)).collect();
    let table = columns::table("in detail", rows, sources).names_only();
    let table = table.of_rows(|row| row.cells.iter().any(|cell| cell.is_figure()));
    (!table.rows.is_empty()).then(|| Table { legend: vec![LEGEND.to_owned()], ..table })
}
