//! The simulated page heap, which gives every contender its pages and counts them.
//!
//! It behaves like a WebAssembly memory: pages in address order, a grow that returns the first new page or fails, no
//! moves and no shrinking. Unlike a WebAssembly memory, it can be emptied between replays, many heaps can coexist, and
//! the [`PageSize`] need not be 64 KiB: smaller pages model firmware and kernels.
//!
//! Every heap begins at a multiple of 4 GiB, the [`BASE_ALIGN`], because allocators depend on absolute addresses: they
//! pad for alignment, or find the start of a page with a mask. An address therefore has the same low 32 bits in every
//! heap and every process, as in a WebAssembly memory that begins at 0, and every memory figure repeats.
//!
//! ```
//! use heaprace_allocators::{PAGE_BYTES, PageHeap, page_heap::Guard};
//!
//! let mut heap = PageHeap::reserve(1024, Guard::Trap)?;
//! heap.set_limit_pages(3);
//! let pages = heap.handle();
//! let first = pages.grow(2).expect("two of three pages");
//! assert_eq!(first, pages.base());
//! assert_eq!(pages.grow(2), None, "past the limit");
//! assert_eq!(pages.committed_bytes(), 2 * PAGE_BYTES);
//! drop(pages);
//! heap.reset()?;
//! assert_eq!(heap.handle().committed_bytes(), 0);
//! # Ok::<(), heaprace_allocators::page_heap::PageHeapError>(())
//! ```

mod budget;
mod error;
mod pool;

use std::cell::Cell;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Arc;

use segregated_bump::PageSource;

use crate::os;
use crate::page_size::PageSize;

pub use crate::page_size::PAGE_BYTES;
pub use budget::MemoryBudget;
pub use error::PageHeapError;

/// Maximum pages of a 32-bit WebAssembly memory (4 GiB): the natural size of a reservation.
pub const WASM32_PAGES: usize = 65_536;

/// Alignment of every heap's base in bytes: 4 GiB, so that alignments up to 4 GiB cost the same in every heap. This
/// uses address space only. A 32-bit host has no room for it, so the value is 4 MiB there, and figures of requests with
/// larger alignments can differ from run to run.
pub const BASE_ALIGN: usize = if usize::BITS > 32 { 1 << (usize::BITS / 2) } else { 4 << 20 };

/// Bytes in a page of the host: the amount that a first touch makes resident.
pub fn host_page_bytes() -> usize {
    os::host_page_bytes()
}

/// What an access outside the committed pages does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// It traps: each grow opens just its pages. For tests and verification. The host cannot protect units smaller than
    /// its own pages. If the heap's pages are smaller, an access past the last page goes unnoticed up to the end of its
    /// host page; only [`contains`](HeapRef::contains), and so the shadow model, is exact there.
    Trap,
    /// It may go unnoticed: pages are opened 64 MiB at a time, so that a grow is nearly always an addition. For timing.
    Batched,
}

impl Guard {
    /// Minimum bytes to open at once: whole pages of the heap and of the host, because all are powers of two.
    fn batch_bytes(self, page: PageSize) -> usize {
        match self {
            Guard::Trap => page.bytes().max(host_page_bytes()),
            Guard::Batched => 64 << 20,
        }
    }
}

/// The owner of a heap: sets its limit, and resets it while no allocator uses it.
#[derive(Debug)]
pub struct PageHeap {
    memory: Rc<Memory>,
}

/// A handle to a heap, for a contender or an observer. Cheap to clone. The heap lives as long as any handle.
#[derive(Clone, Debug)]
pub struct HeapRef {
    memory: Rc<Memory>,
}

#[derive(Debug)]
struct Memory {
    /// The first page, at a multiple of [`BASE_ALIGN`].
    base: NonNull<u8>,
    page: PageSize,
    /// Reserved bytes from the base, in whole host pages: all pages, or as many as the budget has memory for.
    capacity_bytes: usize,
    guard: Guard,
    pages: usize,
    // In bytes, so that the code that runs for every request needs no multiplication. All are whole pages.
    limit_bytes: Cell<usize>,
    /// What a grow may reach: the limit, or nothing if the memory is one pool.
    growable_bytes: Cell<usize>,
    committed_bytes: Cell<usize>,
    /// Readable and writable bytes that are taken from the budget; at least the committed ones.
    open_bytes: Cell<usize>,
    /// Bytes of the [pool](HeapRef::open_pool): whole pages, all readable and writable. 0 if there is none.
    pool_bytes: Cell<usize>,
    grow_calls: Cell<u64>,
    refused_grows: Cell<u64>,
    budget: Option<Arc<MemoryBudget>>,
    over_budget: Cell<bool>,
}

impl PageHeap {
    /// A heap of up to `pages` pages of 64 KiB. Nothing is resident yet; the limit is `pages`.
    ///
    /// # Errors
    ///
    /// If the system cannot reserve that much address space.
    pub fn reserve(pages: usize, guard: Guard) -> Result<Self, PageHeapError> {
        Self::reserve_sized(PageSize::WASM, pages, guard)
    }

    /// A heap of up to `pages` pages of size `page`, at a multiple of [`BASE_ALIGN`].
    ///
    /// # Errors
    ///
    /// If the system cannot reserve that much address space.
    pub fn reserve_sized(page: PageSize, pages: usize, guard: Guard) -> Result<Self, PageHeapError> {
        Self::reserve_within(page, pages, guard, None)
    }

    /// The same for a heap that takes its pages from a budget. Address space that the budget has no memory for is not
    /// reserved.
    ///
    /// # Errors
    ///
    /// If the system cannot reserve that much address space.
    pub fn reserve_within(
        page: PageSize,
        pages: usize,
        guard: Guard,
        budget: Option<&Arc<MemoryBudget>>,
    ) -> Result<Self, PageHeapError> {
        let most_bytes = budget.map_or(usize::MAX, |budget| budget.total_bytes());
        // At least one host page, because an empty range cannot be reserved.
        let bytes = pages.checked_mul(page.bytes()).map(|bytes| bytes.min(most_bytes).max(1));
        let capacity_bytes = bytes.and_then(|bytes| bytes.checked_next_multiple_of(host_page_bytes()));
        // The system may have to reserve the alignment in addition.
        let fits = |bytes: &usize| bytes.checked_add(BASE_ALIGN).is_some_and(|bytes| isize::try_from(bytes).is_ok());
        let Some(capacity_bytes) = capacity_bytes.filter(fits) else {
            return Err(PageHeapError::TooLarge { pages, page });
        };
        let reserved = os::reserve(capacity_bytes, BASE_ALIGN);
        let base = reserved.map_err(|source| PageHeapError::Reserve { pages, page, source })?;
        let memory = Memory {
            base,
            page,
            capacity_bytes,
            guard,
            pages,
            limit_bytes: Cell::new(page.bytes_of(pages)),
            growable_bytes: Cell::new(page.bytes_of(pages)),
            committed_bytes: Cell::new(0),
            open_bytes: Cell::new(0),
            pool_bytes: Cell::new(0),
            grow_calls: Cell::new(0),
            refused_grows: Cell::new(0),
            budget: budget.cloned(),
            over_budget: Cell::new(false),
        };
        Ok(PageHeap { memory: Rc::new(memory) })
    }

    /// A handle to the heap, for an allocator or an observer.
    pub fn handle(&self) -> HeapRef {
        HeapRef { memory: Rc::clone(&self.memory) }
    }

    /// Makes every grow past `pages` committed pages fail from now on. The reservation is an upper bound for the limit.
    pub fn set_limit_pages(&mut self, pages: usize) {
        let memory = &*self.memory;
        memory.limit_bytes.set(memory.page.bytes_of(pages.min(memory.pages)));
        if memory.pool_bytes.get() == 0 {
            memory.growable_bytes.set(memory.limit_bytes.get());
        }
    }

    /// The current limit, in pages.
    pub fn limit_pages(&self) -> usize {
        self.memory.page.pages_in(self.memory.limit_bytes.get())
    }

    /// The size of the [budget](Self::reserve_within) if a grow has failed because it would have passed it, since the heap was
    /// created or reset. What a contender then does says nothing about it: it would depend on the machine.
    pub fn passed_budget_bytes(&self) -> Option<usize> {
        self.memory.budget.as_ref().filter(|_| self.memory.over_budget.get()).map(|budget| budget.total_bytes())
    }

    /// Takes all pages back: the next replay gets fresh, zeroed pages and pays for their first touch. Counts restart at
    /// 0; the limit stays.
    ///
    /// Pages cannot stay resident across a reset, because that matches no real program: a program that keeps running
    /// keeps its allocator as well.
    ///
    /// # Errors
    ///
    /// If the system does not take the pages back.
    ///
    /// # Panics
    ///
    /// If a [`HeapRef`] still exists: its owner might touch the pages.
    pub fn reset(&mut self) -> Result<(), PageHeapError> {
        assert_eq!(Rc::strong_count(&self.memory), 1, "a page heap can be reset only when no allocator holds it");
        let memory = &*self.memory;
        memory.committed_bytes.set(0);
        memory.grow_calls.set(0);
        memory.refused_grows.set(0);
        memory.over_budget.set(false);
        let bytes = memory.open_bytes.get().max(memory.accessible_pool_bytes());
        if bytes > 0 {
            // SAFETY: accessible bytes are whole host pages of the reservation, and the assertion shows that no handle
            // exists.
            unsafe { os::close(memory.base, bytes) }.map_err(|source| PageHeapError::Reset { bytes, source })?;
            memory.give_back(memory.open_bytes.get());
            memory.open_bytes.set(0);
            memory.pool_bytes.set(0);
        }
        memory.growable_bytes.set(memory.limit_bytes.get());
        Ok(())
    }
}

impl HeapRef {
    /// Adds `pages` pages and returns the first one, or `None` if that would exceed the limit. A failed grow changes
    /// only the count of [refused grows](Self::refused_grows).
    ///
    /// The new pages directly follow the existing ones, and hold zeroes.
    #[inline]
    pub fn grow(&self, pages: usize) -> Option<NonNull<u8>> {
        let memory = &*self.memory;
        let first = memory.committed_bytes.get();
        // The limit may have been set below the committed size. The comparison is in pages: the bytes of a request may
        // exceed the address space.
        let Some(room) = memory.growable_bytes.get().checked_sub(first) else { return memory.refuse() };
        if pages > memory.page.pages_in(room) {
            return memory.refuse();
        }
        let end = first + memory.page.bytes_of(pages);
        if end > memory.open_bytes.get() && !memory.open_up_to(end) {
            return memory.refuse();
        }
        memory.committed_bytes.set(end);
        memory.grow_calls.set(memory.grow_calls.get() + 1);
        // SAFETY: byte `first` is within the reservation or just after its last page.
        Some(unsafe { memory.base.add(first) })
    }

    /// The page size.
    #[inline]
    pub fn page_size(&self) -> PageSize {
        self.memory.page
    }

    /// Bytes in a page.
    #[inline]
    pub fn page_bytes(&self) -> usize {
        self.page_size().bytes()
    }

    /// The address of the first page, committed or not. A multiple of [`BASE_ALIGN`].
    pub fn base(&self) -> NonNull<u8> {
        self.memory.base
    }

    /// Pages handed out.
    #[inline]
    pub fn committed_pages(&self) -> usize {
        self.memory.page.pages_in(self.committed_bytes())
    }

    /// Bytes handed out: the figure H of the metrics.
    #[inline]
    pub fn committed_bytes(&self) -> usize {
        self.memory.committed_bytes.get()
    }

    /// Successful calls of [`grow`](Self::grow).
    pub fn grow_calls(&self) -> u64 {
        self.memory.grow_calls.get()
    }

    /// Failed calls of [`grow`](Self::grow), or [requests without room](Self::note_full_pool) in a pool, since the heap was
    /// created or reset: whether the heap has met its limit. A contender may request more than it needs, and still serve
    /// the request after such a failure.
    pub fn refused_grows(&self) -> u64 {
        self.memory.refused_grows.get()
    }

    /// Bytes resident in the host's memory, over all host pages that contain committed pages, and all of a
    /// [pool](Self::open_pool). `None` if unknown.
    pub fn resident_bytes(&self) -> Option<usize> {
        let bytes = self.committed_bytes().max(self.memory.pool_bytes.get());
        // SAFETY: committed pages and pools belong to the reservation, which consists of whole host pages.
        unsafe { os::resident_bytes(self.memory.base, bytes) }
    }

    /// Whether the `bytes` bytes from `address` are all within the committed pages.
    #[inline]
    pub fn contains(&self, address: usize, bytes: usize) -> bool {
        address
            .checked_sub(self.memory.base.addr().get())
            .and_then(|offset| offset.checked_add(bytes))
            .is_some_and(|end| end <= self.committed_bytes())
    }
}

impl Memory {
    /// Opens the bytes up to there, and returns whether they are open now. If not, the system is out of memory, which
    /// is a valid outcome.
    #[cold]
    fn open_up_to(&self, bytes: usize) -> bool {
        let (open, pool) = (self.open_bytes.get(), self.accessible_pool_bytes());
        let most = if pool == 0 { self.capacity_bytes } else { pool };
        let up_to = |unit: usize| bytes.next_multiple_of(unit).min(most);
        // A budget that has no room for a batch may have room for what is needed.
        let ends = [up_to(self.guard.batch_bytes(self.page)), up_to(host_page_bytes())];
        let Some(end) = ends.into_iter().find(|&end| end >= bytes && self.take(end - open)) else {
            self.over_budget.set(true);
            return false;
        };
        // SAFETY: bytes `open..end` are whole host pages of the reservation.
        let opened = pool != 0 || unsafe { os::open(self.base.add(open), end - open) }.is_ok();
        if opened {
            self.open_bytes.set(end);
        } else {
            self.give_back(end - open);
        }
        opened
    }

    /// The bytes of the pool, and those after it in its last host page.
    fn accessible_pool_bytes(&self) -> usize {
        self.pool_bytes.get().next_multiple_of(host_page_bytes())
    }

    fn take(&self, bytes: usize) -> bool {
        self.budget.as_ref().is_none_or(|budget| budget.take(bytes))
    }

    fn give_back(&self, bytes: usize) {
        if let Some(budget) = &self.budget {
            budget.give_back(bytes);
        }
    }

    #[cold]
    fn refuse(&self) -> Option<NonNull<u8>> {
        self.refused_grows.set(self.refused_grows.get() + 1);
        None
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: this is the whole reservation, and its last handle is being dropped.
        unsafe { os::release(self.base, self.capacity_bytes) };
        self.give_back(self.open_bytes.get());
    }
}

// SAFETY: pages from the heap are readable and writable and are handed out once between resets, and a reset requires
// that no handle exists. They are aligned to their size and contiguous within one reservation, which is not at the end
// of the address space.
unsafe impl PageSource for HeapRef {
    const ZEROED: bool = true;

    fn run_align(&self) -> usize {
        self.page_bytes()
    }

    fn acquire(&mut self, min_bytes: usize) -> Option<NonNull<[u8]>> {
        let page = self.page_size();
        let pages = page.pages_for(min_bytes);
        let first = self.grow(pages)?;
        Some(NonNull::slice_from_raw_parts(first, page.bytes_of(pages)))
    }
}

#[cfg(test)]
mod tests;
