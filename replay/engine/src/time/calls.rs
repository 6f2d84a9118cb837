//! A replay that reads the clock around each call.

mod clock;
mod histograms;
pub mod size_class;
mod slowest;

use std::cmp::Reverse;
use std::hint::black_box;

use heaprace_allocators::{HeapAllocator, HeapRef};
use heaprace_reports::results::{CallKind, Latency};

use self::histograms::Histograms;
use self::slowest::{Seen, Slowest};
use crate::engine::{Call, Observer, Touch};
use crate::lane::{Lane, LaneError};
use crate::limits::Limits;
use crate::program::OpKind;

pub use clock::Clock;

/// Counted replays.
const PASSES: u32 = 3;

impl Lane<'_> {
    /// Measures the duration of one contender's calls.
    ///
    /// # Errors
    ///
    /// If the heap cannot be reset, the trace cannot be read again, or a limit is reached.
    pub fn latency<A: HeapAllocator, T: Touch>(
        &mut self,
        clock: &Clock,
        limits: Limits<'_>,
    ) -> Result<Latency, LaneError> {
        let (mut histograms, mut slowest) = (Histograms::new(), Slowest::new());
        for pass in 0..PASSES {
            if pass > 0 {
                slowest = slowest.again();
            }
            self.watched::<A, _, T>(limits, |heap| Stopwatch::new(heap, &mut histograms, &mut slowest))?;
        }
        let (all, curve) = histograms.all(clock);
        Ok(Latency {
            timer: clock.timer(),
            passes: PASSES,
            all,
            by_class: histograms.by_class(clock),
            curve,
            slowest: slowest.shown(clock),
        })
    }
}

/// Times every call of one replay.
struct Stopwatch<'p> {
    heap: HeapRef,
    histograms: &'p mut Histograms,
    slowest: &'p mut Slowest,
    begin: u64,
    // The state before the call.
    live_bytes: u64,
    live_objects: u64,
    committed_bytes: u64,
}

impl<'p> Stopwatch<'p> {
    fn new(heap: HeapRef, histograms: &'p mut Histograms, slowest: &'p mut Slowest) -> Self {
        Stopwatch { heap, histograms, slowest, begin: 0, live_bytes: 0, live_objects: 0, committed_bytes: 0 }
    }
}

impl Observer for Stopwatch<'_> {
    #[inline(always)]
    fn calling(&mut self) {
        self.begin = clock::begin();
    }

    #[inline(always)]
    fn called(&mut self, call: Call, answer: *mut u8) {
        // Keeps the compiler from deferring any part of the call.
        black_box(answer);
        let ticks = clock::between(self.begin, clock::end());
        let (kind, size_bytes) = (call.kind.into(), call.size as u64);
        let committed_bytes = self.heap.committed_bytes() as u64;
        self.histograms.record(kind, size_bytes, ticks);
        self.slowest.record(Seen {
            ticks,
            event: Reverse(call.event),
            kind,
            size_bytes,
            live_bytes: self.live_bytes,
            live_objects: self.live_objects,
            committed_bytes: self.committed_bytes,
            grown_bytes: committed_bytes - self.committed_bytes,
        });
        self.committed_bytes = committed_bytes;
        let given = (!answer.is_null()).then_some(size_bytes);
        let (gone, come) = match call.kind {
            OpKind::Alloc | OpKind::AllocZeroed => (None, given),
            OpKind::Realloc => (Some(call.old_size as u64), given),
            OpKind::Dealloc => (Some(size_bytes), None),
        };
        self.live_bytes = self.live_bytes - gone.unwrap_or(0) + come.unwrap_or(0);
        self.live_objects = self.live_objects - u64::from(gone.is_some()) + u64::from(come.is_some());
    }
}

impl From<OpKind> for CallKind {
    #[inline(always)]
    fn from(kind: OpKind) -> Self {
        match kind {
            OpKind::Alloc => CallKind::Alloc,
            OpKind::AllocZeroed => CallKind::AllocZeroed,
            OpKind::Realloc => CallKind::Realloc,
            OpKind::Dealloc => CallKind::Dealloc,
        }
    }
}
