//! Replacements of the C library's allocation functions, which call the originals.
//!
//! All of them are here, so that no block comes from one allocator and goes to another, whatever else the program
//! links.

use core::ffi::c_void;
use core::ptr::null_mut;

use heaprace_recorder::fill::Fill;
use heaprace_recorder::raw::kind;

use crate::extents;
use crate::log::log;
use crate::usable;

// glibc's names for its own functions, which no other library has.
unsafe extern "C" {
    fn __libc_malloc(size: usize) -> *mut c_void;
    fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
    fn __libc_realloc(block: *mut c_void, size: usize) -> *mut c_void;
    fn __libc_memalign(align: usize, size: usize) -> *mut c_void;
    fn __libc_free(block: *mut c_void);
}

/// Alignment that C promises for `malloc`: that of `max_align_t`, 16 bytes on 64-bit machines.
const MALLOC_ALIGN_LOG2: u32 = (2 * size_of::<usize>()).trailing_zeros();

/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
    // SAFETY: as the caller asks.
    let block = unsafe { __libc_malloc(size) };
    if !block.is_null() {
        // SAFETY: the block is new.
        let fill = unsafe { extents::fill(block, 0) };
        log(kind::ALLOC, block.addr(), size, MALLOC_ALIGN_LOG2, fill);
    }
    block
}

/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    // SAFETY: as the caller asks.
    let block = unsafe { __libc_calloc(count, size) };
    if !block.is_null() {
        // It did not overflow, or there would be no block.
        let bytes = count.wrapping_mul(size);
        // SAFETY: the block is new, and has these zeroes.
        let fill = unsafe { extents::fill_zeroed(block, bytes) };
        log(kind::ALLOC_ZEROED, block.addr(), bytes, MALLOC_ALIGN_LOG2, fill);
    }
    block
}

/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn free(block: *mut c_void) {
    if !block.is_null() {
        // SAFETY: the caller's promise: the block is live.
        unsafe {
            let (tail, _) = extents::tail(block);
            log(kind::DEALLOC, block.addr(), tail.from as usize, 0, tail.fill);
            __libc_free(block);
        }
    }
}

/// As in C: null allocates, and size 0 frees, as in glibc.
#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    if block.is_null() {
        // SAFETY: needs no promise.
        return unsafe { malloc(size) };
    }
    if size == 0 {
        // SAFETY: the caller's promise.
        unsafe { free(block) };
        return null_mut();
    }
    // SAFETY: the caller's promise: the block is live.
    let (tail, usable_bytes) = unsafe { extents::tail(block) };
    log(kind::REALLOC_BEGIN, block.addr(), tail.from as usize, 0, tail.fill);
    // SAFETY: the caller's promise.
    let new_block = unsafe { __libc_realloc(block, size) };
    if new_block.is_null() {
        log(kind::REALLOC_FAILED, block.addr(), 0, 0, Fill::Unknown);
    } else {
        // SAFETY: glibc has kept all usable bytes that fit, and the program may rely on no more.
        let fill = unsafe { extents::fill(new_block, usable_bytes) };
        log(kind::REALLOC_END, new_block.addr(), size, 0, fill);
    }
    new_block
}

/// As in glibc: an alignment that is not a power of two is rounded up to one.
#[unsafe(no_mangle)]
unsafe extern "C" fn memalign(align: usize, size: usize) -> *mut c_void {
    // SAFETY: as the caller asks.
    let block = unsafe { __libc_memalign(align, size) };
    if !block.is_null() {
        // No block has an alignment that cannot be rounded up.
        let align_log2 = align.max(1).checked_next_power_of_two().map_or(0, usize::trailing_zeros);
        // SAFETY: the block is new.
        let fill = unsafe { extents::fill(block, 0) };
        log(kind::ALLOC, block.addr(), size, align_log2, fill);
    }
    block
}

heaprace_c_functions::define_derived!();

/// As in glibc, and glibc's even if the program links another allocator, which would not know the block.
#[unsafe(no_mangle)]
unsafe extern "C" fn malloc_usable_size(block: *mut c_void) -> usize {
    // SAFETY: the caller's promise, and the block is glibc's: all functions above ask glibc.
    usable::find().map_or(0, |usable_size| unsafe { usable_size(block) })
}
