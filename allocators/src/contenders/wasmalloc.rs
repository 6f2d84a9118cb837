//! The crate `wasmalloc`: mimalloc's design for single-threaded WebAssembly, with separate pages for each size class.
//!
//! It takes memory in slices of 64 KiB and finds them by absolute address: masking a block's address gives the start of
//! its 64 KiB or 256 KiB page. On this page heap slices have the same positions as in a WebAssembly memory that begins
//! at 0, because every heap's base is a multiple of 4 GiB. This source follows the crate's own source for WebAssembly,
//! with two exceptions. That source first takes the memory that the linker left unused between the module's data and
//! the end of its initial memory. And the crate counts the module's data as heap when it decides how much to grow (an
//! eighth of the heap, at least two slices).
//!
//! If the heap's pages are not 64 KiB, the slices still are:
//! - a slice spans several smaller pages, so a heap of less than 64 KiB serves no request, and the part of a limit that
//!   does not fill a slice stays unused;
//! - slices are cut from a larger page one by one, and a page of the heap counts as soon as one of its slices is taken.
//!
//! Its tables, 19 KiB natively, are part of the allocator's value (a static in a WebAssembly module) and not of the
//! heap.

use core::alloc::Layout;
use core::ptr::{self, NonNull};

use wasmalloc::backend::Memory;
use wasmalloc::bins::{self, Class, SLICE_SIZE};
use wasmalloc::heap::Heap;
use wasmalloc::page::{self, Page};

use crate::heap_allocator::{Group, HeapAllocator, Info, Purpose};
use crate::page_heap::HeapRef;

/// wasmalloc on a page heap.
pub struct Wasmalloc {
    /// Boxed because of its size.
    inner: Box<Heap<Slices>>,
}

/// The slices of a page heap. Their numbers are absolute: a slice's address divided by the slice size.
struct Slices {
    heap: HeapRef,
    /// The number of the slice after the last one handed out.
    end: usize,
}

impl Slices {
    /// Bytes from the heap's base to this slice.
    fn offset(&self, slice: usize) -> usize {
        slice * SLICE_SIZE - self.heap_base()
    }
}

// SAFETY: slices are cut from the page heap's pages, which are new, zeroed, contiguous and exclusive; each slice is
// handed out once. The base has the provenance of the whole heap and is exposed before the first use; addresses are
// real memory addresses. Slice numbers exceed the crate's maximum for 32-bit WebAssembly, as they do in its own
// simulated memory: its map of slices begins at the heap's base.
unsafe impl Memory for Slices {
    fn heap_base(&self) -> usize {
        self.heap.base().addr().get()
    }

    fn size_slices(&self) -> usize {
        self.end
    }

    fn grow(&mut self, slices: usize) -> Option<usize> {
        let first = self.end;
        let bytes = slices.checked_mul(SLICE_SIZE)?;
        // The rest of the latest page, if pages are larger than slices.
        let room = self.heap.committed_bytes() - self.offset(first);
        if bytes > room {
            self.heap.grow(self.heap.page_size().pages_for(bytes - room))?;
        }
        self.end += slices;
        Some(first)
    }

    #[inline]
    fn ptr(&self, address: usize) -> *mut u8 {
        // The same as the crate's source for WebAssembly does, at the same cost. `create` has exposed the heap's
        // provenance.
        ptr::with_exposed_provenance_mut(address)
    }
}

// SAFETY: the crate guarantees this for its blocks, and all of them are in the heap's pages.
unsafe impl HeapAllocator for Wasmalloc {
    const INFO: Info = Info {
        name: "wasmalloc",
        crate_name: "wasmalloc",
        version: "0.1.1",
        purpose: Purpose::Contender,
        groups: &[Group::Default, Group::Wasm],
        summary: "the crate wasmalloc, mimalloc's design for Wasm: free lists in 64 KiB pages, one size class per page",
        refuses: Some("requests that grow its heap past 4 GiB, because its map of slices is for 32-bit memories"),
    };

    fn create(heap: HeapRef) -> Self {
        let end = heap.base().as_ptr().expose_provenance() / SLICE_SIZE;
        Wasmalloc { inner: Box::new(Heap::new(Slices { heap, end })) }
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.inner.alloc(layout) }.map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: upheld by the caller; a live block is not null.
        unsafe { self.inner.dealloc(NonNull::new_unchecked(block), layout) }
    }

    /// The crate knows which slices still hold the zeroes of fresh pages, and does not zero those again.
    #[inline]
    unsafe fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.inner.alloc_zeroed(layout) }.map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: upheld by the caller; a live block is not null.
        let moved = unsafe { self.inner.realloc(NonNull::new_unchecked(block), layout, new_size) };
        moved.map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    /// Reads the header of the block's page, because a block that shrank in place keeps its larger class. A huge block
    /// has no such page and takes whole slices.
    #[inline]
    unsafe fn usable_bytes(&self, block: *mut u8, layout: Layout) -> Option<usize> {
        match bins::classify(layout) {
            Class::Bin(bin) => {
                let header = block.with_addr(page::header_of(bins::kind_of_bin(bin), block.addr())).cast::<Page>();
                // SAFETY: a live block with such a layout is in a page of this kind, which has a header at its start.
                Some(unsafe { (*header).block_size } as usize)
            }
            Class::Huge => Some(layout.size().next_multiple_of(SLICE_SIZE)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;
    use crate::page_heap::{Guard, PageHeap, WASM32_PAGES};
    use crate::page_size::{PAGE_BYTES, PageSize};

    fn layout(bytes: usize, align: usize) -> Layout {
        Layout::from_size_align(bytes, align).unwrap()
    }

    /// The same allocator without its declared failures, which concern only heaps larger than those of the conformance
    /// suite.
    struct Strict(Wasmalloc);

    // SAFETY: same as for the inner allocator.
    unsafe impl HeapAllocator for Strict {
        const INFO: Info = Info { refuses: None, ..Wasmalloc::INFO };

        fn create(heap: HeapRef) -> Self {
            Strict(Wasmalloc::create(heap))
        }

        unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
            // SAFETY: upheld by the caller.
            unsafe { self.0.alloc(layout) }
        }

        unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
            // SAFETY: upheld by the caller.
            unsafe { self.0.dealloc(block, layout) }
        }

        unsafe fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
            // SAFETY: upheld by the caller.
            unsafe { self.0.alloc_zeroed(layout) }
        }

        unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
            // SAFETY: upheld by the caller.
            unsafe { self.0.realloc(block, layout, new_size) }
        }
    }

    #[test]
    fn below_4_gib_no_request_fails() {
        for page_bytes in [256, 4096, PAGE_BYTES, 2 << 20] {
            for case in conformance::cases::<Strict>() {
                let result = (case.run)(PageSize::from_bytes(page_bytes).unwrap());
                assert!(result.is_ok(), "{} on pages of {page_bytes}: {}", case.name, result.unwrap_err());
            }
        }
    }

    #[test]
    fn past_4_gib_requests_fail_as_declared() {
        let heap = PageHeap::reserve(2 * WASM32_PAGES, Guard::Trap).unwrap();
        let mut allocator = Wasmalloc::create(heap.handle());
        // SAFETY: the layouts are not empty.
        unsafe {
            for _ in 0..3 {
                assert!(!allocator.alloc(layout(1 << 30, 8)).is_null());
            }
            assert!(allocator.alloc(layout((1 << 30) + 1, 8)).is_null());
            assert!(!allocator.alloc(layout(1 << 30, 8)).is_null());
            assert!(allocator.alloc(layout(1, 1)).is_null());
        }
        assert_eq!(heap.handle().committed_pages(), WASM32_PAGES);
    }

    /// Fails if the crate changes its page headers.
    #[test]
    fn usable_sizes_reach_to_the_next_block() {
        for (bytes, align) in [
            (1, 1),
            (24, 8),
            (25, 8),
            (100, 64),
            (1000, 8),
            (5001, 8),
            (20_000, 16),
            (40_000, 4096),
            (70_000, 8),
            (200_000, 8),
            (10, 8192),
            (65_537, 1 << 16),
        ] {
            let heap = PageHeap::reserve(64, Guard::Trap).unwrap();
            let mut allocator = Wasmalloc::create(heap.handle());
            let layout = layout(bytes, align);
            // SAFETY: the layout is not empty, and the block is live. On a fresh heap, blocks of one size are adjacent.
            let (block, next, usable) = unsafe {
                let block = allocator.alloc(layout);
                (block, allocator.alloc(layout), allocator.usable_bytes(block, layout).unwrap())
            };
            assert!(usable >= bytes);
            assert_eq!(next.addr() - block.addr(), usable, "{bytes} at {align}");
        }
    }

    #[test]
    fn a_block_that_shrinks_in_place_keeps_its_usable_size() {
        let heap = PageHeap::reserve(64, Guard::Trap).unwrap();
        let mut allocator = Wasmalloc::create(heap.handle());
        // SAFETY: the block is live with the given layout.
        unsafe {
            let block = allocator.alloc(layout(1000, 8));
            assert_eq!(allocator.realloc(block, layout(1000, 8), 600), block);
            assert_eq!(allocator.usable_bytes(block, layout(600, 8)), Some(1024));
        }
    }

    #[test]
    fn slices_take_smaller_pages_and_are_cut_from_larger_ones() {
        for page_bytes in [256, 4096, PAGE_BYTES, 1 << 20, 2 << 20] {
            let page = PageSize::from_bytes(page_bytes).unwrap();
            let heap = PageHeap::reserve_sized(page, page.pages_for(1 << 26), Guard::Trap).unwrap();
            let pages = || heap.handle().committed_pages();
            let mut allocator = Wasmalloc::create(heap.handle());
            let mut committed = Vec::new();
            for _ in 0..5 {
                // SAFETY: the layout is not empty, and the block consists of whole slices.
                unsafe {
                    let block = allocator.alloc(layout(PAGE_BYTES, 8192));
                    block.write_bytes(1, PAGE_BYTES);
                }
                committed.push(pages());
            }
            // Two slices at a time: the crate grows a small heap by two.
            let expected = [2, 2, 4, 4, 6].map(|slices: usize| (slices * PAGE_BYTES).div_ceil(page_bytes));
            assert_eq!(committed, expected, "{page}");
        }
    }
}
