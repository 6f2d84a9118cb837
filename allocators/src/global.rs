//! A contender as the global allocator of a Rust program.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt;
use std::marker::PhantomData;

use crate::heap_allocator::HeapAllocator;
use crate::run::{Choice, Served};

/// The global allocator of a Rust program: a contender on a page heap of its own, as in a replay. Linux only.
///
/// ```
/// use heaprace_allocators::{Global, contenders::talc::Talc};
///
/// #[global_allocator]
/// static ALLOCATOR: Global<Talc> = Global::new();
/// # let words = ["served", "by", "talc"].map(str::to_owned);
/// # assert!(ALLOCATOR.owns(words[0].as_ptr()));
/// ```
///
/// It is for experiments: it adds a lock, and knows no memory but its heap of 4 GiB. To *ship* an allocator, use its own
/// crate. What a contender allocates while it is created goes to the system's allocator.
///
/// A program that `replay run --global` has started also logs its peak heap and its growth, and keeps to the heap limit
/// of that run.
pub struct Global<A> {
    served: Served,
    has_one_thread: bool,
    contender: PhantomData<fn() -> A>,
}

/// In place of a contender: the one that `replay run --global --allocator NAME` names. In a program that was started in
/// another way, the system's allocator serves.
///
/// ```no_run
/// use heaprace_allocators::{Global, global::ByName};
///
/// #[global_allocator]
/// static ALLOCATOR: Global<ByName> = Global::by_name();
/// ```
#[derive(Debug)]
pub struct ByName;

impl<A: HeapAllocator> Global<A> {
    /// The contender `A`, for programs with any number of threads.
    pub const fn new() -> Self {
        Self::with(Choice::of::<A>())
    }
}

impl<A: HeapAllocator> Default for Global<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl Global<ByName> {
    /// The contender that `replay run` names.
    pub const fn by_name() -> Self {
        Self::with(Choice::BY_NAME)
    }
}

impl<A> Global<A> {
    const fn with(choice: Choice) -> Self {
        Global { served: Served::new(choice), has_one_thread: false, contender: PhantomData }
    }

    /// The same without the cost of its lock.
    ///
    /// # Safety
    ///
    /// The program never has a second thread.
    #[must_use]
    pub const unsafe fn for_one_thread(mut self) -> Self {
        self.has_one_thread = true;
        self
    }

    /// Whether the contender has allocated this block.
    pub fn owns(&self, block: *const u8) -> bool {
        self.served.owns(block.addr())
    }
}

impl<A> fmt::Debug for Global<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Global").field("has_one_thread", &self.has_one_thread).finish_non_exhaustive()
    }
}

// SAFETY: every block is the contender's or the system's, as its address tells, and goes back there. Contenders keep
// the promises of `HeapAllocator`, and do not unwind.
unsafe impl<A> GlobalAlloc for Global<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller, and by that of `for_one_thread`.
        unsafe { self.served.with(self.has_one_thread, |it| it.alloc(layout)) }
            // SAFETY: upheld by the caller.
            .unwrap_or_else(|| unsafe { System.alloc(layout) })
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { self.served.with(self.has_one_thread, |it| it.alloc_zeroed(layout)) }
            // SAFETY: upheld by the caller.
            .unwrap_or_else(|| unsafe { System.alloc_zeroed(layout) })
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if self.owns(block) {
            // SAFETY: as above; the block is the contender's.
            unsafe { self.served.with(self.has_one_thread, |it| it.dealloc(block, layout)) };
        } else {
            // SAFETY: all blocks outside the heap are the system's.
            unsafe { System.dealloc(block, layout) }
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if self.owns(block) {
            // SAFETY: as above; the block is the contender's.
            unsafe { self.served.with(self.has_one_thread, |it| it.realloc(block, layout, new_size)) }
                .unwrap_or(std::ptr::null_mut())
        } else {
            // SAFETY: all blocks outside the heap are the system's.
            unsafe { System.realloc(block, layout, new_size) }
        }
    }
}
