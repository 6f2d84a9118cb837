//! The overhead of the engine's loop over a hand-written loop: `floor/<program>/<loop>`.
//!
//! The contender is a null one, which every loop calls by address, as the engine calls all contenders. It sums its
//! arguments, so the compiler cannot drop anything, and the sums prove that all loops make the same requests. There are
//! two programs: one with operations that a processor can predict, alternating allocations and deallocations; and one
//! with random operations, sizes and objects, where each mispredicted branch costs a loop more than all of its work.
//! There are two hand-written loops: one over the program's own words of 8 bytes, and one over an array of plain
//! structs, which need no decoding and twice the memory. Neither checks for absent objects, checks an index or calls an
//! observer. The engine is compared with the faster one.
//!
//! A third one, over the words, calls nothing: the null contender is inlined into it. The difference to the engine is what
//! the calls by address cost, which the net times of all contenders leave out (`floor/<program>/calls`).
//!
//! It fails if the engine takes more than 1.15 times as long on the predictable program, or 1.5 ns per op more on the
//! random one, in each of three races. This also checks that the timed loop contains nothing but operations, slots and
//! the allocator: a hash, an allocation or a dynamic dispatch per operation would make it several times slower than a
//! hand-written loop.

mod common;

use std::alloc::Layout;
use std::hint::black_box;
use std::time::{Duration, Instant};

use common::shown;
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use fastrand::Rng;
use heaprace::Program;
use heaprace::bench;
use heaprace::engine::{self, TouchNone};
use heaprace::program::{OpKind, PackedOp};
use heaprace_allocators::page_heap::Guard;
use heaprace_allocators::{HeapAllocator, HeapRef, Info, PageHeap, Purpose};
use heaprace_reports::stats::estimate_median;
use heaprace_traces::Action;

/// About a millisecond of work, so that the loops of a round see the same machine, and more than a branch predictor can
/// memorise.
const EVENTS: usize = 200_000;
const SEED: u64 = 1;
/// Races before a goal counts as missed: a disturbance may spoil one.
const ATTEMPTS: usize = 3;
/// Maximum live objects in the random program.
const LIVE: usize = 1000;

/// A null contender that sums its arguments.
struct Sum {
    answer: *mut u8,
    sum: usize,
}

impl Sum {
    #[inline(always)]
    fn add(&mut self, value: usize) {
        self.sum = self.sum.wrapping_add(value);
    }
}

// SAFETY: its blocks are not memory, and nothing is written into them: it is replayed only with `TouchNone`.
unsafe impl HeapAllocator for Sum {
    const INFO: Info = Info {
        name: "null, adding up",
        crate_name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        purpose: Purpose::Floor,
        groups: &[],
        summary: "answers every request with one address, and sums its arguments",
        refuses: None,
    };

    fn create(heap: HeapRef) -> Self {
        Sum { answer: heap.base().as_ptr(), sum: 0 }
    }

    #[inline(always)]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        self.add(layout.size() ^ layout.align());
        self.answer
    }

    #[inline(always)]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        self.add(block.addr() ^ layout.size() ^ layout.align());
    }

    #[inline(always)]
    unsafe fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        self.add(!(layout.size() ^ layout.align()));
        self.answer
    }

    #[inline(always)]
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        self.add(!(block.addr() ^ layout.size() ^ layout.align()) ^ new_size << 1);
        self.answer
    }
}

/// The calls into the null contender by address, as the engine makes them.
struct Calls {
    alloc: unsafe fn(&mut Sum, Layout) -> *mut u8,
    alloc_zeroed: unsafe fn(&mut Sum, Layout) -> *mut u8,
    dealloc: unsafe fn(&mut Sum, *mut u8, Layout),
    realloc: unsafe fn(&mut Sum, *mut u8, Layout, usize) -> *mut u8,
}

impl Calls {
    #[inline(never)]
    fn new() -> Self {
        black_box(Calls {
            alloc: Sum::alloc,
            alloc_zeroed: Sum::alloc_zeroed,
            dealloc: Sum::dealloc,
            realloc: Sum::realloc,
        })
    }
}

/// Alternating allocations and deallocations of one size.
fn predictable() -> Program {
    let layout = Layout::from_size_align(48, 8).expect("a layout");
    let pair = [Action::Alloc { layout, zeroed: false }, Action::Dealloc { layout }];
    common::compile(pair.into_iter().cycle().take(EVENTS).map(|action| (1, action)))
}

/// One third each of allocations (every other one zeroed), reallocations and deallocations, of up to a thousand
/// objects, with any size and alignment.
fn random() -> Program {
    let mut random = Rng::with_seed(SEED);
    let mut live: Vec<(u64, Layout)> = Vec::new();
    let event = |id| {
        let size = random.usize(1..=4096);
        match random.u32(0..6) {
            choice if live.is_empty() || choice < 2 && live.len() < LIVE => {
                let layout = Layout::from_size_align(size, 1 << random.u32(0..5)).expect("a layout");
                live.push((id, layout));
                (id, Action::Alloc { layout, zeroed: choice % 2 == 0 })
            }
            2 | 3 => {
                let chosen = random.usize(0..live.len());
                let (id, layout) = &mut live[chosen];
                let new = Layout::from_size_align(size, layout.align()).expect("a layout");
                (*id, Action::Realloc { old: std::mem::replace(layout, new), new_size: size })
            }
            _ => {
                let chosen = random.usize(0..live.len());
                let (id, layout) = live.swap_remove(chosen);
                (id, Action::Dealloc { layout })
            }
        }
    };
    common::compile((0..EVENTS as u64).map(event))
}

/// An operation as in a hand-written loop. Its kind is a number whose last value covers everything else: a `match` on
/// an enum with four variants compiles to a jump table, which costs 1.5 ns more when mispredicted.
#[derive(Clone, Copy)]
struct Plain {
    kind: u8,
    align: u16,
    slot: u32,
    size: u32,
    old_size: u32,
}

fn plain(program: &Program) -> Vec<Plain> {
    let mut plain = Vec::new();
    let mut ops = program.ops().expect("it is held").iter();
    while let Some(op) = ops.next() {
        let old_size = match op.kind() {
            OpKind::Realloc => op.old_layout(*ops.next().expect("the old size follows it")).size() as u32,
            _ => 0,
        };
        let (align, size) = (op.layout().align() as u16, op.layout().size() as u32);
        plain.push(Plain { kind: op.kind() as u8, align, slot: op.slot() as u32, size, old_size });
    }
    plain
}

/// # Safety
///
/// The ops belong to a program, and there are as many slots as it needs.
#[inline(never)]
unsafe fn over_plain_ops(ops: &[Plain], slots: &mut [*mut u8], null: &mut Sum) {
    let calls = Calls::new();
    for &op in ops {
        // SAFETY: upheld by the caller; the null contender accepts anything, because nothing is written into its
        // blocks.
        unsafe {
            let layout = |size: u32| Layout::from_size_align_unchecked(size as usize, op.align as usize);
            let slot = slots.get_unchecked_mut(op.slot as usize);
            match op.kind {
                0 => *slot = (calls.alloc)(null, layout(op.size)),
                1 => *slot = (calls.alloc_zeroed)(null, layout(op.size)),
                2 => (calls.dealloc)(null, *slot, layout(op.size)),
                _ => *slot = (calls.realloc)(null, *slot, layout(op.old_size), op.size as usize),
            }
        }
    }
}

/// # Safety
///
/// The words belong to a program, and there are as many slots as it needs.
#[inline(never)]
unsafe fn over_words(words: &[PackedOp], slots: &mut [*mut u8], null: &mut Sum) {
    let calls = Calls::new();
    let mut words = words.iter();
    while let Some(&op) = words.next() {
        // SAFETY: as above.
        unsafe {
            let (slot, layout) = (slots.get_unchecked_mut(op.slot()), op.layout());
            match op.kind() {
                OpKind::Alloc => *slot = (calls.alloc)(null, layout),
                OpKind::AllocZeroed => *slot = (calls.alloc_zeroed)(null, layout),
                OpKind::Dealloc => (calls.dealloc)(null, *slot, layout),
                OpKind::Realloc => {
                    let old = op.old_layout(*words.next().unwrap_unchecked());
                    *slot = (calls.realloc)(null, *slot, old, layout.size());
                }
            }
        }
    }
}

/// The same loop with the contender inlined.
///
/// # Safety
///
/// As for [`over_words`].
#[inline(never)]
unsafe fn over_words_inlined(words: &[PackedOp], slots: &mut [*mut u8], null: &mut Sum) {
    let mut words = words.iter();
    while let Some(&op) = words.next() {
        // SAFETY: as above.
        unsafe {
            let (slot, layout) = (slots.get_unchecked_mut(op.slot()), op.layout());
            match op.kind() {
                OpKind::Alloc => *slot = null.alloc(layout),
                OpKind::AllocZeroed => *slot = null.alloc_zeroed(layout),
                OpKind::Dealloc => null.dealloc(*slot, layout),
                OpKind::Realloc => {
                    let old = op.old_layout(*words.next().unwrap_unchecked());
                    *slot = null.realloc(*slot, old, layout.size());
                }
            }
        }
    }
}

/// A program, and everything that the loops need to replay it.
struct Track {
    program: Program,
    plain: Vec<Plain>,
    slots: Vec<*mut u8>,
    heap: PageHeap,
}

type Loop = fn(&mut Track, &mut Sum);

/// The engine first, then the loops that it is compared with, and the one without calls.
const LOOPS: [(&str, Loop); 4] = [
    ("engine", |track, null| {
        let _ = engine::replay::<_, _, TouchNone>(&track.program, &mut track.slots, null, &mut ());
    }),
    // SAFETY: `Track::new` has created all of it from one program.
    ("by-hand-words", |track, null| unsafe {
        over_words(track.program.ops().expect("it is held"), &mut track.slots, null)
    }),
    // SAFETY: as above.
    ("by-hand-plain", |track, null| unsafe { over_plain_ops(&track.plain, &mut track.slots, null) }),
    // SAFETY: as above.
    ("inlined", |track, null| unsafe {
        over_words_inlined(track.program.ops().expect("it is held"), &mut track.slots, null)
    }),
];

impl Track {
    fn new(program: Program) -> Self {
        let heap = PageHeap::reserve(1, Guard::Batched).expect("a heap can be reserved");
        Track { plain: plain(&program), slots: vec![std::ptr::null_mut(); program.slots()], heap, program }
    }

    /// One replay by this loop, and its sum.
    fn time(&mut self, replay: Loop) -> (Duration, usize) {
        let mut null = Sum::create(self.heap.handle());
        let start = Instant::now();
        replay(self, &mut null);
        let time = start.elapsed();
        black_box(&self.slots);
        (time, null.sum)
    }

    /// Nanoseconds per op of each loop, for each round: the loops run one after the other in a new order, so that all
    /// see the same machine.
    fn race(&mut self, rounds: usize) -> [Vec<f64>; 4] {
        let (mut random, mut order) = (Rng::with_seed(SEED), [0, 1, 2, 3]);
        let (mut all_ns, mut sums) = ([const { Vec::new() }; 4], [0; 4]);
        for _ in 0..rounds {
            random.shuffle(&mut order);
            for which in order {
                let (time, sum) = self.time(LOOPS[which].1);
                all_ns[which].push(time.as_nanos() as f64 / EVENTS as f64);
                sums[which] = sum;
            }
            assert!(sums.iter().all(|&sum| sum == sums[0]), "the loops have not made the same requests: {sums:?}");
        }
        all_ns
    }
}

/// What the engine's loop may take, over the fastest hand-written one: on a program that the processor predicts, and on one that
/// it does not, where a call costs more. As ratios, because a nanosecond is not the same on every machine.
const AT_MOST: [f64; 2] = [1.15, 1.2];

/// Races the loops, prints the results, and returns whether the engine is close enough to the fastest hand-written
/// loop.
fn is_reached(track: &mut Track, program: &str, at_most: f64, rounds: usize) -> bool {
    let all_ns = track.race(rounds);
    let estimate = |samples: &[f64]| estimate_median(samples).expect("there are rounds");
    for ((name, _), ns) in LOOPS.iter().zip(&all_ns) {
        println!("floor/{program}/{name}: {} ns per op", shown(estimate(ns), 3));
    }
    let [engine, words, plain, inlined] = &all_ns;
    let calls: Vec<f64> = engine.iter().zip(inlined).map(|(engine, inlined)| engine - inlined).collect();
    println!("floor/{program}/calls: {} ns per op, which no net time contains", shown(estimate(&calls), 3));
    let hand = if estimate(words).value < estimate(plain).value { words } else { plain };
    let paired: Vec<f64> = engine.iter().zip(hand).map(|(&engine, &hand)| engine / hand).collect();
    let found = estimate(&paired);
    println!("floor/{program}/race: engine / by hand: {} over {rounds} rounds, at most {at_most}", shown(found, 3));
    found.value <= at_most
}

/// The benchmarks of one program, and the race, if requested. Returns whether the goal is reached, as far as it was
/// checked.
fn bench(criterion: &mut Criterion, name: &str, program: Program, at_most: f64) -> bool {
    let mut track = Track::new(program);
    let mut group = criterion.benchmark_group(format!("floor/{name}"));
    group.sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Elements(EVENTS as u64));
    for (name, replay) in LOOPS {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|replays| (0..replays).map(|_| track.time(replay).0).sum());
        });
    }
    group.finish();
    let rounds = if bench::is_test() { 51 } else { 501 };
    !bench::should_run(&format!("floor/{name}/race"))
        || (0..ATTEMPTS).any(|_| is_reached(&mut track, name, at_most, rounds))
}

fn floor(criterion: &mut Criterion) {
    let predictable = bench(criterion, "predictable", predictable(), AT_MOST[0]);
    let random = bench(criterion, "random", random(), AT_MOST[1]);
    assert!(predictable && random, "the engine's loop does more than it should");
}

criterion_group!(name = benches; config = bench::criterion(); targets = floor);
criterion_main!(benches);
