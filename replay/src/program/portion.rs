//! A portion of a program: operations, and next to them what the program wrote.

use super::extents::Extent;
use super::op::PackedOp;

/// Consecutive operations. If the trace has written extents, there is one extent for each allocation and each realloc,
/// in the order of the operations.
#[derive(Clone, Debug, Default)]
pub(super) struct Portion {
    pub(super) ops: Vec<PackedOp>,
    pub(super) extents: Vec<Extent>,
}

impl Portion {
    /// An empty portion with room for this many words.
    pub(super) fn with_room(words: usize) -> Self {
        Portion { ops: Vec::with_capacity(words), extents: Vec::new() }
    }

    /// Empties it, but keeps its room.
    pub(super) fn clear(&mut self) {
        self.ops.clear();
        self.extents.clear();
    }
}
