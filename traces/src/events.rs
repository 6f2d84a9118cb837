//! The events of a trace, whatever format its bytes have.

use core::iter::FusedIterator;
use std::io::Read;

use heaprace_recorder::Event;

use crate::csv::{Columns, CsvReader};
use crate::error::TraceError;
use crate::htrace;
use crate::import::{Import, ImportOptions, Repairs, detect};
use crate::input::{Packing, Peeked, Unpacked};

/// The events of an opened trace, each checked against those before it. [`Source::open`](crate::Source::open) makes
/// one.
///
/// After the first error it ends, in every format: what follows a fault cannot be trusted.
///
/// ```
/// let text = "# program: example\nop,id,size,align,thread\nalloc,1,24,8,0\n";
/// let mut events = heaprace_traces::Source::from_bytes("example.csv", text.as_bytes()).open()?;
/// assert_eq!(events.provenance(), ["program: example"]);
/// assert!(events.columns().thread);
/// assert_eq!(events.next().expect("one event")?.id, 1);
/// # Ok::<(), heaprace_traces::TraceError>(())
/// ```
#[derive(Debug)]
pub struct Events(FormatReader);

/// The reader of each format.
#[derive(Debug)]
enum FormatReader {
    Csv(Box<CsvReader<Peeked>>),
    Binary(Box<htrace::HtraceReader<Peeked>>),
    Import(Box<Import>),
}

impl Events {
    /// Detects the format from the first bytes of the decompressed content, and reads up to the first event.
    pub(crate) fn open(unpacked: Unpacked, name: &str, options: ImportOptions) -> Result<Self, TraceError> {
        let input = Peeked::trace(unpacked.input, name)?;
        if let Some(format) = options.format.or_else(|| detect(input.head())) {
            return Ok(Events(FormatReader::Import(Box::new(Import::read(format, input, name, options)?))));
        }
        match unpacked.packing {
            Packing::Gzip => return Err(TraceError::Gzip { file: name.to_owned() }),
            Packing::Zip => return Err(TraceError::UnknownRecording { file: name.to_owned() }),
            Packing::None | Packing::Zstd => {}
        }
        Ok(Events(if input.head().starts_with(htrace::MAGIC) {
            FormatReader::Binary(Box::new(htrace::HtraceReader::new(input, name)?))
        } else {
            FormatReader::Csv(Box::new(CsvReader::new(input, name)?))
        }))
    }

    /// Sets how many objects may be live at once.
    pub(crate) fn limit_live_objects(&mut self, most: usize) {
        match &mut self.0 {
            FormatReader::Csv(reader) => reader.limit_live_objects(most),
            FormatReader::Binary(reader) => reader.limit_live_objects(most),
            FormatReader::Import(import) => import.limit_live_objects(most),
        }
    }

    /// Where the trace comes from, a line each.
    pub fn provenance(&self) -> &[String] {
        match &self.0 {
            FormatReader::Csv(reader) => reader.provenance(),
            FormatReader::Binary(reader) => reader.provenance(),
            FormatReader::Import(import) => import.provenance(),
        }
    }

    /// Which of the optional values every event has.
    pub fn columns(&self) -> Columns {
        match &self.0 {
            FormatReader::Csv(reader) => reader.columns(),
            FormatReader::Binary(reader) => reader.columns(),
            FormatReader::Import(import) => import.columns(),
        }
    }

    /// The comments between the last event returned and the one before it; after the end, those after the last event.
    /// An import has its [`repairs`](Self::repairs) there.
    pub fn comments(&self) -> &[String] {
        match &self.0 {
            FormatReader::Csv(reader) => reader.comments(),
            FormatReader::Binary(reader) => reader.comments(),
            FormatReader::Import(import) => import.comments(),
        }
    }

    /// What was left out, filled in or reordered so far, in a recording of another tool.
    pub fn repairs(&self) -> Option<Repairs> {
        match &self.0 {
            FormatReader::Import(import) => Some(import.repairs()),
            _ => None,
        }
    }

    /// The blocks of a binary trace, unchecked and many times as fast; the events again if the trace has another
    /// format, or the first of them has been read.
    ///
    /// # Errors
    ///
    /// The events, as they were.
    pub fn into_blocks(self) -> Result<htrace::Blocks<impl Read>, Self> {
        match self.0 {
            FormatReader::Binary(reader) => reader.into_blocks().map_err(|reader| Events(FormatReader::Binary(reader))),
            other => Err(Events(other)),
        }
    }
}

impl Iterator for Events {
    type Item = Result<Event, TraceError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            FormatReader::Csv(reader) => reader.next(),
            FormatReader::Binary(reader) => reader.next(),
            FormatReader::Import(import) => import.next(),
        }
    }
}

impl FusedIterator for Events {}
