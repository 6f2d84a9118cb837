//! One allocation event, with the full layouts that an allocator is given.

use core::alloc::Layout;

/// Maximum size of a block in a trace, in bytes: what fits a 32-bit address space.
pub const MAX_SIZE_BYTES: u64 = u32::MAX as u64;

/// Maximum alignment in a trace, in bytes.
pub const MAX_ALIGN_BYTES: u64 = 1 << 31;

/// One event of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What is asked of the allocator.
    pub action: Action,
    /// The object. An id means one object from its allocation to its deallocation, including reallocations; after that
    /// it may be used again.
    pub id: u64,
    /// The thread that asked, numbered from 0, if the trace has threads.
    pub thread: Option<u32>,
    /// Nanoseconds since the recording began, if the trace has times. Never falls.
    pub time_ns: Option<u64>,
    /// For a reallocation or deallocation, if the trace has written extents: how many bytes of the block the program
    /// has written so far, counted from its start to the last one written. At most the block's size before this event.
    pub written: Option<u32>,
}

/// What is asked of the allocator. Sizes are at least 1 byte: a Rust program never asks an allocator for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A new block.
    Alloc {
        /// Its size and alignment.
        layout: Layout,
        /// Whether its bytes must be 0.
        zeroed: bool,
    },
    /// A block changes its size; it keeps its alignment and the bytes that fit.
    Realloc {
        /// The layout so far.
        old: Layout,
        /// The new size, in bytes.
        new_size: usize,
    },
    /// A block is freed.
    Dealloc {
        /// Its layout.
        layout: Layout,
    },
}
