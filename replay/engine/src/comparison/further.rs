//! Measurements in replays of their own, after the timed rounds and separate from them.

use heaprace_reports::results::{self, Figure, Reason};

use super::plan::ComparisonPlan;
use super::progress::Progress;
use super::rows::{NO_CHILD, NO_PATH, what_it_did_not_do};
use crate::contender::Contender;
use crate::limits::Limits;
use crate::time::process::{MakeChild, TraceLocation};
use crate::time::race::Race;
use crate::time::{instructions, latency};

/// Fills in the requested figures of every row, or the reason why there are none. The trace has `events` events.
pub(super) fn measure(
    trace: Option<&TraceLocation>,
    events: u64,
    plan: &ComparisonPlan,
    limits: Limits<'_>,
    rows: &mut [results::Contender],
    progress: &mut impl FnMut(Progress<'_>),
) {
    let mut started = |what, contenders: &[Contender], done: usize| {
        progress(Progress::Further { what, name: contenders[done].info.name, done, all: contenders.len() });
    };
    let processes = trace.ok_or(NO_PATH).and_then(|trace| Ok((trace, plan.make_child.ok_or(NO_CHILD)?)));
    if plan.latency {
        fill_in(
            rows,
            plan,
            &processes,
            events,
            |row| &mut row.latency,
            |race, make_child| {
                let started = |done| started("timing single calls", race.contenders, done);
                latency::measure(race, make_child, limits, started)
            },
        );
    }
    if plan.instructions {
        fill_in(
            rows,
            plan,
            &processes,
            events,
            |row| &mut row.instructions,
            |race, make_child| {
                let started = |done| started("counting instructions", race.contenders, done);
                instructions::measure(race, make_child, limits, started)
            },
        );
    }
}

/// Fills in a figure of every row. Measures the contenders that did all the work correctly; the other rows get the
/// reason.
fn fill_in<T>(
    rows: &mut [results::Contender],
    plan: &ComparisonPlan,
    processes: &Result<(&TraceLocation, MakeChild), Reason>,
    events: u64,
    figure: impl Fn(&mut results::Contender) -> &mut Figure<T>,
    measure: impl FnOnce(&Race<'_>, MakeChild) -> Vec<Figure<T>>,
) {
    let (mut contenders, mut measured) = (Vec::new(), Vec::new());
    for (row, &contender) in rows.iter_mut().zip(&plan.contenders) {
        match what_it_did_not_do(row) {
            Some(reason) => *figure(row) = Figure::unknown(reason),
            None => {
                contenders.push(contender);
                measured.push(figure(row));
            }
        }
    }
    let found = match processes {
        &Ok((trace, make_child)) => {
            let race = Race { trace, events, contenders: &contenders, rounds: plan.rounds, rigor: plan.rigor };
            measure(&race, make_child)
        }
        Err(reason) => contenders.iter().map(|_| Figure::unknown(reason)).collect(),
    };
    for (place, found) in measured.into_iter().zip(found) {
        *place = found;
    }
}
