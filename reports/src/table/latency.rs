//! The tables of single calls: their percentiles, and the slowest call of each contender.

use super::columns::{self, asked_by};
use super::model::{Table, TableColumn};
use super::placing::Placing;
use crate::model::AskedBy;
use crate::numbers::{count, grouped, short};
use crate::results::{CallKind, Latency};

/// Both tables for a terminal, with the rows that have latencies; empty without any.
pub(super) fn tables(rows: &[Placing]) -> Vec<Table> {
    let Some(legend) = legend(rows) else { return Vec::new() };
    let percentiles = columns::table("single calls", rows, asked_by(AskedBy::Latency, rows)).names_only();
    let percentiles = percentiles.of_rows(|row| row.cells.iter().any(|cell| cell.is_figure()));
    vec![Table { legend: vec![legend], ..percentiles }, slowest(rows)]
}

fn slowest(rows: &[Placing]) -> Table {
    let columns = ["ns", "call", "size\nB", "event", "live\nKiB", "heap\nKiB", "grown\nKiB"].map(TableColumn::plain);
    let mut table = Table::new("slowest call", columns.into());
    for row in rows {
        let Some(call) = row.contender.latency.known().and_then(|latency| latency.slowest.first()) else { continue };
        let kib = |bytes: u64| grouped(bytes.div_ceil(1024));
        let cells = [
            short(call.ns),
            kind(call.kind).to_owned(),
            grouped(call.size_bytes),
            grouped(call.event),
            kib(call.live_bytes),
            kib(call.committed_bytes),
            kib(call.grown_bytes),
        ];
        table.words("", row.contender.name.clone(), cells);
    }
    table
}

fn legend(rows: &[Placing]) -> Option<String> {
    let Latency { timer, passes, .. } = rows.iter().find_map(|row| row.contender.latency.known())?;
    Some(format!(
        "Single calls: {}, with page faults. The clock ({}) is read around each call. Its own cost, {} ns, is in every \
         figure, and so are interrupts; its resolution is {} ns. Nothing is marked, because there are no intervals. The \
         slowest call is ranked by its fastest replay: a call that is slow only once was slowed by the machine. Live, \
         heap: before that call; grown: during it. results.json has percentiles by kind and size, and the 20 slowest \
         calls per allocator. METHODOLOGY.md describes the method.",
        count((*passes).into(), "fresh replay"),
        timer.name,
        short(timer.cost_ns),
        short(timer.step_ns),
    ))
}

fn kind(kind: CallKind) -> &'static str {
    match kind {
        CallKind::Alloc => "alloc",
        CallKind::AllocZeroed => "zeroed",
        CallKind::Realloc => "realloc",
        CallKind::Dealloc => "dealloc",
    }
}
