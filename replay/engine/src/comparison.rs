//! The whole comparison on one trace: examine every contender, search for its minimum heap if requested, then time
//! those that passed.

mod examinations;
mod further;
pub mod participants;
mod plan;
mod progress;
mod rows;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use heaprace_allocators::page_heap::MemoryBudget;
use heaprace_reports::numbers;
use heaprace_reports::results::{
    self, Figure, Origin, ProgramKind, Reason, Results, SCHEMA_VERSION, Settings, Warning, WarningCode,
};
use heaprace_traces::{Source, TraceError, library};

use crate::comparison::rows::{NO_CHILD, NO_PATH, what_it_did_not_do};
use crate::lane::LaneError;
use crate::limits::Limits;
use crate::memory::bounds::{self, BoundsError};
use crate::memory::min_heap::{self, Candidate, Step};
use crate::memory_budget::{self, Need};
use crate::program::{CompileError, Coverage, Program};
use crate::time::process::TraceLocation;
use crate::time::race::{self, Race, Timing};
use crate::{distributions, environment, warnings};

pub use plan::ComparisonPlan;
pub use progress::Progress;
pub(crate) use rows::row;

/// The time between two reports of the search for a placement.
const BETWEEN_REPORTS: Duration = Duration::from_millis(20);

/// Why a comparison failed.
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
        /// The cause.
        source: CompileError,
    },
    /// The trace has no events.
    #[error("{file}: has no events, so there is nothing to replay")]
    Empty {
        /// The trace.
        file: String,
    },
    /// The trace needs more memory than there may be, before the first heap.
    #[error(
        "{file}: examining an allocator takes about {} of memory in addition to its heap, but --memory leaves {}; \
         give --memory more, or slice the trace ('replay trace slice')",
        numbers::bytes(*.need_bytes), numbers::bytes(*.budget_bytes)
    )]
    Memory {
        /// The trace.
        file: String,
        /// Memory without any heap.
        need_bytes: u64,
        /// The budget.
        budget_bytes: u64,
    },
    /// A replay failed.
    #[error(transparent)]
    Lane(#[from] LaneError),
}

/// Compares contenders on one trace.
///
/// # Errors
///
/// If the trace is faulty or empty, or the heap cannot be reserved. A contender that fails is a row, not an error.
pub fn compare(
    source: &Source,
    plan: &ComparisonPlan,
    mut progress: impl FnMut(Progress<'_>),
) -> Result<Results, CompareError> {
    let plan = &plan.complete();
    progress(Progress::Reading);
    let mut interruptible = source.clone().with_interrupt(Some(Arc::clone(&plan.interrupt)));
    if let Some(memory_bytes) = plan.memory_bytes {
        interruptible = interruptible.with_most_live_objects(memory_budget::most_live_objects(memory_bytes));
    }
    let program = Program::load(&interruptible).map_err(|error| match error {
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
        bounds: Figure::unknown(Reason::LeftOut),
        warnings: Vec::new(),
        contenders: plan.contenders.iter().map(row).collect(),
        merged_from: Vec::new(),
        wasm: None,
    };
    let memory = Memory::of(&program, plan, source)?;
    let limits = Limits::new(&plan.interrupt, plan.budget);
    let limits = memory.heaps.as_ref().map_or(limits, |heaps| limits.with_memory(heaps));
    // In parallel with the examinations, which are not timed.
    let hash = OnceLock::new();
    let steps = AtomicU64::new(0);
    let count_steps = |more| {
        steps.fetch_add(more, Ordering::Relaxed);
    };
    thread::scope(|scope| {
        scope.spawn(|| hash.get_or_init(|| interruptible.sha256()));
        let distributions = scope.spawn(|| distributions::of(&program, &plan.interrupt));
        let bounds = (plan.bounds && memory.bounds_fit).then(|| {
            let limits = limits.started().with_progress(&count_steps);
            let program = &program;
            scope.spawn(move || bounds::within(program, limits))
        });
        examinations::examine_all(&program, plan, limits, memory.need, &hash, &mut results, &mut progress)?;
        if let Some(bounds) = bounds {
            let most_steps = bounds::most_steps(&program);
            while !bounds.is_finished() {
                progress(Progress::Bounding { steps: steps.load(Ordering::Relaxed), most_steps });
                thread::sleep(BETWEEN_REPORTS);
            }
            let bounds = bounds.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            results.bounds = bounds.map_or_else(|error| Figure::unknown(error.to_string()), Figure::Known);
        } else if plan.bounds {
            let (need_bytes, budget_bytes) = (bounds::memory_bytes(&program), plan.memory_bytes.unwrap_or(u64::MAX));
            results.bounds = Figure::unknown(BoundsError::Memory { need_bytes, budget_bytes }.to_string());
        }
        let distributions = distributions.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        results.trace.distributions = distributions.map_err(LaneError::Trace)?;
        Ok::<(), CompareError>(())
    })?;
    results.trace.sha256 = hash.into_inner().expect("its thread is done")?;
    progress(Progress::AllExamined(&results));

    if plan.min_heap {
        search_min_heaps(&program, plan, limits, &mut results.contenders, &mut progress)?;
        progress(Progress::AllExamined(&results));
    }
    let (trace, events) = (TraceLocation::of(source), program.events());
    // This process no longer needs it, and it may be large.
    drop(program);
    let ended = time_all(trace.as_ref(), events, plan, limits, &mut results, &mut progress)?;
    further::measure(trace.as_ref(), events, plan, limits, &mut results.contenders, &mut progress);
    results.warnings.extend(warnings::not_measured(&results, plan.rounds.count > 0, &ended));
    if plan.interrupt.load(Ordering::Relaxed) {
        let message = "ended before everything was measured; missing figures say so".to_owned();
        results.warnings.push(Warning { code: WarningCode::Interrupted, message });
    }
    Ok(results)
}

/// How the memory of a comparison is divided.
struct Memory {
    need: Need,
    /// Whether there is room for the bounds.
    bounds_fit: bool,
    /// What is left for examinations and their heaps.
    heaps: Option<Arc<MemoryBudget>>,
}

impl Memory {
    /// The division for this program. Nothing here depends on how many contenders are examined in parallel, so that
    /// figures do not, either.
    fn of(program: &Program, plan: &ComparisonPlan, source: &Source) -> Result<Self, CompareError> {
        let bounds_fit = plan.memory_bytes.is_none_or(|budget| bounds::memory_bytes(program) <= budget / 2);
        let need = Need::of(program, plan.bounds && bounds_fit);
        let Some(budget_bytes) = plan.memory_bytes else { return Ok(Memory { need, bounds_fit, heaps: None }) };
        let need_bytes = need.fixed_bytes + need.examination_bytes;
        if need_bytes >= budget_bytes {
            return Err(CompareError::Memory { file: source.display().to_owned(), need_bytes, budget_bytes });
        }
        let left = usize::try_from(budget_bytes - need.fixed_bytes).unwrap_or(usize::MAX);
        Ok(Memory { need, bounds_fit, heaps: Some(Arc::new(MemoryBudget::new(left))) })
    }
}

/// Times the contenders that did all the work, and did it correctly. Returns the names of those that ended before the
/// last round, with the reason.
fn time_all(
    trace: Option<&TraceLocation>,
    events: u64,
    plan: &ComparisonPlan,
    limits: Limits<'_>,
    results: &mut Results,
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<Vec<(String, Reason)>, LaneError> {
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
        return Ok(Vec::new());
    }
    results.settings.baseline =
        participants::baseline(plan.baseline.as_deref(), timed.iter().map(|&row| &results.contenders[row]));
    let all = plan.rounds.count;
    let mut ended = Vec::new();
    let finished = |done, timing: &Timing| {
        ended =
            timing.ended.iter().map(|(which, reason)| (racers[*which].info.name.to_owned(), reason.clone())).collect();
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
        return Ok(Vec::new());
    };
    let race = Race { trace, events, contenders: &racers, rounds: plan.rounds, rigor: plan.rigor };
    match race::run(&race, limits, make_child, finished) {
        Err(LaneError::Stopped(stop)) => {
            for row in timed {
                let time = &mut results.contenders[row].time;
                if time.known().is_none() {
                    *time = Figure::unknown(stop.reason());
                }
            }
            Ok(ended)
        }
        raced => raced.map(|_| ended),
    }
}

/// Why a row has no timing, if so: a time is meaningful only for a contender that did all the work, and did it
/// correctly.
fn why_not_timed(row: &results::Contender, plan: &ComparisonPlan) -> Option<Reason> {
    if plan.rounds.count == 0 {
        return Some(Reason::TimingOff);
    }
    what_it_did_not_do(row)
}

/// Fills in the minimum heap of every row, or the reason why it has none.
fn search_min_heaps(
    program: &Program,
    plan: &ComparisonPlan,
    limits: Limits<'_>,
    rows: &mut [results::Contender],
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<(), LaneError> {
    let (mut candidates, mut searched) = (Vec::new(), Vec::new());
    for (index, (row, &contender)) in rows.iter_mut().zip(&plan.contenders).enumerate() {
        match &row.memory {
            Figure::Unknown { unknown } => row.min_heap = Figure::unknown(unknown),
            Figure::Known(memory) if memory.failed_requests > 0 => {
                row.min_heap = Figure::unknown(Reason::RequestsFailedAtLimit);
            }
            Figure::Known(memory) => {
                candidates.push(Candidate { contender, peak_pages: memory.peak_heap_pages as usize });
                searched.push(index);
            }
        }
    }
    let (mut done, all) = (0, candidates.len());
    let found = min_heap::find(
        program,
        plan.rounds.page,
        &candidates,
        plan.jobs,
        limits,
        |Step { candidate, limit_pages }| {
            done += usize::from(limit_pages.is_none());
            progress(Progress::Searching { name: candidates[candidate].contender.info.name, limit_pages, done, all });
        },
    )?;
    for (index, figure) in searched.into_iter().zip(found) {
        rows[index].min_heap = figure;
    }
    Ok(())
}

fn settings(plan: &ComparisonPlan, program: &Program) -> Settings {
    let rounds = &plan.rounds;
    Settings {
        seed: rounds.seed,
        min_heap: plan.min_heap,
        latency: plan.latency,
        instructions: plan.instructions,
        rounds: rounds.count,
        rigor: plan.rigor,
        baseline: plan.baseline.clone().unwrap_or_else(|| participants::DEFAULT_BASELINE.to_owned()),
        budget_ns: plan.budget.map(|budget| budget.as_nanos() as u64),
        streamed: program.is_streamed(),
        touch: rounds.touch,
        heap_limit_pages: rounds.limit_pages as u64,
        page_bytes: rounds.page.bytes() as u64,
    }
}

fn describe(source: &Source, program: &Program) -> Result<results::Trace, TraceError> {
    let profile = program.profile();
    Ok(results::Trace {
        name: source.name().to_owned(),
        // Computed in parallel with the examinations.
        sha256: String::new(),
        origin: source.origin(source.open()?.provenance()).map_or(Origin::Unstated, |origin| match origin {
            library::Origin::Recorded => Origin::Recorded,
            library::Origin::Synthetic => Origin::Synthetic,
        }),
        kind: source.library_entry().and_then(|entry| entry.about.kind).map(|kind| match kind {
            library::ProgramKind::Driver => ProgramKind::Driver,
            library::ProgramKind::Program => ProgramKind::Program,
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
        distributions: Figure::unknown(Reason::TraceNotRead),
        marks: program.marks().to_vec(),
        mark_count: program.mark_count(),
        repairs: program.repairs().map_or(Vec::new(), |repairs| repairs.lines()),
        run: program.run_time().map(|run| results::RecordedRun {
            wall_ns: run.wall_ns,
            cpu_ns: run.cpu_ns,
            recorder_ns: run.recorder_ns,
        }),
        extents: program.coverage().map(|Coverage { blocks, known_blocks, written_bytes }| results::Extents {
            blocks,
            known_blocks,
            written_bytes,
        }),
    })
}

/// The name of the results folder for a trace of this name.
pub fn folder_name(trace: &str) -> &str {
    if matches!(trace, "" | "." | "..") { "trace" } else { trace }
}
