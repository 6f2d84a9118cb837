//! A portion of a program: operations, and next to them what the program wrote.

use super::extents::WrittenRange;
use super::op::PackedOp;

/// Consecutive operations. If the trace has written extents, there is a range for each allocation and each realloc, in
/// the order of the operations.
#[derive(Clone, Debug, Default)]
pub(super) struct Portion {
    pub(super) ops: Vec<PackedOp>,
    pub(super) written: Vec<WrittenRange>,
}

impl Portion {
    /// An empty portion with room for this many words.
    pub(super) fn with_room(words: usize) -> Self {
        Portion { ops: Vec::with_capacity(words), written: Vec::new() }
    }

    /// Bytes of memory that it holds.
    pub(super) fn bytes(&self) -> usize {
        self.ops.capacity() * size_of::<PackedOp>() + self.written.capacity() * size_of::<WrittenRange>()
    }

    /// Empties it, but keeps its room.
    pub(super) fn clear(&mut self) {
        self.ops.clear();
        self.written.clear();
    }

    /// Drops the room that it does not need.
    pub(super) fn shrink_to_fit(&mut self) {
        self.ops.shrink_to_fit();
        self.written.shrink_to_fit();
    }
}
