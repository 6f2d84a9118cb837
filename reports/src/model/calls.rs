//! Durations of single calls.

use super::entry::{Entry, Gate, Number, entry};
use crate::results::Percentiles;

const MEAN_PASS: &str = "the spread between passes: calls of all passes are pooled";

/// Fields of [`Percentiles`] of all calls.
pub(super) static ENTRIES: &[Entry<Percentiles>] = &[
    entry("p50_ns", "ns", |it: &Percentiles| it.p50_ns.number())
        .docs("half of the calls take no longer", "≥ 0", MEAN_PASS)
        .less_is_better(Gate::Never)
        .shown(
            ["p50", "p50", "p50", "ns"],
            "The median of single calls: half of them take no longer. The timer's own cost is included.",
        ),
    entry("p90_ns", "ns", |it: &Percentiles| it.p90_ns.number())
        .docs("nine in ten take no longer", "≥ 0", MEAN_PASS)
        .less_is_better(Gate::Never)
        .shown(["p90", "p90", "p90", "ns"], "Nine in ten calls take no longer."),
    entry("p99_ns", "ns", |it: &Percentiles| it.p99_ns.number())
        .docs("99 in 100 take no longer", "≥ 0", MEAN_PASS)
        .less_is_better(Gate::Never)
        .shown(["p99", "p99", "p99", "ns"], "99 in 100 calls take no longer."),
    entry("p999_ns", "ns", |it: &Percentiles| it.p999_ns.number())
        .docs("999 in 1,000 take no longer", "≥ 0", MEAN_PASS)
        .less_is_better(Gate::Never)
        .shown(["p999", "p99.9", "p99.9", "ns"], "999 in 1,000 calls take no longer."),
    entry("max_ns", "ns", |it: &Percentiles| it.max_ns.number())
        .docs("the slowest call", "≥ 0", "the cause: mostly the machine, such as an interrupt")
        .less_is_better(Gate::Never)
        .shown(["max", "slowest", "max", "ns"], "The slowest single call."),
];
