//! The floor: no allocator, every request is answered with the first address of the heap.
//!
//! A replay through it takes the time that the harness takes: the loop, the slots, a call for each operation, and the program's writes
//! into its blocks. So its blocks are memory, as large as was asked for; they overlap, and nobody can keep anything in them.
//!
//! The net time of a contender is its own less this one, so a call has to cost here what it costs there. The engine sees to that: it calls
//! every contender, the floor as well, through one generic function per operation that is never inlined into the timed loop. The
//! methods here can be inlined into that function, as a contender's can.

use core::alloc::Layout;
use core::hint::black_box;
use core::ptr;

use crate::heap_allocator::{HeapAllocator, Info, Purpose};
use crate::page_heap::HeapRef;

/// The harness floor.
#[derive(Debug)]
pub struct Null {
    /// Where every block begins. A multiple of 4 GiB, so it has any alignment that a request can reasonably have.
    base: *mut u8,
    /// Bytes that are committed: enough for the largest request so far.
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

// SAFETY: its role is the floor: its blocks are committed memory of at least their size, and nothing else is promised.
unsafe impl HeapAllocator for Null {
    const INFO: Info = Info {
        name: "null",
        version: env!("CARGO_PKG_VERSION"),
        purpose: Purpose::Floor,
        summary: "answers every request with one address: the time that the harness takes, part of every other figure",
        refuses: None,
    };

    fn create(heap: HeapRef) -> Self {
        Null { base: heap.base().as_ptr(), bytes: 0, heap }
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // Without this, the compiler drops arguments that nobody looks at, and the call is cheaper than a contender's.
        black_box(layout);
        self.block(layout.size())
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        black_box((block, layout));
    }

    /// Zeroes nothing: what a contender takes for that is its own time.
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
        // SAFETY: no layout is empty, and each block is as large as its layout. Outside of the committed pages, a write would trap.
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
        // SAFETY: the block is live with the layout given, and as large as the new size.
        unsafe {
            let block = floor.alloc(layout(100, 8));
            let block = floor.realloc(block, layout(100, 8), 3 * PAGE_BYTES);
            block.write_bytes(7, 3 * PAGE_BYTES);
        }
        assert_eq!(heap.handle().committed_pages(), 3);
    }

    #[test]
    fn what_the_limit_forbids_is_refused_and_nothing_else() {
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
