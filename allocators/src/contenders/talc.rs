//! The crate `talc`, set up like `talc::wasm::new_wasm_dynamic_allocator`: its Wasm binning, and one heap that is
//! extended.
//!
//! The crate's own Wasm source panics on other systems, so this source implements the same growth rule: it adds as many
//! pages as the failed request can need at most. If they continue the heap, it extends the heap (on this page heap they
//! always do).
//!
//! For small pages there is one addition: the first heap has room for the crate's own tables (about 1 KiB). The crate's
//! rule assumes that room, which a page of 64 KiB always has. Without it the crate would reject a first heap of a
//! single 256-byte page.

use core::alloc::Layout;
use core::ptr::{self, NonNull};

use talc::base::{CHUNK_UNIT, Talc as TalcBase, binning::Binning};
use talc::source::Source;
use talc::wasm::WasmBinning;

use crate::heap_allocator::{Group, HeapAllocator, IdleKind, IdlePart, Info, Purpose};
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
    /// End of talc's heap, once it has one.
    end: Option<NonNull<u8>>,
}

// SAFETY: it calls no allocator. It claims only pages that are new and that stay.
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

/// Pages that certainly have room for such a chunk: its bytes, the tag at its end, the overhead of a claim, and padding
/// for its alignment.
fn pages_for(page: PageSize, layout: Layout) -> Option<usize> {
    let tag = size_of::<usize>();
    let chunk = layout.size().checked_add(tag)?.checked_next_multiple_of(CHUNK_UNIT)?;
    let padding = if layout.align() > CHUNK_UNIT { layout.align() } else { 0 };
    Some(page.pages_for(chunk.checked_add(CHUNK_UNIT)?.checked_add(padding)?))
}

// SAFETY: the crate guarantees this for its blocks, and all of them are in the heap's pages.
unsafe impl HeapAllocator for Talc {
    const INFO: Info = Info {
        name: "talc",
        crate_name: "talc",
        version: "5.1.1",
        purpose: Purpose::Contender,
        groups: &[Group::Default, Group::Embedded, Group::Wasm],
        summary: "the crate talc, set up as for Wasm: boundary tags and bins, one heap that is extended",
        refuses: None,
    };

    fn create(heap: HeapRef) -> Self {
        Talc { inner: TalcBase::new(GrowAndExtend { heap, end: None }) }
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.inner.allocate(layout) }.map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: upheld by the caller.
        unsafe { self.inner.deallocate(block, layout) }
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: upheld by the caller; the new block does not overlap the old one, and is larger, because a shrink
        // always happens in place.
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

    /// Follows the crate's rule: a chunk is the size plus one word for its tag, rounded up to whole units, and never
    /// larger. (Its feature `counters` would report more, but it counts in every call and would be on in the timed
    /// build too.)
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

    /// Fails if the crate changes its chunks.
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
