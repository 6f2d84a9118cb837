//! A heap as one pool, for allocators that are given all their memory at once.

use std::ptr::NonNull;

use super::{HeapRef, Memory};
use crate::os;

impl HeapRef {
    /// Makes all memory up to the limit readable and writable as one block, for an allocator that cannot grow. No page is
    /// committed, none is resident, and nothing is taken from a memory budget, until
    /// [`commit_up_to`](Self::commit_up_to) says that pages are in use. From now on, every [`grow`](Self::grow) fails.
    ///
    /// The pool keeps its size if the limit changes later.
    ///
    /// The pool ends early if a [memory budget](super::MemoryBudget) is smaller than the limit. `None` if the limit is 0,
    /// if the heap has handed out memory already, or if the system refuses.
    pub fn open_pool(&self) -> Option<NonNull<[u8]>> {
        let memory = &*self.memory;
        if memory.open_bytes.get() > 0 || memory.pool_bytes.get() > 0 {
            return None;
        }
        let most_bytes = memory.limit_bytes.get().min(memory.capacity_bytes);
        let bytes = memory.page.bytes_of(memory.page.pages_in(most_bytes));
        memory.pool_bytes.set(bytes);
        // SAFETY: these are whole host pages of the reservation, whose size is a multiple of that of host pages.
        if bytes == 0 || unsafe { os::open(memory.base, memory.accessible_pool_bytes()) }.is_err() {
            memory.pool_bytes.set(0);
            return None;
        }
        memory.growable_bytes.set(0);
        Some(NonNull::slice_from_raw_parts(memory.base, bytes))
    }

    /// Commits the pages of the [pool](Self::open_pool) up to the address `end`, if they are not committed yet. Returns
    /// whether they are now. If not, that is a [refused grow](Self::refused_grows): the address is past the pool, or past
    /// the memory budget.
    #[cold]
    pub fn commit_up_to(&self, end: usize) -> bool {
        let is_committed = self.pool_pages_up_to(end).is_some_and(|bytes| self.memory.commit(bytes));
        if !is_committed {
            self.memory.refuse();
        }
        is_committed
    }

    /// The same for a block that the allocator has moved there and cannot move back. If that passes the memory budget, the
    /// pages are committed all the same, and the heap [has passed it](super::PageHeap::passed_budget_bytes).
    #[cold]
    pub fn commit_moved(&self, end: usize) {
        if !self.commit_up_to(end)
            && let Some(bytes) = self.pool_pages_up_to(end)
        {
            self.memory.committed_bytes.set(bytes.max(self.committed_bytes()));
        }
    }

    /// The bytes of the pool's pages up to the address `end`. `None` if it is past the pool.
    fn pool_pages_up_to(&self, end: usize) -> Option<usize> {
        let memory = &*self.memory;
        let offset = end.checked_sub(memory.base.addr().get());
        let bytes = offset.filter(|&bytes| bytes <= memory.pool_bytes.get())?;
        Some(memory.page.bytes_of(memory.page.pages_for(bytes)))
    }

    /// Counts a request of this size that the [pool](Self::open_pool) has no room for as a
    /// [refused grow](Self::refused_grows), so that it is known that the heap has met its limit. If the pool ends early
    /// because of a memory budget, the heap has passed that budget.
    #[cold]
    pub fn note_full_pool(&self, request_bytes: usize) {
        let memory = &*self.memory;
        let limit_bytes = memory.limit_bytes.get();
        if memory.capacity_bytes < limit_bytes && request_bytes <= limit_bytes {
            memory.over_budget.set(true);
        }
        memory.refuse();
    }
}

impl Memory {
    /// Commits the pages of the pool up to there, and returns whether there is memory for them.
    fn commit(&self, bytes: usize) -> bool {
        let is_open = bytes <= self.open_bytes.get() || self.open_up_to(bytes);
        if is_open {
            self.committed_bytes.set(bytes.max(self.committed_bytes.get()));
        }
        is_open
    }
}
