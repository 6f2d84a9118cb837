//! The registry's contenders, each compiled into the engine.

use std::time::Duration;

use allocators::page_heap::Reset;
use allocators::registry::{self, Visitor};
use allocators::{HeapAllocator, Info};
use reports::results::Latency;

use crate::engine::{TouchAll, TouchFirst, TouchNone};
use crate::lane::{Examination, Lane, LaneError, Meter};
use crate::latency::Clock;
use crate::leash::Leash;
use crate::metrics::Instant;

/// What the replay writes into new memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TouchPolicy {
    /// Nothing: the allocator's own cost.
    None,
    /// The first new byte of each new or grown block.
    First,
    /// Every new byte.
    All,
}

impl TouchPolicy {
    /// Its name in results and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            TouchPolicy::None => "none",
            TouchPolicy::First => "first",
            TouchPolicy::All => "all",
        }
    }
}

type TimeOne = fn(&mut Lane<'_>, Reset, Leash<'_>) -> Result<Duration, LaneError>;
type MeterOne = fn(&mut Lane<'_>, Reset, Leash<'_>, Meter<'_>) -> Result<(), LaneError>;
type Latencies = fn(&mut Lane<'_>, &Clock, Leash<'_>) -> Result<Latency, LaneError>;
type Examine = fn(&mut Lane<'_>, bool, &[Instant], Leash<'_>) -> Result<Examination, LaneError>;
type FirstFailure = fn(&mut Lane<'_>, usize, Leash<'_>) -> Result<Option<u64>, LaneError>;

/// A contender, ready to run: one function call a replay, nothing dispatched within.
#[derive(Clone, Copy, Debug)]
pub struct Contender {
    /// What it is.
    pub info: Info,
    /// [`HeapAllocator::probe`].
    pub probe: fn() -> Result<(), String>,
    /// [`Lane::examine`].
    pub examine: Examine,
    /// [`Lane::first_failure`].
    pub first_failure: FirstFailure,
    /// One for each touch policy, in their order.
    time: [TimeOne; 3],
    /// Likewise.
    metered: [MeterOne; 3],
    /// Likewise.
    latency: [Latencies; 3],
}

impl Contender {
    /// The contender of type `A`, registered or not.
    pub fn of<A: HeapAllocator>() -> Self {
        Contender {
            info: A::INFO,
            probe: A::probe,
            examine: |lane, verify, snapshots, leash| lane.examine::<A>(verify, snapshots, leash),
            first_failure: |lane, limit_pages, leash| lane.first_failure::<A>(limit_pages, leash),
            time: [
                |lane, reset, leash| lane.time::<A, TouchNone>(reset, leash),
                |lane, reset, leash| lane.time::<A, TouchFirst>(reset, leash),
                |lane, reset, leash| lane.time::<A, TouchAll>(reset, leash),
            ],
            metered: [
                |lane, reset, leash, meter| lane.metered::<A, TouchNone>(reset, leash, meter),
                |lane, reset, leash, meter| lane.metered::<A, TouchFirst>(reset, leash, meter),
                |lane, reset, leash, meter| lane.metered::<A, TouchAll>(reset, leash, meter),
            ],
            latency: [
                |lane, clock, leash| lane.latency::<A, TouchNone>(clock, leash),
                |lane, clock, leash| lane.latency::<A, TouchFirst>(clock, leash),
                |lane, clock, leash| lane.latency::<A, TouchAll>(clock, leash),
            ],
        }
    }

    /// All that are registered, in the order of the tables.
    pub fn all() -> Vec<Self> {
        registry::visit_all(&mut Compiled)
    }

    /// The registered one of this name.
    pub fn named(name: &str) -> Option<Self> {
        registry::visit(name, &mut Compiled)
    }

    /// [`Lane::time`].
    ///
    /// # Errors
    ///
    /// Those of [`Lane::time`].
    pub fn time(
        &self,
        lane: &mut Lane<'_>,
        reset: Reset,
        touch: TouchPolicy,
        leash: Leash<'_>,
    ) -> Result<Duration, LaneError> {
        (self.time[touch as usize])(lane, reset, leash)
    }

    /// What a meter finds about a warm replay, on pages that a replay before has made resident: [`Lane::metered`].
    ///
    /// # Errors
    ///
    /// Those of [`Lane::metered`].
    pub fn metered_warm(
        &self,
        lane: &mut Lane<'_>,
        touch: TouchPolicy,
        leash: Leash<'_>,
        meter: Meter<'_>,
    ) -> Result<(), LaneError> {
        self.time(lane, Reset::Cold, touch, leash)?;
        (self.metered[touch as usize])(lane, Reset::Warm, leash, meter)
    }

    /// [`Lane::latency`].
    ///
    /// # Errors
    ///
    /// Those of [`Lane::latency`].
    pub fn latency(
        &self,
        lane: &mut Lane<'_>,
        clock: &Clock,
        touch: TouchPolicy,
        leash: Leash<'_>,
    ) -> Result<Latency, LaneError> {
        (self.latency[touch as usize])(lane, clock, leash)
    }
}

struct Compiled;

impl Visitor for Compiled {
    type Output = Contender;

    fn visit<A: HeapAllocator>(&mut self) -> Contender {
        Contender::of::<A>()
    }
}
