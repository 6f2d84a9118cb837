//! The smallest heap in which the trace completes.

use serde::{Deserialize, Serialize};

use super::entry::{Definition, Entry, Gate, Number, entry, listed};

/// The smallest heap in which a contender completes the whole trace, no request being answered with null: the same bits every time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinHeap {
    /// Its pages.
    pub pages: u64,
    /// The same in bytes.
    pub bytes: u64,
    /// Those bytes over max R.
    pub ratio_to_max_live: f64,
    /// How many of the limits that were tried are larger, and yet the trace did not complete: completion is not monotone where it is more
    /// than 0, and the minimum then is the smallest of the limits tried.
    pub failed_above: u64,
    /// Every limit that was tried, in ascending order. Max H is not among them: with it, the trace completes.
    pub limits_tried: Vec<LimitTried>,
}

/// A limit of the heap, and whether the trace completed within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitTried {
    /// Pages that the heap could have.
    pub pages: u64,
    /// The event whose request was answered with null, counted from 1; `None` where the trace completed.
    pub first_failure_event: Option<u64>,
}

const BETWEEN: &str = "a smaller limit that completes, between two that were tried and far from the result";

/// Fields of [`MinHeap`].
pub(super) static ENTRIES: &[Entry<MinHeap>] = &[
    entry("bytes", "B", |it: &MinHeap| it.bytes.number())
        .docs("`pages` × page size", "max R, in whole pages, to `peak_heap_bytes`", BETWEEN)
        .less_is_better(Gate::ByDefault),
    entry("pages", "pages", |it: &MinHeap| it.pages.number())
        .docs(
            "the smallest limit that completes, of those tried",
            "max R, in whole pages, to `peak_heap_pages`",
            BETWEEN,
        )
        .less_is_better(Gate::Never)
        .shown(
            ["minheap", "minimum heap", "min heap", "pages"],
            "The smallest heap, in pages, in which the whole trace completes without a failed request; below it its \
            ratio to peak live.",
        ),
    entry("ratio_to_max_live", "1", |it: &MinHeap| it.ratio_to_max_live.number())
        .docs("`bytes` / the trace's max R", "≥ 1, to `overhead_ratio`", BETWEEN)
        .less_is_better(Gate::Never),
    entry("failed_above", "1", |it: &MinHeap| it.failed_above.number())
        .docs("how many of the limits tried are above `pages` and do not complete", "≥ 0", "limits that were not tried")
        .less_is_better(Gate::Never),
];

/// What is no single number.
pub(super) const LISTED: &[Definition] = &[listed(
    "limits_tried",
    "every limit, in ascending order: `pages`, and `first_failure_event`, `null` where it completes",
    "",
    "",
)];
