//! The C library's allocation functions, served by the contender.

use core::alloc::Layout;
use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::ptr::null_mut;

use heaprace_allocators::run::{Choice, Running, Served};
use heaprace_c_functions::fail_with;

use crate::glibc::{
    __libc_calloc, __libc_free, __libc_malloc, __libc_memalign, __libc_realloc, MALLOC_ALIGN, has_one_thread,
};
use crate::sizes::{MAX_ALIGN, Sizes};

static SERVED: Served = Served::new(Choice::BY_NAME);
static SIZES: Shared = Shared(UnsafeCell::new(Sizes::new()));

struct Shared(UnsafeCell<Sizes>);

// SAFETY: touched only by `with`, under the lock.
unsafe impl Sync for Shared {}

/// Runs `work` with the contender and the layouts of its blocks; `None` if glibc serves this request.
#[inline]
fn with<T>(work: impl FnOnce(&mut Running, &mut Sizes) -> T) -> Option<T> {
    // SAFETY: the C library knows whether there are other threads. `work` does not unwind. `SERVED` calls it under its
    // lock, and not from within itself.
    unsafe { SERVED.with(has_one_thread(), |contender| work(contender, &mut *SIZES.0.get())) }
}

#[inline]
fn offset(block: *mut c_void) -> usize {
    block.addr() - SERVED.base()
}

/// A block of the contender; null if it refuses, `None` if glibc serves.
#[inline]
fn allocate(align: usize, size: usize, zeroed: bool) -> Option<*mut c_void> {
    let Ok(layout) = Layout::from_size_align(size.max(1), align.max(MALLOC_ALIGN)) else {
        return Some(fail_with(libc::ENOMEM));
    };
    if layout.align() > MAX_ALIGN {
        return None;
    }
    let block = with(|contender, sizes| {
        // SAFETY: the size is not 0.
        let block = unsafe { if zeroed { contender.alloc_zeroed(layout) } else { contender.alloc(layout) } };
        if !block.is_null() {
            sizes.insert(block.addr() - SERVED.base(), layout);
        }
        block
    })?;
    Some(if block.is_null() { fail_with(libc::ENOMEM) } else { block.cast() })
}

/// As in C.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
    // SAFETY: as the caller asks.
    allocate(MALLOC_ALIGN, size, false).unwrap_or_else(|| unsafe { __libc_malloc(size) })
}

/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    let Some(bytes) = count.checked_mul(size) else { return fail_with(libc::ENOMEM) };
    // SAFETY: as the caller asks.
    allocate(MALLOC_ALIGN, bytes, true).unwrap_or_else(|| unsafe { __libc_calloc(count, size) })
}

/// As in C.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn free(block: *mut c_void) {
    if !SERVED.owns(block.addr()) {
        // SAFETY: the caller's promise; a block outside the heap is glibc's. Null is nobody's, and glibc ignores it.
        return unsafe { __libc_free(block) };
    }
    with(|contender, sizes| match sizes.remove(offset(block)) {
        // SAFETY: a live block with its layout.
        Some(layout) => unsafe { contender.dealloc(block.cast(), layout) },
        None => invalid(),
    });
}

/// Ends a program that frees what is no block, as glibc does.
#[cold]
fn invalid() {
    const MESSAGE: &str = "heaprace: free() or realloc() of an address that is no live block\n";
    // SAFETY: writes to standard error, and ends the process.
    unsafe {
        libc::write(libc::STDERR_FILENO, MESSAGE.as_ptr().cast(), MESSAGE.len());
        libc::abort();
    }
}

/// As in C: null allocates, and size 0 frees, as in glibc.
#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    if block.is_null() {
        // SAFETY: needs no promise.
        return unsafe { malloc(size) };
    }
    if !SERVED.owns(block.addr()) {
        // SAFETY: the caller's promise; a block outside the heap is glibc's.
        return unsafe { __libc_realloc(block, size) };
    }
    if size == 0 {
        // SAFETY: the caller's promise.
        unsafe { free(block) };
        return null_mut();
    }
    let moved: Option<*mut c_void> = with(|contender, sizes| {
        let Some(old) = sizes.get(offset(block)) else {
            invalid();
            return null_mut();
        };
        let Ok(new) = Layout::from_size_align(size, old.align()) else { return null_mut() };
        // SAFETY: a live block with its layout, and a size of a layout.
        let moved = unsafe { contender.realloc(block.cast(), old, size) };
        if !moved.is_null() {
            sizes.remove(offset(block));
            sizes.insert(moved.addr() - SERVED.base(), new);
        }
        moved.cast()
    });
    moved.filter(|moved| !moved.is_null()).unwrap_or_else(|| fail_with(libc::ENOMEM))
}

/// As in glibc: an alignment that is not a power of two is rounded up to one.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn memalign(align: usize, size: usize) -> *mut c_void {
    let Some(align) = align.max(1).checked_next_power_of_two() else { return fail_with(libc::EINVAL) };
    // SAFETY: as the caller asks.
    allocate(align, size, false).unwrap_or_else(|| unsafe { __libc_memalign(align, size) })
}

/// As in glibc.
#[unsafe(no_mangle)]
unsafe extern "C" fn reallocarray(block: *mut c_void, count: usize, size: usize) -> *mut c_void {
    match count.checked_mul(size) {
        // SAFETY: the caller's promise.
        Some(bytes) => unsafe { realloc(block, bytes) },
        None => fail_with(libc::ENOMEM),
    }
}

/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut c_void {
    if !align.is_power_of_two() {
        return fail_with(libc::EINVAL);
    }
    // SAFETY: needs no promise.
    unsafe { memalign(align, size) }
}

/// As in POSIX.
#[unsafe(no_mangle)]
unsafe extern "C" fn posix_memalign(result: *mut *mut c_void, align: usize, size: usize) -> c_int {
    if !align.is_power_of_two() || !align.is_multiple_of(size_of::<*mut c_void>()) {
        return libc::EINVAL;
    }
    let errno = heaprace_c_functions::errno();
    // SAFETY: needs no promise.
    let block = unsafe { memalign(align, size) };
    if block.is_null() {
        // Its result is the error, and `errno` stays unchanged.
        heaprace_c_functions::set_errno(errno);
        return libc::ENOMEM;
    }
    // SAFETY: the caller's promise.
    unsafe { *result = block };
    0
}

/// As in glibc.
#[unsafe(no_mangle)]
unsafe extern "C" fn valloc(size: usize) -> *mut c_void {
    // SAFETY: needs no promise.
    unsafe { memalign(heaprace_c_functions::page_bytes(), size) }
}

/// As in glibc: whole pages.
#[unsafe(no_mangle)]
unsafe extern "C" fn pvalloc(size: usize) -> *mut c_void {
    match size.checked_next_multiple_of(heaprace_c_functions::page_bytes()) {
        // SAFETY: needs no promise.
        Some(bytes) => unsafe { memalign(heaprace_c_functions::page_bytes(), bytes) },
        None => fail_with(libc::ENOMEM),
    }
}

/// The size that was requested: a program that uses more than it has requested would do so differently on each
/// contender. A block of glibc has 0 for the same reason, so that nobody writes past what was requested of it.
#[unsafe(no_mangle)]
unsafe extern "C" fn malloc_usable_size(block: *mut c_void) -> usize {
    if !SERVED.owns(block.addr()) {
        return 0;
    }
    with(|_, sizes| sizes.get(offset(block)).map_or(0, |layout| layout.size())).unwrap_or(0)
}

extern "C" fn before_fork() {
    SERVED.before_fork();
}

extern "C" fn after_fork() {
    SERVED.after_fork();
}

extern "C" fn begin() {
    // SAFETY: handlers without arguments, which stay: nothing unloads a preloaded library.
    unsafe { libc::pthread_atfork(Some(before_fork), Some(after_fork), Some(after_fork)) };
}

/// Run when the library is loaded.
#[used]
#[unsafe(link_section = ".init_array")]
static BEGIN: extern "C" fn() = begin;
