//! Every contender examined, several at once: verified, and measured for its memory figures.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;

use heaprace_allocators::page_heap::Guard;
use heaprace_allocators::{PageHeap, Role};
use heaprace_reports::results::{Reason, Results, Verification};
use heaprace_traces::TraceError;

use super::{Plan, Progress};
use crate::lane::{Examination, Lane, LaneError};
use crate::leash::{Leash, Stop};
use crate::program::Program;
use crate::timing::Rounds;

/// How often [`Lane::examine`] replays the program.
const REPLAYS: u64 = 2;

/// What an examining thread tells.
enum Told {
    /// It has begun with this contender.
    Begun(usize),
    /// So many more events have been replayed.
    Events(u64),
    /// It is done with this one.
    Done(usize, Box<Result<Examination, LaneError>>),
}

/// Fills in the rows of all contenders, without their timing, several at once.
pub(super) fn examine_all(
    program: &Program,
    plan: &Plan,
    leash: Leash<'_>,
    hash: &OnceLock<Result<String, TraceError>>,
    results: &mut Results,
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<(), LaneError> {
    let examined = plan.contenders.iter().filter(|contender| contender.info.role != Role::Floor).count() as u64;
    let all_events = examined * REPLAYS * program.events();
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..plan.jobs.get().min(plan.contenders.len()) {
            let tell = tell.clone();
            scope.spawn(|| examine_some(program, plan, leash, &next, &failed, tell));
        }
        drop(tell);
        let (mut at_it, mut events) = (Vec::new(), 0);
        // Told in the order of the plan, so that it is the same in every run, whoever is done first.
        let mut snapshots_of = BTreeMap::new();
        let mut told_of = 0;
        for told in told {
            match told {
                Told::Begun(index) => at_it.push(plan.contenders[index].info.name),
                Told::Events(more) => events += more,
                Told::Done(index, examination) => {
                    let Examination { verification, memory, partial, snapshots } = (*examination)?;
                    let row = &mut results.contenders[index];
                    (row.verification, row.memory, row.partial) = (verification, memory, partial);
                    let name = plan.contenders[index].info.name;
                    at_it.retain(|&one| one != name);
                    snapshots_of.insert(index, snapshots);
                    while let Some(snapshots) = snapshots_of.remove(&told_of) {
                        let name = plan.contenders[told_of].info.name;
                        progress(Progress::Snapshots { name, snapshots: &snapshots });
                        told_of += 1;
                    }
                    // What is saved must tell which trace it is about.
                    if let Some(Ok(hash)) = hash.get() {
                        results.trace.sha256.clone_from(hash);
                        progress(Progress::Examined(results));
                    }
                }
            }
            progress(Progress::Examining { names: &at_it, events, all_events });
        }
        Ok(())
    })
}

/// Examines one contender after the other, whichever is next. What is told is told in vain only where the first error has ended it all.
fn examine_some(
    program: &Program,
    plan: &Plan,
    leash: Leash<'_>,
    next: &AtomicUsize,
    failed: &AtomicBool,
    tell: Sender<Told>,
) {
    let Rounds { page, limit_pages, .. } = plan.rounds;
    let tell_events = |events| {
        let _ = tell.send(Told::Events(events));
    };
    let mut lane = None;
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(contender) = plan.contenders.get(index) else { return };
        if failed.load(Ordering::Relaxed) {
            return;
        }
        let _ = tell.send(Told::Begun(index));
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
            (contender.examine)(lane, plan.verify, &plan.snapshots, leash.telling(&tell_events).started())
        };
        let examination = examine();
        // There will be no results: the others need not go on.
        failed.fetch_or(examination.is_err(), Ordering::Relaxed);
        let _ = tell.send(Told::Done(index, Box::new(examination)));
    }
}

fn unexamined(reason: Reason) -> Examination {
    Examination::without_figures(Verification::NotChecked { reason: reason.clone() }, reason)
}
