//! The crate `rlsf`: two-level segregated fit, which allocates and frees in constant time. It is set up like its own
//! global allocator: 64 by 64 free lists on 64-bit hosts, and one pool that grows.
//!
//! This source does what the crate's own source for WebAssembly is meant to do: the pages of a growth become part of the
//! pool. In version 0.2.3 that source does not: before it grows the pool, it compares the memory's end with the pool's
//! start instead of its end. The two are never equal, so each growth starts a pool of its own, and no block spans two.
//! In a WebAssembly module this version therefore takes more pages than here.
//!
//! The free lists, 33 KiB natively, are part of the allocator's value (a static in a module) and not of the heap.

use core::alloc::Layout;
use core::ptr::{self, NonNull};

use rlsf::{FlexSource, FlexTlsf, GRANULARITY};

use crate::heap_allocator::{Group, HeapAllocator, IdleKind, IdlePart, Info, Purpose};
use crate::page_heap::HeapRef;

/// Free lists of each level, as in the crate's global allocator.
const LISTS: usize = usize::BITS as usize;

type Tlsf = FlexTlsf<Pages, usize, usize, LISTS, LISTS>;

/// rlsf on a page heap.
#[derive(Debug)]
pub struct Rlsf {
    /// Boxed because of its size.
    inner: Box<Tlsf>,
}

#[derive(Debug)]
struct Pages(HeapRef);

impl Pages {
    /// Adds pages with room for `min_bytes` bytes.
    fn grow(&self, min_bytes: usize) -> Option<NonNull<[u8]>> {
        let pages = self.0.page_size().pages_for(min_bytes);
        let first = self.0.grow(pages)?;
        Some(NonNull::slice_from_raw_parts(first, pages * self.0.page_bytes()))
    }
}

// SAFETY: the pages are new, have the reported size, and stay. Nothing else takes pages from the heap, so new ones
// continue the pool.
unsafe impl FlexSource for Pages {
    #[inline]
    unsafe fn alloc(&mut self, min_size: usize) -> Option<NonNull<[u8]>> {
        self.grow(min_size)
    }

    #[inline]
    unsafe fn realloc_inplace_grow(&mut self, pool: NonNull<[u8]>, min_new_len: usize) -> Option<usize> {
        Some(pool.len() + self.grow(min_new_len - pool.len())?.len())
    }

    #[inline]
    fn supports_realloc_inplace_grow(&self) -> bool {
        true
    }

    #[inline]
    fn is_contiguous_growable(&self) -> bool {
        true
    }

    #[inline]
    fn min_align(&self) -> usize {
        self.0.page_bytes()
    }
}

// SAFETY: the crate guarantees this for its blocks, and all of them are in the heap's pages.
unsafe impl HeapAllocator for Rlsf {
    const INFO: Info = Info {
        name: "rlsf",
        crate_name: "rlsf",
        version: "0.2.3",
        purpose: Purpose::Contender,
        groups: &[Group::Default, Group::Embedded, Group::Wasm],
        summary: "the crate rlsf, two-level segregated fit: headers and free lists, all in constant time; one pool",
        refuses: None,
    };

    fn create(heap: HeapRef) -> Self {
        Rlsf { inner: Box::new(Tlsf::new(Pages(heap))) }
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        self.inner.allocate(layout).map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: upheld by the caller; a live block is not null.
        unsafe { self.inner.deallocate(NonNull::new_unchecked(block), layout.align()) }
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: upheld by the caller; a live block is not null.
        let moved = unsafe {
            let new_layout = Layout::from_size_align_unchecked(new_size, layout.align());
            self.inner.reallocate(NonNull::new_unchecked(block), new_layout)
        };
        moved.map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    /// By the crate's feature `unstable`, which adds this call and changes no other.
    #[inline]
    unsafe fn usable_bytes(&self, block: *mut u8, _layout: Layout) -> Option<usize> {
        // SAFETY: upheld by the caller; a live block is not null.
        Some(unsafe { Tlsf::allocation_usable_size(NonNull::new_unchecked(block)) })
    }

    fn idle(&self, live_blocks: usize) -> Vec<IdlePart> {
        let bytes = live_blocks * HEADER_BYTES;
        vec![IdlePart { kind: IdleKind::Metadata, name: "headers of live blocks", bytes }]
    }
}

/// The crate's header before each block: its size, and the block before it.
const HEADER_BYTES: usize = GRANULARITY / 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page_heap::{Guard, PageHeap};
    use crate::page_size::{PAGE_BYTES, PageSize};

    fn layout(bytes: usize, align: usize) -> Layout {
        Layout::from_size_align(bytes, align).unwrap()
    }

    /// Fails if the crate changes its headers.
    #[test]
    fn usable_sizes_reach_to_the_next_header() {
        for (bytes, align) in
            [(1, 1), (16, 8), (17, 8), (48, 16), (49, 16), (1000, 8), (5001, 8), (100, 64), (100, 4096)]
        {
            let heap = PageHeap::reserve(4, Guard::Trap).unwrap();
            let mut allocator = Rlsf::create(heap.handle());
            // SAFETY: the layout is not empty, and the block is live. On a fresh heap, blocks are adjacent.
            let (block, next, usable) = unsafe {
                let block = allocator.alloc(layout(bytes, align));
                (block, allocator.alloc(layout(bytes, 1)), allocator.usable_bytes(block, layout(bytes, align)).unwrap())
            };
            assert!((bytes..bytes + GRANULARITY).contains(&usable) || align > GRANULARITY, "{usable} for {bytes}");
            assert_eq!(next.addr() - block.addr(), usable + HEADER_BYTES, "{bytes} at {align}");
        }
    }

    /// In a pool of each growth, which has at most two pages, the last block would not fit.
    #[test]
    fn growths_become_one_pool() {
        for page_bytes in [256, 4096, PAGE_BYTES] {
            let page = PageSize::from_bytes(page_bytes).unwrap();
            let heap = PageHeap::reserve_sized(page, 32, Guard::Trap).unwrap();
            let mut allocator = Rlsf::create(heap.handle());
            // SAFETY: the layouts are not empty, and the blocks are live.
            unsafe {
                let blocks: Vec<_> = (0..8).map(|_| allocator.alloc(layout(page_bytes / 2 + 100, 8))).collect();
                blocks.into_iter().for_each(|block| allocator.dealloc(block, layout(page_bytes / 2 + 100, 8)));
                let pages = heap.handle().committed_pages();
                assert!((5..=16).contains(&heap.handle().grow_calls()), "{pages} pages of {page_bytes}");
                assert!(!allocator.alloc(layout(3 * page_bytes, 8)).is_null());
                assert_eq!(heap.handle().committed_pages(), pages);
            }
        }
    }
}
