//! Replacements of the C library's allocation functions: each calls the next definition of its name, and records.

use core::ffi::{c_int, c_void};
use core::ptr::null_mut;

use heaprace_recorder::fill::Fill;
use heaprace_recorder::raw::kind;

use crate::arena;
use crate::extents;
use crate::log::log;
use crate::next;
use crate::thread;

/// Alignment that C promises for `malloc`: that of `max_align_t`, 16 bytes on 64-bit machines.
pub(crate) const MALLOC_ALIGN_LOG2: u32 = (2 * size_of::<usize>()).trailing_zeros();

/// The binary logarithm of an alignment, rounded up as in glibc.
pub(crate) fn align_log2(align: usize) -> u32 {
    // No block has an alignment that cannot be rounded up.
    align.max(1).checked_next_power_of_two().map_or(0, usize::trailing_zeros)
}

/// Calls a function that allocates, and records its block, unless a function that it calls itself has recorded it.
///
/// # Safety
///
/// The function's result is null or a new block of this size.
#[inline(always)]
pub(crate) unsafe fn allocating(size: usize, align_log2: u32, allocate: impl FnOnce() -> *mut c_void) -> *mut c_void {
    thread::this().allocated.set(0);
    let block = allocate();
    if !block.is_null() && thread::this().allocated.get() != block.addr() && !arena::has(block) {
        // SAFETY: the block is new.
        let fill = unsafe { extents::fill(block, 0) };
        allocated(kind::ALLOC, block, size, align_log2, fill);
    }
    block
}

#[inline(always)]
fn allocated(kind: u64, block: *mut c_void, size: usize, align_log2: u32, fill: Fill) {
    let thread = thread::this();
    thread.allocated.set(block.addr());
    // A signal handler gets the block that the interrupted function has just freed: its end is one of its own.
    if thread.ending.get() == block.addr() {
        thread.ending.set(0);
    }
    log(kind, block.addr(), size, align_log2, fill);
}

/// Calls a function that frees a block, and records that before, unless the function that calls this one has.
///
/// # Safety
///
/// The block is live, or null.
#[inline(always)]
pub(crate) unsafe fn freeing(block: *mut c_void, free: impl FnOnce()) {
    let ending = &thread::this().ending;
    if block.is_null() || ending.get() == block.addr() {
        return free();
    }
    if arena::has(block) {
        return;
    }
    // SAFETY: the caller's promise.
    let (tail, _) = unsafe { extents::tail(block) };
    log(kind::DEALLOC, block.addr(), tail.from as usize, 0, tail.fill);
    ending.set(block.addr());
    free();
    ending.set(0);
}

/// Allocates, as `malloc`.
pub(crate) fn allocate(size: usize) -> *mut c_void {
    // SAFETY: needs no promise.
    unsafe { allocating(size, MALLOC_ALIGN_LOG2, || next::malloc()(size)) }
}

/// Allocates, as `memalign`.
pub(crate) fn allocate_aligned(align: usize, size: usize) -> *mut c_void {
    // SAFETY: needs no promise.
    unsafe { allocating(size, align_log2(align), || next::memalign()(align, size)) }
}

/// Frees, as `free`.
///
/// # Safety
///
/// As for `free`.
pub(crate) unsafe fn release(block: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe { freeing(block, || next::free()(block)) }
}

/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
    allocate(size)
}

/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    thread::this().allocated.set(0);
    // SAFETY: as the caller asks.
    let block = unsafe { next::calloc()(count, size) };
    if !block.is_null() && thread::this().allocated.get() != block.addr() && !arena::has(block) {
        // It did not overflow, or there would be no block.
        let bytes = count.wrapping_mul(size);
        // SAFETY: the block is new, and has these zeroes.
        let fill = unsafe { extents::fill_zeroed(block, bytes) };
        allocated(kind::ALLOC_ZEROED, block, bytes, MALLOC_ALIGN_LOG2, fill);
    }
    block
}

/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn free(block: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe { release(block) }
}

/// As in C: null allocates. For size 0, glibc frees.
#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: the caller's promise.
    unsafe { reallocate(block, size) }
}

unsafe fn reallocate(block: *mut c_void, size: usize) -> *mut c_void {
    if block.is_null() {
        return allocate(size);
    }
    if arena::has(block) {
        let new_block = allocate(size);
        if !new_block.is_null() {
            // SAFETY: the first block is the arena's, and the second one is not: the functions are found by now.
            unsafe { arena::move_to(block, new_block, size) };
        }
        return new_block;
    }
    if size == 0 {
        let mut new_block = null_mut();
        // SAFETY: the caller's promise. Whether there is a new block is up to the allocator.
        unsafe { freeing(block, || new_block = next::realloc()(block, 0)) };
        // SAFETY: the block is new, if there is one.
        return unsafe { allocating(0, MALLOC_ALIGN_LOG2, || new_block) };
    }
    // SAFETY: the caller's promise: the block is live.
    let (tail, usable_bytes) = unsafe { extents::tail(block) };
    log(kind::REALLOC_BEGIN, block.addr(), tail.from as usize, 0, tail.fill);
    // SAFETY: the caller's promise.
    let new_block = unsafe { next::realloc()(block, size) };
    if new_block.is_null() {
        log(kind::REALLOC_FAILED, block.addr(), 0, 0, Fill::Unknown);
    } else {
        // SAFETY: all usable bytes that fit are kept, and the program may rely on no more.
        let fill = unsafe { extents::fill(new_block, usable_bytes) };
        log(kind::REALLOC_END, new_block.addr(), size, MALLOC_ALIGN_LOG2, fill);
    }
    new_block
}

/// As in glibc.
#[unsafe(no_mangle)]
unsafe extern "C" fn reallocarray(block: *mut c_void, count: usize, size: usize) -> *mut c_void {
    match count.checked_mul(size) {
        // SAFETY: the caller's promise.
        Some(bytes) => unsafe { reallocate(block, bytes) },
        None => heaprace_c_functions::fail_with(libc::ENOMEM),
    }
}

/// As in glibc.
#[unsafe(no_mangle)]
unsafe extern "C" fn memalign(align: usize, size: usize) -> *mut c_void {
    allocate_aligned(align, size)
}

/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut c_void {
    // SAFETY: as the caller asks.
    unsafe { allocating(size, align_log2(align), || next::aligned_alloc()(align, size)) }
}

/// As in POSIX.
#[unsafe(no_mangle)]
unsafe extern "C" fn posix_memalign(result: *mut *mut c_void, align: usize, size: usize) -> c_int {
    let mut status = 0;
    // SAFETY: as the caller asks: the place can be written, and has the block if the status is 0.
    unsafe {
        allocating(size, align_log2(align), || {
            status = next::posix_memalign()(result, align, size);
            if status == 0 { *result } else { null_mut() }
        });
    }
    status
}

/// As in glibc.
#[unsafe(no_mangle)]
unsafe extern "C" fn valloc(size: usize) -> *mut c_void {
    let align_log2 = heaprace_c_functions::page_bytes().trailing_zeros();
    // SAFETY: as the caller asks.
    unsafe { allocating(size, align_log2, || next::valloc()(size)) }
}

/// As in glibc: whole pages.
#[unsafe(no_mangle)]
unsafe extern "C" fn pvalloc(size: usize) -> *mut c_void {
    let page_bytes = heaprace_c_functions::page_bytes();
    // It does not overflow if there is a block.
    let bytes = size.checked_next_multiple_of(page_bytes).unwrap_or(size);
    // SAFETY: as the caller asks.
    unsafe { allocating(bytes, page_bytes.trailing_zeros(), || next::pvalloc()(size)) }
}

/// As in C23.
#[unsafe(no_mangle)]
unsafe extern "C" fn free_sized(block: *mut c_void, size: usize) {
    match next::free_sized() {
        // SAFETY: the caller's promise.
        Some(free_sized) => unsafe { freeing(block, || free_sized(block, size)) },
        // SAFETY: the caller's promise.
        None => unsafe { release(block) },
    }
}

/// As in C23.
#[unsafe(no_mangle)]
unsafe extern "C" fn free_aligned_sized(block: *mut c_void, align: usize, size: usize) {
    match next::free_aligned_sized() {
        // SAFETY: the caller's promise.
        Some(free_sized) => unsafe { freeing(block, || free_sized(block, align, size)) },
        // SAFETY: the caller's promise.
        None => unsafe { release(block) },
    }
}

/// As in glibc.
#[unsafe(no_mangle)]
unsafe extern "C" fn malloc_usable_size(block: *mut c_void) -> usize {
    if arena::has(block) {
        // SAFETY: the block is the arena's.
        return unsafe { arena::usable_size(block) };
    }
    // SAFETY: the caller's promise.
    unsafe { next::usable_size()(block) }
}
