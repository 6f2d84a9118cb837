//! Latency of single calls: separate replays that read the clock around each call.
//!
//! They are separate from the timed rounds, because reading the clock takes longer than many calls and would change the
//! timed loop. Each replay begins on fresh pages, like a program. METHODOLOGY.md explains how far to trust the figures.

use heaprace_reports::results::{Figure, Latency};

use crate::contender::{Contender, TouchPolicy};
use crate::lane::Lane;
use crate::limits::Limits;
use crate::time::calls::Clock;
use crate::time::process::{self, ChildRequest, MakeChild, Task};
use crate::time::race::Race;

/// Measures the latency of each contender in turn, each in its own process, on a heap as the rounds of `race` set it.
/// `started` is called before each contender with its index. Each contender has its own budget. If a
/// limit is reached, or the machine has no suitable clock, the figures are unknown, with the reason.
pub fn measure(
    race: &Race<'_>,
    make_child: MakeChild,
    limits: Limits<'_>,
    mut started: impl FnMut(usize),
) -> Vec<Figure<Latency>> {
    let Race { trace, events, contenders, rounds, .. } = *race;
    let measured = contenders.iter().enumerate().map(|(index, contender)| {
        started(index);
        let request = ChildRequest::new(trace, events, [contender.info.name], &rounds, Task::Latency);
        process::ask_one(make_child, &request, limits.started()).map_or_else(Figure::unknown, Figure::Known)
    });
    measured.collect()
}

/// The latency of one contender, in this process.
pub(crate) fn take(lane: &mut Lane<'_>, contender: &Contender, touch: TouchPolicy) -> Result<Latency, String> {
    let clock = Clock::calibrate()?;
    contender.latency(lane, &clock, touch, Limits::NONE).map_err(|error| error.to_string())
}
