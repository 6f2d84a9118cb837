//! Ends a replay early: at its first failed request, or after an event.

use std::alloc::Layout;
use std::ops::ControlFlow;

use heaprace_allocators::HeapAllocator;

use crate::engine::{Flow, LiveBlock, Observer};

/// Stops the replay at the first failed request.
#[derive(Default)]
pub(super) struct StopAtFailure {
    /// The event, counted from 1.
    pub(super) event: Option<u64>,
}

impl StopAtFailure {
    #[inline(always)]
    fn answered(&mut self, event: u64, block: LiveBlock) -> Flow {
        if block.is_null() {
            self.event = Some(event);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

impl Observer for StopAtFailure {
    #[inline(always)]
    fn allocated(&mut self, event: u64, block: LiveBlock, _layout: Layout, _zeroed: bool) -> Flow {
        self.answered(event, block)
    }

    #[inline(always)]
    fn reallocated(&mut self, event: u64, _old: LiveBlock, _layout: Layout, new: LiveBlock, _new_size: usize) -> Flow {
        self.answered(event, new)
    }
}

/// Stops the replay after this event.
pub(super) struct StopAfter {
    /// Counted from 1.
    pub(super) event: u64,
}

impl Observer for StopAfter {
    #[inline(always)]
    fn after<A: HeapAllocator>(&mut self, event: u64, _allocator: &A) -> Flow {
        if event < self.event { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}
