//! Why a trace cannot be compiled.

use heaprace_traces::TraceError;

use super::op::MAX_LIVE_OBJECTS;

/// A trace that cannot be compiled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The trace itself is faulty.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// More objects are live at once than an operation can number.
    #[error(
        "event {event}: more than {MAX_LIVE_OBJECTS} objects are live at once, which is more than a program can number"
    )]
    TooManyLive {
        /// The event, counted from 1.
        event: u64,
    },
    /// A trace that is read again for each replay is not what it was.
    #[error("{file}: has changed while it was being replayed; leave it alone, and replay it again")]
    Changed {
        /// The trace.
        file: String,
    },
}
