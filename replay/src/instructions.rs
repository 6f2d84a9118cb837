//! Instructions per operation: how much work a replay is, whatever the machine is doing meanwhile.
//!
//! Where the system gives this program the processor's counter, it counts one replay on fresh pages, without the kernel's part; else, where valgrind is installed, a process of
//! its own replays under callgrind, which counts by simulation and so exactly; else there are no figures, and the reason names both. The
//! same counter counts all contenders of a comparison. METHODOLOGY.md says what the figures cannot tell.

mod callgrind;
#[cfg(target_os = "linux")]
mod perf_event;

use std::hint::black_box;

use heaprace_reports::results::{Figure, InstructionCounter, Instructions, Reason};

use crate::child::{self, Request, Task, Trace};
use crate::contender::{Contender, TouchPolicy};
use crate::lane::{Lane, LaneError};
use crate::leash::Leash;
use crate::timing::{MakeChild, Rounds};

/// The instructions of one contender after the other, in their order, each in a process of its own, on a heap as `rounds` have it. The trace
/// has so many events. `begun` is called before each with its number. Where nothing counts, there are no figures, with the reason.
pub fn measure(
    trace: &Trace,
    events: u64,
    contenders: &[Contender],
    rounds: &Rounds,
    make_child: MakeChild,
    leash: Leash<'_>,
    mut begun: impl FnMut(usize),
) -> Vec<Figure<Instructions>> {
    let contenders = contenders.iter().enumerate().inspect(|&(index, _)| begun(index));
    let request = |contender: &Contender, task| Request::new(trace, events, [contender.info.name], rounds, task);
    let no_hardware = match Counter::instructions() {
        Ok(_) => {
            let count =
                |contender| child::ask_one(make_child, &request(contender, Task::CountInstructions), leash.started());
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
        let leash = leash.started();
        match leash.pull(0) {
            Some(stop) => Figure::unknown(stop.reason()),
            None => simulate(trace, events, contender, rounds, make_child, leash),
        }
    });
    simulated.collect()
}

/// The instructions of one contender, counted by callgrind.
pub fn simulate(
    trace: &Trace,
    events: u64,
    contender: &Contender,
    rounds: &Rounds,
    make_child: MakeChild,
    leash: Leash<'_>,
) -> Figure<Instructions> {
    let count = || {
        let command = make_child().map_err(|error| Reason::ProcessNotStarted { cause: error.to_string() })?;
        let request = Request::new(trace, events, [contender.info.name], rounds, Task::ReplayCounted);
        callgrind::count(&command, COUNTED_SYMBOL, |command| child::ask::<()>(command, &request, leash).only())
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
    let ended = contender.metered(lane, touch, Leash::LOOSE, &mut |replay| {
        let stretch = counter.count(replay);
        sum = std::mem::replace(&mut sum, Ok(0)).and_then(|sum| Ok(sum + stretch?));
    });
    ended.map_err(|error| error.to_string())?;
    sum
}

#[cfg(target_os = "linux")]
use perf_event::Counter;

/// The processor's counter on systems where none is known of.
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

/// Runs what callgrind is to count, which knows it by this name. It adds less than ten instructions of its own.
// SAFETY: no other function of the program has this name.
#[unsafe(no_mangle)]
#[inline(never)]
fn heaprace_counted_replay(replay: &mut dyn FnMut()) {
    replay();
    // So that the call is no jump, which callgrind would take for the end of this function.
    black_box(());
}

/// What a child does under callgrind: a replay that is counted.
///
/// # Errors
///
/// Where the heap cannot be reset.
pub(crate) fn replay_counted(lane: &mut Lane<'_>, contender: &Contender, touch: TouchPolicy) -> Result<(), LaneError> {
    contender.metered(lane, touch, Leash::LOOSE, &mut |replay| heaprace_counted_replay(replay))
}
