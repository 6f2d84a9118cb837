//! Which model of a program's writes predicts the program: every model's error against the runs of `docs/validation`.
//!
//! For each program there is a file with its real runs. Its trace is replayed on fresh pages under each model, in
//! rounds of a shuffled order, and the differences to dlmalloc are held against the measured ones. Half of the programs
//! choose the model, the other half judges it: programs in alphabetic order alternate.
//!
//! Real runs belong to a machine and a day: `traces/workloads/validate` renews them. The bench fails if the tool's
//! default has the wrong sign in more than [`MOST_WRONG`] of the pairs that are decided and large: more than 5 % of the
//! program's time.

use std::env;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::ptr;

use heaprace::engine::{self, Flow, Observer, Touch, TouchAll, TouchFirst, TouchNone, TouchWritten};
use heaprace::program::Program;
use heaprace::time::processor;
use heaprace_allocators::contenders::{self, Visitor};
use heaprace_allocators::page_heap::{Guard, WASM32_PAGES};
use heaprace_allocators::{HeapAllocator, PageHeap};
use heaprace_reports::real::{RealRuns, RunClock};
use heaprace_reports::stats::estimate_median;
use heaprace_reports::validation::{Pair, Score};
use heaprace_traces::Source;

/// Wrong signs that are allowed among the large differences.
const MOST_WRONG: usize = 1;

/// A model: its name, and a replay's CPU time in nanoseconds under it.
struct Model {
    name: &'static str,
    time: fn(&str, &mut Replay<'_>) -> f64,
}

const MODELS: [Model; 9] = [
    Model { name: "written, pages kept", time: |name, replay| replay.time_without_end(name) },
    Model { name: "none", time: |name, replay| replay.time::<TouchNone>(name, 0) },
    Model { name: "first", time: |name, replay| replay.time::<TouchFirst>(name, 0) },
    Model { name: "all", time: |name, replay| replay.time::<TouchAll>(name, 0) },
    Model { name: "written", time: |name, replay| replay.time::<TouchWritten>(name, 0) },
    Model { name: "written, 1 line read", time: |name, replay| replay.time::<TouchWritten>(name, 1) },
    Model { name: "written, 4 lines read", time: |name, replay| replay.time::<TouchWritten>(name, 4) },
    Model { name: "written, 16 lines read", time: |name, replay| replay.time::<TouchWritten>(name, 16) },
    Model { name: "written, read again", time: |name, replay| replay.time_read_again(name) },
];

/// The model that the tool uses by default.
const DEFAULT: &str = "written";

/// Replays a program on fresh heaps.
struct Replay<'p> {
    program: &'p Program,
    heap: PageHeap,
    slots: Vec<*mut u8>,
    other: Vec<u8>,
    /// Whether the end of the program, which gives its pages back, is timed too.
    gives_back: bool,
}

impl Replay<'_> {
    /// The time with this touch policy, and the program's other work between requests: reads of `lines` cache lines.
    fn time<T: Touch>(&mut self, contender: &str, lines: usize) -> f64 {
        struct Visit<'r, 'p, T>(&'r mut Replay<'p>, usize, std::marker::PhantomData<T>);
        impl<T: Touch> Visitor for Visit<'_, '_, T> {
            type Output = f64;
            fn visit<A: HeapAllocator, Accounted: HeapAllocator>(&mut self) -> f64 {
                match self.1 {
                    0 => self.0.run::<A, (), T>(()),
                    lines => {
                        let other = std::mem::take(&mut self.0.other);
                        let work = OtherWork { memory: &other, lines, state: 1, seen: 0 };
                        let time = self.0.run::<A, OtherWork<'_>, T>(work);
                        self.0.other = other;
                        time
                    }
                }
            }
        }
        let mut visit = Visit::<T>(self, lines, std::marker::PhantomData);
        contenders::visit(contender, &mut visit).expect("it is registered")
    }

    /// The time with written extents, if the program reads what it has written once more before it frees it.
    fn time_read_again(&mut self, contender: &str) -> f64 {
        struct Visit<'r, 'p>(&'r mut Replay<'p>);
        impl Visitor for Visit<'_, '_> {
            type Output = f64;
            fn visit<A: HeapAllocator, Accounted: HeapAllocator>(&mut self) -> f64 {
                self.0.run::<A, ReadsAgain, TouchWritten>(ReadsAgain { seen: 0 })
            }
        }
        contenders::visit(contender, &mut Visit(self)).expect("it is registered")
    }

    /// The time with written extents until the last event: without giving the pages back.
    fn time_without_end(&mut self, contender: &str) -> f64 {
        self.gives_back = false;
        let time = self.time::<TouchWritten>(contender, 0);
        self.gives_back = true;
        time
    }

    fn run<A: HeapAllocator, O: Observer, T: Touch>(&mut self, mut observer: O) -> f64 {
        self.heap.reset().expect("the pages can be given back");
        let mut allocator = A::create(self.heap.handle());
        let begun = processor::thread_time().expect("this system has such a clock");
        let flow = engine::replay::<A, O, T>(self.program, &mut self.slots, &mut allocator, &mut observer);
        drop(allocator);
        if self.gives_back {
            self.heap.reset().expect("as above");
        }
        let time = processor::thread_time().expect("as above") - begun;
        assert!(flow.is_ok_and(|flow| flow == ControlFlow::Continue(())), "the replay ended early");
        time.as_nanos() as f64
    }
}

/// The program's own work between requests: it reads lines of its own memory, which takes their places in the caches
/// from the allocator's.
struct OtherWork<'m> {
    memory: &'m [u8],
    lines: usize,
    state: u64,
    seen: u64,
}

impl Observer for OtherWork<'_> {
    fn after<A: HeapAllocator>(&mut self, _event: u64, _allocator: &A) -> Flow {
        for _ in 0..self.lines {
            self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let place = (self.state >> 33) as usize % self.memory.len();
            self.seen += u64::from(std::hint::black_box(self.memory[place]));
        }
        Flow::Continue(())
    }
}

/// Reads the first 256 bytes of each block before it is freed.
struct ReadsAgain {
    seen: u64,
}

impl Observer for ReadsAgain {
    fn deallocating(&mut self, _event: u64, block: engine::LiveBlock, layout: std::alloc::Layout) -> Flow {
        for offset in (0..layout.size().min(256)).step_by(64) {
            // SAFETY: the block is live and has this byte, which the replay or the page heap has written.
            self.seen += u64::from(unsafe { block.as_ptr().add(offset).read_volatile() });
        }
        Flow::Continue(())
    }
}

/// The pairs of a program under each model.
fn pairs(runs: &RealRuns, name: &str, rounds: usize) -> Vec<Vec<Pair>> {
    let source = Source::locate(name).expect("it is in the library");
    let program = Program::load(&source).expect("the library's traces compile");
    let mut replay = Replay {
        heap: PageHeap::reserve(WASM32_PAGES, Guard::Batched).expect("address space"),
        slots: vec![ptr::null_mut(); program.slots()],
        other: vec![1; 4 << 20],
        gives_back: true,
        program: &program,
    };
    let names: Vec<&str> = runs.contenders.iter().map(|row| row.name.as_str()).collect();
    let mut random = fastrand::Rng::with_seed(1);
    MODELS
        .iter()
        .map(|model| {
            let mut times = vec![Vec::new(); names.len()];
            let mut order: Vec<usize> = (0..names.len()).collect();
            // The first round warms up.
            for round in 0..=rounds {
                random.shuffle(&mut order);
                for &which in &order {
                    let time = (model.time)(names[which], &mut replay);
                    if round > 0 {
                        times[which].push(time);
                    }
                }
            }
            let base = names.iter().position(|&name| name == runs.baseline).expect("the baseline ran");
            let pair = |which: usize| {
                let row = &runs.contenders[which];
                let differences: Vec<f64> =
                    times[which].iter().zip(&times[base]).map(|(one, base)| one - base).collect();
                Some(Pair {
                    program: name.to_owned(),
                    contender: row.name.clone(),
                    program_ns: runs.named(&runs.baseline)?.time_ns(RunClock::Cpu)?.value,
                    real_ns: runs.difference_ns(row, RunClock::Cpu)?,
                    predicted_ns: estimate_median(&differences)?,
                    real_pages: row.peaks()?,
                    predicted_pages: 0,
                    real_faults: 0.0,
                })
            };
            (0..names.len()).filter(|&which| which != base).filter_map(pair).collect()
        })
        .collect()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    // Like criterion's benches: a filter for other names skips this one, and `--test` only checks that it works.
    let others = arguments.iter().filter(|argument| !argument.starts_with('-'));
    if others.clone().next().is_some() && others.clone().all(|name| !"fidelity".contains(name.as_str())) {
        return ExitCode::SUCCESS;
    }
    let brief = arguments.iter().any(|argument| argument == "--test");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/validation");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
        .unwrap_or_default();
    files.retain(|path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    assert!(!files.is_empty(), "{}: there are no real runs", folder.display());
    if brief {
        files.truncate(1);
    }
    let rounds = if brief { 1 } else { 5 };
    let mut found: Vec<Vec<Vec<Pair>>> = vec![vec![Vec::new(); 2]; MODELS.len()];
    for (index, path) in files.iter().enumerate() {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let runs = RealRuns::from_json(&fs::read_to_string(path).expect("it was listed")).expect("the page's own file");
        for (model, pairs) in pairs(&runs, &name, rounds).into_iter().enumerate() {
            found[model][index % 2].extend(pairs);
        }
    }
    println!(
        "{} programs; the sign where the runs decide, and the median error; of large differences, those within 1.5",
        files.len()
    );
    println!("{:24} {:32} {:32} all", "model", "half that chooses", "half that judges");
    let mut is_well = true;
    for (model, [chooses, judges]) in MODELS.iter().zip(found.iter().map(|halves| [&halves[0], &halves[1]])) {
        let both = Score::of(chooses.iter().chain(judges));
        println!("{:24} {:32} {:32} {}", model.name, shown(Score::of(chooses)), shown(Score::of(judges)), shown(both));
        if model.name == DEFAULT && !brief {
            let large = || chooses.iter().chain(judges).filter(|pair| pair.is_large());
            let wrong = large().filter(|pair| !pair.has_right_sign()).count();
            is_well = wrong <= MOST_WRONG;
            println!("  wrong signs among large differences: {wrong} of {}", large().count());
            for pair in large().filter(|pair| pair.factor() > 1.5) {
                println!(
                    "  {} on {}: {:+.2} ms for {:+.2}",
                    pair.program,
                    pair.contender,
                    pair.predicted_ns.value / 1e6,
                    pair.real_ns.value / 1e6
                );
            }
        }
    }
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn shown(score: Score) -> String {
    let error = |error: Option<f64>| error.map_or("–".to_owned(), |error| format!("{:.0} %", error * 100.0));
    format!(
        "{}/{} {} ({}/{} {})",
        score.right,
        score.decided,
        error(score.error),
        score.within_factor,
        score.large,
        error(score.large_error)
    )
}
