//! The behaviour of the crate as a whole, tested from outside.

// The attribute changes nothing for the compiler; with it, clippy allows `unwrap` in there.
#[cfg(test)]
mod record;

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicU8, Ordering};

use heaprace_recorder::Recorder;

/// Records this very program if `HEAPRACE_TRACE` says so: the tests in `record` run it again as a child.
static ALLOCATOR: Recorder = Recorder::on_demand();
/// The same, in the children whose names begin with `extents`.
static WITH_EXTENTS: Recorder = Recorder::on_demand().with_extents();

#[global_allocator]
static EITHER: Either = Either(AtomicU8::new(0));

/// One of the two recorders, from the first allocation on: it begins the recording. 0 before that, then 1 or 2.
struct Either(AtomicU8);

impl Either {
    fn recorder(&self) -> &'static Recorder {
        if self.0.load(Ordering::Relaxed) == 0 {
            // SAFETY: the name ends in a zero, and nobody changes the environment this early.
            let child = unsafe { libc::getenv(c"HEAPRACE_TEST_CHILD".as_ptr()) };
            // SAFETY: what is not null is a text that ends in a zero, or the comparison ends before that.
            let is_extents =
                !child.is_null() && unsafe { libc::strncmp(child, c"extents".as_ptr(), c"extents".count_bytes()) == 0 };
            self.0.store(1 + u8::from(is_extents), Ordering::Relaxed);
        }
        if self.0.load(Ordering::Relaxed) == 2 { &WITH_EXTENTS } else { &ALLOCATOR }
    }
}

// SAFETY: every call goes to the same recorder, unchanged.
unsafe impl GlobalAlloc for Either {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { self.recorder().alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { self.recorder().alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { self.recorder().dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { self.recorder().realloc(block, layout, new_size) }
    }
}
