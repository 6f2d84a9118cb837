//! The bounds of every trace of the library, and of a synthetic trace of a million objects: a table of the bounds and
//! their computing times, on one core. It fails if a placement is not sound, if fewer than three quarters are within 5
//! % of the most live bytes, if a trace takes more than eight seconds per million objects (or part of it), or if a
//! contender needs a smaller span.
//!
//! Each trace runs once, without statistics: the figures are the same in every run, and the times only need to be far
//! below the limit. A filter selects lines by the names `bounds/<trace>`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use heaprace::Program;
use heaprace::bench;
use heaprace::field::Field;
use heaprace::lane::Lane;
use heaprace::limits::Limits;
use heaprace::memory::bounds::{Instance, Placement, playback};
use heaprace_allocators::page_heap::{Guard, WASM32_PAGES};
use heaprace_allocators::{Group, Purpose};
use heaprace_traces::Source;
use heaprace_traces::synthetic::Kind;

/// The limit on the time per million objects, or part of it: four times what a quiet core takes.
const LIMIT: Duration = Duration::from_secs(8);

/// The smallest span of a contender that has served all requests.
fn least_span_bytes(program: &Program) -> u64 {
    let mut lane = Lane::new(program, WASM32_PAGES, Guard::Batched).expect("a heap can be reserved");
    let contenders = Field::registered().members(Group::Default).into_iter();
    let contenders = contenders.filter(|contender| contender.info.purpose != Purpose::Floor);
    let memories = contenders.map(|contender| {
        (contender.examine)(&mut lane, false, &[], Limits::NONE).expect("the heap can be emptied").memory
    });
    let spans = memories.filter_map(|memory| {
        memory.known().filter(|memory| memory.failed_requests == 0).map(|memory| memory.peak_span_bytes)
    });
    spans.min().unwrap_or(u64::MAX)
}

/// Prints a line, and returns whether the placement is within 5 %, and whether it was found in time.
fn line(name: &str, program: &Program) -> (bool, bool) {
    let begin = Instant::now();
    let instance = Instance::of(program).expect("the trace is not too long");
    let placement = Placement::of(&instance);
    let time = begin.elapsed();
    playback::verify(program, &instance, &placement, heaprace::limits::Limits::NONE).expect("the placement is sound");
    let (live, makespan) = (program.profile().peak_live_bytes, placement.makespan_bytes);
    assert!(makespan >= live, "{name}: the makespan {makespan} is less than the live bytes, {live}");
    let span = least_span_bytes(program);
    assert!(span >= makespan, "{name}: a contender's span of {span} beats the makespan {makespan}");
    let objects = instance.rectangles().len();
    let ratio = makespan as f64 / live as f64;
    println!("{name:20} {objects:>9} {live:>9} {makespan:>11} {ratio:>7.4} {span:>10} {:>8.2}", time.as_secs_f64());
    (makespan * 100 <= live * 105, time <= LIMIT * objects.div_ceil(1_000_000) as u32)
}

fn main() -> ExitCode {
    let selected = |name: &str| bench::should_run(&format!("bounds/{name}"));
    let entries: Vec<_> = bench::entries().filter(|entry| selected(entry.name)).collect();
    let mut synthetic = vec![("uniform-million", Kind::Uniform), ("drift-million", Kind::Drift)];
    synthetic.retain(|(name, _)| selected(name) && !bench::is_test());
    if entries.is_empty() && synthetic.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!(
        "{:20} {:>9} {:>9} {:>11} {:>7} {:>10} {:>8}",
        "trace", "objects", "max live", "clairvoyant", "ratio", "least span", "seconds"
    );
    let (mut near, mut in_time) = (0, true);
    for entry in &entries {
        let program = Program::load(&Source::from(*entry)).expect("the library's traces are sound");
        let (is_near, is_in_time) = line(entry.name, &program);
        near += usize::from(is_near);
        in_time &= is_in_time;
    }
    for (name, kind) in synthetic {
        let program = Program::compile(kind.events(2_000_000, 1).map(Ok)).expect("a synthetic trace is sound");
        in_time &= line(name, &program).1;
    }
    println!("{near} of {} traces of the library are within 5 %", entries.len());
    // The share applies to the whole library, not to a filtered part of it.
    let is_whole = entries.len() == bench::entries().count();
    if (near * 4 >= entries.len() * 3 || !is_whole) && in_time { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
