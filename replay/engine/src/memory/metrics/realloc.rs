//! How reallocations were served.

use heaprace_reports::results::Reallocs;

use super::gauge::{Gauge, HeapState, Setting, ratio};

/// Successful reallocations of live objects: their number, how many were in place, and the bytes copied by the others
/// (for each the smaller of the old and the new size).
///
/// Blind spot: the copied bytes are a lower bound. A contender may copy whole classes; a contender that remaps pages
/// would copy nothing.
#[derive(Clone, Debug, Default)]
pub struct ReallocGauge {
    count: u64,
    in_place: u64,
    copied_bytes: u64,
    /// Whether any moved an object without resizing it.
    has_moved_same_size: bool,
    /// The clock of bytes after the latest event.
    requested_bytes: u64,
}

impl ReallocGauge {
    /// Before the first event.
    pub fn new(_setting: &Setting) -> Self {
        Self::default()
    }

    /// Whether any reallocation moved an object without resizing it. If not, all those to the same size have left their
    /// objects as they were.
    pub(crate) fn has_moved_same_size(&self) -> bool {
        self.has_moved_same_size
    }

    /// The figures, after the replay.
    pub fn figures(&self) -> Reallocs {
        Reallocs {
            count: self.count,
            in_place: self.in_place,
            in_place_share: ratio(self.in_place, self.count),
            copied_bytes: self.copied_bytes,
            copied_per_requested_byte: ratio(self.copied_bytes, self.requested_bytes),
        }
    }
}

impl Gauge for ReallocGauge {
    fn sample(&mut self, state: &HeapState) {
        self.requested_bytes = state.byte_clock.total_bytes();
    }

    fn resized(&mut self, in_place: bool, old_bytes: u64, new_bytes: u64) {
        self.count += 1;
        self.in_place += u64::from(in_place);
        self.has_moved_same_size |= !in_place && old_bytes == new_bytes;
        self.copied_bytes += if in_place { 0 } else { old_bytes.min(new_bytes) };
    }
}
