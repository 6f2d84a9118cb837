//! How the heap grows where the program runs on.

use super::entry::{Definition, Entry, Gate, Number, entry, listed};
use crate::results::Growth;

/// Fields of [`Growth`].
pub(super) static ENTRIES: &[Entry<Growth>] =
    &[entry("per_loop_pages", "pages", |it: &Growth| it.per_loop_pages.number())
        .docs(
            "pages that each further loop of the trace adds: the mean over the last four loops, rounded up; 0 where \
            the last two add none",
            "≥ 0",
            "growth that begins after the last loop, or that comes in steps more than two loops apart; a leak of the \
            program's own, as what it leaves live is freed",
        )
        .less_is_better(Gate::OnRequest)
        .shown(
            ["growth", "grows by", "grows by", "pages"],
            "Pages that each further loop of the trace adds: 0 where the heap has settled. At most eight loops are \
            replayed, and what the trace leaves live is freed after each.",
        )];

/// What is no single number.
pub(super) const LISTED: &[Definition] = &[listed(
    "heap_pages",
    "H in pages after each loop, in order; the first loop is the trace itself",
    "≥ 1, never falling",
    "what happens within a loop",
)];
