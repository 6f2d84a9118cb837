//! Faults in the content of a trace, without their place.
//!
//! The parts that read fields and track the live objects know what is wrong; the reader that called them knows the file
//! and the line. So a [`Fault`] has the offending value and the remedy, and
//! [`TraceError::Invalid`](crate::TraceError::Invalid) adds the place.

use heaprace_recorder::{Extent, Op};
use thiserror::Error;

use crate::import::ImportFault;

/// A fault at one place of a trace. Each message says what is wrong, shows the value, and ends with the remedy.
///
/// ```
/// let text = "op,id,size,align\nmalloc,1,16,8\n";
/// let error = heaprace_traces::CsvReader::new(text.as_bytes(), "broken.csv")?.next().expect("a line follows").expect_err("no such op");
/// assert_eq!(
///     error.to_string(),
///     "broken.csv:2 (event 1): unknown op \"malloc\"; an op is one of alloc, alloc_zeroed, realloc, dealloc"
/// );
/// # Ok::<(), heaprace_traces::TraceError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// The first line that is no comment is not a header.
    #[error("expected a header, found \"{found}\"; begin the trace with the line op,id,size,align")]
    MissingHeader {
        /// The line's first field.
        found: String,
    },
    /// One of the four fixed columns is absent or in another place.
    #[error("column {number} is {found} instead of \"{expected}\"; a header begins with op,id,size,align")]
    MissingColumn {
        /// The column's place, counted from 1.
        number: usize,
        /// What is there.
        found: String,
        /// What is expected there.
        expected: &'static str,
    },
    /// The header names a column that the format does not have.
    #[error("unknown column \"{found}\"; after op,id,size,align a header may name thread, time_ns and written")]
    UnknownColumn {
        /// The name.
        found: String,
    },
    /// The header names a column twice.
    #[error("the column \"{column}\" occurs twice; name each column once")]
    DuplicateColumn {
        /// The name.
        column: &'static str,
    },
    /// The trace has a version that this reader does not know.
    #[error("version \"{found}\" of the format is unknown; this reader knows version 1, so update Heaprace")]
    UnknownVersion {
        /// The version, as written in the trace.
        found: String,
    },
    /// A line has more fields than the header has columns.
    #[error(
        "{found} fields, but the header names {columns} columns; an event has no more fields than there are columns"
    )]
    TooManyFields {
        /// The fields of the line.
        found: usize,
        /// The columns of the header.
        columns: usize,
    },
    /// A line begins with no known op.
    #[error("unknown op \"{found}\"; an op is one of alloc, alloc_zeroed, realloc, dealloc")]
    UnknownOp {
        /// The first field.
        found: String,
    },
    /// A value that the op or its column needs is missing.
    #[error("{op} without {column}; {}", remedy_for_missing(column, *op))]
    MissingValue {
        /// The op of the event.
        op: Op,
        /// The column whose value is missing.
        column: &'static str,
    },
    /// A field that must be a number is not.
    #[error("{column} \"{found}\" is not a number; write it in decimal digits only")]
    NotANumber {
        /// The column.
        column: &'static str,
        /// The field.
        found: String,
    },
    /// A number is smaller or larger than its column allows.
    #[error("{column} {found} is out of range; it must be from {least} to {most}")]
    OutOfRange {
        /// The column.
        column: &'static str,
        /// The number as it is written: it may be too large for any integer.
        found: String,
        /// The smallest that is allowed.
        least: u64,
        /// The largest that is allowed.
        most: u64,
    },
    /// An alignment is not a power of two.
    #[error("align {found} is not a power of two; an alignment is 1, 2, 4, 8 and so on")]
    AlignNotPowerOfTwo {
        /// The alignment in bytes.
        found: u64,
    },
    /// No block of this machine can have both the size and the alignment.
    #[error("size {size} with align {align} is more than this machine can address; read the trace on a 64-bit machine")]
    LayoutTooLarge {
        /// The size in bytes.
        size: u64,
        /// The alignment in bytes.
        align: u64,
    },
    /// An allocation has the id of a live object.
    #[error("{op} of id {id}, which is live; deallocate it first, or give each live object an id of its own")]
    AlreadyLive {
        /// The op of the event.
        op: Op,
        /// The id.
        id: u64,
    },
    /// More objects are live at once than there may be.
    #[error(
        "more than {most} objects are live at once, which is all that the memory for reading has room for; cut the trace \
         before this event ('replay trace slice'), or give 'replay --trace' more --memory"
    )]
    TooManyLive {
        /// Objects that may be live.
        most: usize,
    },
    /// A reallocation or deallocation has an id that no live object has.
    #[error("{op} of id {id}, which is not live; allocate it first, and deallocate it only once")]
    NotLive {
        /// The op of the event.
        op: Op,
        /// The id.
        id: u64,
    },
    /// A reallocation or deallocation has another size or alignment than the object.
    #[error(
        "{op} of id {id} with {column} {found}, but the object has {in_force}; correct it, or leave the field empty"
    )]
    Disagrees {
        /// The op of the event.
        op: Op,
        /// The id.
        id: u64,
        /// The column that disagrees.
        column: &'static str,
        /// Its value, in bytes.
        found: u64,
        /// The value of the object, in bytes.
        in_force: u64,
    },
    /// An allocation says how much of its block was written.
    #[error(
        "{op} with {found}; nothing is written of a new block: leave the field empty, except for realloc and dealloc"
    )]
    NothingWrittenYet {
        /// The op of the event.
        op: Op,
        /// The extent.
        found: Extent,
    },
    /// A reallocation or deallocation says that more of the block was written than it has bytes.
    #[error(
        "{op} of id {id} with {found}, but the object has {size} bytes; correct it, or leave it empty if it is unknown"
    )]
    MoreWritten {
        /// The op of the event.
        op: Op,
        /// The id.
        id: u64,
        /// The extent.
        found: Extent,
        /// The size of the block before the event, in bytes.
        size: u64,
    },
    /// An event is earlier than the one before it.
    #[error("time_ns {found} is before {previous}, the time of an earlier event; times must not fall: sort the events")]
    TimeFalls {
        /// The time of the event, in nanoseconds.
        found: u64,
        /// The time of the event before it, in nanoseconds.
        previous: u64,
    },
    /// The file stops within a line.
    #[error("the last line \"{found}\" has no line end, so the trace is cut off; record it again, or end the line")]
    TruncatedLine {
        /// The part of the line that is there.
        found: String,
    },
    /// A line is not UTF-8.
    #[error("\"{found}\" is not UTF-8; a trace is plain text: save it as UTF-8, or check that this file is a trace")]
    NotUtf8 {
        /// The line, escaped.
        found: String,
    },
    /// A line has a byte 0.
    #[error("\"{found}\" has a NUL byte; the file is damaged or not text: check that this file is a trace")]
    NulByte {
        /// The line, escaped.
        found: String,
    },
    /// A text is a comment in no format.
    #[error("the comment \"{found}\" {what}; correct it, or remove it")]
    BadComment {
        /// The comment, escaped.
        found: String,
        /// What is wrong.
        what: &'static str,
    },
    /// The provenance is too long.
    #[error("the provenance exceeds {most_bytes} bytes or {most_lines} lines; remove comments before the header")]
    LongProvenance {
        /// The most bytes that it can have.
        most_bytes: usize,
        /// The most lines that it can have.
        most_lines: usize,
    },
    /// There are too many comments between two events.
    #[error("there are too many comments between two events, more than {most_bytes} bytes; remove comments")]
    TooManyComments {
        /// The most bytes that they can have here, each counted with a few bytes more than its text.
        most_bytes: usize,
    },
    /// A line of another tool's recording is wrong.
    #[error(transparent)]
    Import(#[from] ImportFault),
}

/// The second half of [`Fault::MissingValue`]: which values the op takes.
fn remedy_for_missing(column: &str, op: Op) -> &'static str {
    match (column, op) {
        ("thread" | "time_ns", _) => "if the header names this column, every event has its value",
        (_, Op::Alloc | Op::AllocZeroed) => "an allocation has id, size and align",
        (_, Op::Realloc) => "a reallocation has its id and the new size",
        (_, Op::Dealloc) => "a deallocation has its id",
    }
}

/// Bytes of the file as a message shows them: escaped, and cut after 40 characters, so that any file gives a readable
/// message.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const MOST_CHARACTERS: usize = 40;
    // Four bytes a character are enough, and a longer field need not be decoded whole.
    let head = &bytes[..bytes.len().min(4 * MOST_CHARACTERS)];
    let mut text: String = String::new();
    for chunk in head.utf8_chunks() {
        text.extend(chunk.valid().chars().flat_map(char::escape_debug));
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((cut, _)) => text[..cut].to_owned() + "...",
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_value_is_shown_escaped() {
        assert_eq!(shown(b"a\"b\0\xff"), "a\\\"b\\0\\xff");
    }

    #[test]
    fn a_long_value_is_cut() {
        assert_eq!(shown(&[b'x'; 1000]), "x".repeat(40) + "...");
        assert_eq!(shown(&[b'x'; 40]), "x".repeat(40));
    }
}
