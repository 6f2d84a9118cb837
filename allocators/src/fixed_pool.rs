//! Allocators with a fixed pool: they are given all their memory once, and cannot grow. Much firmware uses such.
//!
//! A [`Pool`] in a [`FixedPool`] is a contender. It gets one block of memory as large as the heap's limit, so it fails
//! where a contender that grows fails: at the limit. Its footprint is its high-water mark: the pages up to the end of
//! the highest block so far. Memory that the allocator only sets up or writes its own data to does not count.
//!
//! The mark means little for an allocator that also takes blocks from the end of its pool: one such block makes the
//! whole limit its footprint. The smallest heap in which a trace completes (`--min-heap`) is the better figure
//! then.
//!
//! Times include the mark: a comparison for each new block. They cannot be taken without it, because the pages of the heap
//! after each lap of a timed replay belong to the figures.
//!
//! ```
//! use core::alloc::Layout;
//! use core::ptr::{self, NonNull};
//! use heaprace_allocators::fixed_pool::{FixedPool, Pool};
//! use heaprace_allocators::{Group, Info, PageSize, Purpose, conformance};
//!
//! /// Never frees.
//! struct Arena {
//!     next: *mut u8,
//!     room: usize,
//! }
//!
//! // SAFETY: blocks are disjoint parts of the memory, each aligned as requested.
//! unsafe impl Pool for Arena {
//!     const INFO: Info = Info {
//!         name: "arena",
//!         crate_name: "arena",
//!         version: "0.1.0",
//!         purpose: Purpose::Yardstick,
//!         groups: &[Group::Embedded],
//!         summary: "a bump pointer in a fixed pool; its footprint is the end of its highest block",
//!         refuses: None,
//!     };
//!
//!     unsafe fn over(memory: NonNull<[u8]>) -> Self {
//!         Arena { next: memory.cast().as_ptr(), room: memory.len() }
//!     }
//!
//!     unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
//!         let padding = self.next.align_offset(layout.align());
//!         match self.room.checked_sub(padding).and_then(|room| room.checked_sub(layout.size())) {
//!             Some(room) => {
//!                 let block = self.next.wrapping_add(padding);
//!                 (self.next, self.room) = (block.wrapping_add(layout.size()), room);
//!                 block
//!             }
//!             None => ptr::null_mut(),
//!         }
//!     }
//!
//!     unsafe fn dealloc(&mut self, _block: *mut u8, _layout: Layout) {}
//! }
//!
//! for case in conformance::cases::<FixedPool<Arena>>() {
//!     assert!((case.run)(PageSize::WASM).is_ok(), "{}", case.name);
//! }
//! ```

use core::alloc::Layout;
use core::ptr::{self, NonNull};

use crate::heap_allocator::{HeapAllocator, IdlePart, Info};
use crate::page_heap::HeapRef;

/// An allocator that is given all its memory at once.
///
/// # Safety
///
/// As for [`HeapAllocator`], with the memory given to [`over`](Self::over) in place of the committed pages. The
/// allocator has no other memory for its blocks.
pub unsafe trait Pool: Sized {
    /// Describes this contender. The summary says that the footprint is a high-water mark.
    const INFO: Info;

    /// A new allocator for this memory. The value is moved afterwards: box what must stay in place.
    ///
    /// # Safety
    ///
    /// The memory is readable and writable, and nothing else uses it as long as the allocator exists. It holds zeroes,
    /// but real pools need not.
    unsafe fn over(memory: NonNull<[u8]>) -> Self;

    /// Allocates a block for `layout`. Null means that there is no room for it.
    ///
    /// # Safety
    ///
    /// The layout's size is not 0.
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8;

    /// Frees a block.
    ///
    /// # Safety
    ///
    /// `block` is a live block of this allocator, and `layout` is its current layout.
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout);

    /// Changes a block's size as [`HeapAllocator::realloc`] does. `None` if the allocator has no such call: the block is
    /// then moved with the others.
    ///
    /// # Safety
    ///
    /// Same as for [`dealloc`](Self::dealloc). In addition, `new_size` is not 0 and, rounded up to the alignment, at
    /// most `isize::MAX`.
    #[inline]
    unsafe fn realloc(&mut self, _block: *mut u8, _layout: Layout, _new_size: usize) -> Option<*mut u8> {
        None
    }

    /// The usable size of a live block in bytes, as for [`HeapAllocator::usable_bytes`].
    ///
    /// # Safety
    ///
    /// Same as for [`dealloc`](Self::dealloc).
    #[inline]
    unsafe fn usable_bytes(&self, _block: *mut u8, _layout: Layout) -> Option<usize> {
        None
    }

    /// What the rest of the pool up to the high-water mark is for, as for [`HeapAllocator::idle`].
    fn idle(&self, _live_blocks: usize) -> Vec<IdlePart> {
        Vec::new()
    }
}

/// A [`Pool`] as a contender: its pool is as large as the heap's limit, and its footprint is its high-water mark.
#[derive(Debug)]
pub struct FixedPool<P> {
    /// `None` if there is no memory for a pool. Declared before the heap, so that it is dropped first.
    pool: Option<P>,
    heap: HeapRef,
    pool_bytes: usize,
    /// The address after the last committed page: blocks up to there are counted already.
    committed_end: usize,
}

// SAFETY: `Pool` promises the same for blocks in its memory, and only blocks in committed pages are handed out.
unsafe impl<P: Pool> HeapAllocator for FixedPool<P> {
    const INFO: Info = P::INFO;

    const HAS_FIXED_POOL: bool = true;

    fn create(heap: HeapRef) -> Self {
        let memory = heap.open_pool();
        FixedPool {
            // SAFETY: the pool is readable and writable, and the heap hands out none of it to anyone else.
            pool: memory.map(|memory| unsafe { P::over(memory) }),
            pool_bytes: memory.map_or(0, NonNull::len),
            committed_end: heap.base().addr().get(),
            heap,
        }
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        let Some(pool) = &mut self.pool else { return self.refuse(layout.size()) };
        // SAFETY: upheld by the caller.
        let block = unsafe { pool.alloc(layout) };
        if block.is_null() {
            return self.refuse(layout.size());
        }
        if block.addr().wrapping_add(layout.size()) > self.committed_end {
            // SAFETY: the block is new, and has this layout.
            return unsafe { self.raise_mark_for(block, layout) };
        }
        block
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is live, so there is a pool that it is from; the rest is upheld by the caller.
        unsafe { self.pool.as_mut().unwrap_unchecked().dealloc(block, layout) }
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the block is live, so there is a pool that it is from; the rest is upheld by the caller.
        match unsafe { self.pool.as_mut().unwrap_unchecked().realloc(block, layout, new_size) } {
            Some(moved) if moved.is_null() => self.refuse(new_size),
            Some(moved) => {
                let end = moved.addr().wrapping_add(new_size);
                if end > self.committed_end {
                    self.heap.commit_moved(end);
                    self.note_committed();
                }
                moved
            }
            None => {
                // SAFETY: upheld by the caller; both blocks are live during the copy and do not overlap.
                unsafe {
                    let moved = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
                    if !moved.is_null() {
                        moved.copy_from_nonoverlapping(block, layout.size().min(new_size));
                        self.dealloc(block, layout);
                    }
                    moved
                }
            }
        }
    }

    /// Up to the end of the block's last page at most: what lies past it may be past the mark, and no part of the footprint.
    /// The answer must not depend on the mark, because it is the same as long as the block lives.
    #[inline]
    unsafe fn usable_bytes(&self, block: *mut u8, layout: Layout) -> Option<usize> {
        // SAFETY: upheld by the caller.
        let usable = self.pool.as_ref().and_then(|pool| unsafe { pool.usable_bytes(block, layout) });
        let page_end = (block.addr() + layout.size()).next_multiple_of(self.heap.page_bytes());
        usable.map(|bytes| bytes.min(page_end - block.addr()))
    }

    fn idle(&self, live_blocks: usize) -> Vec<IdlePart> {
        self.pool.as_ref().map_or_else(Vec::new, |pool| pool.idle(live_blocks))
    }
}

impl<P: Pool> FixedPool<P> {
    /// Commits the pages of a new block past the mark. If they cannot be committed, it frees the block and returns null.
    ///
    /// # Safety
    ///
    /// The block is live and has this layout.
    #[cold]
    unsafe fn raise_mark_for(&mut self, block: *mut u8, layout: Layout) -> *mut u8 {
        let end = block.addr().wrapping_add(layout.size());
        if self.heap.commit_up_to(end) {
            self.note_committed();
        } else if end <= self.heap.base().addr().get() + self.pool_bytes {
            // SAFETY: upheld by the caller.
            unsafe { self.dealloc(block, layout) };
            return ptr::null_mut();
        }
        // A block past the pool is a fault of the allocator. Verification names it.
        block
    }

    fn note_committed(&mut self) {
        self.committed_end = self.heap.base().addr().get() + self.heap.committed_bytes();
    }

    /// Null, for a request of this size.
    #[cold]
    fn refuse(&self, bytes: usize) -> *mut u8 {
        self.heap.note_full_pool(bytes);
        ptr::null_mut()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::checked::Checked;
    use crate::heap_allocator::Purpose;
    use crate::page_heap::{Guard, MemoryBudget, PageHeap};
    use crate::page_size::{PAGE_BYTES, PageSize};
    use crate::violation::Violation;

    /// Puts each block where the test says, as an offset from the pool's start.
    struct Placed {
        memory: NonNull<[u8]>,
        offset: usize,
        frees: usize,
    }

    // SAFETY: not kept. The tests do not write to the blocks.
    unsafe impl Pool for Placed {
        const INFO: Info = Info {
            name: "placed",
            crate_name: env!("CARGO_PKG_NAME"),
            version: "0",
            purpose: Purpose::Contender,
            groups: &[],
            summary: "puts each block where a test says",
            refuses: None,
        };

        unsafe fn over(memory: NonNull<[u8]>) -> Self {
            Placed { memory, offset: 0, frees: 0 }
        }

        unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
            if layout.size() > self.memory.len() {
                return ptr::null_mut();
            }
            self.memory.cast::<u8>().as_ptr().wrapping_add(self.offset)
        }

        unsafe fn dealloc(&mut self, _block: *mut u8, _layout: Layout) {
            self.frees += 1;
        }

        unsafe fn usable_bytes(&self, _block: *mut u8, layout: Layout) -> Option<usize> {
            Some(layout.size() + 24)
        }

        unsafe fn realloc(&mut self, _block: *mut u8, layout: Layout, new_size: usize) -> Option<*mut u8> {
            // SAFETY: upheld by the caller.
            Some(unsafe { self.alloc(Layout::from_size_align(new_size, layout.align()).unwrap()) })
        }
    }

    fn bytes(bytes: usize) -> Layout {
        Layout::from_size_align(bytes, 1).unwrap()
    }

    impl FixedPool<Placed> {
        /// A block of this size at this offset.
        fn put(&mut self, offset: usize, size: usize) -> *mut u8 {
            self.pool.as_mut().unwrap().offset = offset;
            // SAFETY: the layout is not empty.
            unsafe { self.alloc(bytes(size)) }
        }
    }

    #[test]
    fn the_footprint_is_the_end_of_the_highest_block_so_far() {
        for page_bytes in [256, 4096, PAGE_BYTES] {
            let page = PageSize::from_bytes(page_bytes).unwrap();
            let heap = PageHeap::reserve_sized(page, 10, Guard::Trap).unwrap();
            let pages = || heap.handle().committed_pages();
            let mut allocator = FixedPool::<Placed>::create(heap.handle());
            assert_eq!(pages(), 0);
            for (offset, size, expected) in [
                (0, 1, 1),
                (0, page_bytes, 1),
                (1, page_bytes, 2),
                (5 * page_bytes, 1, 6),
                (page_bytes, 1, 6),
                (9 * page_bytes, page_bytes, 10),
            ] {
                assert!(!allocator.put(offset, size).is_null());
                assert_eq!(pages(), expected, "{size} at {offset}");
            }
            let block = allocator.put(0, 1);
            // SAFETY: the block is live.
            unsafe { allocator.dealloc(block, bytes(1)) };
            assert_eq!((pages(), heap.handle().refused_grows()), (10, 0), "freeing takes no page back");
        }
    }

    #[test]
    fn what_is_usable_past_the_last_page_of_a_block_is_not_reported() {
        let heap = PageHeap::reserve(10, Guard::Trap).unwrap();
        let mut allocator = FixedPool::<Placed>::create(heap.handle());
        for (offset, expected) in [(0, 34), (PAGE_BYTES - 10, 10), (PAGE_BYTES - 30, 30), (PAGE_BYTES, 34)] {
            let block = allocator.put(offset, 10);
            // SAFETY: the block is live, and has this layout.
            assert_eq!(unsafe { allocator.usable_bytes(block, bytes(10)) }, Some(expected), "at {offset}");
            assert!(allocator.heap.contains(block.addr(), expected));
        }
        let block = allocator.put(PAGE_BYTES - 10, 10);
        // SAFETY: the block is live, and has this layout.
        assert_eq!(unsafe { allocator.usable_bytes(block, bytes(10)) }, Some(10), "also once the mark is higher");
    }

    #[test]
    fn a_realloc_raises_the_mark() {
        let heap = PageHeap::reserve(10, Guard::Trap).unwrap();
        let mut allocator = FixedPool::<Placed>::create(heap.handle());
        let block = allocator.put(0, 1);
        // SAFETY: the block is live.
        assert_eq!(unsafe { allocator.realloc(block, bytes(1), PAGE_BYTES + 1) }, block);
        assert_eq!(heap.handle().committed_pages(), 2);
    }

    #[test]
    fn a_request_that_the_pool_has_no_room_for_counts_as_a_refused_grow() {
        let heap = PageHeap::reserve(10, Guard::Trap).unwrap();
        let mut allocator = FixedPool::<Placed>::create(heap.handle());
        let block = allocator.put(0, 1);
        assert!(allocator.put(0, 11 * PAGE_BYTES).is_null());
        // SAFETY: the block is live.
        assert!(unsafe { allocator.realloc(block, bytes(1), 11 * PAGE_BYTES) }.is_null());
        assert_eq!((heap.handle().refused_grows(), heap.passed_budget_bytes()), (2, None));
        let empty = PageHeap::reserve(0, Guard::Trap).unwrap();
        // SAFETY: the layout is not empty.
        assert!(unsafe { FixedPool::<Placed>::create(empty.handle()).alloc(bytes(1)) }.is_null());
        assert_eq!(empty.handle().refused_grows(), 1);
    }

    #[test]
    fn past_the_memory_budget_a_new_block_is_taken_back_and_a_moved_one_counts() {
        let budget = Arc::new(MemoryBudget::new(10 * PAGE_BYTES));
        assert!(budget.take(6 * PAGE_BYTES));
        let heap = PageHeap::reserve_within(PageSize::WASM, 10, Guard::Trap, Some(&budget)).unwrap();
        let mut allocator = FixedPool::<Placed>::create(heap.handle());
        let block = allocator.put(3 * PAGE_BYTES, PAGE_BYTES);
        assert_eq!((heap.handle().committed_pages(), heap.passed_budget_bytes()), (4, None));
        assert!(allocator.put(4 * PAGE_BYTES, 1).is_null());
        assert_eq!(allocator.pool.as_ref().unwrap().frees, 1);
        assert_eq!((heap.handle().committed_pages(), heap.handle().refused_grows()), (4, 1));
        assert_eq!(heap.passed_budget_bytes(), Some(10 * PAGE_BYTES));
        allocator.pool.as_mut().unwrap().offset = 6 * PAGE_BYTES;
        // SAFETY: the block is live.
        assert!(!unsafe { allocator.realloc(block, bytes(PAGE_BYTES), 1) }.is_null());
        assert_eq!((heap.handle().committed_pages(), heap.handle().refused_grows()), (7, 2));
    }

    #[test]
    fn a_block_outside_the_pool_is_found_by_verification() {
        let mut checked = Checked::<FixedPool<PastTheEnd>>::with_limit_pages(3).unwrap();
        let violation = checked.alloc(bytes(2), false).unwrap_err();
        assert!(matches!(violation, Violation::OutsideHeap { committed_bytes: 0, .. }), "{violation}");
    }

    /// Takes a byte too many.
    struct PastTheEnd(NonNull<[u8]>);

    // SAFETY: not kept. The block goes to the shadow, which does not write to it.
    unsafe impl Pool for PastTheEnd {
        const INFO: Info = Info { name: "past-the-end", ..Placed::INFO };

        unsafe fn over(memory: NonNull<[u8]>) -> Self {
            PastTheEnd(memory)
        }

        unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
            self.0.cast::<u8>().as_ptr().wrapping_add(self.0.len() + 1 - layout.size())
        }

        unsafe fn dealloc(&mut self, _block: *mut u8, _layout: Layout) {}
    }
}
