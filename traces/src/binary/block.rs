//! A block: its columns, and how events are put together from them.

use std::io;

use zstd::bulk::{Compressor, Decompressor};

use super::BLOCK_EVENTS;
use super::column::{Column, Position};
use super::request::{ENTRY_BYTES, Request, Requests, unpacked};
use super::section::{self, Damage};
use crate::csv::Columns;

pub(super) const BLOCK_MAGIC: &[u8; 4] = b"HTBK";
/// The head of a block behind its magic bytes.
pub(super) const HEAD_BYTES: usize = 52;
/// Where more comments than this have gathered, the block is ended.
pub(super) const MOST_COMMENT_BYTES: usize = 2 << 20;
/// More than the sections of any block can need.
pub(super) const MOST_PAYLOAD_BYTES: u32 = 16 << 20;
/// The code of a request that stands in the column of the rare ones.
pub(super) const RARE: u8 = 255;

/// Where the events of a block go on from: what would otherwise need the blocks before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Start {
    /// Events before the block.
    pub(super) events: u64,
    /// The id that was allocated last.
    pub(super) allocated: u64,
    /// The id that was reallocated or deallocated last.
    pub(super) touched: u64,
    /// The time of the event before.
    pub(super) time_ns: u64,
}

/// One block of a binary trace, decompressed and checked in its form: every event has all its bytes.
///
/// ```
/// use heaprace_traces::binary::{Block, Blocks, Writer};
/// use heaprace_traces::csv::Columns;
///
/// let event = heaprace_traces::Reader::new("op,id,size,align\nalloc,1,24,8\n".as_bytes(), "a.csv")?.next().expect("one event")?;
/// let mut writer = Writer::new(Vec::new(), Columns::default(), &["program: example"])?;
/// writer.write(&event)?;
/// let bytes = writer.finish()?;
///
/// let (mut blocks, mut block) = (Blocks::new(&bytes[..], "a.htrace")?, Block::default());
/// while blocks.read(&mut block)? {
///     assert!(block.requests().all(|request| request.id == 1 && request.size == 24));
/// }
/// assert_eq!(blocks.events(), 1);
/// # Ok::<(), heaprace_traces::TraceError>(())
/// ```
#[derive(Debug, Default)]
pub struct Block {
    pub(super) start: Start,
    /// The requests that have a code.
    pub(super) table: Vec<Request>,
    pub(super) codes: Vec<u8>,
    pub(super) rare: Vec<u8>,
    /// The way from each id that is allocated to the one after the one before it; empty where it is always 0.
    pub(super) allocated: Column,
    pub(super) touched: Column,
    pub(super) threads: Column,
    pub(super) times: Column,
    /// Each comment behind the number of events before it, and its length.
    pub(super) comments: Vec<u8>,
    scratch: Vec<u8>,
}

impl Block {
    /// Events in the block.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether the block has no event, only comments.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// Events before the block.
    pub fn first_event(&self) -> u64 {
        self.start.events
    }

    /// What the events ask for.
    pub fn requests(&self) -> Requests<'_> {
        Requests::new(self)
    }

    /// Whether the times of the events never fall, counted from the event before the block. Without times they do not.
    pub fn times_rise(&self) -> bool {
        let (mut position, mut time_ns) = (Position::default(), self.start.time_ns);
        self.times.near.iter().all(|_| match time_ns.checked_add(self.times.next(&mut position)) {
            Some(time) => {
                time_ns = time;
                true
            }
            None => false,
        })
    }

    /// The comments, each with how many events of the block go before it.
    pub fn comments(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut rest = &self.comments[..];
        core::iter::from_fn(move || pop_comment(&mut rest))
    }

    /// Appends the block as it stands in a file. The codes index `table`, a request in [`packed`] form each.
    pub(super) fn push_to(
        &self,
        bytes: &mut Vec<u8>,
        table: &[[u8; ENTRY_BYTES]],
        number: u32,
        zstd: &mut Compressor<'_>,
    ) -> io::Result<()> {
        let head = bytes.len();
        bytes.resize(head + BLOCK_MAGIC.len() + HEAD_BYTES, 0);
        let payload = bytes.len();
        section::push(bytes, table.as_flattened(), zstd)?;
        for section in [
            &self.codes,
            &self.rare,
            &self.allocated.near,
            &self.allocated.far,
            &self.touched.near,
            &self.touched.far,
            &self.threads.near,
            &self.threads.far,
            &self.times.near,
            &self.times.far,
            &self.comments,
        ] {
            section::push(bytes, section, zstd)?;
        }
        let checksum = crc32fast::hash(&bytes[payload..]);
        let length = (bytes.len() - payload) as u32;
        let mut fields = BLOCK_MAGIC.to_vec();
        for number in [number, self.len() as u32, length, checksum] {
            fields.extend_from_slice(&number.to_le_bytes());
        }
        for number in [self.start.events, self.start.allocated, self.start.touched, self.start.time_ns] {
            fields.extend_from_slice(&number.to_le_bytes());
        }
        fields.extend_from_slice(&crc32fast::hash(&fields).to_le_bytes());
        bytes[head..payload].copy_from_slice(&fields);
        Ok(())
    }

    /// Decodes the payload of a block.
    pub(super) fn decode(
        &mut self,
        payload: &[u8],
        columns: Columns,
        zstd: &mut Decompressor<'_>,
    ) -> Result<(), Damage> {
        let mut rest = payload;
        section::pop(&mut rest, RARE as usize * ENTRY_BYTES, &mut self.scratch, zstd)?;
        let (entries, []) = self.scratch.as_chunks::<ENTRY_BYTES>() else {
            return Err("its table has half an entry");
        };
        self.table.clear();
        self.table.extend(entries.iter().map(|&entry| unpacked(entry)));
        for (section, most_bytes_each) in [
            (&mut self.codes, 1),
            (&mut self.rare, ENTRY_BYTES),
            (&mut self.allocated.near, 1),
            (&mut self.allocated.far, 8),
            (&mut self.touched.near, 1),
            (&mut self.touched.far, 8),
            (&mut self.threads.near, 1),
            (&mut self.threads.far, 8),
            (&mut self.times.near, 1),
            (&mut self.times.far, 8),
        ] {
            section::pop(&mut rest, most_bytes_each * BLOCK_EVENTS, section, zstd)?;
        }
        section::pop(&mut rest, 2 * MOST_COMMENT_BYTES, &mut self.comments, zstd)?;
        if rest.is_empty() { self.check(columns) } else { Err("there is something behind its sections") }
    }

    /// Checks that every event has all its bytes in each column, and that there are no others.
    fn check(&self, columns: Columns) -> Result<(), Damage> {
        let counts = counts(&self.codes);
        let (rare, []) = self.rare.as_chunks::<ENTRY_BYTES>() else {
            return Err("half a request stands among the rare ones");
        };
        if counts[RARE as usize] != rare.len() || counts[self.table.len()..RARE as usize].iter().any(|&count| count > 0)
        {
            return Err("a code has no request");
        }
        let in_table = self.table.iter().zip(counts).filter(|(request, _)| request.allocates());
        let allocs = in_table.map(|(_, count)| count).sum::<usize>()
            + rare.iter().filter(|&&entry| unpacked(entry).allocates()).count();
        let per_event = |there| if there { self.len() } else { 0 };
        let holds = (self.allocated.holds(allocs) || self.allocated.holds(0))
            && self.touched.holds(self.len() - allocs)
            && self.threads.holds(per_event(columns.thread))
            && self.times.holds(per_event(columns.time_ns));
        if !holds {
            return Err("a column has another length than its events need");
        }
        let mut position = Position::default();
        // Only numbers from the far column can be too large.
        if columns.thread
            && !self.threads.far.is_empty()
            && self.codes.iter().any(|_| self.threads.next(&mut position) > u32::MAX.into())
        {
            return Err("a thread has too large a number");
        }
        let mut rest = &self.comments[..];
        let (mut position, mut next) = (0, pop_comment(&mut rest));
        while let Some((before, _)) = next {
            if before < position || before > self.len() {
                return Err("a comment stands nowhere");
            }
            position = before;
            next = pop_comment(&mut rest);
        }
        if rest.is_empty() { Ok(()) } else { Err("a comment is no text") }
    }
}

/// How often each code stands there. Codes repeat: they are counted in four tables in turn, so that one count need not wait for
/// the one before it, which would take an eighth of the time of compiling a trace.
fn counts(codes: &[u8]) -> [usize; 256] {
    let mut tables = [[0_u32; 256]; 4];
    let (fours, rest) = codes.as_chunks::<4>();
    for codes in fours {
        tables.iter_mut().zip(codes).for_each(|(table, &code)| table[usize::from(code)] += 1);
    }
    rest.iter().for_each(|&code| tables[0][usize::from(code)] += 1);
    core::array::from_fn(|code| tables.iter().map(|table| table[code] as usize).sum())
}

/// Takes a comment off, where there is a whole one.
fn pop_comment<'a>(rest: &mut &'a [u8]) -> Option<(usize, &'a str)> {
    let (position, after) = rest.split_first_chunk()?;
    let (length, after) = after.split_first_chunk()?;
    let (text, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let text = core::str::from_utf8(text).ok()?;
    *rest = after;
    Some((u32::from_le_bytes(*position) as usize, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binary::request::packed;
    use crate::op::Op;

    /// Checksums keep damage away from the sections; whoever makes a file on purpose gets past them. Each byte of a payload is
    /// changed in several ways: it is refused, or there are as many events as it says.
    #[test]
    fn no_payload_makes_the_decoder_panic() {
        let mut block = Block { codes: vec![0, 1, RARE, 1], ..Block::default() };
        let table = [packed(Op::Alloc, 3, 24), packed(Op::Dealloc, 0, 0)];
        block.rare = packed(Op::Alloc, 0, 1000).to_vec();
        [0, 300].into_iter().for_each(|way| block.allocated.push(way));
        [1, 1 << 40].into_iter().for_each(|way| block.touched.push(way));
        [0, 1, 254, u64::from(u32::MAX)].into_iter().for_each(|thread| block.threads.push(thread));
        block.comments = [&4_u32.to_le_bytes()[..], &4_u32.to_le_bytes(), b"mark"].concat();
        let mut bytes = Vec::new();
        block
            .push_to(&mut bytes, &table, 0, &mut Compressor::new(1).expect("it has memory"))
            .expect("memory can be written");
        let payload = &bytes[BLOCK_MAGIC.len() + HEAD_BYTES..];

        let columns = Columns { thread: true, time_ns: false };
        let mut zstd = Decompressor::new().expect("it has memory");
        let mut decoded = Block::default();
        assert_eq!(decoded.decode(payload, columns, &mut zstd), Ok(()));
        assert_eq!(decoded.requests().map(|request| request.id).collect::<Vec<_>>(), [1, u64::MAX, 152, (1 << 39) - 1]);
        assert_eq!(decoded.comments().collect::<Vec<_>>(), [(4, "mark")]);
        let mut refused = 0;
        for place in 0..payload.len() {
            for byte in [0, 1, 2, 7, 253, 254, 255, payload[place] ^ 1, payload[place] ^ 128] {
                let mut bad = payload.to_vec();
                bad[place] = byte;
                match decoded.decode(&bad, columns, &mut zstd) {
                    Ok(()) => assert_eq!(decoded.requests().count(), decoded.len()),
                    Err(_) => refused += 1,
                }
            }
            assert!(decoded.decode(&payload[..place], columns, &mut zstd).is_err());
        }
        assert!(refused > payload.len());
    }
}
