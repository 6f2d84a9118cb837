//! Whether the verdicts are honest: of two contenders that are the same nothing is said, and one that is 5 % slower is found.
//!
//! - **A/A**: dlmalloc takes part under two names, in 20 runs of the default rounds. Each run should end as inconclusive; an interval of
//!   95 % says otherwise in one run of twenty.
//! - **5 % slower**: dlmalloc against itself with a spin at every k-th call, where k is chosen so that it takes 5 % longer, by rigorous
//!   timing, in fresh processes. It should be found slower in the rounds that rigorous timing has; four times as many, which halve the
//!   interval, say whether a noisy machine has hidden it.
//!
//! It reports, and fails on nothing: on a machine that others use, either may come out otherwise. What does not depend on the machine, the
//! verdict on given samples, has tests in `reports`.

use std::alloc::Layout;
use std::env;
use std::hint::black_box;
use std::io;
use std::ops::ControlFlow;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicU32, Ordering};

use allocators::dlmalloc::Dlmalloc;
use allocators::page_heap::{Guard, HeapRef, Reset, WASM32_PAGES};
use allocators::{HeapAllocator, Info, PageHeap, PageSize, Role};
use replay::child::{self, Trace};
use replay::contender::{Contender, TouchPolicy};
use replay::lane::Lane;
use replay::leash::Leash;
use replay::timing::{self, Rigor, Rounds, Timing};
use replay::{Program, isolated};
use reports::results::Figure;
use reports::stats::{Ratio, Temperature, Verdict, median, ratio_within_rounds};
use traces::Source;

/// How many A/A runs there are, and in how many of them nothing may be found at least.
const RUNS: u64 = 20;
const INCONCLUSIVE_RUNS: usize = 18;

/// How much longer the slowed contender is to take.
const SLOWDOWN: f64 = 1.05;

/// Turns of a spin, some tens of nanoseconds.
const SPIN_TURNS: u32 = 50;

/// Spins so often that calibration can tell their cost, whatever the noise.
const CALIBRATION_PERIOD: u32 = 8;

/// How children are told the period.
const PERIOD_VARIABLE: &str = "HEAPRACE_HONESTY_PERIOD";

/// Calls from one spin to the next, of every [`Slowed`] that is created from now on.
static PERIOD: AtomicU32 = AtomicU32::new(u32::MAX);

/// dlmalloc with a spin at every [`PERIOD`]th call.
struct Slowed {
    inner: Dlmalloc,
    period: u32,
    left: u32,
}

impl Slowed {
    #[inline(always)]
    fn spin_at_times(&mut self) {
        self.left -= 1;
        if self.left == 0 {
            self.left = self.period;
            (0..SPIN_TURNS).for_each(|turn| {
                black_box(turn);
            });
        }
    }
}

// SAFETY: dlmalloc's own promise; a spin changes nothing.
unsafe impl HeapAllocator for Slowed {
    const INFO: Info = Info {
        name: "dlmalloc-slowed",
        version: Dlmalloc::INFO.version,
        role: Role::Contender,
        summary: "dlmalloc with a spin at every k-th call",
        refuses: Dlmalloc::INFO.refuses,
    };

    fn create(heap: HeapRef) -> Self {
        let period = PERIOD.load(Ordering::Relaxed);
        Slowed { inner: Dlmalloc::create(heap), period, left: period }
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        self.spin_at_times();
        // SAFETY: the caller's.
        unsafe { self.inner.alloc(layout) }
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        self.spin_at_times();
        // SAFETY: the caller's.
        unsafe { self.inner.dealloc(block, layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        self.spin_at_times();
        // SAFETY: the caller's.
        unsafe { self.inner.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        self.spin_at_times();
        // SAFETY: the caller's.
        unsafe { self.inner.realloc(block, layout, new_size) }
    }
}

fn named(name: &str) -> Contender {
    Contender::named(name).expect("it is registered")
}

/// The floor, which takes part in every timing, and then the two that are compared.
fn beside_dlmalloc(other: Contender) -> [Contender; 3] {
    [named("null"), named("dlmalloc"), other]
}

/// The same contender, down to its code, under another name.
fn dlmalloc_again() -> Contender {
    let mut again = named("dlmalloc");
    again.info.name = "dlmalloc-again";
    again
}

fn rounds(count: u32, seed: u64) -> Rounds {
    Rounds { count, seed, touch: TouchPolicy::None, page: PageSize::WASM, limit_pages: WASM32_PAGES }
}

/// The third contender's times over the second's, in the first of these rounds.
fn ratio(timing: &Timing, temperature: Temperature, rounds: u32) -> Result<Ratio, String> {
    let samples = |which: usize| match &timing.times[which] {
        Figure::Known(time) => {
            let samples = temperature.samples(time);
            Ok(&samples[..samples.len().min(rounds as usize)])
        }
        Figure::Unknown { unknown } => Err(unknown.clone()),
    };
    match ratio_within_rounds(samples(2)?, samples(1)?, 1) {
        Figure::Known(ratio) => Ok(ratio),
        Figure::Unknown { unknown } => Err(unknown),
    }
}

fn describe(ratio: &Result<Ratio, String>) -> String {
    match ratio {
        Err(reason) => format!("not known: {reason}"),
        Ok(Ratio { estimate, verdict }) => {
            let interval = estimate.interval.map(|interval| format!("{:.3}–{:.3}", interval.low, interval.high));
            format!("{:.3} ×, 95 % {}: {verdict:?}", estimate.value, interval.as_deref().unwrap_or("unknown"))
        }
    }
}

fn describe_noise(timing: &Timing) -> String {
    let conditions = &timing.conditions;
    let waited = conditions.processor_ns.map(|had| 100.0 - 100.0 * had as f64 / conditions.wall_ns as f64);
    waited.map_or("unknown".to_owned(), |percent| format!("{percent:.1} % of the time"))
}

fn same_under_two_names(program: &Program, runs: u64, count: u32) {
    println!("A/A: dlmalloc under two names, {runs} runs of {count} rounds");
    let contenders = beside_dlmalloc(dlmalloc_again());
    let mut verdicts = Temperature::ALL.map(|_| Vec::new());
    for seed in 1..=runs {
        let timing =
            timing::run(program, &contenders, rounds(count, seed), Leash::LOOSE, |_, _| ControlFlow::Continue(()));
        let timing = timing.expect("a heap can be had");
        let ratios = Temperature::ALL.map(|temperature| ratio(&timing, temperature, count));
        println!(
            "  run {seed:2}: cold {}; warm {}; waited for a processor {}",
            describe(&ratios[0]),
            describe(&ratios[1]),
            describe_noise(&timing)
        );
        for (verdicts, ratio) in verdicts.iter_mut().zip(ratios) {
            verdicts.extend(ratio.map(|ratio| ratio.verdict));
        }
    }
    for (temperature, verdicts) in Temperature::ALL.iter().zip(verdicts) {
        let of = |wanted| verdicts.iter().filter(|&&verdict| verdict == wanted).count();
        println!(
            "  {}: inconclusive in {} of {runs} runs, faster in {}, slower in {} (wanted: inconclusive in at least {INCONCLUSIVE_RUNS} of {RUNS})",
            temperature.name(),
            of(Verdict::Inconclusive),
            of(Verdict::Faster),
            of(Verdict::Slower),
        );
    }
}

/// The slowed contender with this period over dlmalloc, warm, in turn: the median of so many pairs.
fn warm_ratio(lane: &mut Lane<'_>, period: u32, pairs: usize) -> f64 {
    PERIOD.store(period, Ordering::Relaxed);
    let (slowed, dlmalloc) = (Contender::of::<Slowed>(), named("dlmalloc"));
    let mut time = |contender: &Contender| {
        contender.time(lane, Reset::Warm, TouchPolicy::None, Leash::LOOSE).expect("a heap can be reset").as_secs_f64()
    };
    let ratios: Vec<f64> = (0..pairs).map(|_| time(&slowed) / time(&dlmalloc)).collect();
    median(&ratios).expect("there are pairs")
}

/// The period with which the slowed contender takes so much longer: what its counter adds is measured, and what its spins add.
fn calibrate(program: &Program, pairs: usize) -> u32 {
    let heap = PageHeap::reserve(WASM32_PAGES, Guard::Batched).expect("a heap can be had");
    let mut lane = Lane::on(program, heap);
    let never = warm_ratio(&mut lane, u32::MAX, pairs);
    let often = warm_ratio(&mut lane, CALIBRATION_PERIOD, pairs);
    let missing = SLOWDOWN - never;
    let spins_cost = (often - never) * f64::from(CALIBRATION_PERIOD);
    // Where the counter alone takes as much, it is slow enough; where noise hides the spins, any period is as good.
    let period =
        if missing > 0.0 { (spins_cost / missing).round().clamp(1.0, f64::from(u32::MAX)) as u32 } else { u32::MAX };
    println!(
        "  calibrated: {never:.3} × without spins, {often:.3} × with one at every {CALIBRATION_PERIOD}th call; now at every {period}th"
    );
    println!("  in this process: {:.3} ×", warm_ratio(&mut lane, period, pairs));
    period
}

fn slower_by_five_percent(source: &Source, program: &Program, count: u32, pairs: usize) {
    println!("5 % slower: dlmalloc with spins over dlmalloc, rigorous timing");
    let period = calibrate(program, pairs);
    let make_child = || -> io::Result<Command> {
        let mut command = Command::new(env::current_exe()?);
        command.arg(child::VERB).env(PERIOD_VARIABLE, period.to_string());
        Ok(command)
    };
    let trace = Trace::of(source).expect("another process can open a trace of the library");
    let contenders = beside_dlmalloc(Contender::of::<Slowed>());
    let timing =
        isolated::run(&trace, program.events(), &contenders, rounds(4 * count, 1), Leash::LOOSE, make_child, |_, _| {
            ControlFlow::Continue(())
        });
    let timing = timing.expect("nobody ends it");
    for rounds in [count, 4 * count] {
        for temperature in Temperature::ALL {
            let ratio = describe(&ratio(&timing, temperature, rounds));
            println!("  {rounds} rounds, {}: {ratio} (wanted: Slower)", temperature.name());
        }
    }
    println!("  waited for a processor {}", describe_noise(&timing));
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.first().is_some_and(|argument| argument == child::VERB) {
        let period = env::var(PERIOD_VARIABLE).ok().and_then(|period| period.parse().ok()).filter(|&period| period > 0);
        PERIOD.store(period.unwrap_or(u32::MAX), Ordering::Relaxed);
        let served = child::serve(&beside_dlmalloc(Contender::of::<Slowed>()));
        return if served { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    // As criterion's benches do: whoever names others does not mean this one, and `--test` is to see that it works.
    let others = arguments.iter().filter(|argument| !argument.starts_with('-'));
    if others.clone().next().is_some() && others.clone().all(|name| !"honesty".contains(name.as_str())) {
        return ExitCode::SUCCESS;
    }
    let brief = arguments.iter().any(|argument| argument == "--test");
    let source = Source::locate(if brief { "repeated-growth" } else { "serde-heavy" }).expect("it is in the library");
    let program = Program::load(&source).expect("the library's traces compile");
    let (runs, default_rounds, rigorous_rounds, pairs) =
        if brief { (1, 2, 2, 3) } else { (RUNS, Rigor::DEFAULT_ROUNDS, Rigor::RIGOROUS_ROUNDS, 101) };
    same_under_two_names(&program, runs, default_rounds);
    slower_by_five_percent(&source, &program, rigorous_rounds, pairs);
    ExitCode::SUCCESS
}
