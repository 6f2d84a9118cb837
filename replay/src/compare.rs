//! The whole comparison on one trace: examine every contender, search for its minimum heap if that is asked for, then time those that
//! passed.

mod examinations;
mod further;

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use heaprace_allocators::Role;
use heaprace_reports::results::{
    self, Figure, Mark, Origin, Results, SCHEMA_VERSION, Settings, Verification, Warning, WarningCode,
};
use heaprace_traces::{Source, TraceError, library};

use crate::contender::Contender;
use crate::lane::LaneError;
use crate::leash::Leash;
use crate::metrics::{Instant, Snapshot};
use crate::min_heap::{self, Candidate, Step};
use crate::program::{CompileError, Program};
use crate::timing::{self, MakeChild, Race, Rigor, Rounds, Timing};
use crate::{bounds, child, distributions, environment, race, warnings};

/// A comparison that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// The trace is faulty.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The trace cannot be compiled.
    #[error("{file}: {source}")]
    Compile {
        /// The trace.
        file: String,
        /// Why not.
        source: CompileError,
    },
    /// There is nothing in the trace.
    #[error("{file}: has no events, so there is nothing to replay")]
    Empty {
        /// The trace.
        file: String,
    },
    /// A replay could not be made.
    #[error(transparent)]
    Lane(#[from] LaneError),
}

/// How a comparison is made.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Who takes part.
    pub contenders: Vec<Contender>,
    /// Whether each contender's blocks are checked before it is timed.
    pub verify: bool,
    /// When to take snapshots of each contender's heap.
    pub snapshots: Vec<Instant>,
    /// Whether to find the bounds of the trace.
    pub bounds: bool,
    /// Whether to find each contender's minimum heap.
    pub min_heap: bool,
    /// Contenders that are examined, or searched for their minimum heap, at once. Nothing else runs while one is timed.
    pub jobs: NonZeroUsize,
    /// The most time that a contender may take to be examined, and again for whatever else is measured of it.
    pub budget: Option<Duration>,
    /// Ends the comparison as soon as it is true, with what is finished by then.
    pub interrupt: Arc<AtomicBool>,
    /// The contender that ratios of times are formed to; where none is named, [`race::baseline`] chooses.
    pub baseline: Option<String>,
    /// How much is done against measurement noise.
    pub rigor: Rigor,
    /// How they are timed; 0 rounds for memory figures alone. The floor takes part wherever anything but memory is measured.
    pub rounds: Rounds,
    /// Whether single calls are timed, too.
    pub latency: bool,
    /// Whether instructions are counted.
    pub instructions: bool,
    /// How this program begins itself as a process of its own, in which alone anything is timed. Without it there are no times, with the
    /// reason.
    pub make_child: Option<MakeChild>,
}

impl Plan {
    /// Every block checked, one contender at a time, and nothing that takes long: what callers change from there.
    pub fn of(contenders: Vec<Contender>, rounds: Rounds) -> Self {
        Plan {
            contenders,
            verify: true,
            snapshots: Vec::new(),
            bounds: false,
            min_heap: false,
            jobs: NonZeroUsize::MIN,
            budget: None,
            interrupt: Arc::default(),
            baseline: None,
            rigor: Rigor::Default,
            rounds,
            latency: false,
            instructions: false,
            make_child: None,
        }
    }

    /// The same with everyone who takes part.
    fn complete(&self) -> Self {
        let mut plan = self.clone();
        if plan.rounds.count > 0 || plan.latency || plan.instructions {
            plan.contenders = race::with_floor(plan.contenders);
        }
        plan
    }
}

/// What a comparison is at.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// The trace is being read.
    Reading,
    /// Contenders are being examined.
    Examining {
        /// Those that are at it.
        names: &'a [&'a str],
        /// Events that have been replayed, over all contenders and replays.
        events: u64,
        /// How many will be.
        all_events: u64,
    },
    /// Snapshots of this contender's heap.
    Snapshots {
        /// Its name.
        name: &'a str,
        /// As many as were asked for and came to pass.
        snapshots: &'a [Snapshot],
    },
    /// The contenders are examined, and the bounds of the trace are not found yet.
    Bounding,
    /// Another contender is examined, and others may not be yet: worth saving where that takes long.
    Examined(&'a Results),
    /// All memory figures are there, or the minimum heaps too, and no timing yet: worth saving, lest they be lost.
    AllExamined(&'a Results),
    /// The minimum heaps are being searched for, several at once where there are threads.
    Searching {
        /// The contender that this is about.
        name: &'a str,
        /// The limit that it is given next, in pages; `None` where its search is over.
        limit_pages: Option<usize>,
        /// How many contenders are done.
        done: usize,
        /// How many there are.
        all: usize,
    },
    /// So many rounds of timing are done. The results have their times, and are worth saving where rounds take long.
    Timing {
        /// As if these rounds were all.
        results: &'a Results,
        /// How many are done.
        done: u32,
        /// How many there are.
        all: u32,
    },
    /// This contender, of so many, is in replays of their own.
    Further {
        /// What for.
        what: &'a str,
        /// Its name.
        name: &'a str,
        /// How many are done.
        done: usize,
        /// How many there are.
        all: usize,
    },
}

/// Compares contenders on one trace.
///
/// # Errors
///
/// Where the trace is faulty or empty, or the heap cannot be had. A contender that fails is a row, not an error.
pub fn compare(source: &Source, plan: &Plan, mut progress: impl FnMut(Progress<'_>)) -> Result<Results, CompareError> {
    let plan = &plan.complete();
    progress(Progress::Reading);
    let program = Program::load(source).map_err(|error| match error {
        CompileError::Trace(error) => CompareError::Trace(error),
        error => CompareError::Compile { file: source.display().to_owned(), source: error },
    })?;
    if program.events() == 0 {
        return Err(CompareError::Empty { file: source.display().to_owned() });
    }
    let mut results = Results {
        schema_version: SCHEMA_VERSION,
        provenance: environment::provenance(),
        settings: settings(plan, &program),
        trace: describe(source, &program)?,
        bounds: Figure::unknown("left out"),
        warnings: Vec::new(),
        contenders: plan.contenders.iter().map(row).collect(),
        merged_from: Vec::new(),
    };
    let leash = Leash::new(&plan.interrupt, plan.budget);
    // Beside the examinations: none of it is timed.
    let hash = OnceLock::new();
    thread::scope(|scope| {
        scope.spawn(|| hash.get_or_init(|| source.sha256()));
        let distributions = scope.spawn(|| distributions::of(source, &plan.interrupt));
        let bounds = plan.bounds.then(|| scope.spawn(|| bounds_of(&program)));
        examinations::examine_all(&program, plan, leash, &hash, &mut results, &mut progress)?;
        if let Some(bounds) = bounds {
            progress(Progress::Bounding);
            results.bounds = bounds.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
        results.trace.distributions = distributions.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok::<(), CompareError>(())
    })?;
    results.trace.sha256 = hash.into_inner().expect("its thread is done")?;
    progress(Progress::AllExamined(&results));

    if plan.min_heap {
        search_min_heaps(&program, plan, leash, &mut results.contenders, &mut progress)?;
        progress(Progress::AllExamined(&results));
    }
    let (trace, events) = (child::Trace::of(source), program.events());
    // Nobody reads it any more in this process, and it may be large.
    drop(program);
    time_all(trace.as_ref(), events, plan, leash, &mut results, &mut progress)?;
    further::measure(trace.as_ref(), events, plan, leash, &mut results.contenders, &mut progress);
    if plan.interrupt.load(Ordering::Relaxed) {
        let message = "ended before all was measured; what is missing says so".to_owned();
        results.warnings.push(Warning { code: WarningCode::Interrupted, message });
    }
    Ok(results)
}

/// Why nothing can be timed.
const NO_PATH: &str = "a trace in memory cannot be given to another process";
const NO_CHILD: &str = "this program has not said how to begin a process for it";

/// Times those that did all the work, and did it right.
fn time_all(
    trace: Option<&child::Trace>,
    events: u64,
    plan: &Plan,
    leash: Leash<'_>,
    results: &mut Results,
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<(), LaneError> {
    let (mut racers, mut timed) = (Vec::new(), Vec::new());
    for (index, (row, contender)) in results.contenders.iter_mut().zip(&plan.contenders).enumerate() {
        match why_not_timed(row, plan) {
            Some(reason) => row.time = Figure::unknown(reason),
            None => {
                racers.push(*contender);
                timed.push(index);
            }
        }
    }
    results.settings.rounds = 0;
    if timed.is_empty() {
        return Ok(());
    }
    results.settings.baseline =
        race::baseline(plan.baseline.as_deref(), timed.iter().map(|&row| &results.contenders[row]));
    let all = plan.rounds.count;
    let finished = |done, timing: &Timing| {
        results.settings.rounds = done;
        for (&row, time) in timed.iter().zip(&timing.times) {
            results.contenders[row].time = time.clone();
        }
        let decided = warnings::of(results, &timing.conditions);
        warnings::refresh(&mut results.warnings, decided);
        progress(Progress::Timing { results, done, all });
        ControlFlow::Continue(())
    };
    let (Some(trace), Some(make_child)) = (trace, plan.make_child) else {
        for row in timed {
            results.contenders[row].time = Figure::unknown(if trace.is_none() { NO_PATH } else { NO_CHILD });
        }
        return Ok(());
    };
    let race = Race { trace, events, contenders: &racers, rounds: plan.rounds, rigor: plan.rigor };
    match timing::run(&race, leash, make_child, finished) {
        Err(LaneError::Stopped(stop)) => {
            for row in timed {
                let time = &mut results.contenders[row].time;
                if time.known().is_none() {
                    *time = Figure::unknown(stop.reason());
                }
            }
            Ok(())
        }
        ended => ended.map(|_| ()),
    }
}

fn bounds_of(program: &Program) -> Figure<results::Bounds> {
    match bounds::of(program) {
        Ok(bounds) => Figure::Known(results::Bounds {
            max_live_bytes: bounds.max_live_bytes,
            max_live_aligned_bytes: bounds.max_live_aligned_bytes,
            max_size_bytes: bounds.max_size_bytes,
            robson_bytes: bounds.robson.forced_bytes,
            robson_first_fit_bytes: bounds.robson.first_fit_bytes,
            clairvoyant_bytes: bounds.clairvoyant_bytes,
        }),
        Err(error) => Figure::unknown(error.to_string()),
    }
}

/// The row of a contender of which nothing is known yet.
pub(crate) fn row(contender: &Contender) -> results::Contender {
    results::Contender {
        name: contender.info.name.to_owned(),
        version: contender.info.version.to_owned(),
        role: match contender.info.role {
            Role::Contender => results::Role::Contender,
            Role::Baseline => results::Role::Baseline,
            Role::Ablation => results::Role::Ablation,
            Role::Floor => results::Role::Floor,
        },
        verification: Verification::NotChecked { reason: "not examined yet".to_owned() },
        partial: None,
        memory: Figure::unknown("not examined yet"),
        min_heap: Figure::unknown("not searched for"),
        time: Figure::unknown("not timed yet"),
        latency: Figure::unknown("not asked for"),
        instructions: Figure::unknown("not asked for"),
    }
}

/// Why a row has no timing, if it has none: a time is worth something only for a contender that did all the work, and did it right.
fn why_not_timed(row: &results::Contender, plan: &Plan) -> Option<String> {
    if plan.rounds.count == 0 {
        return Some("timing was switched off".to_owned());
    }
    what_it_did_not_do(row)
}

/// What a row has left undone or done wrong, if anything.
fn what_it_did_not_do(row: &results::Contender) -> Option<String> {
    match (&row.verification, &row.memory) {
        (Verification::Failed { event, .. }, _) => Some(format!("failed verification at event {event}")),
        (_, Figure::Known(memory)) if memory.failed_requests > 0 => Some("did less work: requests failed".to_owned()),
        (_, Figure::Unknown { unknown }) if row.role != results::Role::Floor => Some(unknown.clone()),
        _ => None,
    }
}

/// Fills in the minimum heap of every row, or why it has none.
fn search_min_heaps(
    program: &Program,
    plan: &Plan,
    leash: Leash<'_>,
    rows: &mut [results::Contender],
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<(), LaneError> {
    let (mut candidates, mut searched) = (Vec::new(), Vec::new());
    for (index, (row, &contender)) in rows.iter_mut().zip(&plan.contenders).enumerate() {
        match &row.memory {
            Figure::Unknown { unknown } => row.min_heap = Figure::unknown(unknown),
            Figure::Known(memory) if memory.failed_requests > 0 => {
                row.min_heap = Figure::unknown("requests failed even at the heap limit");
            }
            Figure::Known(memory) => {
                candidates.push(Candidate { contender, peak_pages: memory.peak_heap_pages as usize });
                searched.push(index);
            }
        }
    }
    let (mut done, all) = (0, candidates.len());
    let found =
        min_heap::find(program, plan.rounds.page, &candidates, plan.jobs, leash, |Step { candidate, limit_pages }| {
            done += usize::from(limit_pages.is_none());
            progress(Progress::Searching { name: candidates[candidate].contender.info.name, limit_pages, done, all });
        })?;
    for (index, figure) in searched.into_iter().zip(found) {
        rows[index].min_heap = figure;
    }
    Ok(())
}

fn settings(plan: &Plan, program: &Program) -> Settings {
    let rounds = &plan.rounds;
    Settings {
        seed: rounds.seed,
        min_heap: plan.min_heap,
        latency: plan.latency,
        instructions: plan.instructions,
        rounds: rounds.count,
        rigor: plan.rigor.name(),
        baseline: plan.baseline.clone().unwrap_or_else(|| race::DEFAULT_BASELINE.to_owned()),
        budget_ns: plan.budget.map(|budget| budget.as_nanos() as u64),
        streamed: program.is_streamed(),
        touch: rounds.touch.name().to_owned(),
        heap_limit_pages: rounds.limit_pages as u64,
        page_bytes: rounds.page.bytes() as u64,
    }
}

fn describe(source: &Source, program: &Program) -> Result<results::Trace, TraceError> {
    let profile = program.profile();
    Ok(results::Trace {
        name: source.name().to_owned(),
        // Found beside the examinations.
        sha256: String::new(),
        origin: source.origin(source.open()?.provenance()).map_or(Origin::Unstated, |origin| match origin {
            library::Origin::Recorded => Origin::Recorded,
            library::Origin::Synthetic => Origin::Synthetic,
        }),
        events: profile.events(),
        allocs: profile.allocs,
        reallocs: profile.reallocs,
        deallocs: profile.deallocs,
        allocated_bytes: profile.allocated_bytes,
        peak_live_bytes: profile.peak_live_bytes,
        peak_live_event: profile.peak_live_bytes_event,
        peak_live_objects: profile.peak_live_objects,
        left_live_objects: profile.live_objects,
        distributions: Figure::unknown("the trace was not read to its end"),
        marks: program.marks().iter().map(|mark| Mark { event: mark.event, name: mark.name.clone() }).collect(),
        mark_count: program.mark_count(),
        repairs: program.repairs().map_or(Vec::new(), |repairs| repairs.lines()),
    })
}

/// The name of the folder for the results of a trace of this name.
pub fn folder_name(trace: &str) -> &str {
    if matches!(trace, "" | "." | "..") { "trace" } else { trace }
}
