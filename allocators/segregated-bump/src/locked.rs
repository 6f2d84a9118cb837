//! A wrapper that makes an allocator of this crate the global allocator of a program with threads.

use core::alloc::{GlobalAlloc, Layout};

use lock_api::{Mutex, RawMutex};

use crate::allocator::Allocator;

/// Turns an allocator that needs `&mut self` into a [`GlobalAlloc`] for programs with threads, by a lock of your choice:
/// a spin lock, a critical section that disables interrupts, or whatever the platform has. Only with the feature
/// `lock_api`.
///
/// The lock must not allocate, or the first request that waits for it never ends: parking_lot's does, spin's does not. One
/// lock for all requests means that threads wait for each other. An interrupt handler may allocate only if the lock keeps
/// it from interrupting a request.
///
/// ```
/// use segregated_bump::{Locked, SweptBump, page_source::Region};
/// use core::{alloc::{GlobalAlloc, Layout}, mem::MaybeUninit};
/// # use core::sync::atomic::{AtomicBool, Ordering::{Acquire, Release}};
/// # struct Spin(AtomicBool);
/// # // SAFETY: at most one thread at a time changes the flag from false to true.
/// # unsafe impl lock_api::RawMutex for Spin {
/// #     const INIT: Self = Spin(AtomicBool::new(false));
/// #     type GuardMarker = lock_api::GuardSend;
/// #     fn lock(&self) { while !self.try_lock() { core::hint::spin_loop() } }
/// #     fn try_lock(&self) -> bool { !self.0.swap(true, Acquire) }
/// #     unsafe fn unlock(&self) { self.0.store(false, Release) }
/// # }
///
/// let ram = Box::leak(Box::new([MaybeUninit::uninit(); 4096]));
/// let allocator: Locked<Spin, SweptBump<Region>> = Locked::new(SweptBump::new(Region::new(ram)));
/// // SAFETY: the layout has a size.
/// assert!(!unsafe { allocator.alloc(Layout::new::<u64>()) }.is_null());
/// ```
#[derive(Debug)]
pub struct Locked<R: RawMutex, A>(Mutex<R, A>);

impl<R: RawMutex, A> Locked<R, A> {
    /// Wraps an allocator.
    pub const fn new(allocator: A) -> Self {
        Locked(Mutex::new(allocator))
    }
}

// SAFETY: the blocks come from the allocator, which satisfies GlobalAlloc's contract. The lock's guard is the only
// reference to it.
unsafe impl<R: RawMutex, A: Allocator> GlobalAlloc for Locked<R, A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.0.lock().alloc(layout)
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.0.lock().alloc_zeroed(layout)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller of GlobalAlloc upholds it.
        unsafe { self.0.lock().dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller of GlobalAlloc upholds it.
        unsafe { self.0.lock().realloc(block, layout, new_size) }
    }
}
