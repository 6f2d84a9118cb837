//! The positions of live bytes in the heap over the run: an address × time grid.

use std::ops::Range;

use heaprace_reports::results::OccupancyGrid;

use super::gauge::{Gauge, HeapState, Setting};

/// Maximum rows (addresses); at least half of them are used once the heap has that many pages.
const MOST_ROWS: usize = 64;

/// Maximum columns (time).
const MOST_COLUMNS: u64 = 128;

/// The share of live bytes in each range of addresses, at the end of each range of events. If the heap outgrows the
/// rows, neighbours are merged, so that the number of rows is bounded for any heap, and an event costs at most one step
/// per row.
///
/// Blind spot: objects that come and go within a range of events.
#[derive(Clone, Debug)]
pub struct GridGauge {
    /// Bytes of a row, as a power of two.
    row_bits: u32,
    events_per_column: u64,
    last_event: u64,
    /// The last event of the current column.
    column_end: u64,
    /// Live bytes of each row now.
    live: Vec<u64>,
    /// The same at the end of each column; missing rows of a shorter column are 0.
    columns: Vec<Vec<u64>>,
}

impl GridGauge {
    /// Before the first event.
    pub fn new(setting: &Setting) -> Self {
        let events = setting.profile.events();
        let events_per_column = events.div_ceil(MOST_COLUMNS).max(1);
        GridGauge {
            row_bits: setting.page_bytes.ilog2(),
            events_per_column,
            last_event: events,
            column_end: events_per_column.min(events),
            live: Vec::new(),
            columns: Vec::new(),
        }
    }

    /// The grid, after the replay.
    pub fn figures(&self) -> OccupancyGrid {
        let rows = self.live.len();
        let permille = |column: &Vec<u64>| {
            let live = column.iter().copied().chain(std::iter::repeat(0)).take(rows);
            live.map(|bytes| ((bytes * 1000) >> self.row_bits) as u16).collect()
        };
        OccupancyGrid {
            row_bytes: 1 << self.row_bits,
            events_per_column: self.events_per_column,
            live_permille: self.columns.iter().map(permille).collect(),
        }
    }

    fn change(&mut self, bytes: Range<u64>, change: impl Fn(u64, u64) -> u64) {
        while bytes.end > (MOST_ROWS as u64) << self.row_bits {
            self.row_bits += 1;
            std::iter::once(&mut self.live).chain(&mut self.columns).for_each(halve);
        }
        let last = ((bytes.end - 1) >> self.row_bits) as usize;
        if last >= self.live.len() {
            self.live.resize(last + 1, 0);
        }
        let mut start = bytes.start;
        for row in (bytes.start >> self.row_bits) as usize..=last {
            let end = bytes.end.min((row as u64 + 1) << self.row_bits);
            self.live[row] = change(self.live[row], end - start);
            start = end;
        }
    }
}

/// Merges neighbouring rows.
fn halve(rows: &mut Vec<u64>) {
    *rows = rows.chunks(2).map(|pair| pair.iter().sum()).collect();
}

impl Gauge for GridGauge {
    fn placed(&mut self, bytes: Range<u64>) {
        self.change(bytes, |live, more| live + more);
    }

    fn removed(&mut self, bytes: Range<u64>) {
        self.change(bytes, |live, less| live - less);
    }

    fn sample(&mut self, state: &HeapState) {
        if state.event == self.column_end {
            self.column_end = (state.event + self.events_per_column).min(self.last_event);
            self.columns.push(self.live.clone());
        }
    }
}
