//! The parts of a heap that are in no live block, and a check of all that the allocator knows about them.

use super::SweptBump;
use super::map::{GRANULE, LINE};
use super::runs::{Run, list_of};
use crate::page_source::PageSource;
use crate::policies::{SizeClasses, SweptDecisions};

/// What a range of the heap that is in no live block serves as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeapPart {
    /// A free small block, in the bin of its size.
    Bin,
    /// The rest of the window: new small blocks.
    Window,
    /// A free run.
    Run,
    /// The memory that was never used, or has come back to it.
    Top,
    /// The map of free runs: the allocator's own data.
    Map,
    /// The end of the latest memory, which the map does not cover yet. It is used after the map has grown.
    Uncovered,
}

/// A fault that [`SweptBump::self_check`] has found. Each one is impossible unless a program wrote to memory that it had
/// freed, or past the end of a block, or the allocator is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeapFault {
    /// It is not aligned, or reaches out of the heap.
    Misplaced(HeapPart),
    /// It shares bytes with another part.
    Overlap(HeapPart),
    /// The size in the first line of a run is not that of its last line, or is no multiple of a line.
    RunSize,
    /// A run is not in the list of its size, or not the next one of the run before it.
    RunList,
    /// The bit that says whether a list has a run is wrong.
    FilledBit,
    /// Two free runs, or a free run and the top, are neighbours.
    NotJoined,
    /// The end of a run has no mark in the map.
    MissingMark,
    /// A mark in the map is no end of a run.
    StrayMark,
    /// The memory that is said to be as the source gave it begins below the top, or after its end.
    Fresh,
}

impl<S: PageSource, P: SweptDecisions> SweptBump<S, P> {
    /// Visits every range of the heap that is in no live block: its first byte, and its size in bytes. What the source
    /// gave and the allocator gave up, such as less than a line at the ends of its memory, is in no range.
    pub fn for_each_part(&self, mut visit: impl FnMut(HeapPart, *const u8, usize)) {
        for bin in 0..P::Small::count() {
            self.bins.as_ref()[bin].blocks().for_each(|block| visit(HeapPart::Bin, block, (bin + 1) * GRANULE));
        }
        for &first in self.runs.lists().0 {
            let mut run = first;
            while !run.is_null() {
                // SAFETY: a run in a list is filed, and has its contents where `insert` wrote them.
                let (next, _, bytes) = unsafe { (*run).contents() };
                visit(HeapPart::Run, run.cast(), bytes);
                run = next;
            }
        }
        self.for_each_single(&mut visit);
        if self.given_end > self.end {
            visit(HeapPart::Uncovered, self.top.with_addr(self.end), self.given_end - self.end);
        }
    }

    /// Checks that bins, window, runs, top and map are consistent and do not overlap. It takes time in proportion to the
    /// map and to the free blocks. During the check, all parts are marked in the map.
    ///
    /// # Errors
    ///
    /// The first fault found. The allocator must not be used any more.
    pub fn self_check(&mut self) -> Result<(), HeapFault> {
        if self.runs.map.end() == 0 {
            let mut parts = 0;
            self.for_each_part(|part, _, _| parts += usize::from(part != HeapPart::Uncovered));
            return if parts == 0 { Ok(()) } else { Err(HeapFault::Misplaced(HeapPart::Map)) };
        }
        if self.top_bytes() > 0 && !(self.top.addr()..=self.end).contains(&self.fresh) {
            return Err(HeapFault::Fresh);
        }
        if self.given_end < self.end {
            return Err(HeapFault::Misplaced(HeapPart::Uncovered));
        }
        self.check_runs()?;
        self.mark_parts()?;
        // All parts are proved disjoint, so this leaves the marks as they were.
        self.flip_parts();
        Ok(())
    }

    /// Visits the parts of which there is one.
    fn for_each_single(&self, visit: &mut impl FnMut(HeapPart, *const u8, usize)) {
        if self.window_bytes() > 0 {
            visit(HeapPart::Window, self.window, self.window_bytes());
        }
        if self.top_bytes() > 0 {
            visit(HeapPart::Top, self.top, self.top_bytes());
        }
        if self.runs.map.end() > 0 {
            visit(HeapPart::Map, self.runs.map.words().cast(), self.runs.map.bytes_up_to(self.runs.map.end()));
        }
    }

    /// Checks lists, sizes and marks of the runs.
    fn check_runs(&self) -> Result<(), HeapFault> {
        let (lists, filled) = self.runs.lists();
        let mut marks = 0;
        for (list, &first) in lists.iter().enumerate() {
            if first.is_null() == (filled >> list & 1 == 1) {
                return Err(HeapFault::FilledBit);
            }
            let (mut run, mut before) = (first, core::ptr::null_mut());
            while !run.is_null() {
                let (next, bytes) = self.check_run(run, before, list)?;
                marks += 2;
                if marks > self.runs.map.covered_bytes() / GRANULE {
                    return Err(HeapFault::RunList); // A circle.
                }
                (before, run) = (run, next);
                debug_assert!(bytes >= LINE);
            }
        }
        let covered = self.runs.map.end();
        if self.marks(covered - self.runs.map.covered_bytes(), covered) == marks {
            Ok(())
        } else {
            Err(HeapFault::StrayMark)
        }
    }

    /// Checks a run of this list, and returns the next one and its size. Nothing is read that the map does not show as
    /// a run's.
    fn check_run(&self, run: *mut Run, before: *mut Run, list: usize) -> Result<(*mut Run, usize), HeapFault> {
        let start = run.addr();
        if !self.has(start, LINE, LINE) {
            return Err(HeapFault::Misplaced(HeapPart::Run));
        }
        if self.marks(start, start + GRANULE) == 0 {
            return Err(HeapFault::MissingMark);
        }
        // SAFETY: the line is within the heap, and marked as the end of a run.
        let (next, prev, bytes) = unsafe { (*run).contents() };
        if !bytes.is_multiple_of(LINE) || bytes == 0 {
            return Err(HeapFault::RunSize);
        }
        if !self.has(start, bytes, LINE) {
            return Err(HeapFault::Misplaced(HeapPart::Run));
        }
        let end = start + bytes;
        if self.marks(end - GRANULE, end) == 0 {
            return Err(HeapFault::MissingMark);
        }
        // SAFETY: the last line is within the heap, and marked as the end of a run.
        if unsafe { run.cast::<u8>().add(bytes).cast::<usize>().sub(1).read() } != bytes {
            return Err(HeapFault::RunSize);
        }
        if list_of(bytes) != list || prev != before {
            return Err(HeapFault::RunList);
        }
        if self.marks(start, end) != 2 {
            return Err(HeapFault::StrayMark);
        }
        if self.marks(start - GRANULE, end + GRANULE) != 2 || end == self.top.addr() {
            return Err(HeapFault::NotJoined);
        }
        Ok((next, bytes))
    }

    /// Marks every granule of every part, and checks that none was marked before: that no two parts overlap.
    fn mark_parts(&mut self) -> Result<(), HeapFault> {
        self.flip_insides();
        let mut result = Ok(());
        self.for_each_single(&mut |part, start, bytes| result = result.and_then(|()| self.mark(part, start, bytes)));
        result?;
        for bin in 0..P::Small::count() {
            for block in self.bins.as_ref()[bin].blocks() {
                // A circle comes back to a block that is marked.
                self.mark(HeapPart::Bin, block, (bin + 1) * GRANULE)?;
            }
        }
        Ok(())
    }

    /// Undoes `mark_parts`.
    fn flip_parts(&self) {
        self.flip_insides();
        self.for_each_part(|part, start, bytes| {
            if part != HeapPart::Run && part != HeapPart::Uncovered {
                self.flip(start.addr(), start.addr() + bytes);
            }
        });
    }

    /// Flips the granules between the ends of all runs.
    fn flip_insides(&self) {
        for &first in self.runs.lists().0 {
            let mut run = first;
            while !run.is_null() {
                // SAFETY: the run is filed.
                let (next, _, bytes) = unsafe { (*run).contents() };
                self.flip(run.addr() + GRANULE, run.addr() + bytes - GRANULE);
                run = next;
            }
        }
    }

    /// Marks a part.
    fn mark(&self, part: HeapPart, start: *const u8, bytes: usize) -> Result<(), HeapFault> {
        if !self.has(start.addr(), bytes, GRANULE) {
            return Err(HeapFault::Misplaced(part));
        }
        if self.marks(start.addr(), start.addr() + bytes) > 0 {
            return Err(HeapFault::Overlap(part));
        }
        self.flip(start.addr(), start.addr() + bytes);
        Ok(())
    }

    /// Whether a range is aligned, and between the lowest and the highest address of the heap.
    fn has(&self, start: usize, bytes: usize, align: usize) -> bool {
        let map = &self.runs.map;
        let (lowest, highest) = (map.end() - map.covered_bytes() + LINE, self.end.min(map.end() - LINE));
        start.is_multiple_of(align) && start >= lowest && start <= highest && bytes <= highest - start
    }

    /// Marked granules of `start..end`, which the map covers.
    fn marks(&self, start: usize, end: usize) -> usize {
        let mut marks = 0;
        // SAFETY: a word is only read.
        self.for_each_word(start, end, |word, among| marks += unsafe { (*word & among).count_ones() as usize });
        marks
    }

    /// Flips the granules of `start..end`, which the map covers.
    fn flip(&self, start: usize, end: usize) {
        // SAFETY: nothing refers to a word of the map while no function of the map runs.
        self.for_each_word(start, end, |word, among| unsafe { *word ^= among });
    }

    /// Visits the words of the map for `start..end`, each with a mask of the granules of this range.
    fn for_each_word(&self, start: usize, end: usize, mut visit: impl FnMut(*mut usize, usize)) {
        const BITS: usize = usize::BITS as usize;
        let map = &self.runs.map;
        assert!(start >= map.end() - map.covered_bytes() && start <= end && end <= map.end(), "outside of the map");
        let granule = (start - (map.end() - map.covered_bytes())) / GRANULE;
        let (mut word, mut first, mut left) = (granule / BITS, granule % BITS, (end - start) / GRANULE);
        while left > 0 {
            let count = left.min(BITS - first);
            visit(map.words().wrapping_add(word), usize::MAX >> (BITS - count) << first);
            (word, first, left) = (word + 1, 0, left - count);
        }
    }
}
