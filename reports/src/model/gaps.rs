//! The gaps between live blocks: the free memory of a heap of fixed size, and how much of it is in one piece.

use serde::{Deserialize, Serialize};

use super::entry::{Entry, Gate, Number, entry};

/// The gaps at three instants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gaps {
    /// At the first instant of max R.
    pub at_peak_live: GapsAt,
    /// At the first instant of max H.
    pub at_peak_heap: GapsAt,
    /// After the last event.
    pub at_end: GapsAt,
}

/// The committed bytes that no live block covers, at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GapsAt {
    /// After this event, counted from 1.
    pub event: u64,
    /// H − R.
    pub free_bytes: u64,
    /// The longest run of such bytes.
    pub largest_gap_bytes: u64,
    /// The largest request that could still succeed.
    pub largest_request_bytes: u64,
    /// 1 − largest gap / free bytes.
    pub external_share: Option<f64>,
}

const SEEN_FROM_OUTSIDE: &str = "the contender's own headers, rounding and alignment, and memory that it never uses \
    again, count as free: an upper bound";

/// Fields of [`GapsAt`]. Tables show them at the end.
pub(super) static ENTRIES: &[Entry<GapsAt>] = &[
    entry("event", "1", |it: &GapsAt| it.event.number()).docs(
        "the event after which it is measured",
        "1 to events",
        "",
    ),
    entry("free_bytes", "B", |it: &GapsAt| it.free_bytes.number())
        .docs("H − R: committed bytes that no live block covers, by requested sizes", "0 to H", SEEN_FROM_OUTSIDE)
        .less_is_better(Gate::Never),
    entry("largest_gap_bytes", "B", |it: &GapsAt| it.largest_gap_bytes.number())
        .docs(
            "the longest run of committed bytes that no live block covers, before the first, between two, or after the \
            last",
            "0 to the free bytes",
            SEEN_FROM_OUTSIDE,
        )
        .shown(
            ["largestgap", "largest gap", "largest gap", ""],
            "After the last event, the longest run of committed bytes that no live block covers. Headers and alignment \
            count as free, so a block of this size may not fit.",
        ),
    entry("largest_request_bytes", "B", |it: &GapsAt| it.largest_request_bytes.number()).docs(
        "the largest request that could still succeed: the largest gap, or the last one with what the heap may still \
        grow by up to its limit, whichever is larger",
        "≥ the largest gap",
        "where the contender would place it: an upper bound",
    ),
    entry("external_share", "1", |it: &GapsAt| it.external_share.number())
        .docs(
            "1 − largest gap / free bytes: external fragmentation; `null` if nothing is free",
            "0 to below 1",
            "headers between blocks split gaps that no request could use",
        )
        .less_is_better(Gate::OnRequest)
        .shown(
            ["external", "external fragmentation", "external frag.", "%"],
            "After the last event, the share of the free bytes outside of the largest gap: 1 − largest gap / free. 0 \
            means that all free memory is in one piece.",
        ),
];
