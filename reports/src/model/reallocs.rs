//! How reallocations are served.

use serde::{Deserialize, Serialize};

use super::entry::{Entry, Gate, Number, entry};

/// Reallocations that succeeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reallocs {
    /// Their number.
    pub count: u64,
    /// Those that left the block at its address.
    pub in_place: u64,
    /// `in_place` as a share of `count`; `None` without reallocations.
    pub in_place_share: Option<f64>,
    /// Bytes copied by the reallocations that moved: the smaller of old and new size for each.
    pub copied_bytes: u64,
    /// Those bytes over the bytes of all successful requests.
    pub copied_per_requested_byte: Option<f64>,
}

const COPIES: &str = "copying whole classes (more), remapping pages (less)";

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
            "The share of reallocations served in place: the block stays at its address.",
        ),
    entry("copied_bytes", "B", |it: &Reallocs| it.copied_bytes.number())
        .docs("Σ min(old size, new size) over those that move", "≥ 0", COPIES)
        .less_is_better(Gate::OnRequest),
    entry("copied_per_requested_byte", "1", |it: &Reallocs| it.copied_per_requested_byte.number())
        .docs("`copied_bytes` over the byte clock after the last event", "≥ 0", COPIES)
        .less_is_better(Gate::Never)
        .shown(["copied", "copied", "copied", "×"], "Bytes copied by reallocations per byte requested in the run."),
];
