//! Random programs against allocators, and the smallest trace that shows a fault.
//!
//! A program is a trace made up from a seed, biased to what breaks allocators. It is replayed with every block checked,
//! as a recorded trace is: what is found here, `replay` shows too. The replays run in a child process, made by fork
//! where the system has it, so that a fault that ends the process or never returns is found as well, even in a test.
//! Without fork, as on Windows, they run in this process: then only violations and panics are caught.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use heaprace_engine::contender::Contender;
//! use heaprace_engine::fuzz::{FuzzPlan, check};
//!
//! # use heaprace_allocators::contenders::talc::Talc as Mine;
//! #[test]
//! fn my_allocator_holds() {
//!     let plan = FuzzPlan { time: Duration::from_secs(20), ..FuzzPlan::default() };
//!     if let Err(error) = check(&[Contender::of::<Mine>()], &plan) {
//!         panic!("{error}");
//!     }
//! }
//! ```

mod finding;
mod generate;
mod isolated;
mod script;
mod shrink;
mod trial;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use heaprace_allocators::page_heap::Guard;
use heaprace_allocators::{PageHeap, PageSize, Purpose};
use heaprace_traces::Source;

pub use finding::{Finding, FoundIn};
pub use script::HeapShape;
pub use shrink::ShrinkProgress;
pub use trial::{FuzzError, Symptom, SymptomKind};

use crate::contender::Contender;
use crate::lane::Lane;
use crate::program::Program;
use isolated::{Board, ChildWatch, Ending};
use script::Script;
use shrink::{Failing, ShrinkLimits};
use trial::Outcome;

/// Processor time without progress after which a random program never returns. Its slowest event takes a few
/// milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// The same for a case of the conformance suite, which reports no progress. The slowest takes a second or two in a debug
/// build.
const CASE_PATIENCE: Duration = Duration::from_secs(30);

/// Time for the shrinking of one finding.
const SHRINK_FOR: Duration = Duration::from_secs(30);

/// Sizes of pages on which the conformance suite runs.
const CASE_PAGES: [PageSize; 2] = [PageSize::WASM, PageSize::MIN];

/// What to fuzz with, and for how long.
#[derive(Clone, Debug)]
pub struct FuzzPlan {
    /// The seed of all programs: the same seed and build make the same programs.
    pub seed: u64,
    /// Time for the programs. Shrinking and the conformance suite take theirs in addition.
    pub time: Duration,
    /// Maximum programs, if the time does not end first.
    pub most_programs: u64,
    /// Ends it as soon as it is true.
    pub interrupt: Arc<AtomicBool>,
}

impl Default for FuzzPlan {
    /// Seed 1, a minute.
    fn default() -> Self {
        FuzzPlan { seed: 1, time: Duration::from_secs(60), most_programs: u64::MAX, interrupt: Arc::default() }
    }
}

/// What was done, and found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FuzzReport {
    /// Programs that all contenders without a finding have completed.
    pub programs: u64,
    /// Operations of all contenders together.
    pub ops: u64,
    /// Cases of the conformance suite that were passed.
    pub cases: u64,
    /// At most one finding for each contender.
    pub findings: Vec<Finding>,
    /// Contenders that cannot run in this process, and why.
    pub skipped: Vec<(&'static str, String)>,
    /// Whether the user interrupted it.
    pub interrupted: bool,
}

/// What is being done.
#[derive(Clone, Copy, Debug)]
pub enum FuzzProgress {
    /// Random programs run.
    Programs {
        /// Programs so far.
        programs: u64,
        /// Operations so far.
        ops: u64,
    },
    /// The program on which this contender failed is made smaller.
    Shrinking(&'static str, ShrinkProgress),
    /// The conformance suite of this contender runs.
    Conformance(&'static str),
}

/// Why [`check`] failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// A contender has a fault.
    #[error(transparent)]
    Found(Box<Finding>),
    /// Nothing can be said, because it could not be run.
    #[error(transparent)]
    Failed(#[from] FuzzError),
    /// Nothing can be said about a contender that cannot run in this process.
    #[error("{contender}: {reason}")]
    Skipped {
        /// Its name.
        contender: &'static str,
        /// Why it cannot.
        reason: String,
    },
}

/// Fuzzes contenders and runs their conformance suites: for a test of an allocator.
///
/// # Errors
///
/// The first finding, and whatever kept a contender from being checked.
pub fn check(contenders: &[Contender], plan: &FuzzPlan) -> Result<FuzzReport, CheckError> {
    let mut report = fuzz(contenders, plan, &mut |_| {})?;
    if !report.findings.is_empty() {
        return Err(CheckError::Found(Box::new(report.findings.swap_remove(0))));
    }
    match report.skipped.first() {
        Some((contender, reason)) => Err(CheckError::Skipped { contender, reason: reason.clone() }),
        None => Ok(report),
    }
}

/// Runs random programs through contenders until the time is over. A contender that fails takes no further part: its
/// program is shrunk, and the others go on. Those without a finding then run the conformance suite. The floor is left
/// out, because its blocks overlap.
///
/// # Errors
///
/// If no process can be made, or no heap reserved.
pub fn fuzz(
    contenders: &[Contender],
    plan: &FuzzPlan,
    on_progress: &mut dyn FnMut(FuzzProgress),
) -> Result<FuzzReport, FuzzError> {
    let mut report = FuzzReport::default();
    let mut sound = Vec::new();
    for contender in contenders.iter().filter(|contender| contender.info.purpose != Purpose::Floor) {
        match (contender.probe)() {
            Ok(()) => sound.push(*contender),
            Err(reason) => report.skipped.push((contender.info.name, reason)),
        }
    }
    let interrupted = || plan.interrupt.load(Ordering::Relaxed);
    let mut left = plan.time;
    while !sound.is_empty() && !left.is_zero() && report.programs < plan.most_programs && !interrupted() {
        let started = Instant::now();
        let found = hunt(&sound, plan, left, &mut report, on_progress)?;
        left = left.saturating_sub(started.elapsed());
        let Some((place, number, symptom)) = found else { break };
        let contender = sound.remove(place);
        report.findings.push(shrink_program(&contender, plan, number, symptom, on_progress)?);
    }
    for contender in &sound {
        on_progress(FuzzProgress::Conformance(contender.info.name));
        if let Some(finding) = conformance(contender, &plan.interrupt, &mut report.cases)? {
            report.findings.push(finding);
        }
    }
    report.interrupted = interrupted();
    Ok(report)
}

/// Runs programs, from the first that is not done, until one fails. Returns the place of its contender, its number and
/// what is wrong; `None` if the time or the programs have ended.
fn hunt(
    contenders: &[Contender],
    plan: &FuzzPlan,
    time: Duration,
    report: &mut FuzzReport,
    on_progress: &mut dyn FnMut(FuzzProgress),
) -> Result<Option<(usize, u64, Symptom)>, FuzzError> {
    let deadline = Instant::now().checked_add(time);
    let is_over = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
    let (programs, ops) = (report.programs, report.ops);
    let mut on_board = |board: &Board| {
        report.programs = programs + board.programs.load(Ordering::Relaxed);
        report.ops = ops + board.ops.load(Ordering::Relaxed);
        on_progress(FuzzProgress::Programs { programs: report.programs, ops: report.ops });
    };
    let watch = ChildWatch { interrupt: &plan.interrupt, patience: PATIENCE, on_progress: &mut on_board };
    let done = isolated::run(watch, |board| {
        for number in programs..plan.most_programs {
            if is_over() || plan.interrupt.load(Ordering::Relaxed) || !run_program(contenders, plan.seed, number, board)
            {
                return;
            }
            board.programs.fetch_add(1, Ordering::Relaxed);
        }
    })?;
    let place = done.board.part.load(Ordering::Relaxed) as usize % contenders.len();
    let number = programs + done.board.programs.load(Ordering::Relaxed);
    match Outcome::of(&done, u64::MAX)? {
        Outcome::Failed(symptom) => Ok(Some((place, number, symptom))),
        Outcome::Sound | Outcome::Interrupted => Ok(None),
    }
}

/// Runs one program through all contenders, and returns whether they held.
fn run_program(contenders: &[Contender], seed: u64, number: u64, board: &Board) -> bool {
    let (shape, script) = generate::program(seed, number);
    let prepared = script.compile().map_err(FuzzError::from).and_then(|program| {
        let heap = PageHeap::reserve_sized(shape.page, shape.limit_pages, Guard::Trap)?;
        Ok((program, heap))
    });
    let (program, heap) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            board.say(&error.to_string());
            return false;
        }
    };
    let mut lane = Lane::on(&program, heap);
    contenders.iter().zip(0..).all(|(contender, place)| {
        board.part.store(place, Ordering::Relaxed);
        let holds = trial::replay(contender, &mut lane, board);
        board.ops.fetch_add(board.events.load(Ordering::Relaxed), Ordering::Relaxed);
        holds
    })
}

/// The finding in a random program, as small as it gets.
fn shrink_program(
    contender: &Contender,
    plan: &FuzzPlan,
    number: u64,
    symptom: Symptom,
    on_progress: &mut dyn FnMut(FuzzProgress),
) -> Result<Finding, FuzzError> {
    let (heap, script) = generate::program(plan.seed, number);
    let found_in = FoundIn::Program { seed: plan.seed, number, events: script.steps.len() as u64 };
    let program = script.compile()?;
    let again = trial::run(contender, heap, &program, &plan.interrupt, &mut |_| {})?;
    let failing = Failing { script, shape: heap, symptom };
    let (failing, trials, repeats) = match again {
        Outcome::Failed(symptom) => {
            let limits = ShrinkLimits {
                interrupt: &plan.interrupt,
                deadline: Instant::now().checked_add(SHRINK_FOR),
                on_progress: &mut |progress| on_progress(FuzzProgress::Shrinking(contender.info.name, progress)),
            };
            let (failing, trials) = shrink::shrink(contender, Failing { symptom, ..failing }, limits)?;
            (failing, trials, true)
        }
        Outcome::Sound => (failing, 0, false),
        // Nothing contradicts it.
        Outcome::Interrupted => (failing, 0, true),
    };
    Ok(finding(contender, failing, found_in, trials, repeats))
}

fn finding(contender: &Contender, failing: Failing, found_in: FoundIn, trials: u64, repeats: bool) -> Finding {
    let Failing { script, shape, symptom } = failing;
    let events = script.events().collect();
    Finding { contender: contender.info.name, symptom, found_in, heap: shape, events, trials, repeats }
}

/// Runs the conformance suite, each case in a process of its own, up to the first failure. `passed` counts the cases.
fn conformance(contender: &Contender, interrupt: &AtomicBool, passed: &mut u64) -> Result<Option<Finding>, FuzzError> {
    for page in CASE_PAGES {
        for case in (contender.conformance)() {
            let watch = ChildWatch { interrupt, patience: CASE_PATIENCE, on_progress: &mut |_| {} };
            let done = isolated::run(watch, |board| {
                if let Err(failure) = (case.run)(page) {
                    board.failed_at.store(1, Ordering::Relaxed);
                    board.say(&failure.to_string());
                }
            })?;
            if done.ending == Ending::Interrupted {
                return Ok(None);
            }
            let Outcome::Failed(symptom) = Outcome::of(&done, 0)? else {
                *passed += 1;
                continue;
            };
            // A case has no events.
            let symptom = Symptom { event: 0, ..symptom };
            return Ok(Some(Finding {
                contender: contender.info.name,
                symptom,
                found_in: FoundIn::Conformance { case: case.name },
                heap: HeapShape { page, ..HeapShape::DEFAULT },
                events: Vec::new(),
                trials: 0,
                repeats: true,
            }));
        }
    }
    Ok(None)
}

/// How to shrink a trace.
#[derive(Clone, Debug)]
pub struct ShrinkPlan {
    /// The heap.
    pub heap: HeapShape,
    /// Time for all of it. The smallest trace by then is the result.
    pub time: Duration,
    /// Ends it as soon as it is true.
    pub interrupt: Arc<AtomicBool>,
}

/// What came of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shrunk {
    /// The contender holds on this trace.
    Sound,
    /// It fails, and this is the smallest trace on which it fails in the same way.
    Failed(Box<Finding>),
    /// The user interrupted it before it was known.
    Interrupted,
}

/// Makes a trace on which a contender fails as small as it gets.
///
/// # Errors
///
/// If the trace cannot be read, no process can be made, or no heap reserved.
pub fn shrink_trace(
    contender: &Contender,
    source: &Source,
    plan: &ShrinkPlan,
    on_progress: &mut dyn FnMut(ShrinkProgress),
) -> Result<Shrunk, FuzzError> {
    let deadline = Instant::now().checked_add(plan.time);
    // A child must not begin a thread.
    let program = Program::load(source)?.decoded_in_turn();
    let all = program.events();
    let first = trial::run(contender, plan.heap, &program, &plan.interrupt, &mut |_| {
        on_progress(ShrinkProgress { events: all, trials: 0 });
    })?;
    drop(program);
    let symptom = match first {
        Outcome::Sound => return Ok(Shrunk::Sound),
        Outcome::Interrupted => return Ok(Shrunk::Interrupted),
        Outcome::Failed(symptom) => symptom,
    };
    let script = Script::of(source.open()?, symptom.event)?;
    let failing = Failing { script, shape: plan.heap, symptom };
    let limits = ShrinkLimits { interrupt: &plan.interrupt, deadline, on_progress };
    let (failing, trials) = shrink::shrink(contender, failing, limits)?;
    let found_in = FoundIn::Trace { name: source.name().to_owned(), events: all };
    Ok(Shrunk::Failed(Box::new(finding(contender, failing, found_in, trials, true))))
}
