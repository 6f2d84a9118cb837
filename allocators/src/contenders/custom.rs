//! A member of our own family whose decisions are looked up while it runs: see [`family`](crate::family).

use std::alloc::Layout;
use std::sync::OnceLock;

use segregated_bump::Allocator;

use crate::family::{LookedUp, served};
use crate::heap_allocator::{Group, HeapAllocator, Info, Purpose};
use crate::page_heap::HeapRef;

/// The member that the variable [`VARIABLE`](crate::family::VARIABLE) describes, on the heap's pages.
#[derive(Debug)]
pub struct Custom(LookedUp<false>);

/// Calls a function of whichever half of the family it is.
macro_rules! of_both {
    ($custom:expr, $allocator:ident => $call:expr) => {
        match &mut $custom.0 {
            LookedUp::Segregated($allocator) => $call,
            LookedUp::Swept($allocator) => $call,
        }
    };
}

// SAFETY: as for the compiled members, see SOUNDNESS.md of the crate segregated-bump: a design is checked before it is
// served, and is the only one of its process.
unsafe impl HeapAllocator for Custom {
    const INFO: Info = Info {
        name: "custom",
        crate_name: "segregated-bump",
        version: env!("CARGO_PKG_VERSION"),
        purpose: Purpose::Ablation,
        groups: &[Group::Ablations],
        summary: "the member of our family that HEAPRACE_MEMBER describes, decided at run time; swept-bump without it",
        refuses: None,
    };

    /// Its version has the design, so that results of two designs are not taken for those of one contender.
    fn info() -> Info {
        static VERSION: OnceLock<String> = OnceLock::new();
        let version = || {
            served().map_or_else(|_| Self::INFO.version.to_owned(), |design| format!("{} {design}", Self::INFO.version))
        };
        Info { version: VERSION.get_or_init(version), ..Self::INFO }
    }

    fn probe() -> Result<(), String> {
        served().map(|_| ()).map_err(|error| format!("{}: {error}", crate::family::VARIABLE))
    }

    fn create(heap: HeapRef) -> Self {
        Custom(LookedUp::served(heap))
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        of_both!(self, allocator => allocator.alloc(layout))
    }

    #[inline]
    unsafe fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        of_both!(self, allocator => allocator.alloc_zeroed(layout))
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: upheld by the caller.
        of_both!(self, allocator => unsafe { Allocator::dealloc(allocator, block, layout) })
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: upheld by the caller.
        of_both!(self, allocator => unsafe { Allocator::realloc(allocator, block, layout, new_size) })
    }
}
