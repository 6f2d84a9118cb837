//! Counting the bytes that are given up.

/// Whether an allocator counts the bytes that it gives up: `()` does not, [`Lost`] does.
pub trait Accounting {
    /// Whether it counts.
    const COUNTS: bool;

    /// The initial count: nothing is lost yet.
    const START: Self;

    /// Adds bytes to [`Lost::freed_bytes`].
    fn add_freed(&mut self, bytes: usize);

    /// Adds bytes to [`Lost::padding_bytes`].
    fn add_padding(&mut self, bytes: usize);

    /// The counts, if it counts.
    fn lost(&self) -> Option<Lost>;
}

impl Accounting for () {
    const COUNTS: bool = false;
    const START: Self = ();

    #[inline]
    fn add_freed(&mut self, _bytes: usize) {}

    #[inline]
    fn add_padding(&mut self, _bytes: usize) {}

    fn lost(&self) -> Option<Lost> {
        None
    }
}

impl Accounting for Lost {
    const COUNTS: bool = true;
    const START: Self = Lost { freed_bytes: 0, padding_bytes: 0 };

    #[inline]
    fn add_freed(&mut self, bytes: usize) {
        self.freed_bytes += bytes;
    }

    #[inline]
    fn add_padding(&mut self, bytes: usize) {
        self.padding_bytes += bytes;
    }

    fn lost(&self) -> Option<Lost> {
        Some(*self)
    }
}

/// Bytes that are given up until the next reset: they are in no bin, and the top is past them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Bytes of large blocks that were freed and [`Discarded`](crate::policies::Discarded), and what blocks that shrank
    /// in place gave up.
    pub freed_bytes: usize,
    /// Padding before blocks with an alignment above 16, and the ends of runs that the source did not continue.
    pub padding_bytes: usize,
}
