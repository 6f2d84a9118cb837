//! Our own swept bump allocators, as they ship, on the simulated page heap: the flagship, and members with other decisions.

use core::alloc::Layout;

use segregated_bump::HeapPart;
use segregated_bump::policies::{Swept, SweptPolicies};

use crate::heap_allocator::{Group, HeapAllocator, IdleKind, IdlePart, Info, Purpose};
use crate::page_heap::HeapRef;

/// The allocator on the heap's pages.
pub type SweptBump<P = Swept> = segregated_bump::SweptBump<HeapRef, P>;

/// A member of the swept half of our family that is compared: its name and its role.
pub trait SweptMember: SweptPolicies {
    /// Name on the command line.
    const NAME: &'static str;

    /// What it is, in a line.
    const SUMMARY: &'static str;

    /// Its role. All but the flagship are ablations.
    const PURPOSE: Purpose = Purpose::Ablation;

    /// The groups that it belongs to.
    const GROUPS: &'static [Group] = &[Group::Ablations];
}

impl SweptMember for Swept {
    const NAME: &'static str = "swept-bump";
    const SUMMARY: &'static str =
        "bins and a bump pointer without headers, free memory joined by a sweep before the heap grows; ours";
    const PURPOSE: Purpose = Purpose::Contender;
    const GROUPS: &'static [Group] = &[Group::Default, Group::Embedded, Group::Wasm];
}

// SAFETY: see SOUNDNESS.md of the crate segregated-bump.
unsafe impl<P: SweptMember> HeapAllocator for SweptBump<P> {
    const INFO: Info = Info {
        name: P::NAME,
        crate_name: "segregated-bump",
        version: env!("CARGO_PKG_VERSION"),
        purpose: P::PURPOSE,
        groups: P::GROUPS,
        summary: P::SUMMARY,
        refuses: None,
    };

    const KNOWS_ALL_IDLE: bool = true;

    fn create(heap: HeapRef) -> Self {
        SweptBump::new(heap)
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        SweptBump::alloc(self, layout)
    }

    #[inline]
    unsafe fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        SweptBump::alloc_zeroed(self, layout)
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: upheld by the caller.
        unsafe { SweptBump::dealloc(self, block, layout) }
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { SweptBump::realloc(self, block, layout, new_size) }
    }

    #[inline]
    unsafe fn usable_bytes(&self, _block: *mut u8, layout: Layout) -> Option<usize> {
        Some(SweptBump::<P>::usable_bytes(layout))
    }

    fn idle(&self, _live_blocks: usize) -> Vec<IdlePart> {
        let mut parts = [
            (HeapPart::Bin, IdleKind::Free, "bins"),
            (HeapPart::Window, IdleKind::Free, "window"),
            (HeapPart::Run, IdleKind::Free, "free runs"),
            (HeapPart::Top, IdleKind::Tail, "top"),
            (HeapPart::Uncovered, IdleKind::Tail, "not in the map yet"),
            (HeapPart::Map, IdleKind::Metadata, "map of free runs"),
        ]
        .map(|(part, kind, name)| (part, IdlePart { kind, name, bytes: 0 }));
        self.for_each_part(|part, _, bytes| {
            for (_, idle) in parts.iter_mut().filter(|(own, _)| *own == part) {
                idle.bytes += bytes;
            }
        });
        parts.map(|(_, idle)| idle).into()
    }
}
