//! The operations that readers expect from a bench of allocators: `micro/<operation>/<contender>`, in time per object.
//!
//! No program works like this, so do not choose an allocator by it. It shows the cost of a single request when nothing
//! else happens, and the strengths of a contender.
//!
//! - `pair`: an object of 48 bytes is allocated and freed at once.
//! - `batch-lifo`, `batch-fifo`, `batch-random`: a thousand of them are allocated and then freed, last one first, first
//!   one first, or in random order.
//! - `grow-alone`: a vector grows by doubling from 16 bytes to 64 KiB, and is freed. Nothing follows it in memory.
//! - `grow-neighbours`: the same, but before each reallocation a small object is allocated that may follow it; these
//!   are freed with it.
//! - `size-16` to `size-65536`: sixteen objects of a size are allocated, and freed in that order.
//!
//! Each is a small program for the engine, so every row includes the time of the loop, which the row `null` shows. It
//! is looped on one heap, and every new byte is written. A contender that does not reuse memory therefore pays for
//! fresh pages, as in a program; when its heap is full, it starts again with an empty one.

mod common;

use std::alloc::Layout;
use std::mem;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use fastrand::Rng;
use heaprace::Program;
use heaprace::bench;
use heaprace::contender::{Contender, TouchPolicy};
use heaprace::field::Field;
use heaprace::lane::Lane;
use heaprace::limits::Limits;
use heaprace_allocators::Group;
use heaprace_allocators::page_heap::{Guard, WASM32_PAGES};
use heaprace_reports::stats::Regime;
use heaprace_traces::Action;

const SMALL_BYTES: usize = 48;
const LARGEST_BYTES: usize = 64 << 10;
const SEED: u64 = 1;

/// A sequence of actions under construction.
#[derive(Default)]
struct Script {
    actions: Vec<(u64, Action)>,
    objects: u64,
}

struct Object {
    id: u64,
    layout: Layout,
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).expect("a layout")
}

impl Script {
    fn alloc(&mut self, size: usize) -> Object {
        let object = Object { id: self.objects, layout: layout(size) };
        self.objects += 1;
        self.actions.push((object.id, Action::Alloc { layout: object.layout, zeroed: false }));
        object
    }

    fn realloc(&mut self, object: &mut Object, new_size: usize) {
        let old = mem::replace(&mut object.layout, layout(new_size));
        self.actions.push((object.id, Action::Realloc { old, new_size }));
    }

    fn free(&mut self, object: Object) {
        self.actions.push((object.id, Action::Dealloc { layout: object.layout }));
    }

    /// Allocates objects of a size, and frees them in the order that `reorder` gives them.
    fn batch(&mut self, count: usize, size: usize, reorder: impl FnOnce(&mut Vec<Object>)) {
        let mut batch: Vec<_> = (0..count).map(|_| self.alloc(size)).collect();
        reorder(&mut batch);
        batch.into_iter().for_each(|object| self.free(object));
    }

    /// Grows a vector by doubling, optionally with another allocation before each reallocation.
    fn growth(&mut self, has_neighbours: bool) {
        let mut vector = self.alloc(16);
        let mut neighbours = Vec::new();
        while vector.layout.size() < LARGEST_BYTES {
            neighbours.extend(has_neighbours.then(|| self.alloc(SMALL_BYTES)));
            let doubled = 2 * vector.layout.size();
            self.realloc(&mut vector, doubled);
        }
        self.free(vector);
        neighbours.into_iter().for_each(|object| self.free(object));
    }
}

/// A program that repeats an operation a number of times.
struct Operation {
    name: String,
    times: u64,
    program: Program,
}

impl Operation {
    /// `act` performs the operation for `objects` objects or vectors, and is repeated `turns` times.
    fn new(name: impl Into<String>, turns: u64, objects: u64, mut act: impl FnMut(&mut Script)) -> Self {
        let mut script = Script::default();
        (0..turns).for_each(|_| act(&mut script));
        Operation { name: name.into(), times: turns * objects, program: common::compile(script.actions) }
    }

    fn all() -> Vec<Self> {
        let mut random = Rng::with_seed(SEED);
        let mut all = vec![
            Self::new("pair", 10_000, 1, |script| script.batch(1, SMALL_BYTES, |_| {})),
            Self::new("batch-lifo", 10, 1000, |script| script.batch(1000, SMALL_BYTES, |batch| batch.reverse())),
            Self::new("batch-fifo", 10, 1000, |script| script.batch(1000, SMALL_BYTES, |_| {})),
            Self::new("batch-random", 10, 1000, |script| {
                script.batch(1000, SMALL_BYTES, |batch| random.shuffle(batch));
            }),
            Self::new("grow-alone", 50, 1, |script| script.growth(false)),
            Self::new("grow-neighbours", 50, 1, |script| script.growth(true)),
        ];
        let sizes = (4..=16).step_by(2).map(|log2| 1 << log2);
        all.extend(
            sizes.map(|size| Self::new(format!("size-{size}"), 64, 16, |script| script.batch(16, size, |_| {}))),
        );
        all
    }

    /// The mean time of an operation, multiplied by `operations`. A replay always performs [`times`](Self::times) of
    /// them.
    fn time(&self, lane: &mut Lane<'_>, contender: &Contender, operations: u64) -> Duration {
        let replays = operations.div_ceil(self.times);
        let time = bench::time(contender, lane, TouchPolicy::All, Regime::Steady, replays);
        time.mul_f64(operations as f64 / (replays * self.times) as f64)
    }
}

fn micro(criterion: &mut Criterion) {
    for operation in Operation::all() {
        let mut group = criterion.benchmark_group(format!("micro/{}", operation.name));
        for contender in &Field::registered().members(Group::Default) {
            let mut lane = Lane::new(&operation.program, WASM32_PAGES, Guard::Batched).expect("a heap can be reserved");
            group.bench_function(BenchmarkId::from_parameter(contender.info.name), |bencher| {
                // A failed request is less work.
                let failure =
                    (contender.first_failure)(&mut lane, WASM32_PAGES, Limits::NONE).expect("a heap can be reset");
                assert_eq!(failure, None, "{} fails at {}", contender.info.name, operation.name);
                bencher.iter_custom(|operations| operation.time(&mut lane, contender, operations));
            });
        }
    }
}

criterion_group!(name = benches; config = bench::criterion(); targets = micro);
criterion_main!(benches);
