//! One allocation event, with the full layouts that an allocator is given.

use core::alloc::Layout;

/// The largest size of a block that a trace may hold, in bytes: what a 32-bit address space can hold.
pub const MAX_SIZE_BYTES: u64 = u32::MAX as u64;

/// The largest alignment that a trace may hold, in bytes.
pub const MAX_ALIGN_BYTES: u64 = 1 << 31;

/// One event of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What is asked of the allocator.
    pub action: Action,
    /// The object. An id means one object from its allocation to its deallocation, reallocations included; after that it may
    /// be used again.
    pub id: u64,
    /// The thread that asked, numbered from 0, where the trace tells.
    pub thread: Option<u32>,
    /// Nanoseconds since the recording began, where the trace tells. Never falls.
    pub time_ns: Option<u64>,
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
    /// A block changes its size, and keeps its alignment and the bytes that fit.
    Realloc {
        /// The layout in force until now.
        old: Layout,
        /// The size from now on, in bytes.
        new_size: usize,
    },
    /// A block is given back.
    Dealloc {
        /// The layout in force.
        layout: Layout,
    },
}
