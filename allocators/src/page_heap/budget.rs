//! Memory that several heaps share.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A maximum for the memory of all heaps that [take part](super::PageHeap::reserve_within), in one process, on any thread.
///
/// The pages that a heap opens count, whether touched or not: a program may write to all of them. A grow that would pass
/// the budget fails, and the heap [says so](super::PageHeap::passed_budget_bytes). Other memory can be taken as well.
#[derive(Debug)]
pub struct MemoryBudget {
    total_bytes: usize,
    taken_bytes: AtomicUsize,
}

impl MemoryBudget {
    /// A budget of this size.
    pub const fn new(total_bytes: usize) -> Self {
        MemoryBudget { total_bytes, taken_bytes: AtomicUsize::new(0) }
    }

    /// Its size.
    pub fn total_bytes(&self) -> usize {
        self.total_bytes
    }

    /// Takes memory, and returns whether that much was left.
    pub fn take(&self, bytes: usize) -> bool {
        let taken = |taken: usize| taken.checked_add(bytes).filter(|&taken| taken <= self.total_bytes);
        self.taken_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }

    /// Gives back memory that was taken.
    pub fn give_back(&self, bytes: usize) {
        self.taken_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}
