//! Figures in words, for all situations alike.

use super::advice::Beside;
use crate::numbers::{count, decimals, fixed};
use crate::results::Origin;

/// A ratio with its interval: `0.42 × (0.41–0.43)`.
pub(super) fn times(beside: &Beside) -> String {
    let decimals = decimals(beside.ratio).max(2);
    format!(
        "{} ×{}",
        fixed(beside.ratio, decimals),
        beside.low.map_or(String::new(), |_| format!(" ({})", range(beside)))
    )
}

/// Its interval alone: `0.41–0.43`.
pub(super) fn range(beside: &Beside) -> String {
    let decimals = decimals(beside.ratio).max(2);
    let end = |end: Option<f64>| fixed(end.unwrap_or(beside.ratio), decimals);
    format!("{}–{}", end(beside.low), end(beside.high))
}

/// Ends of an interval that are further apart than this factor leave open more than most allocators differ by.
const WIDE: f64 = 1.05;

pub(super) fn is_wide(beside: &Beside) -> bool {
    beside.low.zip(beside.high).is_none_or(|(low, high)| high > WIDE * low)
}

/// What narrows the intervals of times.
pub(super) const MORE_ROUNDS: &str = "To tell them apart, measure more rounds: add --rigorous.";

pub(super) const RIGOROUS: &str = "Measure again with --rigorous.";

pub(super) const FIFTEEN_ROUNDS: &str = "Measure again with --rounds 15.";

pub(super) const LARGER_LIMIT: &str = "Give a larger --heap-limit.";

pub(super) const MORE_ALLOCATORS: &str = "Add allocators: see --list.";

pub(super) const MEASURE_AGAIN: &str = "Measure again; if the time was up, with a larger --budget.";

pub(super) const SEARCH_MIN_HEAP: &str = "To find the smallest heap that the program runs in, add --min-heap.";

pub(super) const BUILD_RELEASE: &str =
    "Build Heaprace with --release and measure again: times of a debug build are not those of what is shipped.";

pub(super) const MORE_TRACES: &str = "Add traces: record your own with 'replay record', or take --trace library.";

/// That one trace is one run of one program.
pub(super) fn one_trace_only(origin: Origin) -> &'static str {
    match origin {
        Origin::Unstated => {
            "This is one run of one program. For others, record more runs with 'replay record', or add --trace library."
        }
        Origin::Recorded | Origin::Synthetic => {
            "This is one run of one program. For yours, record it with 'replay record'; for more, take --trace library."
        }
    }
}

/// `3 recorded traces`.
pub(super) fn traces(origin: Origin, number: usize) -> String {
    let noun = match origin {
        Origin::Recorded => "recorded trace",
        Origin::Synthetic => "synthetic trace",
        Origin::Unstated => "trace",
    };
    count(number as u64, noun)
}

/// The sentence on what to ship: `Ship talc, but it grows by 3 pages each time the work repeats: 0.50 × the time of a.`
pub(super) fn ship(name: &str, reference: &str, caveat: Option<&str>, figures: &[String]) -> String {
    let is_reference = if name == reference { " (the reference)" } else { "" };
    let but = caveat.map_or(String::new(), |caveat| format!(", but {caveat}"));
    format!("Ship {name}{is_reference}{but}: {}.", figures.join(", "))
}
