//! Allocators that are given their memory at the start of the program.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr::{self, NonNull};

/// An allocator that is empty until it has its memory.
pub trait Pool {
    /// Gives it its memory.
    ///
    /// # Safety
    ///
    /// It is called once, before all others, with memory that nothing else uses.
    unsafe fn init(&mut self, memory: NonNull<u8>, bytes: usize);

    /// `GlobalAlloc::alloc`.
    ///
    /// # Safety
    ///
    /// As there.
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8;

    /// `GlobalAlloc::dealloc`.
    ///
    /// # Safety
    ///
    /// As there.
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout);

    /// `GlobalAlloc::realloc`; `None` if the allocator has no such call.
    ///
    /// # Safety
    ///
    /// As there.
    unsafe fn realloc(&mut self, _block: *mut u8, _layout: Layout, _new_size: usize) -> Option<*mut u8> {
        None
    }
}

/// A pool in a static.
pub struct Unlocked<A>(UnsafeCell<A>);

// SAFETY: this firmware has one thread.
unsafe impl<A> Sync for Unlocked<A> {}

impl<A> Unlocked<A> {
    pub const fn new(pool: A) -> Self {
        Unlocked(UnsafeCell::new(pool))
    }
}

// SAFETY: the crates promise this for their blocks.
unsafe impl<A: Pool> GlobalAlloc for Unlocked<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: there is one thread, and no call is within another. The rest is upheld by the caller.
        unsafe { (*self.0.get()).alloc(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { (*self.0.get()).dealloc(block, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as above.
        if let Some(moved) = unsafe { (*self.0.get()).realloc(block, layout, new_size) } {
            return moved;
        }
        // SAFETY: the caller upholds what the layouts need; a new block does not overlap a live one.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, layout.size().min(new_size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

/// What the program calls at its start.
///
/// # Safety
///
/// It is called once, before any other call.
#[unsafe(no_mangle)]
unsafe extern "C" fn init() {
    // SAFETY: upheld by the caller, and nothing else uses the region, which has an address.
    unsafe {
        let memory = NonNull::new_unchecked(&raw mut super::heap_start);
        Pool::init(&mut *super::ALLOCATOR.0.get(), memory, super::HEAP_BYTES);
    }
}

fn or_null(block: Option<NonNull<u8>>) -> *mut u8 {
    block.map_or(ptr::null_mut(), NonNull::as_ptr)
}

#[cfg(feature = "buddy_system_allocator")]
impl<const ORDER: usize> Pool for buddy_system_allocator::Heap<ORDER> {
    unsafe fn init(&mut self, memory: NonNull<u8>, bytes: usize) {
        // SAFETY: upheld by the caller.
        unsafe { self.init(memory.as_ptr().expose_provenance(), bytes) }
    }

    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        or_null(self.alloc(layout).ok())
    }

    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: upheld by the caller; a live block is not null.
        unsafe { self.dealloc(NonNull::new_unchecked(block), layout) }
    }
}

#[cfg(feature = "good_memory_allocator")]
impl Pool for good_memory_allocator::Allocator {
    unsafe fn init(&mut self, memory: NonNull<u8>, bytes: usize) {
        // SAFETY: upheld by the caller; a static does not move.
        unsafe { self.init(memory.as_ptr().expose_provenance(), bytes) }
    }

    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.alloc(layout) }
    }

    unsafe fn dealloc(&mut self, block: *mut u8, _layout: Layout) {
        // SAFETY: upheld by the caller.
        unsafe { self.dealloc(block) }
    }

    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> Option<*mut u8> {
        // SAFETY: upheld by the caller.
        Some(unsafe { self.realloc(block, layout, new_size) })
    }
}

#[cfg(feature = "linked_list_allocator")]
impl Pool for linked_list_allocator::Heap {
    unsafe fn init(&mut self, memory: NonNull<u8>, bytes: usize) {
        // SAFETY: upheld by the caller.
        unsafe { self.init(memory.as_ptr(), bytes) }
    }

    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        or_null(self.allocate_first_fit(layout).ok())
    }

    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: upheld by the caller; a live block is not null.
        unsafe { self.deallocate(NonNull::new_unchecked(block), layout) }
    }
}

#[cfg(feature = "rlsf")]
impl Pool for rlsf::Tlsf<'static, u16, u16, 12, 16> {
    unsafe fn init(&mut self, memory: NonNull<u8>, bytes: usize) {
        // SAFETY: upheld by the caller.
        unsafe { self.insert_free_block_ptr(NonNull::slice_from_raw_parts(memory, bytes)) };
    }

    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        or_null(self.allocate(layout))
    }

    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: upheld by the caller; a live block is not null.
        unsafe { self.deallocate(NonNull::new_unchecked(block), layout.align()) }
    }

    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> Option<*mut u8> {
        // SAFETY: upheld by the caller; a live block is not null.
        let moved = unsafe {
            self.reallocate(NonNull::new_unchecked(block), Layout::from_size_align_unchecked(new_size, layout.align()))
        };
        Some(or_null(moved))
    }
}
