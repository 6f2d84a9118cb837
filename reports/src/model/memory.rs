//! The memory figures of one contender on one trace: the parts, and the figures that belong to no part.

use serde::{Deserialize, Serialize};

use super::entry::{Definition, Entry, Gate, Number, entry, listed};
use super::fragmentation::Fragmentation;
use super::gaps::Gaps;
use super::growth::Growth;
use super::occupancy::Occupancy;
use super::over_run::JohnstoneWilson;
use super::over_time::{FootprintPoint, OccupancyGrid};
use super::reallocs::Reallocs;
use super::retention::Retention;
use super::splits::Split;
use super::strips::Strip;
use crate::results::figure::Figure;

/// Exact memory figures of one replay: the same bits every time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Largest heap in pages: max H.
    pub peak_heap_pages: u64,
    /// The same in bytes.
    pub peak_heap_bytes: u64,
    /// Event after which the heap first reached its peak, counted from 1.
    pub peak_heap_event: u64,
    /// max H / max R.
    pub overhead_ratio: f64,
    /// Johnstone and Wilson's fourth measure, (max H / max R − 1) in per cent.
    pub johnstone_wilson_4_percent: f64,
    /// Largest distance from the heap's base to the end of the highest byte that a live object has had: max S.
    pub peak_span_bytes: u64,
    /// Means over the run.
    pub johnstone_wilson: JohnstoneWilson,
    /// How reallocations were served.
    pub reallocs: Reallocs,
    /// How full the pages are at the peaks.
    pub occupancy: Occupancy,
    /// Internal fragmentation and gaps at the peaks.
    pub fragmentation: Fragmentation,
    /// The gaps between live blocks, at the peaks and at the end. Results of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gaps: Option<Gaps>,
    /// What is left after the last event.
    pub retention: Retention,
    /// How the heap grows if the program runs on.
    pub growth: Figure<Growth>,
    /// The split of all heap bytes, at the peaks and at the end. A part is unknown if the contender does not report it.
    pub splits: Vec<Split>,
    /// The heap by address, at the same instants. Empty in results of earlier versions.
    pub strips: Vec<Strip>,
    /// Successful requests for more pages.
    pub grow_calls: Figure<u64>,
    /// Failed requests: those that the contender answered with null.
    pub failed_requests: u64,
    /// The first of them.
    pub first_failure: Option<FailedRequest>,
    /// Live, span, committed and occupied over the run, in event order.
    pub timeline: Vec<FootprintPoint>,
    /// Where live bytes are in the heap, over the run.
    pub grid: OccupancyGrid,
}

/// A failed request, and the heap at that moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailedRequest {
    /// The event, counted from 1.
    pub event: u64,
    /// Requested size in bytes.
    pub size_bytes: u64,
    /// Requested alignment in bytes.
    pub align_bytes: u64,
    /// Heap pages at that moment.
    pub heap_pages: u64,
    /// Bytes live at that moment.
    pub live_bytes: u64,
}

const SOURCE: &str = "Johnstone & Wilson 1998";

const NOT_WRITTEN: &str = "pages that are committed and never written count like any other: `end_resident_bytes` \
    excludes them";

/// The footprint: how much heap the contender needs for the trace.
pub(super) static FOOTPRINT: &[Entry<Memory>] = &[
    entry("peak_heap_bytes", "B", |it: &Memory| it.peak_heap_bytes.number())
        .docs("max H", "≥ max R", NOT_WRITTEN)
        .less_is_better(Gate::ByDefault)
        .shown(["peak", "peak heap", "peak", ""], "The most bytes committed: max H. Exact and reproducible."),
    entry("peak_heap_pages", "pages", |it: &Memory| it.peak_heap_pages.number())
        .docs("max H in pages", "≥ max R", NOT_WRITTEN)
        .less_is_better(Gate::Never),
    entry("peak_heap_event", "1", |it: &Memory| it.peak_heap_event.number()).docs(
        "the event after which max H is *first* reached: the heap never shrinks, so there is a plateau",
        "1 to events",
        "",
    ),
    entry("overhead_ratio", "1", |it: &Memory| it.overhead_ratio.number())
        .docs("max H / max R; the two may be reached at different events", "≥ 1", "as for max H")
        .source(SOURCE)
        .less_is_better(Gate::Never)
        .shown(
            ["overhead", "overhead", "overhead", "×"],
            "Peak heap over peak live: max H / max R. 1 would be no overhead at all. The two may be reached at \
            different events.",
        ),
    entry("johnstone_wilson_4_percent", "%", |it: &Memory| it.johnstone_wilson_4_percent.number())
        .docs("(max H / max R − 1) × 100: their #4, the headline", "≥ 0 %", "as for max H")
        .source(SOURCE)
        .less_is_better(Gate::Never)
        .shown(["jw4", "J–W #4", "J–W #4", "%"], "Johnstone and Wilson's fourth measure: (max H / max R − 1) × 100."),
    entry("peak_span_bytes", "B", |it: &Memory| it.peak_span_bytes.number())
        .docs(
            "max S: the size of an arena that would have sufficed",
            "max R to max H",
            "metadata after the last object",
        )
        .less_is_better(Gate::OnRequest)
        .shown(
            ["span", "span", "span", ""],
            "From the heap's base to the end of the highest byte that any live object has had: the size of \
            an arena that would have sufficed.",
        ),
];

/// Requests for pages, and requests that fail.
pub(super) static REQUESTS: &[Entry<Memory>] = &[
    entry("grow_calls", "1", |it: &Memory| it.grow_calls.number())
        .docs("the contender's successful requests for pages", "≥ 1", "their size")
        .less_is_better(Gate::OnRequest),
    entry("failed_requests", "1", |it: &Memory| it.failed_requests.number())
        .docs("requests answered with null", "≥ 0", "requests for objects that are already missing")
        .less_is_better(Gate::Never)
        .shown(
            ["refused", "failed", "failed", ""],
            "Requests answered with null. A contender that fails requests does less work: it is not timed and cannot be \
            the best.",
        ),
];

/// The request figures that are not a single number.
pub(super) const LISTED_REQUESTS: &[Definition] = &[listed(
    "first_failure",
    "the first failure: `event`, `size_bytes`, `align_bytes`, `heap_pages`, `live_bytes`",
    "",
    "later failures",
)];
