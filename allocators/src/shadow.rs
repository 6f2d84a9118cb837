//! The shadow model: the address and expected contents of every live block.
//!
//! It fills each block with a pattern of its own and checks the pattern before the block is freed or resized. This
//! catches a contender that hands out the same byte twice or writes into a live block. The conformance suite, the
//! property tests, the fuzz targets and the replay's verification all use this one checker; [`faulty`](crate::faulty)
//! allocators prove that it detects errors.

use core::alloc::Layout;
use std::collections::BTreeMap;

use crate::page_heap::HeapRef;

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

/// The live blocks of one heap.
#[derive(Debug)]
pub struct Shadow {
    heap: HeapRef,
    /// Live blocks by address.
    live: BTreeMap<usize, Block>,
    patterns: u64,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    layout: Layout,
    pattern: Pattern,
}

impl Shadow {
    /// A shadow of a heap without live blocks.
    pub fn new(heap: HeapRef) -> Self {
        Shadow { heap, live: BTreeMap::new(), patterns: 0 }
    }

    /// Checks a new block, and fills it.
    ///
    /// # Safety
    ///
    /// An allocator on this heap returned `block` for `layout`. The block need not be sound: nothing outside the
    /// committed pages is read or written.
    ///
    /// # Errors
    ///
    /// The first violation found.
    pub unsafe fn allocated(&mut self, block: *mut u8, layout: Layout, zeroed: bool) -> Result<(), Violation> {
        self.check_place(block, layout)?;
        if zeroed {
            // SAFETY: the block is in the committed pages.
            if let Some(byte) = (0..layout.size()).find(|&byte| unsafe { block.add(byte).read() } != 0) {
                return Err(Violation::NotZeroed { offset: self.offset(block.addr()), bytes: layout.size(), byte });
            }
        }
        // SAFETY: the block is in the committed pages and shares no byte with another.
        unsafe { self.insert(block, layout) };
        Ok(())
    }

    /// Checks that a live block still holds its bytes: before a resize, and after a failed one.
    ///
    /// # Safety
    ///
    /// The heap has not been reset since the block was filled.
    ///
    /// # Errors
    ///
    /// If a byte differs.
    ///
    /// # Panics
    ///
    /// If no live block begins at that address.
    pub unsafe fn check(&self, block: *mut u8) -> Result<(), Violation> {
        let known = self.live[&block.addr()];
        let bytes = known.layout.size();
        // SAFETY: the block was in the committed pages when it was filled, and a heap does not shrink.
        match unsafe { known.pattern.first_difference(block, bytes) } {
            Some(byte) => Err(Violation::Overwritten { offset: self.offset(block.addr()), bytes, byte }),
            None => Ok(()),
        }
    }

    /// The current layout of a live block.
    ///
    /// # Panics
    ///
    /// If no live block begins at that address.
    pub fn layout(&self, block: *mut u8) -> Layout {
        self.live[&block.addr()].layout
    }

    /// Checks a live block that is about to be freed, and forgets it.
    ///
    /// # Safety
    ///
    /// Same as for [`check`](Self::check).
    ///
    /// # Errors
    ///
    /// If a byte differs.
    ///
    /// # Panics
    ///
    /// If no live block begins at that address.
    pub unsafe fn releasing(&mut self, block: *mut u8) -> Result<(), Violation> {
        // SAFETY: upheld by the caller.
        unsafe { self.check(block)? };
        self.live.remove(&block.addr());
        Ok(())
    }

    /// Checks a block after a realloc from `old` to `new`.
    ///
    /// # Safety
    ///
    /// An allocator on this heap returned `new` for this realloc.
    ///
    /// # Errors
    ///
    /// The first violation found.
    ///
    /// # Panics
    ///
    /// If no live block began at `old`.
    pub unsafe fn reallocated(&mut self, old: *mut u8, new: *mut u8, new_size: usize) -> Result<(), Violation> {
        let was = self.live.remove(&old.addr()).expect("a block that is resized is live");
        let layout =
            Layout::from_size_align(new_size, was.layout.align()).expect("the caller of realloc ensures a valid size");
        self.check_place(new, layout)?;
        let kept = was.layout.size().min(new_size);
        // SAFETY: the block is in the committed pages and shares no byte with another.
        unsafe {
            if let Some(byte) = was.pattern.first_difference(new, kept) {
                let (offset, old_bytes) = (self.offset(new.addr()), was.layout.size());
                return Err(Violation::LostInRealloc { offset, old_bytes, bytes: new_size, byte });
            }
            self.insert(new, layout);
        }
        Ok(())
    }

    /// Checks that all live blocks still hold their bytes.
    ///
    /// # Safety
    ///
    /// Same as for [`check`](Self::check).
    ///
    /// # Errors
    ///
    /// If a byte of a block differs.
    pub unsafe fn check_all(&self) -> Result<(), Violation> {
        // SAFETY: upheld by the caller.
        self.live.keys().try_for_each(|&address| unsafe { self.check(self.heap.base().as_ptr().with_addr(address)) })
    }

    fn check_place(&self, block: *mut u8, layout: Layout) -> Result<(), Violation> {
        let (start, bytes) = (block.addr(), layout.size());
        let offset = self.offset(start);
        if !self.heap.contains(start, bytes) {
            return Err(Violation::OutsideHeap { offset, bytes, committed_bytes: self.heap.committed_bytes() });
        }
        if start % layout.align() != 0 {
            return Err(Violation::Misaligned { offset, align: layout.align() });
        }
        // Live blocks are disjoint, so only the last one that begins before this block's end can overlap it, whether
        // overlaps the start, from within or by enclosing it.
        if let Some((&other, known)) = self.live.range(..start + bytes).next_back()
            && other + known.layout.size() > start
        {
            let (other_offset, other_bytes) = (self.offset(other), known.layout.size());
            return Err(Violation::Overlap { offset, bytes, other_offset, other_bytes });
        }
        Ok(())
    }

    /// # Safety
    ///
    /// The block is in the committed pages and shares no byte with another.
    unsafe fn insert(&mut self, block: *mut u8, layout: Layout) {
        self.patterns += 1;
        let pattern = Pattern(self.patterns);
        // SAFETY: upheld by the caller.
        unsafe { pattern.fill(block, layout.size()) };
        self.live.insert(block.addr(), Block { layout, pattern });
    }

    fn offset(&self, address: usize) -> isize {
        address.wrapping_sub(self.heap.base().addr().get()).cast_signed()
    }
}

/// Bytes that differ from block to block, and from word to word within a block.
#[derive(Clone, Copy, Debug)]
struct Pattern(u64);

impl Pattern {
    fn word(self, index: usize) -> u64 {
        // Odd multipliers keep different (block, index) pairs apart; the upper half of the product is better mixed.
        let mixed = (self.0.wrapping_mul(0xd134_2543_de82_ef95) ^ index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed.swap_bytes()
    }

    /// # Safety
    ///
    /// The bytes are writable.
    unsafe fn fill(self, block: *mut u8, bytes: usize) {
        for start in (0..bytes).step_by(8) {
            let word = self.word(start / 8).to_le_bytes();
            // SAFETY: at most `bytes` bytes are written.
            unsafe { block.add(start).copy_from_nonoverlapping(word.as_ptr(), 8.min(bytes - start)) };
        }
    }

    /// # Safety
    ///
    /// The bytes are readable.
    unsafe fn first_difference(self, block: *mut u8, bytes: usize) -> Option<usize> {
        (0..bytes).step_by(8).find_map(|start| {
            let expected = self.word(start / 8).to_le_bytes();
            let mut found = expected;
            // SAFETY: at most `bytes` bytes are read.
            unsafe { block.add(start).copy_to_nonoverlapping(found.as_mut_ptr(), 8.min(bytes - start)) };
            (found != expected).then(|| start + (0..8).find(|&byte| found[byte] != expected[byte]).unwrap_or(0))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page_heap::{Guard, PageHeap};

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    /// A shadow, and the base of one committed page.
    fn page() -> (PageHeap, Shadow, *mut u8) {
        let heap = PageHeap::reserve(2, Guard::Trap).unwrap();
        let base = heap.handle().grow(1).unwrap().as_ptr();
        let shadow = Shadow::new(heap.handle());
        (heap, shadow, base)
    }

    #[test]
    fn every_kind_of_overlap_is_found() {
        for (start, bytes, overlaps) in [
            (100, 50, true),  // identical
            (90, 20, true),   // overlaps the start
            (140, 20, true),  // overlaps the end
            (110, 10, true),  // enclosed
            (50, 300, true),  // encloses
            (149, 1, true),   // the last byte
            (99, 2, true),    // the first byte
            (50, 50, false),  // ends where it begins
            (150, 50, false), // begins where it ends
        ] {
            let (_heap, mut shadow, base) = page();
            // SAFETY: all of these bytes are in the committed page.
            let result = unsafe {
                shadow.allocated(base.add(100), layout(50, 1), false).unwrap();
                shadow.allocated(base.add(start), layout(bytes, 1), false)
            };
            assert_eq!(
                matches!(result, Err(Violation::Overlap { other_offset: 100, .. })),
                overlaps,
                "{start} {bytes}: {result:?}"
            );
            assert_eq!(result.is_ok(), !overlaps);
        }
    }

    #[test]
    fn a_block_is_inside_the_committed_pages() {
        let (_heap, mut shadow, base) = page();
        for (block, bytes) in [
            (base.wrapping_sub(1), 1),
            (base.wrapping_add(65_530), 7),
            (base.wrapping_add(65_536), 1),
            (core::ptr::without_provenance_mut(usize::MAX), 1),
        ] {
            // SAFETY: the test checks that nothing outside the pages is accessed.
            let result = unsafe { shadow.allocated(block, layout(bytes, 1), false) };
            assert!(matches!(result, Err(Violation::OutsideHeap { committed_bytes: 65_536, .. })), "{result:?}");
        }
        // SAFETY: these are the page's last bytes.
        assert_eq!(unsafe { shadow.allocated(base.add(65_529), layout(7, 1), false) }, Ok(()));
    }

    #[test]
    fn every_byte_counts() {
        for bytes in [1, 7, 8, 9, 64, 1000] {
            for byte in [0, bytes / 2, bytes - 1] {
                let (_heap, mut shadow, base) = page();
                // SAFETY: all of these bytes are in the committed page.
                unsafe {
                    shadow.allocated(base, layout(bytes, 1), false).unwrap();
                    assert_eq!(shadow.check_all(), Ok(()));
                    *base.add(byte) ^= 1;
                    assert_eq!(shadow.releasing(base), Err(Violation::Overwritten { offset: 0, bytes, byte }));
                }
            }
        }
    }

    #[test]
    fn realloc_keeps_what_fits() {
        let (_heap, mut shadow, base) = page();
        // SAFETY: all of these bytes are in the committed page.
        unsafe {
            shadow.allocated(base, layout(100, 4), false).unwrap();
            base.add(1000).copy_from_nonoverlapping(base, 60);
            assert_eq!(shadow.reallocated(base, base.add(1000), 60), Ok(()));
            base.add(2000).copy_from_nonoverlapping(base.add(1000), 59);
            let lost = Violation::LostInRealloc { offset: 2000, old_bytes: 60, bytes: 80, byte: 59 };
            assert_eq!(shadow.reallocated(base.add(1000), base.add(2000), 80), Err(lost));
        }
    }

    #[test]
    fn zeroed_means_every_byte() {
        let (_heap, mut shadow, base) = page();
        // SAFETY: all of these bytes are in the committed page.
        unsafe {
            assert_eq!(shadow.allocated(base, layout(64, 16), true), Ok(()));
            base.add(64 + 63).write(1);
            let violation = Violation::NotZeroed { offset: 64, bytes: 64, byte: 63 };
            assert_eq!(shadow.allocated(base.add(64), layout(64, 16), true), Err(violation));
        }
    }
}
