//! The crate `dlmalloc`: Rust's default allocator for `wasm32-unknown-unknown`.
//!
//! Its page source does what the crate's own source does on WebAssembly: it adds pages and never returns any. It omits
//! one step: on Wasm the crate first takes the memory that the linker left unused between the module's data and the end
//! of its initial memory.
//!
//! The source's page size does not determine how much dlmalloc requests at once; dlmalloc uses it only for blocks with
//! a mapping of their own, which do not occur here. It rounds each request up to its *granularity*, 64 KiB by default.
//! The adapter sets the granularity to the heap's page size with `set_granularity`, which the crate provides for
//! embedded targets. With pages of 64 KiB this changes nothing.

use core::alloc::Layout;
use core::marker::PhantomData;
use core::ptr;

use dlmalloc::Allocator;

use crate::heap_allocator::{Group, HeapAllocator, IdleKind, IdlePart, Info, Purpose};
use crate::page_heap::HeapRef;

/// dlmalloc on a page heap.
pub struct Dlmalloc {
    /// Boxed because it must not move: after first use, its bins point into itself.
    inner: Box<dlmalloc::Dlmalloc<Pages>>,
    /// Keeps the allocator on its thread, as `Pages` requires.
    stays: PhantomData<*mut u8>,
}

struct Pages(HeapRef);

// SAFETY: the crate requires sources that can move to another thread. This one never does: it is private to `Dlmalloc`,
// which is not Send.
unsafe impl Send for Pages {}

// SAFETY: the pages are new, have the reported size, and stay.
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
        false // The crate calls this only for blocks with a mapping of their own; there are none here.
    }

    fn page_size(&self) -> usize {
        self.0.page_bytes()
    }
}

// SAFETY: the crate guarantees this for its blocks, and all of them are in the heap's pages.
unsafe impl HeapAllocator for Dlmalloc {
    const INFO: Info = Info {
        name: "dlmalloc",
        crate_name: "dlmalloc",
        version: "0.2.14",
        purpose: Purpose::Contender,
        groups: &[Group::Default, Group::Wasm],
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
        // SAFETY: upheld by the caller.
        unsafe { self.inner.malloc(layout.size(), layout.align()) }
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: upheld by the caller.
        unsafe { self.inner.free(block, layout.size(), layout.align()) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.inner.calloc(layout.size(), layout.align()) }
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.inner.realloc(block, layout.size(), layout.align(), new_size) }
    }

    /// The crate has no call for this, so this reads its boundary tag: the word before a block holds the chunk size,
    /// with flags in the lowest three bits. The chunk is one word larger than the usable size of its block.
    #[inline]
    unsafe fn usable_bytes(&self, block: *mut u8, _layout: Layout) -> Option<usize> {
        const FLAGS: usize = 0b111;
        const TAG_BYTES: usize = size_of::<usize>();
        // SAFETY: every live block of this crate has its tag there.
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

    /// Fails if the crate changes its tags.
    #[test]
    fn usable_sizes_reach_to_the_next_block() {
        let heap = PageHeap::reserve(4, Guard::Trap).unwrap();
        let mut allocator = Dlmalloc::create(heap.handle());
        for bytes in [1, 24, 25, 40, 100, 1000, 5001] {
            let layout = Layout::from_size_align(bytes, 8).unwrap();
            // SAFETY: the layout is not empty, and the block is live. On a fresh heap, blocks are adjacent.
            let (block, next, usable) = unsafe {
                let block = allocator.alloc(layout);
                (block, allocator.alloc(layout), allocator.usable_bytes(block, layout).unwrap())
            };
            assert!((bytes..=bytes + 32).contains(&usable), "{usable} for {bytes}");
            assert_eq!(next.addr() - block.addr(), usable + size_of::<usize>(), "{bytes}");
        }
    }
}
