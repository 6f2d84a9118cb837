//! Our own segregated bump allocators, as they ship, on the simulated page heap: the classic, and members of its family
//! with other decisions.

pub mod members;

use core::alloc::Layout;

use segregated_bump::policies::{Classic, LargeFrees};
use segregated_bump::{Accounting, Idle, Lost};

use crate::heap_allocator::{HeapAllocator, IdleKind, IdlePart, Info};
use crate::page_heap::HeapRef;
use members::Member;

/// An allocator of the family on the heap's pages. It has no accounting unless requested, so the timed code is the code
/// that ships.
pub type SegregatedBump<P = Classic, A = ()> = segregated_bump::SegregatedBump<HeapRef, P, A>;

/// The same allocator with accounting, for memory figures.
pub type Accounted<P = Classic> = SegregatedBump<P, Lost>;

/// Bins that have a part of their own in the account of idle bytes.
const NAMED_BINS: [(usize, &str); 4] =
    [(16, "bin of 16 bytes"), (32, "bin of 32 bytes"), (64, "bin of 64 bytes"), (128, "bin of 128 bytes")];

// SAFETY: see the crate segregated-bump: blocks are carved from the heap's pages without overlap, aligned to 16 or as
// requested, and what is free is in one place.
unsafe impl<P: Member, A: Accounting> HeapAllocator for SegregatedBump<P, A> {
    const INFO: Info = Info {
        name: P::NAME,
        crate_name: "segregated-bump",
        version: env!("CARGO_PKG_VERSION"),
        purpose: P::PURPOSE,
        groups: P::GROUPS,
        summary: P::SUMMARY,
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
        Some(SegregatedBump::<P, A>::usable_bytes(layout))
    }

    fn idle(&self, _live_blocks: usize) -> Vec<IdlePart> {
        let Idle { bin_bytes: _, large_bytes, tail_bytes, lost } = SegregatedBump::idle(self);
        let (mut parts, mut others) = (Vec::new(), None);
        for (class_bytes, bytes) in self.bins() {
            match NAMED_BINS.iter().find(|(named_bytes, _)| *named_bytes == class_bytes) {
                Some(&(_, name)) => parts.push(IdlePart { kind: IdleKind::Free, name, bytes }),
                None => others = Some(others.unwrap_or(0) + bytes),
            }
        }
        if let Some(bytes) = others {
            parts.push(IdlePart { kind: IdleKind::Free, name: "other bins", bytes });
        }
        if P::LargeFrees::keeps() {
            parts.push(IdlePart { kind: IdleKind::Free, name: "large free blocks", bytes: large_bytes });
        }
        parts.push(IdlePart { kind: IdleKind::Tail, name: "after the bump pointer", bytes: tail_bytes });
        if let Some(Lost { freed_bytes, padding_bytes }) = lost {
            parts.push(IdlePart { kind: IdleKind::Lost, name: "freed, in no bin", bytes: freed_bytes });
            parts.push(IdlePart { kind: IdleKind::Lost, name: "padding for alignment", bytes: padding_bytes });
        }
        parts
    }
}
