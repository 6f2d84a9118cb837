//! The sweep: joins all that is free, and files it again.

use core::{mem, ptr};

use super::map::{GRANULE, LINE};
use super::{SweptBump, padding};
use crate::bins::Bin;
use crate::page_source::PageSource;
use crate::policies::{SizeClasses, SweepAfter, SweptDecisions};

/// After a sweep that regained less than a 32nd of their bytes, the next one waits for windows of all of them.
const POOR_SHIFT: u32 = 5;

/// A sweep reads the map, too, so it also waits for windows of a 32nd of what the map covers.
const SPAN_SHIFT: u32 = 5;

impl<S: PageSource, P: SweptDecisions> SweptBump<S, P> {
    /// Whether enough windows were opened since the latest sweep.
    #[inline]
    pub(super) fn is_time_to_sweep(&self) -> bool {
        P::sweeps() == SweepAfter::Growth
            || self.opened_bytes > self.patience_bytes.max(self.runs.map.covered_bytes() >> SPAN_SHIFT)
    }

    /// Joins all free memory, and files it again, from the highest to the lowest address, so that the lowest is used
    /// first. The window is used up.
    pub(super) fn sweep(&mut self) {
        self.opened_bytes = 0;
        let before = self.small_bytes;
        // SAFETY: free small blocks and runs are covered by the map, do not overlap, and are filed again below: each
        // range is free memory, whose granules are no longer marked.
        unsafe {
            self.small_bytes += self.runs.mark_all();
            for bin in 0..P::Small::count() {
                for block in mem::replace(&mut self.bins.as_mut()[bin], Bin::EMPTY).blocks() {
                    self.runs.map.flip_range(block.addr(), block.addr() + (bin + 1) * GRANULE);
                }
            }
            let mut below = self.runs.map.end();
            loop {
                let end = self.runs.map.edge_below(below, 0);
                below = self.runs.map.edge_below(end, usize::MAX);
                if below == end {
                    break;
                }
                self.runs.map.flip_range(below, end);
                // A range is in any run of the source, not only in the one that `top` is in: `extend` exposes them all.
                self.free_range(ptr::with_exposed_provenance_mut(below), end - below);
            }
        }
        // A sweep takes time in proportion to the small blocks, so it waits for windows of a part of their bytes.
        let SweepAfter::Part(part) = P::sweeps() else { return };
        let is_poor = before.saturating_sub(self.small_bytes) < before >> POOR_SHIFT;
        self.patience_bytes = if is_poor { self.small_bytes } else { self.small_bytes / part };
    }

    /// Frees any range of whole granules: its lines as a run, what is before and after them as small blocks. Less than two
    /// lines stay one small block, as a request of this size can be served by that alone.
    ///
    /// # Safety
    ///
    /// As for `free_lines`.
    #[inline(never)]
    pub(super) unsafe fn free_range(&mut self, mut start: *mut u8, mut bytes: usize) {
        while bytes > 0 {
            let mut part = bytes;
            if bytes >= 2 * LINE {
                part = padding(start.addr(), LINE);
                if part == 0 {
                    part = bytes / LINE * LINE;
                }
            }
            // SAFETY: the part is whole lines, at least two, or whole granules of at most 112 bytes.
            unsafe {
                if part < 2 * LINE {
                    self.push(start, part);
                } else {
                    self.small_bytes = self.small_bytes.wrapping_sub(part);
                    self.free_lines(start, part);
                }
            }
            start = start.wrapping_add(part);
            bytes -= part;
        }
    }
}
