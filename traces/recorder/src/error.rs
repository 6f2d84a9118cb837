//! Why a trace cannot be written.

use core::fmt;
use std::error::Error;
use std::io;

/// Why a trace cannot be written.
#[derive(Debug)]
#[non_exhaustive]
pub enum WriteError {
    /// An event lacks the value of a column that the trace has.
    MissingValue {
        /// The event, counted from 1.
        event: u64,
        /// The column.
        column: &'static str,
    },
    /// The output fails.
    Io(io::Error),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteError::MissingValue { event, column } => write!(
                f,
                "event {event} has no {column}, but the trace has that column; choose columns that every event has"
            ),
            WriteError::Io(error) => {
                write!(f, "the trace cannot be written: {error}; check the path and the free space")
            }
        }
    }
}

impl Error for WriteError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            WriteError::MissingValue { .. } => None,
            WriteError::Io(error) => Some(error),
        }
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        WriteError::Io(error)
    }
}
