#![doc = include_str!("../README.md")]
#![no_std]

mod allocator;
mod bins;
#[cfg(feature = "lock_api")]
mod locked;
pub mod page_source;
pub mod policies;
mod segregated_bump;
mod single_threaded;
mod swept_bump;

pub use allocator::Allocator;
pub use bins::Bin;
#[cfg(feature = "lock_api")]
pub use locked::Locked;
pub use page_source::PageSource;
pub use segregated_bump::{Accounting, CLASS_BYTES, Idle, Lost, SegregatedBump};
pub use single_threaded::SingleThreaded;
pub use swept_bump::SweptBump;
#[cfg(feature = "inspect")]
pub use swept_bump::{HeapFault, HeapPart};
