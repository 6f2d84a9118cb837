//! Designs whose decisions are looked up place every block where the members that are compiled with them do.

use std::alloc::Layout;

use heaprace_allocators::contenders::segregated_bump::members::Fit;
use heaprace_allocators::family::{Allocator, Design, Search, Tried, Use};
use heaprace_allocators::page_heap::Guard;
use heaprace_allocators::{HeapRef, PageHeap, PageSize};
use segregated_bump::policies::{
    Classic, Discarded, GrowthStep, ListsBySize, Moving, Multiples, Policies, PowersOfTwo, Published, SweepAfter,
    Swept, SweptPolicies,
};
use segregated_bump::{SegregatedBump, SweptBump};

use crate::swept_bump::stress::Random;

const PAGE_BYTES: usize = 4096;
const PAGES: usize = 400;

/// Places of a random program's blocks, as offsets from the heap's first byte; `None` for a request without memory.
struct Program {
    seed: u64,
    base: usize,
}

impl Use for Program {
    type Output = Vec<Option<usize>>;

    fn run(self, allocator: &mut impl Allocator) -> Vec<Option<usize>> {
        let (mut random, mut live, mut places) = (Random(self.seed), Vec::<(*mut u8, Layout)>::new(), Vec::new());
        for _ in 0..6000 {
            let most = [70, 200, 1500, 9000][random.below(4)];
            let (bytes, blocks) = (1 + random.below(most), live.len());
            let block = match random.below(10) {
                0..4 if blocks > 0 => {
                    let (block, layout) = live.swap_remove(random.below(blocks));
                    // SAFETY: the block is live, with this layout.
                    unsafe { allocator.dealloc(block, layout) };
                    continue;
                }
                4..6 if blocks > 0 => {
                    let (block, layout) = live[blocks - 1];
                    // SAFETY: the block is live, with this layout.
                    let moved = unsafe { allocator.realloc(block, layout, bytes) };
                    if !moved.is_null() {
                        live[blocks - 1] = (moved, Layout::from_size_align(bytes, layout.align()).unwrap());
                    }
                    moved
                }
                _ => {
                    let most = if random.below(20) == 0 { 10 } else { 5 };
                    let align = 1 << random.below(most);
                    let layout = Layout::from_size_align(bytes, align).unwrap();
                    let block = allocator.alloc(layout);
                    if !block.is_null() {
                        live.push((block, layout));
                    }
                    block
                }
            };
            places.push((!block.is_null()).then(|| block.addr() - self.base));
        }
        places
    }
}

fn heap() -> HeapRef {
    PageHeap::reserve_sized(PageSize::from_bytes(PAGE_BYTES).unwrap(), PAGES, Guard::Trap).unwrap().handle()
}

fn compiled<A: Allocator>(create: impl Fn(HeapRef) -> A, seed: u64) -> Vec<Option<usize>> {
    let heap = heap();
    let base = heap.base().addr().get();
    Program { seed, base }.run(&mut create(heap))
}

fn looked_up(design: &str, seed: u64) -> Vec<Option<usize>> {
    let page = PageSize::from_bytes(PAGE_BYTES).unwrap();
    let mut tried = Tried::new(design.parse().unwrap(), page, PAGES).unwrap();
    let base = tried.base();
    Search::begin().with(&mut tried, Program { seed, base })
}

fn check(design: &str, places: impl Fn(u64) -> Vec<Option<usize>>) {
    let mut refused = 0;
    for seed in 0..8 {
        let (expected, found) = (places(seed), looked_up(design, seed));
        assert!(expected == found, "{design}, seed {seed}: other places");
        refused += expected.iter().filter(|place| place.is_none()).count();
    }
    println!("{design}: {refused} without memory");
}

fn check_segregated<P: Policies>(design: &str) {
    check(design, |seed| compiled(SegregatedBump::<HeapRef, P>::new, seed));
}

fn check_swept<P: SweptPolicies>(design: &str) {
    check(design, |seed| compiled(SweptBump::<HeapRef, P>::new, seed));
}

struct Mixed;
impl Policies for Mixed {
    type Classes = Multiples<60>;
    type LargeFrees = ListsBySize;
    const LARGE_STEP: usize = 256;
    const BINS_TAKE_ALIGNED: bool = true;
    const REFILL_BLOCKS: usize = 5;
    const GROWTH: GrowthStep = GrowthStep::MultipleOf(8192);
}

struct Shares;
impl Policies for Shares {
    type Classes = PowersOfTwo<9>;
    type LargeFrees = Discarded;
    const SPLITS: bool = true;
    const GROWTH: GrowthStep = GrowthStep::Share(4);
}

struct Eager;
impl SweptPolicies for Eager {
    type Small = Multiples<24>;
    const WINDOW_BYTES: usize = 1024;
    const SWEEPS: SweepAfter = SweepAfter::Growth;
}

struct Patient;
impl SweptPolicies for Patient {
    type Small = Multiples<128>;
    const WINDOW_BYTES: usize = 4096;
    const SWEEPS: SweepAfter = SweepAfter::Part(8);
}

#[test]
fn a_design_places_every_block_where_the_compiled_member_does() {
    check_segregated::<Classic>("segregated-bump");
    check_segregated::<Moving>("segregated-bump:in-place=no");
    check_segregated::<Published>("segregated-bump:step=1,shrinks=no,moves=no");
    check_segregated::<Fit>("segregated-bump:classes=four-steps/40,large=lists,splits=yes,frees=yes");
    check_segregated::<Mixed>(
        "segregated-bump:classes=multiples/60,large=lists,step=256,refill=5,growth=8192,aligned=yes",
    );
    check_segregated::<Shares>("segregated-bump:classes=powers-of-two/9,growth=1/4,splits=yes");
    check_swept::<Swept>("swept-bump");
    check_swept::<Eager>("swept-bump:bins=24,window=1024,sweeps=growth");
    check_swept::<Patient>("swept-bump:bins=128,window=4096,sweeps=1/8");
}

/// Each decision changes a place, so that the test above would find one that is not looked up.
#[test]
fn each_decision_of_a_design_matters() {
    let differs = |design: &str, from: &str| (0..8).any(|seed| looked_up(design, seed) != looked_up(from, seed));
    for decision in [
        "classes=multiples/8",
        "large=lists",
        "step=64",
        "refill=2",
        "aligned=yes",
        "splits=yes",
        "frees=yes",
        "shrinks=no",
        "moves=no",
        "in-place=no",
    ] {
        // Blocks of higher classes are split only where there are some.
        let base = if decision == "splits=yes" { "segregated-bump:classes=powers-of-two/9" } else { "segregated-bump" };
        let with = if base.contains(':') { format!("{base},{decision}") } else { format!("{base}:{decision}") };
        assert!(differs(&with, base), "{decision}");
    }
    for decision in ["bins=24", "window=2048", "sweeps=growth"] {
        assert!(differs(&format!("swept-bump:{decision}"), "swept-bump"), "{decision}");
    }
    assert!(!differs("swept-bump", "swept-bump"));
    assert_eq!(
        "segregated-bump:growth=needed".parse(),
        Ok(Design::Segregated(heaprace_allocators::family::SegregatedDesign::CLASSIC))
    );
}
