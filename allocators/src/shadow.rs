//! The shadow model: the address and expected contents of every live block.
//!
//! It fills each block with a pattern of its own and checks the pattern before the block is freed or resized. This
//! catches a contender that hands out the same byte twice or writes into a live block. The conformance suite, the
//! property tests, the fuzz targets and the replay's verification all use this one checker; [`faulty`](crate::faulty)
//! allocators prove that it detects errors.
//!
//! A block of more than [`WHOLE_BYTES`] bytes is filled and checked in [parts], so that neither time nor memory
//! follows the sizes of huge blocks. Where a block lies is always checked to the byte, so no overlap goes unnoticed. What
//! can go unnoticed in a huge block is a write between two parts, by a contender that takes the bytes for its own.

mod pattern;

use core::alloc::Layout;

use crate::page_heap::HeapRef;
use crate::places::Places;
use pattern::{Pattern, first_not_zero, kept_end};

pub use crate::violation::Violation;
pub use pattern::{WHOLE_BYTES, parts};

/// The live blocks of one heap.
#[derive(Debug)]
pub struct Shadow {
    heap: HeapRef,
    live: Places<Pattern>,
    patterns: u64,
}

impl Shadow {
    /// A shadow of a heap without live blocks.
    pub fn new(heap: HeapRef) -> Self {
        let live = Places::new(heap.base().addr().get());
        Shadow { heap, live, patterns: 0 }
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
        self.live.check(block.addr(), layout, self.heap.committed_bytes())?;
        if zeroed {
            // SAFETY: the block is in the committed pages.
            if let Some(byte) = unsafe { first_not_zero(block, parts(layout.size())) } {
                return Err(Violation::NotZeroed {
                    offset: self.live.offset(block.addr()),
                    bytes: layout.size(),
                    byte,
                });
            }
        }
        // SAFETY: the block is in the committed pages and shares no byte with another.
        unsafe { self.insert(block, layout) };
        Ok(())
    }

    /// Checks that a live block still holds its bytes.
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
        // SAFETY: the block was in the committed pages when it was filled, and a heap does not shrink.
        unsafe { self.check_contents(block, self.known(block)) }
    }

    /// # Safety
    ///
    /// The block is or was live with this layout and pattern, and in the committed pages.
    #[inline]
    unsafe fn check_contents(&self, block: *mut u8, (layout, pattern): (Layout, Pattern)) -> Result<(), Violation> {
        let bytes = layout.size();
        // SAFETY: upheld by the caller.
        match unsafe { pattern.first_difference(block, parts(bytes)) } {
            Some(byte) => Err(Violation::Overwritten { offset: self.live.offset(block.addr()), bytes, byte }),
            None => Ok(()),
        }
    }

    /// Checks a live block that is about to be resized. A huge block that shrinks gets its pattern where its new end will
    /// be, so that [`reallocated`](Self::reallocated) can check the last bytes that must be kept.
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
    pub unsafe fn resizing(&self, block: *mut u8, new_size: usize) -> Result<(), Violation> {
        let (layout, pattern) = self.known(block);
        // SAFETY: the block was in the committed pages when it was filled, and a heap does not shrink.
        unsafe { self.check_contents(block, (layout, pattern))? };
        if layout.size() > WHOLE_BYTES && new_size < layout.size() {
            // SAFETY: the bytes are in the block, which is in the committed pages.
            unsafe { pattern.fill(block, core::iter::once(kept_end(new_size))) };
        }
        Ok(())
    }

    fn known(&self, block: *mut u8) -> (Layout, Pattern) {
        self.live.get(block.addr()).expect("the block is live")
    }

    /// The current layout of a live block.
    ///
    /// # Panics
    ///
    /// If no live block begins at that address.
    pub fn layout(&self, block: *mut u8) -> Layout {
        self.known(block).0
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
        let known = self.live.remove(block.addr()).expect("a block that is freed is live");
        // SAFETY: the block was in the committed pages when it was filled, and a heap does not shrink.
        unsafe { self.check_contents(block, known) }
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
    /// If no live block began at `old`, or if a huge block shrinks without a call of [`resizing`](Self::resizing) before.
    pub unsafe fn reallocated(&mut self, old: *mut u8, new: *mut u8, new_size: usize) -> Result<(), Violation> {
        let (was, pattern) = self.live.remove(old.addr()).expect("a block that is resized is live");
        let layout =
            Layout::from_size_align(new_size, was.align()).expect("the caller of realloc ensures a valid size");
        self.live.check(new.addr(), layout, self.heap.committed_bytes())?;
        let old_bytes = was.size();
        let kept = parts(old_bytes).map(|part| part.start..part.end.min(new_size)).filter(|part| !part.is_empty());
        // Written by `resizing`.
        let end = (old_bytes > WHOLE_BYTES && new_size < old_bytes).then(|| kept_end(new_size));
        // SAFETY: the block is in the committed pages and shares no byte with another.
        unsafe {
            if let Some(byte) = pattern.first_difference(new, kept.chain(end)) {
                let offset = self.live.offset(new.addr());
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
        self.live
            .addresses()
            .try_for_each(|address| unsafe { self.check(self.heap.base().as_ptr().with_addr(address)) })
    }

    /// # Safety
    ///
    /// The block is in the committed pages and shares no byte with another.
    unsafe fn insert(&mut self, block: *mut u8, layout: Layout) {
        self.patterns += 1;
        let pattern = Pattern::number(self.patterns);
        // SAFETY: upheld by the caller.
        unsafe { pattern.fill(block, parts(layout.size())) };
        self.live.insert(block.addr(), layout, pattern);
    }
}

#[cfg(test)]
mod tests {
    use super::pattern::{END_BYTES, PART_DISTANCE_BYTES};
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
            shadow.resizing(base, 60).unwrap();
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

    /// A heap of 64 MiB, of which each test touches little.
    fn huge() -> (PageHeap, Shadow, *mut u8) {
        let heap = PageHeap::reserve(1024, Guard::Trap).unwrap();
        let base = heap.handle().grow(1024).unwrap().as_ptr();
        let shadow = Shadow::new(heap.handle());
        (heap, shadow, base)
    }

    #[test]
    fn a_write_at_the_ends_or_in_a_part_of_a_huge_block_is_found() {
        let bytes = WHOLE_BYTES + 12_345;
        for byte in [
            0,
            17,
            END_BYTES - 1,
            PART_DISTANCE_BYTES,
            bytes / 2 / PART_DISTANCE_BYTES * PART_DISTANCE_BYTES,
            bytes - 1,
        ] {
            let (_heap, mut shadow, base) = huge();
            // SAFETY: all of these bytes are in the committed pages.
            unsafe {
                shadow.allocated(base, layout(bytes, 1), true).unwrap();
                *base.add(byte) ^= 1;
                assert_eq!(shadow.releasing(base), Err(Violation::Overwritten { offset: 0, bytes, byte }));
            }
        }
    }

    #[test]
    fn a_byte_that_a_realloc_of_a_huge_block_loses_at_the_end_is_found() {
        for (old_bytes, bytes) in
            [(2, 1), (1, 2), (1, 1)].map(|(old, new)| (old * WHOLE_BYTES + 100, new * WHOLE_BYTES + 77))
        {
            for lost in [0, 1] {
                let (_heap, mut shadow, base) = huge();
                let kept = old_bytes.min(bytes);
                // SAFETY: all of these bytes are in the committed pages; the blocks do not overlap.
                unsafe {
                    let moved = base.add(24 << 20);
                    shadow.allocated(base, layout(old_bytes, 1), false).unwrap();
                    shadow.resizing(base, bytes).unwrap();
                    moved.copy_from_nonoverlapping(base, kept - lost);
                    let violation = Violation::LostInRealloc { offset: 24 << 20, old_bytes, bytes, byte: kept - 1 };
                    let expected = if lost > 0 { Err(violation) } else { Ok(()) };
                    // The pages are zeroed, so that a pattern whose last byte is 0 would not show: it is not.
                    assert_eq!(shadow.reallocated(base, moved, bytes), expected, "{old_bytes} to {bytes}");
                }
            }
        }
    }

    #[test]
    fn every_overlap_of_huge_blocks_is_found_to_the_byte() {
        let (_heap, mut shadow, base) = huge();
        let (start, bytes) = (1 << 20, WHOLE_BYTES + 1);
        // SAFETY: all of these bytes are in the committed pages.
        unsafe { shadow.allocated(base.add(start), layout(bytes, 1), false).unwrap() };
        for (other, other_bytes) in [
            (start - 1, 2),         // the first byte
            (start + bytes - 1, 1), // the last byte
            (start + 100_000, 8),   // between two parts
            (start - 1, bytes + 2), // encloses it
            (start, bytes),         // identical
        ] {
            // SAFETY: as above.
            let result = unsafe { shadow.allocated(base.add(other), layout(other_bytes, 1), false) };
            assert!(matches!(result, Err(Violation::Overlap { .. })), "{other} {other_bytes}: {result:?}");
        }
    }
}
