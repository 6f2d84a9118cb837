//! The measured allocator is the shipped one: on its own sources, `WasmPages` and `Region`, the segregated bump
//! allocator places every block and takes every page as on the simulated page heap.
//!
//! `memory.grow` does not exist here, so a mock replaces the instruction; the rest of `WasmPages` is the shipped code.
//! (In node, on a real WebAssembly memory that begins with 32 pages of its own, the first three programs gave the same
//! outcomes.)

use std::alloc::{Layout, alloc, dealloc};
use std::cell::Cell;
use std::ptr::NonNull;

use heaprace_allocators::page_heap::Guard;
use heaprace_allocators::{PAGE_BYTES, PageHeap};
use segregated_bump::page_source::{Region, wasm_run};
use segregated_bump::policies::{Classic, Moving, Policies, Published};
use segregated_bump::{Accounting, Lost, PageSource, SegregatedBump};

/// Pages of each source.
const PAGES: usize = 2048;

/// The highest alignment that programs request. Each source's memory begins at a multiple of it.
const MAX_ALIGN: usize = 1 << 20;

/// Memory for a source without a page heap. None of it is resident before it is used.
struct Memory {
    start: NonNull<u8>,
}

impl Memory {
    const LAYOUT: Layout = match Layout::from_size_align(PAGES * PAGE_BYTES, MAX_ALIGN) {
        Ok(layout) => layout,
        Err(_) => unreachable!(),
    };

    fn new() -> Self {
        // SAFETY: the layout is not empty.
        let start = unsafe { alloc(Self::LAYOUT) };
        start.expose_provenance();
        Memory { start: NonNull::new(start).expect("address space for the test") }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: `new` allocated it with this layout.
        unsafe { dealloc(self.start.as_ptr(), Self::LAYOUT) };
    }
}

/// `WasmPages` on a mock of a WebAssembly memory.
struct MockWasm<'a> {
    memory: &'a Memory,
    limit_pages: usize,
    pages: &'a Cell<usize>,
    fault: Fault,
}

/// The faults of a source, for the controls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// It requests 16 bytes too many: one page too many if a request fills its last page.
    AsksForMore,
    /// Another user of the memory takes the first page.
    BeginsLater,
    /// It has one page less than the others.
    EndsEarlier,
}

// SAFETY: the pages belong to the memory, and each is handed out once. `wasm_run` does the rest.
unsafe impl PageSource for MockWasm<'_> {
    fn run_align(&self) -> usize {
        PAGE_BYTES
    }

    fn acquire(&mut self, min_bytes: usize) -> Option<NonNull<[u8]>> {
        if self.fault == Fault::BeginsLater && self.pages.get() == 0 {
            self.pages.set(1);
        }
        let excess_bytes = if self.fault == Fault::AsksForMore { 16 } else { 0 };
        let limit_pages = self.limit_pages - usize::from(self.fault == Fault::EndsEarlier);
        wasm_run(min_bytes + excess_bytes, |more| {
            let before = self.pages.get();
            if more > limit_pages - before {
                return usize::MAX;
            }
            self.pages.set(before + more);
            self.memory.start.addr().get() / PAGE_BYTES + before
        })
    }
}

/// The result of an operation: the block's offset, if there is a block, and the pages taken so far.
type Outcome = (Option<usize>, usize);

/// Runs the program of this seed. Offsets are relative to `base`.
fn run<S: PageSource, P: Policies, A: Accounting>(
    seed: u64,
    source: S,
    base: NonNull<u8>,
    mut pages: impl FnMut(&SegregatedBump<S, P, A>) -> usize,
) -> Vec<Outcome> {
    let mut allocator = SegregatedBump::<S, P, A>::new(source);
    let mut random = seed;
    let mut below = |bound: usize| {
        // Knuth's generator; its upper bits are the better ones.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % bound
    };
    let mut live: Vec<(*mut u8, Layout)> = Vec::new();
    let mut outcomes = Vec::new();
    for step in 0..OPS {
        let bytes = match below(100) {
            0..70 => 1 + below(160),
            70..92 => 1 + below(5000),
            92..97 => 1 + below(200_000),
            _ => (1 + below(4)) * PAGE_BYTES,
        };
        // The first block has a low alignment; a separate test covers a first block with a high one.
        let align = match below(100) {
            0..3 if step > 0 => 1 << (5 + below(16)),
            // Whole pages, so that a request fills its last page exactly.
            3..50 if bytes.is_multiple_of(PAGE_BYTES) && step > 0 => PAGE_BYTES,
            _ => 1 << below(5),
        };
        let block = match below(10) {
            0..3 if !live.is_empty() => {
                let (block, layout) = live.swap_remove(below(live.len()));
                // SAFETY: the block is live, with this layout.
                unsafe { allocator.dealloc(block, layout) };
                None
            }
            3..6 if !live.is_empty() => {
                // Half of the time the latest block, which may grow and shrink in place.
                let which = if below(2) == 0 { live.len() - 1 } else { below(live.len()) };
                let (block, old) = live[which];
                let new = Layout::from_size_align(bytes, old.align()).unwrap();
                // SAFETY: the block is live, with this layout.
                let moved = NonNull::new(unsafe { allocator.realloc(block, old, bytes) });
                if let Some(moved) = moved {
                    live[which] = (moved.as_ptr(), new);
                }
                moved.map(|block| (block, new))
            }
            _ => {
                let layout = Layout::from_size_align(bytes, align).unwrap();
                let block = NonNull::new(allocator.alloc(layout));
                live.extend(block.map(|block| (block.as_ptr(), layout)));
                block.map(|block| (block, layout))
            }
        };
        if let Some((block, layout)) = block {
            // SAFETY: the block is as large as its layout.
            unsafe {
                block.write(step as u8);
                block.add(layout.size() - 1).write(step as u8);
            }
        }
        outcomes.push((block.map(|(block, _)| block.addr().get() - base.addr().get()), pages(&allocator)));
    }
    outcomes
}

const OPS: usize = 4000;

fn on_the_page_heap<P: Policies, A: Accounting>(seed: u64, limit_pages: usize) -> Vec<Outcome> {
    let heap = PageHeap::reserve(limit_pages, Guard::Trap).unwrap();
    let pages = heap.handle();
    run::<_, P, A>(seed, heap.handle(), pages.base(), |_| pages.committed_pages())
}

fn on_wasm_pages<P: Policies>(seed: u64, limit_pages: usize, fault: Fault) -> Vec<Outcome> {
    let (memory, pages) = (Memory::new(), Cell::new(0));
    let source = MockWasm { memory: &memory, limit_pages, pages: &pages, fault };
    run::<_, P, ()>(seed, source, memory.start, |_| pages.get())
}

/// A region is handed out whole, so the pages taken are those that the bump pointer has reached.
fn on_a_region<P: Policies>(seed: u64, limit_pages: usize) -> Vec<Outcome> {
    let memory = Memory::new();
    let bytes = limit_pages * PAGE_BYTES;
    // SAFETY: the memory is large enough, outlives the allocator, and has no other user.
    let region = unsafe { Region::from_raw(memory.start, bytes) };
    let mut highest = 0;
    run::<_, P, ()>(seed, region, memory.start, |allocator| {
        highest = (bytes - allocator.idle().tail_bytes).max(highest);
        highest.div_ceil(PAGE_BYTES)
    })
}

/// The first operation at which two allocators differ.
fn difference(one: &[Outcome], other: &[Outcome]) -> Option<(usize, Outcome, Outcome)> {
    assert_eq!((one.len(), other.len()), (OPS, OPS));
    (0..OPS).find(|&op| one[op] != other[op]).map(|op| (op, one[op], other[op]))
}

/// Programs: seeds, with more pages than they need and with so few that they run out.
const PROGRAMS: [(u64, usize); 6] = [(1, PAGES), (2, PAGES), (3, PAGES), (4, 300), (5, 100), (6, 10)];

fn shipped_matches_measured<P: Policies>() {
    for (seed, limit_pages) in PROGRAMS {
        let simulated = on_the_page_heap::<P, ()>(seed, limit_pages);
        let (_, pages) = simulated[OPS - 1];
        assert_eq!(pages == limit_pages, limit_pages < PAGES, "{pages} of {limit_pages}");
        let wasm = on_wasm_pages::<P>(seed, limit_pages, Fault::None);
        assert_eq!(difference(&simulated, &wasm), None, "WasmPages, seed {seed}");
        let region = on_a_region::<P>(seed, limit_pages);
        assert_eq!(difference(&simulated, &region), None, "Region, seed {seed}");
        let accounted = on_the_page_heap::<P, Lost>(seed, limit_pages);
        assert_eq!(difference(&simulated, &accounted), None, "with accounting, seed {seed}");
    }
}

#[test]
fn every_block_and_every_page_matches_the_page_heap() {
    shipped_matches_measured::<Classic>();
    shipped_matches_measured::<Moving>();
    shipped_matches_measured::<Published>();
}

#[test]
fn a_source_that_differs_is_detected() {
    for (fault, at_least) in [(Fault::AsksForMore, 3), (Fault::BeginsLater, 6), (Fault::EndsEarlier, 3)] {
        let differs = PROGRAMS.iter().filter(|&&(seed, limit_pages)| {
            let simulated = on_the_page_heap::<Classic, ()>(seed, limit_pages);
            difference(&simulated, &on_wasm_pages::<Classic>(seed, limit_pages, fault)).is_some()
        });
        let programs = differs.count();
        assert!(programs >= at_least, "{fault:?} shows in {programs} programs");
    }
}

/// A first block whose alignment exceeds a page's requests room for any padding, because the start of the run is
/// unknown. That takes pages on some sources. A region is handed out whole, so the page counts of the test above do not
/// apply to it.
#[test]
fn a_first_block_of_a_high_alignment_takes_its_padding_on_pages() {
    let layout = Layout::from_size_align(100, MAX_ALIGN).unwrap();
    let heap = PageHeap::reserve(PAGES, Guard::Trap).unwrap();
    let simulated = SegregatedBump::<_>::new(heap.handle()).alloc(layout);
    let (memory, pages) = (Memory::new(), Cell::new(0));
    let source = MockWasm { memory: &memory, limit_pages: PAGES, pages: &pages, fault: Fault::None };
    let wasm = SegregatedBump::<_>::new(source).alloc(layout);
    assert_eq!(simulated, heap.handle().base().as_ptr());
    assert_eq!(wasm, memory.start.as_ptr());
    assert_eq!((heap.handle().committed_pages(), pages.get()), (MAX_ALIGN / PAGE_BYTES, MAX_ALIGN / PAGE_BYTES));
}
