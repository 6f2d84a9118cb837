//! The registry's contenders, each compiled into the engine.

use std::ops::ControlFlow;

use heaprace_allocators::registry::{self, Visitor};
use heaprace_allocators::{HeapAllocator, Info};
use heaprace_reports::results::{Latency, Touched};

use crate::engine::{TouchAll, TouchFirst, TouchNone};
use crate::lane::{Examination, Lane, LaneError, Lap, Meter, OnLap};
use crate::latency::Clock;
use crate::leash::Leash;
use crate::metrics::Instant;

/// What the replay writes into new memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TouchPolicy {
    /// Nothing: the allocator's code alone. Real programs do write what they ask for
    None,
    /// The first new byte of each new or grown block
    First,
    /// Every new byte once, as a program does that asks for what it needs
    #[default]
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

    /// As results have it.
    pub fn touched(self) -> Touched {
        match self {
            TouchPolicy::None => Touched::Nothing,
            TouchPolicy::First => Touched::FirstByte,
            TouchPolicy::All => Touched::EveryByte,
        }
    }
}

type Laps = fn(&mut Lane<'_>, Leash<'_>, OnLap<'_>) -> Result<(), LaneError>;
type MeterOne = fn(&mut Lane<'_>, Leash<'_>, Meter<'_>) -> Result<(), LaneError>;
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
    laps: [Laps; 3],
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
            laps: [
                |lane, leash, on_lap| lane.laps::<A, TouchNone>(leash, on_lap),
                |lane, leash, on_lap| lane.laps::<A, TouchFirst>(leash, on_lap),
                |lane, leash, on_lap| lane.laps::<A, TouchAll>(leash, on_lap),
            ],
            metered: [
                |lane, leash, meter| lane.metered::<A, TouchNone>(leash, meter),
                |lane, leash, meter| lane.metered::<A, TouchFirst>(leash, meter),
                |lane, leash, meter| lane.metered::<A, TouchAll>(leash, meter),
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

    /// [`Lane::laps`].
    ///
    /// # Errors
    ///
    /// Those of [`Lane::laps`].
    pub fn laps(
        &self,
        lane: &mut Lane<'_>,
        touch: TouchPolicy,
        leash: Leash<'_>,
        on_lap: OnLap<'_>,
    ) -> Result<(), LaneError> {
        (self.laps[touch as usize])(lane, leash, on_lap)
    }

    /// The first of them alone: a fresh replay.
    ///
    /// # Errors
    ///
    /// Those of [`Lane::laps`].
    pub fn fresh_lap(&self, lane: &mut Lane<'_>, touch: TouchPolicy, leash: Leash<'_>) -> Result<Lap, LaneError> {
        let mut first = Lap::default();
        self.laps(lane, touch, leash, &mut |lap| {
            first = lap;
            ControlFlow::Break(())
        })?;
        Ok(first)
    }

    /// [`Lane::metered`].
    ///
    /// # Errors
    ///
    /// Those of [`Lane::metered`].
    pub fn metered(
        &self,
        lane: &mut Lane<'_>,
        touch: TouchPolicy,
        leash: Leash<'_>,
        meter: Meter<'_>,
    ) -> Result<(), LaneError> {
        (self.metered[touch as usize])(lane, leash, meter)
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
