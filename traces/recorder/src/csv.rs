//! The CSV format as it is written: which columns there are, and the one canonical form that FORMAT.md gives.

use std::borrow::Cow;
use std::fmt;
use std::io::Write;

pub use crate::comment::MOST_LINE_BYTES;
use crate::comment::{self, MOST_PROVENANCE_BYTES, MOST_PROVENANCE_LINES};
use crate::error::WriteError;
use crate::event::{Action, Event};
use crate::op::Op;

/// The columns that every trace has, in this order.
pub const HEADER: [&str; 4] = ["op", "id", "size", "align"];
/// The optional column of the thread.
pub const THREAD: &str = "thread";
/// The optional column of the time.
pub const TIME_NS: &str = "time_ns";
/// The optional column of the written extent.
pub const WRITTEN: &str = "written";

/// The comment that names the version of the format, without its `#`.
const VERSION_COMMENT: &str = "heaprace-trace: 1";

/// Which of the optional columns a trace has. If it has threads or times, every event has one; a written extent may be
/// unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Columns {
    /// `thread`: the thread that asked, numbered from 0.
    pub thread: bool,
    /// `time_ns`: nanoseconds since the recording began.
    pub time_ns: bool,
    /// `written`: how much of a block the program had written when it reallocated or freed the block.
    pub written: bool,
}

/// Bytes that are collected before they are written.
const BLOCK_BYTES: usize = 64 * 1024;

/// Writes events as CSV.
///
/// Its output is canonical: reading it and writing it again gives the same bytes. It writes the events that it is
/// given; the reader is what checks them.
///
/// ```
/// use heaprace_recorder::csv::{Columns, CsvWriter};
/// use heaprace_recorder::{Action, Event};
///
/// let layout = std::alloc::Layout::new::<[u64; 3]>();
/// let event = Event { action: Action::Alloc { layout, zeroed: false }, id: 1, thread: None, time_ns: None, written: None };
/// let mut writer = CsvWriter::new(Vec::new(), Columns::default(), &["program: example"])?;
/// writer.write(&event)?;
/// let text = "# heaprace-trace: 1\n# program: example\nop,id,size,align\nalloc,1,24,8\n";
/// assert_eq!(writer.finish()?, text.as_bytes());
/// # Ok::<(), heaprace_recorder::WriteError>(())
/// ```
pub struct CsvWriter<W: Write> {
    output: W,
    columns: Columns,
    /// Whole lines that are not written yet.
    block: Vec<u8>,
    line: Line,
    events: u64,
}

impl<W: Write> CsvWriter<W> {
    /// Begins a trace: its version, the lines of `provenance` as comments, and the header. An event's thread, time and
    /// extent are written only if they have a column.
    ///
    /// The bytes are collected, so `output` need not be buffered.
    ///
    /// # Errors
    ///
    /// [`WriteError::Io`] if the provenance has more lines or bytes than the format allows, or a line that cannot be a
    /// [comment](crate::comment::fault).
    pub fn new(output: W, columns: Columns, provenance: &[impl AsRef<str>]) -> Result<Self, WriteError> {
        let mut block = Vec::with_capacity(BLOCK_BYTES + 1024);
        push_head(&mut block, columns, &provenance_text(provenance)?);
        Ok(CsvWriter { output, columns, block, line: Line::default(), events: 0 })
    }

    /// Writes one event.
    ///
    /// # Errors
    ///
    /// [`WriteError::MissingValue`] if the event has no value for a column of the trace, [`WriteError::Io`] if the
    /// output fails.
    pub fn write(&mut self, event: &Event) -> Result<(), WriteError> {
        self.events += 1;
        let missing = |column| WriteError::MissingValue { event: self.events, column };
        let thread = match self.columns.thread {
            true => Some(event.thread.ok_or_else(|| missing(THREAD))?),
            false => None,
        };
        let time_ns = match self.columns.time_ns {
            true => Some(event.time_ns.ok_or_else(|| missing(TIME_NS))?),
            false => None,
        };
        let written = event.written.filter(|_| self.columns.written);
        self.block.extend_from_slice(self.line.of(&Event { thread, time_ns, written, ..*event }));
        if self.block.len() >= BLOCK_BYTES { self.write_block() } else { Ok(()) }
    }

    /// Writes a comment between the event before and the next one. A line end within it begins another comment.
    ///
    /// # Errors
    ///
    /// [`WriteError::Io`] if the output fails, or the text cannot be a [comment](crate::comment::fault).
    pub fn comment(&mut self, text: &str) -> Result<(), WriteError> {
        for line in comment::lines(text) {
            comment::check(line)?;
            push_comment(&mut self.block, line);
        }
        if self.block.len() >= BLOCK_BYTES { self.write_block() } else { Ok(()) }
    }

    /// Writes the rest and returns the output. Without this call the end of the trace is lost.
    ///
    /// # Errors
    ///
    /// [`WriteError::Io`] if the output fails.
    pub fn finish(mut self) -> Result<W, WriteError> {
        self.write_block()?;
        self.output.flush()?;
        Ok(self.output)
    }

    fn write_block(&mut self) -> Result<(), WriteError> {
        self.output.write_all(&self.block)?;
        self.block.clear();
        Ok(())
    }
}

impl<W: Write> fmt::Debug for CsvWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvWriter")
            .field("columns", &self.columns)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

/// The lines of the provenance in the form in which every format stores them: the version, and then the rest.
///
/// What names a version somewhere in the provenance is not the version of this trace: a version of 1 is left out, and
/// any other is quoted with `> `, so that no reader takes it for one.
pub fn canonical_comments(provenance: &[impl AsRef<str>]) -> impl Iterator<Item = Cow<'_, str>> {
    let lines = provenance.iter().flat_map(|text| comment::lines(text.as_ref()));
    let comments = lines.filter_map(|line| match named_version(line) {
        None => Some(Cow::Borrowed(line)),
        Some("1") => None,
        Some(_) => Some(Cow::Owned(format!("> {line}"))),
    });
    core::iter::once(Cow::Borrowed(VERSION_COMMENT)).chain(comments)
}

/// The lines of the provenance in their canonical form, each with a line end, as the binary format stores them.
///
/// # Errors
///
/// [`WriteError::Io`] if there are more lines or bytes than the format allows, or one cannot be a
/// [comment](crate::comment::fault).
pub fn provenance_text(provenance: &[impl AsRef<str>]) -> Result<String, WriteError> {
    let (mut text, mut lines) = (String::new(), 0);
    for line in canonical_comments(provenance) {
        comment::check(&line)?;
        text.extend([&line, "\n"]);
        lines += 1;
        if text.len() > MOST_PROVENANCE_BYTES || lines > MOST_PROVENANCE_LINES {
            return Err(comment::refused("the provenance exceeds 16 MiB, or 65,536 lines"));
        }
    }
    Ok(text)
}

/// The version of the format that a comment names, if it names one.
pub fn named_version(comment: &str) -> Option<&str> {
    comment.trim().strip_prefix("heaprace-trace:").map(str::trim)
}

/// Appends all lines before the first event.
fn push_head(block: &mut Vec<u8>, columns: Columns, provenance: &str) {
    provenance.split_terminator('\n').for_each(|line| push_comment(block, line));
    block.extend_from_slice(HEADER.join(",").as_bytes());
    for (there, column) in [(columns.thread, THREAD), (columns.time_ns, TIME_NS), (columns.written, WRITTEN)] {
        if there {
            block.push(b',');
            block.extend_from_slice(column.as_bytes());
        }
    }
    block.push(b'\n');
}

fn push_comment(block: &mut Vec<u8>, text: &str) {
    block.push(b'#');
    if !text.is_empty() {
        block.push(b' ');
        block.extend_from_slice(text.as_bytes());
    }
    block.push(b'\n');
}

/// Digits of 2^64.
const MOST_DIGITS: usize = 20;

/// The digits of the numbers from 0 to 99.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < pairs.len() {
        pairs[number] = [b'0' + number as u8 / 10, b'0' + number as u8 % 10];
        number += 1;
    }
    pairs
};

/// Bytes of the longest line: an op, six numbers, a comma before each, and the line end.
const MOST_BYTES: usize = 12 + 6 * (MOST_DIGITS + 1) + 1;

/// The line of an event, which is put together in one place and then appended at once.
struct Line {
    bytes: [u8; MOST_BYTES],
    len: usize,
}

impl Default for Line {
    fn default() -> Self {
        Line { bytes: [0; MOST_BYTES], len: 0 }
    }
}

impl Line {
    /// The line of an event, with every value that the event has.
    fn of(&mut self, event: &Event) -> &[u8] {
        let (op, size, align, written) = match event.action {
            Action::Alloc { layout, zeroed } => {
                let op = if zeroed { Op::AllocZeroed } else { Op::Alloc };
                (op, Some(layout.size()), Some(layout.align()), None)
            }
            Action::Realloc { new_size, .. } => (Op::Realloc, Some(new_size), None, event.written),
            Action::Dealloc { .. } => (Op::Dealloc, None, None, event.written),
        };
        self.len = 0;
        self.op(op);
        self.field(event.id);
        let fields = [
            size.map(|size| size as u64),
            align.map(|align| align as u64),
            event.thread.map(u64::from),
            event.time_ns,
            written.map(u64::from),
        ];
        // Fields that are left out at the end of a line need no commas; thread and time have a column only if they have
        // a value, and the extent is the last column.
        let mut left_out = 0;
        for (index, field) in fields.into_iter().enumerate() {
            match field {
                Some(number) => {
                    (0..left_out).for_each(|_| self.push(b','));
                    self.field(number);
                    left_out = 0;
                }
                None => left_out += usize::from(index < 2),
            }
        }
        self.push(b'\n');
        &self.bytes[..self.len]
    }

    /// The name of an op. Its length is constant in each arm, so that the copy is a few instructions and no call.
    #[inline(always)]
    fn op(&mut self, op: Op) {
        match op {
            Op::Alloc => self.name(const { Op::Alloc.name().as_bytes() }),
            Op::AllocZeroed => self.name(const { Op::AllocZeroed.name().as_bytes() }),
            Op::Realloc => self.name(const { Op::Realloc.name().as_bytes() }),
            Op::Dealloc => self.name(const { Op::Dealloc.name().as_bytes() }),
        }
    }

    #[inline(always)]
    fn name(&mut self, name: &[u8]) {
        self.bytes[..name.len()].copy_from_slice(name);
        self.len = name.len();
    }

    #[inline(always)]
    fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    /// A comma and a number.
    #[inline(always)]
    fn field(&mut self, mut number: u64) {
        self.push(b',');
        let digits = number.checked_ilog10().map_or(1, |log| log as usize + 1);
        // Two digits for each division.
        let (first, pairs) = self.bytes[self.len..self.len + digits].as_rchunks_mut();
        for pair in pairs.iter_mut().rev() {
            *pair = PAIRS[(number % 100) as usize];
            number /= 100;
        }
        first.iter_mut().for_each(|place| *place = b'0' + number as u8);
        self.len += digits;
    }
}

#[cfg(test)]
mod tests {
    use core::alloc::Layout;

    use super::*;

    #[test]
    fn numbers_are_written_in_decimal() {
        for number in (0..1000).chain([9999, 10_000, 1_234_567_890, u64::MAX]) {
            let mut line = Line::default();
            line.field(number);
            assert_eq!(line.bytes[..line.len], *format!(",{number}").as_bytes());
        }
    }

    #[test]
    fn the_longest_line_has_room() {
        let layout = Layout::from_size_align(1 << 62, 1 << 62).unwrap();
        let action = Action::Alloc { layout, zeroed: true };
        let event = Event { action, id: u64::MAX, thread: Some(u32::MAX), time_ns: Some(u64::MAX), written: None };
        let mut line = Line::default();
        assert!(line.of(&event).ends_with(b",4294967295,18446744073709551615\n"));
        let old = Layout::new::<u8>();
        let action = Action::Realloc { old, new_size: usize::MAX };
        let event = Event { action, written: Some(u32::MAX), ..event };
        assert!(line.of(&event).ends_with(b",18446744073709551615,,4294967295,18446744073709551615,4294967295\n"));
    }

    #[test]
    fn each_action_has_its_line() {
        let layout = Layout::from_size_align(24, 8).unwrap();
        let actions = [
            Action::Alloc { layout, zeroed: false },
            Action::Alloc { layout, zeroed: true },
            Action::Realloc { old: layout, new_size: 48 },
            Action::Dealloc { layout },
        ];
        let lines_with = |thread, time_ns, written| {
            let mut line = Line::default();
            let lines = actions.map(|action| line.of(&Event { action, id: 7, thread, time_ns, written }).to_vec());
            String::from_utf8(lines.concat()).unwrap()
        };
        let lines = |thread, time_ns| lines_with(thread, time_ns, None);
        assert_eq!(lines(None, None), "alloc,7,24,8\nalloc_zeroed,7,24,8\nrealloc,7,48\ndealloc,7\n");
        assert_eq!(lines(Some(0), None), "alloc,7,24,8,0\nalloc_zeroed,7,24,8,0\nrealloc,7,48,,0\ndealloc,7,,,0\n");
        assert_eq!(lines(None, Some(5)), "alloc,7,24,8,5\nalloc_zeroed,7,24,8,5\nrealloc,7,48,,5\ndealloc,7,,,5\n");
        assert_eq!(lines(Some(1), Some(5)).lines().last(), Some("dealloc,7,,,1,5"));
        let with_extent = "alloc,7,24,8\nalloc_zeroed,7,24,8\nrealloc,7,48,,0\ndealloc,7,,,0\n";
        assert_eq!(lines_with(None, None, Some(0)), with_extent);
        assert_eq!(lines_with(Some(1), Some(5), Some(24)).lines().last(), Some("dealloc,7,,,1,5,24"));
    }

    #[test]
    fn a_line_end_in_the_provenance_stays_a_comment() {
        let writer = CsvWriter::new(Vec::new(), Columns::default(), &["a\nalloc,1,1,1\r\n", VERSION_COMMENT]).unwrap();
        let text = String::from_utf8(writer.finish().unwrap()).unwrap();
        assert_eq!(text, "# heaprace-trace: 1\n# a\n# alloc,1,1,1\n#\n#\nop,id,size,align\n");
    }

    #[test]
    fn a_version_within_the_provenance_is_not_that_of_the_trace() {
        let provenance = ["a\r heaprace-trace: 9", "heaprace-trace:1", "> heaprace-trace: 9", "heaprace-trace:"];
        let comments: Vec<_> = canonical_comments(&provenance).collect();
        let expected = [VERSION_COMMENT, "a", ">  heaprace-trace: 9", "> heaprace-trace: 9", "> heaprace-trace:"];
        assert_eq!(comments, expected);
        assert_eq!(canonical_comments(&comments).collect::<Vec<_>>(), expected, "and stays as it is");
    }

    #[test]
    fn an_event_without_a_value_for_its_column_is_an_error() {
        let columns = Columns { thread: true, ..Columns::default() };
        let mut writer = CsvWriter::new(Vec::new(), columns, &[""; 0]).unwrap();
        let layout = Layout::from_size_align(24, 8).unwrap();
        let event = Event { action: Action::Dealloc { layout }, id: 1, thread: None, time_ns: None, written: None };
        assert!(matches!(writer.write(&event), Err(WriteError::MissingValue { event: 1, column: "thread" })));
    }
}
