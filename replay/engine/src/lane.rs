//! A lane: a page heap and working memory, on which contenders run the same program one after the other.

mod failure;
mod figures;
mod lap;
mod left_live;
mod verified;

use std::ops::ControlFlow;
use std::time::{self, Duration};

use heaprace_allocators::page_heap::{Guard, PageHeapError};
use heaprace_allocators::{HeapAllocator, HeapRef, PageHeap, Purpose};
use heaprace_reports::results::{Figure, Growth, Memory, Moment, Partial, Reason, Retention, Verification};

use crate::engine::{self, Flow, Observer, Touch, TouchNone, TouchParts};
use crate::limits::{Limits, Stop};
use crate::memory::metrics::{Figures, Instant, Setting, Snapshot, SnapshotGauge, SplitGauge, Watch};
use crate::program::{self, CompileError, Program, Stretch};
use crate::verify::Verify;

use failure::{StopAfter, StopAtFailure};
use figures::memory;
use left_live::Ages;

pub use lap::{Lap, Meter, OnLap};

/// Why a replay failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaneError {
    /// The page heap failed.
    #[error(transparent)]
    Heap(#[from] PageHeapError),
    /// The trace is streamed, and reading it again failed.
    #[error(transparent)]
    Trace(#[from] CompileError),
    /// A limit was reached before the end of the program.
    #[error("the replay stopped early: {}", .0.reason())]
    Stopped(Stop),
}

/// A program, the heap that it is replayed on, and the slots of its objects.
#[derive(Debug)]
pub struct Lane<'p> {
    program: &'p Program,
    heap: PageHeap,
    slots: Vec<*mut u8>,
    has_passed_budget: bool,
}

/// The result of a contender's untimed replays.
#[derive(Clone, Debug, PartialEq)]
pub struct Examination {
    /// Whether its blocks were sound.
    pub verification: Verification,
    /// Its memory figures.
    pub memory: Figure<Memory>,
    /// How far it got, if it was stopped early.
    pub partial: Option<Partial>,
    /// The addresses of its objects at the requested instants.
    pub snapshots: Vec<Snapshot>,
}

impl Examination {
    /// The result for a contender without memory figures, and the reason.
    pub fn without_figures(verification: Verification, reason: Reason) -> Self {
        Examination { verification, memory: Figure::unknown(reason), partial: None, snapshots: Vec::new() }
    }

    fn ended(verification: Verification, partial: Partial, reason: Reason) -> Self {
        Examination { partial: Some(partial), ..Self::without_figures(verification, reason) }
    }
}

/// Minimum loops of the trace for a growth figure: the trace itself, one loop that reuses the memory freed by the
/// first, and two that show whether the heap has settled.
pub const FEWEST_GROWTH_LOOPS: usize = 4;

/// Maximum loops, for a heap that keeps growing.
pub const MOST_GROWTH_LOOPS: usize = 8;

/// Loops at the end over which growth is averaged.
const GROWTH_OVER: usize = 4;

/// Replays one stretch through a contender, in its scope, measured by the meter if there is one.
type ReplayStretch<'r> = &'r mut dyn FnMut(Stretch<'_>, &mut [*mut u8], &mut Option<Meter<'_>>) -> Flow;

/// The outcome of a replay.
struct Run {
    /// Whether the observer stopped it.
    flow: Flow,
    /// The limit that stopped it, if any.
    stop: Option<Stop>,
    /// Events replayed.
    events: u64,
}

impl Run {
    /// Turns a replay that a limit stopped into an error.
    fn whole(self) -> Result<Self, LaneError> {
        match self.stop {
            Some(stop) => Err(LaneError::Stopped(stop)),
            None => Ok(self),
        }
    }
}

impl<'p> Lane<'p> {
    /// A lane for `program` on a heap of at most `limit_pages` pages of 64 KiB.
    ///
    /// # Errors
    ///
    /// If the heap cannot be reserved.
    pub fn new(program: &'p Program, limit_pages: usize, guard: Guard) -> Result<Self, PageHeapError> {
        Ok(Self::on(program, PageHeap::reserve(limit_pages, guard)?))
    }

    /// The program.
    pub(crate) fn program(&self) -> &'p Program {
        self.program
    }

    /// A lane for `program` on this heap.
    pub fn on(program: &'p Program, heap: PageHeap) -> Self {
        Lane { program, heap, slots: engine::slots_for(program), has_passed_budget: false }
    }

    /// Replays the program repeatedly with one contender on one heap, starting from fresh zeroed pages, until `on_lap`
    /// breaks. Objects that the program leaves live are freed between laps. Only the loop and the contender's work in
    /// it are timed; resetting the heap, creating the contender and freeing the rest are not.
    ///
    /// # Errors
    ///
    /// If the heap cannot be reset, the trace cannot be read again, or a limit is reached.
    pub fn laps<A: HeapAllocator, T: Touch>(&mut self, limits: Limits<'_>, on_lap: OnLap<'_>) -> Result<(), LaneError> {
        self.heap.reset()?;
        let heap = self.heap.handle();
        let mut allocator = A::create(heap.clone());
        let mut refused_before = 0;
        loop {
            let mut lap = Lap { processor: Some(Duration::ZERO), ..Lap::default() };
            let mut meter = |replay: &mut dyn FnMut()| {
                let ((), wall, processor) = lap::timed(replay);
                lap.wall += wall;
                lap.processor = lap.processor.zip(processor).map(|(sum, stretch)| sum + stretch);
            };
            self.replay_by::<A, (), T>(&mut allocator, &mut (), limits, Some(&mut meter), None)?.whole()?;
            self.free_left_live(&mut allocator);
            lap.heap_pages = heap.committed_pages() as u64;
            lap.refused_grows = heap.refused_grows() - refused_before;
            refused_before += lap.refused_grows;
            if on_lap(lap).is_break() {
                return Ok(());
            }
        }
    }

    /// Takes all pages of the heap back, so that others may have their memory.
    ///
    /// # Errors
    ///
    /// If the heap cannot be reset.
    pub(crate) fn release(&mut self) -> Result<(), LaneError> {
        self.has_passed_budget = false;
        Ok(self.heap.reset()?)
    }

    /// Whether any replay since the last [release](Self::release) would have passed the memory budget of the heap.
    pub(crate) fn has_passed_budget(&self) -> bool {
        self.has_passed_budget
    }

    /// Takes all pages of the heap back, as the end of a program does, and returns a lap that has only the times of that.
    ///
    /// # Errors
    ///
    /// If the heap cannot be reset.
    pub fn give_back(&mut self) -> Result<Lap, LaneError> {
        let (reset, wall, processor) = lap::timed(|| self.heap.reset());
        reset?;
        Ok(Lap { wall, processor, ..Lap::default() })
    }

    /// Measures one replay on fresh pages with `meter`: only the loop and the contender's work.
    ///
    /// # Errors
    ///
    /// Same as for [`laps`](Self::laps).
    pub fn metered<A: HeapAllocator, T: Touch>(
        &mut self,
        limits: Limits<'_>,
        meter: Meter<'_>,
    ) -> Result<(), LaneError> {
        self.heap.reset()?;
        let mut allocator = A::create(self.heap.handle());
        self.replay_by::<A, (), T>(&mut allocator, &mut (), limits, Some(meter), None)?.whole().map(|_| ())
    }

    fn replay<A: HeapAllocator, O: Observer, T: Touch>(
        &mut self,
        allocator: &mut A,
        observer: &mut O,
        limits: Limits<'_>,
    ) -> Result<Run, LaneError> {
        self.replay_by::<A, O, T>(allocator, observer, limits, None, None)
    }

    /// Replays the program, by whole stretches with `meter`, which measures them, and else piece by piece. `ages` follows
    /// each piece.
    fn replay_by<A: HeapAllocator, O: Observer, T: Touch>(
        &mut self,
        allocator: &mut A,
        observer: &mut O,
        limits: Limits<'_>,
        meter: Option<Meter<'_>>,
        ages: Option<&mut Ages>,
    ) -> Result<Run, LaneError> {
        self.drive(limits, meter, ages, &mut |stretch, slots, meter| {
            allocator.in_scope(|allocator| {
                let mut flow = Flow::Continue(());
                let mut replay = || flow = engine::run::<A, O, T>(stretch, slots, allocator, observer);
                match meter {
                    Some(meter) => meter(&mut replay),
                    None => replay(),
                }
                flow
            })
        })
    }

    /// Does what a replay does between its stretches, whichever contender and observer it is for: so it is compiled once.
    fn drive(
        &mut self,
        limits: Limits<'_>,
        mut meter: Option<Meter<'_>>,
        mut ages: Option<&mut Ages>,
        replay: ReplayStretch<'_>,
    ) -> Result<Run, LaneError> {
        let slots = &mut self.slots;
        // A program of a single stretch stops before it begins, or not at all.
        let stop = limits.check(0);
        let mut run = Run { flow: Flow::Continue(()), stop, events: 0 };
        if stop.is_some() {
            return Ok(run);
        }
        let is_timed = meter.is_some();
        let mut replay = |stretch: Stretch<'_>| {
            run.flow = replay(stretch, slots, &mut meter);
            if let Some(ages) = &mut ages {
                ages.follow(stretch);
            }
            let events = stretch.events();
            run.events = stretch.events_before() + events;
            if let Some(budget_bytes) = self.heap.passed_budget_bytes() {
                // Even at the last event: a contender that gets no memory is not at its heap's limit.
                self.has_passed_budget = true;
                run.stop = Some(Stop::Memory { budget_bytes: budget_bytes as u64 });
                return ControlFlow::Break(());
            }
            run.flow?;
            run.stop = limits.check(events);
            if run.stop.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let _ = self.program.each_stretch(&mut |stretch| {
            if is_timed { replay(stretch) } else { program::each_piece(stretch, &mut replay) }
        })?;
        // Any other limit that is reached at the last event has not stopped anything.
        run.stop = run.stop.filter(|stop| matches!(stop, Stop::Memory { .. }) || run.events < self.program.events());
        Ok(run)
    }

    /// Replays on a heap of at most `limit_pages` pages, up to the first failed request, and returns that event,
    /// counted from 1. `None` if the whole program completes.
    ///
    /// # Errors
    ///
    /// Same as for [`laps`](Self::laps).
    pub fn first_failure<A: HeapAllocator>(
        &mut self,
        limit_pages: usize,
        limits: Limits<'_>,
    ) -> Result<Option<u64>, LaneError> {
        self.heap.reset()?;
        let unlimited = self.heap.limit_pages();
        self.heap.set_limit_pages(limit_pages);
        let mut failure = StopAtFailure::default();
        let mut allocator = A::create(self.heap.handle());
        let run = self.replay::<A, _, TouchNone>(&mut allocator, &mut failure, limits);
        drop(allocator);
        self.heap.set_limit_pages(unlimited);
        run?.whole()?;
        Ok(failure.event)
    }

    /// Replays with all metrics on a fresh heap, writing every byte of every block (of a huge one
    /// [parts](heaprace_allocators::shadow::parts)), and checks every block if `verify`
    /// is set. The heap is split by purpose and by address at its peaks and at its end, and `snapshots` are taken: at
    /// the end in this replay if `A` itself accounts for its heap, and else in a second one, through `Accounted`, which
    /// ends at the last of these events. Further loops on the heap of the first replay show how it grows.
    ///
    /// If a limit is reached, the result says how far the contender got, and has no figures, because they would not
    /// repeat.
    ///
    /// # Errors
    ///
    /// If the heap cannot be reset, or the trace cannot be read again.
    pub fn examine<A: HeapAllocator, Accounted: HeapAllocator>(
        &mut self,
        verify: bool,
        snapshots: &[Instant],
        limits: Limits<'_>,
    ) -> Result<Examination, LaneError> {
        if A::INFO.purpose == Purpose::Floor {
            let reason = Reason::NoMemoryHandedOut;
            return Ok(Examination::without_figures(Verification::NotChecked { reason: reason.clone() }, reason));
        }
        let started = time::Instant::now();
        self.heap.reset()?;
        let heap = self.heap.handle();
        let setting = Setting { profile: *self.program.profile(), page_bytes: heap.page_bytes() };
        let mut watch = Watch::new(heap.clone(), Figures::new(&setting));
        let mut allocator = A::create(heap.clone());
        let mut ages = Ages::before(self.program);
        let mut verification = Verification::NotChecked { reason: Reason::VerificationOff };
        let run = if verify {
            let mut observers = (Verify::new(heap.clone()), watch);
            let run =
                self.replay_by::<A, _, TouchNone>(&mut allocator, &mut observers, limits, None, Some(&mut ages))?;
            verification = observers.0.conclude(run.events, run.stop);
            watch = observers.1;
            run
        } else {
            self.replay_by::<A, _, TouchParts>(&mut allocator, &mut watch, limits, None, Some(&mut ages))?
        };
        if let Verification::Failed { event, .. } = verification {
            return Ok(Examination::without_figures(verification, Reason::FailedVerification { event }));
        }
        let heap_bytes = heap.committed_bytes() as u64;
        if let Some(stop) = run.stop {
            let elapsed_ns = started.elapsed().as_nanos() as u64;
            let partial = Partial { reason: stop.reason(), events: run.events, heap_bytes, elapsed_ns };
            return Ok(Examination::ended(verification, partial, stop.reason_at(run.events)));
        }
        let grow_calls = heap.grow_calls();
        let state = *watch.state();
        let figures = watch.into_metric();
        let event_of = |instant| match instant {
            Instant::At(Moment::PeakLive) => figures.fragmentation.figures().at_peak_live.event,
            Instant::At(Moment::PeakHeap) => figures.footprint.peak_heap_event,
            Instant::At(Moment::End) => self.program.events(),
            Instant::Event(event) => event,
        };
        let moments = Moment::ALL.map(|moment| (moment, event_of(Instant::At(moment)))).to_vec();
        let instants: Vec<_> = snapshots.iter().map(|&instant| (instant, event_of(instant))).collect();
        let peak_heap_bytes = figures.footprint.peak_heap_bytes;
        let limit_bytes = (self.heap.limit_pages() * setting.page_bytes) as u64;
        let mut events: Vec<_> = moments.iter().map(|&(_, at)| at).chain(instants.iter().map(|&(_, at)| at)).collect();
        let mut splits = SplitGauge::new(moments.clone());
        let mut snapshots = SnapshotGauge::new(peak_heap_bytes, limit_bytes, moments, instants);
        // The end is here, if the ages of its objects are known. The second replay need not come that far. What an
        // accounting variant is for is to know all idle bytes.
        let accounts_itself = A::KNOWS_ALL_IDLE || !Accounted::KNOWS_ALL_IDLE;
        if accounts_itself && state.event > 0 && !figures.realloc.has_moved_same_size() {
            allocator.in_scope(|allocator| splits.take(&state, allocator));
            snapshots.take(&state, ages.left_live(self.program, &self.slots, heap.base().addr().get()));
            events.retain(|&event| event < state.event);
        }
        let retention = self.free_the_rest(&heap, &mut allocator);
        let growth = if figures.footprint.failed_requests > 0 {
            Figure::unknown(Reason::RequestsFailed)
        } else {
            self.growth(&heap, &mut allocator, limits)?
        };
        drop((allocator, heap));
        if let Some(last) = events.into_iter().max() {
            let again = |heap| (Watch::new(heap, (splits, snapshots)), StopAfter { event: last });
            match self.watched::<Accounted, _, TouchNone>(limits, again) {
                Ok((watch, _)) => (splits, snapshots) = watch.into_metric(),
                // The first replay was whole, so its figures stand; only those of the second are missing.
                Err(LaneError::Stopped(_)) => {
                    let memory = memory(figures, retention, growth, None, grow_calls);
                    return Ok(Examination { verification, memory, partial: None, snapshots: Vec::new() });
                }
                Err(error) => return Err(error),
            }
        }
        let mut taken = snapshots.into_taken();
        let snapshots = std::mem::take(&mut taken.lists);
        let memory = memory(figures, retention, growth, Some((splits.into_splits(), taken)), grow_calls);
        Ok(Examination { verification, memory, partial: None, snapshots })
    }

    /// Replays the program with an observer, up to its end unless the observer stops it, and returns the observer.
    pub(crate) fn watched<A: HeapAllocator, O: Observer, T: Touch>(
        &mut self,
        limits: Limits<'_>,
        observer: impl FnOnce(HeapRef) -> O,
    ) -> Result<O, LaneError> {
        self.heap.reset()?;
        let mut observer = observer(self.heap.handle());
        let mut allocator = A::create(self.heap.handle());
        self.replay::<A, O, T>(&mut allocator, &mut observer, limits)?.whole()?;
        Ok(observer)
    }

    /// Frees the objects left live by a whole replay, and returns the memory retained before and after.
    fn free_the_rest<A: HeapAllocator>(&self, heap: &HeapRef, allocator: &mut A) -> Retention {
        let resident = || match heap.resident_bytes() {
            Some(bytes) => Figure::Known(bytes as u64),
            None => Figure::unknown(Reason::NotReported),
        };
        let (end_heap_bytes, end_resident_bytes) = (heap.committed_bytes() as u64, resident());
        self.free_left_live(allocator);
        Retention {
            end_heap_bytes,
            end_resident_bytes,
            freed_heap_bytes: heap.committed_bytes() as u64,
            freed_resident_bytes: resident(),
        }
    }

    /// Frees the objects left live by a whole replay.
    fn free_left_live<A: HeapAllocator>(&self, allocator: &mut A) {
        allocator.in_scope(|allocator| {
            for (slot, layout) in self.program.left_live() {
                let block = self.slots[slot];
                if !block.is_null() {
                    // SAFETY: the replay has left the object live in its slot, with this layout, and this is the
                    // allocator's scope.
                    unsafe { allocator.dealloc(block, layout) };
                }
            }
        });
    }

    /// Measures how the contender's heap grows if it replays the program again after a first replay, with nothing left
    /// live.
    fn growth<A: HeapAllocator>(
        &mut self,
        heap: &HeapRef,
        allocator: &mut A,
        limits: Limits<'_>,
    ) -> Result<Figure<Growth>, LaneError> {
        let mut heap_pages = vec![heap.committed_pages() as u64];
        // Two loops that add nothing mean that the heap has settled; a single one may be chance.
        let has_settled =
            |pages: &[u64]| pages.len() >= FEWEST_GROWTH_LOOPS && pages[pages.len() - 3] == pages[pages.len() - 1];
        while heap_pages.len() < MOST_GROWTH_LOOPS && !has_settled(&heap_pages) {
            let refused_before = heap.refused_grows();
            if let Some(stop) = self.replay::<A, (), TouchNone>(allocator, &mut (), limits)?.stop {
                return Ok(Figure::unknown(stop.reason()));
            }
            self.free_left_live(allocator);
            if heap.refused_grows() > refused_before {
                if heap_pages.len() < FEWEST_GROWTH_LOOPS {
                    return Ok(Figure::unknown(limit_reached(heap_pages.len() + 1)));
                }
                break;
            }
            heap_pages.push(heap.committed_pages() as u64);
        }
        let last = heap_pages.len() - 1;
        let over = GROWTH_OVER.min(last);
        let added = heap_pages[last] - heap_pages[last - over];
        let per_loop_pages = if has_settled(&heap_pages) { 0 } else { added.div_ceil(over as u64) };
        Ok(Figure::Known(Growth { heap_pages, per_loop_pages }))
    }
}

/// The reason why a program cannot continue: the heap had no page left in this loop, counted from 1.
pub(crate) fn limit_reached(loop_number: usize) -> Reason {
    Reason::HeapLimitReached { loop_number }
}
