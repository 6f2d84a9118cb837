//! Writes a binary trace as a stream, block by block.

use std::fmt;
use std::io::{self, Write};

use super::BLOCK_EVENTS;
use super::block::{BlockStart, FULL_BYTES, MOST_COMMENT_BYTES, RARE, Sections};
use super::column::distance;
use super::head;
use super::index::{Index, IndexEntry};
use super::request::{ENTRY_BYTES, packed};
use crate::comment;
use crate::csv::Columns;
use crate::error::WriteError;
use crate::event::{Action, Event};
use crate::extent::Extent;
use crate::id_map::IdMap;
use crate::op::Op;

/// Compresses the sections of a trace.
pub trait Compress: Sized {
    /// Events in a block, a multiple of [`BLOCK_EVENTS`] and at most [`MOST_BLOCK_EVENTS`](super::MOST_BLOCK_EVENTS). The
    /// more, the better they compress; but the writer holds one block, and the events of a damaged block are lost.
    const BLOCK_EVENTS: usize;

    /// A compressor.
    ///
    /// # Errors
    ///
    /// If there is not enough memory for it.
    fn new() -> io::Result<Self>;

    /// The bytes of a section as one zstd frame, or `None` to store them as they are.
    ///
    /// # Errors
    ///
    /// If the compressor fails.
    fn compress(&mut self, bytes: &[u8]) -> io::Result<Option<Vec<u8>>>;
}

/// Stores all sections as they are.
#[derive(Clone, Copy, Debug)]
pub struct Stored;

impl Compress for Stored {
    const BLOCK_EVENTS: usize = BLOCK_EVENTS;

    fn new() -> io::Result<Self> {
        Ok(Stored)
    }

    fn compress(&mut self, _: &[u8]) -> io::Result<Option<Vec<u8>>> {
        Ok(None)
    }
}

/// Writes events as a binary trace.
///
/// It holds one block. It writes the events that it is given; the reader is what checks them.
///
/// ```
/// use heaprace_recorder::csv::Columns;
/// use heaprace_recorder::htrace::{MAGIC, Stored, HtraceWriter};
/// use heaprace_recorder::{Action, Event};
///
/// let layout = std::alloc::Layout::new::<[u64; 3]>();
/// let event = Event { action: Action::Alloc { layout, zeroed: false }, id: 1, thread: None, time_ns: None, written: None };
/// let mut writer: HtraceWriter<_, Stored> = HtraceWriter::new(Vec::new(), Columns::default(), &["program: example"])?;
/// writer.write(&event)?;
/// assert!(writer.finish()?.starts_with(MAGIC));
/// # Ok::<(), heaprace_recorder::WriteError>(())
/// ```
pub struct HtraceWriter<W, C = Stored> {
    output: W,
    columns: Columns,
    compressor: C,
    sections: Sections,
    /// Where the events of the block continue from.
    start: BlockStart,
    /// For each event of the block the place of its request among the different ones; they get their codes once all are
    /// known.
    requests: Vec<u32>,
    different: Different,
    /// Where the next event continues from.
    now: BlockStart,
    index: Index,
    offset: u64,
    /// The bytes of the last block, kept to use their memory again.
    bytes: Vec<u8>,
}

impl<W: Write, C: Compress> HtraceWriter<W, C> {
    /// Begins a trace. An event's thread, time and extent are written only if they have a column.
    ///
    /// # Errors
    ///
    /// [`WriteError::Io`] if the output fails, or the provenance is longer than the format allows.
    pub fn new(mut output: W, columns: Columns, provenance: &[impl AsRef<str>]) -> Result<Self, WriteError> {
        let head = head::to_bytes(columns, provenance)?;
        output.write_all(&head)?;
        Ok(HtraceWriter {
            output,
            columns,
            compressor: C::new()?,
            sections: Sections::default(),
            start: BlockStart::default(),
            requests: Vec::with_capacity(BLOCK_EVENTS),
            different: Different::default(),
            now: BlockStart::default(),
            index: Index::default(),
            offset: head.len() as u64,
            bytes: Vec::new(),
        })
    }

    /// Writes one event.
    ///
    /// # Errors
    ///
    /// [`WriteError::MissingValue`] if the event has no value for a column of the trace, [`WriteError::Io`] if the
    /// output fails.
    #[inline]
    pub fn write(&mut self, event: &Event) -> Result<(), WriteError> {
        if self.requests.len().is_multiple_of(BLOCK_EVENTS) && self.is_full() {
            self.write_block()?;
        }
        let number = self.now.events + 1;
        let missing = |column| WriteError::MissingValue { event: number, column };
        let thread = event.thread.filter(|_| self.columns.thread);
        let time_ns = event.time_ns.filter(|_| self.columns.time_ns);
        if self.columns.thread && thread.is_none() {
            return Err(missing("thread"));
        }
        if self.columns.time_ns && time_ns.is_none() {
            return Err(missing("time_ns"));
        }
        let align_log2 = |align: usize| align.trailing_zeros() as u8;
        let request = match event.action {
            Action::Alloc { layout, zeroed } => {
                self.sections.allocated.push(distance(self.now.allocated.wrapping_add(1), event.id));
                self.now.allocated = event.id;
                let op = if zeroed { Op::AllocZeroed } else { Op::Alloc };
                packed(op, align_log2(layout.align()), layout.size() as u32)
            }
            Action::Realloc { new_size, .. } => packed(Op::Realloc, 0, new_size as u32),
            Action::Dealloc { .. } => packed(Op::Dealloc, 0, 0),
        };
        if let Action::Realloc { old: layout, .. } | Action::Dealloc { layout } = event.action {
            self.sections.touched.push(distance(self.now.touched, event.id));
            self.now.touched = event.id;
            if self.columns.written {
                self.sections.extents.push(Extent::packed(event.written, layout.size()));
            }
        }
        let place = match event.action {
            Action::Dealloc { .. } => self.different.add_dealloc(),
            _ => self.different.add(number_of(request)),
        };
        self.requests.push(place);
        if let Some(thread) = thread {
            self.sections.threads.push(thread.into());
        }
        if let Some(time_ns) = time_ns {
            self.sections.times.push(time_ns.wrapping_sub(self.now.time_ns));
            self.now.time_ns = time_ns;
        }
        self.now.events = number;
        Ok(())
    }

    /// Writes a comment between the event before and the next one. A line end within it begins another comment.
    ///
    /// # Errors
    ///
    /// [`WriteError::Io`] if the output fails, or the text cannot be a [comment](crate::comment::fault).
    pub fn comment(&mut self, text: &str) -> Result<(), WriteError> {
        for line in comment::lines(text) {
            comment::check(line)?;
            if self.sections.comments.len() + line.len() + 8 > MOST_COMMENT_BYTES {
                self.write_block()?;
            }
            for number in [self.requests.len(), line.len()] {
                self.sections.comments.extend_from_slice(&(number as u32).to_le_bytes());
            }
            self.sections.comments.extend_from_slice(line.as_bytes());
        }
        Ok(())
    }

    /// Writes what is left and the index, and gives the output back. Without this call the end of the trace is lost.
    ///
    /// # Errors
    ///
    /// [`WriteError::Io`] if the output fails.
    pub fn finish(mut self) -> Result<W, WriteError> {
        if !self.requests.is_empty() || !self.sections.comments.is_empty() {
            self.write_block()?;
        }
        self.output.write_all(&self.index.to_bytes(self.offset))?;
        self.output.flush()?;
        Ok(self.output)
    }

    /// Whether the next event belongs to another block. Until it is asked again, the sections grow by less than 3 MiB,
    /// and by the comments.
    #[cold]
    fn is_full(&mut self) -> bool {
        let events = self.requests.len();
        // Codes and rare requests are only known once the block ends.
        let bytes = self.sections.in_order(self.columns).map(|(section, _)| section.len()).sum::<usize>();
        events >= C::BLOCK_EVENTS || bytes + events * (1 + ENTRY_BYTES) > FULL_BYTES
    }

    fn write_block(&mut self) -> Result<(), WriteError> {
        let sections = &mut self.sections;
        let table = self.different.table();
        let codes = self.different.codes(&table);
        for &place in &self.requests {
            let code = codes[place as usize];
            sections.codes.push(code);
            if code == RARE {
                sections.rare.extend_from_slice(&entry_of(self.different.counts[place as usize].0));
            }
        }
        if sections.allocated.near.iter().all(|&distance| distance == 0) {
            sections.allocated.near.clear();
        }
        sections.table.extend(table.into_iter().flat_map(entry_of));
        let number = self.index.entries().len() as u32;
        self.bytes.clear();
        let compressor = &mut self.compressor;
        sections.push_to(&mut self.bytes, self.columns, self.start, number, |section| compressor.compress(section))?;
        self.output.write_all(&self.bytes)?;
        self.index.push(IndexEntry { offset: self.offset, events: self.requests.len() as u32 });
        self.offset += self.bytes.len() as u64;
        self.requests.clear();
        self.different.clear();
        sections.in_order(self.columns).for_each(|(section, _)| section.clear());
        self.start = self.now;
        Ok(())
    }
}

impl<W, C> fmt::Debug for HtraceWriter<W, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HtraceWriter")
            .field("columns", &self.columns)
            .field("events", &self.now.events)
            .finish_non_exhaustive()
    }
}

/// The different requests of a block, each as a number, with how often they are there. The first is the deallocation,
/// which needs no look-up: it is every other event.
#[derive(Debug)]
struct Different {
    places: IdMap<u32>,
    counts: Vec<(u64, u32)>,
}

impl Default for Different {
    fn default() -> Self {
        let dealloc = number_of(packed(Op::Dealloc, 0, 0));
        Different { places: IdMap::default(), counts: vec![(dealloc, 0)] }
    }
}

impl Different {
    fn add_dealloc(&mut self) -> u32 {
        self.counts[0].1 += 1;
        0
    }

    /// Counts a request that is no deallocation, and gives its place.
    fn add(&mut self, request: u64) -> u32 {
        let next = self.counts.len() as u32;
        let place = *self.places.entry(request).or_insert(next);
        match self.counts.get_mut(place as usize) {
            Some((_, count)) => *count += 1,
            None => self.counts.push((request, 1)),
        }
        place
    }

    /// The requests that get a code: the most frequent ones, in the order of their numbers, so that like requests have
    /// like codes.
    fn table(&self) -> Vec<u64> {
        let mut table: Vec<(u64, u32)> = self.counts.iter().copied().filter(|&(_, count)| count > 0).collect();
        table.sort_unstable_by_key(|&(request, count)| (core::cmp::Reverse(count), request));
        table.truncate(RARE.into());
        let mut table: Vec<u64> = table.into_iter().map(|(request, _)| request).collect();
        table.sort_unstable();
        table
    }

    /// The code of each request, by its place.
    fn codes(&self, table: &[u64]) -> Vec<u8> {
        let code = |(request, _): &(u64, u32)| table.binary_search(request).map_or(RARE, |code| code as u8);
        self.counts.iter().map(code).collect()
    }

    fn clear(&mut self) {
        self.places.clear();
        self.counts.truncate(1);
        self.counts[0].1 = 0;
    }
}

/// An entry of a table as a number: the kind, then the alignment, then the size decide which is the larger.
fn number_of([kind, a, b, c, d]: [u8; ENTRY_BYTES]) -> u64 {
    u64::from(kind & 3) << 40 | u64::from(kind >> 2) << 32 | u64::from(u32::from_le_bytes([a, b, c, d]))
}

fn entry_of(number: u64) -> [u8; ENTRY_BYTES] {
    let [a, b, c, d, align_log2, kind, ..] = number.to_le_bytes();
    [kind | align_log2 << 2, a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_requests_get_a_code() {
        let mut different = Different::default();
        for number in 0..1000 {
            let times = if number % 4 == 0 { 2 } else { 1 };
            (0..times).for_each(|_| assert_eq!(different.add(number), number as u32 + 1));
        }
        let table = different.table();
        assert_eq!(table.len(), 255);
        assert_eq!(table.iter().filter(|&&number| number % 4 == 0).count(), 250);
        assert!(table.is_sorted());
        let codes = different.codes(&table);
        assert_eq!(codes.iter().filter(|&&code| code == RARE).count(), 1001 - 255);
        assert_eq!(codes[0], RARE, "no deallocation was added");
        different.clear();
        different.add_dealloc();
        assert_eq!(different.table(), [number_of(packed(Op::Dealloc, 0, 0))]);
    }

    #[test]
    fn an_entry_comes_back() {
        for op in [Op::Alloc, Op::AllocZeroed, Op::Realloc, Op::Dealloc] {
            for (align_log2, size) in [(0, 1), (31, u32::MAX), (3, 24)] {
                let entry = packed(op, align_log2, size);
                assert_eq!(entry_of(number_of(entry)), entry);
            }
        }
    }
}
