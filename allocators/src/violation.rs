//! What can be wrong with a block.

/// A violation of the allocator's contract. Addresses are offsets from the heap's base, so that they repeat from run to
/// run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A block that is not entirely within the committed pages.
    #[error("block of {bytes} bytes at offset {offset} is outside the heap of {committed_bytes} bytes")]
    OutsideHeap {
        /// Offset of the block.
        offset: isize,
        /// Its size.
        bytes: usize,
        /// Committed bytes of the heap.
        committed_bytes: usize,
    },
    /// A block whose address is not a multiple of its alignment.
    #[error("block at offset {offset} is not aligned to {align} bytes")]
    Misaligned {
        /// Offset of the block.
        offset: isize,
        /// Requested alignment.
        align: usize,
    },
    /// A block that shares bytes with another live block.
    #[error(
        "block of {bytes} bytes at offset {offset} overlaps the live block of {other_bytes} bytes at offset {other_offset}"
    )]
    Overlap {
        /// Offset of the new block.
        offset: isize,
        /// Size of the new block.
        bytes: usize,
        /// Offset of the older block.
        other_offset: isize,
        /// Size of the older block.
        other_bytes: usize,
    },
    /// A live block whose bytes changed although the program did not write to it.
    #[error("byte {byte} of the live block of {bytes} bytes at offset {offset} was overwritten")]
    Overwritten {
        /// Offset of the block.
        offset: isize,
        /// Its size.
        bytes: usize,
        /// The first byte that differs.
        byte: usize,
    },
    /// A realloc that did not preserve all bytes.
    #[error("realloc from {old_bytes} to {bytes} bytes lost byte {byte}; the block is now at offset {offset}")]
    LostInRealloc {
        /// Offset of the block after the realloc.
        offset: isize,
        /// Size before.
        old_bytes: usize,
        /// Size after.
        bytes: usize,
        /// The first byte that differs.
        byte: usize,
    },
    /// A zeroed block that contains a byte other than 0.
    #[error("byte {byte} of the zeroed block of {bytes} bytes at offset {offset} is not 0")]
    NotZeroed {
        /// Offset of the block.
        offset: isize,
        /// Its size.
        bytes: usize,
        /// The first byte that is not 0.
        byte: usize,
    },
}
