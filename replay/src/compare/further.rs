//! What is measured in replays of their own, after the timed rounds and apart from them.

use heaprace_reports::results::{self, Figure};

use super::{Plan, Progress, what_it_did_not_do};
use crate::child::Trace;
use crate::contender::Contender;
use crate::leash::Leash;
use crate::{instructions, latency};

/// Fills in, of every row, the figures that were asked for, or why it has none. The trace has so many events.
pub(super) fn measure(
    trace: Option<&Trace>,
    events: u64,
    plan: &Plan,
    leash: Leash<'_>,
    rows: &mut [results::Contender],
    progress: &mut impl FnMut(Progress<'_>),
) {
    let mut begun = |what, contenders: &[Contender], done: usize| {
        progress(Progress::Further { what, name: contenders[done].info.name, done, all: contenders.len() });
    };
    let processes = trace.ok_or(super::NO_PATH).and_then(|trace| Ok((trace, plan.make_child.ok_or(super::NO_CHILD)?)));
    if plan.latency {
        fill_in(
            rows,
            plan,
            |row| &mut row.latency,
            |contenders| match &processes {
                Ok((trace, make_child)) => {
                    latency::measure(trace, events, contenders, &plan.rounds, *make_child, leash, |done| {
                        begun("timing single calls", contenders, done);
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
                    instructions::measure(trace, events, contenders, &plan.rounds, *make_child, leash, |done| {
                        begun("counting instructions", contenders, done);
                    })
                }
                Err(reason) => vec![Figure::unknown(reason); contenders.len()],
            },
        );
    }
}

/// Fills in a figure of every row by measuring the contenders that did all the work and did it right, or why a row has none.
fn fill_in<T>(
    rows: &mut [results::Contender],
    plan: &Plan,
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
