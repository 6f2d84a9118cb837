//! How full the committed pages are with live bytes.

use std::ops::Range;

use heaprace_reports::results::{Occupancy as Figures, OccupancyAt};

use super::{Metric, Setting, State, ratio};

/// Pages by their share of live bytes: 0 is empty (of those that an object has ever reached), k is from (k − 1) to below k tenths, and
/// the last one is full.
pub type PagesByTenth = [u64; 12];

/// The tenth of the pages that hold some live bytes, but less than a tenth of what they could: they are pinned by little.
const PINNED: usize = 1;

/// Live bytes of each page. A block costs time in proportion to the pages that it lies in.
#[derive(Clone, Debug)]
pub(super) struct Pages {
    page_bytes: u64,
    /// Of each page that ever had one.
    live_bytes: Vec<u64>,
}

impl Pages {
    pub(super) fn new(page_bytes: usize) -> Self {
        Pages { page_bytes: page_bytes as u64, live_bytes: Vec::new() }
    }

    fn tenth(&self, live_bytes: u64) -> usize {
        match live_bytes {
            0 => 0,
            bytes => (bytes * 10 / self.page_bytes) as usize + 1,
        }
    }

    /// Changes the live bytes of the pages in which these bytes are, by their number in each.
    pub(super) fn change(&mut self, bytes: Range<u64>, tenths: &mut PagesByTenth, change: impl Fn(u64, u64) -> u64) {
        let last = (bytes.end - 1) / self.page_bytes;
        if last as usize >= self.live_bytes.len() {
            tenths[0] += last + 1 - self.live_bytes.len() as u64;
            self.live_bytes.resize(last as usize + 1, 0);
        }
        let mut start = bytes.start;
        for page in bytes.start / self.page_bytes..=last {
            let end = bytes.end.min((page + 1) * self.page_bytes);
            let before = self.live_bytes[page as usize];
            let after = change(before, end - start);
            tenths[self.tenth(before)] -= 1;
            tenths[self.tenth(after)] += 1;
            self.live_bytes[page as usize] = after;
            start = end;
        }
    }
}

/// Page occupancy at the first instant of max R and at the first of max H: live bytes over committed bytes, pages in tenths of
/// occupancy, and those pinned by less than a tenth.
///
/// Blind spot: a page counts as a whole, however its free bytes lie; rounding and metadata count as free.
#[derive(Clone, Debug, Default)]
pub struct Occupancy {
    at_peak_live: State,
    at_peak_heap: State,
}

impl Occupancy {
    /// Before the first event.
    pub fn new(_setting: &Setting) -> Self {
        Self::default()
    }

    /// The figures, after the replay.
    pub fn figures(&self) -> Figures {
        Figures { at_peak_live: figures_of(&self.at_peak_live), at_peak_heap: figures_of(&self.at_peak_heap) }
    }
}

fn figures_of(state: &State) -> OccupancyAt {
    let committed_pages = state.committed_pages as u64;
    let mut pages_by_tenth = state.pages_by_tenth.to_vec();
    // Pages that no object has ever reached are empty, too.
    pages_by_tenth[0] = committed_pages - state.occupied_pages();
    OccupancyAt {
        event: state.event,
        live_share: ratio(state.live_bytes, state.committed_bytes),
        committed_pages,
        occupied_pages: state.occupied_pages(),
        pinned_pages: state.pages_by_tenth[PINNED],
        pages_by_tenth,
    }
}

impl Metric for Occupancy {
    fn sample(&mut self, state: &State) {
        if state.live_bytes > self.at_peak_live.live_bytes {
            self.at_peak_live = *state;
        }
        if state.committed_bytes > self.at_peak_heap.committed_bytes {
            self.at_peak_heap = *state;
        }
    }
}
