//! The most requested sizes.

use heaprace_recorder::IdMap;
use serde::Serialize;

/// How many different sizes are counted. Real programs request some thousands.
const MOST_SIZES: usize = 1 << 16;

/// Counts of requests by size: exact for the first 65,536 different sizes, which bounds the memory. Requests of later
/// sizes are counted together.
#[derive(Debug, Default)]
pub(super) struct SizeCounts {
    counts: IdMap<u64>,
    uncounted: u64,
}

/// A size and how often it was requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SizeCount {
    /// The size, in bytes.
    pub size_bytes: u64,
    /// Requests of this very size.
    pub requests: u64,
}

impl SizeCounts {
    #[inline]
    pub(super) fn add(&mut self, size: u64) {
        if let Some(count) = self.counts.get_mut(&size) {
            *count += 1;
        } else if self.counts.len() < MOST_SIZES {
            self.counts.insert(size, 1);
        } else {
            self.uncounted += 1;
        }
    }

    /// The most requested sizes, up to `most` of them; of two with the same count, the smaller first.
    pub(super) fn top(&self, most: usize) -> Vec<SizeCount> {
        let mut all: Vec<SizeCount> =
            self.counts.iter().map(|(&size_bytes, &requests)| SizeCount { size_bytes, requests }).collect();
        all.sort_unstable_by_key(|size| (core::cmp::Reverse(size.requests), size.size_bytes));
        all.truncate(most);
        all
    }

    /// Different sizes that were counted.
    pub(super) fn distinct(&self) -> u64 {
        self.counts.len() as u64
    }

    /// Requests of sizes beyond those that are counted.
    pub(super) fn uncounted(&self) -> u64 {
        self.uncounted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_asked_for_comes_first_and_of_two_even_the_smaller() {
        let mut sizes = SizeCounts::default();
        [8, 24, 16, 24, 8].into_iter().for_each(|size| sizes.add(size));
        let top: Vec<_> = sizes.top(2).iter().map(|size| (size.size_bytes, size.requests)).collect();
        assert_eq!(top, [(8, 2), (24, 2)]);
        assert_eq!((sizes.distinct(), sizes.uncounted()), (3, 0));
    }

    #[test]
    fn past_the_bound_known_sizes_are_still_counted_and_new_ones_together() {
        let mut sizes = SizeCounts::default();
        (1..=MOST_SIZES as u64 + 3).for_each(|size| sizes.add(size));
        sizes.add(5);
        assert_eq!(sizes.top(1), [SizeCount { size_bytes: 5, requests: 2 }]);
        assert_eq!((sizes.distinct(), sizes.uncounted()), (MOST_SIZES as u64, 3));
    }
}
