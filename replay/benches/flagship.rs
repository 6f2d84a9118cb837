//! Whether our flagship, `swept-bump`, keeps its goals: dlmalloc's footprint at half of its time.
//!
//! It compares the contenders of [`SHOWN`] on the recorded traces of the library, with every block written as far as the
//! program wrote it and each replay on fresh pages, as the default run does. Each part can run alone:
//!
//! - `flagship/memory`: peak heap over dlmalloc's. The figures are exact.
//! - `flagship/time`: fresh time over dlmalloc's, the median over rounds in separate processes; and whether
//!   `swept-bump` is on the Pareto front of fresh time and peak heap, among all registered contenders.
//! - `flagship/calls`: instructions per operation, and the slowest single call. Instructions are those of a replay that
//!   writes nothing into new memory, minus those of the floor. No counter counts single calls, so a call has a time
//!   instead: it is that of its fastest pass, and contains the page faults that the allocator itself causes.
//!
//! The library has two parts: the traces that the parameters of `swept-bump` were chosen on ([`TUNED_ON`]), and those
//! that came later. A change is to be tuned on the first part and judged on the second. `HEAPRACE_FLAGSHIP_OTHERS=<folder>`
//! adds a second table, over the traces in that folder; only those with more than 20,000 events are timed, because
//! shorter ones are mostly the harness. `HEAPRACE_FLAGSHIP_ROUNDS` sets the number of rounds.
//!
//! With `HEAPRACE_BLESS=1`, memory and times of the library replace the figures in the README of the crate
//! segregated-bump.
//!
//! Memory takes seconds, times a few minutes with the default rounds, and calls a few minutes under callgrind.
//!
//! Goals are constants here. It fails if a goal of memory is missed. A missed goal of time is only printed, because a
//! shared machine can cause it.

mod common;

use std::env;
use std::fmt::Display;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, ExitCode};

use common::shown;
use heaprace::Program;
use heaprace::bench;
use heaprace::contender::{Contender, TouchPolicy};
use heaprace::field::Field;
use heaprace::lane::Lane;
use heaprace::limits::Limits;
use heaprace::time::process::{self, TraceLocation};
use heaprace::time::race::{self, Race};
use heaprace::time::rounds::{self, Rounds};
use heaprace::time::{instructions, latency};
use heaprace_allocators::page_heap::{Guard, WASM32_PAGES};
use heaprace_allocators::{Group, PageSize, Purpose};
use heaprace_reports::results::{Figure, InstructionCounter, Rigor, SlowCall};
use heaprace_reports::stats::{Common, ContenderRatios, Estimate, median, ratio_within_rounds};
use heaprace_traces::Source;
use heaprace_traces::library::{self, LibraryEntry, Origin};

const OURS: &str = "swept-bump";
const BASELINE: &str = "dlmalloc";
const FLOOR: &str = "null";

/// The traces that the parameters of ours were chosen on. No later trace belongs here.
const TUNED_ON: [&str; 21] = [
    "btree-database",
    "c-compiler",
    "cache-drift",
    "ecs-game",
    "git-log",
    "gzip-responses",
    "http-router",
    "image-decode",
    "jq-report",
    "markdown-html",
    "path-finder",
    "python-simulation",
    "regex-match",
    "rust-parse",
    "script-interpreter",
    "serde-heavy",
    "sqlite-ledger",
    "template-serverless",
    "text-editor",
    "thread-pipeline",
    "wasm-interpreter",
];

/// The columns of the tables.
const SHOWN: [&str; 5] = [OURS, "segregated-bump", BASELINE, "talc", "wasmalloc"];

/// Traces of others are timed from this number of events on.
const FEWEST_TIMED_EVENTS: u64 = 20_000;

/// Traces on which ours is worst that are named.
const WORST: usize = 5;

const OTHERS_VARIABLE: &str = "HEAPRACE_FLAGSHIP_OTHERS";
const ROUNDS_VARIABLE: &str = "HEAPRACE_FLAGSHIP_ROUNDS";

/// Upper limits on our ratios to dlmalloc.
struct Goal {
    /// On the geometric mean.
    mean: f64,
    /// On each trace, if there is one.
    each: Option<f64>,
}

/// The goals of a set of traces.
struct Goals {
    peak: Goal,
    time: Goal,
}

const LIBRARY_GOALS: Goals =
    Goals { peak: Goal { mean: 1.05, each: Some(1.3) }, time: Goal { mean: 0.50, each: Some(1.0) } };

const OTHERS_GOALS: Goals = Goals { peak: Goal { mean: 0.95, each: None }, time: Goal { mean: 0.60, each: None } };

/// What is compared.
#[derive(Clone, Copy, PartialEq)]
enum Measure {
    Peak,
    Time,
}

impl Measure {
    fn name(self) -> &'static str {
        match self {
            Measure::Peak => "peak heap",
            Measure::Time => "fresh time",
        }
    }
}

/// A contender on a trace.
struct Figures {
    name: &'static str,
    /// The most pages of 64 KiB; `None` if a request failed.
    peak_pages: Option<u64>,
    /// Its times, one per round; empty without any.
    fresh_ns: Vec<u64>,
}

/// A trace, and the figures of all registered contenders on it.
struct Trace {
    name: String,
    location: TraceLocation,
    events: u64,
    contenders: Vec<Figures>,
}

impl Trace {
    /// Compiles a trace, and finds the peaks: a heap never shrinks, so its last size is its largest.
    fn examine(source: &Source, contenders: &[Contender]) -> Result<Self, String> {
        let program = Program::load(source).map_err(|error| error.to_string())?;
        let mut lane = Lane::new(&program, WASM32_PAGES, Guard::Batched).map_err(|error| error.to_string())?;
        let mut peak = |contender: &Contender| {
            let lap = contender.fresh_lap(&mut lane, TouchPolicy::None, Limits::NONE).expect("a heap can be reset");
            let peak_pages = (lap.refused_grows == 0).then_some(lap.heap_pages);
            Figures { name: contender.info.name, peak_pages, fresh_ns: Vec::new() }
        };
        Ok(Trace {
            name: source.name().to_owned(),
            location: TraceLocation::of(source).expect("it is in a file or the library"),
            events: program.events(),
            contenders: contenders.iter().map(&mut peak).collect(),
        })
    }

    fn race<'a>(&'a self, contenders: &'a [Contender], touch: TouchPolicy, rounds: u32) -> Race<'a> {
        let rounds = Rounds { count: rounds, seed: 1, touch, page: PageSize::WASM, limit_pages: WASM32_PAGES };
        Race { trace: &self.location, events: self.events, contenders, rounds, rigor: Rigor::Default }
    }

    /// Times all contenders in the same rounds.
    fn time(&mut self, contenders: &[Contender], rounds: u32) {
        let race = self.race(contenders, TouchPolicy::default(), rounds);
        let ended = race::run(&race, Limits::NONE, child, |_, _| ControlFlow::Continue(()));
        let times = ended.expect("nobody ends it").times;
        for (figures, time) in self.contenders.iter_mut().zip(times) {
            match time {
                Figure::Known(time) => figures.fresh_ns = time.fresh_ns,
                Figure::Unknown { unknown } => println!("{}: {} has no time: {unknown}", self.name, figures.name),
            }
        }
    }

    fn of(&self, name: &str) -> &Figures {
        self.contenders.iter().find(|figures| figures.name == name).expect("it is registered")
    }

    /// The figure of this contender over dlmalloc's.
    fn ratio(&self, measure: Measure, name: &str) -> Option<f64> {
        let (ours, baseline) = (self.of(name), self.of(BASELINE));
        match measure {
            Measure::Peak => Some(ours.peak_pages? as f64 / baseline.peak_pages? as f64),
            Measure::Time => {
                ratio_within_rounds(&ours.fresh_ns, &baseline.fresh_ns).known().map(|ratio| ratio.estimate.value)
            }
        }
    }

    /// The contenders that are at least as good as ours in both figures and better in one, by medians; `None` if ours
    /// lacks a figure.
    fn ahead_of_ours(&self) -> Option<Vec<&'static str>> {
        let place = |figures: &Figures| {
            let times: Vec<f64> = figures.fresh_ns.iter().map(|&ns| ns as f64).collect();
            Some((median(&times)?, figures.peak_pages?))
        };
        let ours = place(self.of(OURS))?;
        let is_ahead = |one: (f64, u64)| one.0 <= ours.0 && one.1 <= ours.1 && one != ours;
        let ahead = self.contenders.iter().filter(|figures| place(figures).is_some_and(is_ahead));
        Some(ahead.map(|figures| figures.name).collect())
    }
}

/// Some traces of a set, and whether the goals of means apply to them.
struct Part<'t> {
    name: &'static str,
    traces: Vec<&'t Trace>,
    is_judged: bool,
}

/// The command that starts the tool as a child.
fn child() -> io::Result<Command> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
    command.arg(process::VERB);
    Ok(command)
}

/// The geometric mean of a row of ratios, one per trace, with its interval over the traces.
fn mean(name: &str, ratios: impl Iterator<Item = (String, f64)>) -> Option<Estimate> {
    let (traces, ratios): (Vec<_>, Vec<_>) = ratios.map(|(trace, ratio)| (trace, vec![ratio])).unzip();
    let rows = vec![ContenderRatios { name: name.to_owned(), ratios }];
    let common = Common { traces, rows, traces_left_out: Vec::new(), contenders_left_out: Vec::new() };
    common.geometric_means().pop()
}

fn mean_ratio(traces: &[&Trace], measure: Measure, name: &str) -> Option<Estimate> {
    mean(name, traces.iter().filter_map(|trace| Some((trace.name.clone(), trace.ratio(measure, name)?))))
}

fn line(name: impl Display, cells: impl IntoIterator<Item = String>) {
    print!("{name:20}");
    cells.into_iter().for_each(|cell| print!(" {cell:>20}"));
    println!();
}

fn or_dash(estimate: Option<Estimate>, decimals: usize) -> String {
    estimate.map_or("-".to_owned(), |estimate| shown(estimate, decimals))
}

/// Our traces with their ratios, from the worst on.
fn worst<'t>(traces: &[&'t Trace], measure: Measure) -> Vec<(&'t str, f64)> {
    let ratio = |trace: &&'t Trace| Some((trace.name.as_str(), trace.ratio(measure, OURS)?));
    let mut worst: Vec<_> = traces.iter().filter_map(ratio).collect();
    worst.sort_by(|one, other| other.1.total_cmp(&one.1));
    worst
}

/// Prints all ratios of one measure, their means and our worst traces.
fn print_ratios(set: &str, all: &[&Trace], parts: &[Part<'_>], measure: Measure) {
    println!("\n{set}: {} over dlmalloc's", measure.name());
    line("", SHOWN.map(str::to_owned));
    for trace in all.iter().filter(|trace| trace.ratio(measure, OURS).is_some()) {
        let cell = |name| trace.ratio(measure, name).map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
        line(&trace.name, SHOWN.map(cell));
    }
    for Part { name, traces, .. } in parts {
        let count = traces.iter().filter(|trace| trace.ratio(measure, OURS).is_some()).count();
        let means = SHOWN.map(|name| or_dash(mean_ratio(traces, measure, name), 2));
        line(format!("mean of {name} ({count})"), means);
    }
    let worst = worst(all, measure).into_iter().take(WORST).map(|(name, ratio)| format!("{name} {ratio:.3}"));
    println!("worst of {OURS}: {}", worst.collect::<Vec<_>>().join(", "));
}

/// Prints whether a goal is met, and returns it.
fn is_met(set: &str, parts: &[Part<'_>], measure: Measure, goal: &Goal) -> bool {
    let mut all_met = true;
    let mut check = |what: String, figure: f64, at_most: f64| {
        let is_met = figure <= at_most;
        all_met &= is_met;
        let (what, verdict) = (format!("{set}, {}, {what}", measure.name()), if is_met { "met" } else { "missed" });
        println!("goal: {what}: {figure:.3}, at most {at_most:.2}: {verdict}");
    };
    for Part { name, traces, .. } in parts.iter().filter(|part| part.is_judged) {
        if let Some(mean) = mean_ratio(traces, measure, OURS) {
            check(format!("mean of {name}"), mean.value, goal.mean);
        }
        if let (Some(each), Some((trace, ratio))) = (goal.each, worst(traces, measure).first()) {
            check(format!("worst of {name}, {trace}"), *ratio, each);
        }
    }
    all_met
}

/// Prints on how many traces no other contender is ahead of ours, and who is on the rest.
fn print_front(set: &str, traces: &[&Trace]) {
    let places: Vec<_> = traces.iter().filter_map(|trace| Some((&trace.name, trace.ahead_of_ours()?))).collect();
    let on_front = places.iter().filter(|(_, ahead)| ahead.is_empty()).count();
    println!("{set}: {OURS} is on the Pareto front of fresh time and peak heap on {on_front} of {}", places.len());
    for (trace, ahead) in places.iter().filter(|(_, ahead)| !ahead.is_empty()) {
        println!("  {trace}: ahead are {}", ahead.join(", "));
    }
}

/// Prints the means of instructions per operation and the slowest call of each contender over these traces.
fn print_calls(set: &str, traces: &[&Trace]) {
    let contenders: Vec<Contender> = SHOWN.into_iter().chain([FLOOR]).filter_map(Contender::named).collect();
    let mut per_op: Vec<Vec<(String, f64)>> = vec![Vec::new(); SHOWN.len()];
    let mut slowest: Vec<Option<(&str, SlowCall)>> = vec![None; SHOWN.len()];
    let (mut counter, mut unknown) = (None, None);
    for trace in traces {
        eprintln!("counting and timing the calls of {}", trace.name);
        let quiet = trace.race(&contenders, TouchPolicy::None, 1);
        let counts = instructions::measure(&quiet, child, Limits::NONE, |_| {});
        let floor = counts.last().and_then(Figure::known).map(|count| count.instructions);
        for (row, count) in per_op.iter_mut().zip(&counts) {
            match (count, floor) {
                (Figure::Known(count), Some(floor)) => {
                    let net = count.instructions.saturating_sub(floor) as f64 / count.ops as f64;
                    row.push((trace.name.clone(), net));
                    counter = Some(count.counter);
                }
                _ => unknown = count.reason().map(ToString::to_string).or(unknown),
            }
        }
        let touched = trace.race(&contenders[..SHOWN.len()], TouchPolicy::default(), 1);
        for (row, found) in slowest.iter_mut().zip(latency::measure(&touched, child, Limits::NONE, |_| {})) {
            let call = found.known().and_then(|latency| latency.slowest.first().cloned());
            if let Some(call) = call.filter(|call| row.as_ref().is_none_or(|(_, so_far)| call.ns > so_far.ns)) {
                *row = Some((&trace.name, call));
            }
        }
    }
    let counter = match counter {
        Some(InstructionCounter::PerfEvent) => "the processor's counter",
        Some(InstructionCounter::Callgrind) => "callgrind",
        None => "no counter",
    };
    println!("\n{set}: instructions per operation, net, mean of {} ({counter}); the slowest call", traces.len());
    for ((name, row), slowest) in SHOWN.into_iter().zip(per_op).zip(slowest) {
        let call = slowest.map(|(trace, call)| {
            let (kind, us) = (call.kind.name(), call.ns / 1000.0);
            format!("{us:.1} µs: {trace}, event {}, {kind} of {} bytes", call.event, call.size_bytes)
        });
        println!("{name:20} {:>22}  {}", or_dash(mean(name, row.into_iter()), 1), call.unwrap_or("-".to_owned()));
    }
    unknown.iter().for_each(|reason| println!("some instructions are unknown: {reason}"));
}

/// Which parts run.
struct Selection {
    memory: bool,
    time: bool,
    calls: bool,
}

impl Selection {
    fn of_command_line() -> Self {
        let [memory, time, calls] = ["memory", "time", "calls"].map(|part| format!("flagship/{part}"));
        Selection {
            memory: bench::should_run(&memory),
            time: bench::should_run(&time),
            calls: bench::should_run(&calls),
        }
    }
}

/// Runs the selected parts for one set of traces, and returns whether the goals of memory are met.
fn report(set: &str, all: &[&Trace], parts: &[Part<'_>], goals: &Goals, selection: &Selection) -> bool {
    let mut is_well = true;
    if selection.memory {
        print_ratios(set, all, parts, Measure::Peak);
        is_well = is_met(set, parts, Measure::Peak, &goals.peak);
    }
    if selection.time {
        print_ratios(set, all, parts, Measure::Time);
        is_met(set, parts, Measure::Time, &goals.time);
        print_front(set, all);
    }
    is_well
}

/// The recorded traces of the library, in alphabetical order; only a short one if everything runs once.
fn library_sources() -> Vec<Source> {
    let mut entries: Vec<&LibraryEntry> =
        library::entries().iter().filter(|entry| entry.about.origin == Origin::Recorded).collect();
    entries.sort_by_key(|entry| entry.name);
    if bench::is_test() {
        entries.sort_by_key(|entry| entry.about.totals.events);
        entries.truncate(1);
    }
    entries.into_iter().map(Source::from).collect()
}

/// The traces of a folder, in alphabetical order.
fn sources_in(folder: &Path) -> io::Result<Vec<Source>> {
    let mut paths = fs::read_dir(folder)?.map(|file| Ok(file?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "htrace" || ending == "csv"));
    paths.sort();
    Ok(paths.iter().filter_map(|path| Source::locate(path.to_str()?).ok()).collect())
}

/// The traces that can be read, with times if `rounds` is given. Traces with fewer than `fewest_events` are not timed.
fn measure(sources: &[Source], contenders: &[Contender], rounds: Option<u32>, fewest_events: u64) -> Vec<Trace> {
    let mut traces = Vec::new();
    for source in sources {
        match Trace::examine(source, contenders) {
            Ok(mut trace) => {
                if let Some(rounds) = rounds.filter(|_| trace.events > fewest_events) {
                    eprintln!("timing {}", trace.name);
                    trace.time(contenders, rounds);
                }
                traces.push(trace);
            }
            Err(error) => println!("left out: {error}"),
        }
    }
    traces
}

/// The parts of the library: what ours was tuned on, what came later, and both together. A test has a single trace,
/// which says nothing about goals.
fn parts_of(traces: &[Trace]) -> [Part<'_>; 3] {
    let part = |is_tuned_on| {
        traces.iter().filter(|trace| TUNED_ON.contains(&trace.name.as_str()) == is_tuned_on).collect::<Vec<_>>()
    };
    [
        Part { name: "tuned on", traces: part(true), is_judged: false },
        Part { name: "later", traces: part(false), is_judged: !bench::is_test() },
        Part { name: "all", traces: traces.iter().collect(), is_judged: !bench::is_test() },
    ]
}

/// Replaces the figures in the README of the crate that ships ours.
fn write_page(all: &[&Trace], rounds: u32) -> io::Result<()> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../allocators/segregated-bump/README.md");
    let text = fs::read_to_string(path)?;
    let (begin, end) = ("<!-- figures: begin -->\n", "<!-- figures: end -->");
    let (before, rest) = text.split_once(begin).expect("the page has a place for the figures");
    let (_, after) = rest.split_once(end).expect("the place for the figures ends");
    let row = |measure: Measure| {
        let cells = SHOWN.map(|name| match mean_ratio(all, measure, name) {
            Some(_) if name == BASELINE => "1".to_owned(),
            mean => or_dash(mean, 2),
        });
        let (trace, ratio) = worst(all, measure)[0];
        format!("| {}, × dlmalloc | {} | {trace}, {ratio:.2} |", measure.name(), cells.join(" | "))
    };
    let figures = [
        format!("| mean of {} traces | {} | worst of {OURS} |", all.len(), SHOWN.join(" | ")),
        format!("|---|{}---|", "---|".repeat(SHOWN.len())),
        row(Measure::Peak),
        row(Measure::Time),
        String::new(),
        "Geometric means over the recorded traces of Heaprace's library, with 95 % intervals over the traces: the peak of".to_owned(),
        "the heap in pages of 64 KiB, and the time of a replay on fresh pages that writes what the program wrote, until the".to_owned(),
        format!("pages are given back, the harness included, in {rounds} rounds. Natively on x86-64; `cargo bench --bench flagship` repeats it.\n"),
    ];
    fs::write(path, format!("{before}{begin}{}{end}{after}", figures.join("\n")))
}

fn main() -> ExitCode {
    let selection = Selection::of_command_line();
    if !selection.memory && !selection.time && !selection.calls {
        return ExitCode::SUCCESS;
    }
    let mut contenders = Field::registered().members(Group::Default);
    contenders.retain(|contender| contender.info.purpose == Purpose::Contender);
    let asked = env::var(ROUNDS_VARIABLE).ok().map(|rounds| rounds.parse().expect("a number of rounds"));
    let rounds = if bench::is_test() { 1 } else { asked.unwrap_or(rounds::default_count(Rigor::Default)) };
    let rounds = selection.time.then_some(rounds);

    let library = measure(&library_sources(), &contenders, rounds, 0);
    let parts = parts_of(&library);
    for Part { name, traces, .. } in &parts[..2] {
        println!("{name}: {}", traces.iter().map(|trace| trace.name.as_str()).collect::<Vec<_>>().join(", "));
    }
    let all: Vec<&Trace> = library.iter().collect();
    let mut is_well = report("library", &all, &parts, &LIBRARY_GOALS, &selection);
    if selection.calls {
        print_calls("library", &all);
    }
    if let Some(rounds) = rounds.filter(|_| selection.memory && env::var_os("HEAPRACE_BLESS").is_some()) {
        write_page(&all, rounds).expect("the page can be written");
    }
    if let Some(folder) = env::var_os(OTHERS_VARIABLE) {
        let sources = sources_in(Path::new(&folder)).expect("the folder of traces can be read");
        let others = measure(&sources, &contenders, rounds, FEWEST_TIMED_EVENTS);
        let all: Vec<&Trace> = others.iter().collect();
        let parts = [Part { name: "all", traces: all.clone(), is_judged: !bench::is_test() }];
        is_well &= report("others", &all, &parts, &OTHERS_GOALS, &selection);
    }
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
