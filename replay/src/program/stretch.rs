//! A part of a program: what is replayed without a look at the clock.

use super::op::PackedOp;

/// Operations of a program that follow one another.
#[derive(Clone, Copy, Debug)]
pub struct Stretch<'p> {
    pub(super) ops: &'p [PackedOp],
    pub(super) events_before: u64,
    pub(super) events: u64,
    pub(super) slots: usize,
}

impl<'p> Stretch<'p> {
    /// The operations, a word each, and two for a realloc.
    #[inline]
    pub fn ops(self) -> &'p [PackedOp] {
        self.ops
    }

    /// Events of the program that come before.
    #[inline]
    pub fn events_before(self) -> u64 {
        self.events_before
    }

    /// Slots that the whole program needs.
    #[inline]
    pub fn slots(self) -> usize {
        self.slots
    }

    /// Events in it.
    #[inline]
    pub fn events(self) -> u64 {
        self.events
    }
}
