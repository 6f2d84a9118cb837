//! Every figure that is a single number, by name: what exports list, what a gate may hold, and what a ranking is of.
//!
//! The names of exact figures are their places in `results.json`: `reallocs.copied_bytes` is `contenders[].memory.reallocs.copied_bytes`.
//! METRICS.md defines them, and `docs/RESULTS.md` lists all names with their units; tests hold both pages and this table together.

use crate::results::{Contender, Figure, Instructions, Latency, Memory, MinHeap, Reason, Results};

/// An exact figure of a contender, or one that was measured once.
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its unit: `B`, `pages`, `ns`, `%`, or `1` for counts, ratios and shares.
    pub unit: &'static str,
    /// The figure of a contender.
    pub of: fn(&Contender) -> Figure<f64>,
}

/// A figure of the trace, the same for all contenders.
pub struct TraceMetric {
    /// Its name: where it is in `results.json`.
    pub name: &'static str,
    /// Its unit, as in [`Metric::unit`].
    pub unit: &'static str,
    /// The figure of a trace.
    pub of: fn(&Results) -> Figure<f64>,
}

/// Something that is a number, or the reason why there is none.
trait Number {
    fn number(&self) -> Figure<f64>;
}

impl Number for u64 {
    fn number(&self) -> Figure<f64> {
        Figure::Known(*self as f64)
    }
}

impl Number for f64 {
    fn number(&self) -> Figure<f64> {
        Figure::Known(*self)
    }
}

impl<T: Number> Number for Option<T> {
    fn number(&self) -> Figure<f64> {
        self.as_ref().map_or_else(|| Figure::unknown(Reason::NoValueHere), Number::number)
    }
}

impl<T: Number> Number for Figure<T> {
    fn number(&self) -> Figure<f64> {
        within(self, Number::number)
    }
}

/// The figure within another one that is there; else the reason why that one is not.
fn within<T>(outer: &Figure<T>, of: impl Fn(&T) -> Figure<f64>) -> Figure<f64> {
    match outer {
        Figure::Known(value) => of(value),
        Figure::Unknown { unknown } => Figure::unknown(unknown),
    }
}

/// The name of a field from its place.
macro_rules! place {
    ($first:ident $($rest:ident)*) => { concat!(stringify!($first) $(, ".", stringify!($rest))*) };
}

/// Figures of a contender's memory, each by its place there. What is behind an arrow is a field of something that may not be known.
macro_rules! memory {
    ($($first:ident $(. $rest:ident)* $(=> $inner:ident)? : $unit:literal),* $(,)?) => {
        &[$(Metric {
            name: place!($first $($rest)* $($inner)?),
            unit: $unit,
            of: |row| within(&row.memory, |memory: &Memory| number_in!(memory.$first$(.$rest)*, $($inner)?)),
        }),*]
    };
}

/// A number, or a field of something that may not be known.
macro_rules! number_in {
    ($figure:expr,) => {
        $figure.number()
    };
    ($figure:expr, $inner:ident) => {
        within(&$figure, |known| known.$inner.number())
    };
}

/// Figures of the minimum heap.
macro_rules! min_heap {
    ($($field:ident : $unit:literal),* $(,)?) => {
        &[$(Metric {
            name: place!(min_heap $field),
            unit: $unit,
            of: |row| within(&row.min_heap, |min: &MinHeap| min.$field.number()),
        }),*]
    };
}

/// Percentiles of single calls.
macro_rules! latency {
    ($($field:ident),* $(,)?) => {
        &[$(Metric {
            name: place!(latency $field),
            unit: "ns",
            of: |row| within(&row.latency, |latency: &Latency| latency.all.$field.number()),
        }),*]
    };
}

/// Exact figures of memory.
pub const MEMORY: &[Metric] = memory![
    peak_heap_bytes: "B",
    peak_heap_pages: "pages",
    peak_heap_event: "1",
    overhead_ratio: "1",
    johnstone_wilson_4_percent: "%",
    peak_span_bytes: "B",
    johnstone_wilson.mean_of_ratios_by_bytes_percent: "%",
    johnstone_wilson.mean_of_ratios_by_events_percent: "%",
    johnstone_wilson.ratio_of_means_by_bytes_percent: "%",
    johnstone_wilson.ratio_of_means_by_events_percent: "%",
    johnstone_wilson.at_peak_live_percent: "%",
    johnstone_wilson.at_peak_heap_percent: "%",
    reallocs.count: "1",
    reallocs.in_place: "1",
    reallocs.in_place_share: "1",
    reallocs.copied_bytes: "B",
    reallocs.copied_per_requested_byte: "1",
    occupancy.at_peak_live.event: "1",
    occupancy.at_peak_live.live_share: "1",
    occupancy.at_peak_live.committed_pages: "pages",
    occupancy.at_peak_live.occupied_pages: "pages",
    occupancy.at_peak_live.pinned_pages: "pages",
    occupancy.at_peak_heap.event: "1",
    occupancy.at_peak_heap.live_share: "1",
    occupancy.at_peak_heap.committed_pages: "pages",
    occupancy.at_peak_heap.occupied_pages: "pages",
    occupancy.at_peak_heap.pinned_pages: "pages",
    fragmentation.at_peak_live.event: "1",
    fragmentation.at_peak_live.live_bytes: "B",
    fragmentation.at_peak_live.granted_bytes: "B",
    fragmentation.at_peak_live.span_bytes: "B",
    fragmentation.at_peak_live.internal_share: "1",
    fragmentation.at_peak_live.gap_share: "1",
    fragmentation.at_peak_heap.event: "1",
    fragmentation.at_peak_heap.live_bytes: "B",
    fragmentation.at_peak_heap.granted_bytes: "B",
    fragmentation.at_peak_heap.span_bytes: "B",
    fragmentation.at_peak_heap.internal_share: "1",
    fragmentation.at_peak_heap.gap_share: "1",
    retention.end_heap_bytes: "B",
    retention.end_resident_bytes: "B",
    retention.freed_heap_bytes: "B",
    retention.freed_resident_bytes: "B",
    growth => per_loop_pages: "pages",
    grow_calls: "1",
    failed_requests: "1",
];

/// The smallest heap that will do.
pub const MIN_HEAP: &[Metric] = min_heap![bytes: "B", pages: "pages", ratio_to_max_live: "1", failed_above: "1"];

/// What is measured beside memory and the times of whole replays.
pub const CALLS: &[Metric] = latency![p50_ns, p90_ns, p99_ns, p999_ns, max_ns];

/// Instructions of a replay over its operations, the harness's included.
pub const INSTRUCTIONS: Metric =
    Metric { name: "instructions_per_op", unit: "1", of: |row| within(&row.instructions, instructions_per_op) };

/// Instructions over operations, where there are any.
pub(crate) fn instructions_per_op(counted: &Instructions) -> Figure<f64> {
    match counted.ops {
        0 => Figure::unknown(Reason::NoOperations),
        ops => Figure::Known(counted.instructions as f64 / ops as f64),
    }
}

/// Figures of the trace itself.
macro_rules! of_trace {
    ($($field:ident : $unit:literal),* $(,)?) => {
        &[$(TraceMetric { name: place!(trace $field), unit: $unit, of: |results| results.trace.$field.number() }),*]
    };
}

/// Bounds of what any allocator needs for the trace.
macro_rules! bounds {
    ($($field:ident : $unit:literal),* $(,)?) => {
        &[$(TraceMetric {
            name: place!(bounds $field),
            unit: $unit,
            of: |results| within(&results.bounds, |bounds| bounds.$field.number()),
        }),*]
    };
}

/// What is true of the trace, whatever the contender.
pub const TRACE: &[TraceMetric] = of_trace![
    events: "1",
    allocs: "1",
    reallocs: "1",
    deallocs: "1",
    allocated_bytes: "B",
    peak_live_bytes: "B",
    peak_live_event: "1",
    peak_live_objects: "1",
    left_live_objects: "1",
    mark_count: "1",
];

/// Bounds to read footprints against.
pub const BOUNDS: &[TraceMetric] = bounds![
    max_live_bytes: "B",
    max_live_aligned_bytes: "B",
    max_size_bytes: "B",
    robson_bytes: "B",
    robson_first_fit_bytes: "B",
    clairvoyant_bytes: "B",
];

/// Every figure of a contender that is a single number, in the order of exports.
pub fn of_contenders() -> impl Iterator<Item = &'static Metric> {
    MEMORY.iter().chain(MIN_HEAP).chain(CALLS).chain([&INSTRUCTIONS])
}

/// Every figure of a trace that is a single number.
pub fn of_traces() -> impl Iterator<Item = &'static TraceMetric> {
    TRACE.iter().chain(BOUNDS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::sample::{self, contender};

    /// Places of all numbers in a value, `null` counting as one; lists are left out.
    fn numbers(prefix: &str, value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    let place = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                    numbers(&place, value, found);
                }
            }
            Value::Number(_) | Value::Null => {
                found.insert(prefix.to_owned());
            }
            _ => {}
        }
    }

    fn names<'a>(metrics: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
        metrics.into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn no_number_of_the_results_is_forgotten() {
        let row = contender("a").min_pages(3, 1).build();
        let mut found = BTreeSet::new();
        numbers("", &serde_json::to_value(row.memory).unwrap(), &mut found);
        // An object where a request failed, which is told in words.
        found.remove("first_failure");
        // The sizes of a chart's cells.
        found.retain(|place| !place.starts_with("grid."));
        assert_eq!(found, names(MEMORY.iter().map(|metric| metric.name)));

        let mut found = BTreeSet::new();
        numbers("min_heap", &serde_json::to_value(row.min_heap).unwrap(), &mut found);
        assert_eq!(found, names(MIN_HEAP.iter().map(|metric| metric.name)));

        let mut found = BTreeSet::new();
        numbers("trace", &serde_json::to_value(sample::empty().trace).unwrap(), &mut found);
        numbers("bounds", &serde_json::to_value(sample::empty().bounds).unwrap(), &mut found);
        assert_eq!(found, names(of_traces().map(|metric| metric.name)));
    }

    #[test]
    fn names_are_unique_and_units_are_those_that_names_end_in() {
        let all: Vec<(&str, &str)> = of_contenders().map(|metric| (metric.name, metric.unit)).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        for (name, unit) in all.into_iter().chain(of_traces().map(|metric| (metric.name, metric.unit))) {
            for (ending, expected) in [("bytes", "B"), ("pages", "pages"), ("_ns", "ns"), ("percent", "%")] {
                assert_eq!(name.ends_with(ending), unit == expected, "{name} in {unit}");
            }
        }
    }

    #[test]
    fn a_figure_that_is_not_there_has_its_reason() {
        let row = contender("null").without_memory("hands out no memory").build();
        assert_eq!((MEMORY[0].of)(&row), Figure::unknown("hands out no memory"));
        let row = contender("a").pages(3).build();
        assert_eq!((MEMORY[0].of)(&row), Figure::Known(3.0 * sample::PAGE as f64));
        let share = MEMORY.iter().find(|metric| metric.name == "reallocs.in_place_share").unwrap();
        assert!(matches!((share.of)(&row), Figure::Unknown { unknown } if unknown.to_string().contains("METRICS.md")));
    }
}
