//! Page occupancy at an instant.

use super::entry::{Entry, Gate, Heading, Listed, Number, docs, entry};
use crate::results::OccupancyAt;

/// Fields of [`OccupancyAt`]. Tables show them, and gates judge them, at the peak heap.
pub(super) static ENTRIES: [Entry<OccupancyAt>; 5] = [
    entry("event", "1", |at: &OccupancyAt| at.event.number(), docs("the event after which it is taken", "1 to events", "", "")),
    entry(
        "live_share",
        "1",
        |at: &OccupancyAt| at.live_share.number(),
        docs("R / H", "0 to 1", "internal fragmentation and metadata count as free", ""),
    )
    .more_is_better()
    .shown(Heading {
        id: "pageslive",
        full: "pages live",
        short: "pages live",
        unit: "%",
        definition: "At the peak heap, live bytes over committed bytes.",
    }),
    entry("committed_pages", "pages", |at: &OccupancyAt| at.committed_pages.number(), docs("H in pages", "≥ 1", "", ""))
        .less_is_better(Gate::Never),
    entry(
        "occupied_pages",
        "pages",
        |at: &OccupancyAt| at.occupied_pages.number(),
        docs("pages with at least one live byte", "0 to `committed_pages`", "how full they are", ""),
    )
    .less_is_better(Gate::Never),
    entry(
        "pinned_pages",
        "pages",
        |at: &OccupancyAt| at.pinned_pages.number(),
        docs(
            "pages with live bytes in less than a tenth of them: what compaction could win most from",
            "0 to `occupied_pages`",
            "how the free bytes lie",
            "",
        ),
    )
    .less_is_better(Gate::OnRequest)
    .shown(Heading {
        id: "pinned",
        full: "pinned pages",
        short: "pages pinned",
        unit: "",
        definition: "At the peak heap, pages with live bytes in less than a tenth of them: what compaction could win most from.",
    }),
];

/// What is no single number.
pub(super) const LISTED: [Listed; 1] = [Listed {
    name: "pages_by_tenth",
    docs: docs(
        "pages that are empty; with up to below 10 %, below 20 %, … of live bytes; and full: 12 numbers whose sum is `committed_pages`",
        "",
        "",
        "",
    ),
}];
