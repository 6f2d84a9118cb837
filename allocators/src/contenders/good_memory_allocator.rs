//! The crate `good_memory_allocator`, for kernels: boundary tags, bins by size and by alignment, and one list of all
//! larger free chunks.
//!
//! It has a fixed pool: [`FixedPool`] explains what its footprint is. Where the first free chunk that is large enough is
//! not aligned as requested, it cuts the block from the *end* of that chunk. Right at the start that is the end of the
//! pool. So a program that aligns to 16 bytes, as C's `malloc` does, gets the whole limit as its footprint at once, and
//! only the smallest heap in which a trace completes says what it needs.
//!
//! A moved block may stay larger than requested, because a remainder below 32 bytes is not cut off.

use core::alloc::Layout;
use core::ptr::NonNull;

use good_memory_allocator::Allocator;

use crate::fixed_pool::{FixedPool, Pool};
use crate::heap_allocator::{Group, IdleKind, IdlePart, Info, Purpose};

/// good_memory_allocator in a pool.
pub type GoodMemoryAllocator = FixedPool<Galloc>;

/// The crate's allocator, without its lock.
#[derive(Debug)]
pub struct Galloc {
    /// Boxed because it must not move: the pool points into it.
    inner: Box<Allocator>,
}

// SAFETY: the crate guarantees this for its blocks, and all of them are in the memory that it is given.
unsafe impl Pool for Galloc {
    const INFO: Info = Info {
        name: "good_memory_allocator",
        crate_name: "good_memory_allocator",
        version: "0.1.7",
        purpose: Purpose::Contender,
        groups: &[Group::Embedded],
        summary: "the crate good_memory_allocator: tags and bins in a fixed pool of the heap limit, footprint: the end of \
                  its highest block; it takes blocks that are aligned to more than 8 bytes from the pool's end",
        refuses: None,
    };

    unsafe fn over(memory: NonNull<[u8]>) -> Self {
        let mut inner = Box::new(Allocator::empty());
        // SAFETY: upheld by the caller. The crate makes pointers from addresses, so they are exposed. A page is larger
        // than what it needs at least.
        unsafe { inner.init(memory.cast::<u8>().as_ptr().expose_provenance(), memory.len()) };
        Galloc { inner }
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.inner.alloc(layout) }
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, _layout: Layout) {
        // SAFETY: upheld by the caller.
        unsafe { self.inner.dealloc(block) }
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> Option<*mut u8> {
        // SAFETY: upheld by the caller.
        Some(unsafe { self.inner.realloc(block, layout, new_size) })
    }

    /// The crate has no call for this, so this reads its header: the word before a block holds the usable size, with flags
    /// in the lowest two bits.
    #[inline]
    unsafe fn usable_bytes(&self, block: *mut u8, _layout: Layout) -> Option<usize> {
        const FLAGS: usize = 0b11;
        // SAFETY: every live block of this crate has its header there.
        let header = unsafe { block.sub(size_of::<usize>()).cast::<usize>().read() };
        Some(header & !FLAGS)
    }

    fn idle(&self, live_blocks: usize) -> Vec<IdlePart> {
        let bytes = live_blocks * size_of::<usize>();
        vec![IdlePart { kind: IdleKind::Metadata, name: "headers of live blocks", bytes }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap_allocator::HeapAllocator;
    use crate::page_heap::{Guard, PageHeap};

    fn ask(allocator: &mut GoodMemoryAllocator, bytes: usize, align: usize) -> *mut u8 {
        // SAFETY: no test asks for 0 bytes.
        unsafe { allocator.alloc(Layout::from_size_align(bytes, align).unwrap()) }
    }

    /// Fails if the crate changes its headers.
    #[test]
    fn usable_sizes_reach_to_the_next_header() {
        let heap = PageHeap::reserve(4, Guard::Trap).unwrap();
        let mut allocator = GoodMemoryAllocator::create(heap.handle());
        for bytes in [1, 24, 25, 40, 100, 1000, 5001] {
            let [block, next] = [(); 2].map(|()| ask(&mut allocator, bytes, 8));
            // SAFETY: the block is live, and has this layout.
            let usable = unsafe { allocator.usable_bytes(block, Layout::from_size_align(bytes, 8).unwrap()) }.unwrap();
            assert!((bytes..=bytes + 32).contains(&usable), "{usable} for {bytes}");
            assert_eq!(next.addr() - block.addr(), usable + size_of::<usize>(), "{bytes}");
        }
    }

    /// Fails if the crate takes aligned blocks from elsewhere. Its summary says where.
    #[test]
    fn one_block_of_a_larger_alignment_makes_the_limit_the_footprint() {
        let heap = PageHeap::reserve(100, Guard::Trap).unwrap();
        let mut allocator = GoodMemoryAllocator::create(heap.handle());
        ask(&mut allocator, 24, 8);
        assert_eq!(heap.handle().committed_pages(), 1);
        // The next one is at 40 bytes from the start.
        ask(&mut allocator, 24, 16);
        assert_eq!(heap.handle().committed_pages(), 100);
    }
}
