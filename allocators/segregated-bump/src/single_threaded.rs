//! A wrapper that makes an allocator of this crate the global allocator of a single-threaded program.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;

use crate::allocator::Allocator;
use crate::page_source::PageSource;
use crate::policies::{Decisions, SweptDecisions};
use crate::segregated_bump::{Accounting, SegregatedBump};
use crate::swept_bump::SweptBump;

/// Implements the trait by the functions of the same names.
macro_rules! allocator {
    ([$($parameters:tt)*] $allocator:ty) => {
        // SAFETY: see SOUNDNESS.md. No function calls anything but the page source.
        unsafe impl<$($parameters)*> Allocator for $allocator {
            #[inline]
            fn alloc(&mut self, layout: Layout) -> *mut u8 {
                <$allocator>::alloc(self, layout)
            }

            #[inline]
            fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
                <$allocator>::alloc_zeroed(self, layout)
            }

            #[inline]
            unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
                // SAFETY: upheld by the caller.
                unsafe { <$allocator>::dealloc(self, block, layout) }
            }

            #[inline]
            unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
                // SAFETY: upheld by the caller.
                unsafe { <$allocator>::realloc(self, block, layout, new_size) }
            }
        }
    };
}

allocator!([S: PageSource, P: SweptDecisions] SweptBump<S, P>);
allocator!([S: PageSource, P: Decisions, A: Accounting] SegregatedBump<S, P, A>);

/// Turns an allocator that needs `&mut self` into a [`GlobalAlloc`], without a lock, for single-threaded programs: a
/// Wasm module without shared memory, or firmware whose interrupt handlers do not allocate.
///
/// In a Wasm module:
///
/// ```
/// # #[cfg(target_family = "wasm")]
/// use segregated_bump::{SweptBump, SingleThreaded, page_source::WasmPages};
///
/// // SAFETY: this module has one thread.
/// # #[cfg(target_family = "wasm")]
/// #[global_allocator]
/// static ALLOCATOR: SingleThreaded<SweptBump<WasmPages>> =
///     unsafe { SingleThreaded::new(SweptBump::new(WasmPages)) };
/// ```
///
/// In firmware, with 16 KiB of RAM for the heap:
///
/// ```
/// use segregated_bump::{SweptBump, SingleThreaded, page_source::Region};
/// use core::ptr::NonNull;
///
/// static mut RAM: [u8; 16 * 1024] = [0; 16 * 1024];
///
/// // In a program: #[global_allocator]
/// static ALLOCATOR: SingleThreaded<SweptBump<Region>> = unsafe {
///     // SAFETY: this is the only mention of RAM, and the program has one thread.
///     SingleThreaded::new(SweptBump::new(Region::from_raw(NonNull::new_unchecked((&raw mut RAM).cast()), 16 * 1024)))
/// };
/// # use core::alloc::{GlobalAlloc, Layout};
/// # let block = unsafe { ALLOCATOR.alloc(Layout::new::<u64>()) };
/// # assert!(!block.is_null());
/// ```
#[derive(Debug)]
pub struct SingleThreaded<A>(UnsafeCell<A>);

// SAFETY: `new` requires that all use is from one thread.
unsafe impl<A> Sync for SingleThreaded<A> {}

impl<A> SingleThreaded<A> {
    /// Wraps an allocator.
    ///
    /// # Safety
    ///
    /// The value is used from one thread only, and never from an interrupt or signal handler that may have interrupted
    /// a call on it.
    pub const unsafe fn new(allocator: A) -> Self {
        SingleThreaded(UnsafeCell::new(allocator))
    }

    /// The allocator itself, for example to [reset](SegregatedBump::reset) it. The pointer may be used while no call on
    /// this value is in progress.
    ///
    /// ```
    /// use segregated_bump::{SegregatedBump, SingleThreaded, page_source::Region};
    /// use core::{alloc::{GlobalAlloc, Layout}, mem::MaybeUninit};
    ///
    /// let ram = Box::leak(Box::new([MaybeUninit::uninit(); 4096]));
    /// let classic: SegregatedBump<Region> = SegregatedBump::new(Region::new(ram));
    /// // SAFETY: this program has one thread, and the layout has a size. Before the reset, the block is given up.
    /// unsafe {
    ///     let allocator = SingleThreaded::new(classic);
    ///     let block = allocator.alloc(Layout::new::<[u8; 500]>());
    ///     (*allocator.get()).reset();
    ///     assert_eq!(allocator.alloc(Layout::new::<[u8; 900]>()), block);
    /// }
    /// ```
    pub const fn get(&self) -> *mut A {
        self.0.get()
    }
}

// SAFETY: the blocks come from the allocator, which satisfies GlobalAlloc's contract. One thread uses the value, and no
// allocator of this crate calls back into it, so each `&mut` below is the only one.
unsafe impl<A: Allocator> GlobalAlloc for SingleThreaded<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the only reference, see above.
        unsafe { (*self.0.get()).alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the only reference, see above.
        unsafe { (*self.0.get()).alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the only reference, see above; the caller of GlobalAlloc upholds the rest.
        unsafe { (*self.0.get()).dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the only reference, see above; the caller of GlobalAlloc upholds the rest.
        unsafe { (*self.0.get()).realloc(block, layout, new_size) }
    }
}
