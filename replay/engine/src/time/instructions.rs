//! Instructions per operation: the amount of work in a replay, independent of what else the machine does.
//!
//! If this program may use the processor's counter, it counts one replay on fresh pages, excluding the kernel.
//! Otherwise, if valgrind is installed, a separate process replays under callgrind, which counts exactly by simulation.
//! Otherwise the figures are unknown, and the reason names both. The same counter is used for all contenders of a
//! comparison. METHODOLOGY.md explains what the figures do not show.

mod callgrind;
#[cfg(target_os = "linux")]
mod perf_event;

use std::hint::black_box;

use heaprace_reports::results::{Figure, InstructionCounter, Instructions, Reason};

use crate::contender::{Contender, TouchPolicy};
use crate::lane::{Lane, LaneError};
use crate::limits::Limits;
use crate::time::process::{self, ChildRequest, MakeChild, Task, TraceLocation};
use crate::time::race::Race;
use crate::time::rounds::Rounds;

/// Measures the instructions of each contender in turn, each in its own process, on a heap as the rounds of `race` set
/// it. `started` is called before each contender with its index. If there is no counter, the figures are unknown, with
/// the reason.
pub fn measure(
    race: &Race<'_>,
    make_child: MakeChild,
    limits: Limits<'_>,
    mut started: impl FnMut(usize),
) -> Vec<Figure<Instructions>> {
    let Race { trace, events, contenders, ref rounds, .. } = *race;
    let contenders = contenders.iter().enumerate().inspect(|&(index, _)| started(index));
    let request = |contender: &Contender, task| ChildRequest::new(trace, events, [contender.info.name], rounds, task);
    let no_hardware = match Counter::instructions() {
        Ok(_) => {
            let count = |contender| {
                process::ask_one(make_child, &request(contender, Task::CountInstructions), limits.started())
            };
            return contenders
                .map(|(_, contender)| figure(InstructionCounter::PerfEvent, events, count(contender)))
                .collect();
        }
        Err(reason) => reason,
    };
    if let Err(no_valgrind) = callgrind::probe() {
        let reason = Reason::NoCounter { hardware: no_hardware, valgrind: no_valgrind };
        return contenders.map(|_| Figure::unknown(&reason)).collect();
    }
    let simulated = contenders.map(|(_, contender)| {
        let limits = limits.started();
        match limits.check(0) {
            Some(stop) => Figure::unknown(stop.reason()),
            None => simulate(trace, events, contender, rounds, make_child, limits),
        }
    });
    simulated.collect()
}

/// The instructions of one contender, counted by callgrind.
pub fn simulate(
    trace: &TraceLocation,
    events: u64,
    contender: &Contender,
    rounds: &Rounds,
    make_child: MakeChild,
    limits: Limits<'_>,
) -> Figure<Instructions> {
    let count = || {
        let command = make_child().map_err(|error| Reason::ProcessNotStarted { cause: error.to_string() })?;
        let request = ChildRequest::new(trace, events, [contender.info.name], rounds, Task::ReplayCounted);
        callgrind::count(&command, COUNTED_SYMBOL, |command| process::ask::<()>(command, &request, limits).only())
    };
    figure(InstructionCounter::Callgrind, events, count())
}

fn figure(counter: InstructionCounter, ops: u64, count: Result<u64, Reason>) -> Figure<Instructions> {
    match count {
        Ok(instructions) => Figure::Known(Instructions { counter, instructions, ops }),
        Err(reason) => Figure::unknown(reason),
    }
}

/// The instructions of one contender by the processor's counter, in this process.
pub(crate) fn count(lane: &mut Lane<'_>, contender: &Contender, touch: TouchPolicy) -> Result<u64, String> {
    let mut counter = Counter::instructions()?;
    let mut sum = Ok(0);
    let ended = contender.metered(lane, touch, Limits::NONE, &mut |replay| {
        let stretch = counter.count(replay);
        sum = std::mem::replace(&mut sum, Ok(0)).and_then(|sum| Ok(sum + stretch?));
    });
    ended.map_err(|error| error.to_string())?;
    sum
}

#[cfg(target_os = "linux")]
use perf_event::Counter;

/// A stand-in on systems without a known counter.
#[cfg(not(target_os = "linux"))]
enum Counter {}

#[cfg(not(target_os = "linux"))]
impl Counter {
    fn instructions() -> Result<Self, String> {
        Err("it is asked for on Linux alone".to_owned())
    }

    fn count(&mut self, _work: &mut dyn FnMut()) -> Result<u64, String> {
        match *self {}
    }
}

/// The symbol of [`heaprace_counted_replay`].
const COUNTED_SYMBOL: &str = "heaprace_counted_replay";

/// Runs the replay that callgrind counts by this name. It adds less than ten instructions of its own.
// SAFETY: no other function of the program has this name.
#[unsafe(no_mangle)]
#[inline(never)]
fn heaprace_counted_replay(replay: &mut dyn FnMut()) {
    replay();
    // Keeps the call from becoming a jump, which callgrind would take for the end of this function.
    black_box(());
}

/// The task of a child under callgrind: a replay that is counted.
///
/// # Errors
///
/// If the heap cannot be reset.
pub(crate) fn replay_counted(lane: &mut Lane<'_>, contender: &Contender, touch: TouchPolicy) -> Result<(), LaneError> {
    contender.metered(lane, touch, Limits::NONE, &mut |replay| heaprace_counted_replay(replay))
}
