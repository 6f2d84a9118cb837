//! What a measurement leaves behind: plain data with its provenance, one versioned JSON document per trace.
//!
//! Measuring writes [`Results`]; tables, charts and every later comparison only read them. Raw samples are kept, so that any
//! interval can be computed again, and a figure that is not known is an [`Figure::Unknown`] with its reason, never a 0.
//!
//! ```
//! use reports::results::Figure;
//!
//! let peak: Figure<u64> = Figure::unknown("hands out no memory");
//! assert_eq!(peak.known(), None);
//! assert_eq!(serde_json::to_string(&peak)?, r#"{"unknown":"hands out no memory"}"#);
//! # Ok::<(), serde_json::Error>(())
//! ```

use serde::{Deserialize, Serialize};

/// The version of the JSON schema that this crate writes. It grows when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 2;

/// A figure, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Figure<T> {
    /// There is no figure; `unknown` says why.
    Unknown {
        /// The reason, in words that fit under a table.
        unknown: String,
    },
    /// The figure.
    Known(T),
}

impl<T> Figure<T> {
    /// A figure that is not there, for this reason.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Figure::Unknown { unknown: reason.into() }
    }

    /// The figure where there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Figure::Known(value) => Some(value),
            Figure::Unknown { .. } => None,
        }
    }
}

/// Everything that one trace gave, over all contenders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// Where, when and with what it was measured.
    pub provenance: Provenance,
    /// The choices that the figures depend on.
    pub settings: Settings,
    /// The trace and what is true of it alone.
    pub trace: Trace,
    /// What any allocator needs for the trace at least, and at the worst.
    pub bounds: Figure<Bounds>,
    /// One row a contender, failed ones too, in the order of the registry.
    pub contenders: Vec<Contender>,
}

/// Bounds to read the contenders' footprints against, in bytes of objects: no headers, no pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// The most bytes that are live at once: no allocator needs less.
    pub max_live_bytes: u64,
    /// The same with each size rounded up to a multiple of its alignment.
    pub max_live_aligned_bytes: u64,
    /// The largest size that is asked for.
    pub max_size_bytes: u64,
    /// Robson's bound for these most live bytes and this largest size: some program forces any allocator to it.
    pub robson_bytes: u64,
    /// What first-fit never needs more than, for any program with them (Robson 1977).
    pub robson_first_fit_bytes: u64,
    /// What a placement needs that knows beforehand when every object goes. Found by a heuristic, so the best may need less.
    pub clairvoyant_bytes: u64,
}

/// Where, when and with what it was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of Heaprace.
    pub heaprace_version: String,
    /// Git revision that the binary was built from; `-dirty` is appended where the tree had changes.
    pub git_revision: Figure<String>,
    /// `rustc --version` of the build.
    pub rustc: String,
    /// Build profile: `release` or `debug`.
    pub profile: String,
    /// Target triple of the build. Figures of a native replay are figures of this word size.
    pub target: String,
    /// Model name of the processor.
    pub cpu: Figure<String>,
    /// Processors that the process may run on.
    pub cpu_count: u32,
    /// Kernel name and release.
    pub kernel: Figure<String>,
    /// Frequency governor of the first processor.
    pub governor: Figure<String>,
    /// The system's policy for transparent huge pages (the page heap opts out of them).
    pub transparent_huge_pages: Figure<String>,
    /// Page size of the host, in bytes.
    pub host_page_bytes: u64,
    /// When the measurement began, RFC 3339, UTC.
    pub date: String,
}

/// The choices that the figures depend on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Seed of the shuffle of the rounds, and of the bootstrap.
    pub seed: u64,
    /// Whether each contender's minimum heap was searched for.
    pub min_heap: bool,
    /// Timing rounds; 0 where nothing was timed.
    pub rounds: u32,
    /// What the replay writes into each new or grown block: `none`, `first` (its first byte) or `all` (every byte).
    pub touch: String,
    /// Pages that the heap may have at most.
    pub heap_limit_pages: u64,
    /// Bytes in such a page.
    pub page_bytes: u64,
}

/// The trace and what is true of it alone, whatever the contender.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Name: the file's name without folder and endings.
    pub name: String,
    /// SHA-256 of the trace's uncompressed text, in hexadecimal.
    pub sha256: String,
    /// Where the trace comes from.
    pub origin: Origin,
    /// Events in it.
    pub events: u64,
    /// Of them, allocations (zeroed ones included).
    pub allocs: u64,
    /// Of them, reallocations.
    pub reallocs: u64,
    /// Of them, deallocations.
    pub deallocs: u64,
    /// Bytes requested over the whole run: sizes of allocations plus growth of reallocations.
    pub allocated_bytes: u64,
    /// The largest sum of sizes of live objects: max R.
    pub peak_live_bytes: u64,
    /// Event after which it was first reached, counted from 1.
    pub peak_live_event: u64,
    /// The largest number of live objects.
    pub peak_live_objects: u64,
    /// Objects still live at the end.
    pub left_live_objects: u64,
    /// Phase markers that the recorded program set, the first thousand of them.
    pub marks: Vec<Mark>,
    /// How many it set.
    pub mark_count: u64,
    /// What importing it from another tool's recording left out, filled in or put into order, a line each.
    pub repairs: Vec<String>,
}

/// A phase marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// How many events are before it.
    pub event: u64,
    /// What it says.
    pub name: String,
}

/// Where a trace comes from. Recorded and synthetic traces are never averaged together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Recorded from a real program, as the trace library states.
    Recorded,
    /// Made by a generator, as the trace library states.
    Synthetic,
    /// A file of the user's: nothing is stated about it.
    Unstated,
}

/// One contender's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contender {
    /// Name in the registry.
    pub name: String,
    /// Version of the crate that it comes from.
    pub version: String,
    /// What it is in the comparison.
    pub role: Role,
    /// Whether its blocks were what an allocator's must be.
    pub verification: Verification,
    /// Exact memory figures.
    pub memory: Figure<Memory>,
    /// The smallest heap that will do.
    pub min_heap: Figure<MinHeap>,
    /// Timings.
    pub time: Figure<Time>,
}

/// What a row is in the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// An allocator that one could ship.
    Contender,
    /// A yardstick that one would not ship.
    Baseline,
    /// No allocator at all: the time that the harness itself takes.
    Floor,
}

/// Whether a contender's blocks were what an allocator's must be: inside the heap, aligned, disjoint, keeping their bytes,
/// zeroed where promised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Verification {
    /// Every event was checked and held.
    Passed,
    /// A check failed. The contender is out: it has no timing.
    Failed {
        /// The event, counted from 1.
        event: u64,
        /// What was wrong, with addresses as offsets into the heap.
        message: String,
    },
    /// It was not checked.
    NotChecked {
        /// Why not.
        reason: String,
    },
}

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
    /// Where all bytes of the heap are, at the peaks and at the end; unknown parts where the contender does not tell.
    pub splits: Vec<Split>,
    /// Successful calls for more pages.
    pub grow_calls: u64,
    /// Requests that the contender answered with null.
    pub failed_requests: u64,
    /// The first of them.
    pub first_failure: Option<FailedRequest>,
    /// Live, span, committed and occupied over the run, in order of events.
    pub timeline: Vec<FootprintPoint>,
    /// Where in the heap live bytes are, over the run.
    pub grid: OccupancyGrid,
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
    /// Those bytes over all bytes requested.
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

/// Where all committed bytes are at one instant. The parts sum to H.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// Which instant: `peak-live`, `peak-heap` or `end`.
    pub at: String,
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

/// What a part of the heap is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PartKind {
    /// R: requested by live objects.
    Requested,
    /// G − R: granted beyond that.
    Rounding,
    /// Freed, and waiting to be used again.
    Free,
    /// Never used yet.
    Tail,
    /// Given up: it will not be used again.
    Lost,
    /// The contender's own data.
    Metadata,
    /// The contender does not tell.
    Unknown,
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
    /// Bytes requested up to then.
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

/// Wall times of whole replays, a sample a round, in the order of the rounds.
///
/// Samples of the same index belong to the same round, over all contenders: ratios are formed within it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Time {
    /// Operations in one replay: divide a sample by it for ns per op.
    pub ops: u64,
    /// On fresh zeroed pages, page faults included.
    pub cold_ns: Vec<u64>,
    /// On pages that are resident already.
    pub warm_ns: Vec<u64>,
}
