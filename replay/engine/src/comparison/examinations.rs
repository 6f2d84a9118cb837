//! Examines every contender, several in parallel: verification and memory figures.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{OnceLock, PoisonError, RwLock};
use std::thread;

use heaprace_allocators::page_heap::Guard;
use heaprace_allocators::{PageHeap, Purpose};
use heaprace_reports::results::{Reason, Results, Verification};
use heaprace_traces::TraceError;

use super::plan::ComparisonPlan;
use super::progress::Progress;
use crate::contender::Contender;
use crate::lane::{Examination, Lane, LaneError};
use crate::limits::{Limits, Stop};
use crate::memory_budget::Need;
use crate::program::Program;
use crate::time::rounds::Rounds;

/// Replays of the program per [`Lane::examine`].
const REPLAYS: u64 = 2;

/// What a worker thread sends.
enum WorkerEvent {
    /// It has started with this contender.
    Begun(usize),
    /// This contender's heap does not fit beside those of others: it waits for them.
    Waits(usize),
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
    need: Need,
    hash: &OnceLock<Result<String, TraceError>>,
    results: &mut Results,
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<(), LaneError> {
    let examined = plan.contenders.iter().filter(|contender| contender.info.purpose != Purpose::Floor).count() as u64;
    let (replays, trace_events) = (examined * REPLAYS, program.events());
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let taking_turns = RwLock::new(());
    let bookkeeping_bytes = need.examination_bytes as usize;
    let examiner = Examiner { program, plan, limits, bookkeeping_bytes, taking_turns: &taking_turns };
    let (sender, worker_events) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..plan.jobs.get().min(plan.contenders.len()) {
            let sender = sender.clone();
            scope.spawn(|| examiner.examine_some(&next, &failed, sender));
        }
        drop(sender);
        let (mut active, mut events) = (Vec::new(), 0);
        // Reported in plan order, regardless of which contender finishes first, so that every run reports the same.
        let mut snapshots_of = BTreeMap::new();
        let mut reported = 0;
        for event in worker_events {
            match event {
                WorkerEvent::Begun(index) => active.push(plan.contenders[index].info.name),
                WorkerEvent::Waits(index) => progress(Progress::Waiting { name: plan.contenders[index].info.name }),
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

/// Examines contenders on one of the threads.
#[derive(Clone, Copy)]
struct Examiner<'a> {
    program: &'a Program,
    plan: &'a ComparisonPlan,
    limits: Limits<'a>,
    /// Memory that an examination takes in addition to the heap.
    bookkeeping_bytes: usize,
    /// Is held by all that examine, or by one that must have the memory of all.
    taking_turns: &'a RwLock<()>,
}

impl Examiner<'_> {
    /// Examines contenders one after the other, always the next one left. Sending fails only after the first error has
    /// ended the comparison, and is then ignored.
    fn examine_some(&self, next: &AtomicUsize, failed: &AtomicBool, sender: Sender<WorkerEvent>) {
        let plan = self.plan;
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
            let report_wait = || {
                let _ = sender.send(WorkerEvent::Waits(index));
            };
            let examination = self.examine(contender, &mut lane, &report_events, &report_wait);
            // There will be no results, so the others need not continue.
            failed.fetch_or(examination.is_err(), Ordering::Relaxed);
            let _ = sender.send(WorkerEvent::Done(index, Box::new(examination)));
        }
    }

    fn examine<'p>(
        &'p self,
        contender: &Contender,
        lane: &mut Option<Lane<'p>>,
        report_events: &(dyn Fn(u64) + Sync),
        report_wait: &dyn Fn(),
    ) -> Result<Examination, LaneError> {
        if self.plan.interrupt.load(Ordering::Relaxed) {
            return Ok(unexamined(Stop::Interrupt.reason()));
        }
        if let Err(reason) = (contender.probe)() {
            return Ok(unexamined(reason.into()));
        }
        let lane = match lane {
            Some(lane) => lane,
            none => none.insert(Lane::on(self.program, self.heap()?)),
        };
        let limits = self.limits.with_progress(report_events);
        let Some(budget) = limits.memory() else { return self.examine_on(lane, contender, limits) };
        {
            let _beside_others = self.taking_turns.read().unwrap_or_else(PoisonError::into_inner);
            if budget.take(self.bookkeeping_bytes) {
                let examination = self.examine_on(lane, contender, limits);
                let was_short = lane.has_passed_budget();
                lane.release()?;
                budget.give_back(self.bookkeeping_bytes);
                // With one job, there are no others.
                if examination.is_err() || !was_short || self.plan.jobs.get() == 1 {
                    return examination;
                }
            }
        }
        // Others had a part of the memory. What the contender can do with all of it does not depend on them.
        report_wait();
        let _alone = self.taking_turns.write().unwrap_or_else(PoisonError::into_inner);
        let has_room = budget.take(self.bookkeeping_bytes);
        debug_assert!(has_room, "the comparison would not have begun");
        let examination = self.examine_on(lane, contender, limits);
        lane.release()?;
        budget.give_back(self.bookkeeping_bytes);
        examination
    }

    fn examine_on(
        &self,
        lane: &mut Lane<'_>,
        contender: &Contender,
        limits: Limits<'_>,
    ) -> Result<Examination, LaneError> {
        (contender.examine)(lane, self.plan.verify, &self.plan.snapshots, limits.started())
    }

    fn heap(&self) -> Result<PageHeap, LaneError> {
        let Rounds { page, limit_pages, .. } = self.plan.rounds;
        Ok(PageHeap::reserve_within(page, limit_pages, Guard::Trap, self.limits.memory())?)
    }
}

fn unexamined(reason: Reason) -> Examination {
    Examination::without_figures(Verification::NotChecked { reason: reason.clone() }, reason)
}
