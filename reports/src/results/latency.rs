//! How long single calls of one contender take. METHODOLOGY.md says how they are timed.

use serde::{Deserialize, Serialize};

use super::named::named;

/// Times of single calls, from replays of their own: the clock is read around each call, which no other timing does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// The clock, and what it costs. That cost is contained in every figure here.
    pub timer: Timer,
    /// Replays whose calls are in the figures.
    pub passes: u32,
    /// All calls together.
    pub all: Percentiles,
    /// Calls by what they ask for, and by size class; those without any calls are left out.
    pub by_class: Vec<ClassLatency>,
    /// The distribution of all calls, for a chart: from the fastest on, up to the maximum.
    pub curve: Vec<CurvePoint>,
    /// The slowest calls, slowest first. A call counts with its fastest pass: what was slow once was the machine, what was slow in every
    /// pass is the contender.
    pub slowest: Vec<SlowCall>,
}

/// A clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timer {
    /// Which.
    pub name: TimerName,
    /// Nanoseconds in one of its ticks.
    pub ns_per_tick: f64,
    /// What two readings with nothing in between differ by: the median of many.
    pub cost_ns: f64,
    /// The steps in which its readings come, which may be of many ticks: figures are multiples of it.
    pub step_ns: f64,
}

named! {
    /// Which clock it is.
    pub enum TimerName {
        /// The time stamp counter of x86.
        Tsc = "tsc",
        /// The virtual counter of Arm.
        Cntvct = "cntvct",
        /// The system's monotonic clock, where the processor has none that a program can read.
        Monotonic = "monotonic",
    }
}

/// Percentiles of some calls, in nanoseconds, the timer's cost included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Calls.
    pub count: u64,
    /// The median.
    pub p50_ns: f64,
    /// Nine in ten take no longer.
    pub p90_ns: f64,
    /// 99 in 100 take no longer.
    pub p99_ns: f64,
    /// 999 in 1,000 take no longer.
    pub p999_ns: f64,
    /// The slowest.
    pub max_ns: f64,
}

/// Calls of one kind and size class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassLatency {
    /// What was asked for.
    pub kind: CallKind,
    /// The sizes of the class go up to here; the class before it ends where this one begins. `None` for all that are larger, and the size
    /// of a realloc is the new one.
    pub up_to_bytes: Option<u64>,
    /// Its percentiles.
    pub percentiles: Percentiles,
}

named! {
    /// What a call asks for.
    pub enum CallKind {
        /// A new block.
        Alloc = "alloc",
        /// A new block of zeroes.
        AllocZeroed = "alloc_zeroed",
        /// Another size for a block.
        Realloc = "realloc",
        /// A block back.
        Dealloc = "dealloc",
    }
}

/// A point of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// The share of calls that take no longer, above 0 and up to 1.
    pub share: f64,
    /// Than this.
    pub ns: f64,
}

/// One of the slowest calls, and what the heap looked like before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlowCall {
    /// The event, counted from 1.
    pub event: u64,
    /// What was asked for.
    pub kind: CallKind,
    /// The size, the new one of a realloc.
    pub size_bytes: u64,
    /// How long its fastest pass took, the timer's cost included.
    pub ns: f64,
    /// Bytes live before it.
    pub live_bytes: u64,
    /// Objects live before it.
    pub live_objects: u64,
    /// Bytes committed before it.
    pub committed_bytes: u64,
    /// Bytes by which the heap grew in it.
    pub grown_bytes: u64,
}
