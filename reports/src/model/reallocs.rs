//! How reallocations are served.

use super::entry::{Entry, Gate, Number, entry};
use crate::results::Reallocs;

const COPIES: &str = "copies of whole classes (more), remapped pages (less)";

/// Fields of [`Reallocs`].
pub(super) static ENTRIES: &[Entry<Reallocs>] = &[
    entry("count", "1", |it: &Reallocs| it.count.number()).docs("reallocations", "≥ 0", ""),
    entry("in_place", "1", |it: &Reallocs| it.in_place.number())
        .docs("reallocations served in place: the address stays the same", "0 to `count`", "a move there and back")
        .more_is_better(),
    entry("in_place_share", "1", |it: &Reallocs| it.in_place_share.number())
        .docs("`in_place` / `count`; `null` without any", "0 to 1", "a move there and back")
        .more_is_better()
        .shown(
            ["inplace", "realloc in place", "in place", "%"],
            "The share of the reallocations served in place: the block stays at its address.",
        ),
    entry("copied_bytes", "B", |it: &Reallocs| it.copied_bytes.number())
        .docs("Σ min(old size, new size) over those that move", "≥ 0", COPIES)
        .less_is_better(Gate::OnRequest),
    entry("copied_per_requested_byte", "1", |it: &Reallocs| it.copied_per_requested_byte.number())
        .docs("`copied_bytes` over the clock of bytes after the last event", "≥ 0", COPIES)
        .less_is_better(Gate::Never)
        .shown(
            ["copied", "copied", "copied", "×"],
            "Bytes that reallocations copied, for each byte requested in the run.",
        ),
];
