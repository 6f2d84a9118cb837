//! The common trait, the simulated page heap and the contenders of Heaprace.
//!
//! To *ship* the segregated bump allocator, use its own crate, [`segregated_bump`](contenders::segregated_bump):
//! `no_std`, no dependencies. This crate *compares* allocators: the [`HeapAllocator`] trait, the [`PageHeap`], the
//! [`contenders`] (one file each) and the checks that they must pass ([`shadow`], [`conformance`]).
//!
//! A new contender needs one new file and one line in [`contenders`]. The file implements [`HeapAllocator`]; for an
//! allocator with a [fixed pool](fixed_pool), the smaller trait [`Pool`](fixed_pool::Pool); or, for one that implements
//! [`GlobalAlloc`](std::alloc::GlobalAlloc) and has a replaceable source of memory, only [`Wrap`](wrapped::Wrap).
//!
//! The feature `hosted` adds an allocator of hosted systems for reference, in C: `jemalloc`. Its build takes minutes.
//!
//! On Linux this crate defines the symbol `mmap` in every program that links it; [`wee_alloc`](contenders::wee_alloc)
//! explains why. Calls from anything other than wee_alloc go to the system as usual.

pub mod checked;
pub mod conformance;
pub mod contenders;
pub mod family;
#[cfg(feature = "faulty")]
pub mod faulty;
pub mod fixed_pool;
#[cfg(target_os = "linux")]
pub mod global;
pub mod heap_allocator;
mod os;
pub mod page_heap;
pub mod page_size;
pub mod places;
#[cfg(target_os = "linux")]
pub mod run;
pub mod shadow;
pub mod violation;
pub mod wrapped;

#[cfg(target_os = "linux")]
pub use global::Global;
pub use heap_allocator::{Group, HeapAllocator, IdleKind, IdlePart, Info, Purpose};
pub use page_heap::{HeapRef, PageHeap};
pub use page_size::{PAGE_BYTES, PageSize};
