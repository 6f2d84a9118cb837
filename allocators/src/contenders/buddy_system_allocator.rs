//! The crate `buddy_system_allocator`: blocks of powers of two that are split in halves and joined again. Kernels give
//! it a fixed region, or more memory when it runs out; here it gets pages.
//!
//! The crate has `add_to_heap`, but no rule for when to grow. A block lies at a multiple of its size, so this adapter
//! adds the pages up to the end of the next such place. What lies before it becomes smaller free blocks. It has as many
//! sizes as an address has bits; the crate's documentation uses 33, up to 4 GiB.
//!
//! A free joins a block with its other half if that is in the free list of its size. The crate walks the list for it:
//! the time of a free grows with the number of free blocks of a size.

use core::alloc::Layout;
use core::ptr::{self, NonNull};

use buddy_system_allocator::Heap;

use crate::heap_allocator::{Group, HeapAllocator, IdleKind, IdlePart, Info, Purpose};
use crate::page_heap::HeapRef;

/// buddy_system_allocator on a page heap.
#[derive(Debug)]
pub struct BuddySystemAllocator {
    inner: Heap<{ usize::BITS as usize }>,
    heap: HeapRef,
}

/// Follows the crate's rule: the size of a block is a power of two of at least a word and at least its alignment.
#[inline]
fn block_bytes(layout: Layout) -> usize {
    layout.size().next_power_of_two().max(layout.align()).max(size_of::<usize>())
}

impl BuddySystemAllocator {
    #[cold]
    fn grow_and_alloc(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let bytes = block_bytes(layout);
        // The heap's base is a multiple of any block that fits into it, so offsets are as aligned as addresses.
        let end = self.heap.committed_bytes();
        let block_end = end.checked_next_multiple_of(bytes)?.checked_add(bytes)?;
        let pages = self.heap.page_size().pages_for(block_end - end);
        let first = self.heap.grow(pages)?.as_ptr().expose_provenance();
        // SAFETY: the pages are new and stay.
        unsafe { self.inner.add_to_heap(first, first + pages * self.heap.page_bytes()) };
        self.inner.alloc(layout).ok()
    }
}

// SAFETY: the crate guarantees this for its blocks, and all of them are in the heap's pages.
unsafe impl HeapAllocator for BuddySystemAllocator {
    const INFO: Info = Info {
        name: "buddy_system_allocator",
        crate_name: "buddy_system_allocator",
        version: "0.13.0",
        purpose: Purpose::Contender,
        groups: &[Group::Embedded],
        summary: "the crate buddy_system_allocator: powers of two, split and joined in halves; its time grows with its lists",
        refuses: None,
    };

    const KNOWS_ALL_IDLE: bool = true;

    fn create(heap: HeapRef) -> Self {
        BuddySystemAllocator { inner: Heap::new(), heap }
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        match self.inner.alloc(layout) {
            Ok(block) => block.as_ptr(),
            Err(()) => self.grow_and_alloc(layout).map_or(ptr::null_mut(), NonNull::as_ptr),
        }
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: upheld by the caller; a live block is not null.
        unsafe { self.inner.dealloc(NonNull::new_unchecked(block), layout) }
    }

    #[inline]
    unsafe fn usable_bytes(&self, _block: *mut u8, layout: Layout) -> Option<usize> {
        Some(block_bytes(layout))
    }

    fn idle(&self, _live_blocks: usize) -> Vec<IdlePart> {
        let bytes = self.heap.committed_bytes() - self.inner.stats_alloc_actual();
        vec![IdlePart { kind: IdleKind::Free, name: "in the lists", bytes }]
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
        for (bytes, align) in [(1, 1), (8, 8), (9, 8), (100, 8), (128, 8), (100, 1024), (5001, 8)] {
            let heap = PageHeap::reserve(4, Guard::Trap).unwrap();
            let mut allocator = BuddySystemAllocator::create(heap.handle());
            let layout = layout(bytes, align);
            // SAFETY: the layout is not empty, and the block is live. On a fresh heap, blocks are adjacent.
            let (block, next, usable) = unsafe {
                let block = allocator.alloc(layout);
                (block, allocator.alloc(layout), allocator.usable_bytes(block, layout).unwrap())
            };
            assert_eq!(next.addr() - block.addr(), usable, "{bytes} at {align}");
        }
    }

    #[test]
    fn a_block_takes_the_pages_up_to_the_next_multiple_of_its_size() {
        let heap = PageHeap::reserve(32, Guard::Trap).unwrap();
        let mut allocator = BuddySystemAllocator::create(heap.handle());
        let mut pages_after = |bytes, align| {
            // SAFETY: the layout is not empty.
            assert!(!unsafe { allocator.alloc(layout(bytes, align)) }.is_null());
            heap.handle().committed_pages()
        };
        assert_eq!(pages_after(1, 1), 1);
        // At 4 pages; before it there are a block of 1 page and one of 2.
        assert_eq!(pages_after(3 * PAGE_BYTES, 8), 8);
        assert_eq!(pages_after(2 * PAGE_BYTES, 8), 8);
        assert_eq!(pages_after(PAGE_BYTES, 8), 8);
        assert_eq!(pages_after(100, 8 * PAGE_BYTES), 16);
    }
}
