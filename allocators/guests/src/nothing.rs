//! A module without an allocator: what other modules have more of is their allocator's.

use core::alloc::{GlobalAlloc, Layout};

/// No allocator: every request fails. What this module takes is the exports' own.
pub struct Nothing;

// SAFETY: it hands out no block.
unsafe impl GlobalAlloc for Nothing {
    unsafe fn alloc(&self, _layout: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn alloc_zeroed(&self, _layout: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _block: *mut u8, _layout: Layout) {}

    unsafe fn realloc(&self, _block: *mut u8, _layout: Layout, _new_size: usize) -> *mut u8 {
        core::ptr::null_mut()
    }
}
