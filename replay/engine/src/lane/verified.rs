//! A replay that only checks blocks.

use std::sync::atomic::{AtomicU64, Ordering};

use heaprace_allocators::{HeapAllocator, Purpose};
use heaprace_reports::results::{Reason, Verification};

use super::{Lane, LaneError};
use crate::engine::{Flow, Observer, TouchNone};
use crate::limits::Limits;
use crate::verify::Verify;

impl Lane<'_> {
    /// Replays on a fresh heap with every block checked, as [`examine`](Self::examine) does, and measures nothing, which
    /// takes a fraction of the time. `done` gets the number of events that are over, after each of them: whoever
    /// watches this process from outside knows in which event it ended.
    ///
    /// # Errors
    ///
    /// Same as for [`examine`](Self::examine).
    pub fn verify<A: HeapAllocator>(
        &mut self,
        done: &AtomicU64,
        limits: Limits<'_>,
    ) -> Result<Verification, LaneError> {
        done.store(0, Ordering::Relaxed);
        if A::INFO.purpose == Purpose::Floor {
            return Ok(Verification::NotChecked { reason: Reason::NoMemoryHandedOut });
        }
        self.heap.reset()?;
        let mut observers = (Verify::new(self.heap.handle()), Count { done });
        let mut allocator = A::create(self.heap.handle());
        let run = self.replay::<A, _, TouchNone>(&mut allocator, &mut observers, limits)?;
        Ok(observers.0.conclude(run.events, run.stop))
    }
}

/// Counts the events that are over.
struct Count<'a> {
    done: &'a AtomicU64,
}

impl Observer for Count<'_> {
    #[inline(always)]
    fn after<A: HeapAllocator>(&mut self, event: u64, _allocator: &A) -> Flow {
        self.done.store(event, Ordering::Relaxed);
        Flow::Continue(())
    }
}
