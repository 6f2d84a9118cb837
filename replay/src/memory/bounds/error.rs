//! Why a trace has no bounds.

use heaprace_allocators::page_heap::PageHeapError;
use heaprace_allocators::shadow::Violation;

/// Why bounds cannot be computed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BoundsError {
    /// The trace has too many events.
    #[error(
        "{events} events are too many to place their objects with hindsight; slice the trace ('replay trace slice')"
    )]
    TooLong {
        /// Number of events.
        events: u64,
    },
    /// A placement is not sound.
    #[error(
        "event {event}: the placement is not sound: {violation}; the fault is in Heaprace, please report it with the trace"
    )]
    Unsound {
        /// The event, counted from 1.
        event: u64,
        /// The violation.
        violation: Violation,
    },
    /// A placement is not as high as it states.
    #[error(
        "the placement ends at {found_bytes} B and not at {stated_bytes} B; the fault is in Heaprace, please report it with the trace"
    )]
    WrongMakespan {
        /// The stated makespan.
        stated_bytes: u64,
        /// The actual makespan.
        found_bytes: u64,
    },
    /// The address space for checking a placement cannot be reserved.
    #[error(transparent)]
    Heap(#[from] PageHeapError),
    /// There is no memory for checking a placement.
    #[error("there is no memory for the {pages} pages of 64 KiB in which the placement is checked; free some")]
    NoMemory {
        /// Requested pages.
        pages: usize,
    },
}
