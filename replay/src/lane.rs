//! A lane of the race: a page heap and working memory, on which one contender after the other runs the same program.

use std::alloc::Layout;
use std::ops::ControlFlow;
use std::time::{self, Duration};

use allocators::page_heap::{Guard, PageHeapError, Reset};
use allocators::{HeapAllocator, HeapRef, PageHeap, Role};
use reports::numbers::{bytes, count, grouped};
use reports::results::{Figure, Memory, Partial, Retention, Split, Strip, Verification};

use crate::engine::{self, Block, Flow, Observer, Touch, TouchAll, TouchNone};
use crate::leash::{Leash, Stop};
use crate::metrics::{Figures, Instant, Setting, Snapshot, Snapshots, Splits, Watch};
use crate::program::{CompileError, Program};
use crate::verify::Verify;

/// A replay that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaneError {
    /// The page heap failed.
    #[error(transparent)]
    Heap(#[from] PageHeapError),
    /// The trace is streamed, and could not be read again.
    #[error(transparent)]
    Trace(#[from] CompileError),
    /// It was ended before the program was: the leash was pulled.
    #[error("the replay was ended: {}", .0.reason())]
    Stopped(Stop),
}

/// A program, the heap that it is replayed on, and the slots of its objects.
#[derive(Debug)]
pub struct Lane<'p> {
    program: &'p Program,
    heap: PageHeap,
    slots: Vec<*mut u8>,
}

/// What one untimed replay tells of a contender.
#[derive(Clone, Debug, PartialEq)]
pub struct Examination {
    /// Whether its blocks were sound.
    pub verification: Verification,
    /// Its memory figures.
    pub memory: Figure<Memory>,
    /// How far it came, where it was ended early.
    pub partial: Option<Partial>,
    /// Where its objects lay, where that was asked for.
    pub snapshots: Vec<Snapshot>,
}

impl Examination {
    /// Of a contender that has no memory figures, for this reason.
    pub fn without_figures(verification: Verification, reason: String) -> Self {
        Examination { verification, memory: Figure::unknown(reason), partial: None, snapshots: Vec::new() }
    }

    fn ended(verification: Verification, partial: Partial) -> Self {
        let reason = format!("{}, at event {}", partial.reason, grouped(partial.events));
        Examination { partial: Some(partial), ..Self::without_figures(verification, reason) }
    }
}

/// Runs what it is given, once, and measures it: a stretch of the program at a time. What lies between stretches does not count.
pub type Meter<'a> = &'a mut dyn FnMut(&mut dyn FnMut());

/// How a replay went.
struct Run {
    /// Whether the observer has stopped it.
    flow: Flow,
    /// Whether the leash has.
    stop: Option<Stop>,
    /// Events that were replayed.
    events: u64,
}

impl Run {
    /// Only a whole replay will do.
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
    /// Where the heap cannot be had.
    pub fn new(program: &'p Program, limit_pages: usize, guard: Guard) -> Result<Self, PageHeapError> {
        Ok(Self::on(program, PageHeap::reserve(limit_pages, guard)?))
    }

    /// A lane for `program` on this heap.
    pub fn on(program: &'p Program, heap: PageHeap) -> Self {
        Lane { program, heap, slots: engine::slots_for(program) }
    }

    /// The time of one replay, in which nothing but the loop and the contender's work is measured: the heap is reset and the contender
    /// made before. A warm replay is one whose pages an earlier replay of the same contender, just before, has made resident.
    ///
    /// # Errors
    ///
    /// Where the heap cannot be reset, the trace not be read again, or the leash was pulled.
    pub fn time<A: HeapAllocator, T: Touch>(&mut self, reset: Reset, leash: Leash<'_>) -> Result<Duration, LaneError> {
        let mut elapsed = Duration::ZERO;
        self.metered::<A, T>(reset, leash, &mut |replay| {
            let start = time::Instant::now();
            replay();
            elapsed += start.elapsed();
        })?;
        Ok(elapsed)
    }

    /// What a meter finds about one replay: the loop and the contender's work, and nothing else.
    ///
    /// # Errors
    ///
    /// As for [`time`](Self::time).
    pub fn metered<A: HeapAllocator, T: Touch>(
        &mut self,
        reset: Reset,
        leash: Leash<'_>,
        meter: Meter<'_>,
    ) -> Result<(), LaneError> {
        self.heap.reset(reset)?;
        let mut allocator = A::create(self.heap.handle());
        self.replay_by::<A, (), T>(&mut allocator, &mut (), leash, meter)?.whole().map(|_| ())
    }

    fn replay<A: HeapAllocator, O: Observer, T: Touch>(
        &mut self,
        allocator: &mut A,
        observer: &mut O,
        leash: Leash<'_>,
    ) -> Result<Run, LaneError> {
        self.replay_by::<A, O, T>(allocator, observer, leash, &mut |replay| replay())
    }

    fn replay_by<A: HeapAllocator, O: Observer, T: Touch>(
        &mut self,
        allocator: &mut A,
        observer: &mut O,
        leash: Leash<'_>,
        meter: Meter<'_>,
    ) -> Result<Run, LaneError> {
        let slots = &mut self.slots;
        // A program of a single stretch is ended before it begins, or not at all.
        let stop = leash.pull(0);
        let mut run = Run { flow: Flow::Continue(()), stop, events: 0 };
        if stop.is_some() {
            return Ok(run);
        }
        let _ = self.program.each_stretch(|stretch| {
            meter(&mut || run.flow = engine::run::<A, O, T>(stretch, slots, allocator, observer));
            let events = stretch.events();
            run.events = stretch.events_before() + events;
            run.flow?;
            run.stop = leash.pull(events);
            if run.stop.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        // What was pulled too late has not ended anything.
        run.stop = run.stop.filter(|_| run.events < self.program.events());
        Ok(run)
    }

    /// Replays on a heap of at most `limit_pages` pages, up to the first request that is answered with null, and tells that event, counted
    /// from 1; `None` where the whole program completes. What is in the pages is what earlier replays have left there.
    ///
    /// # Errors
    ///
    /// As for [`time`](Self::time).
    pub fn first_failure<A: HeapAllocator>(
        &mut self,
        limit_pages: usize,
        leash: Leash<'_>,
    ) -> Result<Option<u64>, LaneError> {
        self.heap.reset(Reset::Warm)?;
        let unlimited = self.heap.limit_pages();
        self.heap.set_limit_pages(limit_pages);
        let mut failure = StopAtFailure::default();
        let mut allocator = A::create(self.heap.handle());
        let run = self.replay::<A, _, TouchNone>(&mut allocator, &mut failure, leash);
        drop(allocator);
        self.heap.set_limit_pages(unlimited);
        run?.whole()?;
        Ok(failure.event)
    }

    /// Replays with all metrics on a cold heap, every byte of every block being written, and checks every block if `verify` says so. A
    /// second replay splits the heap at its peaks and at its end, by purpose and by address, and takes `snapshots`.
    ///
    /// Where the leash is pulled, it tells how far the contender came, and no figures: they would not repeat.
    ///
    /// # Errors
    ///
    /// Where the heap cannot be reset, or the trace not be read again.
    pub fn examine<A: HeapAllocator>(
        &mut self,
        verify: bool,
        snapshots: &[Instant],
        leash: Leash<'_>,
    ) -> Result<Examination, LaneError> {
        if A::INFO.role == Role::Floor {
            let reason = "hands out no memory";
            return Ok(Examination::without_figures(
                Verification::NotChecked { reason: reason.to_owned() },
                reason.to_owned(),
            ));
        }
        let started = time::Instant::now();
        self.heap.reset(Reset::Cold)?;
        let heap = self.heap.handle();
        let setting = Setting { profile: *self.program.profile(), page_bytes: heap.page_bytes() };
        let mut watch = Watch::new(heap.clone(), Figures::new(&setting));
        let mut allocator = A::create(heap.clone());
        let mut verification = Verification::NotChecked { reason: "verification was switched off".to_owned() };
        let run = if verify {
            let mut observers = (Verify::new(heap.clone()), watch);
            let run = self.replay::<A, _, TouchNone>(&mut allocator, &mut observers, leash)?;
            if run.flow.is_continue() {
                let _ = observers.0.finish(run.events);
            }
            verification = match (observers.0.violation(), run.stop) {
                (Some((event, violation)), _) => Verification::Failed { event, message: violation.to_string() },
                (None, Some(_)) => Verification::NotChecked {
                    reason: format!("sound up to event {}, where it ended", grouped(run.events)),
                },
                (None, None) => Verification::Passed,
            };
            watch = observers.1;
            run
        } else {
            self.replay::<A, _, TouchAll>(&mut allocator, &mut watch, leash)?
        };
        if let Verification::Failed { event, .. } = verification {
            return Ok(Examination::without_figures(verification, format!("failed verification at event {event}")));
        }
        let heap_bytes = heap.committed_bytes() as u64;
        if let Some(stop) = run.stop {
            let elapsed_ns = started.elapsed().as_nanos() as u64;
            let partial = Partial { reason: stop.reason().to_owned(), events: run.events, heap_bytes, elapsed_ns };
            return Ok(Examination::ended(verification, partial));
        }
        let grow_calls = heap.grow_calls();
        let retention = self.free_the_rest(&heap, allocator);
        let figures = watch.into_metric();
        drop(heap);
        let event_of = |instant| match instant {
            Instant::PeakLive => figures.fragmentation.figures().at_peak_live.event,
            Instant::PeakHeap => figures.footprint.peak_heap_event,
            Instant::End => self.program.events(),
            Instant::Event(event) => event,
        };
        let with_events = |instants: &[Instant]| instants.iter().map(|&instant| (instant, event_of(instant))).collect();
        const MOMENTS: [Instant; 3] = [Instant::PeakLive, Instant::PeakHeap, Instant::End];
        let splits = Splits::new(with_events(&MOMENTS));
        let peak_heap_bytes = figures.footprint.peak_heap_bytes;
        let snapshots = Snapshots::new(peak_heap_bytes, with_events(&MOMENTS), with_events(snapshots));
        let again = |heap| Watch::new(heap, (splits, snapshots));
        match self.watched::<A, _, TouchNone>(Reset::Cold, leash, again) {
            Ok(watch) => {
                let (splits, snapshots) = watch.into_metric();
                let (strips, snapshots) = snapshots.into_taken();
                let memory = memory(figures, retention, splits.into_splits(), strips, grow_calls);
                Ok(Examination { verification, memory, partial: None, snapshots })
            }
            // The first replay was whole, and its figures are what they are: those of the second alone are missing.
            Err(LaneError::Stopped(_)) => {
                let memory = memory(figures, retention, Vec::new(), Vec::new(), grow_calls);
                Ok(Examination { verification, memory, partial: None, snapshots: Vec::new() })
            }
            Err(error) => Err(error),
        }
    }

    /// Replays the whole program with an observer, which it gives back.
    pub(crate) fn watched<A: HeapAllocator, O: Observer, T: Touch>(
        &mut self,
        reset: Reset,
        leash: Leash<'_>,
        observer: impl FnOnce(HeapRef) -> O,
    ) -> Result<O, LaneError> {
        self.heap.reset(reset)?;
        let mut observer = observer(self.heap.handle());
        let mut allocator = A::create(self.heap.handle());
        self.replay::<A, O, T>(&mut allocator, &mut observer, leash)?.whole()?;
        Ok(observer)
    }

    /// Frees what a whole replay has left live, and tells what is retained before and after.
    fn free_the_rest<A: HeapAllocator>(&self, heap: &HeapRef, mut allocator: A) -> Retention {
        let resident = || match heap.resident_bytes() {
            Some(bytes) => Figure::Known(bytes as u64),
            None => Figure::unknown("the system does not tell"),
        };
        let (end_heap_bytes, end_resident_bytes) = (heap.committed_bytes() as u64, resident());
        for (slot, layout) in self.program.left_live() {
            let block = self.slots[slot];
            if !block.is_null() {
                // SAFETY: the replay has left the object live in its slot, with this layout.
                unsafe { allocator.dealloc(block, layout) };
            }
        }
        Retention {
            end_heap_bytes,
            end_resident_bytes,
            freed_heap_bytes: heap.committed_bytes() as u64,
            freed_resident_bytes: resident(),
        }
    }
}

/// Stops the replay at the first request that is answered with null.
#[derive(Default)]
struct StopAtFailure {
    event: Option<u64>,
}

impl StopAtFailure {
    #[inline(always)]
    fn answered(&mut self, event: u64, block: Block) -> Flow {
        if block.is_null() {
            self.event = Some(event);
            return Flow::Break(());
        }
        Flow::Continue(())
    }
}

impl Observer for StopAtFailure {
    #[inline(always)]
    fn allocated(&mut self, event: u64, block: Block, _layout: Layout, _zeroed: bool) -> Flow {
        self.answered(event, block)
    }

    #[inline(always)]
    fn reallocated(&mut self, event: u64, _old: Block, _layout: Layout, new: Block, _new_size: usize) -> Flow {
        self.answered(event, new)
    }
}

fn memory(
    figures: Figures,
    retention: Retention,
    splits: Vec<Split>,
    strips: Vec<Strip>,
    grow_calls: u64,
) -> Figure<Memory> {
    let Figures { footprint, over_time, realloc, occupancy, fragmentation, timeline, grid } = figures;
    let ratios = footprint.overhead_ratio().zip(footprint.johnstone_wilson_4_percent());
    let Some((overhead_ratio, johnstone_wilson_4_percent)) = ratios else {
        return Figure::unknown(match footprint.first_failure {
            Some(first) => format!(
                "all {} failed, the first at event {}, of {} at a heap of {} and its limit: --heap-limit",
                count(footprint.failed_requests, "request"),
                grouped(first.event),
                bytes(first.size_bytes),
                count(first.heap_pages, "page"),
            ),
            None => "nothing was ever live".to_owned(),
        });
    };
    Figure::Known(Memory {
        peak_heap_pages: footprint.peak_heap_pages,
        peak_heap_bytes: footprint.peak_heap_bytes,
        peak_heap_event: footprint.peak_heap_event,
        overhead_ratio,
        johnstone_wilson_4_percent,
        peak_span_bytes: footprint.peak_span_bytes,
        johnstone_wilson: over_time.figures(),
        reallocs: realloc.figures(),
        occupancy: occupancy.figures(),
        fragmentation: fragmentation.figures(),
        retention,
        splits,
        strips,
        grow_calls,
        failed_requests: footprint.failed_requests,
        first_failure: footprint.first_failure,
        timeline: timeline.into_points(),
        grid: grid.figures(),
    })
}
