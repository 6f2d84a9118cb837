//! Rigorous timing: a fresh process for every contender and round, with an environment of random size, kept on one processor.
//!
//! Where a program's stack begins depends on the size of its environment, and where its pages lie on chance; either can make the same code
//! faster or slower by more than allocators differ, and one process has one such layout for all its rounds (Mytkowicz et al. 2009,
//! "Producing wrong data without doing anything obviously wrong!"). In new processes these are drawn anew, so that they end up in the
//! interval, where they belong.

use std::io;
use std::ops::ControlFlow;
use std::process::Command;

use reports::results::Figure;

use crate::child::{self, Request, Task, Trace};
use crate::conditions::Conditions;
use crate::contender::Contender;
use crate::lane::LaneError;
use crate::leash::Leash;
use crate::processor;
use crate::timing::{Rounds, Sample, Timing, in_rounds};

/// Makes the command by which this program begins itself as a [`child`], without beginning it.
pub type MakeChild = fn() -> io::Result<Command>;

/// The variable that makes the environment larger.
const PADDING_VARIABLE: &str = "HEAPRACE_ENVIRONMENT_PADDING";

/// Most bytes that it has: with fewer than a page of them, every offset of the stack within its page comes up.
const MOST_PADDING_BYTES: usize = 4095;

/// Times `contenders`, each in a process of its own in each round, on a trace that has so many events. `finished` is as for
/// [`timing::run`](crate::timing::run). One whose process dies or answers nonsense has no times, and its row says why.
///
/// # Errors
///
/// Where the user has ended it.
pub fn run(
    trace: &Trace,
    events: u64,
    contenders: &[Contender],
    rounds: Rounds,
    leash: Leash<'_>,
    make_child: impl Fn() -> io::Result<Command>,
    finished: impl FnMut(u32, &Timing) -> ControlFlow<()>,
) -> Result<Timing, LaneError> {
    let cpu = processor::last_allowed();
    let task = Task::Time { cpu: cpu.as_ref().ok().copied() };
    let mut random = fastrand::Rng::with_seed(!rounds.seed);
    let mut sample = |which: usize| {
        let padding = "x".repeat(random.usize(..=MOST_PADDING_BYTES));
        let request = Request::new(trace, events, contenders[which].info.name, &rounds, task);
        let answer =
            make_child().map_err(|error| format!("its process cannot be begun: {error}")).and_then(|mut command| {
                command.env(PADDING_VARIABLE, padding);
                child::ask::<Sample>(command, &request, leash)
            });
        match answer {
            Ok(sample) => Figure::Known(sample),
            Err(reason) => Figure::unknown(reason),
        }
    };
    let conditions = Conditions { not_pinned: cpu.as_ref().err().cloned(), ..Conditions::at_start() };
    // That its process was killed says nothing about a contender: its earlier rounds stay.
    let sample = |which| match (sample(which), leash.pull(0)) {
        (_, Some(stop)) => Err(LaneError::Stopped(stop)),
        (sample, None) => Ok(sample),
    };
    in_rounds(events, contenders.len(), rounds, leash, conditions, sample, finished)
}
