//! The allocator of this module, set up as its authors do for WebAssembly: one static each, chosen by the feature.
//!
//! It is the module's global allocator, because talc needs one to be there; nothing but the exports calls it.

#[cfg(feature = "null")]
mod null;

#[cfg(feature = "dlmalloc")]
#[global_allocator]
pub static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[cfg(any(feature = "lite-alloc", feature = "lite-alloc-realloc"))]
#[global_allocator]
pub static ALLOCATOR: lite_alloc::single_threaded::SegregatedBumpAllocator =
    lite_alloc::single_threaded::SegregatedBumpAllocator::new();

#[cfg(feature = "lol_alloc")]
#[global_allocator]
pub static ALLOCATOR: lol_alloc::AssumeSingleThreaded<lol_alloc::FreeListAllocator> =
    // SAFETY: this module has one thread.
    unsafe { lol_alloc::AssumeSingleThreaded::new(lol_alloc::FreeListAllocator::new()) };

#[cfg(feature = "mini-alloc")]
#[global_allocator]
pub static ALLOCATOR: mini_alloc::MiniAlloc = mini_alloc::MiniAlloc::INIT;

#[cfg(feature = "none")]
#[global_allocator]
pub static ALLOCATOR: crate::nothing::Nothing = crate::nothing::Nothing;

#[cfg(feature = "null")]
#[global_allocator]
pub static ALLOCATOR: null::Null = null::Null::new();

#[cfg(feature = "rlsf-small")]
#[global_allocator]
pub static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

#[cfg(feature = "segregated-bump")]
#[global_allocator]
pub static ALLOCATOR: segregated_bump::SingleThreaded<
    segregated_bump::SegregatedBump<segregated_bump::page_source::WasmPages>,
> =
    // SAFETY: this module has one thread.
    unsafe {
        segregated_bump::SingleThreaded::new(segregated_bump::SegregatedBump::new(
            segregated_bump::page_source::WasmPages,
        ))
    };

/// Every realloc moves its block.
#[cfg(feature = "segregated-bump-mv")]
#[global_allocator]
pub static ALLOCATOR: segregated_bump::SingleThreaded<
    segregated_bump::SegregatedBump<segregated_bump::page_source::WasmPages, segregated_bump::policies::Moving>,
> =
    // SAFETY: this module has one thread.
    unsafe {
        segregated_bump::SingleThreaded::new(segregated_bump::SegregatedBump::new(
            segregated_bump::page_source::WasmPages,
        ))
    };

#[cfg(feature = "swept-bump")]
#[global_allocator]
pub static ALLOCATOR: segregated_bump::SingleThreaded<
    segregated_bump::SweptBump<segregated_bump::page_source::WasmPages>,
> =
    // SAFETY: this module has one thread.
    unsafe {
        segregated_bump::SingleThreaded::new(segregated_bump::SweptBump::new(segregated_bump::page_source::WasmPages))
    };

#[cfg(feature = "talc")]
#[global_allocator]
pub static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

#[cfg(feature = "talc-claim")]
#[global_allocator]
pub static ALLOCATOR: talc::cell::TalcSyncCell<talc::wasm::WasmGrowAndClaim, talc::wasm::WasmBinning> =
    talc::cell::TalcSyncCell::new_wasm(talc::wasm::WasmGrowAndClaim);

#[cfg(feature = "wasmalloc")]
#[global_allocator]
pub static ALLOCATOR: wasmalloc::WasmAlloc = wasmalloc::WasmAlloc::new();

#[cfg(feature = "wee_alloc")]
#[global_allocator]
pub static ALLOCATOR: wee_alloc::WeeAlloc<'static> = wee_alloc::WeeAlloc::INIT;
