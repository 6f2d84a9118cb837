//! Cutting blocks: a bin that is filled by a run, a block that is split, and where the rest goes.

use core::ptr::{self, NonNull};

use super::SegregatedBump;
use super::accounting::Accounting;
use super::top::padding;
use crate::page_source::PageSource;
use crate::policies::{Decisions, LargeFrees, SizeClasses, UNIT};

impl<S: PageSource, P: Decisions, A: Accounting> SegregatedBump<S, P, A> {
    /// A block of `bytes` at a multiple of `align` that is cut from a free block. Null if there is none.
    #[inline(never)]
    pub(super) fn reuse(&mut self, class: usize, bytes: usize, align: usize) -> *mut u8 {
        let is_small = class < P::Classes::count();
        // Blocks of bins are aligned to 16.
        if is_small && align <= UNIT {
            for higher in class + 1..P::Classes::count() {
                let block = self.bins.as_mut()[higher].take();
                if !block.is_null() {
                    // SAFETY: the block has the bytes of its class, which are more than those of this one, and its end
                    // is in no other place.
                    unsafe { self.file(block.wrapping_add(bytes), P::Classes::bytes_of(higher) - bytes) };
                    return block;
                }
            }
        }
        if !P::LargeFrees::keeps() {
            return ptr::null_mut();
        }
        let Some(found) = self.large.take(bytes + align.saturating_sub(UNIT)) else {
            return ptr::null_mut();
        };
        let start = found.cast::<u8>().as_ptr();
        let pad = padding(start, align);
        let block = start.wrapping_add(pad);
        // SAFETY: what was found is free, aligned to 16, and has `bytes` bytes and the padding. What is before and after
        // the block is in no other place.
        unsafe {
            self.file(start, pad);
            self.file(block.wrapping_add(bytes), found.len() - pad - bytes);
        }
        block
    }

    /// Makes free memory blocks that requests find: a large one if it is too large for the bins and large ones are kept,
    /// else small ones, from the largest that fits on. What no block fits in is lost.
    ///
    /// # Safety
    ///
    /// The memory belongs to the allocator and is in no other place. It begins at a multiple of 16.
    #[inline(never)]
    pub(super) unsafe fn file(&mut self, mut start: *mut u8, mut bytes: usize) {
        if P::LargeFrees::keeps() && bytes > P::Classes::largest() {
            // SAFETY: the caller guarantees the memory, which is not at address 0. Blocks are whole multiples of 16 bytes
            // where large ones are kept: `new` checks the step.
            unsafe { self.large.put(NonNull::new_unchecked(start), bytes) };
            return;
        }
        while let Some(class) = P::Classes::class_within(bytes) {
            let block_bytes = P::Classes::bytes_of(class);
            // SAFETY: the memory has a block of this class, and every block before it was a multiple of 16.
            unsafe { self.bins.as_mut()[class].put(start) };
            start = start.wrapping_add(block_bytes);
            bytes -= block_bytes;
        }
        self.lost.add_freed(bytes);
    }

    /// A block from the bump pointer, and further ones of its class for the bin, as far as the run has room.
    #[inline(never)]
    pub(super) fn refill_bin(&mut self, class: usize, bytes: usize, align: usize) -> *mut u8 {
        let block = self.bump(bytes, align);
        if block.is_null() {
            return block;
        }
        let first = self.top;
        let blocks = (P::refill_blocks() - 1).min(self.room() / bytes);
        self.top = first.wrapping_add(blocks * bytes);
        // From the highest on, so that they are taken in the order of their addresses.
        for index in (0..blocks).rev() {
            // SAFETY: the memory was after the bump pointer, which is a multiple of 16 after a small block.
            unsafe { self.bins.as_mut()[class].put(first.wrapping_add(index * bytes)) };
        }
        block
    }
}
