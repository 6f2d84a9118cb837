//! The tables of single calls: how long they take, and the slowest of each contender.

use super::cells::Row;
use super::narrow::narrow;
use super::wrap::printable;
use crate::numbers::{count, grouped, short};
use crate::results::{CallKind, Latency};

/// Both tables of the rows that have such figures, in at most so many columns; none where there is no such row.
pub(super) fn tables(rows: &[Row], width: usize) -> Vec<String> {
    let known = known(rows);
    if known.is_empty() {
        return Vec::new();
    }
    let percentiles = known.iter().map(|(name, latency)| {
        let all = latency.all;
        let figures = [all.p50_ns, all.p90_ns, all.p99_ns, all.p999_ns, all.max_ns];
        [printable(name)].into_iter().chain(figures.map(short)).collect()
    });
    let header = ["single calls", "p50\nns", "p90\nns", "p99\nns", "p99.9\nns", "max\nns"];
    let percentiles = narrow(header.map(str::to_owned).into(), percentiles, width);
    let slowest = known.iter().filter_map(|(name, latency)| {
        let call = latency.slowest.first()?;
        let kib = |bytes: u64| grouped(bytes.div_ceil(1024));
        Some(vec![
            printable(name),
            short(call.ns),
            kind(call.kind).to_owned(),
            grouped(call.size_bytes),
            grouped(call.event),
            kib(call.live_bytes),
            kib(call.committed_bytes),
            kib(call.grown_bytes),
        ])
    });
    let header = ["slowest call", "ns", "call", "size\nB", "event", "live\nKiB", "heap\nKiB", "grown\nKiB"];
    vec![percentiles, narrow(header.map(str::to_owned).into(), slowest, width)]
}

/// What explains the columns, below the tables.
pub(super) fn legend(rows: &[Row]) -> Option<String> {
    let known = known(rows);
    let (_, Latency { timer, passes, .. }) = known.first()?;
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

fn known<'a>(rows: &[Row<'a>]) -> Vec<(&'a str, &'a Latency)> {
    rows.iter().filter_map(|row| Some((row.contender.name.as_str(), row.contender.latency.known()?))).collect()
}

fn kind(kind: CallKind) -> &'static str {
    match kind {
        CallKind::Alloc => "alloc",
        CallKind::AllocZeroed => "zeroed",
        CallKind::Realloc => "realloc",
        CallKind::Dealloc => "dealloc",
    }
}
