//! The segregated bump allocator: its behaviour, and the defects of similar designs that it must not have.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ptr::NonNull;

use heaprace_allocators::checked::Checked;
use heaprace_allocators::faulty::GrowsWithoutItsClass;
use heaprace_allocators::page_heap::Guard;
use heaprace_allocators::shadow::{Shadow, Violation};
use heaprace_allocators::{HeapAllocator, HeapRef, PAGE_BYTES, PageHeap};
use segregated_bump::page_source::Region;
use segregated_bump::policies::Moving;
use segregated_bump::{PageSource, SegregatedBump, SingleThreaded};

type Ours = SegregatedBump<HeapRef>;

fn layout(bytes: usize, align: usize) -> Layout {
    Layout::from_size_align(bytes, align).unwrap()
}

fn heap(pages: usize) -> PageHeap {
    PageHeap::reserve(pages, Guard::Trap).unwrap()
}

// Defect 1: a block is grown in place to a size of a larger class, then freed. Reused as a whole block of that class,
// it overlaps its neighbour.

fn grow_free_reuse<A: HeapAllocator>(from: usize, to: usize, reuse: usize) -> Result<(), Violation> {
    let mut checked = Checked::<A>::with_limit_pages(4).unwrap();
    let small = checked.alloc(layout(from, 8), false)?.unwrap();
    let grown = checked.realloc(small, to)?.unwrap();
    checked.alloc(layout(16, 8), false)?.unwrap(); // the neighbour
    checked.dealloc(grown)?;
    checked.alloc(layout(reuse, 8), false)?.unwrap();
    checked.check_all()
}

#[test]
fn growing_in_place_reserves_the_whole_class() {
    for from in [1, 16, 20, 32, 64, 100] {
        for to in (from + 1)..=140 {
            for reuse in [16, 32, 64, 128] {
                assert_eq!(grow_free_reuse::<Ours>(from, to, reuse), Ok(()), "{from} -> {to}, then {reuse}");
            }
        }
    }
}

#[test]
fn growing_in_place_without_the_class_is_caught() {
    let overlap = Violation::Overlap { offset: 0, bytes: 64, other_offset: 48, other_bytes: 16 };
    assert_eq!(grow_free_reuse::<GrowsWithoutItsClass>(16, 40, 64), Err(overlap));
}

// Defect 2: `ptr + size` or rounding up to an alignment overflows near the end of the address space.

/// The last page of the address space. Its addresses are never accessed, because new blocks are not.
struct LastPage {
    given: bool,
}

// SAFETY: there is no memory, so this source is not for real use. The tests below only compare addresses, and free
// nothing.
unsafe impl PageSource for LastPage {
    fn run_align(&self) -> usize {
        PAGE_BYTES
    }

    fn acquire(&mut self, min_bytes: usize) -> Option<NonNull<[u8]>> {
        // Without its last 16 bytes, as the trait requires and the Wasm source does.
        let bytes = PAGE_BYTES - 16;
        if std::mem::replace(&mut self.given, true) || min_bytes > bytes {
            return None;
        }
        let start = std::ptr::without_provenance_mut(usize::MAX - PAGE_BYTES + 1);
        Some(NonNull::slice_from_raw_parts(NonNull::new(start).unwrap(), bytes))
    }
}

#[test]
fn nothing_overflows_at_the_end_of_the_address_space() {
    for (bytes, align) in [(1, 1), (128, 16), (129, 1), (100, 64), (4000, 4096), (1, 32_768), (65_520, 16)] {
        let mut allocator: SegregatedBump<_> = SegregatedBump::new(LastPage { given: false });
        let first = usize::MAX - PAGE_BYTES + 1;
        let mut end = first;
        let mut blocks = 0;
        loop {
            let block = allocator.alloc(layout(bytes, align)).addr();
            if block == 0 {
                break;
            }
            assert!(block >= end && block % align == 0, "{bytes} at {align}: {block:#x} after {end:#x}");
            end = block.checked_add(bytes).expect("a block does not wrap around");
            blocks += 1;
        }
        assert!(blocks > 0 && blocks <= PAGE_BYTES / bytes, "{bytes} at {align}: {blocks} blocks");
        // Full, so every further request fails.
        for (bytes, align) in
            [(isize::MAX as usize, 1), (isize::MAX as usize - 65_535, 65_536), (65_536, 1), (1 << 40, 1 << 40)]
        {
            assert!(allocator.alloc(layout(bytes, align)).is_null(), "{bytes} at {align}");
        }
    }
}

#[test]
fn absurd_requests_fail_on_a_fresh_heap() {
    for (bytes, align) in
        [(isize::MAX as usize, 1), (isize::MAX as usize - 65_535, 65_536), (1, 1 << 62), (1 << 62, 1 << 62)]
    {
        let heap = heap(16);
        let mut allocator = Ours::new(heap.handle());
        assert!(allocator.alloc(layout(bytes, align)).is_null(), "{bytes} at {align}");
        assert!(!allocator.alloc(layout(16, 16)).is_null());
    }
}

// Defect 3: the first growth omits the padding for an alignment, so the block runs past the end.

#[test]
fn the_first_growth_has_room_for_its_alignment() {
    for align_bits in 0..=24 {
        for bytes in [1, 16, 100, 128, 129, 65_536, 100_000] {
            let mut checked = Checked::<Ours>::with_limit_pages(1024).unwrap();
            let block = checked.alloc(layout(bytes, 1 << align_bits), true);
            assert!(matches!(block, Ok(Some(_))), "{bytes} at 2^{align_bits}: {block:?}");
        }
    }
}

// Defect 4: growth assumes that new pages continue the old ones, although another user of `memory.grow` came in
// between.

#[test]
fn foreign_pages_between_ours_stay_foreign() {
    let heap = heap(4096);
    let (pages, mut shadow) = (heap.handle(), Shadow::new(heap.handle()));
    let mut allocator = Ours::new(heap.handle());
    for step in 0..200usize {
        // A foreign page after ours. The shadow knows it as a live block, so any overlap is caught.
        let foreign = pages.grow(1).unwrap().as_ptr();
        let (bytes, align) = [(40, 8), (30_000, 8), (100, 4096), (70_000, 16), (10, 65_536), (10, 1 << 18)][step % 6];
        // SAFETY: blocks go straight to the shadow, which checks them before it writes.
        unsafe {
            shadow.allocated(foreign, layout(PAGE_BYTES, 1), false).unwrap();
            let block = allocator.alloc(layout(bytes, align));
            assert!(!block.is_null());
            assert_eq!(shadow.allocated(block, layout(bytes, align), false), Ok(()), "step {step}");
            // The block is at the bump pointer, with a foreign page after its run, so it cannot grow there.
            shadow.allocated(pages.grow(1).unwrap().as_ptr(), layout(PAGE_BYTES, 1), false).unwrap();
            let grown = allocator.realloc(block, layout(bytes, align), bytes + 200_000);
            assert_eq!(shadow.reallocated(block, grown, bytes + 200_000), Ok(()), "step {step}");
        }
    }
    // SAFETY: the heap was not reset.
    assert_eq!(unsafe { shadow.check_all() }, Ok(()));
}

// Defect 5: state in a `static`. This allocator keeps its state in the value.

#[test]
fn many_instances_coexist_on_several_threads() {
    let threads: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(|| {
                let mut many: Vec<_> = (0..8).map(|_| Checked::<Ours>::with_limit_pages(8).unwrap()).collect();
                (0..4000).try_for_each(|step: usize| {
                    let checked = &mut many[step % 8];
                    let block = checked.alloc(layout(1 + step % 150, 8), step.is_multiple_of(2))?.unwrap();
                    if step.is_multiple_of(3) { checked.dealloc(block) } else { Ok(()) }
                })?;
                many.iter_mut().try_for_each(Checked::check_all)
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), Ok(()));
    }
}

// Behaviour.

#[test]
fn requests_are_rounded_up_to_their_class_and_bins_are_last_in_first_out() {
    let heap = heap(1);
    let mut allocator = Ours::new(heap.handle());
    let base = heap.handle().base().addr().get();
    let mut offset = |bytes, align| allocator.alloc(layout(bytes, align)).addr() - base;
    assert_eq!(
        [offset(1, 1), offset(16, 16), offset(17, 1), offset(33, 8), offset(65, 4), offset(128, 1), offset(129, 1)],
        [0, 16, 32, 64, 128, 256, 384]
    );
    assert_eq!(
        [offset(10, 64), offset(1, 1)],
        [576, 592],
        "129 bytes take 144; an alignment above 16 is padded and has no class"
    );

    let blocks: Vec<_> = (0..3).map(|_| allocator.alloc(layout(20, 8))).collect();
    for &block in &blocks {
        // SAFETY: these are live blocks of this layout.
        unsafe { allocator.dealloc(block, layout(20, 8)) };
    }
    let again: Vec<_> = (0..3).map(|_| allocator.alloc(layout(32, 16))).collect();
    assert_eq!(again, blocks.into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn realloc_stays_grows_at_the_top_or_moves() {
    let heap = heap(16);
    let mut allocator = Ours::new(heap.handle());
    let block = allocator.alloc(layout(17, 1));
    // SAFETY: each block is live with the given layout until the next line.
    unsafe {
        assert_eq!(allocator.realloc(block, layout(17, 1), 32), block, "the class has room");
        assert_eq!(
            allocator.realloc(block, layout(32, 1), 300_000),
            block,
            "the last block grows in place over new pages"
        );
        assert_eq!(allocator.realloc(block, layout(300_000, 1), 10), block, "and shrinks in place");
        assert_eq!(allocator.alloc(layout(16, 1)), block.add(16), "the freed bytes are reused");
        let moved = allocator.realloc(block, layout(10, 1), 20);
        assert_eq!(moved, block.add(32), "no longer the last block");
        let small = allocator.realloc(moved, layout(20, 1), 1000);
        assert_eq!(small, moved, "the last block again");
        allocator.alloc(layout(1, 1));
        assert_eq!(allocator.realloc(small, layout(1000, 1), 500), small, "a large block that shrinks stays in place");
    }
}

#[test]
fn a_small_block_that_shrinks_does_not_lose_its_class() {
    let mut checked = Checked::<Ours>::with_limit_pages(1).unwrap();
    let blocker = layout(16, 1);
    // If it were kept in place and freed as 16 bytes, each round would need 128 more bytes: 512 rounds would fill the
    // page.
    for round in 0..5000 {
        let block = checked.alloc(layout(128, 8), false).unwrap().unwrap_or_else(|| panic!("full in round {round}"));
        let neighbour = checked.alloc(blocker, false).unwrap().unwrap();
        let shrunk = checked.realloc(block, 10).unwrap().unwrap();
        checked.dealloc(shrunk).unwrap();
        checked.dealloc(neighbour).unwrap();
    }
}

#[test]
fn without_in_place_realloc_every_realloc_moves() {
    let heap = heap(16);
    let mut allocator = SegregatedBump::<HeapRef, Moving>::new(heap.handle());
    let block = allocator.alloc(layout(20, 1));
    // SAFETY: the block is live with this layout.
    unsafe {
        block.write_bytes(9, 20);
        let moved = allocator.realloc(block, layout(20, 1), 21);
        assert_ne!(moved, block);
        assert!((0..20).all(|byte| moved.add(byte).read() == 9));
    }
}

#[test]
fn a_reset_begins_again_at_the_first_page() {
    let heap = heap(4);
    let mut allocator = Ours::new(heap.handle());
    let fill = |allocator: &mut Ours| -> Vec<_> {
        std::iter::repeat_with(|| allocator.alloc(layout(5000, 8))).take_while(|block| !block.is_null()).collect()
    };
    let first = fill(&mut allocator);
    assert_eq!(first.len(), 4 * PAGE_BYTES / 5008);
    // SAFETY: no block is in use any more.
    unsafe { allocator.reset() };
    assert_eq!(fill(&mut allocator), first);
}

#[test]
fn it_works_as_a_global_allocator() {
    // A static, to prove that `new` is const.
    static ALLOCATOR: SingleThreaded<SegregatedBump<Ram>> =
        // SAFETY: only this test uses it, on one thread.
        unsafe { SingleThreaded::new(SegregatedBump::new(Ram(Cell::new(None)))) };

    struct Ram(Cell<Option<Region>>);
    // SAFETY: a Region is a source; this one is created at the first call, from leaked memory.
    unsafe impl PageSource for Ram {
        fn run_align(&self) -> usize {
            1
        }

        fn acquire(&mut self, min_bytes: usize) -> Option<NonNull<[u8]>> {
            self.0.take().unwrap_or_else(|| Region::new(Box::leak(Box::new_uninit_slice(100_000)))).acquire(min_bytes)
        }
    }

    // SAFETY: there is one thread, and each block is live with the given layout.
    unsafe {
        let block = ALLOCATOR.alloc_zeroed(layout(50, 2));
        assert!((0..50).all(|byte| block.add(byte).read() == 0));
        block.write_bytes(3, 50);
        let block = ALLOCATOR.realloc(block, layout(50, 2), 60_000);
        assert!((0..50).all(|byte| block.add(byte).read() == 3));
        ALLOCATOR.dealloc(block, layout(60_000, 2));
        assert!(!ALLOCATOR.alloc(layout(30_000, 2)).is_null());
        assert!(!ALLOCATOR.alloc(layout(100_000, 2)).is_null(), "a second region");
    }
}
