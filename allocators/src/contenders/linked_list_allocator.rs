//! The crate `linked_list_allocator`: first fit in one list of free memory, sorted by address. Kernels and firmware
//! give it a fixed region; here the region is extended.
//!
//! The crate has `extend`, but no rule for when to grow. This adapter adds the pages that the failed request can need if
//! the free memory before them is of no use, and one more if the crate still refuses: it never leaves a rest too small
//! for an entry of its list (16 bytes natively). A firmware's region has its full size from the start, and the crate
//! then takes the same first fit in it.
//!
//! Both calls walk the list: their time grows with the number of free pieces.

use core::alloc::Layout;
use core::fmt;
use core::ptr::{self, NonNull};

use linked_list_allocator::Heap;

use crate::heap_allocator::{Group, HeapAllocator, IdleKind, IdlePart, Info, Purpose};
use crate::page_heap::HeapRef;

/// linked_list_allocator on a page heap.
pub struct LinkedListAllocator {
    inner: Heap,
    heap: HeapRef,
}

impl fmt::Debug for LinkedListAllocator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LinkedListAllocator").field("heap", &self.heap).finish_non_exhaustive()
    }
}

impl LinkedListAllocator {
    #[cold]
    fn grow_and_alloc(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let page_bytes = self.heap.page_bytes();
        // Free memory starts at a page, or before it.
        let padding = layout.align().saturating_sub(page_bytes);
        let mut pages = self.heap.page_size().pages_for(layout.size().checked_add(padding)?);
        loop {
            let is_first = self.heap.committed_bytes() == 0;
            let first = self.heap.grow(pages)?;
            // SAFETY: the pages are new and stay. They continue the pages before them, which are the crate's region.
            unsafe {
                if is_first {
                    self.inner.init(first.as_ptr(), pages * page_bytes);
                } else {
                    self.inner.extend(pages * page_bytes);
                }
            }
            if let Ok(block) = self.inner.allocate_first_fit(layout) {
                return Some(block);
            }
            pages = 1;
        }
    }
}

// SAFETY: the crate guarantees this for its blocks, and all of them are in the heap's pages.
unsafe impl HeapAllocator for LinkedListAllocator {
    const INFO: Info = Info {
        name: "linked_list_allocator",
        crate_name: "linked_list_allocator",
        version: "0.10.6",
        purpose: Purpose::Contender,
        groups: &[Group::Embedded],
        summary: "the crate linked_list_allocator: first fit in one list by address, no headers; its time grows with the list",
        refuses: None,
    };

    const KNOWS_ALL_IDLE: bool = true;

    fn create(heap: HeapRef) -> Self {
        LinkedListAllocator { inner: Heap::empty(), heap }
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        match self.inner.allocate_first_fit(layout) {
            Ok(block) => block.as_ptr(),
            Err(()) => self.grow_and_alloc(layout).map_or(ptr::null_mut(), NonNull::as_ptr),
        }
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: upheld by the caller; a live block is not null.
        unsafe { self.inner.deallocate(NonNull::new_unchecked(block), layout) }
    }

    /// Follows the crate's rule: a block has the size of an entry of its list or more, in whole words.
    #[inline]
    unsafe fn usable_bytes(&self, _block: *mut u8, layout: Layout) -> Option<usize> {
        const WORD_BYTES: usize = size_of::<usize>();
        Some(layout.size().next_multiple_of(WORD_BYTES).max(2 * WORD_BYTES))
    }

    fn idle(&self, _live_blocks: usize) -> Vec<IdlePart> {
        let bytes = self.heap.committed_bytes() - self.inner.used();
        vec![IdlePart { kind: IdleKind::Free, name: "in the list", bytes }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page_heap::{Guard, PageHeap};
    use crate::page_size::PAGE_BYTES;

    fn layout(bytes: usize, align: usize) -> Layout {
        Layout::from_size_align(bytes, align).unwrap()
    }

    /// Fails if the crate changes its sizes.
    #[test]
    fn usable_sizes_reach_to_the_next_block() {
        for bytes in [1, 8, 16, 17, 24, 100, 1000, 5001] {
            let heap = PageHeap::reserve(4, Guard::Trap).unwrap();
            let mut allocator = LinkedListAllocator::create(heap.handle());
            // SAFETY: the layout is not empty, and the block is live. On a fresh heap, blocks are adjacent.
            let (block, next, usable) = unsafe {
                let block = allocator.alloc(layout(bytes, 8));
                (block, allocator.alloc(layout(bytes, 8)), allocator.usable_bytes(block, layout(bytes, 8)).unwrap())
            };
            assert_eq!(next.addr() - block.addr(), usable, "{bytes}");
        }
    }

    #[test]
    fn it_takes_the_pages_that_a_request_needs() {
        for (bytes, align, pages) in [
            (1, 1, 1),
            (PAGE_BYTES, 8, 1),
            // A rest of 8 bytes is too small for the list.
            (PAGE_BYTES - 8, 8, 2),
            (PAGE_BYTES - 16, 8, 1),
            (3 * PAGE_BYTES, PAGE_BYTES, 3),
            (PAGE_BYTES, 4 * PAGE_BYTES, 4),
        ] {
            let heap = PageHeap::reserve(8, Guard::Trap).unwrap();
            let mut allocator = LinkedListAllocator::create(heap.handle());
            // SAFETY: the layout is not empty.
            assert!(!unsafe { allocator.alloc(layout(bytes, align)) }.is_null());
            assert_eq!(heap.handle().committed_pages(), pages, "{bytes} at {align}");
        }
    }

    #[test]
    fn new_pages_join_the_free_memory_before_them() {
        let heap = PageHeap::reserve(8, Guard::Trap).unwrap();
        let mut allocator = LinkedListAllocator::create(heap.handle());
        // SAFETY: the layouts are not empty.
        unsafe {
            let block = allocator.alloc(layout(40_000, 8));
            let spanning = allocator.alloc(layout(60_000, 8));
            assert_eq!((spanning.addr() - block.addr(), heap.handle().committed_pages()), (40_000, 2));
        }
    }
}
