//! Counts by powers of two: enough to see a distribution, in constant memory.

use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};

/// Classes of values: the zeroes, and one for each power of two.
pub(super) const CLASSES: usize = 65;

/// The class of a value: 0 for 0, else 1 more than the exponent of the largest power of two that it reaches.
#[inline]
pub(super) fn class_of(value: u64) -> usize {
    (u64::BITS - value.leading_zeros()) as usize
}

/// The smallest value of a class.
pub(super) fn first_of(class: usize) -> u64 {
    match class {
        0 => 0,
        _ => 1 << (class - 1),
    }
}

/// Counts of values by powers of two. A value belongs to the largest power of two that it reaches, and 0 to itself.
///
/// ```
/// use heaprace_traces::inspect::Histogram;
///
/// let mut sizes = Histogram::default();
/// [0, 24, 31, 32].into_iter().for_each(|size| sizes.add(size));
/// let buckets: Vec<_> = sizes.buckets().map(|bucket| (bucket.from, bucket.count)).collect();
/// assert_eq!(buckets, [(0, 1), (16, 2), (32, 1)]);
/// assert_eq!(sizes.total(), 4);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    /// First the zeroes, then for each power of two the values from it to below the next.
    counts: [u64; CLASSES],
}

/// A bucket of a [`Histogram`] with at least one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// Lower bound: 0 or a power of two.
    pub from: u64,
    /// Largest value that belongs to the bucket.
    pub to: u64,
    /// Values in the bucket.
    pub count: u64,
}

impl Histogram {
    /// Counts one value.
    #[inline]
    pub fn add(&mut self, value: u64) {
        self.counts[class_of(value)] += 1;
    }

    /// Removes a counted value.
    #[inline]
    pub(super) fn take_back(&mut self, value: u64) {
        self.counts[class_of(value)] -= 1;
    }

    /// Values counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The buckets that are not empty, smallest values first.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> + '_ {
        let filled = self.counts.iter().enumerate().filter(|&(_, &count)| count > 0);
        filled.map(|(class, &count)| {
            let from = first_of(class);
            Bucket { from, to: from + from.saturating_sub(1), count }
        })
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram { counts: [0; CLASSES] }
    }
}

impl Serialize for Histogram {
    /// As the list of its buckets.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for bucket in self.buckets() {
            list.serialize_element(&bucket)?;
        }
        list.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_lies_within_its_bucket() {
        for value in [0, 1, 2, 3, 4, 7, 8, 1023, 1024, u64::MAX / 2, u64::MAX / 2 + 1, u64::MAX] {
            let mut histogram = Histogram::default();
            histogram.add(value);
            let buckets: Vec<Bucket> = histogram.buckets().collect();
            assert_eq!(buckets.len(), 1);
            assert!((buckets[0].from..=buckets[0].to).contains(&value), "{value} in {buckets:?}");
            assert_eq!(
                buckets[0].to - buckets[0].from,
                buckets[0].from.saturating_sub(1),
                "as wide as its first value"
            );
        }
    }
}
