//! The common trait, the simulated page heap and the contenders of Heaprace.
//!
//! There are two ways to use it:
//!
//! - To *ship* the segregated bump allocator, use [`SegregatedBump`] and one of the [`page_source`]s, with `default-features = false`: no
//!   dependencies, no `std`.
//! - To *compare* allocators, use the feature `suite` (on by default): the [`HeapAllocator`] trait, the [`PageHeap`], one file for each
//!   contender, the [`registry`] of all of them, and the checks that they must pass ([`shadow`], [`conformance`]).
//!
//! A new contender is one new file with an implementation of [`HeapAllocator`], and one line in [`registry`].
//!
//! On Linux, the feature `suite` defines the symbol `mmap` in whatever program it is linked into; [`wee_alloc`] says why. Calls that
//! are not wee_alloc's go to the system as ever.
#![cfg_attr(not(feature = "suite"), no_std)]

pub mod page_source;
pub mod segregated_bump;
pub mod single_threaded;

#[cfg(feature = "suite")]
pub mod bump;
#[cfg(feature = "suite")]
pub mod checked;
#[cfg(feature = "suite")]
pub mod conformance;
#[cfg(feature = "suite")]
pub mod dlmalloc;
#[cfg(feature = "faulty")]
pub mod faulty;
#[cfg(feature = "suite")]
pub mod heap_allocator;
#[cfg(feature = "suite")]
pub mod null;
#[cfg(feature = "suite")]
mod os;
#[cfg(feature = "suite")]
pub mod page_heap;
#[cfg(feature = "suite")]
pub mod page_size;
#[cfg(feature = "suite")]
pub mod registry;
#[cfg(feature = "suite")]
pub mod shadow;
#[cfg(feature = "suite")]
pub mod talc;
#[cfg(feature = "suite")]
pub mod wasmalloc;
#[cfg(all(feature = "suite", target_os = "linux", target_pointer_width = "64"))]
pub mod wee_alloc;

pub use page_source::PageSource;
pub use segregated_bump::SegregatedBump;
pub use single_threaded::SingleThreaded;

#[cfg(feature = "suite")]
pub use heap_allocator::{HeapAllocator, IdleKind, IdlePart, Info, Role};
#[cfg(feature = "suite")]
pub use page_heap::{HeapRef, PageHeap};
#[cfg(feature = "suite")]
pub use page_size::{PAGE_BYTES, PageSize};
