//! How long single calls take.

use super::entry::{Entry, Gate, Heading, Number, docs, entry};
use crate::results::Percentiles;

const MEAN_PASS: &str = "what a single pass is like: calls of all passes are together";

/// Fields of [`Percentiles`] of all calls.
pub(super) static ENTRIES: [Entry<Percentiles>; 5] = [
    entry(
        "p50_ns",
        "ns",
        |calls: &Percentiles| calls.p50_ns.number(),
        docs("half of the calls take no longer", "> 0", MEAN_PASS, ""),
    )
    .less_is_better(Gate::Never)
    .shown(Heading {
        id: "p50",
        full: "p50",
        short: "p50",
        unit: "ns",
        definition: "The median of single calls: half of them take no longer. The timer's own cost is contained.",
    }),
    entry(
        "p90_ns",
        "ns",
        |calls: &Percentiles| calls.p90_ns.number(),
        docs("nine in ten take no longer", "> 0", MEAN_PASS, ""),
    )
    .less_is_better(Gate::Never)
    .shown(Heading {
        id: "p90",
        full: "p90",
        short: "p90",
        unit: "ns",
        definition: "Nine in ten calls take no longer.",
    }),
    entry(
        "p99_ns",
        "ns",
        |calls: &Percentiles| calls.p99_ns.number(),
        docs("99 in 100 take no longer", "> 0", MEAN_PASS, ""),
    )
    .less_is_better(Gate::Never)
    .shown(Heading {
        id: "p99",
        full: "p99",
        short: "p99",
        unit: "ns",
        definition: "99 in 100 calls take no longer.",
    }),
    entry(
        "p999_ns",
        "ns",
        |calls: &Percentiles| calls.p999_ns.number(),
        docs("999 in 1,000 take no longer", "> 0", MEAN_PASS, ""),
    )
    .less_is_better(Gate::Never)
    .shown(Heading {
        id: "p999",
        full: "p99.9",
        short: "p99.9",
        unit: "ns",
        definition: "999 in 1,000 calls take no longer.",
    }),
    entry(
        "max_ns",
        "ns",
        |calls: &Percentiles| calls.max_ns.number(),
        docs("the slowest call", "> 0", "whose time it is: mostly the machine's, as of an interrupt", ""),
    )
    .less_is_better(Gate::Never)
    .shown(Heading {
        id: "max",
        full: "slowest",
        short: "max",
        unit: "ns",
        definition: "The slowest single call.",
    }),
];
