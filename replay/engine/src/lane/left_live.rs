//! The objects that a replay leaves live, and how old they are.

use std::alloc::Layout;

use crate::memory::metrics::PlacedObject;
use crate::program::{OpKind, Program, Stretch};

/// Since when each object has had its size, by the program alone: no replay needs to watch every object for it.
///
/// A reallocation to the same size counts as no change, which is wrong if it moves its object.
pub(super) struct Ages {
    /// By slot. An object that is left live is the last one in its slot. Empty if nothing is left live.
    since_events: Vec<u64>,
}

impl Ages {
    /// Before the first event of a program.
    pub(super) fn before(program: &Program) -> Self {
        let slots = if program.left_live().next().is_some() { program.slots() } else { 0 };
        Ages { since_events: vec![0; slots] }
    }

    /// Follows the next stretch of the program.
    pub(super) fn follow(&mut self, stretch: Stretch<'_>) {
        if self.since_events.is_empty() {
            return;
        }
        let mut event = stretch.events_before();
        let mut ops = stretch.ops().iter();
        while let Some(op) = ops.next() {
            event += 1;
            let has_same_size = op.kind() == OpKind::Realloc
                && ops.next().is_some_and(|&old_size| op.old_layout(old_size).size() == op.layout().size());
            if !has_same_size {
                self.since_events[op.slot()] = event;
            }
        }
    }

    /// The objects that the whole program has left live on a heap that begins at this address. `slots` has the blocks; a
    /// block whose request failed is null.
    pub(super) fn left_live(&self, program: &Program, slots: &[*mut u8], base: usize) -> Vec<PlacedObject> {
        let object = |(slot, layout): (usize, Layout)| PlacedObject {
            offset_bytes: slots[slot].addr().wrapping_sub(base) as u64,
            size_bytes: layout.size() as u64,
            since_event: self.since_events[slot],
        };
        program.left_live().filter(|&(slot, _)| !slots[slot].is_null()).map(object).collect()
    }
}
