//! Heap growth in a program that runs on.

use serde::{Deserialize, Serialize};

use super::entry::{Definition, Entry, Gate, Number, entry, listed};

/// Heap pages in a program that runs on: the trace is looped on one heap, and what it leaves live is freed after each
/// loop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growth {
    /// Heap pages after each loop; the first loop is the trace itself.
    pub heap_pages: Vec<u64>,
    /// Pages that a further loop adds: the mean of the last four, rounded up. 0 if the heap has settled: the last two
    /// loops added nothing.
    pub per_loop_pages: u64,
}

/// Fields of [`Growth`].
pub(super) static ENTRIES: &[Entry<Growth>] =
    &[entry("per_loop_pages", "pages", |it: &Growth| it.per_loop_pages.number())
        .docs(
            "pages that each further loop of the trace adds: the mean over the last four loops, rounded up; 0 if \
            the last two add none",
            "≥ 0",
            "growth that begins after the last loop, or that comes in steps more than two loops apart; a leak in the \
            program itself, because what it leaves live is freed",
        )
        .less_is_better(Gate::OnRequest)
        .shown(
            ["growth", "grows by", "grows by", "pages"],
            "Pages that each further loop of the trace adds: 0 if the heap has settled. At most eight loops are \
            replayed, and what the trace leaves live is freed after each.",
        )];

/// Definitions of figures that are not a single number.
pub(super) const LISTED: &[Definition] = &[listed(
    "heap_pages",
    "H in pages after each loop, in order; the first loop is the trace itself",
    "≥ 1, never falling",
    "what happens within a loop",
)];
