//! Whether criterion and `replay` agree: both time a contender on a trace in one run, and their 95 % intervals are
//! printed side by side: `agreement/<trace>/<fresh|steady>/<contender>`.
//!
//! Both call the same function for a replay and read the same clock around it. They differ in how they use the times.
//! criterion replays one contender repeatedly in one process, combines short replays into samples, and prints the mean
//! of the samples. `replay` runs all contenders in a new order and a new process each round, uses every replay as a
//! sample, and prints the median. Half of the rounds run just before criterion and half just after it, so that a
//! gradual slowdown of the machine affects both.
//!
//! If the intervals do not overlap, the bench looks for an explanation and prints it. It fails if the medians of all
//! fresh benchmarks, or of all steady ones, are more than 25 % apart in the same direction without an explanation: a
//! bug would affect all of them, a disturbance does not.

mod common;

use std::cell::{Cell, LazyCell};
use std::cmp::Ordering;
use std::error::Error;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::shown;
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use heaprace::Program;
use heaprace::bench;
use heaprace::contender::{Contender, TouchPolicy};
use heaprace::lane::Lane;
use heaprace::limits::Limits;
use heaprace::time::process::{self, TraceLocation};
use heaprace::time::race::{self, Race};
use heaprace::time::rounds::Rounds;
use heaprace_allocators::PageSize;
use heaprace_allocators::page_heap::{Guard, WASM32_PAGES};
use heaprace_reports::results::Rigor;
use heaprace_reports::results::{Figure, Time};
use heaprace_reports::stats::{Estimate, Interval, Regime, estimate_median};
use heaprace_traces::Source;
use serde_json::Value;

const TRACES: [&str; 2] = ["serde-heavy", "http-router"];
const CONTENDERS: [&str; 2] = ["dlmalloc", "talc"];
/// Rounds before criterion's turn, and the same number after it.
const ROUNDS: u32 = 10;
const SEED: u64 = 1;
const GROSS_PERCENT: f64 = 25.0;

/// The folder for criterion's results here, separate from benchmarks that are compared with a baseline.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("agreement")
}

/// criterion's results, in nanoseconds per op.
struct Found {
    mean: Estimate,
    median: Estimate,
}

impl Found {
    fn read(group: &str, contender: &str, events: u64) -> Result<Self, Box<dyn Error>> {
        let path = directory().join(group.replace('/', "_")).join(contender).join("new/estimates.json");
        let json: Value = serde_json::from_str(&fs::read_to_string(path)?)?;
        let estimate = |name: &str| {
            let of = |pointer: &str| json[name].pointer(pointer).and_then(Value::as_f64).map(|ns| ns / events as f64);
            let interval = (of("/confidence_interval/lower_bound"), of("/confidence_interval/upper_bound"));
            match (of("/point_estimate"), interval) {
                (Some(value), (Some(low), Some(high))) => {
                    Ok(Estimate { value, interval: Some(Interval { low, high }) })
                }
                _ => Err(format!("criterion has left no {name}")),
            }
        };
        Ok(Found { mean: estimate("mean")?, median: estimate("median")? })
    }
}

fn overlap(first: Estimate, second: Estimate) -> bool {
    first.interval.zip(second.interval).is_some_and(|(first, second)| first.overlaps(second))
}

/// How far the larger one is above the smaller one.
fn percent_apart(one: Estimate, other: Estimate) -> f64 {
    (one.value.max(other.value) / one.value.min(other.value) - 1.0) * 100.0
}

/// The results of both for one contender, in nanoseconds per op.
struct Pair {
    criterion: Found,
    before: Estimate,
    after: Estimate,
    replay: Estimate,
}

impl Pair {
    /// Whether the medians overlap, or why they might not; `None` if nothing here explains it.
    fn explanation(&self) -> Option<String> {
        if overlap(self.criterion.median, self.replay) {
            return Some("criterion prints a mean and replay a median; the medians overlap".to_owned());
        }
        let drift = percent_apart(self.before, self.after);
        (!overlap(self.before, self.after))
            .then(|| format!("the machine changed by {drift:.1} % from the rounds before to those after"))
    }

    fn verdict(&self) -> String {
        if overlap(self.criterion.mean, self.replay) {
            return "overlap".to_owned();
        }
        let apart = percent_apart(self.criterion.mean, self.replay);
        match self.explanation() {
            Some(why) => format!("apart by {apart:.1} %, because {why}"),
            None => {
                let medians = percent_apart(self.criterion.median, self.replay);
                format!("apart by {apart:.1} %, the medians by {medians:.1} %, and nothing here explains it")
            }
        }
    }

    /// Which of the two is larger, if they differ so much that it would be a bug if others did too.
    fn gross(&self) -> Option<Ordering> {
        let is_gross = percent_apart(self.criterion.median, self.replay) > GROSS_PERCENT;
        let direction = self.criterion.median.value.total_cmp(&self.replay.value);
        (is_gross && self.explanation().is_none()).then_some(direction)
    }
}

fn rounds(trace: &str, program: &Program, contenders: &[Contender], seed: u64) -> Vec<Time> {
    let count = if bench::is_test() { 1 } else { ROUNDS };
    let (touch, page) = (TouchPolicy::All, PageSize::WASM);
    let rounds = Rounds { count, seed, touch, page, limit_pages: WASM32_PAGES };
    let trace = TraceLocation::Library(trace.to_owned());
    let race = Race { trace: &trace, events: program.events(), contenders, rounds, rigor: Rigor::Default };
    let child = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
        command.arg(process::VERB);
        Ok(command)
    };
    let timing = race::run(&race, Limits::NONE, child, |_, _| ControlFlow::Continue(())).expect("nobody ends it");
    let time =
        |time: Figure<Time>| time.known().cloned().unwrap_or_else(|| panic!("every contender is timed: {time:?}"));
    timing.times.into_iter().map(time).collect()
}

fn samples(time: &Time, regime: Regime) -> Vec<f64> {
    regime.samples(time).iter().map(|&ns| ns as f64 / time.ops as f64).collect()
}

/// Times a contender in both ways, and prints the results.
fn bench(
    criterion: &mut Criterion,
    trace: &str,
    program: &Program,
    contenders: &[Contender],
    which: usize,
    regime: Regime,
) -> Option<Pair> {
    let (contender, group_name) = (&contenders[which], format!("agreement/{trace}/{}", regime.name()));
    let before = samples(&rounds(trace, program, contenders, SEED)[which], regime);
    let mut lane = Lane::new(program, WASM32_PAGES, Guard::Batched).expect("a heap can be reserved");
    let is_measured = Cell::new(false);
    let mut group = criterion.benchmark_group(&group_name);
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(program.events()));
    group.bench_function(BenchmarkId::from_parameter(contender.info.name), |bencher| {
        is_measured.set(!bench::is_test());
        bencher.iter_custom(|replays| bench::time(contender, &mut lane, TouchPolicy::All, regime, replays));
    });
    group.finish();
    let after = samples(&rounds(trace, program, contenders, SEED + 1)[which], regime);
    if !is_measured.get() {
        return None;
    }
    let median = |samples: &[f64]| estimate_median(samples).expect("there are rounds");
    let found = Found::read(&group_name, contender.info.name, program.events()).expect("criterion has written it");
    let replay = median(&[&before[..], &after].concat());
    let pair = Pair { criterion: found, before: median(&before), after: median(&after), replay };
    let Found { mean, median } = &pair.criterion;
    println!("{group_name}/{}, ns per op:", contender.info.name);
    println!("  criterion: mean {}, median {}", shown(*mean, 2), shown(*median, 2));
    println!("  replay, {} rounds: median {}; {}", 2 * ROUNDS, shown(replay, 2), pair.verdict());
    Some(pair)
}

fn agreement(criterion: &mut Criterion) {
    let programs = TRACES.map(|name| {
        let source = Source::locate(name).expect("it is in the library");
        (name, LazyCell::new(move || Program::load(&source).expect("the library's traces are sound")))
    });
    let contenders = CONTENDERS.map(|name| Contender::named(name).expect("it is registered"));
    for regime in Regime::ALL {
        let mut pairs = Vec::new();
        for (trace, program) in &programs {
            for (which, name) in CONTENDERS.iter().enumerate() {
                if !bench::is_selected(&format!("agreement/{trace}/{}/{name}", regime.name())) {
                    continue;
                }
                pairs.extend(bench(criterion, trace, program, &contenders, which, regime));
            }
        }
        let gross: Vec<_> = pairs.iter().filter_map(Pair::gross).collect();
        let is_bug = gross.len() == TRACES.len() * CONTENDERS.len() && gross.iter().all(|&one| one == gross[0]);
        assert!(!is_bug, "criterion and replay disagree: {}", regime.name());
    }
}

fn config() -> Criterion {
    bench::criterion().output_directory(&directory())
}

criterion_group!(name = benches; config = config(); targets = agreement);
criterion_main!(benches);
