//! A block: a head, and a section for each column of its events.

use std::io;

use super::MOST_BLOCK_EVENTS;
use super::column::Column;
use super::request::ENTRY_BYTES;
use crate::csv::Columns;

/// The first bytes of a block.
pub const BLOCK_MAGIC: &[u8; 4] = b"HTBK";
/// Bytes of the head of a block after its magic bytes.
pub const HEAD_BYTES: usize = 52;
/// A block with more bytes of comments than this ends early.
pub const MOST_COMMENT_BYTES: usize = 2 << 20;
/// Upper limit for the sections of any block, in bytes: as stored, and as they are before compression.
pub const MOST_PAYLOAD_BYTES: u32 = 16 << 20;
/// A block with more bytes in its sections than this ends early, at a multiple of [`BLOCK_EVENTS`](super::BLOCK_EVENTS).
pub const FULL_BYTES: usize = 8 << 20;
/// The code of a request that is stored among the rare ones.
pub const RARE: u8 = 255;

/// The values that the first event of a block continues from. Without them, decoding would need the blocks before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockStart {
    /// Events before the block.
    pub events: u64,
    /// The id that was allocated last.
    pub allocated: u64,
    /// The id that was reallocated or deallocated last.
    pub touched: u64,
    /// The time of the event before.
    pub time_ns: u64,
}

/// The columns of a block's events, in the form in which the sections store them.
#[derive(Debug, Default)]
pub struct Sections {
    /// The requests that have a code, packed.
    pub table: Vec<u8>,
    /// The code of each event's request: its place in the table, or [`RARE`].
    pub codes: Vec<u8>,
    /// The requests without a code, packed.
    pub rare: Vec<u8>,
    /// The distance from each allocated id to the successor of the one before it; empty if all are 0.
    pub allocated: Column,
    /// The distance from each reallocated or deallocated id to the one before it.
    pub touched: Column,
    /// The thread of each event, in a trace with threads.
    pub threads: Column,
    /// The time from the event before, in a trace with times.
    pub times: Column,
    /// The [extent](crate::extent::Extent) of the block of each reallocation and deallocation, in a trace with extents.
    pub extents: Column,
    /// Each comment after the number of events before it, and its length.
    pub comments: Vec<u8>,
}

impl Sections {
    /// The sections of a trace with these columns in the order of the file, each with the most bytes that it can have.
    /// Those of the extents are there only with their column, so that traces without it are those of the first readers.
    pub fn in_order(&mut self, columns: Columns) -> impl Iterator<Item = (&mut Vec<u8>, usize)> {
        const NEAR: usize = MOST_BLOCK_EVENTS;
        const FAR: usize = 8 * MOST_BLOCK_EVENTS;
        let extents = [(&mut self.extents.near, NEAR), (&mut self.extents.far, FAR)];
        let comments = (&mut self.comments, 2 * MOST_COMMENT_BYTES);
        let always = [
            (&mut self.table, RARE as usize * ENTRY_BYTES),
            (&mut self.codes, MOST_BLOCK_EVENTS),
            (&mut self.rare, ENTRY_BYTES * MOST_BLOCK_EVENTS),
            (&mut self.allocated.near, NEAR),
            (&mut self.allocated.far, FAR),
            (&mut self.touched.near, NEAR),
            (&mut self.touched.far, FAR),
            (&mut self.threads.near, NEAR),
            (&mut self.threads.far, FAR),
            (&mut self.times.near, NEAR),
            (&mut self.times.far, FAR),
        ];
        always.into_iter().chain(extents.into_iter().filter(move |_| columns.written)).chain([comments])
    }

    /// Appends the block as a file stores it. `compress` gives a section in fewer bytes, or `None` to store it as it
    /// is.
    ///
    /// # Errors
    ///
    /// The error of `compress`.
    pub fn push_to(
        &mut self,
        bytes: &mut Vec<u8>,
        columns: Columns,
        start: BlockStart,
        number: u32,
        mut compress: impl FnMut(&[u8]) -> io::Result<Option<Vec<u8>>>,
    ) -> io::Result<()> {
        let events = self.codes.len() as u32;
        let head = bytes.len();
        bytes.resize(head + BLOCK_MAGIC.len() + HEAD_BYTES, 0);
        let payload = bytes.len();
        for (section, _) in self.in_order(columns) {
            push_section(bytes, section, &mut compress)?;
        }
        let checksum = crc32fast::hash(&bytes[payload..]);
        let length = (bytes.len() - payload) as u32;
        let mut fields = BLOCK_MAGIC.to_vec();
        for number in [number, events, length, checksum] {
            fields.extend_from_slice(&number.to_le_bytes());
        }
        for number in [start.events, start.allocated, start.touched, start.time_ns] {
            fields.extend_from_slice(&number.to_le_bytes());
        }
        fields.extend_from_slice(&crc32fast::hash(&fields).to_le_bytes());
        bytes[head..payload].copy_from_slice(&fields);
        Ok(())
    }
}

/// Appends a section: the length of its bytes, the length of the stored ones, and these.
///
/// # Errors
///
/// The error of `compress`.
pub fn push_section(
    payload: &mut Vec<u8>,
    bytes: &[u8],
    compress: &mut impl FnMut(&[u8]) -> io::Result<Option<Vec<u8>>>,
) -> io::Result<()> {
    let compressed = if bytes.is_empty() { None } else { compress(bytes)? };
    let stored = compressed.as_deref().filter(|compressed| compressed.len() < bytes.len()).unwrap_or(bytes);
    for length in [bytes.len(), stored.len()] {
        payload.extend_from_slice(&(length as u32).to_le_bytes());
    }
    payload.extend_from_slice(stored);
    Ok(())
}
