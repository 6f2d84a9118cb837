//! Fragmentation at an instant: within blocks and between them.

use serde::{Deserialize, Serialize};

use super::entry::{Entry, Gate, Number, entry};

/// Fragmentation at two instants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fragmentation {
    /// At the first instant of max R.
    pub at_peak_live: FragmentationAt,
    /// At the first instant of max H.
    pub at_peak_heap: FragmentationAt,
}

/// Internal fragmentation, and gaps between blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FragmentationAt {
    /// After this event, counted from 1.
    pub event: u64,
    /// R.
    pub live_bytes: u64,
    /// G, if the contender reports it.
    pub granted_bytes: Option<u64>,
    /// S.
    pub span_bytes: u64,
    /// (G − R) / G: internal fragmentation.
    pub internal_share: Option<f64>,
    /// (S − R) / S: the share of the span without live objects, an upper bound on the free space in it.
    pub gap_share: Option<f64>,
}

/// Fields of [`FragmentationAt`]. Tables show them, and gates judge them, at peak live.
pub(super) static ENTRIES: &[Entry<FragmentationAt>] = &[
    entry("event", "1", |it: &FragmentationAt| it.event.number()).docs(
        "the event after which it is measured",
        "1 to events",
        "",
    ),
    entry("live_bytes", "B", |it: &FragmentationAt| it.live_bytes.number()).docs("R", "≤ G, ≤ S", ""),
    entry("granted_bytes", "B", |it: &FragmentationAt| it.granted_bytes.number())
        .docs("G; `null` if the contender does not report it", "R to H", "headers: they are not granted")
        .less_is_better(Gate::OnRequest),
    entry("span_bytes", "B", |it: &FragmentationAt| it.span_bytes.number())
        .docs("S", "R to H", "")
        .less_is_better(Gate::Never),
    entry("internal_share", "1", |it: &FragmentationAt| it.internal_share.number())
        .docs(
            "(G − R) / G: internal fragmentation, for example from rounding up to size classes",
            "0 to below 1",
            "headers: they are not granted",
        )
        .less_is_better(Gate::Never)
        .shown(
            ["rounding", "internal fragmentation", "internal frag.", "%"],
            "At peak live, the share of the granted bytes that the program did not request: (G − R) / G. It comes, for example, from \
            rounding up to size classes; headers are not granted.",
        ),
    entry("gap_share", "1", |it: &FragmentationAt| it.gap_share.number())
        .docs(
            "(S − R) / S: the share of the span without live objects",
            "0 to below 1",
            "free lists, caches and metadata are invisible from outside: an upper bound on free space within the span",
        )
        .less_is_better(Gate::Never)
        .shown(
            ["gaps", "gaps", "gaps", "%"],
            "At peak live, the share of the span without live objects: (S − R) / S. An upper bound on the free \
            space within the span.",
        ),
];
