//! How long single calls take: replays of their own in which the clock is read around each call.
//!
//! They are apart from the timed rounds, whose loop they would change: reading the clock takes longer than many a call. Each replay begins on
//! fresh pages, as a program does. METHODOLOGY.md says what the figures are worth.

use heaprace_reports::results::{Figure, Latency};

use crate::contender::{Contender, TouchPolicy};
use crate::lane::Lane;
use crate::limits::Limits;
use crate::time::calls::Clock;
use crate::time::process::{self, ChildRequest, MakeChild, Task, TraceLocation};
use crate::time::rounds::Rounds;

/// The latency of one contender after the other, in their order, each in a process of its own, on a heap as `rounds` have it. The trace has
/// so many events. `begun` is called before each with its number. Each has the budget to itself; where a limit is reached, or the
/// machine has no clock for it, there are no figures, with the reason.
pub fn measure(
    trace: &TraceLocation,
    events: u64,
    contenders: &[Contender],
    rounds: &Rounds,
    make_child: MakeChild,
    limits: Limits<'_>,
    mut begun: impl FnMut(usize),
) -> Vec<Figure<Latency>> {
    let measured = contenders.iter().enumerate().map(|(index, contender)| {
        begun(index);
        let request = ChildRequest::new(trace, events, [contender.info.name], rounds, Task::Latency);
        process::ask_one(make_child, &request, limits.started()).map_or_else(Figure::unknown, Figure::Known)
    });
    measured.collect()
}

/// The latency of one contender, in this process.
pub(crate) fn take(lane: &mut Lane<'_>, contender: &Contender, touch: TouchPolicy) -> Result<Latency, String> {
    let clock = Clock::calibrate()?;
    contender.latency(lane, &clock, touch, Limits::NONE).map_err(|error| error.to_string())
}
