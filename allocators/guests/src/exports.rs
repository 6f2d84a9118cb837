//! The allocator's calls, and what a harness needs of its memory, as exports.
//!
//! Addresses and sizes are `i32` in WebAssembly. The memory is exported by the linker.

use core::alloc::{GlobalAlloc, Layout};

use crate::contender::ALLOCATOR;

/// The layout of a request.
///
/// # Safety
///
/// `align` is a power of two, and `size` rounded up to it is at most `isize::MAX`.
#[inline(always)]
unsafe fn layout(size: usize, align: usize) -> Layout {
    // SAFETY: upheld by the caller.
    unsafe { Layout::from_size_align_unchecked(size, align) }
}

/// `GlobalAlloc::alloc`.
///
/// # Safety
///
/// As there, and as for a layout.
#[unsafe(no_mangle)]
unsafe extern "C" fn alloc(size: usize, align: usize) -> *mut u8 {
    // SAFETY: upheld by the caller.
    unsafe { ALLOCATOR.alloc(layout(size, align)) }
}

/// `GlobalAlloc::alloc_zeroed`.
///
/// # Safety
///
/// As there, and as for a layout.
#[unsafe(no_mangle)]
unsafe extern "C" fn alloc_zeroed(size: usize, align: usize) -> *mut u8 {
    // SAFETY: upheld by the caller.
    unsafe { ALLOCATOR.alloc_zeroed(layout(size, align)) }
}

/// `GlobalAlloc::dealloc`.
///
/// # Safety
///
/// As there.
#[unsafe(no_mangle)]
unsafe extern "C" fn dealloc(block: *mut u8, size: usize, align: usize) {
    // SAFETY: upheld by the caller.
    unsafe { ALLOCATOR.dealloc(block, layout(size, align)) }
}

/// `GlobalAlloc::realloc`.
///
/// # Safety
///
/// As there.
#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(block: *mut u8, old_size: usize, align: usize, new_size: usize) -> *mut u8 {
    // SAFETY: upheld by the caller.
    unsafe { ALLOCATOR.realloc(block, layout(old_size, align), new_size) }
}

/// Writes the bytes `from..to` of a block, as the program that asked for it would.
///
/// # Safety
///
/// The bytes are in a live block.
#[unsafe(no_mangle)]
unsafe extern "C" fn touch(block: *mut u8, from: usize, to: usize) {
    // SAFETY: upheld by the caller.
    unsafe { block.add(from).write_bytes(1, to - from) };
}

/// Pages of the memory.
#[unsafe(no_mangle)]
extern "C" fn pages() -> usize {
    core::arch::wasm32::memory_size::<0>()
}
