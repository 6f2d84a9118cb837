//! Timing in rounds: in each, every contender once, in a new order, in a new process.
//!
//! A machine is faster in one minute than in the next. Contenders of one round see the same conditions, so that ratios within a round hold
//! where times over all rounds do not; and the order is shuffled, so that no contender always runs after the same other one.
//!
//! What is drawn once for a process, as where its stack and its libraries lie, makes the same code faster or slower by one or two per cent,
//! and is in no interval of a single process. So each round is a process of its own ([`process`](crate::time::process)) and its differences are in the interval,
//! where they belong (Kalibera and Jones 2013, "Rigorous benchmarking in reasonable time"). That process has a single thread from its start
//! to its end: once a thread was created, glibc's mutexes and its allocator take another, slower way for good.
//!
//! Rigorous timing goes further: a process for every contender and round, with an environment of random size, kept on one processor
//! (Mytkowicz et al. 2009, "Producing wrong data without doing anything obviously wrong!").

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

/// Most bytes that it has: with fewer than a page of them, every offset of the stack within its page comes up.
const MOST_PADDING_BYTES: usize = 4095;

/// What timing has given so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// The contenders' times, in their order; or why one has none.
    pub times: Vec<Figure<Time>>,
    /// What the machine did meanwhile.
    pub conditions: Conditions,
}

/// Who is timed on what.
#[derive(Clone, Copy, Debug)]
pub struct Race<'a> {
    /// Where a process finds the trace.
    pub trace: &'a TraceLocation,
    /// How many events it has.
    pub events: u64,
    /// Who takes part. Times have their order.
    pub contenders: &'a [Contender],
    /// How many rounds there are, and of what.
    pub rounds: Rounds,
    /// Whether each contender gets a process of its own.
    pub rigor: Rigor,
}

/// Times contenders in processes that `make_child` begins. `finished` is called after each round with its number and all that there is so
/// far, and says whether to go on. A contender whose process dies or answers nonsense has no times, and its row says why; those after it
/// get another process in the same round.
///
/// # Errors
///
/// Where the user has ended it.
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
        // That its process was killed says nothing about a contender: its earlier rounds stay.
        match limits.check(0) {
            Some(stop) => Err(LaneError::Stopped(stop)),
            None => Ok(answers),
        }
    };
    let not_pinned = cpu.and_then(Result::err);
    let conditions = Conditions { not_pinned, ..Conditions::at_start() };
    in_rounds(events, contenders.len(), rounds, limits, conditions, ask, finished)
}

/// The rounds themselves, however samples come about: `ask` is given the contenders that are left in a round, and answers for the first of
/// them, or for more in their order.
///
/// A contender that gives no sample is out, and has no time: what it has shown before would stand for a contender that works. One whose
/// time budget is over keeps its samples, and gives no more.
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
    let mut timing = Timing { times: vec![Figure::Known(nothing); contenders], conditions };
    let mut spent = vec![Duration::ZERO; contenders];
    let ticks = Ticks::now();
    let mut order: Vec<usize> = (0..contenders).collect();
    let mut random = fastrand::Rng::with_seed(rounds.seed);
    for round in 1..=rounds.count {
        random.shuffle(&mut order);
        let races = |which: &usize| timing.times[*which].known().is_some() && !limits.is_over(spent[*which]);
        let racing: Vec<usize> = order.iter().copied().filter(races).collect();
        let mut left = &racing[..];
        while !left.is_empty() {
            if let Some(stop @ Stop::Interrupt) = limits.check(0) {
                return Err(LaneError::Stopped(stop));
            }
            let Answers { answers, ended } = ask(left)?;
            // Whoever was at it when the process ended has ended it.
            let at_it = ended.map(Figure::unknown);
            let samples =
                answers.into_iter().map(|answer| answer.map_or_else(Figure::unknown, Figure::Known)).chain(at_it);
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

/// Adds a sample to those of the rounds before. Steady samples that are not in every round are none: they would not be of the same rounds as
/// the others'.
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

    fn of_each(
        contenders: usize,
        rounds: Rounds,
        limits: Limits<'_>,
        mut sample: impl FnMut(usize) -> Figure<Sample>,
        finished: impl FnMut(u32, &Timing) -> ControlFlow<()>,
    ) -> Result<Timing, LaneError> {
        // A process that dies with the first contender that gives no sample.
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
        of_each(contenders, rounds, Limits::NONE, sample, |_, _| ControlFlow::Continue(())).unwrap()
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
    fn who_fails_once_is_out_and_the_others_go_on() {
        let mut turns = 0;
        let run = |which| {
            turns += usize::from(which == 1);
            if which == 1 && turns == 2 { Figure::unknown("died") } else { sample(5) }
        };
        let timing = to_the_end(3, ROUNDS, run);
        assert_eq!(timing.times[1], Figure::unknown("died"));
        for other in [0, 2] {
            // Those that come after it in its round get another process.
            assert_eq!(timing.times[other].known().map(|time| time.fresh_ns.len()), Some(4));
        }
        assert_eq!(turns, 2, "it is not asked again");
    }

    #[test]
    fn whoever_watches_may_end_it_behind_a_round() {
        let mut seen = Vec::new();
        let timing = of_each(
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
    fn who_is_over_budget_keeps_its_first_rounds() {
        let interrupt = AtomicBool::new(false);
        let limits = Limits::new(&interrupt, Some(Duration::from_millis(50)));
        let run = |which| {
            let Figure::Known(mut sample) = sample(5) else { unreachable!() };
            sample.all.wall_ns = [0, 30_000_000][which];
            Figure::Known(sample)
        };
        let timing = of_each(2, Rounds { count: 9, ..ROUNDS }, limits, run, |_, _| ControlFlow::Continue(())).unwrap();
        let samples = |which: usize| timing.times[which].known().map(|time| time.fresh_ns.len());
        assert_eq!(samples(0), Some(9));
        assert_eq!(samples(1), Some(2), "two parts of 30 ms are over 50 ms");
    }

    #[test]
    fn the_user_ends_it_between_two_contenders() {
        let interrupt = AtomicBool::new(false);
        let limits = Limits::new(&interrupt, None);
        let mut parts = 0;
        let run = |_| {
            parts += 1;
            interrupt.store(parts == 3, Ordering::Relaxed);
            sample(5)
        };
        let mut seen = 0;
        let ended = of_each(2, ROUNDS, limits, run, |round, _| {
            seen = round;
            ControlFlow::Continue(())
        });
        assert!(matches!(ended, Err(LaneError::Stopped(Stop::Interrupt))), "{ended:?}");
        assert_eq!((parts, seen), (3, 1), "the first round was finished, and the second was not");
    }

    #[test]
    fn no_clock_of_its_own_is_not_a_clock_that_stood_still() {
        let one = Clocked { wall_ns: 1, processor_ns: None };
        let run = |_| Figure::Known(Sample { fresh: one, steady: Figure::Known(one), all: one });
        let timing = to_the_end(1, ROUNDS, run);
        assert_eq!(timing.conditions.processor_ns, None);
        let time = timing.times[0].known().unwrap();
        assert_eq!((time.fresh_ns.len(), time.fresh_processor_ns.len(), time.steady_processor_ns.len()), (4, 0, 0));
    }

    /// Steady samples that one round lacks would be of other rounds than the others'.
    #[test]
    fn who_cannot_run_on_has_fresh_times_alone_and_says_why() {
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
