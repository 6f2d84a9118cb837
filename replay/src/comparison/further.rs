//! Measurements in replays of their own, after the timed rounds and separate from them.

use heaprace_reports::results::{self, Figure};

use super::plan::ComparisonPlan;
use super::progress::Progress;
use super::rows::{NO_CHILD, NO_PATH, what_it_did_not_do};
use crate::contender::Contender;
use crate::limits::Limits;
use crate::time::process::TraceLocation;
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
            |row| &mut row.latency,
            |contenders| match &processes {
                Ok((trace, make_child)) => {
                    latency::measure(trace, events, contenders, &plan.rounds, *make_child, limits, |done| {
                        started("timing single calls", contenders, done);
                    })
                }
                Err(reason) => vec![Figure::unknown(reason); contenders.len()],
            },
        );
    }
    if plan.instructions {
        fill_in(
            rows,
            plan,
            |row| &mut row.instructions,
            |contenders| match &processes {
                Ok((trace, make_child)) => {
                    instructions::measure(trace, events, contenders, &plan.rounds, *make_child, limits, |done| {
                        started("counting instructions", contenders, done);
                    })
                }
                Err(reason) => vec![Figure::unknown(reason); contenders.len()],
            },
        );
    }
}

/// Fills in a figure of every row. Measures the contenders that did all the work correctly; the other rows get the
/// reason.
fn fill_in<T>(
    rows: &mut [results::Contender],
    plan: &ComparisonPlan,
    figure: impl Fn(&mut results::Contender) -> &mut Figure<T>,
    measure: impl FnOnce(&[Contender]) -> Vec<Figure<T>>,
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
    for (place, found) in measured.into_iter().zip(measure(&contenders)) {
        *place = found;
    }
}
