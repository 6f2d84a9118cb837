//! What the harness adds: the engine with the null contender against the same loop written by hand, on a program whose operations a
//! processor can predict.
//!
//! This is also the check that the timed loop holds nothing but operations, slots and the allocator: a hash, an allocation or a dynamic
//! dispatch for each operation would make it several times slower than the loop by hand. It fails above 1.5 times.

use std::alloc::Layout;
use std::hint::black_box;
use std::time::{Duration, Instant};

use allocators::null::Null;
use allocators::page_heap::{Guard, Reset};
use allocators::{HeapAllocator, PageHeap};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use replay::Program;
use replay::engine::TouchNone;
use replay::lane::Lane;
use replay::leash::Leash;

const PAIRS: u64 = 500_000;
const HIGHEST_RATIO: f64 = 1.5;

/// Allocations and deallocations in turn, of one size.
fn predictable() -> Program {
    let layout = Layout::from_size_align(48, 8).expect("a layout");
    let events = (0..PAIRS).flat_map(|id| {
        [traces::Action::Alloc { layout, zeroed: false }, traces::Action::Dealloc { layout }].map(|action| (id, action))
    });
    let events = events.map(|(id, action)| Ok(traces::Event { action, id, thread: None, time_ns: None }));
    Program::compile(events).expect("the program is sound")
}

/// One replay by hand: a slice of plain structs, a slot table, and the same calls.
struct ByHand {
    ops: Vec<(bool, u32, Layout)>,
    slots: Vec<*mut u8>,
    null: Null,
}

impl ByHand {
    fn new() -> Self {
        let layout = Layout::from_size_align(48, 8).expect("a layout");
        let heap = PageHeap::reserve(1, Guard::Batched).expect("a heap can be had");
        ByHand {
            ops: (0..PAIRS).flat_map(|_| [(true, 0, layout), (false, 0, layout)]).collect(),
            slots: vec![std::ptr::null_mut()],
            null: Null::create(heap.handle()),
        }
    }

    #[inline(never)]
    fn time(&mut self) -> Duration {
        let start = Instant::now();
        for &(is_alloc, slot, layout) in &self.ops {
            let slot = &mut self.slots[slot as usize];
            // SAFETY: the null contender answers anything, and nobody writes into its blocks.
            unsafe {
                if is_alloc {
                    *slot = self.null.alloc(layout);
                } else {
                    self.null.dealloc(*slot, layout);
                }
            }
        }
        black_box(&self.slots);
        start.elapsed()
    }
}

fn floor(criterion: &mut Criterion) {
    let program = predictable();
    let mut lane = Lane::new(&program, 1, Guard::Batched).expect("a heap can be had");
    let mut engine = || lane.time::<Null, TouchNone>(Reset::Warm, Leash::LOOSE).expect("a heap can be reset");
    let mut by_hand = ByHand::new();

    // In turn, so that both see the same machine.
    let mut ratios: Vec<f64> = (0..41).map(|_| engine().as_secs_f64() / by_hand.time().as_secs_f64()).collect();
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ratios.len() / 2];
    println!("engine / loop by hand, median of {} pairs: {median:.2} (at most {HIGHEST_RATIO})", ratios.len());
    assert!(median <= HIGHEST_RATIO, "the engine's loop does more than it should");

    let mut group = criterion.benchmark_group("floor");
    group.throughput(Throughput::Elements(program.events()));
    group.bench_function("engine", |bencher| bencher.iter_custom(|replays| (0..replays).map(|_| engine()).sum()));
    group
        .bench_function("by hand", |bencher| bencher.iter_custom(|replays| (0..replays).map(|_| by_hand.time()).sum()));
    group.finish();
}

criterion_group!(benches, floor);
criterion_main!(benches);
