//! Timing in rounds: each round runs every contender once, in a new order, in a new process.
//!
//! The speed of a machine varies from minute to minute. Contenders in a round see the same conditions, so ratios within
//! a round are reliable even if times over all rounds are not. The order is shuffled, so that no contender always runs
//! after the same other one.
//!
//! Properties that are fixed for a process, such as the addresses of its stack and libraries, make the same code one or
//! two per cent faster or slower, and no interval of a single process shows that. Each round is therefore a process of
//! its own ([`process`]), so that the interval includes these differences (Kalibera and Jones
//! 2013, "Rigorous benchmarking in reasonable time"). The process has a single thread from start to end: once a thread
//! was created, glibc's mutexes and allocator permanently take a slower path.
//!
//! Rigorous timing goes further: a process for every contender and round, with an environment of random size, pinned to
//! one processor (Mytkowicz et al. 2009, "Producing wrong data without doing anything obviously wrong!").

use std::io;
use std::ops::ControlFlow;
use std::process::Command;
use std::time::Duration;

use heaprace_reports::results::{Figure, Reason, Rigor, Time};

use crate::contender::Contender;
use crate::lane::LaneError;
use crate::limits::{Limits, Stop};
use crate::time::conditions::{Conditions, Ticks};
use crate::time::process::{self, Answers, ChildRequest, Task, TraceLocation};
use crate::time::processor;
use crate::time::rounds::Rounds;
use crate::time::sample::Sample;

/// The variable that makes the environment larger.
const PADDING_VARIABLE: &str = "HEAPRACE_ENVIRONMENT_PADDING";

/// Its maximum size: anything below a page makes every offset of the stack within its page possible.
const MOST_PADDING_BYTES: usize = 4095;

/// The timing results so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// The contenders' times, in their order, or the reason why there is none.
    pub times: Vec<Figure<Time>>,
    /// Why contenders that have times have none of the later rounds, by their index.
    pub ended: Vec<(usize, Reason)>,
    /// The state of the machine meanwhile.
    pub conditions: Conditions,
}

/// What to time.
#[derive(Clone, Copy, Debug)]
pub struct Race<'a> {
    /// Where a child finds the trace.
    pub trace: &'a TraceLocation,
    /// Events of the trace.
    pub events: u64,
    /// The contenders. Times are in the same order.
    pub contenders: &'a [Contender],
    /// The number of rounds and their settings.
    pub rounds: Rounds,
    /// Whether each contender gets its own process.
    pub rigor: Rigor,
}

/// Times contenders in processes that `make_child` starts. `finished` is called after each round with its number and
/// all results so far, and decides whether to continue. A contender whose process dies or answers nonsense keeps the
/// rounds before; if there are none, its row gives the reason. The contenders after it get another process in the same
/// round.
///
/// # Errors
///
/// If the user interrupts it.
pub fn run(
    race: &Race<'_>,
    limits: Limits<'_>,
    make_child: impl Fn() -> io::Result<Command>,
    finished: impl FnMut(u32, &Timing) -> ControlFlow<()>,
) -> Result<Timing, LaneError> {
    let Race { trace, events, contenders, rounds, rigor } = *race;
    let is_rigorous = rigor == Rigor::Rigorous;
    let cpu = is_rigorous.then(processor::last_allowed);
    let task = Task::Time { cpu: cpu.as_ref().and_then(|cpu| cpu.as_ref().ok().copied()) };
    let mut random = fastrand::Rng::with_seed(!rounds.seed);
    let ask = |left: &[usize]| {
        let group = if is_rigorous { &left[..1] } else { left };
        let names = group.iter().map(|&which| contenders[which].info.name);
        let request = ChildRequest::new(trace, events, names, &rounds, task);
        let padding = is_rigorous.then(|| "x".repeat(random.usize(..=MOST_PADDING_BYTES)));
        let answers = match make_child() {
            Ok(mut command) => {
                padding.map(|padding| command.env(PADDING_VARIABLE, padding));
                process::ask::<Sample>(command, &request, limits)
            }
            Err(error) => Answers::none(Reason::ProcessNotStarted { cause: error.to_string() }),
        };
        // A killed process says nothing about a contender, so its earlier rounds stay.
        match limits.check(0) {
            Some(stop) => Err(LaneError::Stopped(stop)),
            None => Ok(answers),
        }
    };
    let not_pinned = cpu.and_then(Result::err);
    let conditions = Conditions { not_pinned, ..Conditions::at_start() };
    in_rounds(events, contenders.len(), rounds, limits, conditions, ask, finished)
}

/// The rounds themselves, independent of the source of samples: `ask` gets the contenders left in a round, and answers
/// for the first of them, or for several in their order.
///
/// A contender that gives no sample, or is over its time budget, keeps its samples and gives no more: rounds are compared
/// in order, so a gap would pair samples of different rounds. If it has none, it has no time.
fn in_rounds(
    ops: u64,
    contenders: usize,
    rounds: Rounds,
    limits: Limits<'_>,
    conditions: Conditions,
    mut ask: impl FnMut(&[usize]) -> Result<Answers<Sample>, LaneError>,
    mut finished: impl FnMut(u32, &Timing) -> ControlFlow<()>,
) -> Result<Timing, LaneError> {
    let nothing = Time { ops, ..Time::default() };
    let mut timing = Timing { times: vec![Figure::Known(nothing); contenders], ended: Vec::new(), conditions };
    let mut spent = vec![Duration::ZERO; contenders];
    let ticks = Ticks::now();
    let mut order: Vec<usize> = (0..contenders).collect();
    let mut random = fastrand::Rng::with_seed(rounds.seed);
    for round in 1..=rounds.count {
        random.shuffle(&mut order);
        let has_ended = |which: usize| timing.ended.iter().any(|&(ended, _)| ended == which);
        let races = |&which: &usize| {
            timing.times[which].known().is_some() && !has_ended(which) && !limits.is_over(spent[which])
        };
        let racing: Vec<usize> = order.iter().copied().filter(races).collect();
        let mut left = &racing[..];
        while !left.is_empty() {
            if let Some(stop @ Stop::Interrupt) = limits.check(0) {
                return Err(LaneError::Stopped(stop));
            }
            let Answers { answers, ended } = ask(left)?;
            // The contender that was running when the process ended has ended it.
            let last = ended.map(Figure::unknown);
            let samples =
                answers.into_iter().map(|answer| answer.map_or_else(Figure::unknown, Figure::Known)).chain(last);
            let mut done = 0;
            for (&which, sample) in left.iter().zip(samples) {
                done += 1;
                match sample {
                    Figure::Known(sample) => {
                        spent[which] += Duration::from_nanos(sample.all.wall_ns);
                        timing.conditions.add(&sample);
                        let Figure::Known(time) = &mut timing.times[which] else { continue };
                        add(time, &sample);
                    }
                    Figure::Unknown { unknown } if round > 1 => timing.ended.push((which, unknown)),
                    Figure::Unknown { unknown } => timing.times[which] = Figure::unknown(unknown),
                }
            }
            left = &left[done.max(1)..];
        }
        timing.conditions.processors = Ticks::now().zip(ticks).map(|(now, before)| now.since(before));
        if finished(round, &timing).is_break() || spent.iter().all(|&spent| limits.is_over(spent)) {
            break;
        }
    }
    Ok(timing)
}

/// Adds a sample to those of earlier rounds. If a round lacks a steady sample, all steady samples are dropped: they
/// would come from fewer rounds than those of other contenders.
fn add(time: &mut Time, sample: &Sample) {
    time.fresh_ns.push(sample.fresh.wall_ns);
    time.fresh_processor_ns.extend(sample.fresh.processor_ns);
    match &sample.steady {
        Figure::Known(steady) if time.no_steady.is_none() => {
            time.steady_ns.push(steady.wall_ns);
            time.steady_processor_ns.extend(steady.processor_ns);
        }
        Figure::Known(_) => {}
        Figure::Unknown { unknown } => {
            time.no_steady.get_or_insert_with(|| unknown.clone());
            time.steady_ns.clear();
            time.steady_processor_ns.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use heaprace_allocators::PageSize;

    use super::*;
    use crate::contender::TouchPolicy;
    use crate::time::sample::Clocked;

    const ROUNDS: Rounds =
        Rounds { count: 4, seed: 1, touch: TouchPolicy::None, page: PageSize::WASM, limit_pages: 16 };

    fn run_rounds(
        contenders: usize,
        rounds: Rounds,
        limits: Limits<'_>,
        mut sample: impl FnMut(usize) -> Figure<Sample>,
        finished: impl FnMut(u32, &Timing) -> ControlFlow<()>,
    ) -> Result<Timing, LaneError> {
        // A process that dies at the first contender without a sample.
        let ask = |left: &[usize]| {
            let (mut answers, mut ended) = (Vec::new(), None);
            for &which in left {
                match sample(which) {
                    Figure::Known(sample) => answers.push(Ok(sample)),
                    Figure::Unknown { unknown } => {
                        ended = Some(unknown);
                        break;
                    }
                }
                if limits.check(0) == Some(Stop::Interrupt) {
                    return Err(LaneError::Stopped(Stop::Interrupt));
                }
            }
            Ok(Answers { answers, ended })
        };
        in_rounds(10, contenders, rounds, limits, Conditions::at_start(), ask, finished)
    }

    fn to_the_end(contenders: usize, rounds: Rounds, sample: impl FnMut(usize) -> Figure<Sample>) -> Timing {
        run_rounds(contenders, rounds, Limits::NONE, sample, |_, _| ControlFlow::Continue(())).unwrap()
    }

    fn clocked(wall_ns: u64, processor_ns: u64) -> Clocked {
        Clocked { wall_ns, processor_ns: Some(processor_ns) }
    }

    fn sample(ns: u64) -> Figure<Sample> {
        let steady = Figure::Known(clocked(ns + 1, ns + 2));
        Figure::Known(Sample { fresh: clocked(ns, ns + 3), steady, all: clocked(2 * ns + 3, 2 * ns) })
    }

    #[test]
    fn every_contender_runs_once_in_each_round_and_not_always_in_the_same_order() {
        let mut order = Vec::new();
        let run = |which| {
            order.push(which);
            sample(which as u64 * 100)
        };
        let timing = to_the_end(3, Rounds { count: 20, ..ROUNDS }, run);
        assert!(timing.times.iter().all(|time| time.known().unwrap().fresh_ns.len() == 20));
        let last = timing.times[2].known().unwrap();
        assert_eq!((&last.steady_ns[..], &last.steady_processor_ns[..]), (&[201; 20][..], &[202; 20][..]));
        assert_eq!(last.fresh_processor_ns, [203; 20]);
        let rounds: Vec<_> = order.chunks(3).collect();
        for round in &rounds {
            let mut names = round.to_vec();
            names.sort_unstable();
            assert_eq!(names, [0, 1, 2]);
        }
        assert!(rounds.iter().any(|round| *round != rounds[0]), "shuffled");
        assert_eq!(timing.conditions.wall_ns, 20 * (3 + 203 + 403));
        assert_eq!(timing.conditions.processor_ns, Some(20 * (200 + 400)));
    }

    #[test]
    fn a_contender_that_fails_once_is_out_with_its_earlier_rounds_and_the_others_continue() {
        let mut turns = 0;
        let run = |which| {
            turns += usize::from(which == 1);
            if which == 1 && turns == 2 { Figure::unknown("died") } else { sample(5) }
        };
        let timing = to_the_end(3, ROUNDS, run);
        assert_eq!(timing.times[1].known().map(|time| time.fresh_ns.len()), Some(1));
        assert_eq!(timing.ended, [(1, "died".into())]);
        for other in [0, 2] {
            // Contenders after it in its round get another process.
            assert_eq!(timing.times[other].known().map(|time| time.fresh_ns.len()), Some(4));
        }
        assert_eq!(turns, 2, "it does not run again");
    }

    #[test]
    fn a_contender_that_fails_in_its_first_round_has_no_times() {
        let timing = to_the_end(2, ROUNDS, |which| if which == 1 { Figure::unknown("died") } else { sample(5) });
        assert_eq!((&timing.times[1], &timing.ended[..]), (&Figure::unknown("died"), &[][..]));
    }

    #[test]
    fn the_callback_may_stop_after_a_round() {
        let mut seen = Vec::new();
        let timing = run_rounds(
            1,
            ROUNDS,
            Limits::NONE,
            |_| sample(5),
            |round, timing| {
                seen.push((round, timing.times[0].known().unwrap().fresh_ns.len()));
                if round == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        )
        .unwrap();
        assert_eq!(seen, [(1, 1), (2, 2), (3, 3)]);
        assert_eq!(timing.times[0].known().map(|time| time.steady_ns.len()), Some(3));
    }

    #[test]
    fn a_contender_over_budget_keeps_its_first_rounds() {
        let interrupt = AtomicBool::new(false);
        let limits = Limits::new(&interrupt, Some(Duration::from_millis(50)));
        let run = |which| {
            let Figure::Known(mut sample) = sample(5) else { unreachable!() };
            sample.all.wall_ns = [0, 30_000_000][which];
            Figure::Known(sample)
        };
        let timing =
            run_rounds(2, Rounds { count: 9, ..ROUNDS }, limits, run, |_, _| ControlFlow::Continue(())).unwrap();
        let samples = |which: usize| timing.times[which].known().map(|time| time.fresh_ns.len());
        assert_eq!(samples(0), Some(9));
        assert_eq!(samples(1), Some(2), "two parts of 30 ms are over 50 ms");
    }

    #[test]
    fn an_interrupt_stops_between_two_contenders() {
        let interrupt = AtomicBool::new(false);
        let limits = Limits::new(&interrupt, None);
        let mut parts = 0;
        let run = |_| {
            parts += 1;
            interrupt.store(parts == 3, Ordering::Relaxed);
            sample(5)
        };
        let mut seen = 0;
        let ended = run_rounds(2, ROUNDS, limits, run, |round, _| {
            seen = round;
            ControlFlow::Continue(())
        });
        assert!(matches!(ended, Err(LaneError::Stopped(Stop::Interrupt))), "{ended:?}");
        assert_eq!((parts, seen), (3, 1), "the first round is finished, and the second is not");
    }

    #[test]
    fn a_missing_thread_clock_is_unknown_and_not_zero() {
        let clocked = Clocked { wall_ns: 1, processor_ns: None };
        let run = |_| Figure::Known(Sample { fresh: clocked, steady: Figure::Known(clocked), all: clocked });
        let timing = to_the_end(1, ROUNDS, run);
        assert_eq!(timing.conditions.processor_ns, None);
        let time = timing.times[0].known().unwrap();
        assert_eq!((time.fresh_ns.len(), time.fresh_processor_ns.len(), time.steady_processor_ns.len()), (4, 0, 0));
    }

    /// Steady samples that one round lacks would come from other rounds than the others'.
    #[test]
    fn a_contender_that_cannot_continue_has_only_fresh_times_and_a_reason() {
        let mut turns = 0;
        let run = |_| {
            turns += 1;
            let Figure::Known(mut sample) = sample(5) else { unreachable!() };
            if turns == 3 {
                sample.steady = Figure::unknown("the heap is full");
            }
            Figure::Known(sample)
        };
        let timing = to_the_end(1, ROUNDS, run);
        let time = timing.times[0].known().unwrap();
        assert_eq!((time.fresh_ns.len(), time.steady_ns.len(), time.steady_processor_ns.len()), (4, 0, 0));
        assert_eq!(time.no_steady, Some("the heap is full".into()));
    }
}
