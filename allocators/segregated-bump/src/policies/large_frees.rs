//! What happens to large blocks that are freed.

use core::ptr::{self, NonNull};

/// Where large blocks go that are freed, and what else is too large for the bins.
///
/// # Safety
///
/// What [`take`](Self::take) returns was [`put`](Self::put) before, as a whole, and not taken since.
pub unsafe trait LargeFrees {
    /// Nothing was freed yet.
    const START: Self;

    /// Whether blocks are kept, or may be. If not, `put` and `take` are never called.
    const KEEPS: bool;

    /// Whether blocks are kept: the same answer at each time.
    #[inline(always)]
    fn keeps() -> bool {
        Self::KEEPS
    }

    /// Keeps a free block.
    ///
    /// # Safety
    ///
    /// The block is aligned to 16, and `bytes` is a multiple of 16 and at least 16. Nobody uses it until it is taken.
    unsafe fn put(&mut self, block: NonNull<u8>, bytes: usize);

    /// Takes a block of at least `bytes` bytes. `None` if none was found.
    fn take(&mut self, bytes: usize) -> Option<NonNull<[u8]>>;

    /// Bytes of all blocks that are kept.
    fn bytes(&self) -> usize;
}

/// Large blocks are not used again.
///
/// Their memory is lost until a [reset](crate::SegregatedBump::reset), and so is the end of a large block that shrinks
/// below other blocks. No code and no memory is smaller. lite-alloc's `SegregatedBumpAllocator` does so; mini-alloc does
/// so with all blocks.
#[derive(Clone, Copy, Debug)]
pub struct Discarded;

// SAFETY: nothing is returned.
unsafe impl LargeFrees for Discarded {
    const START: Self = Discarded;
    const KEEPS: bool = false;

    unsafe fn put(&mut self, _block: NonNull<u8>, _bytes: usize) {}

    fn take(&mut self, _bytes: usize) -> Option<NonNull<[u8]>> {
        None
    }

    fn bytes(&self) -> usize {
        0
    }
}

/// Lists of free blocks: one for each doubling of the size.
const LISTS: usize = 28;

/// Blocks of its own list that a request looks at.
const PROBES: usize = 8;

/// Large blocks that are freed go into lists by size, one for each doubling, and are used again.
///
/// A request takes the first block that is large enough among the first eight of its own list, else the first one of
/// the next list that is not empty. What is left of the block is filed again. Blocks are not joined, so that they become
/// smaller and smaller; an allocator that joins them is [`SweptBump`](crate::SweptBump). Lists of this kind are called
/// *segregated fits*; rlsf (TLSF) and talc have them, and join blocks.
#[derive(Debug)]
pub struct ListsBySize {
    /// The most recently freed block of each list. The last list has all larger ones, too.
    first: [*mut LargeBlock; LISTS],
}

/// The contents of a free large block: 16 bytes at most.
#[derive(Debug)]
struct LargeBlock {
    next: *mut LargeBlock,
    bytes: usize,
}

/// The list of blocks of this size, which is at least 16.
fn list_of(bytes: usize) -> usize {
    (bytes.ilog2() as usize - 4).min(LISTS - 1)
}

// SAFETY: a block is in one list, from `put` to the `take` that returns it, with its address and its bytes.
unsafe impl LargeFrees for ListsBySize {
    const START: Self = ListsBySize { first: [ptr::null_mut(); LISTS] };
    const KEEPS: bool = true;

    unsafe fn put(&mut self, block: NonNull<u8>, bytes: usize) {
        let first = &mut self.first[list_of(bytes)];
        let free = block.as_ptr().cast::<LargeBlock>();
        // SAFETY: the caller guarantees that the block is free, aligned and large enough.
        unsafe { free.write(LargeBlock { next: *first, bytes }) };
        *first = free;
    }

    #[inline(never)]
    fn take(&mut self, bytes: usize) -> Option<NonNull<[u8]>> {
        let own = list_of(bytes);
        for list in own..LISTS {
            let mut link: *mut *mut LargeBlock = &mut self.first[list];
            // In a higher list every block is large enough.
            for _ in 0..PROBES {
                // SAFETY: the link is that of the list or of a block in it. A block in a list is free memory that nobody
                // else uses, and `put` wrote a LargeBlock to it.
                unsafe {
                    let block = *link;
                    if block.is_null() {
                        break;
                    }
                    if (*block).bytes >= bytes {
                        *link = (*block).next;
                        return Some(NonNull::slice_from_raw_parts(
                            NonNull::new_unchecked(block.cast()),
                            (*block).bytes,
                        ));
                    }
                    link = &raw mut (*block).next;
                }
            }
        }
        None
    }

    fn bytes(&self) -> usize {
        let mut bytes = 0;
        for &first in &self.first {
            let mut block = first;
            while !block.is_null() {
                // SAFETY: as in `take`.
                unsafe {
                    bytes += (*block).bytes;
                    block = (*block).next;
                }
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(align(16))]
    struct Memory([u8; 4096]);

    #[test]
    fn a_request_takes_a_block_of_its_list_if_it_is_large_enough_and_else_of_a_higher_one() {
        let mut memory = Memory([0; 4096]);
        let base = NonNull::from(&mut memory.0).cast::<u8>();
        let mut lists = ListsBySize::START;
        assert_eq!(lists.take(16), None);
        for (offset, bytes) in [(0, 144), (256, 240), (512, 160), (1024, 1024)] {
            // SAFETY: these are separate parts of the memory, and nobody else uses it.
            unsafe { lists.put(base.add(offset), bytes) };
        }
        assert_eq!(lists.bytes(), 144 + 240 + 160 + 1024);
        let mut take = |bytes| {
            let taken = lists.take(bytes)?;
            Some((taken.cast::<u8>().addr().get() - base.addr().get(), taken.len()))
        };
        assert_eq!(take(176), Some((256, 240)), "the second that was freed");
        assert_eq!(take(144), Some((512, 160)), "the latest one");
        assert_eq!(take(176), Some((1024, 1024)), "of a higher list");
        assert_eq!(take(176), None);
        assert_eq!(take(128), Some((0, 144)));
        assert_eq!(lists.bytes(), 0);
    }

    #[test]
    fn a_request_looks_at_eight_blocks_of_its_list() {
        let mut memory = Memory([0; 4096]);
        let base = NonNull::from(&mut memory.0).cast::<u8>();
        for (smaller, is_found) in [(7, true), (8, false)] {
            let mut lists = ListsBySize::START;
            for block in 0..=smaller {
                // SAFETY: these are separate parts of the memory, and nobody else uses it.
                unsafe { lists.put(base.add(256 * block), if block == 0 { 240 } else { 144 }) };
            }
            assert_eq!(lists.take(200).is_some(), is_found, "after {smaller} smaller ones");
        }
    }
}
