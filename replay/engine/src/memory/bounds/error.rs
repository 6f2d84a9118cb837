//! Why a trace has no bounds.

use heaprace_allocators::shadow::Violation;
use heaprace_reports::numbers::bytes;

use crate::limits::Stop;

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
    /// A limit was reached before the end.
    #[error("{}", .0.reason())]
    Stopped(Stop),
    /// It would take more memory than there may be.
    #[error(
        "placing the objects with hindsight takes {} of memory, more than half of the {} of --memory",
        bytes(*.need_bytes), bytes(*.budget_bytes)
    )]
    Memory {
        /// Bytes that it takes.
        need_bytes: u64,
        /// Bytes of the budget.
        budget_bytes: u64,
    },
}
