//! How the heap grows: memory from the source, and a place for the map that covers it.

use super::map::{LIMIT, LINE};
use super::{SweptBump, Use, lines, padding};
use crate::page_source::PageSource;
use crate::policies::SweptDecisions;

impl<S: PageSource, P: SweptDecisions> SweptBump<S, P> {
    /// Gets memory, so that the top has room for `bytes` bytes at a multiple of `align`.
    #[cold]
    #[inline(never)]
    pub(super) fn grow(&mut self, bytes: usize, align: usize) -> bool {
        // If new memory continues the top, only the missing bytes are needed.
        let mut missing = self.padded(bytes, align) - self.top_bytes();
        for _ in 0..2 {
            if missing >= LIMIT - LINE - self.end {
                return false;
            }
            // Unless the map covers what comes, it needs a place, too.
            let mut map_bytes = self.map_bytes(self.end + missing);
            if map_bytes > 0 && !self.runs.find(map_bytes).is_null() {
                map_bytes = 0;
            }
            let Some(memory) = self.source.acquire(missing + map_bytes) else {
                return false;
            };
            self.extend(memory.cast::<u8>().as_ptr(), memory.len());
            if self.top_bytes() >= self.padded(bytes, align) {
                return true;
            }
            // It does not continue: enough wherever it begins.
            missing = bytes + align + LINE;
        }
        false
    }

    /// Adds the whole lines of new memory to the heap: to the top, or in its place. Memory below the heap is given up,
    /// and so is memory that the map cannot cover if the next one does not continue it.
    #[inline]
    fn extend(&mut self, start: *mut u8, bytes: usize) {
        let end = (start.addr() + bytes).min(LIMIT - LINE) / LINE * LINE;
        start.expose_provenance();
        let start = start.wrapping_add(padding(start.addr(), LINE));
        if end <= start.addr() || start.addr() < self.given_end {
            return;
        }
        if start.addr() != self.given_end {
            // SAFETY: the rest of the top is whole lines that nothing uses.
            unsafe { self.free_lines(self.top, self.top_bytes()) };
            self.top = start;
            self.fresh = start.addr();
        }
        self.end = end;
        self.given_end = end;
        self.runs.map.begin(self.top.addr());
        let map_bytes = self.map_bytes(end);
        if map_bytes == 0 {
            return;
        }
        let place = self.take(map_bytes, 1, Use::Block);
        if place.is_null() {
            self.end = self.top.addr().max(self.runs.map.end() - LINE);
            return;
        }
        // SAFETY: the place is unused whole lines, and larger than the old one, which is memory of this allocator that
        // nothing uses any more.
        unsafe {
            let (old, old_bytes) = self.runs.map.relocate(place, map_bytes);
            self.free_lines(old, old_bytes);
        }
    }

    /// Whole lines for a map that covers the heap up to `end`, and as much again. 0 if the map covers it already.
    fn map_bytes(&self, end: usize) -> usize {
        if end + LINE <= self.runs.map.end() { 0 } else { lines(self.runs.map.bytes_up_to_twice(end)) }
    }

    /// Bytes from the top to the end of a block of `bytes` bytes at a multiple of `align`.
    fn padded(&self, bytes: usize, align: usize) -> usize {
        padding(self.top.addr(), align) + bytes
    }
}
