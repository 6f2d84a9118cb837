//! The floor: it does not allocate, and answers every request with the first address of the heap.
//!
//! A replay through it takes the time of the harness: the loop, the slots, one call per operation, and the program's
//! writes into its blocks. Its blocks therefore are real memory of the requested size. They overlap, so they cannot
//! hold data.
//!
//! A contender's net time is its time minus the floor's, so a call must cost the same in both. The engine ensures that:
//! it calls every contender, including the floor, through one generic function per operation that is never inlined into
//! the timed loop. The methods here can be inlined into that function, just like a contender's.

use core::alloc::Layout;
use core::hint::black_box;
use core::ptr;

use crate::heap_allocator::{Group, HeapAllocator, Info, Purpose};
use crate::page_heap::HeapRef;

/// The harness floor.
#[derive(Debug)]
pub struct Null {
    /// Where every block begins: a multiple of 4 GiB, which satisfies any alignment that a request can reasonably have.
    base: *mut u8,
    /// Committed bytes: enough for the largest request so far.
    bytes: usize,
    heap: HeapRef,
}

impl Null {
    #[inline]
    fn block(&mut self, bytes: usize) -> *mut u8 {
        if bytes > self.bytes {
            return self.grow_to(bytes);
        }
        self.base
    }

    #[cold]
    fn grow_to(&mut self, bytes: usize) -> *mut u8 {
        if self.heap.grow(self.heap.page_size().pages_for(bytes - self.bytes)).is_none() {
            return ptr::null_mut();
        }
        self.bytes = self.heap.committed_bytes();
        self.base
    }
}

// SAFETY: as a floor, it promises only that its blocks are committed memory of at least their size.
unsafe impl HeapAllocator for Null {
    const INFO: Info = Info {
        name: "null",
        crate_name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        purpose: Purpose::Floor,
        groups: &[Group::Default],
        summary: "answers every request with one address: the harness's own time, part of every other time",
        refuses: None,
    };

    fn create(heap: HeapRef) -> Self {
        Null { base: heap.base().as_ptr(), bytes: 0, heap }
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // Without this, the compiler drops the unused arguments, and the call becomes cheaper than a contender's.
        black_box(layout);
        self.block(layout.size())
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        black_box((block, layout));
    }

    /// Does not zero: zeroing is part of a contender's time.
    #[inline]
    unsafe fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        black_box(layout);
        self.block(layout.size())
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        black_box((block, layout, new_size));
        self.block(new_size)
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

    #[test]
    fn its_blocks_are_memory_of_the_largest_size_so_far_at_any_alignment() {
        let heap = PageHeap::reserve(10, Guard::Trap).unwrap();
        let mut floor = Null::create(heap.handle());
        // SAFETY: no layout is empty, and each block is as large as its layout. A write outside the committed pages
        // would trap.
        unsafe {
            for (bytes, align, pages) in [
                (1, 1, 1),
                (PAGE_BYTES, 1 << 31, 1),
                (PAGE_BYTES + 1, 8, 2),
                (100, 8, 2),
                (5 * PAGE_BYTES, 1 << 16, 5),
                (10 * PAGE_BYTES, 1, 10),
            ] {
                for block in [floor.alloc(layout(bytes, align)), floor.alloc_zeroed(layout(bytes, align))] {
                    assert_eq!(
                        (block.addr() % align, heap.handle().committed_pages()),
                        (0, pages),
                        "{bytes} at {align}"
                    );
                    block.write_bytes(7, bytes);
                    floor.dealloc(block, layout(bytes, align));
                }
            }
        }
    }

    #[test]
    fn a_realloc_has_room_for_its_new_size() {
        let heap = PageHeap::reserve(10, Guard::Trap).unwrap();
        let mut floor = Null::create(heap.handle());
        // SAFETY: the block is live with the given layout, and as large as the new size.
        unsafe {
            let block = floor.alloc(layout(100, 8));
            let block = floor.realloc(block, layout(100, 8), 3 * PAGE_BYTES);
            block.write_bytes(7, 3 * PAGE_BYTES);
        }
        assert_eq!(heap.handle().committed_pages(), 3);
    }

    #[test]
    fn only_requests_past_the_limit_fail() {
        let mut heap = PageHeap::reserve(10, Guard::Trap).unwrap();
        heap.set_limit_pages(4);
        let mut floor = Null::create(heap.handle());
        // SAFETY: no layout is empty.
        unsafe {
            assert!(floor.alloc(layout(4 * PAGE_BYTES + 1, 1)).is_null());
            assert!(!floor.alloc(layout(4 * PAGE_BYTES, 1)).is_null());
            let block = floor.alloc(layout(1, 1));
            assert!(floor.realloc(block, layout(1, 1), isize::MAX as usize).is_null());
            assert!(!floor.alloc(layout(1, 1)).is_null());
        }
        assert_eq!((heap.handle().committed_pages(), heap.handle().refused_grows()), (4, 2));
    }
}
