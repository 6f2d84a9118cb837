//! No allocator: every request is answered with the same address.
//!
//! What a replay through it takes is what the harness takes: the loop, the slots, and a call that is not inlined for every op.

use core::alloc::Layout;
use core::hint::black_box;

use crate::heap_allocator::{HeapAllocator, Info, Role};
use crate::page_heap::HeapRef;

/// The harness floor.
#[derive(Debug)]
pub struct Null {
    answer: *mut u8,
}

// SAFETY: its role is the floor: nobody writes into its blocks.
unsafe impl HeapAllocator for Null {
    const INFO: Info = Info {
        name: "null",
        version: env!("CARGO_PKG_VERSION"),
        role: Role::Floor,
        summary: "answers every request with one address: the time that the harness takes, part of every other figure",
        refuses: None,
    };

    fn create(heap: HeapRef) -> Self {
        Null { answer: heap.base().as_ptr() }
    }

    #[inline(never)]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // Without this, the compiler drops arguments that nobody looks at, and the call is cheaper than a contender's.
        black_box(layout);
        self.answer
    }

    #[inline(never)]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        black_box((block, layout));
    }

    #[inline(never)]
    unsafe fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        black_box(layout);
        self.answer
    }

    #[inline(never)]
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        black_box((block, layout, new_size));
        self.answer
    }
}
