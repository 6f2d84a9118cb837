//! What is measured in replays of their own, behind the timed rounds and apart from them.

use reports::results::{self, Figure};
use traces::Source;

use super::{Plan, Progress, what_it_did_not_do};
use crate::contender::Contender;
use crate::lane::LaneError;
use crate::leash::Leash;
use crate::program::Program;
use crate::{child, instructions, latency};

/// Fills in, of every row, the figures that were asked for, or why it has none.
pub(super) fn measure(
    source: &Source,
    program: &Program,
    plan: &Plan,
    leash: Leash<'_>,
    rows: &mut [results::Contender],
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<(), LaneError> {
    if plan.latency {
        let what = "timing single calls";
        let measure = |contenders: &[Contender]| {
            latency::measure(program, contenders, &plan.rounds, leash, |done| {
                progress(Progress::Further { what, name: contenders[done].info.name, done, all: contenders.len() });
            })
        };
        fill_in(rows, plan, |row| &mut row.latency, measure)?;
    }
    if let Some(make_child) = plan.instructions {
        let (what, trace) = ("counting instructions", child::Trace::of(source));
        let measure = |contenders: &[Contender]| {
            instructions::measure(program, trace.as_ref(), contenders, &plan.rounds, make_child, leash, |done| {
                progress(Progress::Further { what, name: contenders[done].info.name, done, all: contenders.len() });
            })
        };
        fill_in(rows, plan, |row| &mut row.instructions, measure)?;
    }
    Ok(())
}

/// Fills in a figure of every row by measuring the contenders that did all the work and did it right, or why a row has none.
fn fill_in<T>(
    rows: &mut [results::Contender],
    plan: &Plan,
    figure: impl Fn(&mut results::Contender) -> &mut Figure<T>,
    measure: impl FnOnce(&[Contender]) -> Result<Vec<Figure<T>>, LaneError>,
) -> Result<(), LaneError> {
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
    for (place, found) in measured.into_iter().zip(measure(&contenders)?) {
        *place = found;
    }
    Ok(())
}
