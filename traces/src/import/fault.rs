//! Faults in the recording of another tool, without their place.

use thiserror::Error;

use super::LOOKAHEAD_CALLS;

/// A fault at one line of another tool's recording. Each message says what is wrong, shows the value, and ends with the
/// remedy; [`TraceError::Invalid`](crate::TraceError::Invalid) adds the place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ImportFault {
    /// A line that the format does not have.
    #[error("\"{found}\" is not a line of {format}; {remedy}")]
    UnknownLine {
        /// The line, escaped.
        found: String,
        /// The format that it is read as.
        format: &'static str,
        /// What lines look like.
        remedy: &'static str,
    },
    /// A line lacks a value.
    #[error("{call} without {value}; the line is damaged: record the program again")]
    MissingValue {
        /// The call, as the format names it.
        call: &'static str,
        /// What is missing.
        value: &'static str,
    },
    /// A line has something after its last value.
    #[error("\"{found}\" follows the last value of {call}; the line is damaged: record the program again")]
    TooManyValues {
        /// The call, as the format names it.
        call: &'static str,
        /// What is there.
        found: String,
    },
    /// A value is not a number of the expected kind.
    #[error("{value} \"{found}\" is not a {kind} number of at most 64 bits; correct it, or record the program again")]
    NotANumber {
        /// What the value is.
        value: &'static str,
        /// What is there.
        found: String,
        /// Decimal or hexadecimal.
        kind: &'static str,
    },
    /// The product of calloc exceeds 64 bits, but the call succeeded.
    #[error("calloc of {count} times {size} bytes overflows; no such call can succeed, so correct the line")]
    Overflow {
        /// The count.
        count: u64,
        /// The size of each, in bytes.
        size: u64,
    },
    /// A heaptrack recording has a file format that is newer than this importer.
    #[error(
        "version {found} of heaptrack's file format is unknown; versions to {newest} are read: update Heaprace, or \
         record with a heaptrack that writes version {newest}"
    )]
    NewerVersion {
        /// The version of the file.
        found: u64,
        /// The newest that is read.
        newest: u64,
    },
    /// An interpreted heaptrack recording has too many kinds of allocations.
    #[error("more than {most} kinds of allocations; interpret a shorter recording, or record with heaptrack --raw")]
    TooManyKinds {
        /// The most that are read.
        most: usize,
    },
    /// An Android recording has too many threads at once.
    #[error("more than {most} threads at once; the recording is damaged: record again")]
    TooManyThreads {
        /// The most that are read.
        most: usize,
    },
    /// The recording stops within a line.
    #[error(
        "the last line \"{found}\" has no line end, so the recording is cut off; record the program again, or remove \
         that line"
    )]
    CutOff {
        /// The part of the line that is there.
        found: String,
    },
    /// The header of a `.rep` trace has fewer numbers than it can have.
    #[error(
        "a header of {found} numbers; it has three or four, a line each, or there is none: correct it, or remove it"
    )]
    ShortHeader {
        /// How many there are.
        found: usize,
    },
    /// Some calls have times, and this one has none, or the other way round.
    #[error("a call {}, unlike those before it; give all calls their times, or none", if *.timed { "with times" } else { "without times" })]
    MixedTimes {
        /// Whether this call has times.
        timed: bool,
    },
    /// The first half of a reallocation is not followed by the second.
    #[error("\"<\" and \">\" of a reallocation do not follow each other; the log is damaged: record the program again")]
    SplitRealloc,
    /// A block begins where another one is live, and no later call is the missing end.
    #[error(
        "a block begins at {at}, where that of line {since} is live, and none of the next {LOOKAHEAD_CALLS} calls can \
         be its late end; calls are missing: record the program again"
    )]
    StillLive {
        /// The address or number.
        at: Key,
        /// The line where the live one began.
        since: u64,
    },
    /// A block begins where another one is live, and more than one later call may be the missing end.
    #[error(
        "a block begins at {at}, where that of line {since} is live, and the calls of line {first} and line {second} \
         may each be its late end; move the right one before this line"
    )]
    Ambiguous {
        /// The address.
        at: Key,
        /// The line where the live one began.
        since: u64,
        /// The first call that may be its end.
        first: u64,
        /// The second.
        second: u64,
    },
    /// A block ends that is not live, although one was there before.
    #[error(
        "a block ends at {at}, where none is live since the last one ended; calls are missing or doubled: record again"
    )]
    EndedTwice {
        /// The address or number.
        at: Key,
    },
    /// A block ends that never began, in a format whose recordings are complete.
    #[error("a block ends at {at}, where none was allocated; allocate it first, or remove the line")]
    NeverBegun {
        /// The number.
        at: Key,
    },
}

/// How a format identifies blocks.
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
