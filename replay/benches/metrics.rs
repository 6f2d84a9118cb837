//! The cost of the metrics: ten million events of `serde-heavy`, repeatedly, with all metrics (`metrics/all`) against
//! the bare replay of the same contender (`metrics/bare`), alternating. It fails above 15 times.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use heaprace::Program;
use heaprace::bench;
use heaprace::contender::{Contender, TouchPolicy};
use heaprace::engine::{TouchNone, replay};
use heaprace::lane::Lane;
use heaprace::limits::Limits;
use heaprace::memory::metrics::{Figures, Setting, Watch};
use heaprace_allocators::contenders::dlmalloc::Dlmalloc;
use heaprace_allocators::page_heap::{Guard, PAGE_BYTES, WASM32_PAGES};
use heaprace_allocators::{HeapAllocator, PageHeap};
use heaprace_traces::{Source, algebra};

const HIGHEST_RATIO: f64 = 15.0;

/// Twelve rounds of 879,876 events, and the frees of their leftovers; one round if this only checks that it runs.
fn long_program() -> Program {
    let source = Source::locate("serde-heavy").expect("it is in the library");
    let rounds = if bench::is_test() { 1 } else { 12 };
    Program::compile(algebra::repeat(|| source.open(), rounds)).expect("the program is sound")
}

fn metrics(criterion: &mut Criterion) {
    if !["all", "bare", "race"].iter().any(|name| bench::is_selected(&format!("metrics/{name}"))) {
        return;
    }
    let program = long_program();
    let mut lane = Lane::new(&program, WASM32_PAGES, Guard::Batched).expect("a heap can be reserved");
    let dlmalloc = Contender::of::<Dlmalloc>();
    let mut bare = || dlmalloc.fresh_lap(&mut lane, TouchPolicy::None, Limits::NONE).expect("a heap can be reset").wall;

    let mut heap = PageHeap::reserve(WASM32_PAGES, Guard::Batched).expect("a heap can be reserved");
    let mut slots = vec![std::ptr::null_mut(); program.slots()];
    let mut measured = || -> Duration {
        heap.reset().expect("nobody holds it");
        let setting = Setting { profile: *program.profile(), page_bytes: PAGE_BYTES };
        let mut watch = Watch::new(heap.handle(), Figures::new(&setting));
        let mut allocator = Dlmalloc::create(heap.handle());
        let start = Instant::now();
        let _ =
            replay::<_, _, TouchNone>(&program, &mut slots, &mut allocator, &mut watch).expect("the program is held");
        start.elapsed()
    };

    if bench::should_run("metrics/race") {
        let mut ratios: Vec<f64> = (0..7).map(|_| measured().as_secs_f64() / bare().as_secs_f64()).collect();
        ratios.sort_by(f64::total_cmp);
        let median = ratios[ratios.len() / 2];
        println!("all metrics / bare replay, median of {} pairs: {median:.2} (at most {HIGHEST_RATIO})", ratios.len());
        assert!(median <= HIGHEST_RATIO, "a metric does too much work per event");
    }

    let mut group = criterion.benchmark_group("metrics");
    group.throughput(Throughput::Elements(program.events())).sample_size(10);
    group.bench_function("all", |bencher| bencher.iter_custom(|replays| (0..replays).map(|_| measured()).sum()));
    group.bench_function("bare", |bencher| bencher.iter_custom(|replays| (0..replays).map(|_| bare()).sum()));
    group.finish();
}

criterion_group!(name = benches; config = bench::criterion(); targets = metrics);
criterion_main!(benches);
