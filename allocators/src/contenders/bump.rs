//! The bump allocator that never frees: as fast as moving a pointer, as large as the sum of all requests.

use core::alloc::Layout;

use crate::heap_allocator::{HeapAllocator, Info, Purpose};
use crate::page_heap::HeapRef;

/// The yardstick without any reuse. A block that shrinks keeps its place; one that grows moves.
#[derive(Debug)]
pub struct Bump {
    heap: HeapRef,
    /// Next free byte, as an offset from the heap's base.
    top: usize,
}

// SAFETY: blocks are disjoint stretches of committed pages, each at a multiple of its alignment.
unsafe impl HeapAllocator for Bump {
    const INFO: Info = Info {
        name: "bump",
        version: env!("CARGO_PKG_VERSION"),
        purpose: Purpose::Yardstick,
        summary: "a bump pointer, nothing is ever freed",
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
        // SAFETY: the caller's; the new block is apart from the old one, and larger.
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
        // SAFETY: `start` is within the committed pages, as `end` is.
        Some(unsafe { base.add(start) }.as_ptr())
    }
}
