//! The allocator of this library of firmware, over the region that the linker leaves for it: one static each, chosen by
//! the feature.
//!
//! None has a lock: what a lock costs depends on the program. Those that are not complete as constants are given their
//! memory by `init`, which a program calls at its start.

#[cfg(any(
    feature = "buddy_system_allocator",
    feature = "good_memory_allocator",
    feature = "linked_list_allocator",
    feature = "rlsf"
))]
mod pool;

/// Bytes of the region.
#[cfg(not(feature = "none"))]
const HEAP_BYTES: usize = 64 * 1024;

#[cfg(not(feature = "none"))]
unsafe extern "C" {
    /// Where the region begins: a symbol of the linker's.
    static mut heap_start: u8;
}

#[cfg(feature = "buddy_system_allocator")]
#[global_allocator]
pub static ALLOCATOR: pool::Unlocked<buddy_system_allocator::Heap<32>> =
    pool::Unlocked::new(buddy_system_allocator::Heap::new());

#[cfg(feature = "good_memory_allocator")]
#[global_allocator]
pub static ALLOCATOR: pool::Unlocked<good_memory_allocator::Allocator> =
    pool::Unlocked::new(good_memory_allocator::Allocator::empty());

#[cfg(feature = "linked_list_allocator")]
#[global_allocator]
pub static ALLOCATOR: pool::Unlocked<linked_list_allocator::Heap> =
    pool::Unlocked::new(linked_list_allocator::Heap::empty());

#[cfg(feature = "none")]
#[global_allocator]
pub static ALLOCATOR: crate::nothing::Nothing = crate::nothing::Nothing;

/// 12 by 16 lists, as in the crate's documentation: enough for the region.
#[cfg(feature = "rlsf")]
#[global_allocator]
pub static ALLOCATOR: pool::Unlocked<rlsf::Tlsf<'static, u16, u16, 12, 16>> = pool::Unlocked::new(rlsf::Tlsf::new());

#[cfg(feature = "segregated-bump")]
#[global_allocator]
pub static ALLOCATOR: segregated_bump::SingleThreaded<
    segregated_bump::SegregatedBump<segregated_bump::page_source::Region>,
> =
    // SAFETY: this firmware has one thread.
    unsafe { segregated_bump::SingleThreaded::new(segregated_bump::SegregatedBump::new(region())) };

/// Every realloc moves its block.
#[cfg(feature = "segregated-bump-mv")]
#[global_allocator]
pub static ALLOCATOR: segregated_bump::SingleThreaded<
    segregated_bump::SegregatedBump<segregated_bump::page_source::Region, segregated_bump::policies::Moving>,
> =
    // SAFETY: this firmware has one thread.
    unsafe { segregated_bump::SingleThreaded::new(segregated_bump::SegregatedBump::new(region())) };

#[cfg(feature = "swept-bump")]
#[global_allocator]
pub static ALLOCATOR: segregated_bump::SingleThreaded<
    segregated_bump::SweptBump<segregated_bump::page_source::Region>,
> =
    // SAFETY: this firmware has one thread.
    unsafe { segregated_bump::SingleThreaded::new(segregated_bump::SweptBump::new(region())) };

#[cfg(feature = "talc")]
#[global_allocator]
pub static ALLOCATOR: talc::cell::TalcSyncCell<talc::source::Claim, talc::base::binning::DefaultBinning> =
    // SAFETY: this firmware has one thread, and nothing else uses the region.
    unsafe {
        talc::cell::TalcSyncCell::new(talc::cell::TalcCell::new(talc::source::Claim::new(
            &raw mut heap_start,
            HEAP_BYTES,
        )))
    };

/// The region, for our allocators.
#[cfg(any(feature = "segregated-bump", feature = "segregated-bump-mv", feature = "swept-bump"))]
const fn region() -> segregated_bump::page_source::Region {
    // SAFETY: nothing else uses the region, and it has an address.
    unsafe {
        let start = core::ptr::NonNull::new_unchecked(&raw mut heap_start);
        segregated_bump::page_source::Region::from_raw(start, HEAP_BYTES)
    }
}
