//! Objects counted by two figures at once, each by powers of two. It shows whether the small objects are those that
//! live long, which two histograms do not.

use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};

use super::histogram::{CLASSES, class_of, first_of};

/// Counts of pairs of values: a [`Histogram`](super::Histogram) of two dimensions, in constant memory.
///
/// ```
/// use heaprace_traces::inspect::JointHistogram;
///
/// let mut joint = JointHistogram::default();
/// joint.add(24, 1000);
/// joint.add(31, 513);
/// joint.add(32, 0);
/// let cells: Vec<_> = joint.cells().map(|cell| (cell.size_from, cell.lifetime_from, cell.count)).collect();
/// assert_eq!(cells, [(16, 512, 2), (32, 0, 1)]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JointHistogram {
    /// For each class of sizes the counts of its classes of lifetimes.
    counts: Box<[[u64; CLASSES]; CLASSES]>,
}

/// A cell of a [`JointHistogram`] with at least one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct JointCell {
    /// Lower bound of the sizes: 0 or a power of two.
    pub size_from: u64,
    /// Lower bound of the lifetimes: 0 or a power of two.
    pub lifetime_from: u64,
    /// Objects in the cell.
    pub count: u64,
}

impl JointHistogram {
    /// Counts one object.
    #[inline]
    pub fn add(&mut self, size: u64, lifetime: u64) {
        self.counts[class_of(size)][class_of(lifetime)] += 1;
    }

    /// The cells that are not empty, by size and then by lifetime.
    pub fn cells(&self) -> impl Iterator<Item = JointCell> + '_ {
        self.counts.iter().enumerate().flat_map(|(size, lifetimes)| {
            let filled = lifetimes.iter().enumerate().filter(|&(_, &count)| count > 0);
            filled.map(move |(lifetime, &count)| JointCell {
                size_from: first_of(size),
                lifetime_from: first_of(lifetime),
                count,
            })
        })
    }
}

impl Default for JointHistogram {
    fn default() -> Self {
        JointHistogram { counts: Box::new([[0; CLASSES]; CLASSES]) }
    }
}

impl Serialize for JointHistogram {
    /// As the list of its cells.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for cell in self.cells() {
            list.serialize_element(&cell)?;
        }
        list.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_values_have_a_cell_too() {
        let mut joint = JointHistogram::default();
        joint.add(u64::MAX, 0);
        joint.add(1, u64::MAX);
        joint.add(1, 1 << 63);
        let cells: Vec<_> = joint.cells().map(|cell| (cell.size_from, cell.lifetime_from, cell.count)).collect();
        assert_eq!(cells, [(1, 1 << 63, 2), (1 << 63, 0, 1)]);
    }
}
