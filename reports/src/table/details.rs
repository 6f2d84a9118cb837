//! The third table of a trace: where memory goes.

use super::columns::{self, details, metric};
use super::model::Table;
use super::placing::Placing;

const LEGEND: &str = "In detail: J–W #1 is the mean of committed / live over bytes requested, less 1. Span is the size \
    of an arena that would have sufficed. At peak live: internal fragmentation (share of granted bytes not requested) \
    and gaps (share of the span without live objects). At peak heap: live bytes over committed bytes, and pinned \
    pages, which are less than 10 % live. Reallocs: share served in place, and bytes copied per byte requested. \
    At the end: the largest gap between live blocks, external fragmentation (share of the free bytes outside of it), \
    and resident bytes, with every byte written. METRICS.md has the definitions.";

/// The table for a terminal, with the rows that have memory figures; `None` without any.
pub(super) fn table(rows: &[Placing]) -> Option<Table> {
    let sources = [metric("jw1", rows)].into_iter().chain(details(rows)).collect();
    let table = columns::table("in detail", rows, sources).names_only();
    let table = table.of_rows(|row| row.cells.iter().any(|cell| cell.is_figure()));
    (!table.rows.is_empty()).then(|| Table { legend: vec![LEGEND.to_owned()], ..table })
}
