//! The shadow model: where every live block lies, and what it holds.
//!
//! It fills each block with a pattern of its own and compares before the block is given back or resized, so that a contender that
//! hands out the same byte twice, or writes into a block that is not its own, is caught. The conformance suite, the property tests, the
//! fuzz targets and the replay's verification are all this one checker; [`faulty`](crate::faulty) allocators prove that it bites.

use core::alloc::Layout;
use std::collections::BTreeMap;

use crate::page_heap::HeapRef;

/// Something that an allocator must not do. Addresses are offsets from the heap's base, so that they repeat from run to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A block that is not, or not wholly, in the committed pages.
    #[error("block of {bytes} bytes at offset {offset} lies outside the heap of {committed_bytes} bytes")]
    OutsideHeap {
        /// Where the block begins.
        offset: isize,
        /// Its size.
        bytes: usize,
        /// Bytes that the heap has.
        committed_bytes: usize,
    },
    /// A block at an address that is not a multiple of its alignment.
    #[error("block at offset {offset} is not aligned to {align} bytes")]
    Misaligned {
        /// Where the block begins.
        offset: isize,
        /// What was asked for.
        align: usize,
    },
    /// A block that shares bytes with another live one.
    #[error(
        "block of {bytes} bytes at offset {offset} overlaps the live block of {other_bytes} bytes at offset {other_offset}"
    )]
    Overlap {
        /// Where the new block begins.
        offset: isize,
        /// Its size.
        bytes: usize,
        /// Where the older one begins.
        other_offset: isize,
        /// Its size.
        other_bytes: usize,
    },
    /// A live block's bytes changed although nobody wrote to it.
    #[error("byte {byte} of the live block of {bytes} bytes at offset {offset} was overwritten")]
    Overwritten {
        /// Where the block begins.
        offset: isize,
        /// Its size.
        bytes: usize,
        /// The first byte that differs.
        byte: usize,
    },
    /// A realloc did not bring all bytes along.
    #[error("realloc from {old_bytes} to {bytes} bytes lost byte {byte}; the block is now at offset {offset}")]
    LostInRealloc {
        /// Where the block is now.
        offset: isize,
        /// Its size before.
        old_bytes: usize,
        /// Its size now.
        bytes: usize,
        /// The first byte that differs.
        byte: usize,
    },
    /// Memory that was promised to be zeroed is not.
    #[error("byte {byte} of the zeroed block of {bytes} bytes at offset {offset} is not 0")]
    NotZeroed {
        /// Where the block begins.
        offset: isize,
        /// Its size.
        bytes: usize,
        /// The first byte that is not 0.
        byte: usize,
    },
}

/// What is known of one heap's live blocks.
#[derive(Debug)]
pub struct Shadow {
    heap: HeapRef,
    /// By address.
    live: BTreeMap<usize, Block>,
    patterns: u64,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    layout: Layout,
    pattern: Pattern,
}

impl Shadow {
    /// The model of a heap without live blocks.
    pub fn new(heap: HeapRef) -> Self {
        Shadow { heap, live: BTreeMap::new(), patterns: 0 }
    }

    /// Checks a new block, and fills it.
    ///
    /// # Safety
    ///
    /// `block` was returned for `layout` by an allocator on this heap. That it is a sound block is not taken for granted: nothing is
    /// read or written outside the committed pages.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub unsafe fn allocated(&mut self, block: *mut u8, layout: Layout, zeroed: bool) -> Result<(), Violation> {
        self.check_place(block, layout)?;
        if zeroed {
            // SAFETY: the block lies in the committed pages.
            if let Some(byte) = (0..layout.size()).find(|&byte| unsafe { block.add(byte).read() } != 0) {
                return Err(Violation::NotZeroed { offset: self.offset(block.addr()), bytes: layout.size(), byte });
            }
        }
        // SAFETY: the block lies in the committed pages and shares no byte with another.
        unsafe { self.insert(block, layout) };
        Ok(())
    }

    /// Checks that a live block still holds its bytes: before it is resized, and after a resize that failed.
    ///
    /// # Safety
    ///
    /// The heap has not been reset since the block was filled.
    ///
    /// # Errors
    ///
    /// Where a byte differs.
    ///
    /// # Panics
    ///
    /// Where no live block begins at that address.
    pub unsafe fn check(&self, block: *mut u8) -> Result<(), Violation> {
        let known = self.live[&block.addr()];
        let bytes = known.layout.size();
        // SAFETY: it was checked to lie in the committed pages when it was filled, and a heap does not shrink.
        match unsafe { known.pattern.first_difference(block, bytes) } {
            Some(byte) => Err(Violation::Overwritten { offset: self.offset(block.addr()), bytes, byte }),
            None => Ok(()),
        }
    }

    /// The layout in force of a live block.
    ///
    /// # Panics
    ///
    /// Where no live block begins at that address.
    pub fn layout(&self, block: *mut u8) -> Layout {
        self.live[&block.addr()].layout
    }

    /// Checks a live block that is about to be given back, and forgets it.
    ///
    /// # Safety
    ///
    /// As for [`check`](Self::check).
    ///
    /// # Errors
    ///
    /// Where a byte differs.
    ///
    /// # Panics
    ///
    /// Where no live block begins at that address.
    pub unsafe fn releasing(&mut self, block: *mut u8) -> Result<(), Violation> {
        // SAFETY: the caller's.
        unsafe { self.check(block)? };
        self.live.remove(&block.addr());
        Ok(())
    }

    /// Checks a block after it was resized: it has come from `old` to `new`.
    ///
    /// # Safety
    ///
    /// `new` was returned for this realloc by an allocator on this heap.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    ///
    /// # Panics
    ///
    /// Where no live block began at `old`.
    pub unsafe fn reallocated(&mut self, old: *mut u8, new: *mut u8, new_size: usize) -> Result<(), Violation> {
        let was = self.live.remove(&old.addr()).expect("a block that is resized is live");
        let layout =
            Layout::from_size_align(new_size, was.layout.align()).expect("realloc's caller vouches for the size");
        self.check_place(new, layout)?;
        let kept = was.layout.size().min(new_size);
        // SAFETY: the block lies in the committed pages and shares no byte with another.
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
    /// As for [`check`](Self::check).
    ///
    /// # Errors
    ///
    /// Where a byte of one differs.
    pub unsafe fn check_all(&self) -> Result<(), Violation> {
        // SAFETY: the caller's.
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
        // Live blocks are disjoint, so the last one that begins before this one's end is the only one that can reach into it, be it from
        // below, from within, or from all around.
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
    /// The block lies in the committed pages and shares no byte with another.
    unsafe fn insert(&mut self, block: *mut u8, layout: Layout) {
        self.patterns += 1;
        let pattern = Pattern(self.patterns);
        // SAFETY: the caller's.
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
        // Odd multipliers keep different (block, index) pairs apart; the upper half of the product is the well mixed one.
        let mixed = (self.0.wrapping_mul(0xd134_2543_de82_ef95) ^ index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed.swap_bytes()
    }

    /// # Safety
    ///
    /// The bytes are writable.
    unsafe fn fill(self, block: *mut u8, bytes: usize) {
        for start in (0..bytes).step_by(8) {
            let word = self.word(start / 8).to_le_bytes();
            // SAFETY: at most up to `bytes`.
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
            // SAFETY: at most up to `bytes`.
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
    fn blocks_that_share_bytes_are_found_however_they_lie() {
        for (start, bytes, overlaps) in [
            (100, 50, true),  // the same
            (90, 20, true),   // from below
            (140, 20, true),  // from within to above
            (110, 10, true),  // wholly within
            (50, 300, true),  // wholly around
            (149, 1, true),   // the last byte
            (99, 2, true),    // the first byte
            (50, 50, false),  // up to it
            (150, 50, false), // behind it
        ] {
            let (_heap, mut shadow, base) = page();
            // SAFETY: all of this is in the committed page.
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
            // SAFETY: nothing outside of the pages is touched, which is the point.
            let result = unsafe { shadow.allocated(block, layout(bytes, 1), false) };
            assert!(matches!(result, Err(Violation::OutsideHeap { committed_bytes: 65_536, .. })), "{result:?}");
        }
        // SAFETY: the page's last bytes.
        assert_eq!(unsafe { shadow.allocated(base.add(65_529), layout(7, 1), false) }, Ok(()));
    }

    #[test]
    fn every_byte_counts() {
        for bytes in [1, 7, 8, 9, 64, 1000] {
            for byte in [0, bytes / 2, bytes - 1] {
                let (_heap, mut shadow, base) = page();
                // SAFETY: all of this is in the committed page.
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
        // SAFETY: all of this is in the committed page.
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
        // SAFETY: all of this is in the committed page.
        unsafe {
            assert_eq!(shadow.allocated(base, layout(64, 16), true), Ok(()));
            base.add(64 + 63).write(1);
            let violation = Violation::NotZeroed { offset: 64, bytes: 64, byte: 63 };
            assert_eq!(shadow.allocated(base.add(64), layout(64, 16), true), Err(violation));
        }
    }
}
