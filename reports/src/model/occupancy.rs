//! Page occupancy at an instant.

use serde::{Deserialize, Serialize};

use super::entry::{Definition, Entry, Gate, Number, entry, listed};

/// Page occupancy at two instants.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Occupancy {
    /// At the first instant of max R.
    pub at_peak_live: OccupancyAt,
    /// At the first instant of max H.
    pub at_peak_heap: OccupancyAt,
}

/// How full the pages are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OccupancyAt {
    /// After this event, counted from 1.
    pub event: u64,
    /// Live bytes over committed bytes.
    pub live_share: Option<f64>,
    /// Pages committed.
    pub committed_pages: u64,
    /// Pages with at least one live byte.
    pub occupied_pages: u64,
    /// Pages with live bytes in less than a tenth of each.
    pub pinned_pages: u64,
    /// Pages by occupancy: empty, below 10 %, below 20 %, and so on, and full. They sum to the committed pages.
    pub pages_by_tenth: Vec<u64>,
}

/// Fields of [`OccupancyAt`]. Tables show them, and gates judge them, at the peak heap.
pub(super) static ENTRIES: &[Entry<OccupancyAt>] = &[
    entry("event", "1", |it: &OccupancyAt| it.event.number()).docs(
        "the event after which it is measured",
        "1 to events",
        "",
    ),
    entry("live_share", "1", |it: &OccupancyAt| it.live_share.number())
        .docs("R / H", "0 to 1", "internal fragmentation and metadata count as free")
        .more_is_better()
        .shown(["pageslive", "pages live", "pages live", "%"], "At the peak heap, live bytes over committed bytes."),
    entry("committed_pages", "pages", |it: &OccupancyAt| it.committed_pages.number())
        .docs("H in pages", "≥ 1", "")
        .less_is_better(Gate::Never),
    entry("occupied_pages", "pages", |it: &OccupancyAt| it.occupied_pages.number())
        .docs("pages with at least one live byte", "0 to `committed_pages`", "how full they are")
        .less_is_better(Gate::Never),
    entry("pinned_pages", "pages", |it: &OccupancyAt| it.pinned_pages.number())
        .docs(
            "pages less than a tenth live: compaction gains most from them",
            "0 to `occupied_pages`",
            "where the free bytes are",
        )
        .less_is_better(Gate::OnRequest)
        .shown(
            ["pinned", "pinned pages", "pages pinned", ""],
            "At the peak heap, pages less than a tenth live: compaction gains most \
            from them.",
        ),
];

/// Definitions of figures that are not a single number.
pub(super) const LISTED: &[Definition] = &[listed(
    "pages_by_tenth",
    "pages by share of live bytes: empty, below 10 %, below 20 %, …, and full: 12 numbers that sum to \
    `committed_pages`",
    "",
    "",
)];
