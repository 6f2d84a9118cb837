//! What can be wrong with the content of a foreign trace, apart from where.

use thiserror::Error;

use super::LOOKAHEAD_CALLS;

/// What is wrong at one line of a recording that another tool made. Each message says what, shows the value, and ends with the
/// remedy; [`TraceError::Invalid`](crate::TraceError::Invalid) adds the place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ImportFault {
    /// A line that the format does not have.
    #[error("\"{found}\" is no line of {format}; {remedy}")]
    UnknownLine {
        /// The line, escaped.
        found: String,
        /// The format that it is read as.
        format: &'static str,
        /// How a line reads.
        remedy: &'static str,
    },
    /// A line ends before all its values are there.
    #[error("{call} without {value}; the line is damaged: record the program again")]
    MissingValue {
        /// The call, as the format names it.
        call: &'static str,
        /// What is missing.
        value: &'static str,
    },
    /// There is something behind the last value of a line.
    #[error("\"{found}\" stands behind the last value of {call}; the line is damaged: record the program again")]
    TooManyValues {
        /// The call, as the format names it.
        call: &'static str,
        /// What stands there.
        found: String,
    },
    /// A value is no number of the kind that belongs there.
    #[error("{value} \"{found}\" is no {kind} number of at most 64 bits; correct it, or record the program again")]
    NotANumber {
        /// What the value is.
        value: &'static str,
        /// What stands there.
        found: String,
        /// Decimal or hexadecimal.
        kind: &'static str,
    },
    /// The product of calloc is more than 64 bits can hold, and yet the call succeeded.
    #[error("calloc of {count} times {size} bytes overflows; no such call can succeed, so correct the line")]
    Overflow {
        /// How many.
        count: u64,
        /// How large each.
        size: u64,
    },
    /// Some calls have times, and this one has none, or the other way round.
    #[error("a call {}, unlike those before it; give every call its times, or none", if *.timed { "with times" } else { "without times" })]
    MixedTimes {
        /// Whether this call has times.
        timed: bool,
    },
    /// The first half of a reallocation is not followed by the second.
    #[error("\"<\" and \">\" of a reallocation do not follow each other; the log is damaged: record the program again")]
    SplitRealloc,
    /// A block begins where another one is live, and no later call is the missing end.
    #[error(
        "a block begins at {at}, where the one of line {since} is live, and none of the next {LOOKAHEAD_CALLS} calls can be its late \
         end; calls are missing: record the program again"
    )]
    StillLive {
        /// The address or number.
        at: Key,
        /// Where the live one began.
        since: u64,
    },
    /// A block begins where another one is live, and more than one later call may be the missing end.
    #[error(
        "a block begins at {at}, where the one of line {since} is live, and the calls of line {first} and line {second} may each be \
         its late end; move the right one before this line"
    )]
    Ambiguous {
        /// The address.
        at: Key,
        /// Where the live one began.
        since: u64,
        /// The first call that may be its end.
        first: u64,
        /// The second.
        second: u64,
    },
    /// A block is ended that is not live, though one was there before.
    #[error(
        "a block ends at {at}, where none is live since the last one ended; calls are missing or doubled: record again"
    )]
    EndedTwice {
        /// The address or number.
        at: Key,
    },
    /// A block is ended that was never begun, in a format whose recordings are whole.
    #[error("a block ends at {at}, where none was ever allocated; allocate it first, or remove the line")]
    NeverBegun {
        /// The number.
        at: Key,
    },
}

/// How a format tells blocks apart, as messages show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Key {
    /// By their addresses.
    Address(u64),
    /// By numbers.
    Number(u64),
}

impl core::fmt::Display for Key {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Key::Address(address) => write!(f, "{address:#x}"),
            Key::Number(number) => write!(f, "number {number}"),
        }
    }
}
