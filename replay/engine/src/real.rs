//! Real runs: a program itself on contenders, in rounds.
//!
//! The program runs in a process of its own with the same command, environment and input in every round, and finds in
//! its environment which contender serves it: by the global allocator of the program
//! ([`Global`](heaprace_allocators::Global)), or by a library that is preloaded into it.

mod input;
mod plan;
mod process;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use fastrand::Rng;
use heaprace_allocators::Info;
use heaprace_reports::real::{RealContender, RealRuns};

use crate::environment::provenance;

pub use input::Input;
pub use plan::RealPlan;
use process::Starter;
pub use process::{RunOutcome, preloads};

/// Why the program could not be run.
#[derive(Debug, thiserror::Error)]
pub enum RealError {
    /// It could not be started, or its figures could not be read.
    #[error("{program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// The error of the system.
        source: io::Error,
    },
    /// It ran, but no request reached the contender.
    #[error(
        "{program} ({end}): no request reached the allocator; it may allocate nothing, be linked statically, bring an \
         allocator of its own or start with a cleared environment: name the program itself, not what starts it"
    )]
    NotServed {
        /// The program.
        program: String,
        /// How it ended.
        end: String,
    },
}

/// Runs the program on every contender in every round, in an order that is drawn for each round. `finished` gets the
/// number of runs that are done. When `interrupt` is set, the finished rounds are returned.
///
/// # Errors
///
/// If the program cannot be started, or is not served.
pub fn run(
    plan: &RealPlan,
    input: &Input,
    interrupt: &AtomicBool,
    mut finished: impl FnMut(usize),
) -> Result<RealRuns, RealError> {
    let program = || plan.command.first().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let started = |source| RealError::Start { program: program(), source };
    let start = Starter::new(plan).map_err(started)?;
    let mut runs = RealRuns {
        real_runs_version: RealRuns::VERSION,
        command: plan.command.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        baseline: plan.baseline.clone(),
        seed: plan.seed,
        heap_limit_pages: plan.limit_pages as u64,
        page_bytes: heaprace_allocators::PAGE_BYTES as u64,
        has_threads: false,
        provenance: provenance(),
        contenders: plan.contenders.iter().map(empty).collect(),
    };
    let mut order: Vec<usize> = (0..plan.contenders.len()).collect();
    let mut rng = Rng::with_seed(plan.seed);
    let stopped = || interrupt.load(Ordering::Relaxed);
    if plan.rounds > 1
        && let Some(first) = plan.contenders.first()
    {
        // The first run of all reads files that later ones find in memory. It does not count.
        start.run(first.name, input).map_err(started)?;
    }
    for round in 0..plan.rounds {
        rng.shuffle(&mut order);
        let mut outcomes = Vec::with_capacity(order.len());
        for (done, &index) in order.iter().enumerate() {
            let outcome = start.run(plan.contenders[index].name, input).map_err(started)?;
            if stopped() {
                // Rounds are whole: differences are formed within them.
                return Ok(runs);
            }
            let RunOutcome { figures: Some(figures), .. } = &outcome else {
                let end = outcome.failure.unwrap_or_else(|| "exit status: 0".to_owned());
                return Err(RealError::NotServed { program: program(), end });
            };
            runs.has_threads |= figures.has_threads;
            outcomes.push((index, outcome));
            finished(round as usize * order.len() + done + 1);
        }
        for (index, outcome) in outcomes {
            add(&mut runs.contenders[index], outcome);
        }
    }
    Ok(runs)
}

fn empty(info: &Info) -> RealContender {
    RealContender {
        name: info.name.to_owned(),
        version: info.version.to_owned(),
        failure: None,
        wall_ns: Vec::new(),
        cpu_ns: Vec::new(),
        minor_faults: Vec::new(),
        peak_pages: Vec::new(),
        refused_requests: 0,
        growths: Vec::new(),
    }
}

fn add(row: &mut RealContender, outcome: RunOutcome) {
    row.failure = row.failure.take().or(outcome.failure);
    row.wall_ns.push(outcome.wall.as_nanos() as u64);
    row.cpu_ns.push(outcome.cpu.as_nanos() as u64);
    row.minor_faults.push(outcome.minor_faults);
    let Some(figures) = outcome.figures else { return };
    row.peak_pages.push(figures.peak_pages);
    row.refused_requests += figures.refused_requests;
    if row.growths.is_empty() {
        row.growths = figures.growths.iter().map(|&(time, pages)| (time.as_nanos() as u64, pages)).collect();
    }
}
