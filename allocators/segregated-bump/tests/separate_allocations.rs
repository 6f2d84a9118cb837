//! The allocators on a source whose runs are separate allocations of the system, so that AddressSanitizer sees an access
//! between them, and Miri a pointer that is used outside of the run that it was made from:
//! `MIRIFLAGS=-Zmiri-permissive-provenance cargo +nightly miri test -p segregated-bump --features inspect`

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use segregated_bump::policies::{FourSteps, ListsBySize, Policies};
use segregated_bump::{Allocator, PageSource, SegregatedBump, SweptBump};

/// Runs of odd lengths, handed out from the lowest address on.
struct Separate {
    runs: Vec<NonNull<[MaybeUninit<u8>]>>,
    given: usize,
}

impl Separate {
    fn new(runs: usize) -> Self {
        let run = |index: usize| NonNull::from(Box::leak(Box::new_uninit_slice(1500 + 4099 * (index % 4))));
        let mut runs: Vec<_> = (0..runs).map(run).collect();
        runs.sort_unstable_by_key(|run| run.addr());
        Separate { runs, given: 0 }
    }
}

impl Drop for Separate {
    fn drop(&mut self) {
        for run in &self.runs {
            // SAFETY: `new` leaked it, and the allocator is gone.
            drop(unsafe { Box::from_raw(run.as_ptr()) });
        }
    }
}

// SAFETY: each run is a leaked box of its own and is given once. No two follow each other without a gap, as the system
// keeps data of its own between them or Miri checks the pointers.
unsafe impl PageSource for Separate {
    fn run_align(&self) -> usize {
        1
    }

    fn acquire(&mut self, min_bytes: usize) -> Option<NonNull<[u8]>> {
        let skipped = self.runs[self.given..].iter().position(|run| run.len() >= min_bytes)?;
        self.given += skipped + 1;
        let run = self.runs[self.given - 1];
        Some(NonNull::slice_from_raw_parts(run.cast(), run.len()))
    }
}

/// A random program that fills each block with a byte of its own. Returns how many requests failed.
fn run(allocator: &mut impl Allocator, seed: u64, ops: usize) -> usize {
    let mut random = seed;
    let mut below = |bound: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % bound
    };
    let mut live: Vec<(*mut u8, Layout, u8)> = Vec::new();
    let mut failures = 0;
    for op in 0..ops {
        let mark = op as u8;
        let bytes = 1 + [40, 40, 200, 1400, 3000][below(5)] * (1 + below(100)) / 100;
        match below(5) {
            0..2 if !live.is_empty() => {
                let (block, layout, mark) = live.swap_remove(below(live.len()));
                // SAFETY: the block is live with this layout, and was filled.
                unsafe {
                    assert!((0..layout.size()).all(|byte| block.add(byte).read() == mark), "overwritten");
                    allocator.dealloc(block, layout);
                }
            }
            2 if !live.is_empty() => {
                let which = below(live.len());
                let (block, layout, old_mark) = live[which];
                // SAFETY: the block is live with this layout, and was filled.
                unsafe {
                    let moved = allocator.realloc(block, layout, bytes);
                    if moved.is_null() {
                        failures += 1;
                        continue;
                    }
                    let kept = layout.size().min(bytes);
                    assert!((0..kept).all(|byte| moved.add(byte).read() == old_mark), "lost in realloc");
                    moved.write_bytes(mark, bytes);
                    live[which] =
                        (moved, Layout::from_size_align(bytes, layout.align()).expect("a size of a block"), mark);
                }
            }
            kind => {
                let layout = Layout::from_size_align(bytes, 1 << below(8)).expect("a small size");
                let block = if kind == 3 { allocator.alloc_zeroed(layout) } else { allocator.alloc(layout) };
                if block.is_null() {
                    failures += 1;
                    continue;
                }
                assert_eq!(block.addr() % layout.align(), 0);
                // SAFETY: the block is as large as its layout.
                unsafe {
                    assert!(kind != 3 || (0..bytes).all(|byte| block.add(byte).read() == 0), "not zeroed");
                    block.write_bytes(mark, bytes);
                }
                live.push((block, layout, mark));
            }
        }
    }
    failures
}

/// Seeds and operations: fewer under Miri, which takes about 1000 times as long.
const PROGRAMS: (u64, usize) = if cfg!(miri) { (2, 1500) } else { (100, 4000) };

#[test]
fn the_swept_bump_allocator_stays_in_its_runs() {
    let mut failures = 0;
    for seed in 0..PROGRAMS.0 {
        let mut allocator: SweptBump<Separate> = SweptBump::new(Separate::new(8));
        failures += run(&mut allocator, seed, PROGRAMS.1);
        #[cfg(feature = "inspect")]
        assert_eq!(allocator.self_check(), Ok(()));
    }
    assert!(failures > 0, "memory runs out");
}

#[test]
fn the_segregated_bump_allocator_stays_in_its_runs() {
    let mut failures = 0;
    for seed in 0..PROGRAMS.0 {
        failures += run(&mut SegregatedBump::<_>::new(Separate::new(8)), seed, PROGRAMS.1);
    }
    assert!(failures > 0, "memory runs out");
}

/// A member of the family that cuts and keeps all that it can.
struct Cutting;

impl Policies for Cutting {
    type Classes = FourSteps<12>;
    type LargeFrees = ListsBySize;
    const BINS_TAKE_ALIGNED: bool = true;
    const REFILL_BLOCKS: usize = 4;
    const SPLITS: bool = true;
    const TOP_TAKES_FREES: bool = true;
    const SMALL_SHRINKS_MOVE: bool = false;
}

#[test]
fn a_member_that_cuts_and_keeps_blocks_stays_in_its_runs() {
    let mut failures = 0;
    for seed in 0..PROGRAMS.0 {
        failures += run(&mut SegregatedBump::<_, Cutting>::new(Separate::new(8)), seed, PROGRAMS.1);
    }
    assert!(failures > 0, "memory runs out");
}
