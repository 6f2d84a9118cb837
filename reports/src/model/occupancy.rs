//! Page occupancy at an instant.

use super::entry::{Definition, Entry, Gate, Number, entry, listed};
use crate::results::OccupancyAt;

/// Fields of [`OccupancyAt`]. Tables show them, and gates judge them, at the peak heap.
pub(super) static ENTRIES: &[Entry<OccupancyAt>] = &[
    entry("event", "1", |it: &OccupancyAt| it.event.number()).docs(
        "the event after which it is taken",
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
            "pages with live bytes in less than a tenth of them: what compaction could win most from",
            "0 to `occupied_pages`",
            "how the free bytes lie",
        )
        .less_is_better(Gate::OnRequest)
        .shown(
            ["pinned", "pinned pages", "pages pinned", ""],
            "At the peak heap, pages with live bytes in less than a tenth of them: what compaction could win most \
            from.",
        ),
];

/// What is no single number.
pub(super) const LISTED: &[Definition] = &[listed(
    "pages_by_tenth",
    "pages that are empty; with up to below 10 %, below 20 %, … of live bytes; and full: 12 numbers whose sum is \
    `committed_pages`",
    "",
    "",
)];
