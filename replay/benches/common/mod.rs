//! Shared by the benches: command-line filters for everything that criterion does not filter itself, and the format of
//! figures.
//!
//! criterion skips the benchmarks that a filter excludes. Their preparation, and comparisons that criterion does not
//! make, check the filter here, so that `cargo bench -- micro` does not wait a minute for something else.

// Every bench is a crate of its own, and uses some of it.
#![allow(dead_code)]

use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::Duration;

use criterion::Criterion;
use regex::Regex;

use heaprace::Program;
use heaprace::contender::{Contender, TouchPolicy};
use heaprace::lane::Lane;
use heaprace::limits::Limits;
use heaprace_reports::stats::{Estimate, RESAMPLES, Regime};
use heaprace_traces::htrace::{Block, Blocks, HtraceWriter};
use heaprace_traces::library::{self, LibraryEntry};
use heaprace_traces::{Action, Event, Source, csv};

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

/// Whether everything should run only once, to check that it works: `cargo bench -- --test`, and `cargo test
/// --benches`.
pub(crate) fn is_test() -> bool {
    has("--test") || !has("--bench")
}

fn has(flag: &str) -> bool {
    std::env::args().any(|argument| argument == flag)
}

/// The filter of the command line.
fn filter() -> Option<Regex> {
    let mut arguments = std::env::args().skip(1);
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

/// Whether the benchmark of this name is selected, by criterion's rules.
pub(crate) fn is_selected(name: &str) -> bool {
    filter().is_none_or(|filter| filter.is_match(name))
}

/// Whether to make a comparison that criterion does not make: it is selected, and not only listed.
pub(crate) fn should_run(name: &str) -> bool {
    is_selected(name) && !has("--list")
}

/// The traces of the library; only the small ones if everything runs once without a filter.
pub(crate) fn entries() -> impl Iterator<Item = &'static LibraryEntry> {
    let small_only = is_test() && filter().is_none();
    library::entries().iter().filter(move |entry| !small_only || entry.about.totals.allocs < 50_000)
}

/// The events of a trace as text and in the binary format.
pub(crate) fn text_and_binary(source: &Source) -> [Vec<u8>; 2] {
    let events = source.open().expect("the library's traces open");
    let (columns, provenance) = (events.columns(), events.provenance().to_vec());
    let mut text = csv::CsvWriter::new(Vec::new(), columns, &provenance).expect("memory can be written");
    let mut binary = HtraceWriter::new(Vec::new(), columns, &provenance).expect("memory can be written");
    for event in events {
        let event = event.expect("the library's traces are sound");
        text.write(&event).expect("memory can be written");
        binary.write(&event).expect("memory can be written");
    }
    [text.finish().expect("memory can be written"), binary.finish().expect("memory can be written")]
}

/// Decodes the blocks of a binary trace, and combines a number of each.
pub(crate) fn each_block(binary: &[u8], of: impl Fn(&Block) -> u64) -> u64 {
    let mut blocks = Blocks::new(binary, "bench.htrace").expect("it is a trace");
    let (mut block, mut sum) = (Block::default(), 0);
    while blocks.read(&mut block).expect("it is a trace") {
        sum ^= black_box(of(&block));
    }
    sum
}

/// A number of all requests of a block.
pub(crate) fn of_requests(block: &Block) -> u64 {
    block.requests().fold(0, |sum, request| sum ^ request.id ^ u64::from(request.size))
}

/// The program of these actions on the objects of these ids.
pub(crate) fn compile(actions: impl IntoIterator<Item = (u64, Action)>) -> Program {
    let events =
        actions.into_iter().map(|(id, action)| Ok(Event { action, id, thread: None, time_ns: None, written: None }));
    Program::compile(events).expect("the program is sound")
}

/// Loops of the trace before steady ones are timed: the first is fresh, and the second is the first to reuse freed
/// memory.
const LOOPS_BEFORE_STEADY: usize = 2;

/// The time of `count` replays: each on fresh pages, or as further loops on the same heap. A contender whose heap is
/// full starts again, because filling the heap is all that it can do.
pub(crate) fn time(
    contender: &Contender,
    lane: &mut Lane<'_>,
    touch: TouchPolicy,
    regime: Regime,
    replays: u64,
) -> Duration {
    if regime == Regime::Fresh {
        let fresh = |_| contender.fresh_lap(lane, touch, Limits::NONE).expect("a heap can be reset").wall;
        return (0..replays).map(fresh).sum();
    }
    let (mut time, mut left) = (Duration::ZERO, replays);
    while left > 0 {
        let mut loops = 0;
        let mut lap = |lap: heaprace::lane::Lap| {
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
pub(crate) fn criterion() -> Criterion {
    let criterion = Criterion::default().without_plots().nresamples(RESAMPLES);
    criterion.sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1))
}

/// A figure with its interval: `1.05 [1.04, 1.06]`.
pub(crate) fn shown(estimate: Estimate, decimals: usize) -> String {
    let value = format!("{:.decimals$}", estimate.value);
    estimate.interval.map_or(value.clone(), |interval| {
        format!("{value} [{:.decimals$}, {:.decimals$}]", interval.low, interval.high)
    })
}
