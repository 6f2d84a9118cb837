//! glibc's allocator under its private names, for everything that the contender does not serve.

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::{c_char, c_void};

unsafe extern "C" {
    pub(crate) fn __libc_malloc(size: usize) -> *mut c_void;
    pub(crate) fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
    pub(crate) fn __libc_realloc(block: *mut c_void, size: usize) -> *mut c_void;
    pub(crate) fn __libc_memalign(align: usize, size: usize) -> *mut c_void;
    pub(crate) fn __libc_free(block: *mut c_void);
    /// Not 0 while the process has one thread.
    static __libc_single_threaded: c_char;
}

/// Whether no other thread can run.
#[inline(always)]
pub(crate) fn has_one_thread() -> bool {
    // SAFETY: a byte that glibc maintains. It changes before a second thread starts, on this thread.
    unsafe { (&raw const __libc_single_threaded).read_volatile() != 0 }
}

/// The alignment of every block of `malloc`.
pub(crate) const MALLOC_ALIGN: usize = 2 * size_of::<usize>();

/// What this library itself allocates, which must not arrive at its own hooks.
struct Own;

#[global_allocator]
static OWN: Own = Own;

// SAFETY: glibc keeps these promises.
unsafe impl GlobalAlloc for Own {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: any size and a power of two.
        unsafe { __libc_memalign(layout.align().max(MALLOC_ALIGN), layout.size()).cast() }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() > MALLOC_ALIGN {
            // SAFETY: upheld by the caller; the block is new and has this size.
            return unsafe {
                let block = self.alloc(layout);
                if !block.is_null() {
                    block.write_bytes(0, layout.size());
                }
                block
            };
        }
        // SAFETY: any size.
        unsafe { __libc_calloc(1, layout.size()).cast() }
    }

    unsafe fn dealloc(&self, block: *mut u8, _layout: Layout) {
        // SAFETY: the block is glibc's.
        unsafe { __libc_free(block.cast()) }
    }
}
