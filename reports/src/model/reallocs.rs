//! How reallocations are served.

use super::entry::{Entry, Gate, Heading, Number, docs, entry};
use crate::results::Reallocs;

const COPIES: &str = "copies of whole classes (more), remapped pages (less)";

/// Fields of [`Reallocs`].
pub(super) static ENTRIES: [Entry<Reallocs>; 5] = [
    entry("count", "1", |reallocs: &Reallocs| reallocs.count.number(), docs("reallocations", "≥ 0", "", "")),
    entry(
        "in_place",
        "1",
        |reallocs: &Reallocs| reallocs.in_place.number(),
        docs("reallocations served in place: the address stays the same", "0 to `count`", "a move there and back", ""),
    )
    .more_is_better(),
    entry(
        "in_place_share",
        "1",
        |reallocs: &Reallocs| reallocs.in_place_share.number(),
        docs("`in_place` / `count`; `null` without any", "0 to 1", "a move there and back", ""),
    )
    .more_is_better()
    .shown(Heading {
        id: "inplace",
        full: "realloc in place",
        short: "in place",
        unit: "%",
        definition: "The share of the reallocations served in place: the block stays at its address.",
    }),
    entry(
        "copied_bytes",
        "B",
        |reallocs: &Reallocs| reallocs.copied_bytes.number(),
        docs("Σ min(old size, new size) over those that move", "≥ 0", COPIES, ""),
    )
    .less_is_better(Gate::OnRequest),
    entry(
        "copied_per_requested_byte",
        "1",
        |reallocs: &Reallocs| reallocs.copied_per_requested_byte.number(),
        docs("`copied_bytes` over the clock of bytes after the last event", "≥ 0", COPIES, ""),
    )
    .less_is_better(Gate::Never)
    .shown(Heading {
        id: "copied",
        full: "copied",
        short: "copied",
        unit: "×",
        definition: "Bytes that reallocations copied, for each byte requested in the run.",
    }),
];
