//! One operation of a program: a word of 8 bytes, which the timed loop decodes.

use std::alloc::Layout;

/// Most objects that may be live at once: as many as slot numbers fit into an operation.
pub const MAX_LIVE_OBJECTS: usize = 1 << SLOT_BITS;

const KIND_BITS: u32 = 2;
const ALIGN_BITS: u32 = 5;
const SLOT_BITS: u32 = 25;

/// What an operation asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A new block.
    Alloc = 0,
    /// A new block of zeroes.
    AllocZeroed = 1,
    /// A block back.
    Dealloc = 2,
    /// Another size for a block. The word behind it is its old size.
    Realloc = 3,
}

/// One word of a program. From the lowest bit: 2 of kind, 5 of the alignment's logarithm, 25 of slot, 32 of size (the new one, for a
/// realloc).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Op(pub(super) u64);

impl Op {
    pub(super) fn new(kind: Kind, slot: u32, layout: Layout) -> Self {
        let align_log2 = u64::from(layout.align().trailing_zeros());
        let word = kind as u64
            | align_log2 << KIND_BITS
            | u64::from(slot) << (KIND_BITS + ALIGN_BITS)
            | (layout.size() as u64) << (KIND_BITS + ALIGN_BITS + SLOT_BITS);
        Op(word)
    }

    /// The same slot and layout, asked for otherwise.
    #[inline(always)]
    pub(super) fn with_kind(self, kind: Kind) -> Self {
        Op(self.0 & !((1 << KIND_BITS) - 1) | kind as u64)
    }

    /// What it asks for.
    #[inline(always)]
    pub fn kind(self) -> Kind {
        match self.0 & 3 {
            0 => Kind::Alloc,
            1 => Kind::AllocZeroed,
            2 => Kind::Dealloc,
            _ => Kind::Realloc,
        }
    }

    /// The object's slot; less than the program's [`slots`](Program::slots).
    #[inline(always)]
    pub fn slot(self) -> usize {
        (self.0 >> (KIND_BITS + ALIGN_BITS)) as usize & (MAX_LIVE_OBJECTS - 1)
    }

    /// The layout: for a realloc, the one that the block shall have.
    #[inline(always)]
    pub fn layout(self) -> Layout {
        let align = 1 << (self.0 >> KIND_BITS & ((1 << ALIGN_BITS) - 1));
        let size = (self.0 >> (KIND_BITS + ALIGN_BITS + SLOT_BITS)) as usize;
        // SAFETY: `new` was given a layout of this size and alignment.
        unsafe { Layout::from_size_align_unchecked(size, align) }
    }

    /// Whether it is no operation but the old size behind a realloc: sizes of operations are above 0, and old sizes fit the low half.
    #[inline(always)]
    pub(super) fn is_old_size(self) -> bool {
        self.0 >> (KIND_BITS + ALIGN_BITS + SLOT_BITS) == 0
    }

    /// The layout that the block of a realloc has had; `old_size` is the word behind the operation.
    #[inline(always)]
    pub fn old_layout(self, old_size: Op) -> Layout {
        // SAFETY: `compile` puts the size of a layout of the same alignment behind every realloc.
        unsafe { Layout::from_size_align_unchecked(old_size.0 as usize, self.layout().align()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_holds_the_largest_of_everything() {
        let slot = MAX_LIVE_OBJECTS as u32 - 1;
        for kind in [Kind::Alloc, Kind::AllocZeroed, Kind::Dealloc, Kind::Realloc] {
            for (bytes, align) in [(1, 1), (u32::MAX as usize, 1 << 31), (1, 1 << 31), (u32::MAX as usize, 1), (40, 8)]
            {
                let layout = Layout::from_size_align(bytes, align).unwrap();
                let op = Op::new(kind, slot, layout);
                assert_eq!((op.kind(), op.slot(), op.layout()), (kind, slot as usize, layout));
                assert!(!op.is_old_size() && Op(bytes as u64).is_old_size());
            }
        }
        assert_eq!(traces::event::MAX_SIZE_BYTES, u64::from(u32::MAX));
        assert_eq!(traces::event::MAX_ALIGN_BYTES, 1 << 31);
    }
}
