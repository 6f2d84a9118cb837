//! Why a trace has no bounds.

use heaprace_allocators::page_heap::PageHeapError;
use heaprace_allocators::shadow::Violation;

/// Bounds that cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BoundsError {
    /// The trace has too many events.
    #[error(
        "{events} events are too many to place their objects with hindsight; slice the trace ('replay trace slice')"
    )]
    TooLong {
        /// Its events.
        events: u64,
    },
    /// A placement is not sound.
    #[error(
        "event {event}: the placement is not sound: {violation}; the fault is in Heaprace, please report it with the trace"
    )]
    Unsound {
        /// The event, counted from 1.
        event: u64,
        /// What is wrong there.
        violation: Violation,
    },
    /// A placement is not as high as it says.
    #[error(
        "the placement ends at {found_bytes} B and not at {stated_bytes} B; the fault is in Heaprace, please report it with the trace"
    )]
    WrongMakespan {
        /// What it says.
        stated_bytes: u64,
        /// What is so.
        found_bytes: u64,
    },
    /// The address space that a placement is checked in cannot be had.
    #[error(transparent)]
    Heap(#[from] PageHeapError),
    /// The memory that a placement is checked in cannot be had.
    #[error("there is no memory for the {pages} pages of 64 KiB in which the placement is checked; free some")]
    NoMemory {
        /// Pages asked for.
        pages: usize,
    },
}
