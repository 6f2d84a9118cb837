//! Ends a replay at its first failed request.

use std::alloc::Layout;
use std::ops::ControlFlow;

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
