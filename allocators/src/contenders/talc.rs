//! The crate `talc`, set up as `talc::wasm::new_wasm_dynamic_allocator` does: its Wasm binning, and one heap that is extended.
//!
//! The crate's own Wasm source panics on other systems, so its rule for growth is followed here: as many pages as the request that did
//! not fit can need at the most, added to the end of the heap where they continue it (on this page heap they always do).
//!
//! Where pages are small, one thing is added: the first heap is large enough for the crate's own tables (about 1 KiB), which its rule takes
//! for granted, as one page of 64 KiB always is. Without it the crate would refuse a first heap of a single page of 256 bytes.

use core::alloc::Layout;
use core::ptr::{self, NonNull};

use talc::base::{CHUNK_UNIT, Talc as TalcBase, binning::Binning};
use talc::source::Source;
use talc::wasm::WasmBinning;

use crate::heap_allocator::{HeapAllocator, IdleKind, IdlePart, Info, Purpose};
use crate::page_heap::HeapRef;
use crate::page_size::PageSize;

/// talc on a page heap.
#[derive(Debug)]
pub struct Talc {
    inner: TalcBase<GrowAndExtend, WasmBinning>,
}

#[derive(Debug)]
struct GrowAndExtend {
    heap: HeapRef,
    /// Where talc's heap ends, once it has one.
    end: Option<NonNull<u8>>,
}

// SAFETY: it calls no allocator. What it claims are pages that are new and that stay.
unsafe impl Source for GrowAndExtend {
    fn acquire<B: Binning>(talc: &mut TalcBase<Self, B>, layout: Layout) -> Result<(), ()> {
        let page = talc.source.heap.page_size();
        let mut pages = pages_for(page, layout).ok_or(())?;
        if talc.source.end.is_none() {
            pages = pages.max(page.pages_for(talc::min_first_heap_size::<B>()));
        }
        let first = talc.source.heap.grow(pages).ok_or(())?;
        let bytes = pages * page.bytes();
        let end = match talc.source.end {
            // SAFETY: the heap ends there, and the pages after it are new.
            Some(end) if end == first => unsafe { talc.extend(end, first.as_ptr().add(bytes)) },
            // SAFETY: the pages are new.
            _ => unsafe { talc.claim(first.as_ptr(), bytes) }.ok_or(())?,
        };
        talc.source.end = Some(end);
        Ok(())
    }
}

/// Pages that surely have room for such a chunk: its bytes, its tag at the end, what a claim itself takes, and padding for its alignment.
fn pages_for(page: PageSize, layout: Layout) -> Option<usize> {
    let tag = size_of::<usize>();
    let chunk = layout.size().checked_add(tag)?.checked_next_multiple_of(CHUNK_UNIT)?;
    let padding = if layout.align() > CHUNK_UNIT { layout.align() } else { 0 };
    Some(page.pages_for(chunk.checked_add(CHUNK_UNIT)?.checked_add(padding)?))
}

// SAFETY: the crate's own promise for its blocks, on pages that are the heap's.
unsafe impl HeapAllocator for Talc {
    const INFO: Info = Info {
        name: "talc",
        version: "5.1.1",
        purpose: Purpose::Contender,
        summary: "the crate talc as for Wasm: boundary tags and bins, one heap that is extended",
        refuses: None,
    };

    fn create(heap: HeapRef) -> Self {
        Talc { inner: TalcBase::new(GrowAndExtend { heap, end: None }) }
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        unsafe { self.inner.allocate(layout) }.map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's.
        unsafe { self.inner.deallocate(block, layout) }
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's; the new block is apart from the old one, and larger, since a shrink is always done in place.
        unsafe {
            if self.inner.try_realloc_in_place(block, layout, new_size) {
                return block;
            }
            let moved = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(block, layout.size());
                self.inner.deallocate(block, layout);
            }
            moved
        }
    }

    /// By the crate's rule: a chunk is the size and a word for its tag, rounded up to whole units, and never larger. (Its feature
    /// `counters` would tell more, but it counts in every call, and it would be on in the timed build too.)
    #[inline]
    unsafe fn usable_bytes(&self, _block: *mut u8, layout: Layout) -> Option<usize> {
        let tag = size_of::<usize>();
        Some((layout.size() + tag).next_multiple_of(CHUNK_UNIT) - tag)
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

    /// If the crate changes its chunks, this is where it shows.
    #[test]
    fn usable_sizes_reach_to_the_next_block() {
        for bytes in [1, 24, 25, 40, 56, 57, 100, 1000, 5001] {
            let heap = PageHeap::reserve(4, Guard::Trap).unwrap();
            let mut allocator = Talc::create(heap.handle());
            let layout = Layout::from_size_align(bytes, 8).unwrap();
            // SAFETY: the layout is not empty, and the block is live.
            let (block, next, usable) = unsafe {
                let block = allocator.alloc(layout);
                (block, allocator.alloc(layout), allocator.usable_bytes(block, layout).unwrap())
            };
            assert!((bytes..bytes + CHUNK_UNIT).contains(&usable), "{usable} for {bytes}");
            assert_eq!(next.addr().abs_diff(block.addr()), usable + size_of::<usize>(), "{bytes}");
        }
    }
}
