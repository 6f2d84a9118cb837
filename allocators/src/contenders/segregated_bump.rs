//! Our own segregated bump allocator, as it ships, on the simulated page heap.

use core::alloc::Layout;

use segregated_bump::{Accounting, Idle, Lost};

use crate::heap_allocator::{Group, HeapAllocator, IdleKind, IdlePart, Info, Purpose};
use crate::page_heap::HeapRef;

/// The allocator on the heap's pages. It has no accounting unless requested, so the timed code is the code that ships.
pub type SegregatedBump<const REALLOC_IN_PLACE: bool = true, A = ()> =
    segregated_bump::SegregatedBump<HeapRef, REALLOC_IN_PLACE, A>;

/// The same allocator with accounting, for memory figures.
pub type Accounted<const REALLOC_IN_PLACE: bool = true> = SegregatedBump<REALLOC_IN_PLACE, Lost>;

// SAFETY: see the crate segregated-bump: blocks are carved from the heap's pages without overlap, aligned to 16 or as
// requested, and are reused only within their class.
unsafe impl<const REALLOC_IN_PLACE: bool, A: Accounting> HeapAllocator for SegregatedBump<REALLOC_IN_PLACE, A> {
    const INFO: Info = Info {
        name: if REALLOC_IN_PLACE { "segregated-bump" } else { "segregated-bump-mv" },
        crate_name: "segregated-bump",
        version: env!("CARGO_PKG_VERSION"),
        purpose: if REALLOC_IN_PLACE { Purpose::Contender } else { Purpose::Ablation },
        groups: if REALLOC_IN_PLACE { &[Group::Default, Group::Embedded, Group::Wasm] } else { &[Group::Ablations] },
        summary: if REALLOC_IN_PLACE {
            "four bins of 16, 32, 64 and 128 bytes and a bump pointer; ours"
        } else {
            "segregated-bump with its in-place realloc switched off: every realloc moves"
        },
        refuses: None,
    };

    const KNOWS_ALL_IDLE: bool = A::COUNTS;

    fn create(heap: HeapRef) -> Self {
        SegregatedBump::new(heap)
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        SegregatedBump::alloc(self, layout)
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: upheld by the caller.
        unsafe { SegregatedBump::dealloc(self, block, layout) }
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { SegregatedBump::realloc(self, block, layout, new_size) }
    }

    #[inline]
    unsafe fn usable_bytes(&self, _block: *mut u8, layout: Layout) -> Option<usize> {
        Some(SegregatedBump::<REALLOC_IN_PLACE, A>::usable_bytes(layout))
    }

    fn idle(&self, _live_blocks: usize) -> Vec<IdlePart> {
        let Idle { bin_bytes, tail_bytes, lost } = SegregatedBump::idle(self);
        let bins = ["bin of 16 bytes", "bin of 32 bytes", "bin of 64 bytes", "bin of 128 bytes"];
        let mut parts: Vec<_> = (bins.into_iter().zip(bin_bytes))
            .map(|(name, bytes)| IdlePart { kind: IdleKind::Free, name, bytes })
            .collect();
        parts.push(IdlePart { kind: IdleKind::Tail, name: "after the bump pointer", bytes: tail_bytes });
        if let Some(Lost { freed_bytes, padding_bytes }) = lost {
            parts.push(IdlePart { kind: IdleKind::Lost, name: "freed, in no bin", bytes: freed_bytes });
            parts.push(IdlePart { kind: IdleKind::Lost, name: "padding for alignment", bytes: padding_bytes });
        }
        parts
    }
}
