//! The tables of single calls: how long they take, and the slowest of each contender.

use super::columns::{self, asked_by};
use super::model::{Table, TableColumn};
use super::placing::Placing;
use crate::model::AskedBy;
use crate::numbers::{count, grouped, short};
use crate::results::{CallKind, Latency};

/// Both tables for a terminal, of the rows that have such figures; none where there is no such row.
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
        "Single calls: {}, page faults included, with the clock ({}) read around each call. Its own cost, {} ns, is in every figure, and so \
         are interrupts; its steps are {} ns. Nothing is marked: there is no interval. The slowest call counts with its fastest replay, as what was \
         slow once was the machine. Live, heap: before that call; grown: in it. By kind and size, and 20 calls each: results.json. \
         METHODOLOGY.md says how.",
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
