//! A bump allocator that never frees: as fast as moving a pointer, as large as the sum of all requests.

use core::alloc::Layout;

use crate::heap_allocator::{Group, HeapAllocator, Info, Purpose};
use crate::page_heap::HeapRef;

/// The yardstick without reuse. A block that shrinks stays in place; a block that grows moves.
#[derive(Debug)]
pub struct Bump {
    heap: HeapRef,
    /// Next free byte, as an offset from the heap's base.
    top: usize,
}

// SAFETY: blocks are disjoint ranges of committed pages, each aligned as requested.
unsafe impl HeapAllocator for Bump {
    const INFO: Info = Info {
        name: "bump",
        crate_name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        purpose: Purpose::Yardstick,
        groups: &[Group::Default],
        summary: "a bump pointer; nothing is ever freed",
        refuses: None,
    };

    fn create(heap: HeapRef) -> Self {
        Bump { heap, top: 0 }
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        self.carve(layout).unwrap_or(core::ptr::null_mut())
    }

    #[inline]
    unsafe fn dealloc(&mut self, _block: *mut u8, _layout: Layout) {}

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if new_size <= layout.size() {
            return block;
        }
        // SAFETY: upheld by the caller; the new block does not overlap the old one, and is larger.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(block, layout.size());
            }
            moved
        }
    }

    #[inline]
    unsafe fn usable_bytes(&self, _block: *mut u8, layout: Layout) -> Option<usize> {
        Some(layout.size())
    }
}

impl Bump {
    #[inline]
    fn carve(&mut self, layout: Layout) -> Option<*mut u8> {
        let base = self.heap.base();
        let pad = (base.addr().get() + self.top).wrapping_neg() & (layout.align() - 1);
        let start = self.top + pad;
        let end = start.checked_add(layout.size())?;
        let committed = self.heap.committed_bytes();
        if end > committed {
            self.heap.grow(self.heap.page_size().pages_for(end - committed))?;
        }
        self.top = end;
        // SAFETY: `start` and `end` are both within the committed pages.
        Some(unsafe { base.add(start) }.as_ptr())
    }
}
