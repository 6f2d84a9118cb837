//! Writes a binary trace as a stream, block by block.

use std::fmt;
use std::io::{self, Write};

use zstd::bulk::Compressor;

use super::BLOCK_EVENTS;
use super::block::{Block, MOST_COMMENT_BYTES, RARE, Start};
use super::column::distance;
use super::head;
use super::index::{Index, IndexEntry};
use super::request::{ENTRY_BYTES, packed};
use crate::csv::Columns;
use crate::error::TraceError;
use crate::event::{Action, Event};
use crate::id_map::IdMap;
use crate::lines::MOST_LINE_BYTES;
use crate::op::Op;

/// How hard zstd works. Harder levels gain a few percent and take several times as long.
const LEVEL: i32 = 9;
/// How hard it works while a program is waiting: half the time an event, and up to a tenth more bytes.
const QUICK_LEVEL: i32 = 3;

/// Writes events as a binary trace.
///
/// It holds one block. It writes what it is given; the [`Reader`](super::Reader) is what checks. The [module](super) has an example.
pub struct Writer<W> {
    output: W,
    columns: Columns,
    zstd: Compressor<'static>,
    block: Block,
    /// For each event of the block the place of its request among the different ones; they get their codes once all are known.
    requests: Vec<u32>,
    different: Different,
    /// Where the next event goes on from.
    now: Start,
    index: Index,
    offset: u64,
    /// What the last block was written from, kept so that its memory is used again.
    bytes: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Begins a trace. Of an event's thread and time only what has its column is written.
    ///
    /// # Errors
    ///
    /// [`TraceError::Write`] where the output fails, or the provenance is longer than the format allows.
    pub fn new(output: W, columns: Columns, provenance: &[impl AsRef<str>]) -> Result<Self, TraceError> {
        Self::with_level(output, columns, provenance, LEVEL)
    }

    /// Begins a trace that takes little time to write, as [`new`](Self::new) otherwise.
    pub(crate) fn quick(output: W, columns: Columns, provenance: &[impl AsRef<str>]) -> Result<Self, TraceError> {
        Self::with_level(output, columns, provenance, QUICK_LEVEL)
    }

    fn with_level(
        mut output: W,
        columns: Columns,
        provenance: &[impl AsRef<str>],
        level: i32,
    ) -> Result<Self, TraceError> {
        let head = head::to_bytes(columns, provenance).map_err(write_failed)?;
        output.write_all(&head).map_err(write_failed)?;
        Ok(Writer {
            output,
            columns,
            zstd: Compressor::new(level).map_err(write_failed)?,
            block: Block::default(),
            requests: Vec::with_capacity(BLOCK_EVENTS),
            different: Different::default(),
            now: Start::default(),
            index: Index::default(),
            offset: head.len() as u64,
            bytes: Vec::new(),
        })
    }

    /// Writes one event.
    ///
    /// # Errors
    ///
    /// [`TraceError::Unwritable`] where the event has no value for a column of the trace, [`TraceError::Write`] where the output
    /// fails.
    #[inline]
    pub fn write(&mut self, event: &Event) -> Result<(), TraceError> {
        if self.requests.len() == BLOCK_EVENTS {
            self.write_block()?;
        }
        let number = self.now.events + 1;
        let missing = |column| TraceError::Unwritable { event: number, column };
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
                self.block.allocated.push(distance(self.now.allocated.wrapping_add(1), event.id));
                self.now.allocated = event.id;
                let op = if zeroed { Op::AllocZeroed } else { Op::Alloc };
                packed(op, align_log2(layout.align()), layout.size() as u32)
            }
            Action::Realloc { new_size, .. } => packed(Op::Realloc, 0, new_size as u32),
            Action::Dealloc { .. } => packed(Op::Dealloc, 0, 0),
        };
        if matches!(event.action, Action::Realloc { .. } | Action::Dealloc { .. }) {
            self.block.touched.push(distance(self.now.touched, event.id));
            self.now.touched = event.id;
        }
        let place = match event.action {
            Action::Dealloc { .. } => self.different.add_dealloc(),
            _ => self.different.add(number_of(request)),
        };
        self.requests.push(place);
        if let Some(thread) = thread {
            self.block.threads.push(thread.into());
        }
        if let Some(time_ns) = time_ns {
            self.block.times.push(time_ns.wrapping_sub(self.now.time_ns));
            self.now.time_ns = time_ns;
        }
        self.now.events = number;
        Ok(())
    }

    /// Writes a comment between the event before and the next one. A line end within it begins another comment.
    ///
    /// # Errors
    ///
    /// [`TraceError::Write`] where the output fails, or the comment is longer than a line of a trace may be.
    pub fn comment(&mut self, text: &str) -> Result<(), TraceError> {
        for line in text.split(['\n', '\r']) {
            if line.len() > MOST_LINE_BYTES {
                let error = io::Error::new(io::ErrorKind::InvalidInput, "a comment is longer than 1 MiB");
                return Err(write_failed(error));
            }
            if self.block.comments.len() + line.len() + 8 > MOST_COMMENT_BYTES {
                self.write_block()?;
            }
            for number in [self.requests.len(), line.len()] {
                self.block.comments.extend_from_slice(&(number as u32).to_le_bytes());
            }
            self.block.comments.extend_from_slice(line.as_bytes());
        }
        Ok(())
    }

    /// Writes what is left and the index, and gives the output back. Without this call the end of the trace is lost.
    ///
    /// # Errors
    ///
    /// [`TraceError::Write`] where the output fails.
    pub fn finish(mut self) -> Result<W, TraceError> {
        if !self.requests.is_empty() || !self.block.comments.is_empty() {
            self.write_block()?;
        }
        self.output.write_all(&self.index.to_bytes(self.offset)).map_err(write_failed)?;
        self.output.flush().map_err(write_failed)?;
        Ok(self.output)
    }

    fn write_block(&mut self) -> Result<(), TraceError> {
        let block = &mut self.block;
        let table = self.different.table();
        let codes = self.different.codes(&table);
        block.codes.clear();
        block.rare.clear();
        for &place in &self.requests {
            let code = codes[place as usize];
            block.codes.push(code);
            if code == RARE {
                block.rare.extend_from_slice(&entry_of(self.different.counts[place as usize].0));
            }
        }
        if block.allocated.near.iter().all(|&way| way == 0) {
            block.allocated.clear();
        }
        let table: Vec<[u8; ENTRY_BYTES]> = table.into_iter().map(entry_of).collect();
        let number = self.index.entries().len() as u32;
        self.bytes.clear();
        block.push_to(&mut self.bytes, &table, number, &mut self.zstd).map_err(write_failed)?;
        self.output.write_all(&self.bytes).map_err(write_failed)?;
        self.index.push(IndexEntry { offset: self.offset, events: self.requests.len() as u32 });
        self.offset += self.bytes.len() as u64;
        self.requests.clear();
        self.different.clear();
        for column in [&mut block.allocated, &mut block.touched, &mut block.threads, &mut block.times] {
            column.clear();
        }
        block.comments.clear();
        block.start = self.now;
        Ok(())
    }
}

impl<W> fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("columns", &self.columns)
            .field("events", &self.now.events)
            .finish_non_exhaustive()
    }
}

fn write_failed(source: io::Error) -> TraceError {
    TraceError::Write { source }
}

/// The different requests of a block, each as a number, with how often they are there. The first is the deallocation, which needs no
/// look-up: it is every other event.
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

    /// The requests that get a code: the most frequent ones, in the order of their numbers, so that like requests have like codes.
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
