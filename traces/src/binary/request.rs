//! How the events of a block are put together from its columns.

use super::block::{Block, Start};
use super::column::{Position, go};
use crate::op::Op;
use crate::validate::Fields;

/// Bytes of a request without its id.
pub(super) const ENTRY_BYTES: usize = 5;

/// What one event asks for, as a block holds it: nothing is checked, and what the layout in force tells is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The operation.
    pub op: Op,
    /// The object.
    pub id: u64,
    /// The size in bytes; 0 for a deallocation.
    pub size: u32,
    /// The alignment's logarithm to base 2; 0 but for an allocation.
    pub align_log2: u8,
}

impl Request {
    /// Whether it is for a new block of memory.
    #[inline(always)]
    pub(super) fn allocates(self) -> bool {
        matches!(self.op, Op::Alloc | Op::AllocZeroed)
    }
}

/// A request without its id, as it stands in a table.
pub(super) fn packed(op: Op, align_log2: u8, size: u32) -> [u8; ENTRY_BYTES] {
    let kind = match op {
        Op::Alloc => 0,
        Op::AllocZeroed => 1,
        Op::Realloc => 2,
        Op::Dealloc => 3,
    };
    let [a, b, c, d] = size.to_le_bytes();
    [kind | align_log2 << 2, a, b, c, d]
}

#[inline]
pub(super) fn unpacked([kind, a, b, c, d]: [u8; ENTRY_BYTES]) -> Request {
    let op = [Op::Alloc, Op::AllocZeroed, Op::Realloc, Op::Dealloc][usize::from(kind & 3)];
    Request { op, id: 0, size: u32::from_le_bytes([a, b, c, d]), align_log2: kind >> 2 }
}

/// How much of a block has been read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    events: usize,
    rare: usize,
    allocated_at: Position,
    touched_at: Position,
    threads_at: Position,
    times_at: Position,
    last: Start,
}

impl Cursor {
    pub(super) fn new(block: &Block) -> Self {
        Cursor { last: block.start, ..Cursor::default() }
    }

    /// Events that have been read.
    pub(super) fn events(&self) -> usize {
        self.events
    }

    #[inline(always)]
    fn request(&mut self, block: &Block) -> Option<Request> {
        let &code = block.codes.get(self.events)?;
        self.events += 1;
        let mut request = match block.table.get(usize::from(code)) {
            Some(&request) => request,
            None => self.rare(block),
        };
        request.id = if request.allocates() {
            let next = self.last.allocated.wrapping_add(1);
            let sequential = block.allocated.near.is_empty();
            self.last.allocated =
                if sequential { next } else { go(next, block.allocated.next(&mut self.allocated_at)) };
            self.last.allocated
        } else {
            self.last.touched = go(self.last.touched, block.touched.next(&mut self.touched_at));
            self.last.touched
        };
        Some(request)
    }

    #[inline]
    fn rare(&mut self, block: &Block) -> Request {
        let entry = block.rare.as_chunks().0.get(self.rare).copied().unwrap_or_default();
        self.rare += 1;
        unpacked(entry)
    }

    /// The fields of the next event.
    #[inline(always)]
    pub(super) fn fields(&mut self, block: &Block) -> Option<Fields> {
        let request = self.request(block)?;
        let Request { op, id, size, align_log2 } = request;
        let mut fields = Fields {
            op,
            id,
            size: (op != Op::Dealloc).then_some(size.into()),
            align: request.allocates().then_some(1 << align_log2),
            thread: None,
            time_ns: None,
        };
        if !block.threads.near.is_empty() {
            fields.thread = Some(block.threads.next(&mut self.threads_at) as u32);
        }
        if !block.times.near.is_empty() {
            self.last.time_ns = self.last.time_ns.wrapping_add(block.times.next(&mut self.times_at));
            fields.time_ns = Some(self.last.time_ns);
        }
        Some(fields)
    }
}

/// The requests of a block in turn.
#[derive(Debug)]
pub struct Requests<'a> {
    block: &'a Block,
    cursor: Cursor,
}

impl<'a> Requests<'a> {
    pub(super) fn new(block: &'a Block) -> Self {
        Requests { block, cursor: Cursor::new(block) }
    }
}

impl Iterator for Requests<'_> {
    type Item = Request;

    #[inline(always)]
    fn next(&mut self) -> Option<Request> {
        self.cursor.request(self.block)
    }
}
