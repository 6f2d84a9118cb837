//! The memory figures of one contender on one trace. METRICS.md defines each.

use serde::{Deserialize, Serialize};

use super::figure::Figure;
use super::named::named;

/// Exact memory figures of one replay: the same bits every time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Most pages that the heap had: max H, in pages.
    pub peak_heap_pages: u64,
    /// The same in bytes.
    pub peak_heap_bytes: u64,
    /// Event after which the peak was first reached, counted from 1.
    pub peak_heap_event: u64,
    /// max H / max R.
    pub overhead_ratio: f64,
    /// Johnstone and Wilson's fourth measure, (max H / max R − 1) in per cent.
    pub johnstone_wilson_4_percent: f64,
    /// Most bytes from the heap's base to the end of the highest byte that a live object has had: max S.
    pub peak_span_bytes: u64,
    /// Means over the run.
    pub johnstone_wilson: JohnstoneWilson,
    /// How reallocations were served.
    pub reallocs: Reallocs,
    /// How full the pages are at the peaks.
    pub occupancy: Occupancy,
    /// Rounding and gaps at the peaks.
    pub fragmentation: Fragmentation,
    /// What is left after the last event.
    pub retention: Retention,
    /// How the heap grows where the program runs on.
    pub growth: Figure<Growth>,
    /// Where all bytes of the heap are, at the peaks and at the end; unknown parts where the contender does not tell.
    pub splits: Vec<Split>,
    /// What lies where in the heap, at the same instants. Empty in results of versions before it.
    pub strips: Vec<Strip>,
    /// Successful calls for more pages. A figure of its own, so that a document without it still has the others.
    pub grow_calls: Figure<u64>,
    /// Requests that the contender answered with null.
    pub failed_requests: u64,
    /// The first of them.
    pub first_failure: Option<FailedRequest>,
    /// Live, span, committed and occupied over the run, in order of events.
    pub timeline: Vec<FootprintPoint>,
    /// Where in the heap live bytes are, over the run.
    pub grid: OccupancyGrid,
}

/// Pages of a program that runs on: the trace is looped on one heap, and what it leaves live is freed between the loops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growth {
    /// Pages that the heap has after each loop; the first is the trace itself.
    pub heap_pages: Vec<u64>,
    /// Pages that a further loop adds, as the mean of the last four, rounded up: 0 where the heap has settled, as the last two loops have
    /// added nothing.
    pub per_loop_pages: u64,
}

/// Committed over live over the run, after Johnstone and Wilson (ISMM 1998), each as (ratio − 1) in per cent. Their fourth measure is
/// [`Memory::johnstone_wilson_4_percent`]. `None` where nothing was ever live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JohnstoneWilson {
    /// #1 read as the mean of H / R, over bytes requested.
    pub mean_of_ratios_by_bytes_percent: Option<f64>,
    /// The same over events.
    pub mean_of_ratios_by_events_percent: Option<f64>,
    /// #1 read as mean H over mean R, over bytes requested.
    pub ratio_of_means_by_bytes_percent: Option<f64>,
    /// The same over events.
    pub ratio_of_means_by_events_percent: Option<f64>,
    /// #2: H over R at the first instant of max R.
    pub at_peak_live_percent: Option<f64>,
    /// #3: H over R at the first instant of max H.
    pub at_peak_heap_percent: Option<f64>,
}

/// Reallocations that succeeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reallocs {
    /// How many.
    pub count: u64,
    /// Of them, those that left the block where it was.
    pub in_place: u64,
    /// The same as a share; none where there were no reallocations.
    pub in_place_share: Option<f64>,
    /// Bytes that moving the others copied: the smaller of old and new size of each.
    pub copied_bytes: u64,
    /// Those bytes over the bytes of all requests that succeeded.
    pub copied_per_requested_byte: Option<f64>,
}

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
    /// Pages with live bytes in less than a tenth of them.
    pub pinned_pages: u64,
    /// Pages by occupancy: empty, up to below 10 %, up to below 20 %, and so on, and full. Their sum is the committed pages.
    pub pages_by_tenth: Vec<u64>,
}

/// Fragmentation at two instants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fragmentation {
    /// At the first instant of max R.
    pub at_peak_live: FragmentationAt,
    /// At the first instant of max H.
    pub at_peak_heap: FragmentationAt,
}

/// Rounding within blocks and gaps between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FragmentationAt {
    /// After this event, counted from 1.
    pub event: u64,
    /// R.
    pub live_bytes: u64,
    /// G, where the contender tells it.
    pub granted_bytes: Option<u64>,
    /// S.
    pub span_bytes: u64,
    /// (G − R) / G: internal fragmentation.
    pub internal_share: Option<f64>,
    /// (S − R) / S: the share of the span that no live object has, an upper bound on free space within it.
    pub gap_share: Option<f64>,
}

/// What is left after the last event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retention {
    /// H after the last event.
    pub end_heap_bytes: u64,
    /// Bytes that the host has memory behind then, every byte of every block having been written.
    pub end_resident_bytes: Figure<u64>,
    /// H after all objects that the program left were freed, too.
    pub freed_heap_bytes: u64,
    /// Resident bytes then.
    pub freed_resident_bytes: Figure<u64>,
}

named! {
    /// An instant that every run has.
    pub enum Moment {
        /// The first instant of max R.
        PeakLive = "peak-live",
        /// The first instant of max H.
        PeakHeap = "peak-heap",
        /// After the last event.
        End = "end",
    }
}

/// Where all committed bytes are at one instant. The parts sum to H.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// Which instant.
    pub at: Moment,
    /// After this event, counted from 1.
    pub event: u64,
    /// H.
    pub committed_bytes: u64,
    /// The parts.
    pub parts: Vec<SplitPart>,
}

/// A part of the heap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitPart {
    /// What it is.
    pub kind: PartKind,
    /// Its name in the contender's words.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

named! {
    /// What a part of the heap is.
    pub enum PartKind {
        /// R: requested by live objects.
        Requested = "requested",
        /// G − R: granted beyond that.
        Rounding = "rounding",
        /// Freed, and waiting to be used again.
        Free = "free",
        /// Never used yet.
        Tail = "tail",
        /// Given up: it will not be used again.
        Lost = "lost",
        /// The contender's own data.
        Metadata = "metadata",
        /// The contender does not report it.
        Unknown = "unknown",
    }
}

/// What lies in each part of the heap at one instant. The parts follow each other from the heap's base to the end of what is committed then,
/// and have one item each in the three lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Strip {
    /// Which instant.
    pub at: Moment,
    /// After this event, counted from 1.
    pub event: u64,
    /// H.
    pub committed_bytes: u64,
    /// Bytes of address space in a part; the last one may reach beyond H.
    pub part_bytes: u64,
    /// Live bytes in thousandths of the part's, rounded up.
    pub live_permille: Vec<u16>,
    /// The size class that most of the live bytes belong to: a power of two, up to which the sizes go, from half of it. `None` where nothing
    /// is live.
    pub most_size_up_to_bytes: Vec<Option<u64>>,
    /// Mean age of the live bytes: events since their object was placed there in its size, rounded down. `None` where nothing is live.
    pub mean_age_events: Vec<Option<u64>>,
}

/// An address × time grid of live bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OccupancyGrid {
    /// Bytes of address space in a row; row 0 is at the heap's base.
    pub row_bytes: u64,
    /// Events in a column; the last one may have fewer.
    pub events_per_column: u64,
    /// For each column its rows: live bytes in thousandths of the row's, rounded down, at the end of the column.
    pub live_permille: Vec<Vec<u16>>,
}

/// A request that a contender answered with null, and the heap at that moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailedRequest {
    /// The event, counted from 1.
    pub event: u64,
    /// Requested size in bytes.
    pub size_bytes: u64,
    /// Requested alignment in bytes.
    pub align_bytes: u64,
    /// Pages that the heap had.
    pub heap_pages: u64,
    /// Bytes live at that moment.
    pub live_bytes: u64,
}

/// The footprint over one stretch of events: the largest of each figure in it, so that no peak is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FootprintPoint {
    /// The stretch's last event, counted from 1.
    pub event: u64,
    /// The clock of bytes then: bytes of the requests up to then that succeeded.
    pub requested_bytes: u64,
    /// Most bytes requested and live: R.
    pub live_bytes: u64,
    /// Most bytes of span: S.
    pub span_bytes: u64,
    /// Most bytes committed: H.
    pub committed_bytes: u64,
    /// Most pages with at least one live byte.
    pub occupied_pages: u64,
    /// Events in which the heap grew.
    pub grow_events: u64,
}

/// The smallest heap in which a contender completes the whole trace, no request being answered with null: the same bits every time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinHeap {
    /// Its pages.
    pub pages: u64,
    /// The same in bytes.
    pub bytes: u64,
    /// Those bytes over max R.
    pub ratio_to_max_live: f64,
    /// How many of the limits that were tried are larger, and yet the trace did not complete: completion is not monotone where it is more
    /// than 0, and the minimum then is the smallest of the limits tried.
    pub failed_above: u64,
    /// Every limit that was tried, in ascending order. Max H is not among them: with it, the trace completes.
    pub limits_tried: Vec<LimitTried>,
}

/// A limit of the heap, and whether the trace completed within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitTried {
    /// Pages that the heap could have.
    pub pages: u64,
    /// The event whose request was answered with null, counted from 1; `None` where the trace completed.
    pub first_failure_event: Option<u64>,
}
