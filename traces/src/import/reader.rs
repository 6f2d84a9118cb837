//! Reads a foreign recording as a stream of events.

use core::iter::FusedIterator;
use std::fmt;
use std::io::Read;
use std::sync::Arc;

use heaprace_recorder::Event;
use heaprace_recorder::csv::Columns;

use super::LOOKAHEAD_CALLS;
use super::call::{Calls, Logged};
use super::fault::ImportFault;
use super::format::{Format, detect};
use super::grammar::{Grammar, OpenLine};
use super::objects::{Objects, Step};
use super::repairs::Repairs;
use crate::error::{Place, TraceError};
use crate::fault::{Fault, shown};
use crate::input::{self, Peeked};
use crate::lines::Lines;
use crate::validate::{Fields, Validator};

/// Options of an import.
///
/// ```
/// let options = heaprace_traces::import::ImportOptions { assume_align_bytes: 8, ..Default::default() };
/// assert_eq!(options.format, None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportOptions {
    /// The format; `None` to detect it from the content.
    pub format: Option<Format>,
    /// Alignment of blocks for which the recording has none, in bytes: a power of two. malloc aligns to 16 bytes on
    /// 64-bit machines, and to 8 on most 32-bit ones.
    pub assume_align_bytes: u32,
}

impl Default for ImportOptions {
    fn default() -> Self {
        ImportOptions { format: None, assume_align_bytes: 16 }
    }
}

/// The events of a foreign recording, each checked against those before it. After the first error it ends.
///
/// [`Source::open`](crate::Source::open) makes one if the content asks for it; this is for inputs that are not files.
pub struct Import {
    format: Format,
    lines: Lines<Peeked>,
    grammar: Grammar,
    calls: Calls,
    objects: Objects,
    validator: Validator,
    /// The next event, if one call had two.
    pending: Option<Fields>,
    /// The error that ends the calls after the ones already read.
    failure: Option<TraceError>,
    at_end: bool,
    ended: bool,
    name: Arc<str>,
    provenance: Vec<String>,
    columns: Columns,
    /// The comments after the last event: the counts of the repairs.
    comments: Vec<String>,
    events: u64,
}

impl Import {
    /// Reads up to the first call. The input may be compressed with gzip or zstd, or be the one file of a zip. `name`
    /// is what messages call it.
    ///
    /// # Errors
    ///
    /// [`TraceError::UnknownRecording`] if the format is neither given nor detected; others if the input cannot be
    /// read.
    pub fn open(input: impl Read + Send + 'static, name: &str, options: ImportOptions) -> Result<Self, TraceError> {
        let unpacked = input::unpacked(input, name)?;
        let input = Peeked::trace(unpacked.input, name)?;
        match options.format.or_else(|| detect(input.head())) {
            Some(format) => Self::read(format, input, name, options),
            None => Err(TraceError::UnknownRecording { file: name.to_owned() }),
        }
    }

    /// Sets how many objects may be live at once.
    pub(crate) fn limit_live_objects(&mut self, most: usize) {
        self.validator.limit(most);
    }

    /// The same for a known format.
    pub(crate) fn read(format: Format, input: Peeked, name: &str, options: ImportOptions) -> Result<Self, TraceError> {
        let grammar = Grammar::new(format);
        let align = u64::from(options.assume_align_bytes);
        let mut import = Import {
            format,
            lines: Lines::new(input),
            objects: Objects::new(grammar.rules(align)),
            grammar,
            calls: Calls::default(),
            validator: Validator::default(),
            pending: None,
            failure: None,
            at_end: false,
            ended: false,
            name: name.into(),
            provenance: Vec::new(),
            columns: Columns::default(),
            comments: Vec::new(),
            events: 0,
        };
        import.read_calls(1);
        match (import.calls.queue.front(), import.failure.take()) {
            (Some(first), failure) => {
                let (thread, time_ns) = (first.thread.is_some(), first.time_ns.is_some());
                import.columns = Columns { thread, time_ns, written: false };
                import.provenance = provenance(format, align, import.columns);
                import.failure = failure;
                Ok(import)
            }
            (None, Some(failure)) => Err(failure),
            (None, None) => Err(nothing(name, format)),
        }
    }

    /// Which format is read.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Where the trace comes from and what was assumed, a line each.
    pub fn provenance(&self) -> &[String] {
        &self.provenance
    }

    /// Which of the optional values every event has.
    pub fn columns(&self) -> Columns {
        self.columns
    }

    /// After the last event: what was left out, filled in or reordered, a line each.
    pub(crate) fn comments(&self) -> &[String] {
        &self.comments
    }

    /// What was left out, filled in or reordered so far.
    pub fn repairs(&self) -> Repairs {
        self.objects.repairs.and(self.grammar.repairs())
    }

    /// Reads lines until `enough` calls are read ahead, or there are no more.
    #[inline]
    fn read_calls(&mut self, enough: usize) {
        while self.calls.queue.len() < enough && !self.at_end {
            if let Err(error) = self.read_line() {
                self.at_end = true;
                self.failure = Some(error);
            }
        }
    }

    #[inline]
    fn read_line(&mut self) -> Result<(), TraceError> {
        let more = self.lines.advance().map_err(|fault| fault.at(self.place(self.lines.number() + 1)))?;
        self.calls.line = self.lines.number();
        if !more {
            self.at_end = true;
            self.grammar.end();
            return Ok(());
        }
        let line = self.lines.line();
        if self.lines.truncated() {
            match self.grammar.open_line(line) {
                OpenLine::Read => {}
                OpenLine::LeaveOut => return Ok(()),
                OpenLine::CutOff => {
                    let found = shown(line);
                    return Err(self.invalid(self.calls.line, Box::new(ImportFault::CutOff { found })));
                }
            }
        }
        self.grammar.line(line, &mut self.calls).map_err(|fault| self.invalid(self.calls.line, fault))
    }

    /// The next event, if there is one more.
    #[inline]
    fn next_event(&mut self) -> Result<Option<Event>, TraceError> {
        loop {
            if let Some(fields) = self.pending.take() {
                return self.complete(fields, self.calls.line).map(Some);
            }
            self.read_calls(1);
            let Some(call) = self.calls.queue.pop_front() else {
                return self.failure.take().map_or(Ok(None), Err);
            };
            if self.objects.collides(call.call) {
                self.read_calls(LOOKAHEAD_CALLS);
            }
            match self.objects.take(call, &mut self.calls) {
                Ok(Step::Done(None, None)) => {}
                Ok(Step::Done(Some(first), second)) => {
                    self.pending = second;
                    return self.complete(first, call.line).map(Some);
                }
                Ok(Step::Done(None, Some(fields))) => return self.complete(fields, call.line).map(Some),
                Ok(Step::After { late }) => self.put_before(late, call),
                Err(fault) => return Err(self.invalid(call.line, fault)),
            }
        }
    }

    #[cold]
    fn put_before(&mut self, late: Logged, call: Logged) {
        self.calls.queue.push_front(call);
        self.calls.queue.push_front(late);
    }

    #[inline]
    fn complete(&mut self, fields: Fields, line: u64) -> Result<Event, TraceError> {
        match self.validator.complete(fields) {
            Ok(event) => {
                self.events += 1;
                Ok(event)
            }
            Err(fault) => {
                let place = self.place(line);
                Err(TraceError::Invalid { place, fault })
            }
        }
    }

    #[cold]
    fn invalid<F>(&self, line: u64, fault: F) -> TraceError
    where
        Fault: From<F>,
    {
        TraceError::Invalid { place: self.place(line), fault: Box::new(fault.into()) }
    }

    fn place(&self, line: u64) -> Place {
        Place { file: Arc::clone(&self.name), line, event: Some(self.events + 1) }
    }
}

impl From<Box<ImportFault>> for Fault {
    fn from(fault: Box<ImportFault>) -> Self {
        Fault::Import(*fault)
    }
}

fn nothing(name: &str, format: Format) -> TraceError {
    TraceError::NothingRecorded { file: name.to_owned(), format: format.description() }
}

/// The provenance, which is known before the first event.
fn provenance(format: Format, align: u64, columns: Columns) -> Vec<String> {
    let mut lines = vec![
        format!("imported: {}, by Heaprace {}", format.description(), env!("CARGO_PKG_VERSION")),
        format!("assumed: an alignment of {align} bytes, where the recording gives none"),
    ];
    let filled_in = format.filled_in(columns);
    if !filled_in.is_empty() {
        lines.push(format!("not recorded: {}", filled_in.join("; ")));
    }
    lines
}

impl Iterator for Import {
    type Item = Result<Event, TraceError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = match self.next_event() {
            Ok(None) if self.events == 0 => Some(Err(nothing(&self.name, self.format))),
            next => next.transpose(),
        };
        self.ended = !matches!(next, Some(Ok(_)));
        if next.is_none() {
            self.comments = self.repairs().lines().iter().map(|line| format!("import: {line}")).collect();
        }
        next
    }
}

impl FusedIterator for Import {}

impl fmt::Debug for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut import = f.debug_struct("Import");
        import
            .field("name", &self.name)
            .field("format", &self.format)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}
