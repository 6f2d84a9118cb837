//! A block: its columns, decompressed and checked.

use heaprace_recorder::comment;
use heaprace_recorder::csv::Columns;
use heaprace_recorder::htrace::block::{BlockStart, MOST_PAYLOAD_BYTES, RARE, Sections};
use heaprace_recorder::htrace::column::Position;
use heaprace_recorder::htrace::request::{ENTRY_BYTES, Request, is_packed, unpacked};
use zstd::bulk::Decompressor;

use super::missing::Damage;
use super::section;

/// One block of a binary trace, decompressed and checked in its form: every event has all its bytes.
///
/// ```
/// use heaprace_traces::htrace::{Block, Blocks, HtraceWriter};
/// use heaprace_traces::csv::Columns;
///
/// let event = heaprace_traces::CsvReader::new("op,id,size,align\nalloc,1,24,8\n".as_bytes(), "a.csv")?.next().expect("one event")?;
/// let mut writer = HtraceWriter::new(Vec::new(), Columns::default(), &["program: example"])?;
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
    pub(super) start: BlockStart,
    pub(super) sections: Sections,
    /// The requests that have a code.
    pub(super) table: Vec<Request>,
}

impl Block {
    /// Events in the block.
    pub fn len(&self) -> usize {
        self.sections.codes.len()
    }

    /// Whether the block has no event, only comments.
    pub fn is_empty(&self) -> bool {
        self.sections.codes.is_empty()
    }

    /// Events before the block.
    pub fn first_event(&self) -> u64 {
        self.start.events
    }

    /// Whether the times of the events never fall, from the event before the block on. Without times it is true.
    pub fn times_rise(&self) -> bool {
        let (mut position, mut time_ns) = (Position::default(), self.start.time_ns);
        self.sections.times.near.iter().all(|_| match time_ns.checked_add(self.sections.times.next(&mut position)) {
            Some(time) => {
                time_ns = time;
                true
            }
            None => false,
        })
    }

    /// Whether the block says that it continues from here. The events before it are counted elsewhere.
    pub(super) fn continues(&self, end: BlockStart) -> bool {
        BlockStart { events: end.events, ..self.start } == end
    }

    /// The comments, each with the number of the block's events before it.
    pub fn comments(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut rest = &self.sections.comments[..];
        core::iter::from_fn(move || pop_comment(&mut rest))
    }

    /// Decodes the payload of a block.
    pub(super) fn decode(
        &mut self,
        payload: &[u8],
        columns: Columns,
        zstd: &mut Decompressor<'_>,
    ) -> Result<(), Damage> {
        let (mut rest, mut bytes_left) = (payload, MOST_PAYLOAD_BYTES as usize);
        for (section, most_bytes) in self.sections.in_order(columns) {
            section::pop(&mut rest, most_bytes.min(bytes_left), section, zstd)?;
            bytes_left -= section.len();
        }
        let (entries, []) = self.sections.table.as_chunks::<ENTRY_BYTES>() else {
            return Err("its table ends within an entry");
        };
        if !entries.iter().all(|&entry| is_packed(entry)) {
            return Err("a request in its table has bits that no request has");
        }
        self.table.clear();
        self.table.extend(entries.iter().map(|&entry| unpacked(entry)));
        if rest.is_empty() { self.check(columns) } else { Err("something follows its sections") }
    }

    /// Checks that each column has exactly the bytes that its events need.
    fn check(&self, columns: Columns) -> Result<(), Damage> {
        let counts = counts(&self.sections.codes);
        let (rare, []) = self.sections.rare.as_chunks::<ENTRY_BYTES>() else {
            return Err("its rare requests end within one");
        };
        if !rare.iter().all(|&entry| is_packed(entry)) {
            return Err("a rare request has bits that no request has");
        }
        if counts[RARE as usize] != rare.len() || counts[self.table.len()..RARE as usize].iter().any(|&count| count > 0)
        {
            return Err("a code has no request");
        }
        let in_table = self.table.iter().zip(counts).filter(|(request, _)| request.allocates());
        let allocs = in_table.map(|(_, count)| count).sum::<usize>()
            + rare.iter().filter(|&&entry| unpacked(entry).allocates()).count();
        let per_event = |there| if there { self.len() } else { 0 };
        let holds = (self.sections.allocated.holds(allocs) || self.sections.allocated.holds(0))
            && self.sections.touched.holds(self.len() - allocs)
            && self.sections.threads.holds(per_event(columns.thread))
            && self.sections.times.holds(per_event(columns.time_ns))
            && self.sections.extents.holds(if columns.written { self.len() - allocs } else { 0 });
        if !holds {
            return Err("a column has another length than its events need");
        }
        let mut position = Position::default();
        // Only numbers from the far column can be too large.
        if columns.thread
            && !self.sections.threads.far.is_empty()
            && self.sections.codes.iter().any(|_| self.sections.threads.next(&mut position) > u32::MAX.into())
        {
            return Err("a thread has too large a number");
        }
        let mut rest = &self.sections.comments[..];
        let (mut position, mut next) = (0, pop_comment(&mut rest));
        while let Some((before, text)) = next {
            if comment::fault(text).is_some() {
                return Err("a comment is not one line of text, or too long");
            }
            if before < position || before > self.len() {
                return Err("a comment has no place");
            }
            position = before;
            next = pop_comment(&mut rest);
        }
        if rest.is_empty() { Ok(()) } else { Err("a comment is not text") }
    }
}

/// How often each code occurs. Codes repeat: four tables count them in turn, so that no count waits for the one before
/// it, which would take an eighth of the time of compiling a trace.
fn counts(codes: &[u8]) -> [usize; 256] {
    let mut tables = [[0_u32; 256]; 4];
    let (fours, rest) = codes.as_chunks::<4>();
    for codes in fours {
        tables.iter_mut().zip(codes).for_each(|(table, &code)| table[usize::from(code)] += 1);
    }
    rest.iter().for_each(|&code| tables[0][usize::from(code)] += 1);
    core::array::from_fn(|code| tables.iter().map(|table| table[code] as usize).sum())
}

/// Takes a comment off, if there is a whole one.
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
    use heaprace_recorder::htrace::Compress;
    use heaprace_recorder::htrace::MOST_BLOCK_EVENTS;
    use heaprace_recorder::htrace::block::{BLOCK_MAGIC, HEAD_BYTES};
    use heaprace_recorder::htrace::request::packed;
    use heaprace_recorder::{Extent, Op};

    use super::super::section::Zstd;
    use super::*;

    /// Checksums keep damage away from the sections, except for files made on purpose. Each byte of a payload is
    /// changed in several ways: it is an error, or there are as many events as it says.
    #[test]
    fn no_payload_makes_the_decoder_panic() {
        let mut sections = Sections { codes: vec![0, 1, RARE, 1], ..Sections::default() };
        sections.table = [packed(Op::Alloc, 3, 24), packed(Op::Dealloc, 0, 0)].concat();
        sections.rare = packed(Op::Alloc, 0, 1000).to_vec();
        [0, 300].into_iter().for_each(|way| sections.allocated.push(way));
        [1, 1 << 40].into_iter().for_each(|way| sections.touched.push(way));
        [0, 1, 254, u64::from(u32::MAX)].into_iter().for_each(|thread| sections.threads.push(thread));
        [0, 1 + (1 << 40)].into_iter().for_each(|extent| sections.extents.push(extent));
        sections.comments = [&4_u32.to_le_bytes()[..], &4_u32.to_le_bytes(), b"mark"].concat();
        let columns = Columns { thread: true, time_ns: false, written: true };
        let (mut bytes, mut zstd) = (Vec::new(), Zstd::new().expect("it has memory"));
        sections
            .push_to(&mut bytes, columns, BlockStart::default(), 0, |section| zstd.compress(section))
            .expect("memory can be written");
        let payload = &bytes[BLOCK_MAGIC.len() + HEAD_BYTES..];

        let mut zstd = Decompressor::new().expect("it has memory");
        let mut decoded = Block::default();
        assert_eq!(decoded.decode(payload, columns, &mut zstd), Ok(()));
        assert_eq!(decoded.requests().map(|request| request.id).collect::<Vec<_>>(), [1, u64::MAX, 152, (1 << 39) - 1]);
        let extents = decoded.requests().map(|request| request.extent).collect::<Vec<_>>();
        assert_eq!(extents, [None, None, None, Some(Extent::AllBut(1 << 40))]);
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

    /// Each column is one that a block may have, and a few kilobytes hold them all.
    #[test]
    fn sections_that_are_too_long_together_are_refused() {
        let decoded = |long_columns: usize| {
            let mut sections = Sections { table: packed(Op::Alloc, 3, 24).to_vec(), ..Sections::default() };
            sections.codes = vec![0; MOST_BLOCK_EVENTS];
            for (place, column) in [&mut sections.allocated, &mut sections.times].into_iter().enumerate() {
                let number = if place < long_columns { u64::MAX } else { 1 };
                (0..MOST_BLOCK_EVENTS).for_each(|_| column.push(number));
            }
            let columns = Columns { time_ns: true, ..Columns::default() };
            let (mut bytes, mut zstd) = (Vec::new(), Zstd::new().expect("it has memory"));
            sections
                .push_to(&mut bytes, columns, BlockStart::default(), 0, |section| zstd.compress(section))
                .expect("memory can be written");
            assert!(bytes.len() < 10_000);
            let payload = &bytes[BLOCK_MAGIC.len() + HEAD_BYTES..];
            Block::default().decode(payload, columns, &mut Decompressor::new().expect("it has memory"))
        };
        assert_eq!(decoded(1), Ok(()));
        assert_eq!(decoded(2), Err("a section is longer than a block can need"));
    }
}
