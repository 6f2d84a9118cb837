//! How full the committed pages are with live bytes.

use heaprace_reports::results::{Occupancy as Figures, OccupancyAt};

use super::gauge::{Gauge, HeapState, Setting, ratio};

/// The tenth of the pages with some live bytes, but less than a tenth of their capacity: a few bytes pin them.
const PINNED: usize = 1;

/// Page occupancy at the first instant of max R and at the first of max H: live bytes over committed bytes, pages by
/// tenths of occupancy, and pages pinned by less than a tenth.
///
/// Blind spot: a page counts as a whole, wherever its free bytes are; internal fragmentation and metadata count as
/// free.
#[derive(Clone, Debug, Default)]
pub struct OccupancyGauge {
    at_peak_live: HeapState,
    at_peak_heap: HeapState,
}

impl OccupancyGauge {
    /// Before the first event.
    pub fn new(_setting: &Setting) -> Self {
        Self::default()
    }

    /// The figures, after the replay.
    pub fn figures(&self) -> Figures {
        Figures { at_peak_live: figures_of(&self.at_peak_live), at_peak_heap: figures_of(&self.at_peak_heap) }
    }
}

fn figures_of(state: &HeapState) -> OccupancyAt {
    let committed_pages = state.committed_pages as u64;
    let mut pages_by_tenth = state.pages_by_tenth.to_vec();
    // Pages that no object has ever reached are also empty.
    pages_by_tenth[0] = committed_pages - state.occupied_pages;
    OccupancyAt {
        event: state.event,
        live_share: ratio(state.live_bytes, state.committed_bytes),
        committed_pages,
        occupied_pages: state.occupied_pages,
        pinned_pages: state.pages_by_tenth[PINNED],
        pages_by_tenth,
    }
}

impl Gauge for OccupancyGauge {
    fn sample(&mut self, state: &HeapState) {
        if state.live_bytes > self.at_peak_live.live_bytes {
            self.at_peak_live = *state;
        }
        if state.committed_bytes > self.at_peak_heap.committed_bytes {
            self.at_peak_heap = *state;
        }
    }
}
