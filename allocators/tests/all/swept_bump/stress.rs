//! Random programs on many heaps, with exhaustion, against the shadow model.

use segregated_bump::policies::{Swept, SweptPolicies};

use super::members::{Eager, Few, Many};
use super::subject::{Placing, Subject};

/// A generator of numbers, by Knuth's multiplier; its upper bits are the better ones.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// Operations between two checks of all.
const CHECK_OPS: usize = 4096;

/// What a run has met.
#[derive(Debug, Default, Clone, Copy)]
struct Met {
    ops: usize,
    failures: usize,
    resizes: usize,
}

/// Runs a random program on a heap that its seed chooses.
fn run<P: SweptPolicies>(seed: u64, ops: usize) -> Met {
    let mut random = Random(seed);
    let placing =
        [Placing::Consecutive, Placing::Consecutive, Placing::Scattered, Placing::Interrupted, Placing::Unaligned]
            [random.below(5)];
    let page_bytes = [256, 4096, 65_536][random.below(3)];
    let bytes = (4 + random.below(60)) << (10 + random.below(6));
    let whole = placing == Placing::Consecutive && random.below(4) == 0;
    let mut subject = Subject::<P>::of(placing, if whole { bytes } else { page_bytes }, bytes);
    // Small blocks, medium ones, and all that a request may be, in shares that change from phase to phase.
    let (mut small, mut medium, mut frees) = (70, 20, 30);
    let mut met = Met::default();
    for op in 0..ops {
        if op % 20_000 == 0 {
            (small, medium, frees) = (random.below(95), random.below(60), 20 + random.below(45));
        }
        let most = match random.below(100) {
            part if part < small => 160,
            part if part < small + medium => 1300,
            _ if random.below(10) > 0 => 1 + bytes / 64,
            _ => 1 + bytes / 4,
        };
        let size = 1 + random.below(most);
        met.ops += 1;
        let blocks = subject.live.len();
        match random.below(100) {
            part if part < frees && blocks > 0 => subject.dealloc(random.below(blocks)),
            part if part < frees + 15 && blocks > 0 => {
                // Half of the time the newest block, which may grow in place.
                let which = if random.below(2) == 0 { blocks - 1 } else { random.below(blocks) };
                met.resizes += 1;
                met.failures += usize::from(!subject.realloc(which, size));
            }
            _ => {
                let align = if random.below(50) == 0 { 1 << random.below(17) } else { 1 << random.below(5) };
                let zeroed = random.below(4) == 0;
                if !subject.alloc(size, align, zeroed) {
                    met.failures += 1;
                    // A program that is out of memory frees much, little or nothing.
                    let freed = [0, 1.min(blocks), blocks / 2, blocks][random.below(4)];
                    for _ in 0..freed {
                        let blocks = subject.live.len();
                        subject.dealloc(random.below(blocks));
                    }
                    met.ops += freed;
                }
            }
        }
        if op % CHECK_OPS == 0 {
            subject.check().unwrap_or_else(|fault| panic!("seed {seed}, operation {op}: {fault}"));
        }
    }
    subject.check().unwrap_or_else(|fault| panic!("seed {seed}: {fault}"));
    subject.check_contents();
    met
}

fn run_many<P: SweptPolicies>(heaps: u64, ops: usize) {
    let mut all = Met::default();
    for seed in 0..heaps {
        let met = run::<P>(seed, ops);
        all.ops += met.ops;
        all.failures += met.failures;
        all.resizes += met.resizes;
    }
    println!("{heaps} heaps: {all:?}");
    assert!(all.failures as u64 > heaps, "the heaps run out");
}

#[test]
fn random_programs_that_run_out_of_memory_keep_every_byte_in_one_place() {
    run_many::<Swept>(40, 10_000);
}

#[test]
fn so_do_members_at_the_ends_of_their_range() {
    run_many::<Few>(20, 10_000);
    run_many::<Many>(20, 10_000);
    run_many::<Eager>(20, 10_000);
}

/// `cargo test --release -p heaprace-allocators --test all -- --ignored a_hundred_million --nocapture`
#[test]
#[ignore = "takes minutes"]
fn a_hundred_million_operations_keep_every_byte_in_one_place() {
    run_many::<Swept>(500, 200_000);
}

/// The same command with `on_members` runs these.
#[test]
#[ignore = "takes minutes"]
fn a_hundred_million_operations_on_members_keep_every_byte_in_one_place() {
    run_many::<Few>(170, 200_000);
    run_many::<Many>(170, 200_000);
    run_many::<Eager>(170, 200_000);
}
