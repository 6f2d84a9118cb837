//! The end of a replay is taken in the first replay of an examination, or in the second: both take the same.

use std::alloc::Layout;

use heaprace::lane::Lane;
use heaprace::limits::Limits;
use heaprace::memory::metrics::Instant;
use heaprace_allocators::contenders::bump::Bump;
use heaprace_allocators::contenders::dlmalloc::Dlmalloc;
use heaprace_allocators::contenders::talc::Talc;
use heaprace_allocators::page_heap::Guard;
use heaprace_allocators::{HeapAllocator, HeapRef, IdlePart, Info};
use heaprace_reports::results::Moment;
use proptest::prelude::*;

use crate::program;

/// The same allocator as another type, which stands for one with accounting.
struct Same<A>(A);

// SAFETY: every block is the allocator's.
unsafe impl<A: HeapAllocator> HeapAllocator for Same<A> {
    const INFO: Info = A::INFO;
    const KNOWS_ALL_IDLE: bool = A::KNOWS_ALL_IDLE;

    fn create(heap: HeapRef) -> Self {
        Same(A::create(heap))
    }

    unsafe fn usable_bytes(&self, block: *mut u8, layout: Layout) -> Option<usize> {
        // SAFETY: upheld by the caller.
        unsafe { self.0.usable_bytes(block, layout) }
    }

    fn idle(&self, live_blocks: usize) -> Vec<IdlePart> {
        self.0.idle(live_blocks)
    }

    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: upheld by the caller.
        unsafe { self.0.dealloc(block, layout) }
    }

    unsafe fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.0.realloc(block, layout, new_size) }
    }
}

/// Lines of events on objects of which some are left live. Sizes repeat, so that reallocations often keep them.
fn lines() -> impl Strategy<Value = String> {
    let step = (0..4, any::<prop::sample::Index>(), prop::sample::select(vec![8, 40, 40, 3000, 70_000]));
    prop::collection::vec(step, 1..60).prop_map(|steps| {
        let (mut lines, mut live) = (String::new(), Vec::new());
        for (number, (kind, which, size)) in (0..).zip(steps) {
            if kind < 2 || live.is_empty() {
                live.push(number);
                lines += &format!("alloc,{number},{size},8\n");
            } else {
                let which = which.index(live.len());
                match kind {
                    2 => lines += &format!("realloc,{},{size}\n", live[which]),
                    _ => lines += &format!("dealloc,{}\n", live.swap_remove(which)),
                }
            }
        }
        lines
    })
}

fn takes_the_same<A: HeapAllocator>(lines: &str, pages: usize) -> Result<(), TestCaseError> {
    let program = program(lines);
    let at = [Instant::At(Moment::End), Instant::Event(5), Instant::At(Moment::PeakHeap)];
    let mut lane = Lane::new(&program, pages, Guard::Trap).unwrap();
    let in_the_first = lane.examine::<A, A>(true, &at, Limits::NONE).unwrap();
    let in_the_second = lane.examine::<A, Same<A>>(true, &at, Limits::NONE).unwrap();
    prop_assert_eq!(in_the_first, in_the_second);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_end_is_the_same_from_the_first_replay_and_from_the_second(lines in lines(), pages in 1_usize..40) {
        takes_the_same::<Dlmalloc>(&lines, pages)?;
        takes_the_same::<Talc>(&lines, pages)?;
        // It moves every block that is resized, even to its own size.
        takes_the_same::<Bump>(&lines, pages)?;
    }
}
