//! The registry's contenders, each compiled into the engine.

use std::ops::ControlFlow;
use std::sync::atomic::AtomicU64;

use heaprace_allocators::conformance;
use heaprace_allocators::contenders::{self, Visitor};
use heaprace_allocators::{HeapAllocator, Info};
use heaprace_reports::results::{Latency, Verification};

use crate::engine::{TouchAll, TouchFirst, TouchNone, TouchWritten};
use crate::lane::{Examination, Lane, LaneError, Lap, Meter, OnLap};
use crate::limits::Limits;
use crate::memory::metrics::Instant;
use crate::time::calls::Clock;

pub use heaprace_reports::results::TouchPolicy;

type Laps = fn(&mut Lane<'_>, Limits<'_>, OnLap<'_>) -> Result<(), LaneError>;
type MeterOne = fn(&mut Lane<'_>, Limits<'_>, Meter<'_>) -> Result<(), LaneError>;
type Latencies = fn(&mut Lane<'_>, &Clock, Limits<'_>) -> Result<Latency, LaneError>;
type Examine = fn(&mut Lane<'_>, bool, &[Instant], Limits<'_>) -> Result<Examination, LaneError>;
type Verify = fn(&mut Lane<'_>, &AtomicU64, Limits<'_>) -> Result<Verification, LaneError>;
type FirstFailure = fn(&mut Lane<'_>, usize, Limits<'_>) -> Result<Option<u64>, LaneError>;

/// A contender, ready to run: one function call per replay, without dispatch inside.
#[derive(Clone, Copy, Debug)]
pub struct Contender {
    /// Describes the contender.
    pub info: Info,
    /// [`HeapAllocator::probe`].
    pub probe: fn() -> Result<(), String>,
    /// [`Lane::examine`].
    pub examine: Examine,
    /// [`Lane::verify`].
    pub verify: Verify,
    /// [`conformance::cases`].
    pub conformance: fn() -> Vec<conformance::Case>,
    /// [`Lane::first_failure`].
    pub first_failure: FirstFailure,
    /// One per touch policy, in the order of [`TouchPolicy`].
    laps: [Laps; 4],
    /// As `laps`.
    metered: [MeterOne; 4],
    /// As `laps`.
    latency: [Latencies; 4],
}

impl Contender {
    /// The contender of type `A`, registered or not.
    pub fn of<A: HeapAllocator>() -> Self {
        Self::accounted_by::<A, A>()
    }

    /// The contender of type `A`, with `Accounted` for its memory figures: the same allocator with accounting, which
    /// places every block as `A` does.
    pub fn accounted_by<A: HeapAllocator, Accounted: HeapAllocator>() -> Self {
        Contender {
            info: A::info(),
            probe: A::probe,
            examine: |lane, verify, snapshots, limits| lane.examine::<A, Accounted>(verify, snapshots, limits),
            verify: |lane, done, limits| lane.verify::<A>(done, limits),
            conformance: conformance::cases::<A>,
            first_failure: |lane, limit_pages, limits| lane.first_failure::<A>(limit_pages, limits),
            laps: [
                |lane, limits, on_lap| lane.laps::<A, TouchNone>(limits, on_lap),
                |lane, limits, on_lap| lane.laps::<A, TouchFirst>(limits, on_lap),
                |lane, limits, on_lap| lane.laps::<A, TouchAll>(limits, on_lap),
                |lane, limits, on_lap| lane.laps::<A, TouchWritten>(limits, on_lap),
            ],
            metered: [
                |lane, limits, meter| lane.metered::<A, TouchNone>(limits, meter),
                |lane, limits, meter| lane.metered::<A, TouchFirst>(limits, meter),
                |lane, limits, meter| lane.metered::<A, TouchAll>(limits, meter),
                |lane, limits, meter| lane.metered::<A, TouchWritten>(limits, meter),
            ],
            latency: [
                |lane, clock, limits| lane.latency::<A, TouchNone>(clock, limits),
                |lane, clock, limits| lane.latency::<A, TouchFirst>(clock, limits),
                |lane, clock, limits| lane.latency::<A, TouchAll>(clock, limits),
                |lane, clock, limits| lane.latency::<A, TouchWritten>(clock, limits),
            ],
        }
    }

    /// All registered contenders, in table order.
    pub fn all() -> Vec<Self> {
        contenders::visit_all(&mut Compiled)
    }

    /// The registered contender of this name.
    pub fn named(name: &str) -> Option<Self> {
        contenders::visit(name, &mut Compiled)
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
        limits: Limits<'_>,
        on_lap: OnLap<'_>,
    ) -> Result<(), LaneError> {
        self.laps[followed(touch, lane)](lane, limits, on_lap)
    }

    /// A fresh replay: the first lap alone, and giving its pages back, which a program pays for when it ends.
    ///
    /// # Errors
    ///
    /// Those of [`Lane::laps`].
    pub fn fresh_lap(&self, lane: &mut Lane<'_>, touch: TouchPolicy, limits: Limits<'_>) -> Result<Lap, LaneError> {
        let mut first = Lap::default();
        self.laps(lane, touch, limits, &mut |lap| {
            first = lap;
            ControlFlow::Break(())
        })?;
        let given_back = lane.give_back()?;
        first.wall += given_back.wall;
        first.processor = first.processor.zip(given_back.processor).map(|(lap, rest)| lap + rest);
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
        limits: Limits<'_>,
        meter: Meter<'_>,
    ) -> Result<(), LaneError> {
        self.metered[followed(touch, lane)](lane, limits, meter)
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
        limits: Limits<'_>,
    ) -> Result<Latency, LaneError> {
        self.latency[followed(touch, lane)](lane, clock, limits)
    }
}

/// The place of the variant that follows this policy on this lane's program.
fn followed(touch: TouchPolicy, lane: &Lane<'_>) -> usize {
    touch.effective(lane.program().coverage().is_some()) as usize
}

struct Compiled;

impl Visitor for Compiled {
    type Output = Contender;

    fn visit<A: HeapAllocator, Accounted: HeapAllocator>(&mut self) -> Contender {
        Contender::accounted_by::<A, Accounted>()
    }
}
