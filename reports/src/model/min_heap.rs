//! The smallest heap in which the trace completes.

use serde::{Deserialize, Serialize};

use super::entry::{Definition, Entry, Gate, Number, entry, listed};

/// The smallest heap in which a contender completes the whole trace without a failed request: the same bits every time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinHeap {
    /// Its pages.
    pub pages: u64,
    /// The same in bytes.
    pub bytes: u64,
    /// Those bytes over max R.
    pub ratio_to_max_live: f64,
    /// How many larger limits were tried and failed. Above 0, completion is not monotone, and the minimum is the
    /// smallest limit that completed among those tried.
    pub failed_above: u64,
    /// Every limit tried, in ascending order. Max H is not among them: the trace completes with it.
    pub limits_tried: Vec<LimitTried>,
}

/// A heap limit, and whether the trace completed within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitTried {
    /// The limit in pages.
    pub pages: u64,
    /// The event of the first failed request, counted from 1; `None` if the trace completed.
    pub first_failure_event: Option<u64>,
}

const BETWEEN: &str = "a smaller limit that completes, if it lies between two tried limits far from the result";

/// Fields of [`MinHeap`].
pub(super) static ENTRIES: &[Entry<MinHeap>] = &[
    entry("bytes", "B", |it: &MinHeap| it.bytes.number())
        .docs("`pages` × page size", "max R, in whole pages, to `peak_heap_bytes`", BETWEEN)
        .less_is_better(Gate::ByDefault),
    entry("pages", "pages", |it: &MinHeap| it.pages.number())
        .docs("the smallest limit tried that completes", "max R, in whole pages, to `peak_heap_pages`", BETWEEN)
        .less_is_better(Gate::Never)
        .shown(
            ["minheap", "minimum heap", "min heap", "pages"],
            "The smallest heap, in pages, in which the whole trace completes without a failed request; its ratio to \
            peak live stands below it.",
        ),
    entry("ratio_to_max_live", "1", |it: &MinHeap| it.ratio_to_max_live.number())
        .docs("`bytes` / the trace's max R", "≥ 1, to `overhead_ratio`", BETWEEN)
        .less_is_better(Gate::Never),
    entry("failed_above", "1", |it: &MinHeap| it.failed_above.number())
        .docs("how many limits above `pages` were tried and do not complete", "≥ 0", "limits that were not tried")
        .less_is_better(Gate::Never),
];

/// Definitions of figures that are not a single number.
pub(super) const LISTED: &[Definition] = &[listed(
    "limits_tried",
    "every limit tried, in ascending order: `pages`, and `first_failure_event`, `null` if the trace completes",
    "",
    "",
)];
