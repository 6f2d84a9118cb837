//! The bytes that are in no live block, for tests and metrics.

use super::SegregatedBump;
use super::accounting::{Accounting, Lost};
use crate::page_source::PageSource;
use crate::policies::{Decisions, LargeFrees, SizeClasses};

/// The bytes that an allocator has got from its source and that are in no live block. Runs abandoned by a
/// [`reset`](SegregatedBump::reset) do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Idle {
    /// Bytes in all bins: see [`bins`](SegregatedBump::bins).
    pub bin_bytes: usize,
    /// Bytes of large free blocks that are used again.
    pub large_bytes: usize,
    /// Bytes from the top to the end of the run.
    pub tail_bytes: usize,
    /// Bytes that will not be reused; `None` if the allocator does not count them.
    pub lost: Option<Lost>,
}

impl<S: PageSource, P: Decisions, A: Accounting> SegregatedBump<S, P, A> {
    /// The bins, from the smallest class on: the size of its blocks, and the bytes of those that are free.
    ///
    /// ```
    /// use segregated_bump::{SegregatedBump, page_source::Region};
    /// use core::{alloc::Layout, mem::MaybeUninit};
    ///
    /// let ram = Box::leak(Box::new([MaybeUninit::uninit(); 4096]));
    /// let mut allocator: SegregatedBump<Region> = SegregatedBump::new(Region::new(ram));
    /// let layout = Layout::new::<[u8; 20]>();
    /// let block = allocator.alloc(layout);
    /// // SAFETY: the block is live, and this is its layout.
    /// unsafe { allocator.dealloc(block, layout) };
    /// assert_eq!(allocator.bins().collect::<Vec<_>>(), [(16, 0), (32, 32), (64, 0), (128, 0)]);
    /// ```
    pub fn bins(&self) -> impl Iterator<Item = (usize, usize)> {
        let bins = self.bins.as_ref().iter().take(P::Classes::count()).enumerate();
        bins.map(|(class, bin)| {
            let bytes = P::Classes::bytes_of(class);
            (bytes, bin.blocks().count() * bytes)
        })
    }

    /// Accounts for the bytes that are in no live block. It walks the bins, so it takes time proportional to the number
    /// of free blocks.
    pub fn idle(&self) -> Idle {
        Idle {
            bin_bytes: self.bins().map(|(_, bytes)| bytes).sum(),
            large_bytes: self.large.bytes(),
            tail_bytes: self.room(),
            lost: self.lost.lost(),
        }
    }
}
