//! What surrounds the timed loop, as ratios to references of the same run: `suite/<what>`.
//!
//! | figure | reference |
//! |---|---|
//! | an examination with verification and all metrics, an event | the bare replay |
//! | verification alone, an event | the bare replay |
//! | the same examination with 100 times the live objects | with fewer |
//! | the bounds of a trace, an event | the bare replay |
//! | sizes and lifetimes, an event | the bare replay |
//! | a binary trace compiled, an event | its blocks decoded |
//! | the hash of a binary trace, an event | its blocks decoded |
//! | events read from CSV, an event | its records read by the csv crate |
//!
//! Each line has the goal; the bench fails where a ratio is more than twice the goal, in the best of a few attempts.
//! Everything runs on one thread. Each ratio is the median over seven rounds, with its 95 % interval.

mod common;

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use heaprace::Program;
use heaprace::bench;
use heaprace::contender::{Contender, TouchPolicy};
use heaprace::distributions;
use heaprace::lane::Lane;
use heaprace::limits::Limits;
use heaprace::memory::bounds;
use heaprace_allocators::contenders::dlmalloc::Dlmalloc;
use heaprace_allocators::page_heap::{Guard, WASM32_PAGES};
use heaprace_reports::stats::estimate_median;
use heaprace_traces::synthetic::Kind;
use heaprace_traces::{Source, csv};

/// Attempts before a goal counts as missed by far: a disturbance may spoil one.
const ATTEMPTS: usize = 3;

/// Nanoseconds of a call.
fn ns(mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    call();
    start.elapsed().as_nanos() as f64
}

/// Runs these calls in turn, several times, and divides the time of each by its count.
fn rounds<const CALLS: usize>(mut calls: [(&mut dyn FnMut(), u64); CALLS]) -> Vec<[f64; CALLS]> {
    let rounds = if bench::is_test() { 1 } else { 7 };
    let round = |_| calls.each_mut().map(|(call, count)| ns(&mut **call) / *count as f64);
    (0..rounds).map(round).collect()
}

/// A line of the bench.
struct Line {
    name: &'static str,
    /// What the ratio is of.
    of: &'static str,
    /// The ratio that the suite is built for.
    goal: f64,
}

impl Line {
    /// Measures, prints, and returns whether the ratio is within twice the goal. `run` gives what is measured and its
    /// reference, in ns, for each round. A check that runs once proves nothing.
    fn is_near(&self, mut run: impl FnMut() -> Vec<[f64; 2]>) -> bool {
        if !bench::should_run(&format!("suite/{}", self.name)) {
            return true;
        }
        (0..if bench::is_test() { 1 } else { ATTEMPTS }).any(|_| {
            let rounds = run();
            let median = |of: fn(&[f64; 2]) -> f64| {
                estimate_median(&rounds.iter().map(of).collect::<Vec<_>>()).expect("there are rounds")
            };
            let [measured, reference, ratio] = [median(|ns| ns[0]), median(|ns| ns[1]), median(|ns| ns[0] / ns[1])];
            println!(
                "suite/{}: {:.2} ns, {:.2} ns for {}: ratio {}, goal {} {}",
                self.name,
                measured.value,
                reference.value,
                self.of,
                common::shown(ratio, 2),
                self.goal,
                if ratio.value <= self.goal { "met" } else { "missed" }
            );
            bench::is_test() || ratio.value <= 2.0 * self.goal
        })
    }
}

/// A program, a heap, and one contender on it.
struct Bed<'p> {
    lane: Lane<'p>,
    contender: Contender,
    events: u64,
}

impl<'p> Bed<'p> {
    fn new(program: &'p Program) -> Self {
        let lane = Lane::new(program, WASM32_PAGES, Guard::Batched).expect("a heap can be reserved");
        Bed { lane, contender: Contender::of::<Dlmalloc>(), events: program.events() }
    }

    fn examine(&mut self, verify: bool) {
        black_box((self.contender.examine)(&mut self.lane, verify, &[], Limits::NONE).expect("the heap can be reset"));
    }

    fn bare(&mut self) {
        self.contender.fresh_lap(&mut self.lane, TouchPolicy::None, Limits::NONE).expect("the heap can be reset");
    }
}

const BARE: &str = "the bare replay";
const BLOCKS: &str = "its blocks decoded";

fn examinations(program: &Program) -> bool {
    let (mut bed, mut reference) = (Bed::new(program), Bed::new(program));
    let events = bed.events;
    let examination = Line { name: "examination", of: BARE, goal: 6.0 };
    let verification = Line { name: "verification", of: BARE, goal: 3.5 };
    let whole =
        examination.is_near(|| rounds([(&mut || bed.examine(true), events), (&mut || reference.bare(), events)]));
    let mut unverified = Bed::new(program);
    whole
        & verification.is_near(|| {
            let all = rounds([
                (&mut || bed.examine(true), events),
                (&mut || unverified.examine(false), events),
                (&mut || reference.bare(), events),
            ]);
            all.into_iter().map(|[whole, unverified, bare]| [whole - unverified, bare]).collect()
        })
}

/// Objects are freed at random, so that each event meets a line of memory that no other has met lately.
fn live_objects() -> bool {
    let live = if bench::is_test() { [100, 10_000] } else { [10_000, 1_000_000] };
    let [few, many] = live.map(|live| {
        let events = Kind::Drift.events_with_live(live * 4, live, 1).expect("drift keeps its live objects");
        Program::compile(events.map(Ok)).expect("a synthetic trace is sound")
    });
    let (mut few, mut many) = (Bed::new(&few), Bed::new(&many));
    let (events, reference) = (many.events, few.events);
    let line = Line { name: "live-objects", of: "a hundredth of the live objects", goal: 3.0 };
    line.is_near(|| {
        let repeats = events / reference;
        let mut repeated = || (0..repeats).for_each(|_| few.examine(true));
        rounds([(&mut || many.examine(true), events), (&mut repeated, reference * repeats)])
    })
}

fn about_the_trace(program: &Program) -> bool {
    let mut reference = Bed::new(program);
    let events = reference.events;
    let bounds = Line { name: "bounds", of: BARE, goal: 15.0 };
    let near = bounds.is_near(|| {
        let mut find = || {
            black_box(bounds::of(program).expect("the trace is not too long"));
        };
        rounds([(&mut find, events), (&mut || reference.bare(), events)])
    });
    let sizes = Line { name: "distributions", of: BARE, goal: 0.5 };
    near & sizes.is_near(|| {
        let interrupt = AtomicBool::new(false);
        let mut count = || {
            black_box(distributions::of(program, &interrupt).expect("the program is held"));
        };
        rounds([(&mut count, events), (&mut || reference.bare(), events)])
    })
}

fn decode(binary: &[u8]) {
    black_box(common::each_block(binary, common::of_requests));
}

fn readers(source: &Source, events: u64) -> bool {
    let [text, binary] = common::text_and_binary(source);
    let from_binary = Source::from_bytes("bench.htrace", binary.clone());
    let program = Line { name: "binary", of: BLOCKS, goal: 3.0 };
    let mut near = program.is_near(|| {
        let mut load = || {
            black_box(Program::load(&from_binary).expect("it is a trace"));
        };
        rounds([(&mut load, events), (&mut || decode(&binary), events)])
    });
    let hash = Line { name: "hash", of: BLOCKS, goal: 20.0 };
    near &= hash.is_near(|| {
        let mut hash = || {
            black_box(from_binary.sha256().expect("it is a trace"));
        };
        rounds([(&mut hash, events), (&mut || decode(&binary), events)])
    });
    let line = Line { name: "csv", of: "its records by the csv crate", goal: 0.43 };
    near & line.is_near(|| {
        let mut read = || {
            black_box(csv::CsvReader::new(&text[..], "bench.csv").expect("it is a trace").count());
        };
        let mut records = || {
            let mut reader = ::csv::ReaderBuilder::new().flexible(true).quoting(false).from_reader(&text[..]);
            let mut record = ::csv::ByteRecord::new();
            while reader.read_byte_record(&mut record).expect("it is CSV") {
                black_box(&record);
            }
        };
        rounds([(&mut read, events), (&mut records, events)])
    })
}

fn main() -> ExitCode {
    let names = if bench::is_test() { ["markdown-html"; 2] } else { ["sqlite-ledger", "serde-heavy"] };
    let [of_program, of_text] = names.map(|name| Source::locate(name).expect("it is in the library"));
    let [program, text] = [&of_program, &of_text].map(|source| Program::load(source).expect("the trace is sound"));
    let near = [examinations(&program), live_objects(), about_the_trace(&program), readers(&of_text, text.events())];
    if near.iter().all(|near| *near) {
        return ExitCode::SUCCESS;
    }
    eprintln!("a figure is more than twice its goal");
    ExitCode::FAILURE
}
