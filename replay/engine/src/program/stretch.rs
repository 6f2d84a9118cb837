//! A part of a program: it is replayed without checking the clock.

use std::ops::ControlFlow;

use super::extents::WrittenRange;
use super::op::PackedOp;

/// Receives the stretches of a program in order, until it breaks. It is called by address, once for thousands of
/// operations, so that decoding and its threads are compiled once, and not for each contender and observer.
pub type Visit<'v> = &'v mut dyn FnMut(Stretch<'_>) -> ControlFlow<()>;

/// Consecutive operations of a program.
#[derive(Clone, Copy, Debug)]
pub struct Stretch<'p> {
    pub(super) ops: &'p [PackedOp],
    pub(super) written: &'p [WrittenRange],
    pub(super) events_before: u64,
    pub(super) events: u64,
    pub(super) slots: usize,
}

impl<'p> Stretch<'p> {
    /// The operations: one word each, two for a realloc.
    #[inline]
    pub fn ops(self) -> &'p [PackedOp] {
        self.ops
    }

    /// What the recorded program wrote into each new or resized block, in the order of the operations: a range for each
    /// allocation and each realloc. Empty if the trace has no written extents.
    #[inline]
    pub fn written(self) -> &'p [WrittenRange] {
        self.written
    }

    /// Events of the program before this stretch.
    #[inline]
    pub fn events_before(self) -> u64 {
        self.events_before
    }

    /// Slots that the whole program needs.
    #[inline]
    pub fn slots(self) -> usize {
        self.slots
    }

    /// Events in this stretch.
    #[inline]
    pub fn events(self) -> u64 {
        self.events
    }
}
