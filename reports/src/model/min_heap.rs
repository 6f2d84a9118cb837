//! The smallest heap in which the trace completes.

use super::entry::{Definition, Entry, Gate, Number, entry, listed};
use crate::results::MinHeap;

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
