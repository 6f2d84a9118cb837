//! The crate `talc`, set up like `talc::wasm::new_wasm_dynamic_allocator`: its Wasm binning, and one heap that is
//! extended. Two ablations switch one of these decisions each:
//!
//! - `talc-claim` claims a new heap for every growth, like `talc::wasm::WasmGrowAndClaim`;
//! - `talc-default-binning` has the bins that the crate uses on other systems.
//!
//! The crate's own Wasm sources panic on other systems, so this source implements the same growth rule: it adds as many
//! pages as the failed request can need at most. If they continue the heap, it extends the heap (on this page heap they
//! always do).
//!
//! For small pages there is one addition: the first heap has room for the crate's own tables (about 1 KiB, or 3 KiB
//! with the default binning). The crate's rule assumes that room, which a page of 64 KiB always has. Without it the
//! crate would reject a first heap of a single 256-byte page.

use core::alloc::Layout;
use core::fmt::Debug;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use talc::DefaultBinning;
use talc::base::{CHUNK_UNIT, Talc as TalcBase, binning::Binning};
use talc::source::Source;
use talc::wasm::WasmBinning;

use crate::heap_allocator::{Group, HeapAllocator, IdleKind, IdlePart, Info, Purpose};
use crate::page_heap::HeapRef;
use crate::page_size::PageSize;

/// talc on a page heap, set up as for Wasm.
pub type Talc = TalcAs<ForWasm>;

/// talc with a new heap for every growth.
pub type TalcClaim = TalcAs<Claiming>;

/// talc with its default binning.
pub type TalcDefaultBinning = TalcAs<DefaultBins>;

/// talc on a page heap.
#[derive(Debug)]
pub struct TalcAs<S: Setup> {
    inner: TalcBase<Pages<S>, S::Binning>,
}

/// How talc is set up.
pub trait Setup: Debug {
    /// Its bins.
    type Binning: Binning;
    /// Whether new pages extend the heap before them, or become a heap of their own.
    const EXTENDS: bool;
    /// Describes the contender.
    const INFO: Info;
}

/// See [`Talc`].
#[derive(Debug)]
pub struct ForWasm;

impl Setup for ForWasm {
    type Binning = WasmBinning;
    const EXTENDS: bool = true;
    const INFO: Info = Info {
        name: "talc",
        crate_name: "talc",
        version: "5.1.1",
        purpose: Purpose::Contender,
        groups: &[Group::Default, Group::Embedded, Group::Wasm],
        summary: "the crate talc, set up as for Wasm: boundary tags and bins, one heap that is extended",
        refuses: None,
    };
}

/// See [`TalcClaim`].
#[derive(Debug)]
pub struct Claiming;

impl Setup for Claiming {
    type Binning = WasmBinning;
    const EXTENDS: bool = false;
    const INFO: Info = Info {
        name: "talc-claim",
        purpose: Purpose::Ablation,
        groups: &[Group::Ablations],
        summary: "talc with its extending switched off: new pages are a heap of their own",
        ..ForWasm::INFO
    };
}

/// See [`TalcDefaultBinning`].
#[derive(Debug)]
pub struct DefaultBins;

impl Setup for DefaultBins {
    type Binning = DefaultBinning;
    const EXTENDS: bool = true;
    const INFO: Info = Info {
        name: "talc-default-binning",
        purpose: Purpose::Ablation,
        groups: &[Group::Ablations],
        summary: "talc with its Wasm binning switched off: the bins that it has on other systems",
        ..ForWasm::INFO
    };
}

#[derive(Debug)]
struct Pages<S> {
    heap: HeapRef,
    /// End of talc's latest heap, once it has one.
    end: Option<NonNull<u8>>,
    setup: PhantomData<S>,
}

// SAFETY: it calls no allocator. It claims only pages that are new and that stay.
unsafe impl<S: Setup> Source for Pages<S> {
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
            Some(end) if S::EXTENDS && end == first => unsafe { talc.extend(end, first.as_ptr().add(bytes)) },
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
unsafe impl<S: Setup> HeapAllocator for TalcAs<S> {
    const INFO: Info = S::INFO;

    fn create(heap: HeapRef) -> Self {
        TalcAs { inner: TalcBase::new(Pages { heap, end: None, setup: PhantomData }) }
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

    fn layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes, 8).unwrap()
    }

    fn usable_sizes_reach_to_the_next_block<S: Setup>() {
        for bytes in [1, 24, 25, 40, 56, 57, 100, 1000, 5001] {
            let heap = PageHeap::reserve(4, Guard::Trap).unwrap();
            let mut allocator = TalcAs::<S>::create(heap.handle());
            // SAFETY: the layout is not empty, and the block is live.
            let (block, next, usable) = unsafe {
                let block = allocator.alloc(layout(bytes));
                (block, allocator.alloc(layout(bytes)), allocator.usable_bytes(block, layout(bytes)).unwrap())
            };
            assert!((bytes..bytes + CHUNK_UNIT).contains(&usable), "{usable} for {bytes}");
            assert_eq!(next.addr().abs_diff(block.addr()), usable + size_of::<usize>(), "{bytes}");
        }
    }

    /// Fails if the crate changes its chunks.
    #[test]
    fn usable_sizes_reach_to_the_next_block_in_every_setup() {
        usable_sizes_reach_to_the_next_block::<ForWasm>();
        usable_sizes_reach_to_the_next_block::<Claiming>();
        usable_sizes_reach_to_the_next_block::<DefaultBins>();
    }

    /// Pages after blocks of which the last fits only into the free memory at the ends of two pages together.
    fn pages_of_blocks<S: Setup>() -> usize {
        let heap = PageHeap::reserve(8, Guard::Trap).unwrap();
        let mut allocator = TalcAs::<S>::create(heap.handle());
        for bytes in [40_000, 60_000, 28_000] {
            // SAFETY: the layout is not empty.
            assert!(!unsafe { allocator.alloc(layout(bytes)) }.is_null());
        }
        heap.handle().committed_pages()
    }

    #[test]
    fn a_block_spans_growths_of_an_extended_heap_but_not_claimed_heaps() {
        assert_eq!([pages_of_blocks::<ForWasm>(), pages_of_blocks::<Claiming>()], [2, 3]);
    }
}
