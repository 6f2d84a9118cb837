//! Examines every contender, several in parallel: verification and memory figures.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;

use heaprace_allocators::page_heap::Guard;
use heaprace_allocators::{PageHeap, Purpose};
use heaprace_reports::results::{Reason, Results, Verification};
use heaprace_traces::TraceError;

use super::plan::ComparisonPlan;
use super::progress::Progress;
use crate::lane::{Examination, Lane, LaneError};
use crate::limits::{Limits, Stop};
use crate::program::Program;
use crate::time::rounds::Rounds;

/// Replays of the program per [`Lane::examine`].
const REPLAYS: u64 = 2;

/// What a worker thread sends.
enum WorkerEvent {
    /// It has started with this contender.
    Begun(usize),
    /// More events replayed since the last message.
    Events(u64),
    /// It is done with this contender.
    Done(usize, Box<Result<Examination, LaneError>>),
}

/// Fills in the rows of all contenders except their timing, several contenders in parallel.
pub(super) fn examine_all(
    program: &Program,
    plan: &ComparisonPlan,
    limits: Limits<'_>,
    hash: &OnceLock<Result<String, TraceError>>,
    results: &mut Results,
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<(), LaneError> {
    let examined = plan.contenders.iter().filter(|contender| contender.info.purpose != Purpose::Floor).count() as u64;
    let (replays, trace_events) = (examined * REPLAYS, program.events());
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (sender, worker_events) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..plan.jobs.get().min(plan.contenders.len()) {
            let sender = sender.clone();
            scope.spawn(|| examine_some(program, plan, limits, &next, &failed, sender));
        }
        drop(sender);
        let (mut active, mut events) = (Vec::new(), 0);
        // Reported in plan order, regardless of which contender finishes first, so that every run reports the same.
        let mut snapshots_of = BTreeMap::new();
        let mut reported = 0;
        for event in worker_events {
            match event {
                WorkerEvent::Begun(index) => active.push(plan.contenders[index].info.name),
                WorkerEvent::Events(more) => events += more,
                WorkerEvent::Done(index, examination) => {
                    let Examination { verification, memory, partial, snapshots } = (*examination)?;
                    let row = &mut results.contenders[index];
                    (row.verification, row.memory, row.partial) = (verification, memory, partial);
                    let name = plan.contenders[index].info.name;
                    active.retain(|&other| other != name);
                    snapshots_of.insert(index, snapshots);
                    while let Some(snapshots) = snapshots_of.remove(&reported) {
                        let name = plan.contenders[reported].info.name;
                        progress(Progress::Snapshots { name, snapshots: &snapshots });
                        reported += 1;
                    }
                    // A saved document identifies its trace, so it waits for the hash.
                    if let Some(Ok(hash)) = hash.get() {
                        results.trace.sha256.clone_from(hash);
                        progress(Progress::Examined(results));
                    }
                }
            }
            progress(Progress::Examining { names: &active, events, replays, trace_events });
        }
        Ok(())
    })
}

/// Examines contenders one after the other, always the next one left. Sending fails only after the first error has
/// ended the comparison, and is then ignored.
fn examine_some(
    program: &Program,
    plan: &ComparisonPlan,
    limits: Limits<'_>,
    next: &AtomicUsize,
    failed: &AtomicBool,
    sender: Sender<WorkerEvent>,
) {
    let Rounds { page, limit_pages, .. } = plan.rounds;
    let report_events = |events| {
        let _ = sender.send(WorkerEvent::Events(events));
    };
    let mut lane = None;
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(contender) = plan.contenders.get(index) else { return };
        if failed.load(Ordering::Relaxed) {
            return;
        }
        let _ = sender.send(WorkerEvent::Begun(index));
        let mut examine = || {
            if plan.interrupt.load(Ordering::Relaxed) {
                return Ok(unexamined(Stop::Interrupt.reason()));
            }
            if let Err(reason) = (contender.probe)() {
                return Ok(unexamined(reason.into()));
            }
            let lane = match &mut lane {
                Some(lane) => lane,
                none => none.insert(Lane::on(program, PageHeap::reserve_sized(page, limit_pages, Guard::Trap)?)),
            };
            (contender.examine)(lane, plan.verify, &plan.snapshots, limits.with_progress(&report_events).started())
        };
        let examination = examine();
        // There will be no results, so the others need not continue.
        failed.fetch_or(examination.is_err(), Ordering::Relaxed);
        let _ = sender.send(WorkerEvent::Done(index, Box::new(examination)));
    }
}

fn unexamined(reason: Reason) -> Examination {
    Examination::without_figures(Verification::NotChecked { reason: reason.clone() }, reason)
}
