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
//! Everything runs on one thread, and each figure is the median of alternating pairs.

mod common;

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use heaprace::Program;
use heaprace::contender::{Contender, TouchPolicy};
use heaprace::distributions;
use heaprace::lane::Lane;
use heaprace::limits::Limits;
use heaprace::memory::bounds;
use heaprace_allocators::contenders::dlmalloc::Dlmalloc;
use heaprace_allocators::page_heap::{Guard, WASM32_PAGES};
use heaprace_traces::htrace::{Block, Blocks, HtraceWriter};
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

/// The result of a comparison: the medians of both, and of their ratio, whatever units they are in.
struct Race {
    measured: f64,
    reference: f64,
    ratio: f64,
}

/// Runs both in turn, and divides the time of each by its count.
fn race(measured: (&mut dyn FnMut(), u64), reference: (&mut dyn FnMut(), u64)) -> Race {
    let pairs = if common::is_test() { 1 } else { 7 };
    let ((measure, count), (refer, reference_count)) = (measured, reference);
    let of = |pairs: &[[f64; 2]], value: fn(&[f64; 2]) -> f64| {
        let mut values: Vec<f64> = pairs.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let pairs: Vec<[f64; 2]> =
        (0..pairs).map(|_| [ns(&mut *measure) / count as f64, ns(&mut *refer) / reference_count as f64]).collect();
    Race {
        measured: of(&pairs, |pair| pair[0]),
        reference: of(&pairs, |pair| pair[1]),
        ratio: of(&pairs, |pair| pair[0] / pair[1]),
    }
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
    /// Races, prints, and returns whether the ratio is within twice the goal. A check that runs once proves nothing.
    fn is_near(&self, mut run: impl FnMut() -> Race) -> bool {
        if !common::should_run(&format!("suite/{}", self.name)) {
            return true;
        }
        (0..if common::is_test() { 1 } else { ATTEMPTS }).any(|_| {
            let Race { measured, reference, ratio } = run();
            let met = if ratio <= self.goal { "met" } else { "missed" };
            println!(
                "suite/{:<14} {measured:>8.2} ns, {reference:>8.2} ns for {}: ratio {ratio:>7.2}, goal {} {met}",
                self.name, self.of, self.goal
            );
            common::is_test() || ratio <= 2.0 * self.goal
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
    let whole = examination.is_near(|| race((&mut || bed.examine(true), events), (&mut || reference.bare(), events)));
    let mut unverified = Bed::new(program);
    whole
        & verification.is_near(|| {
            let all = race((&mut || bed.examine(true), events), (&mut || unverified.examine(false), events));
            let bare = ns(|| reference.bare()) / events as f64;
            let measured = all.measured - all.reference;
            Race { measured, reference: bare, ratio: measured / bare }
        })
}

/// Objects are freed at random, so that each event meets a line of memory that no other has met lately.
fn live_objects() -> bool {
    let live = if common::is_test() { [100, 10_000] } else { [10_000, 1_000_000] };
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
        race((&mut || many.examine(true), events), (&mut repeated, reference * repeats))
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
        race((&mut find, events), (&mut || reference.bare(), events))
    });
    let sizes = Line { name: "distributions", of: BARE, goal: 0.5 };
    near & sizes.is_near(|| {
        let interrupt = AtomicBool::new(false);
        let mut count = || {
            black_box(distributions::of(program, &interrupt).expect("the program is held"));
        };
        race((&mut count, events), (&mut || reference.bare(), events))
    })
}

/// The same trace as text and in the binary format.
fn texts(source: &Source) -> (Vec<u8>, Vec<u8>) {
    let events = source.open().expect("the library's traces open");
    let (columns, provenance) = (events.columns(), events.provenance().to_vec());
    let mut text = csv::CsvWriter::new(Vec::new(), columns, &provenance).expect("memory can be written");
    let mut binary = HtraceWriter::new(Vec::new(), columns, &provenance).expect("memory can be written");
    for event in events {
        let event = event.expect("the library's traces are sound");
        text.write(&event).expect("memory can be written");
        binary.write(&event).expect("memory can be written");
    }
    (text.finish().expect("memory can be written"), binary.finish().expect("memory can be written"))
}

fn decode(binary: &[u8]) {
    let mut blocks = Blocks::new(binary, "bench.htrace").expect("it is a trace");
    let mut block = Block::default();
    while blocks.read(&mut block).expect("it is a trace") {
        black_box(block.requests().fold(0, |sum, request| sum ^ request.id ^ u64::from(request.size)));
    }
}

fn readers(source: &Source, events: u64) -> bool {
    let (text, binary) = texts(source);
    let from_binary = Source::from_bytes("bench.htrace", binary.clone());
    let program = Line { name: "binary", of: BLOCKS, goal: 3.0 };
    let mut near = program.is_near(|| {
        let mut load = || {
            black_box(Program::load(&from_binary).expect("it is a trace"));
        };
        race((&mut load, events), (&mut || decode(&binary), events))
    });
    let hash = Line { name: "hash", of: BLOCKS, goal: 20.0 };
    near &= hash.is_near(|| {
        let mut hash = || {
            black_box(from_binary.sha256().expect("it is a trace"));
        };
        race((&mut hash, events), (&mut || decode(&binary), events))
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
        race((&mut read, events), (&mut records, events))
    })
}

fn main() -> ExitCode {
    let names = if common::is_test() { ["markdown-html"; 2] } else { ["sqlite-ledger", "serde-heavy"] };
    let [of_program, of_text] = names.map(|name| Source::locate(name).expect("it is in the library"));
    let [program, text] = [&of_program, &of_text].map(|source| Program::load(source).expect("the trace is sound"));
    let near = [examinations(&program), live_objects(), about_the_trace(&program), readers(&of_text, text.events())];
    if near.iter().all(|near| *near) {
        return ExitCode::SUCCESS;
    }
    eprintln!("a figure is more than twice its goal");
    ExitCode::FAILURE
}
