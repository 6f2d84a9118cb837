//! Verification: the shadow model as an observer of a replay.

use std::alloc::Layout;

use heaprace_allocators::HeapRef;
use heaprace_allocators::shadow::{Shadow, Violation};
use heaprace_reports::results::{Grouped, Reason, Verification};

use crate::engine::{Flow, LiveBlock, Observer};
use crate::limits::Stop;

/// Checks every block of a replay: inside the committed heap, aligned, disjoint from every live block, contents intact
/// on resize and free, zeroed where promised. Stops the replay at the first violation.
///
/// It fills every block with a pattern, so the replay itself must not touch blocks.
#[derive(Debug)]
pub struct Verify {
    shadow: Shadow,
    /// The event at which the replay stopped, counted from 1, and why.
    violation: Option<(u64, Violation)>,
}

impl Verify {
    /// Verifies a replay on this heap, which has no live blocks yet.
    pub fn new(heap: HeapRef) -> Self {
        Verify { shadow: Shadow::new(heap), violation: None }
    }

    /// The result of a replay that ended after `events` events, by itself or because of a limit. If no violation has
    /// stopped it, the blocks that are still live are checked now.
    pub(crate) fn conclude(&mut self, events: u64, stop: Option<Stop>) -> Verification {
        if self.violation.is_none() {
            // SAFETY: the heap has not been reset, because the shadow holds a handle to it.
            let result = unsafe { self.shadow.check_all() };
            let _ = self.note(events, result);
        }
        match (self.violation, stop) {
            (Some((event, violation)), _) => Verification::Failed { event, message: violation.to_string() },
            (None, Some(_)) => Verification::NotChecked { reason: Reason::SoundUpTo { event: Grouped(events) } },
            (None, None) => Verification::Passed,
        }
    }

    fn note(&mut self, event: u64, result: Result<(), Violation>) -> Flow {
        match result {
            Ok(()) => Flow::Continue(()),
            Err(violation) => {
                self.violation = Some((event, violation));
                Flow::Break(())
            }
        }
    }
}

impl Observer for Verify {
    fn allocated(&mut self, event: u64, block: LiveBlock, layout: Layout, zeroed: bool) -> Flow {
        if block.is_null() {
            return Flow::Continue(());
        }
        // SAFETY: the contender has just returned the block for this layout.
        let result = unsafe { self.shadow.allocated(block.as_ptr(), layout, zeroed) };
        self.note(event, result)
    }

    fn deallocating(&mut self, event: u64, block: LiveBlock, _layout: Layout) -> Flow {
        // SAFETY: the heap has not been reset, because the shadow holds a handle to it.
        let result = unsafe { self.shadow.releasing(block.as_ptr()) };
        self.note(event, result)
    }

    fn reallocating(&mut self, event: u64, block: LiveBlock, new_size: usize) -> Flow {
        // SAFETY: as above.
        let result = unsafe { self.shadow.resizing(block.as_ptr(), new_size) };
        self.note(event, result)
    }

    fn reallocated(&mut self, event: u64, old: LiveBlock, _layout: Layout, new: LiveBlock, new_size: usize) -> Flow {
        if new.is_null() {
            // The engine frees the old block next, which checks its contents.
            return Flow::Continue(());
        }
        // SAFETY: as above; the contender has just returned the new block.
        let result = unsafe { self.shadow.reallocated(old.as_ptr(), new.as_ptr(), new_size) };
        self.note(event, result)
    }
}
