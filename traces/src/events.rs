//! The events of a trace, whatever format its bytes have.

use core::iter::FusedIterator;

use crate::csv::{Columns, Reader};
use crate::error::TraceError;
use crate::event::Event;
use crate::input::{Input, Peeked};

/// As much of the content as is looked at to tell its format.
const HEAD_BYTES: u64 = 4096;

/// The events of an opened trace, each checked against those before it. [`Source::open`](crate::Source::open) makes one.
///
/// After the first error it ends, in every format: what follows a fault cannot be trusted.
///
/// ```
/// let text = "# program: example\nop,id,size,align,thread\nalloc,1,24,8,0\n";
/// let mut events = traces::Source::from_bytes("example.csv", text.as_bytes()).open()?;
/// assert_eq!(events.provenance(), ["program: example"]);
/// assert!(events.columns().thread);
/// assert_eq!(events.next().expect("one event")?.id, 1);
/// # Ok::<(), traces::TraceError>(())
/// ```
#[derive(Debug)]
pub struct Events(Format);

/// The reader of each format.
#[derive(Debug)]
enum Format {
    Csv(Box<Reader<Peeked>>),
}

impl Events {
    /// Tells the format by the first bytes of the decompressed content, and reads up to the first event.
    pub(crate) fn open(input: Input, name: &str) -> Result<Self, TraceError> {
        let input = Peeked::new(input, HEAD_BYTES);
        Ok(Events(Format::Csv(Box::new(Reader::new(input, name)?))))
    }

    /// What the trace says about where it is from, a line each.
    pub fn provenance(&self) -> &[String] {
        match &self.0 {
            Format::Csv(reader) => reader.provenance(),
        }
    }

    /// Which of the optional values every event has.
    pub fn columns(&self) -> Columns {
        match &self.0 {
            Format::Csv(reader) => reader.columns(),
        }
    }
}

impl Iterator for Events {
    type Item = Result<Event, TraceError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Format::Csv(reader) => reader.next(),
        }
    }
}

impl FusedIterator for Events {}
