//! Benchmarks by criterion: every trace of the library through every contender, with criterion's options and its statistics over
//! time (`--save-baseline`).
//!
//! [`benches!`](crate::benches) makes a bench of a list of contenders. A sample is the time of whole replays, excluding resetting the heap
//! and creating the contender. Contenders that fail verification are skipped with a note on standard error.

use std::env;
use std::ops::ControlFlow;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use heaprace_allocators::page_heap::{Guard, WASM32_PAGES};
use heaprace_allocators::{Group, Purpose};
use heaprace_engine::Program;
use heaprace_engine::contender::{Contender, TouchPolicy};
use heaprace_engine::field::Field;
use heaprace_engine::lane::{Lane, Lap};
use heaprace_engine::limits::Limits;
use heaprace_reports::results::Verification;
use heaprace_reports::stats::{RESAMPLES, Regime};
use heaprace_traces::Source;
use heaprace_traces::library::{self, LibraryEntry};
use regex::Regex;

/// Options of criterion whose value is a separate argument.
const WITH_VALUE: [&str; 19] = [
    "-c",
    "--color",
    "--colour",
    "-s",
    "--save-baseline",
    "-b",
    "--baseline",
    "--baseline-lenient",
    "--format",
    "--profile-time",
    "--load-baseline",
    "--sample-size",
    "--warm-up-time",
    "--measurement-time",
    "--nresamples",
    "--noise-threshold",
    "--confidence-level",
    "--significance-level",
    "--plotting-backend",
];

/// Loops of the trace before steady ones are timed: the first is fresh, and the second is the first to reuse freed
/// memory.
const LOOPS_BEFORE_STEADY: usize = 2;

/// Makes a bench (`harness = false`) of contenders of these types, beside those of the group `default`:
/// `replay/<trace>/fresh/<contender>`, a program that starts, and `replay/<trace>/steady/<contender>`, one that keeps running.
///
/// ```no_run
/// # use heaprace_allocators::contenders::bump::Bump as MyAllocator;
/// heaprace::benches![MyAllocator];
/// ```
#[macro_export]
macro_rules! benches {
    ($($contender:ty),* $(,)?) => {
        fn main() {
            $crate::bench::main($crate::contenders![$($contender),*]);
        }
    };
}

/// Runs the benches of these contenders and of the group `default`, with the arguments of this process.
///
/// # Panics
///
/// If a name is taken, and if a heap cannot be reserved.
pub fn main(own: Vec<Contender>) {
    let field = Field::with(own).unwrap_or_else(|error| panic!("{error}"));
    let mut criterion = criterion().configure_from_args();
    each_trace(&mut criterion, &field.members(Group::Default));
    criterion.final_summary();
}

/// Every trace of the library through these contenders. Every new byte is written.
fn each_trace(criterion: &mut Criterion, field: &[Contender]) {
    for entry in entries() {
        let mut contenders = field.to_vec();
        contenders.retain(|contender| {
            let selected = |name| is_selected(&format!("replay/{}/{name}/{}", entry.name, contender.info.name));
            Regime::ALL.iter().any(|regime| selected(regime.name()))
        });
        if contenders.is_empty() {
            continue;
        }
        let program = Program::load(&Source::from(entry)).expect("the library's traces are sound");
        retain_sound(&mut contenders, &program);
        for regime in Regime::ALL {
            let mut group = criterion.benchmark_group(format!("replay/{}/{}", entry.name, regime.name()));
            group.sampling_mode(SamplingMode::Flat);
            group.throughput(Throughput::Elements(program.events()));
            for contender in &contenders {
                let mut lane = Lane::new(&program, WASM32_PAGES, Guard::Batched).expect("a heap can be reserved");
                group.bench_function(BenchmarkId::from_parameter(contender.info.name), |bencher| {
                    bencher.iter_custom(|replays| time(contender, &mut lane, TouchPolicy::All, regime, replays));
                });
            }
        }
    }
}

/// Removes the contenders whose blocks are not sound.
fn retain_sound(contenders: &mut Vec<Contender>, program: &Program) {
    let mut lane = Lane::new(program, WASM32_PAGES, Guard::Trap).expect("a heap can be reserved");
    contenders.retain(|contender| {
        let examination = (contender.examine)(&mut lane, true, &[], Limits::NONE).expect("a heap can be reset");
        let sound = match examination.verification {
            Verification::Failed { .. } => false,
            Verification::NotChecked { .. } => contender.info.purpose == Purpose::Floor,
            Verification::Passed => true,
        };
        if !sound {
            eprintln!("{} is skipped: {:?}", contender.info.name, examination.verification);
        }
        sound
    });
}

/// The time of `count` replays: each on fresh pages, or as further loops on the same heap. A contender whose heap is
/// full starts again, because filling the heap is all that it can do.
///
/// # Panics
///
/// If a heap cannot be reset, or is full before the contender is steady.
pub fn time(contender: &Contender, lane: &mut Lane<'_>, touch: TouchPolicy, regime: Regime, replays: u64) -> Duration {
    if regime == Regime::Fresh {
        let fresh = |_| contender.fresh_lap(lane, touch, Limits::NONE).expect("a heap can be reset").wall;
        return (0..replays).map(fresh).sum();
    }
    let (mut time, mut left) = (Duration::ZERO, replays);
    while left > 0 {
        let mut loops = 0;
        let mut lap = |lap: Lap| {
            if loops > 0 && lap.refused_grows > 0 {
                return ControlFlow::Break(());
            }
            loops += 1;
            if loops > LOOPS_BEFORE_STEADY {
                time += lap.wall;
                left -= 1;
            }
            if left > 0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        contender.laps(lane, touch, Limits::NONE, &mut lap).expect("a heap can be reset");
        assert!(loops > LOOPS_BEFORE_STEADY, "{} fills its heap before it is steady", contender.info.name);
    }
    time
}

/// criterion, set up so that all benches together take a quarter of an hour; options of the command line take
/// precedence. Plots are off, because drawing them takes five times as long as measuring: `--plotting-backend plotters`
/// enables them.
pub fn criterion() -> Criterion {
    let criterion = Criterion::default().without_plots().nresamples(RESAMPLES);
    criterion.sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1))
}

/// Whether everything should run only once, to check that it works: `cargo bench -- --test`, and `cargo test
/// --benches`.
pub fn is_test() -> bool {
    has("--test") || !has("--bench")
}

/// Whether the benchmark of this name is selected, by criterion's rules. criterion skips those that a filter excludes; their
/// preparation asks here, so that `cargo bench -- micro` does not wait a minute for something else.
pub fn is_selected(name: &str) -> bool {
    filter().is_none_or(|filter| filter.is_match(name))
}

/// Whether to make a comparison that criterion does not make: it is selected, and not only listed.
pub fn should_run(name: &str) -> bool {
    is_selected(name) && !has("--list")
}

/// The traces of the library; only the small ones if everything runs once without a filter.
pub fn entries() -> impl Iterator<Item = &'static LibraryEntry> {
    let small_only = is_test() && filter().is_none();
    library::entries().iter().filter(move |entry| !small_only || entry.about.totals.allocs < 50_000)
}

fn has(flag: &str) -> bool {
    env::args().any(|argument| argument == flag)
}

/// The filter of the command line.
fn filter() -> Option<Regex> {
    let mut arguments = env::args().skip(1);
    let mut filter = None;
    while let Some(argument) = arguments.next() {
        if WITH_VALUE.contains(&argument.as_str()) {
            arguments.next();
        } else if !argument.starts_with('-') {
            filter = Some(argument);
        }
    }
    filter.and_then(|filter| Regex::new(&filter).ok())
}
