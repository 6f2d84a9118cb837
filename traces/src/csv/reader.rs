//! Reads CSV as a stream: one event at a time, however long the trace.

use core::iter::FusedIterator;
use std::fmt;
use std::io::Read;
use std::sync::Arc;

use heaprace_recorder::csv::{Columns, HEADER, THREAD, TIME_NS, WRITTEN};
use heaprace_recorder::{Action, Event, Extent, Op, comment};

use super::columns::ColumnPlaces;
use super::line;
use super::plain::{self, PlainLine};
use crate::comments::{Comments, ProvenanceLines};
use crate::error::{Place, TraceError};
use crate::fault::{Fault, shown};
use crate::lines::{LineFault, Lines};
use crate::validate::{Fields, Validator, missing};

/// The events of a CSV trace, each checked against those before it.
///
/// It keeps one block of the file and the live objects in memory, never the trace. After the first error it ends,
/// because the events after a fault cannot be trusted.
///
/// ```
/// use heaprace_traces::{Action, CsvReader};
///
/// let text = "# program: example\nop,id,size,align\nalloc,1,24,8\ndealloc,1\n";
/// let mut reader = CsvReader::new(text.as_bytes(), "example.csv")?;
/// assert_eq!(reader.provenance(), ["program: example"]);
/// let first = reader.next().expect("two events")?;
/// assert!(matches!(first.action, Action::Alloc { layout, zeroed: false } if layout.size() == 24));
/// assert_eq!(reader.count(), 1, "one is left");
/// # Ok::<(), heaprace_traces::TraceError>(())
/// ```
pub struct CsvReader<R> {
    lines: Lines<R>,
    name: Arc<str>,
    provenance: ProvenanceLines,
    comments: Comments,
    layout: ColumnPlaces,
    validator: Validator,
    /// Events read so far.
    events: u64,
    ended: bool,
}

impl<R: Read> CsvReader<R> {
    /// Reads the comments and the header from `input`, which is plain text. `name` is its name in messages.
    /// [`Source`](crate::Source) opens files, compressed ones too.
    ///
    /// # Errors
    ///
    /// If the input is empty, cannot be read, or does not begin with comments and a header.
    pub fn new(input: R, name: &str) -> Result<Self, TraceError> {
        let mut reader = CsvReader {
            lines: Lines::new(input),
            name: name.into(),
            provenance: ProvenanceLines::default(),
            comments: Comments::default(),
            layout: ColumnPlaces::default(),
            validator: Validator::default(),
            events: 0,
            ended: false,
        };
        reader.read_header()?;
        Ok(reader)
    }

    /// Sets how many objects may be live at once.
    pub(crate) fn limit_live_objects(&mut self, most: usize) {
        self.validator.limit(most);
    }

    /// The comments before the header, a line each, without the `#` and the blank after it.
    pub fn provenance(&self) -> &[String] {
        &self.provenance.lines
    }

    /// Which of the optional columns the trace has.
    pub fn columns(&self) -> Columns {
        self.layout.columns()
    }

    /// The comments between the last event returned and the one before it; after the end, those after the last event.
    ///
    /// ```
    /// let text = "op,id,size,align\nalloc,1,24,8\n# mark: request 2\ndealloc,1\n";
    /// let mut reader = heaprace_traces::CsvReader::new(text.as_bytes(), "example.csv")?;
    /// reader.next().expect("two events")?;
    /// assert!(reader.comments().is_empty());
    /// reader.next().expect("two events")?;
    /// assert_eq!(reader.comments(), ["mark: request 2"]);
    /// # Ok::<(), heaprace_traces::TraceError>(())
    /// ```
    pub fn comments(&self) -> &[String] {
        self.comments.texts()
    }

    fn read_header(&mut self) -> Result<(), TraceError> {
        while self.read_line()? {
            if self.is_comment() {
                let comment = self.comment()?;
                let lines = comment::lines(&comment);
                let added = lines.into_iter().try_for_each(|line| self.provenance.push(line.to_owned()));
                added.map_err(|fault| self.invalid(fault))?;
            } else if !self.is_blank() {
                self.layout = ColumnPlaces::parse(self.lines.line()).map_err(|fault| self.invalid(fault))?;
                return Ok(());
            }
        }
        Err(TraceError::Empty { file: self.name.to_string() })
    }

    /// Goes on to the next line; `false` at the end.
    #[inline]
    fn read_line(&mut self) -> Result<bool, TraceError> {
        match self.lines.advance() {
            Ok(true) if self.lines.truncated() => {
                let found = shown(self.lines.line());
                Err(self.invalid(Fault::TruncatedLine { found }))
            }
            Ok(more) => Ok(more),
            Err(fault) => Err(self.unreadable(fault)),
        }
    }

    /// Parses the current line as an event.
    ///
    /// It is always inlined, and so is what it calls for every event: copying results from function to function costs a
    /// fifth of the reading time.
    #[inline(always)]
    fn parse_line(&mut self) -> Result<Event, Box<Fault>> {
        let line = self.lines.line();
        let mut line = line::LineFields::of(line);
        let name = line.next().unwrap_or_default();
        let op = Op::from_name(name).ok_or_else(|| Fault::UnknownOp { found: shown(name) })?;
        let id = line.number("id")?.ok_or_else(|| missing(op, "id"))?;
        let (size, align) = (line.number("size")?, line.number("align")?);
        let mut fields = Fields { op, id, size, align, thread: None, time_ns: None, written: None };
        for index in HEADER.len()..self.layout.count {
            if self.layout.thread == Some(index) {
                let thread = line.number(THREAD)?.ok_or_else(|| missing(op, THREAD))?;
                let most = u64::from(u32::MAX);
                let too_large = |_| Fault::OutOfRange { column: THREAD, found: thread.to_string(), least: 0, most };
                fields.thread = Some(u32::try_from(thread).map_err(too_large)?);
            } else if self.layout.written == Some(index) {
                fields.written = line.number(WRITTEN)?.map(Extent::First);
            } else {
                fields.time_ns = Some(line.number(TIME_NS)?.ok_or_else(|| missing(op, TIME_NS))?);
            }
        }
        if line.is_more() {
            let found = line::LineFields::of(self.lines.line()).count();
            return Err(Fault::TooManyFields { found, columns: self.layout.count }.into());
        }
        self.validator.complete(fields)
    }

    /// Goes on after a plain line whose event is valid.
    #[inline(always)]
    fn pass_plain(&mut self, line: &PlainLine) {
        self.validator.passed(line.time_ns);
        self.lines.pass(line.bytes);
        self.events += 1;
    }

    /// The next event, in lines of any form.
    #[inline(never)]
    pub(super) fn next_by_lines(&mut self) -> Option<Result<Event, TraceError>> {
        if self.ended {
            return None;
        }
        self.comments.clear();
        loop {
            match self.read_line() {
                Ok(true) => match self.parse_line() {
                    Ok(event) => {
                        self.events += 1;
                        return Some(Ok(event));
                    }
                    Err(fault) => match self.pass_over(fault) {
                        Ok(()) => {}
                        Err(error) => return self.end(Some(error)),
                    },
                },
                Ok(false) if self.events == 0 => {
                    return self.end(Some(TraceError::NoEvents { file: self.name.to_string() }));
                }
                Ok(false) => return self.end(None),
                Err(error) => return self.end(Some(error)),
            }
        }
    }

    /// Skips a line that is not an event, if it need not be one.
    #[cold]
    fn pass_over(&mut self, fault: Box<Fault>) -> Result<(), TraceError> {
        if self.is_blank() {
            Ok(())
        } else if self.is_comment() {
            let (comment, live) = (self.comment()?, self.validator.live_objects());
            let mut lines = comment::lines(&comment);
            lines.try_for_each(|line| self.comments.push(line.to_owned(), live)).map_err(|fault| self.invalid(fault))
        } else {
            Err(self.invalid(fault))
        }
    }

    /// Ends the events, with an error or without.
    #[cold]
    fn end(&mut self, error: Option<TraceError>) -> Option<Result<Event, TraceError>> {
        self.ended = true;
        error.map(Err)
    }

    fn is_blank(&self) -> bool {
        self.lines.line().is_empty()
    }

    fn is_comment(&self) -> bool {
        self.lines.line().starts_with(b"#")
    }

    /// The text of the current comment, which must be text.
    fn comment(&self) -> Result<String, TraceError> {
        let line = self.lines.line();
        if let Some(fault) = not_text(line, false) {
            return Err(self.invalid(fault));
        }
        let text = String::from_utf8_lossy(&line[1..]);
        Ok(text.strip_prefix(' ').unwrap_or(&text).to_owned())
    }

    /// The error for a fault in the current line.
    #[cold]
    fn invalid(&self, fault: impl Into<Box<Fault>>) -> TraceError {
        // For a line that is no text, a message about its fields is useless.
        let no_text = not_text(self.lines.line(), self.lines.truncated());
        let fault = no_text.map_or_else(|| fault.into(), Box::new);
        TraceError::Invalid { place: self.place(self.lines.number()), fault }
    }

    /// The error for a next line that cannot be read.
    #[cold]
    fn unreadable(&self, fault: LineFault) -> TraceError {
        fault.at(self.place(self.lines.number() + 1))
    }

    fn place(&self, line: u64) -> Place {
        let in_events = self.layout.count > 0;
        Place { file: Arc::clone(&self.name), line, event: in_events.then_some(self.events + 1) }
    }
}

impl<R: Read> Iterator for CsvReader<R> {
    type Item = Result<Event, TraceError>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        self.comments.clear();
        // The arms return, instead of assigning to a variable, because their events would be copied.
        if let Some(line) = plain::parse(self.lines.rest(), self.layout.extras())
            && self.validator.rises(line.time_ns)
        {
            let PlainLine { id, size, align, thread, time_ns, .. } = line;
            let extent = line.written.map(Extent::First);
            match line.op {
                Op::Dealloc => {
                    if let Ok((layout, written)) = self.validator.dealloc(id, None, None, extent) {
                        self.pass_plain(&line);
                        return Some(Ok(Event { action: Action::Dealloc { layout }, id, thread, time_ns, written }));
                    }
                }
                Op::Realloc => {
                    if let Ok((old, new_size, written)) = self.validator.realloc(id, size, None, extent) {
                        self.pass_plain(&line);
                        let action = Action::Realloc { old, new_size };
                        return Some(Ok(Event { action, id, thread, time_ns, written }));
                    }
                }
                op @ (Op::Alloc | Op::AllocZeroed) => {
                    if extent.is_none()
                        && let Ok(layout) = self.validator.alloc(op, id, size, align)
                    {
                        self.pass_plain(&line);
                        let action = Action::Alloc { layout, zeroed: op == Op::AllocZeroed };
                        return Some(Ok(Event { action, id, thread, time_ns, written: None }));
                    }
                }
            }
        }
        self.next_by_lines()
    }
}

impl<R: Read> FusedIterator for CsvReader<R> {}

impl<R> fmt::Debug for CsvReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvReader").field("name", &self.name).field("events", &self.events).finish_non_exhaustive()
    }
}

/// Why a line is not text. The last line of a file that is cut off may end within a character.
fn not_text(line: &[u8], truncated: bool) -> Option<Fault> {
    if line.contains(&0) {
        return Some(Fault::NulByte { found: shown(line) });
    }
    match core::str::from_utf8(line) {
        Err(error) if error.error_len().is_some() || !truncated => Some(Fault::NotUtf8 { found: shown(line) }),
        _ => None,
    }
}
