//! Assembles the events of a block from its columns.

use heaprace_recorder::htrace::block::BlockStart;
use heaprace_recorder::htrace::column::{Position, go};
use heaprace_recorder::htrace::request::{Request, unpacked};
use heaprace_recorder::{Extent, Op};

use super::block::Block;
use crate::validate::Fields;

/// How much of a block has been read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    events: usize,
    rare: usize,
    allocated_at: Position,
    touched_at: Position,
    threads_at: Position,
    times_at: Position,
    extents_at: Position,
    last: BlockStart,
}

impl Cursor {
    pub(super) fn new(block: &Block) -> Self {
        Cursor { last: block.start, ..Cursor::default() }
    }

    /// Events that have been read.
    pub(super) fn events(&self) -> usize {
        self.events
    }

    /// Where the next event continues from.
    pub(super) fn last(&self) -> BlockStart {
        self.last
    }

    #[inline(always)]
    fn request(&mut self, block: &Block) -> Option<Request> {
        let &code = block.sections.codes.get(self.events)?;
        self.events += 1;
        let mut request = match block.table.get(usize::from(code)) {
            Some(&request) => request,
            None => self.rare(block),
        };
        request.id = if request.allocates() {
            let next = self.last.allocated.wrapping_add(1);
            let sequential = block.sections.allocated.near.is_empty();
            self.last.allocated =
                if sequential { next } else { go(next, block.sections.allocated.next(&mut self.allocated_at)) };
            self.last.allocated
        } else {
            self.last.touched = go(self.last.touched, block.sections.touched.next(&mut self.touched_at));
            if !block.sections.extents.near.is_empty() {
                request.extent = Extent::unpacked(block.sections.extents.next(&mut self.extents_at));
            }
            self.last.touched
        };
        Some(request)
    }

    #[inline]
    fn rare(&mut self, block: &Block) -> Request {
        let entry = block.sections.rare.as_chunks().0.get(self.rare).copied().unwrap_or_default();
        self.rare += 1;
        unpacked(entry)
    }

    /// The fields of the next event.
    #[inline(always)]
    pub(super) fn fields(&mut self, block: &Block) -> Option<Fields> {
        let request = self.request(block)?;
        let Request { op, id, size, align_log2, extent } = request;
        let mut fields = Fields {
            op,
            id,
            size: (op != Op::Dealloc).then_some(size.into()),
            align: request.allocates().then_some(1 << align_log2),
            thread: None,
            time_ns: None,
            written: extent,
        };
        if !block.sections.threads.near.is_empty() {
            fields.thread = Some(block.sections.threads.next(&mut self.threads_at) as u32);
        }
        if !block.sections.times.near.is_empty() {
            self.last.time_ns = self.last.time_ns.wrapping_add(block.sections.times.next(&mut self.times_at));
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

impl Block {
    /// The requests of its events.
    pub fn requests(&self) -> Requests<'_> {
        Requests { block: self, cursor: Cursor::new(self) }
    }
}

impl Iterator for Requests<'_> {
    type Item = Request;

    #[inline(always)]
    fn next(&mut self) -> Option<Request> {
        self.cursor.request(self.block)
    }
}
