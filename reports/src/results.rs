//! What a measurement leaves behind: plain data with its provenance, one versioned JSON document per trace.
//!
//! Measuring writes [`Results`]; tables, charts and every later comparison only read them. Raw samples are kept, so that any
//! interval can be computed again, and a figure that is not known is an [`Figure::Unknown`] with its reason, never a 0.
//!
//! ```
//! use heaprace_reports::results::{Figure, Reason};
//!
//! let peak: Figure<u64> = Figure::unknown(Reason::NoMemoryHandedOut);
//! assert_eq!(peak.known(), None);
//! assert_eq!(serde_json::to_string(&peak)?, r#"{"unknown":"hands out no memory"}"#);
//! # Ok::<(), serde_json::Error>(())
//! ```

pub(crate) mod figure;
pub(crate) mod latency;
pub(crate) mod named;
mod reason;
pub(crate) mod role;
mod warning;

use serde::{Deserialize, Serialize};

use self::named::named;
use crate::wasm::WasmResults;

pub use crate::model::{
    Bounds, Class, Distributions, FailedRequest, FootprintPoint, Fragmentation, FragmentationAt, Gaps, GapsAt, Growth,
    JohnstoneWilson, JointClass, LimitTried, Memory, MinHeap, Moment, Occupancy, OccupancyAt, OccupancyGrid, PartKind,
    Reallocs, Retention, Split, SplitPart, Strip,
};

pub use figure::Figure;
pub(crate) use figure::{fault, reason_in};
pub use latency::*;
pub use reason::{Grouped, Reason};
pub use role::Role;
pub use warning::*;

/// The version of the JSON schema that this crate writes. It grows when a field changes its meaning or goes away; a new field does not make
/// it grow. `tests/fixtures` has a document of each version: a test fails where a field is not in today's, or where one does not load.
pub const SCHEMA_VERSION: u32 = 4;

/// The oldest version of the schema that can still be read: all that were ever written. What an older version does not have is unknown, with
/// a [`Reason`] that names the version:
/// - schema 3 has no steady times: its `warm_ns` is of rewound heaps ([`Time::rewound_ns`]);
/// - schema 2 has no warnings, distributions, strips, latency or instructions;
/// - schema 1 has no bounds and no minimum heap, and of the memory figures a part alone, so that they are unknown as a whole.
pub const OLDEST_SCHEMA_VERSION: u32 = 1;

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
    /// What should make a reader doubt the timings.
    pub warnings: Vec<Warning>,
    /// One row a contender, failed ones too, in the order of the registry.
    pub contenders: Vec<Contender>,
    /// What each row was measured by, where the results were merged of several runs; empty otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged_from: Vec<Part>,
    /// What the same trace gave in WebAssembly, if it was replayed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wasm: Option<WasmResults>,
}

/// A part of merged results, and the run that it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The contender whose row it is, or `bounds`.
    pub part: String,
    /// Id of the cell of the sweep.
    pub cell: String,
    /// Where, when and with what it was measured.
    pub provenance: Provenance,
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
    /// Whether the build was optimised.
    pub profile: BuildProfile,
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
    /// Seed of the shuffle of the rounds.
    pub seed: u64,
    /// Whether each contender's minimum heap was searched for.
    pub min_heap: bool,
    /// Whether single calls were timed.
    pub latency: bool,
    /// Whether instructions were counted.
    pub instructions: bool,
    /// Timing rounds; 0 where nothing was timed.
    pub rounds: u32,
    /// How much was done against measurement noise.
    pub rigor: Rigor,
    /// The contender that ratios of times are formed to, where it takes part.
    pub baseline: String,
    /// The most time that a contender may take for its examination, and again for its timing; `None` for as much as it needs.
    pub budget_ns: Option<u64>,
    /// Whether the trace was too long to be held in memory, and was decoded beside each replay.
    pub streamed: bool,
    /// What the replay writes into each new or grown block.
    pub touch: TouchPolicy,
    /// Pages that the heap may have at most.
    pub heap_limit_pages: u64,
    /// Bytes in such a page.
    pub page_bytes: u64,
}

named! {
    /// How the program was built.
    pub enum BuildProfile {
        /// Optimised.
        Release = "release",
        /// Not optimised: its times say nothing about what is shipped.
        Debug = "debug",
    }
}

named! {
    /// What the replay writes into each new or grown block.
    pub enum TouchPolicy {
        /// Nothing: the allocator's code alone is timed.
        None = "none",
        /// Its first new byte.
        First = "first",
        /// Every new byte.
        All = "all",
        /// What the program wrote, if the trace has written extents; else every new byte.
        Written = "written",
    }
}

/// Programs write to the memory that they ask for, but not to all of it.
impl Default for TouchPolicy {
    fn default() -> Self {
        TouchPolicy::Written
    }
}

impl TouchPolicy {
    /// The policy that replays follow: without extents to follow, every new byte is written, by the same loop.
    #[must_use]
    pub fn effective(self, has_extents: bool) -> Self {
        match self {
            TouchPolicy::Written if !has_extents => TouchPolicy::All,
            other => other,
        }
    }
}

named! {
    /// How much was done against measurement noise.
    pub enum Rigor {
        /// Few rounds: for a first look.
        Quick = "quick",
        /// Enough rounds for an interval.
        Default = "default",
        /// Many rounds, a process of its own for each contender and round, with an environment of random size, on one processor.
        Rigorous = "rigorous",
    }
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
    /// Who wrote the program and for what, as the trace library states; `None` for other traces, and for results from
    /// before it was stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ProgramKind>,
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
    /// How its sizes and lifetimes are distributed.
    pub distributions: Figure<Distributions>,
    /// Phase markers that the recorded program set, the first thousand of them.
    pub marks: Vec<Mark>,
    /// How many it set.
    pub mark_count: u64,
    /// What importing it from another tool's recording left out, filled in or put into order, a line each.
    pub repairs: Vec<String>,
    /// What it knows about how much of each block the program wrote; `None` if nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extents: Option<Extents>,
    /// How long the recorded program ran; `None` if the recording does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RecordedRun>,
}

/// How long a recorded program ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedRun {
    /// Time that passed, in nanoseconds.
    pub wall_ns: u64,
    /// Processor time of all threads, in nanoseconds, with that of recording.
    pub cpu_ns: u64,
    /// What recording took of it, in nanoseconds: an estimate.
    pub recorder_ns: u64,
}

/// What a trace knows about how much of each block the program wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extents {
    /// Blocks: allocations and reallocations.
    pub blocks: u64,
    /// Of them, those of which the trace knows how much the program wrote.
    pub known_blocks: u64,
    /// Bytes that the program wrote. A block of which it is not known counts with all its new bytes.
    pub written_bytes: u64,
}

/// A phase marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// How many events are before it.
    pub event: u64,
    /// What it says.
    pub name: String,
}

named! {
    /// Where a trace comes from. Recorded and synthetic traces are never averaged together.
    pub enum Origin {
        /// Recorded from a real program, as the trace library states.
        Recorded = "recorded",
        /// Made by a generator, as the trace library states.
        Synthetic = "synthetic",
        /// A file of the user's: nothing is stated about it.
        Unstated = "unstated",
    }
}

named! {
    /// Who wrote a recorded program. Means are shown for all recorded traces, and for each kind.
    pub enum ProgramKind {
        /// Written for the trace library, around a published crate.
        Driver = "driver",
        /// Written by others, for a use of their own.
        Program = "program",
    }
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
    /// Where its examination was ended before the trace was. There are no memory figures then, as they would not repeat.
    pub partial: Option<Partial>,
    /// Exact memory figures.
    pub memory: Figure<Memory>,
    /// The smallest heap that will do.
    pub min_heap: Figure<MinHeap>,
    /// Timings.
    pub time: Figure<Time>,
    /// How long single calls take.
    pub latency: Figure<Latency>,
    /// Instructions that the processor retires in a replay.
    pub instructions: Figure<Instructions>,
}

/// How far a contender came until its time was over, or the user's patience.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    /// Why it ended.
    pub reason: Reason,
    /// Events that were replayed.
    pub events: u64,
    /// Bytes that the heap had by then: its peak is at least that.
    pub heap_bytes: u64,
    /// How long that took.
    pub elapsed_ns: u64,
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
        reason: Reason,
    },
}

/// Wall times of whole replays, a sample a round, in the order of the rounds.
///
/// Samples of the same index belong to the same round, over all contenders: ratios are formed within it. A contender whose time was over
/// has fewer samples, of the first rounds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Time {
    /// Operations in one replay: divide a sample by it for ns per op.
    pub ops: u64,
    /// A program that starts and ends: one replay on fresh zeroed pages, page faults and giving the pages back included.
    pub fresh_ns: Vec<u64>,
    /// A program that runs on: the trace is looped on one heap, from fresh pages, until times and footprint settle or the loops are used
    /// up. A sample is the mean of the last two loops. Empty where [`no_steady`](Self::no_steady) says why.
    pub steady_ns: Vec<u64>,
    /// Why there are no steady samples, where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_steady: Option<Reason>,
    /// The fresh samples by the thread's own clock, which stands still while it has no processor. Empty where the system has no such clock.
    pub fresh_processor_ns: Vec<u64>,
    /// The steady samples by the same clock.
    pub steady_processor_ns: Vec<u64>,
    /// Only in results of schema 3, as `warm_ns`: a replay on a rewound heap, whose pages an earlier replay had paid for. No program has
    /// such a heap, so nothing is concluded from these samples; they are kept for comparisons of old results.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rewound_ns: Vec<u64>,
    /// Who else ran in these very rounds, where they are not the rounds of the other rows: results that were merged from several
    /// runs. Ratios are formed to these then, and to no other row.
    pub companions: Vec<Companion>,
}

/// Who ran in the same rounds as another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Companion {
    /// Its name.
    pub name: String,
    /// Its samples of a program that starts.
    pub fresh_ns: Vec<u64>,
    /// Its samples of a program that runs on.
    pub steady_ns: Vec<u64>,
    /// Its samples on a rewound heap, as [`Time::rewound_ns`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rewound_ns: Vec<u64>,
}

named! {
    /// Who counts instructions.
    pub enum InstructionCounter {
        /// The processor's own counter, by Linux's `perf_event`.
        PerfEvent = "perf_event",
        /// Valgrind's callgrind: exact, by simulation.
        Callgrind = "callgrind",
    }
}

/// Instructions of one fresh replay: the loop, what it writes into new memory, and the contender; the kernel's are not counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instructions {
    /// Who counted.
    pub counter: InstructionCounter,
    /// Instructions of the whole replay, the harness's own included: the floor's row has these alone.
    pub instructions: u64,
    /// Operations of the replay.
    pub ops: u64,
}
