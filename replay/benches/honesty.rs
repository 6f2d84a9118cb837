//! Whether the verdicts are honest, through the whole tool including processes: identical contenders get no verdict,
//! and a contender that is 5 % slower is detected.
//!
//! - **A/A**: five contenders take part under two names each, in 400 runs of the default rounds: 4,000 verdicts, fresh
//!   and steady. A 95 % interval errs once in twenty. Between 3 and 6 % of the verdicts may be wrong: more would be
//!   dishonest, and fewer would mean that the intervals are wider than stated.
//! - **5 % slower**: dlmalloc against itself with a spin in some calls, long enough for 5 %, fresh and then steady, in
//!   100 runs of the rigorous rounds. It must be detected in 80 of them.
//!
//! It fails if either does not hold, or if the calibration is vacuous: the contender that should be 5 % slower is not,
//! over all runs together. Either may happen on a shared machine; METHODOLOGY.md reports results. `-- honesty/same` and
//! `-- honesty/slower` run only one of them.

use std::alloc::Layout;
use std::env;
use std::fs;
use std::hint::black_box;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicU32, Ordering};

use heaprace::Program;
use heaprace::contender::{Contender, TouchPolicy};
use heaprace::limits::Limits;
use heaprace::time::process::{self, TraceLocation};
use heaprace::time::race::{self, Race, Timing};
use heaprace::time::rounds::Rounds;
use heaprace_allocators::contenders::dlmalloc::Dlmalloc;
use heaprace_allocators::page_heap::{HeapRef, WASM32_PAGES};
use heaprace_allocators::{HeapAllocator, Info, PageSize, Purpose};
use heaprace_reports::results::Figure;
use heaprace_reports::results::Rigor;
use heaprace_reports::stats::{Ratio, Regime, Verdict, median, ratio_within_rounds};
use heaprace_traces::{Source, algebra};

/// The contenders that take part under two names each.
const TWICE: [(&str, &str); 5] = [
    ("segregated-bump", "segregated-bump-again"),
    ("dlmalloc", "dlmalloc-again"),
    ("wasmalloc", "wasmalloc-again"),
    ("wee_alloc", "wee_alloc-again"),
    ("talc", "talc-again"),
];

/// The beginning of a trace of the library: the question is whether intervals hold, which takes many short runs.
const TRACE: &str = "text-editor";
const EVENTS: u64 = 30_000;

/// A/A runs, each with a verdict for every contender of [`TWICE`] and regime.
const RUNS: u32 = 400;

/// The share of their verdicts that may be wrong.
const WRONG: std::ops::RangeInclusive<f64> = 0.03..=0.06;

/// Runs with a slowed contender, and the share of them in which it must be detected.
const SLOWER_RUNS: u32 = 100;
const FOUND: f64 = 0.8;

/// The factor by which the slowed contender should take longer, and the tolerance over all runs.
const SLOWDOWN: f64 = 1.05;
const MISCALIBRATED: f64 = 0.01;

/// A freed block costs a spin if these bits of its address are 0: one in 32, without a counter, which would cost more
/// than the spins.
const SPIN_BITS: usize = 31 << 4;

/// Turns of a spin for measuring their cost, and the rigorous rounds for that.
const CALIBRATION_TURNS: u32 = 400;
const CALIBRATION_ROUNDS: u32 = 200;

/// The variable that passes the turns of a spin to children.
const TURNS_VARIABLE: &str = "HEAPRACE_HONESTY_TURNS";

/// Turns of a spin, for every [`Slowed`] created from now on.
static TURNS: AtomicU32 = AtomicU32::new(0);

/// dlmalloc with a spin in some calls of `dealloc`.
struct Slowed {
    inner: Dlmalloc,
    turns: u32,
}

// SAFETY: dlmalloc guarantees this; a spin changes nothing.
unsafe impl HeapAllocator for Slowed {
    const INFO: Info = Info {
        name: "dlmalloc-slowed",
        crate_name: Dlmalloc::INFO.crate_name,
        version: Dlmalloc::INFO.version,
        purpose: Purpose::Contender,
        groups: &[],
        summary: "dlmalloc with a spin in some calls",
        refuses: Dlmalloc::INFO.refuses,
    };

    fn create(heap: HeapRef) -> Self {
        Slowed { inner: Dlmalloc::create(heap), turns: TURNS.load(Ordering::Relaxed) }
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.inner.alloc(layout) }
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        if block.addr() & SPIN_BITS == 0 {
            (0..self.turns).for_each(|turn| {
                black_box(turn);
            });
        }
        // SAFETY: upheld by the caller.
        unsafe { self.inner.dealloc(block, layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.inner.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.inner.realloc(block, layout, new_size) }
    }
}

fn named(name: &str) -> Contender {
    Contender::named(name).expect("it is registered")
}

/// The same contender, with the same code, under another name.
fn again(name: &str, other: &'static str) -> Contender {
    let mut again = named(name);
    again.info.name = other;
    again
}

/// All contenders of these benches: those that a child knows.
fn everyone() -> Vec<Contender> {
    let twice = TWICE.iter().flat_map(|&(name, other)| [named(name), again(name, other)]);
    twice.chain([named("null"), Contender::of::<Slowed>()]).collect()
}

/// The trace, in a file that other processes can open.
fn short_trace() -> Source {
    let events = Source::locate(TRACE).and_then(|source| source.open()).expect("it is in the library");
    let mut writer = heaprace_traces::htrace::HtraceWriter::new(Vec::new(), events.columns(), events.provenance())
        .expect("into memory");
    for event in algebra::slice(events, 0..EVENTS) {
        writer.write(&event.expect("the library's traces are sound")).expect("into memory");
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("honesty.htrace");
    fs::write(&path, writer.finish().expect("into memory")).expect("the folder is there");
    Source::locate(path.to_str().expect("Cargo's paths are text")).expect("it has just been written")
}

/// Runs the tool as a user does, with this bench as the child.
fn run(
    source: &Source,
    events: u64,
    contenders: &[Contender],
    rigor: Rigor,
    count: u32,
    seed: u64,
    turns: u32,
) -> Timing {
    let make_child = || -> io::Result<Command> {
        let mut command = Command::new(env::current_exe()?);
        command.arg(process::VERB).env(TURNS_VARIABLE, turns.to_string());
        Ok(command)
    };
    let rounds = Rounds { count, seed, touch: TouchPolicy::All, page: PageSize::WASM, limit_pages: WASM32_PAGES };
    let trace = TraceLocation::of(source).expect("it is in a file");
    let race = Race { trace: &trace, events, contenders, rounds, rigor };
    race::run(&race, Limits::NONE, make_child, |_, _| ControlFlow::Continue(())).expect("nobody ends it")
}

/// The times of one contender over those of another.
fn ratio(timing: &Timing, above: usize, below: usize, regime: Regime) -> Ratio {
    let samples = |which: usize| match &timing.times[which] {
        Figure::Known(time) => regime.samples(time),
        Figure::Unknown { unknown } => panic!("a contender has no time: {unknown}"),
    };
    match ratio_within_rounds(samples(above), samples(below)) {
        Figure::Known(ratio) => ratio,
        Figure::Unknown { unknown } => panic!("there is no ratio: {unknown}"),
    }
}

fn percent(count: usize, of: usize) -> f64 {
    100.0 * count as f64 / of.max(1) as f64
}

/// Compares the same contenders under two names: whether the share of wrong verdicts matches a 95 % interval.
fn same_under_two_names(source: &Source, events: u64, runs: u32, rounds: u32) -> bool {
    println!(
        "A/A: {} contenders under two names each, {runs} runs of {rounds} rounds on {EVENTS} events of {TRACE}",
        TWICE.len()
    );
    let contenders: Vec<Contender> =
        TWICE.iter().flat_map(|&(name, other)| [named(name), again(name, other)]).chain([named("null")]).collect();
    let mut wrong = vec![[0; Regime::ALL.len()]; TWICE.len()];
    let (mut wall_ns, mut processor_ns) = (0, Some(0));
    for seed in 1..=runs {
        let timing = run(source, events, &contenders, Rigor::Default, rounds, u64::from(seed), 0);
        for (pair, wrong) in wrong.iter_mut().enumerate() {
            for (regime, wrong) in Regime::ALL.into_iter().zip(wrong) {
                let verdict = ratio(&timing, 2 * pair, 2 * pair + 1, regime).verdict;
                *wrong += usize::from(verdict != Verdict::Inconclusive);
            }
        }
        wall_ns += timing.conditions.wall_ns;
        processor_ns = processor_ns.zip(timing.conditions.processor_ns).map(|(sum, more)| sum + more);
    }
    for ((name, _), wrong) in TWICE.iter().zip(&wrong) {
        let of = |index: usize| format!("{} {:.1} %", Regime::ALL[index].name(), percent(wrong[index], runs as usize));
        println!("  {name}: wrong verdicts: {}, {}", of(0), of(1));
    }
    let (all, verdicts) = (wrong.iter().flatten().sum::<usize>(), TWICE.len() * Regime::ALL.len() * runs as usize);
    let share = percent(all, verdicts) / 100.0;
    let (low, high) = (100.0 * WRONG.start(), 100.0 * WRONG.end());
    println!("  {all} of {verdicts} verdicts are wrong: {:.2} % (wanted: {low} to {high} %)", 100.0 * share);
    if let Some(processor_ns) = processor_ns {
        println!(
            "  timed replays waited for a processor for {:.1} % of their time",
            100.0 - percent(processor_ns as usize, wall_ns as usize)
        );
    }
    WRONG.contains(&share)
}

/// dlmalloc, and a slowed version of it.
fn with_slowed() -> [Contender; 2] {
    [named("dlmalloc"), Contender::of::<Slowed>()]
}

/// The turns of a spin that make the slowed contender take [`SLOWDOWN`] times as long, computed from the cost of none
/// and many in the same rigorous rounds as later.
fn calibrate(source: &Source, events: u64, regime: Regime, rounds: u32) -> u32 {
    let ratio_with = |turns: u32| {
        let timing = run(source, events, &with_slowed(), Rigor::Rigorous, rounds, 0, turns);
        ratio(&timing, 1, 0, regime).estimate.value
    };
    let (none, many) = (ratio_with(0), ratio_with(CALIBRATION_TURNS));
    let of_a_turn = (many - none) / f64::from(CALIBRATION_TURNS);
    // If noise hides the cost, or checking the address costs as much, the result is nonsense, which shows when it is
    // used.
    let turns = ((SLOWDOWN - none) / of_a_turn).round().clamp(0.0, 1e6) as u32;
    println!("  {}: {none:.3} × without spins, {many:.3} × with {CALIBRATION_TURNS} turns; now {turns}", regime.name());
    turns
}

/// Whether a contender that is 5 % slower is detected, and whether it is 5 % slower at all.
fn slower_by_five_percent(source: &Source, events: u64, runs: u32, rounds: u32, calibration_rounds: u32) -> bool {
    println!(
        "5 % slower: dlmalloc with spins over dlmalloc, {runs} runs of {rounds} rigorous rounds on {EVENTS} events of {TRACE}"
    );
    let mut is_well = true;
    for regime in Regime::ALL {
        let turns = calibrate(source, events, regime, calibration_rounds);
        let one = |seed| {
            let timing = run(source, events, &with_slowed(), Rigor::Rigorous, rounds, u64::from(seed), turns);
            ratio(&timing, 1, 0, regime)
        };
        let ratios: Vec<Ratio> = (1..=runs).map(one).collect();
        let values: Vec<f64> = ratios.iter().map(|ratio| ratio.estimate.value).collect();
        let slowdown = median(&values).expect("there are runs");
        let found = ratios.iter().filter(|ratio| ratio.verdict == Verdict::Slower).count();
        println!(
            "  {}: {slowdown:.3} × over all runs, found slower in {found} of {runs} (wanted: at least {:.0} %)",
            regime.name(),
            100.0 * FOUND
        );
        if (slowdown - SLOWDOWN).abs() > MISCALIBRATED {
            println!("  vacuous: it takes {slowdown:.3} × instead of {SLOWDOWN} ×, so this proves nothing");
            is_well = false;
        }
        is_well &= percent(found, ratios.len()) / 100.0 >= FOUND;
    }
    is_well
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.first().is_some_and(|argument| argument == process::VERB) {
        let turns = env::var(TURNS_VARIABLE).ok().and_then(|turns| turns.parse().ok());
        TURNS.store(turns.unwrap_or(0), Ordering::Relaxed);
        return if heaprace::time::child::serve(&everyone()) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    // Like criterion's benches: names select benches, and `--test` only checks that they work.
    let is_selected = |name: &str| {
        let mut filters = arguments.iter().filter(|argument| !argument.starts_with('-')).peekable();
        filters.peek().is_none() || filters.any(|filter| name.contains(filter.as_str()))
    };
    let (same, slower) = (is_selected("honesty/same"), is_selected("honesty/slower"));
    if !same && !slower {
        return ExitCode::SUCCESS;
    }
    let brief = arguments.iter().any(|argument| argument == "--test");
    let source = short_trace();
    let program = Program::load(&source).expect("it compiles");
    if brief {
        // This few show nothing about shares, only that everything runs.
        same_under_two_names(&source, program.events(), 1, 2);
        slower_by_five_percent(&source, program.events(), 1, 2, 2);
        return ExitCode::SUCCESS;
    }
    let events = program.events();
    let same =
        !same || same_under_two_names(&source, events, RUNS, heaprace::time::rounds::default_count(Rigor::Default));
    let slower = !slower
        || slower_by_five_percent(
            &source,
            events,
            SLOWER_RUNS,
            heaprace::time::rounds::default_count(Rigor::Rigorous),
            CALIBRATION_ROUNDS,
        );
    if same && slower { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
