//! The whole comparison on one trace: examine every contender, search for its minimum heap if that is asked for, then time those that
//! passed.

use std::num::NonZeroUsize;

use allocators::page_heap::{Guard, PageHeapError};
use allocators::{PageHeap, Role};
use reports::results::{self, Figure, Mark, Memory, Origin, Results, Rigor, SCHEMA_VERSION, Settings, Verification};
use traces::{Source, TraceError, library};

use crate::bounds;
use crate::contender::Contender;
use crate::environment;
use crate::lane::{Examination, Lane};
use crate::metrics::{Instant, Snapshot};
use crate::min_heap::{self, Candidate, Step};
use crate::program::{CompileError, Program};
use crate::timing::{self, Rounds};

/// Marks that results hold, at most: more than a chart could show.
const MOST_MARKS: usize = 1000;

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
    /// The page heap failed.
    #[error(transparent)]
    Heap(#[from] PageHeapError),
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
    /// Threads that search for each contender's minimum heap; `None` where it is not asked for.
    pub min_heap_threads: Option<NonZeroUsize>,
    /// How they are timed; 0 rounds for memory figures alone.
    pub rounds: Rounds,
}

/// What a comparison is at.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// The trace is being read.
    Reading,
    /// This contender, of so many, is being examined.
    Examining {
        /// Its name.
        name: &'a str,
        /// How many are done.
        done: usize,
        /// How many there are.
        all: usize,
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
    /// All memory figures are there, or the minimum heaps too, and no timing yet: worth saving, lest they be lost.
    Examined(&'a Results),
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
}

/// Compares contenders on one trace.
///
/// # Errors
///
/// Where the trace is faulty or empty, or the heap cannot be had. A contender that fails is a row, not an error.
pub fn compare(source: &Source, plan: &Plan, mut progress: impl FnMut(Progress<'_>)) -> Result<Results, CompareError> {
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
        settings: settings(plan),
        trace: describe(source, &program)?,
        bounds: Figure::unknown("left out"),
        warnings: Vec::new(),
        contenders: Vec::new(),
    };
    // Beside the examinations: neither is timed.
    std::thread::scope(|scope| {
        let bounds = plan.bounds.then(|| scope.spawn(|| bounds_of(&program)));
        examine_all(&program, plan, &mut results, &mut progress)?;
        if let Some(bounds) = bounds {
            progress(Progress::Bounding);
            results.bounds = bounds.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
        Ok::<(), PageHeapError>(())
    })?;
    progress(Progress::Examined(&results));

    if let Some(threads) = plan.min_heap_threads {
        search_min_heaps(&program, plan, threads, &mut results.contenders, &mut progress)?;
        progress(Progress::Examined(&results));
    }

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
    timing::run(&program, &racers, plan.rounds, |done, times| {
        results.settings.rounds = done;
        for (&row, time) in timed.iter().zip(times) {
            results.contenders[row].time = Figure::Known(time.clone());
        }
        progress(Progress::Timing { results: &results, done, all: plan.rounds.count });
    })?;
    Ok(results)
}

/// Adds a row for every contender, without its timing.
fn examine_all(
    program: &Program,
    plan: &Plan,
    results: &mut Results,
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<(), PageHeapError> {
    let Rounds { page, limit_pages, .. } = plan.rounds;
    let mut lane = Lane::on(program, PageHeap::reserve_sized(page, limit_pages, Guard::Trap)?);
    let all = plan.contenders.len();
    for (done, contender) in plan.contenders.iter().enumerate() {
        progress(Progress::Examining { name: contender.info.name, done, all });
        let Examination { verification, memory, snapshots } = match (contender.probe)() {
            Ok(()) => (contender.examine)(&mut lane, plan.verify, &plan.snapshots)?,
            Err(reason) => Examination {
                memory: Figure::unknown(&reason),
                verification: Verification::NotChecked { reason },
                snapshots: Vec::new(),
            },
        };
        progress(Progress::Snapshots { name: contender.info.name, snapshots: &snapshots });
        results.contenders.push(row(contender, verification, memory));
    }
    Ok(())
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

fn row(contender: &Contender, verification: Verification, memory: Figure<Memory>) -> results::Contender {
    results::Contender {
        name: contender.info.name.to_owned(),
        version: contender.info.version.to_owned(),
        role: match contender.info.role {
            Role::Contender => results::Role::Contender,
            Role::Baseline => results::Role::Baseline,
            Role::Floor => results::Role::Floor,
        },
        verification,
        partial: None,
        memory,
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
    threads: NonZeroUsize,
    rows: &mut [results::Contender],
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<(), PageHeapError> {
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
    let found = min_heap::find(program, plan.rounds.page, &candidates, threads, |Step { candidate, limit_pages }| {
        done += usize::from(limit_pages.is_none());
        progress(Progress::Searching { name: candidates[candidate].contender.info.name, limit_pages, done, all });
    })?;
    for (index, figure) in searched.into_iter().zip(found) {
        rows[index].min_heap = figure;
    }
    Ok(())
}

fn settings(plan: &Plan) -> Settings {
    let rounds = &plan.rounds;
    Settings {
        seed: rounds.seed,
        min_heap: plan.min_heap_threads.is_some(),
        rounds: rounds.count,
        rigor: Rigor::Default,
        baseline: "dlmalloc".to_owned(),
        budget_ns: None,
        streamed: false,
        touch: rounds.touch.name().to_owned(),
        heap_limit_pages: rounds.limit_pages as u64,
        page_bytes: rounds.page.bytes() as u64,
    }
}

fn describe(source: &Source, program: &Program) -> Result<results::Trace, TraceError> {
    let profile = program.profile();
    Ok(results::Trace {
        name: source.name().to_owned(),
        sha256: source.sha256()?,
        origin: library::origin(source, source.open()?.provenance()).map_or(Origin::Unstated, |origin| match origin {
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
        marks: (program.marks().iter().take(MOST_MARKS))
            .map(|mark| Mark { event: mark.event, name: mark.name.clone() })
            .collect(),
        mark_count: program.marks().len() as u64,
        repairs: program.repairs().map_or(Vec::new(), |repairs| repairs.lines()),
    })
}
