//! A lane of the race: a page heap and working memory, on which one contender after the other runs the same program.

use std::alloc::Layout;
use std::time::{self, Duration};

use allocators::page_heap::{Guard, PageHeapError, Reset};
use allocators::{HeapAllocator, HeapRef, PageHeap, Role};
use reports::results::{Figure, Memory, Retention, Split, Verification};

use crate::engine::{self, Block, Flow, Observer, Touch, TouchAll, TouchNone};
use crate::metrics::{Figures, Instant, Metric, Setting, Snapshot, Snapshots, Splits, Watch};
use crate::program::Program;
use crate::verify::Verify;

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
    /// Where its objects lay, where that was asked for.
    pub snapshots: Vec<Snapshot>,
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
    /// Where the heap cannot be reset.
    pub fn time<A: HeapAllocator, T: Touch>(&mut self, reset: Reset) -> Result<Duration, PageHeapError> {
        self.heap.reset(reset)?;
        let mut allocator = A::create(self.heap.handle());
        let start = time::Instant::now();
        let _ = engine::run::<A, (), T>(self.program, &mut self.slots, &mut allocator, &mut ());
        Ok(start.elapsed())
    }

    /// Replays on a heap of at most `limit_pages` pages, up to the first request that is answered with null, and tells that event, counted
    /// from 1; `None` where the whole program completes. What is in the pages is what earlier replays have left there.
    ///
    /// # Errors
    ///
    /// Where the heap cannot be reset.
    pub fn first_failure<A: HeapAllocator>(&mut self, limit_pages: usize) -> Result<Option<u64>, PageHeapError> {
        self.heap.reset(Reset::Warm)?;
        let unlimited = self.heap.limit_pages();
        self.heap.set_limit_pages(limit_pages);
        let mut failure = StopAtFailure::default();
        let mut allocator = A::create(self.heap.handle());
        let _ = engine::run::<A, _, TouchNone>(self.program, &mut self.slots, &mut allocator, &mut failure);
        self.heap.set_limit_pages(unlimited);
        Ok(failure.event)
    }

    /// Replays with all metrics on a cold heap, every byte of every block being written, and checks every block if `verify` says so. A
    /// second replay splits the heap at its peaks and at its end, and takes `snapshots`.
    ///
    /// # Errors
    ///
    /// Where the heap cannot be reset.
    pub fn examine<A: HeapAllocator>(
        &mut self,
        verify: bool,
        snapshots: &[Instant],
    ) -> Result<Examination, PageHeapError> {
        if A::INFO.role == Role::Floor {
            let reason = "hands out no memory";
            return Ok(Examination {
                verification: Verification::NotChecked { reason: reason.to_owned() },
                memory: Figure::unknown(reason),
                snapshots: Vec::new(),
            });
        }
        self.heap.reset(Reset::Cold)?;
        let heap = self.heap.handle();
        let setting = Setting { profile: *self.program.profile(), page_bytes: heap.page_bytes() };
        let mut watch = Watch::new(heap.clone(), Figures::new(&setting));
        let mut allocator = A::create(heap.clone());
        let mut verification = Verification::NotChecked { reason: "verification was switched off".to_owned() };
        if verify {
            let mut observers = (Verify::new(heap.clone()), watch);
            let flow = engine::run::<A, _, TouchNone>(self.program, &mut self.slots, &mut allocator, &mut observers);
            if flow.is_continue() {
                let _ = observers.0.finish(self.program.events());
            }
            verification = match observers.0.violation() {
                Some((event, violation)) => Verification::Failed { event, message: violation.to_string() },
                None => Verification::Passed,
            };
            watch = observers.1;
        } else {
            let _ = engine::run::<A, _, TouchAll>(self.program, &mut self.slots, &mut allocator, &mut watch);
        }
        if let Verification::Failed { event, .. } = verification {
            let memory = Figure::unknown(format!("failed verification at event {event}"));
            return Ok(Examination { verification, memory, snapshots: Vec::new() });
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
        let splits = Splits::new(with_events(&[Instant::PeakLive, Instant::PeakHeap, Instant::End]));
        let splits = self.observe::<A, _>(splits)?.into_splits();
        let snapshots = match snapshots {
            [] => Vec::new(),
            instants => self.observe::<A, _>(Snapshots::new(with_events(instants)))?.into_snapshots(),
        };
        Ok(Examination { verification, memory: memory(figures, retention, splits, grow_calls), snapshots })
    }

    /// Replays for one metric, with nothing checked.
    fn observe<A: HeapAllocator, M: Metric>(&mut self, metric: M) -> Result<M, PageHeapError> {
        self.heap.reset(Reset::Cold)?;
        let mut watch = Watch::new(self.heap.handle(), metric);
        let mut allocator = A::create(self.heap.handle());
        let _ = engine::run::<A, _, TouchNone>(self.program, &mut self.slots, &mut allocator, &mut watch);
        Ok(watch.into_metric())
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

fn memory(figures: Figures, retention: Retention, splits: Vec<Split>, grow_calls: u64) -> Figure<Memory> {
    let Figures { footprint, over_time, realloc, occupancy, fragmentation, timeline, grid } = figures;
    let ratios = footprint.overhead_ratio().zip(footprint.johnstone_wilson_4_percent());
    let Some((overhead_ratio, johnstone_wilson_4_percent)) = ratios else {
        return Figure::unknown("nothing was ever live");
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
        grow_calls,
        failed_requests: footprint.failed_requests,
        first_failure: footprint.first_failure,
        timeline: timeline.into_points(),
        grid: grid.figures(),
    })
}
