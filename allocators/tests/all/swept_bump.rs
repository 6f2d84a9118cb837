//! The swept bump allocator: what it promises, and that its self check finds what breaks it.

mod exhaustive;
mod faults;
mod members;
mod patterns;
pub(crate) mod stress;
pub(crate) mod subject;

use std::alloc::Layout;

use heaprace_allocators::contenders::swept_bump::SweptBump;
use heaprace_allocators::page_heap::Guard;
use heaprace_allocators::{HeapAllocator, IdleKind, PageHeap, PageSize};

#[test]
fn the_idle_parts_and_the_live_blocks_of_the_contender_add_up_to_the_heap() {
    for page_bytes in [256, 4096, 65_536] {
        let page = PageSize::from_bytes(page_bytes).unwrap();
        let heap = PageHeap::reserve_sized(page, page.pages_for(1 << 19), Guard::Trap).unwrap();
        let mut allocator: SweptBump = SweptBump::create(heap.handle());
        assert!(allocator.idle(0).iter().all(|part| part.bytes == 0), "no memory yet");
        let (mut random, mut live) = (stress::Random(3), Vec::new());
        let mut kinds = Vec::new();
        for _ in 0..3000 {
            if !live.is_empty() && random.below(5) < 2 {
                let (block, layout) = live.swap_remove(random.below(live.len()));
                // SAFETY: the block is live, with this layout.
                unsafe { allocator.dealloc(block, layout) };
            } else {
                let layout = Layout::from_size_align(1 + random.below(2500), 1 << random.below(8)).unwrap();
                let block = allocator.alloc(layout);
                if !block.is_null() {
                    live.push((block, layout));
                }
            }
            // SAFETY: the blocks are live, with these layouts.
            let usable = |&(block, layout): &(*mut u8, Layout)| unsafe { allocator.usable_bytes(block, layout) };
            let used: usize = live.iter().filter_map(usable).sum();
            let idle = allocator.idle(live.len());
            assert_eq!(used + idle.iter().map(|part| part.bytes).sum::<usize>(), heap.handle().committed_bytes());
            kinds.extend(idle.iter().filter(|part| part.bytes > 0).map(|part| part.kind));
        }
        assert!([IdleKind::Free, IdleKind::Tail, IdleKind::Metadata].iter().all(|kind| kinds.contains(kind)));
        assert!(heap.handle().refused_grows() > 0, "the heap is full in the end");
    }
}
