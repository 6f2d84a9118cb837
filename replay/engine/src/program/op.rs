//! An operation of a program: a word of 8 bytes, which the timed loop decodes.

use std::alloc::Layout;

/// Maximum number of live objects: the slot numbers that fit into an operation.
pub const MAX_LIVE_OBJECTS: usize = 1 << SLOT_BITS;

const KIND_BITS: u32 = 2;
const ALIGN_BITS: u32 = 5;
const SLOT_BITS: u32 = 25;

/// The kind of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum OpKind {
    /// Allocates a block.
    Alloc = 0,
    /// Allocates a zeroed block.
    AllocZeroed = 1,
    /// Frees a block.
    Dealloc = 2,
    /// Resizes a block. The next word is its old size.
    Realloc = 3,
}

/// One word of a program: the size (the new one, for a realloc) in one half. The other half contains, from the lowest
/// bit, 5 bits of the alignment's logarithm, 2 of the kind and 25 of the slot.
///
/// Decoding is most of what the timed loop adds to a contender. The size is therefore stored as it is, the alignment is
/// in the bits that a shift takes its count from, and the kind is two bits that are tested one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct PackedOp {
    bits: u32,
    size: u32,
}

impl PackedOp {
    pub(super) fn new(kind: OpKind, slot: u32, layout: Layout) -> Self {
        let bits = layout.align().trailing_zeros() | (kind as u32) << ALIGN_BITS | slot << (ALIGN_BITS + KIND_BITS);
        PackedOp { bits, size: layout.size() as u32 }
    }

    /// The word after a realloc: not an operation, but the old size of the block. It is in the other half, because
    /// sizes of operations are above 0.
    pub(super) fn old_size(layout: Layout) -> Self {
        PackedOp { bits: layout.size() as u32, size: 0 }
    }

    /// Whether it is the word after a realloc.
    #[inline(always)]
    pub(super) fn is_old_size(self) -> bool {
        self.size == 0
    }

    /// The same slot and layout with another kind.
    #[inline(always)]
    pub(super) fn with_kind(self, kind: OpKind) -> Self {
        let kind_bits = ((1 << KIND_BITS) - 1) << ALIGN_BITS;
        PackedOp { bits: self.bits & !kind_bits | (kind as u32) << ALIGN_BITS, ..self }
    }

    /// The kind of request.
    #[inline(always)]
    pub fn kind(self) -> OpKind {
        // Not a `match` on a number: that compiles to a jump table, which costs 1.5 ns more when mispredicted.
        let [low, high] = [1 << ALIGN_BITS, 2 << ALIGN_BITS].map(|bit| self.bits & bit != 0);
        match (high, low) {
            (false, false) => OpKind::Alloc,
            (false, true) => OpKind::AllocZeroed,
            (true, false) => OpKind::Dealloc,
            (true, true) => OpKind::Realloc,
        }
    }

    /// The object's slot; less than the program's [`slots`](crate::Program::slots).
    #[inline(always)]
    pub fn slot(self) -> usize {
        (self.bits >> (ALIGN_BITS + KIND_BITS)) as usize
    }

    /// The layout: for a realloc, the new one.
    #[inline(always)]
    pub fn layout(self) -> Layout {
        // SAFETY: `new` was given a layout of this size and alignment.
        unsafe { Layout::from_size_align_unchecked(self.size as usize, self.align()) }
    }

    /// The old layout of a realloc; `old_size` is the word after the operation.
    #[inline(always)]
    pub fn old_layout(self, old_size: PackedOp) -> Layout {
        // SAFETY: `compile` puts the size of a layout of the same alignment after every realloc.
        unsafe { Layout::from_size_align_unchecked(old_size.bits as usize, self.align()) }
    }

    #[inline(always)]
    fn align(self) -> usize {
        // Shifts by the lowest 5 bits: a rotation uses only those of its count, without a mask.
        1_u32.rotate_left(self.bits) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_holds_the_largest_values() {
        let slot = MAX_LIVE_OBJECTS as u32 - 1;
        for kind in [OpKind::Alloc, OpKind::AllocZeroed, OpKind::Dealloc, OpKind::Realloc] {
            for (bytes, align) in [(1, 1), (u32::MAX as usize, 1 << 31), (1, 1 << 31), (u32::MAX as usize, 1), (40, 8)]
            {
                let layout = Layout::from_size_align(bytes, align).unwrap();
                let op = PackedOp::new(kind, slot, layout);
                assert_eq!((op.kind(), op.slot(), op.layout()), (kind, slot as usize, layout));
                assert!(!op.is_old_size() && PackedOp::old_size(layout).is_old_size());
                assert_eq!(op.old_layout(PackedOp::old_size(layout)), layout);
            }
        }
        assert_eq!(heaprace_traces::event::MAX_SIZE_BYTES, u64::from(u32::MAX));
        assert_eq!(heaprace_traces::event::MAX_ALIGN_BYTES, 1 << 31);
    }
}
