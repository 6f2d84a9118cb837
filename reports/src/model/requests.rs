//! Requests for pages, and requests that fail.

use super::entry::{Definition, Entry, Gate, Number, entry, listed};
use crate::results::Memory;

/// Fields of [`Memory`].
pub(super) static ENTRIES: &[Entry<Memory>] = &[
    entry("grow_calls", "1", |it: &Memory| it.grow_calls.number())
        .docs("successful requests of the contender for pages", "≥ 1", "their size")
        .less_is_better(Gate::OnRequest),
    entry("failed_requests", "1", |it: &Memory| it.failed_requests.number())
        .docs("requests answered with null", "≥ 0", "requests about objects that are absent already")
        .less_is_better(Gate::Never)
        .shown(
            ["refused", "failed", "failed", ""],
            "Requests answered with null. A contender for which requests fail does less work: it has no timing and \
            cannot be the best.",
        ),
];

/// What is no single number.
pub(super) const LISTED: &[Definition] = &[listed(
    "first_failure",
    "the first of them: `event`, `size_bytes`, `align_bytes`, `heap_pages`, `live_bytes`",
    "",
    "later ones",
)];
