//! The crate `dlmalloc`: Rust's default allocator for `wasm32-unknown-unknown`.
//!
//! Its page source does what the crate's own does for WebAssembly: it adds pages, and never gives any back. One thing is left out: on
//! Wasm the crate first takes what the linker left over between the module's data and the end of its initial memory.
//!
//! How much it asks for at once does not follow from the source's page size, which it looks at only for blocks with a mapping of their
//! own (none here). It rounds each request up to its *granularity*, 64 KiB by default. The adapter sets it:
//! `set_granularity` with the heap's page size, as the crate provides for embedded targets. With pages of 64 KiB that changes nothing.

use core::alloc::Layout;
use core::marker::PhantomData;
use core::ptr;

use dlmalloc::Allocator;

use crate::heap_allocator::{HeapAllocator, IdleKind, IdlePart, Info, Purpose};
use crate::page_heap::HeapRef;

/// dlmalloc on a page heap.
pub struct Dlmalloc {
    /// Boxed, because its bins point into itself once it is used: it must not move.
    inner: Box<dlmalloc::Dlmalloc<Pages>>,
    /// It stays on its thread, as `Pages` demands.
    stays: PhantomData<*mut u8>,
}

struct Pages(HeapRef);

// SAFETY: the crate wants sources that can go to another thread. This one never does: it is private to `Dlmalloc`, which is not Send.
unsafe impl Send for Pages {}

// SAFETY: the pages are new, of the size that is reported, and stay.
unsafe impl Allocator for Pages {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        let pages = self.0.page_size().pages_for(size);
        match self.0.grow(pages) {
            Some(first) => (first.as_ptr(), pages * self.0.page_bytes(), 0),
            None => (ptr::null_mut(), 0, 0),
        }
    }

    fn remap(&self, _ptr: *mut u8, _old: usize, _new: usize, _can_move: bool) -> *mut u8 {
        ptr::null_mut()
    }

    fn free_part(&self, _ptr: *mut u8, _old: usize, _new: usize) -> bool {
        false
    }

    fn free(&self, _ptr: *mut u8, _size: usize) -> bool {
        false
    }

    fn can_release_part(&self, _flags: u32) -> bool {
        false
    }

    fn allocates_zeros(&self) -> bool {
        false // The crate asks only for blocks that have a mapping of their own, which none has here.
    }

    fn page_size(&self) -> usize {
        self.0.page_bytes()
    }
}

// SAFETY: the crate's own promise for its blocks, on pages that are the heap's.
unsafe impl HeapAllocator for Dlmalloc {
    const INFO: Info = Info {
        name: "dlmalloc",
        version: "0.2.14",
        purpose: Purpose::Contender,
        summary: "the crate dlmalloc, Rust's default on wasm32-unknown-unknown: boundary tags, bins and a tree",
        refuses: None,
    };

    fn create(heap: HeapRef) -> Self {
        let granularity = heap.page_bytes();
        let mut inner = Box::new(dlmalloc::Dlmalloc::new_with_allocator(Pages(heap)));
        let accepted = inner.set_granularity(granularity);
        assert!(accepted, "every page size is a power of two of at least 16 bytes, which is what the crate accepts");
        Dlmalloc { inner, stays: PhantomData }
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        unsafe { self.inner.malloc(layout.size(), layout.align()) }
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's.
        unsafe { self.inner.free(block, layout.size(), layout.align()) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        unsafe { self.inner.calloc(layout.size(), layout.align()) }
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's.
        unsafe { self.inner.realloc(block, layout.size(), layout.align(), new_size) }
    }

    /// The crate has no call for it, so its boundary tag is read: the word in front of a block holds the size of the chunk, and flags in
    /// the lowest three bits; the chunk is one such word larger than what its block may use.
    #[inline]
    unsafe fn usable_bytes(&self, block: *mut u8, _layout: Layout) -> Option<usize> {
        const FLAGS: usize = 0b111;
        const TAG_BYTES: usize = size_of::<usize>();
        // SAFETY: a live block of this crate has its tag there.
        let tag = unsafe { block.sub(TAG_BYTES).cast::<usize>().read() };
        Some((tag & !FLAGS) - TAG_BYTES)
    }

    fn idle(&self, live_blocks: usize) -> Vec<IdlePart> {
        let bytes = live_blocks * size_of::<usize>();
        vec![IdlePart { kind: IdleKind::Metadata, name: "tags of live blocks", bytes }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page_heap::{Guard, PageHeap};

    /// If the crate changes its tags, this is where it shows.
    #[test]
    fn usable_sizes_reach_to_the_next_block() {
        let heap = PageHeap::reserve(4, Guard::Trap).unwrap();
        let mut allocator = Dlmalloc::create(heap.handle());
        for bytes in [1, 24, 25, 40, 100, 1000, 5001] {
            let layout = Layout::from_size_align(bytes, 8).unwrap();
            // SAFETY: the layout is not empty, and the block is live. From a fresh heap, blocks follow one another.
            let (block, next, usable) = unsafe {
                let block = allocator.alloc(layout);
                (block, allocator.alloc(layout), allocator.usable_bytes(block, layout).unwrap())
            };
            assert!((bytes..=bytes + 32).contains(&usable), "{usable} for {bytes}");
            assert_eq!(next.addr() - block.addr(), usable + size_of::<usize>(), "{bytes}");
        }
    }
}
