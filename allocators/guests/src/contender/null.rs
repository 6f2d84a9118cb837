//! The floor: an allocator that does nothing.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::memory_grow;
use core::cell::Cell;
use core::ptr;

/// Bytes in a page.
const PAGE_BYTES: usize = 64 * 1024;

/// Answers every request with one address, in memory that has room for the largest: what is left of a replay's time is
/// the harness's. Its blocks overlap, so they cannot hold data.
pub struct Null {
    /// Where every block begins: a page. 0 before the first request.
    base: Cell<usize>,
    /// Bytes from there to the end of the memory.
    bytes: Cell<usize>,
}

// SAFETY: this module has one thread.
unsafe impl Sync for Null {}

impl Null {
    pub const fn new() -> Self {
        Null { base: Cell::new(0), bytes: Cell::new(0) }
    }

    #[inline]
    fn block(&self, bytes: usize) -> *mut u8 {
        if bytes > self.bytes.get() {
            return self.grow_to(bytes);
        }
        ptr::with_exposed_provenance_mut(self.base.get())
    }

    #[cold]
    #[inline(never)]
    fn grow_to(&self, bytes: usize) -> *mut u8 {
        let pages = (bytes - self.bytes.get()).div_ceil(PAGE_BYTES);
        let first = memory_grow::<0>(pages);
        if first == usize::MAX {
            return ptr::null_mut();
        }
        if self.base.get() == 0 {
            self.base.set(first * PAGE_BYTES);
        }
        self.bytes.set(self.bytes.get() + pages * PAGE_BYTES);
        ptr::with_exposed_provenance_mut(self.base.get())
    }
}

// SAFETY: as a floor, it promises only that its blocks are memory of at least their size. It does not zero: zeroing is
// part of a contender's time.
unsafe impl GlobalAlloc for Null {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.block(layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.block(layout.size())
    }

    unsafe fn dealloc(&self, _block: *mut u8, _layout: Layout) {}

    unsafe fn realloc(&self, _block: *mut u8, _layout: Layout, new_size: usize) -> *mut u8 {
        self.block(new_size)
    }
}
