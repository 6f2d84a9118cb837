//! Why a trace cannot be compiled.

use heaprace_traces::TraceError;

use super::op::MAX_LIVE_OBJECTS;

/// Why a trace cannot be compiled.
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
    /// A trace that is read again for each replay has changed.
    #[error("{file}: changed during the replay; replay it again without changing it")]
    Changed {
        /// The trace.
        file: String,
    },
}
