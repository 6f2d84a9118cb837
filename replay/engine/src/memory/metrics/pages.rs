//! The pages of a heap by their share of live bytes.

use std::ops::Range;

/// Pages by their share of live bytes: 0 is empty (among those that an object has ever reached), k is from (k − 1) to
/// below k tenths, and the last one is full.
pub type PagesByTenth = [u64; 12];

/// Live bytes of each page. A block takes time proportional to the pages that it spans.
#[derive(Clone, Debug)]
pub(super) struct Pages {
    /// Bytes of a page, as a power of two: an event would divide by it four times.
    page_bits: u32,
    /// Live bytes of each page that ever had any.
    live_bytes: Vec<u64>,
}

impl Pages {
    pub(super) fn new(page_bytes: usize) -> Self {
        debug_assert!(page_bytes.is_power_of_two());
        Pages { page_bits: page_bytes.ilog2(), live_bytes: Vec::new() }
    }

    fn tenth(&self, live_bytes: u64) -> usize {
        match live_bytes {
            0 => 0,
            bytes => ((bytes * 10) >> self.page_bits) as usize + 1,
        }
    }

    /// Pages with a live byte.
    pub(super) fn occupied(&self, tenths: &PagesByTenth) -> u64 {
        self.live_bytes.len() as u64 - tenths[0]
    }

    /// Changes the live bytes of the pages that contain these bytes.
    pub(super) fn change(&mut self, bytes: Range<u64>, tenths: &mut PagesByTenth, change: impl Fn(u64, u64) -> u64) {
        let last = (bytes.end - 1) >> self.page_bits;
        if last as usize >= self.live_bytes.len() {
            tenths[0] += last + 1 - self.live_bytes.len() as u64;
            self.live_bytes.resize(last as usize + 1, 0);
        }
        let mut start = bytes.start;
        for page in bytes.start >> self.page_bits..=last {
            let end = bytes.end.min((page + 1) << self.page_bits);
            let before = self.live_bytes[page as usize];
            let after = change(before, end - start);
            tenths[self.tenth(before)] -= 1;
            tenths[self.tenth(after)] += 1;
            self.live_bytes[page as usize] = after;
            start = end;
        }
    }
}
