//! The bump pointer, and the run of memory that it moves through.

use core::ptr;

use super::SegregatedBump;
use super::accounting::Accounting;
use crate::page_source::PageSource;
use crate::policies::{Decisions, GrowthStep, UNIT};

impl<S: PageSource, P: Decisions, A: Accounting> SegregatedBump<S, P, A> {
    /// Bytes from the bump pointer to the end of the run.
    #[inline]
    pub(super) fn room(&self) -> usize {
        self.end - self.top.addr()
    }

    /// A block of `bytes` from the bump pointer, at a multiple of `align`. Null if the source has no more memory.
    #[inline]
    pub(super) fn bump(&mut self, bytes: usize, align: usize) -> *mut u8 {
        // The bump pointer is a multiple of 16 if all blocks have multiples of 16 bytes.
        let align = if P::large_step() < UNIT { align.max(UNIT) } else { align };
        // A layout's size, rounded up to its alignment, is at most `isize::MAX`, and a step at most 64 KiB, so no sum
        // here overflows.
        let mut pad = padding(self.top, align);
        if pad + bytes > self.room() {
            if !self.refill(bytes, align) {
                return ptr::null_mut();
            }
            pad = padding(self.top, align);
        }
        let block = self.top.wrapping_add(pad);
        self.top = block.wrapping_add(bytes);
        self.lost.add_padding(pad);
        block
    }

    /// Gets memory with room for `bytes` at `align`.
    #[cold]
    fn refill(&mut self, bytes: usize, align: usize) -> bool {
        // Enough for the block wherever a run may begin, including padding: the bump pointer is a multiple of 16.
        let enough = bytes + align.max(UNIT).saturating_sub(self.source.run_align());
        // If new memory continues the run, only the missing bytes are needed.
        let mut needed = padding(self.top, align) + bytes - self.room();
        if self.top.is_null() {
            needed = enough;
        }
        while self.acquire(needed) {
            if padding(self.top, align) + bytes <= self.room() {
                return true;
            }
            needed = enough;
        }
        false
    }

    /// Acquires memory from the source. If it continues the run, the run becomes longer; if not, the rest of the old
    /// run is given up.
    pub(super) fn acquire(&mut self, min_bytes: usize) -> bool {
        let mut memory = None;
        if P::growth() != GrowthStep::Needed {
            memory = self.source.acquire(P::growth().bytes(min_bytes, self.end - self.run.addr()));
        }
        let Some(memory) = memory.or_else(|| self.source.acquire(min_bytes)) else {
            return false;
        };
        let start = memory.cast::<u8>().as_ptr();
        if self.end != start.addr() {
            // Every block begins at a multiple of 16, so the run must too.
            let pad = if self.source.run_align() < UNIT { padding(start, UNIT).min(memory.len()) } else { 0 };
            self.lost.add_padding(self.room() + pad);
            self.run = start.wrapping_add(pad);
            self.top = self.run;
        }
        self.end = start.addr() + memory.len();
        true
    }
}

/// Bytes from `address` to the next multiple of `align`.
#[inline]
pub(super) fn padding(address: *mut u8, align: usize) -> usize {
    address.addr().wrapping_neg() & (align - 1)
}
