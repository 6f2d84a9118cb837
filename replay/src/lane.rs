//! A lane of the race: a page heap and working memory, on which one contender after the other runs the same program.

use std::time::{Duration, Instant};

use allocators::page_heap::{Guard, PageHeapError, Reset};
use allocators::{HeapAllocator, PageHeap, Role};
use reports::results::{Figure, Memory, Verification};

use crate::engine::{self, Touch, TouchNone};
use crate::metrics::{Footprint, Timeline, Watch};
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
}

impl<'p> Lane<'p> {
    /// A lane for `program` on a heap of at most `limit_pages` pages.
    ///
    /// # Errors
    ///
    /// Where the heap cannot be had.
    pub fn new(program: &'p Program, limit_pages: usize, guard: Guard) -> Result<Self, PageHeapError> {
        Ok(Lane { program, heap: PageHeap::reserve(limit_pages, guard)?, slots: engine::slots_for(program) })
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
        let start = Instant::now();
        let _ = engine::run::<A, (), T>(self.program, &mut self.slots, &mut allocator, &mut ());
        Ok(start.elapsed())
    }

    /// Replays once with all metrics, on a cold heap, and checks every block if `verify` says so.
    ///
    /// # Errors
    ///
    /// Where the heap cannot be reset.
    pub fn examine<A: HeapAllocator>(&mut self, verify: bool) -> Result<Examination, PageHeapError> {
        if A::INFO.role == Role::Floor {
            let reason = "hands out no memory";
            return Ok(Examination {
                verification: Verification::NotChecked { reason: reason.to_owned() },
                memory: Figure::unknown(reason),
            });
        }
        self.heap.reset(Reset::Cold)?;
        let heap = self.heap.handle();
        let mut watch = Watch::new(heap.clone(), (Footprint::default(), Timeline::new(self.program.events())));
        let mut allocator = A::create(heap.clone());
        let verification = if verify {
            let mut observers = (Verify::new(heap.clone()), watch);
            let mut flow =
                engine::run::<A, _, TouchNone>(self.program, &mut self.slots, &mut allocator, &mut observers);
            if flow.is_continue() {
                flow = observers.0.finish(self.program.events());
            }
            let violation = observers.0.violation();
            watch = observers.1;
            match violation {
                Some((event, violation)) => Verification::Failed { event, message: violation.to_string() },
                None => {
                    debug_assert!(flow.is_continue(), "only a violation stops a verifying replay");
                    Verification::Passed
                }
            }
        } else {
            let _ = engine::run::<A, _, TouchNone>(self.program, &mut self.slots, &mut allocator, &mut watch);
            Verification::NotChecked { reason: "verification was switched off".to_owned() }
        };
        let memory = match &verification {
            Verification::Failed { event, .. } => Figure::unknown(format!("failed verification at event {event}")),
            _ => memory(watch.into_metric(), heap.grow_calls()),
        };
        Ok(Examination { verification, memory })
    }
}

fn memory((footprint, timeline): (Footprint, Timeline), grow_calls: u64) -> Figure<Memory> {
    let ratios = footprint.overhead_ratio().zip(footprint.johnstone_wilson_4_percent());
    let Some((overhead_ratio, johnstone_wilson_4_percent)) = ratios else {
        return Figure::unknown("nothing was ever live");
    };
    Figure::Known(Memory {
        peak_heap_pages: footprint.peak_heap_pages(),
        peak_heap_bytes: footprint.peak_heap_bytes(),
        peak_heap_event: footprint.peak_heap_event(),
        overhead_ratio,
        johnstone_wilson_4_percent,
        grow_calls,
        failed_requests: footprint.failed_requests(),
        first_failure: footprint.first_failure().cloned(),
        timeline: timeline.into_points(),
    })
}
