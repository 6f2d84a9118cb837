//! The overhead that a harness adds to the allocator that it measures: the same trace on the system's allocator, by
//! this engine and by loops rebuilt from published descriptions of other harnesses: `harness/<trace>/<loop>`, and a
//! table of all of them.
//!
//! - `engine`: ours.
//! - `text`: reads lines of `a id size`, `r id size` and `f id`, as in CS:APP's `.rep`, while the clock runs; blocks
//!   are in an array by id.
//! - `text-hash-map`: the same, with the blocks in a hash table by id. This is the driver of Bohra and Gabber, "Are
//!   Mallocs Free of Fragmentation?", USENIX 2001, as they describe it.
//! - `hash-map`: events decoded before the clock runs, and a hash table.
//! - `clock-a-call`: decoded operations with dense slots, with the clock read before and after each call. One byte of
//!   each page of a new block is written between the two readings. The time is the sum of the differences. Android's
//!   trace benchmark, `TraceBenchmark.cpp` of its `memory_replay`, works like this.
//!
//! Texts are read from memory instead of a file, the hash table is the standard library's, and the loops allocate their
//! own data from the same allocator, as such drivers do. Every loop makes the calls of C, without alignments, which the
//! texts do not have. The bench asserts that all of them make the same calls, with the same sizes in the same order.

mod common;

use std::alloc::Layout;
use std::collections::HashMap;
use std::fmt::Write;
use std::mem;
use std::ptr;
use std::time::{Duration, Instant};

use common::shown;
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use fastrand::Rng;
use heaprace::Program;
use heaprace::bench;
use heaprace::engine::{self, TouchNone};
use heaprace::program::OpKind;
use heaprace_allocators::page_heap::host_page_bytes;
use heaprace_allocators::{HeapAllocator, HeapRef, Info, Purpose};
use heaprace_reports::numbers::grouped;
use heaprace_reports::stats::estimate_median;
use heaprace_traces::library::LibraryEntry;
use heaprace_traces::{Action, Source, library};

/// Without zeroed allocations, which the texts cannot express.
const TRACES: [&str; 2] = ["serde-heavy", "sqlite-ledger"];
const SEED: u64 = 1;

/// The calls of C.
trait Malloc: Default {
    fn malloc(&mut self, bytes: usize) -> *mut u8;

    /// # Safety
    ///
    /// `block` is live.
    unsafe fn realloc(&mut self, block: *mut u8, bytes: usize) -> *mut u8;

    /// # Safety
    ///
    /// `block` is live.
    unsafe fn free(&mut self, block: *mut u8);
}

/// The system's allocator.
#[derive(Default)]
struct Libc;

impl Malloc for Libc {
    #[inline(always)]
    fn malloc(&mut self, bytes: usize) -> *mut u8 {
        // SAFETY: any number of bytes may be requested.
        unsafe { libc::malloc(bytes).cast() }
    }

    #[inline(always)]
    unsafe fn realloc(&mut self, block: *mut u8, bytes: usize) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { libc::realloc(block.cast(), bytes).cast() }
    }

    #[inline(always)]
    unsafe fn free(&mut self, block: *mut u8) {
        // SAFETY: upheld by the caller.
        unsafe { libc::free(block.cast()) }
    }
}

/// The same, plus a record of its requests.
#[derive(Debug, Default, PartialEq)]
struct Counted {
    mallocs: u64,
    reallocs: u64,
    frees: u64,
    bytes: u64,
    /// A digest of all calls and sizes in order.
    checksum: u64,
}

impl Counted {
    fn add(&mut self, call: u64, bytes: usize) {
        self.bytes += bytes as u64;
        self.checksum =
            (self.checksum ^ call ^ (bytes as u64) << 2).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31);
    }
}

impl Malloc for Counted {
    fn malloc(&mut self, bytes: usize) -> *mut u8 {
        self.mallocs += 1;
        self.add(1, bytes);
        Libc.malloc(bytes)
    }

    unsafe fn realloc(&mut self, block: *mut u8, bytes: usize) -> *mut u8 {
        self.reallocs += 1;
        self.add(2, bytes);
        // SAFETY: upheld by the caller.
        unsafe { Libc.realloc(block, bytes) }
    }

    unsafe fn free(&mut self, block: *mut u8) {
        self.frees += 1;
        self.add(3, 0);
        // SAFETY: upheld by the caller.
        unsafe { Libc.free(block) }
    }
}

/// The calls of C as a contender of the engine.
struct Contender<'m, M>(&'m mut M);

// SAFETY: the system's blocks are sound. They are in no page heap, and nothing here relies on one.
unsafe impl<M: Malloc> HeapAllocator for Contender<'_, M> {
    const INFO: Info = Info {
        name: "libc",
        crate_name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        purpose: Purpose::Yardstick,
        groups: &[],
        summary: "the system's allocator",
        refuses: None,
    };

    fn create(_heap: HeapRef) -> Self {
        unreachable!("it is not created on a page heap")
    }

    #[inline(always)]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        self.0.malloc(layout.size())
    }

    #[inline(always)]
    unsafe fn dealloc(&mut self, block: *mut u8, _layout: Layout) {
        // SAFETY: upheld by the caller.
        unsafe { self.0.free(block) }
    }

    #[inline(always)]
    unsafe fn realloc(&mut self, block: *mut u8, _layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.0.realloc(block, new_size) }
    }
}

/// A trace in the forms that the loops take.
struct Inputs {
    program: Program,
    events: Vec<(u64, Action)>,
    text: String,
    /// The highest id.
    last_id: u64,
    entries: Vec<Entry>,
}

/// An operation in the form of Android's trace benchmark: with a slot, and without an id.
#[derive(Clone, Copy)]
struct Entry {
    call: Call,
    slot: usize,
    bytes: usize,
}

#[derive(Clone, Copy)]
enum Call {
    Malloc,
    Realloc,
    Free,
}

impl Inputs {
    fn of(source: &Source) -> Self {
        let program = Program::load(source).expect("the library's traces are sound");
        let mut inputs = Inputs { program, events: Vec::new(), text: String::new(), last_id: 0, entries: Vec::new() };
        for event in source.open().expect("the library's traces open") {
            let event = event.expect("the library's traces are sound");
            inputs.last_id = inputs.last_id.max(event.id);
            inputs.events.push((event.id, event.action));
            let id = event.id;
            match event.action {
                Action::Alloc { layout, zeroed } => {
                    assert!(!zeroed, "a text cannot express zeroed allocations");
                    writeln!(inputs.text, "a {id} {}", layout.size())
                }
                Action::Realloc { new_size, .. } => writeln!(inputs.text, "r {id} {new_size}"),
                Action::Dealloc { .. } => writeln!(inputs.text, "f {id}"),
            }
            .expect("a string can be written");
        }
        let mut ops = inputs.program.ops().expect("it is held").iter();
        while let Some(op) = ops.next() {
            let call = match op.kind() {
                OpKind::Alloc | OpKind::AllocZeroed => Call::Malloc,
                OpKind::Dealloc => Call::Free,
                OpKind::Realloc => {
                    ops.next();
                    Call::Realloc
                }
            };
            inputs.entries.push(Entry { call, slot: op.slot(), bytes: op.layout().size() });
        }
        inputs
    }
}

/// Replays everything, and returns the time that such a harness would report. Objects left live are freed afterwards.
type Replay<M> = fn(&Inputs, &mut M) -> Duration;

fn engine<M: Malloc>(inputs: &Inputs, malloc: &mut M) -> Duration {
    let mut slots = vec![ptr::null_mut(); inputs.program.slots()];
    let start = Instant::now();
    let flow = engine::replay::<_, _, TouchNone>(&inputs.program, &mut slots, &mut Contender(malloc), &mut ());
    let time = start.elapsed();
    assert!(flow.is_ok_and(|flow| flow.is_continue()), "a program that is held is replayed to its end");
    free_all(inputs.program.left_live().map(|(slot, _)| slots[slot]));
    time
}

fn text<M: Malloc>(inputs: &Inputs, malloc: &mut M) -> Duration {
    let start = Instant::now();
    let mut blocks = vec![ptr::null_mut(); inputs.last_id as usize + 1];
    for line in inputs.text.lines() {
        let (call, id, bytes) = words(line);
        let block = &mut blocks[id as usize];
        // SAFETY: the trace reallocates and frees only live objects.
        unsafe {
            match call {
                Call::Malloc => *block = malloc.malloc(bytes),
                Call::Realloc => *block = malloc.realloc(*block, bytes),
                Call::Free => malloc.free(mem::replace(block, ptr::null_mut())),
            }
        }
    }
    let time = start.elapsed();
    free_all(blocks);
    time
}

fn text_hash_map<M: Malloc>(inputs: &Inputs, malloc: &mut M) -> Duration {
    let start = Instant::now();
    let mut blocks = HashMap::new();
    for line in inputs.text.lines() {
        let (call, id, bytes) = words(line);
        by_id(&mut blocks, malloc, call, id, bytes);
    }
    let time = start.elapsed();
    free_all(blocks.into_values());
    time
}

fn hash_map<M: Malloc>(inputs: &Inputs, malloc: &mut M) -> Duration {
    let start = Instant::now();
    let mut blocks = HashMap::new();
    for &(id, action) in &inputs.events {
        let (call, bytes) = match action {
            Action::Alloc { layout, .. } => (Call::Malloc, layout.size()),
            Action::Realloc { new_size, .. } => (Call::Realloc, new_size),
            Action::Dealloc { .. } => (Call::Free, 0),
        };
        by_id(&mut blocks, malloc, call, id, bytes);
    }
    let time = start.elapsed();
    free_all(blocks.into_values());
    time
}

fn clock_a_call<M: Malloc>(inputs: &Inputs, malloc: &mut M) -> Duration {
    let mut slots = vec![ptr::null_mut(); inputs.program.slots()];
    let page = host_page_bytes();
    let mut time = Duration::ZERO;
    for &Entry { call, slot, bytes } in &inputs.entries {
        let block = slots[slot];
        let start = Instant::now();
        // SAFETY: the trace reallocates and frees only live objects, and a block is as large as requested.
        slots[slot] = unsafe {
            let block = match call {
                Call::Malloc => malloc.malloc(bytes),
                Call::Realloc => malloc.realloc(block, bytes),
                Call::Free => {
                    malloc.free(block);
                    ptr::null_mut()
                }
            };
            if !block.is_null() {
                (0..bytes).step_by(page).for_each(|byte| block.add(byte).write_volatile(1));
            }
            block
        };
        time += start.elapsed();
    }
    free_all(slots);
    time
}

/// The call, id and size of a line; the size is 0 if the line has none.
fn words(line: &str) -> (Call, u64, usize) {
    let mut words = line.split(' ');
    let call = match words.next() {
        Some("a") => Call::Malloc,
        Some("r") => Call::Realloc,
        _ => Call::Free,
    };
    let id = words.next().and_then(|word| word.parse().ok()).expect("each line has an id");
    (call, id, words.next().map_or(0, |word| word.parse().expect("a size is a number")))
}

/// One call, with its block in a hash table.
#[inline(always)]
fn by_id<M: Malloc>(blocks: &mut HashMap<u64, *mut u8>, malloc: &mut M, call: Call, id: u64, bytes: usize) {
    // SAFETY: the trace reallocates and frees only live objects.
    unsafe {
        match call {
            Call::Malloc => {
                blocks.insert(id, malloc.malloc(bytes));
            }
            Call::Realloc => {
                let block = blocks.get_mut(&id).expect("it is live");
                *block = malloc.realloc(*block, bytes);
            }
            Call::Free => malloc.free(blocks.remove(&id).expect("it is live")),
        }
    }
}

/// Frees the blocks left by a replay; null is skipped.
fn free_all(blocks: impl IntoIterator<Item = *mut u8>) {
    // SAFETY: these are the live blocks, once each, and possibly null.
    blocks.into_iter().for_each(|block| unsafe { Libc.free(block) });
}

struct Loop {
    name: &'static str,
    time: Replay<Libc>,
    count: Replay<Counted>,
}

/// The engine first, then the loops compared with it.
const LOOPS: [Loop; 5] = [
    Loop { name: "engine", time: engine, count: engine },
    Loop { name: "text", time: text, count: text },
    Loop { name: "text-hash-map", time: text_hash_map, count: text_hash_map },
    Loop { name: "hash-map", time: hash_map, count: hash_map },
    Loop { name: "clock-a-call", time: clock_a_call, count: clock_a_call },
];

/// Asserts that all loops make the calls of the trace.
fn check(inputs: &Inputs) {
    let counts = LOOPS.map(|Loop { count, .. }| {
        let mut counted = Counted::default();
        count(inputs, &mut counted);
        counted
    });
    let profile = inputs.program.profile();
    let [engine, others @ ..] = &counts;
    assert_eq!((engine.mallocs, engine.reallocs, engine.frees), (profile.allocs, profile.reallocs, profile.deallocs));
    assert!(others.iter().all(|other| other == engine), "not all loops make the same calls: {counts:?}");
}

/// Replays in rounds, each loop once in a new order, and prints the table.
fn compare(name: &str, inputs: &Inputs, rounds: usize) {
    let (mut random, mut order) = (Rng::with_seed(SEED), [0, 1, 2, 3, 4]);
    let mut all_ns = [const { Vec::new() }; LOOPS.len()];
    for _ in 0..rounds {
        random.shuffle(&mut order);
        for which in order {
            let time = (LOOPS[which].time)(inputs, &mut Libc);
            all_ns[which].push(time.as_nanos() as f64 / inputs.events.len() as f64);
        }
    }
    println!("{name}: {} events, {rounds} rounds; medians with 95 % intervals", grouped(inputs.events.len() as u64));
    println!("| loop | ns per op | more than the engine, ns per op | times the engine |");
    println!("|---|---|---|---|");
    for (which, Loop { name, .. }) in LOOPS.iter().enumerate() {
        let ns = &all_ns[which];
        let with_engine = |of: fn((&f64, &f64)) -> f64| ns.iter().zip(&all_ns[0]).map(of).collect::<Vec<_>>();
        let shown = |samples: &[f64]| shown(estimate_median(samples).expect("there are rounds"), 2);
        let (more, times) = (with_engine(|(ns, engine)| ns - engine), with_engine(|(ns, engine)| ns / engine));
        match which {
            0 => println!("| `{name}` | {} | | |", shown(ns)),
            _ => println!("| `{name}` | {} | {} | {} |", shown(ns), shown(&more), shown(&times)),
        }
    }
}

fn bench(criterion: &mut Criterion, entry: &'static LibraryEntry) {
    let selected = |name: &str| bench::is_selected(&format!("harness/{}/{name}", entry.name));
    if !LOOPS.iter().map(|replay| replay.name).chain(["table"]).any(selected) {
        return;
    }
    let inputs = Inputs::of(&Source::from(entry));
    check(&inputs);
    let mut group = criterion.benchmark_group(format!("harness/{}", entry.name));
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(inputs.events.len() as u64));
    for Loop { name, time, .. } in LOOPS {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|replays| (0..replays).map(|_| time(&inputs, &mut Libc)).sum());
        });
    }
    group.finish();
    if bench::should_run(&format!("harness/{}/table", entry.name)) {
        compare(entry.name, &inputs, if bench::is_test() { 2 } else { 51 });
    }
}

fn harnesses(criterion: &mut Criterion) {
    for name in TRACES {
        let entry = library::entries().iter().find(|entry| entry.name == name).expect("it is in the library");
        bench(criterion, entry);
    }
}

criterion_group!(name = benches; config = bench::criterion(); targets = harnesses);
criterion_main!(benches);
