//! Timing in rounds: in each, every contender once, in a new order, in a new process.
//!
//! A machine is faster in one minute than in the next. Contenders of one round see the same conditions, so that ratios within a round hold
//! where times over all rounds do not; and the order is shuffled, so that no contender always runs after the same other one.
//!
//! What is drawn once for a process, as where its stack and its libraries lie, makes the same code faster or slower by one or two per cent,
//! and is in no interval of a single process. So each round is a process of its own ([`child`]) and its differences are in the interval,
//! where they belong (Kalibera and Jones 2013, "Rigorous benchmarking in reasonable time"). That process has a single thread from its start
//! to its end: once a thread was created, glibc's mutexes and its allocator take another, slower way for good.
//!
//! Rigorous timing goes further: a process for every contender and round, with an environment of random size, kept on one processor
//! (Mytkowicz et al. 2009, "Producing wrong data without doing anything obviously wrong!").

use std::io;
use std::ops::ControlFlow;
use std::process::Command;
use std::time::{Duration, Instant};

use heaprace_allocators::PageSize;
use heaprace_allocators::null::Null;
use heaprace_reports::results::{self, Figure, Reason, Time};
use serde::{Deserialize, Serialize};

use crate::child::{self, Answers, Request, Task, Trace};
use crate::conditions::{Conditions, Ticks};
use crate::contender::{Contender, TouchPolicy};
use crate::engine::TouchNone;
use crate::lane::{self, Lane, LaneError, Lap};
use crate::leash::{Leash, Stop};
use crate::processor;

/// How contenders are timed.
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    /// How many.
    pub count: u32,
    /// Seed of the shuffle.
    pub seed: u64,
    /// What the replay writes into new memory.
    pub touch: TouchPolicy,
    /// Size of a heap's pages.
    pub page: PageSize,
    /// Pages that a heap may have.
    pub limit_pages: usize,
}

/// How much is done against measurement noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rigor {
    /// A process a round, in few rounds.
    Quick,
    /// A process a round, in more rounds.
    Default,
    /// A process for every contender and round, with an environment of random size, on one processor, in many rounds.
    Rigorous,
}

impl Rigor {
    /// Rounds unless `--rounds` says otherwise: for a first look, the fewest that give a 95 % interval.
    pub const QUICK_ROUNDS: u32 = heaprace_reports::stats::ROUNDS_FOR_95 as u32;
    /// Rounds unless `--rounds` says otherwise.
    pub const DEFAULT_ROUNDS: u32 = 15;
    /// Rounds unless `--rounds` says otherwise: twice as many, as an environment of random size makes times differ more.
    pub const RIGOROUS_ROUNDS: u32 = 30;
    /// With fewer rounds than that, nothing is called rigorous.
    pub const FEWEST_RIGOROUS_ROUNDS: u32 = 20;

    /// As the results call it.
    pub fn name(self) -> results::Rigor {
        match self {
            Rigor::Quick => results::Rigor::Quick,
            Rigor::Default => results::Rigor::Default,
            Rigor::Rigorous => results::Rigor::Rigorous,
        }
    }
}

/// Makes the command by which this program begins itself as a [`child`], without beginning it.
pub type MakeChild = fn() -> io::Result<Command>;

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

/// A time by two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clocked {
    /// Wall time.
    pub wall_ns: u64,
    /// By the thread's own clock, which stands still while the thread has no processor; `None` where there is no such clock.
    pub processor_ns: Option<u64>,
}

/// One contender's part of a round: the trace is looped on one heap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The first loop, on fresh zeroed pages: a program that starts.
    pub fresh: Clocked,
    /// The mean of the last two loops: a program that runs on. Or why there is none.
    pub steady: Figure<Clocked>,
    /// All of it, with resetting the heap, making the contender, and freeing what the trace leaves live.
    pub all: Clocked,
}

/// Loops of the trace in a sample, at least: the first one is the program that starts, in the second one what it has freed is used again,
/// and two are timed.
pub const FEWEST_LOOPS: usize = 4;

/// Loops of the trace in a sample, at most.
pub const MOST_LOOPS: usize = 8;

/// Two loops whose times, or whose growth in pages, differ by no more than that are alike.
const ALIKE: f64 = 0.05;

impl Sample {
    /// Times one contender. [`warm_up`] comes before the first.
    ///
    /// # Errors
    ///
    /// Those of [`Lane::laps`].
    pub fn take(
        lane: &mut Lane<'_>,
        contender: &Contender,
        touch: TouchPolicy,
        leash: Leash<'_>,
    ) -> Result<Self, LaneError> {
        let (start, processor) = (Instant::now(), processor::thread_time());
        let mut laps: Vec<Lap> = Vec::with_capacity(MOST_LOOPS);
        let mut full = None;
        contender.laps(lane, touch, leash, &mut |lap| {
            // In the first loop a contender that is refused a page has found another way, or it would not be timed.
            if !laps.is_empty() && lap.refused_grows > 0 {
                full = Some(laps.len() + 1);
                return ControlFlow::Break(());
            }
            laps.push(lap);
            match laps.len() {
                ..FEWEST_LOOPS => ControlFlow::Continue(()),
                MOST_LOOPS.. => ControlFlow::Break(()),
                _ if has_settled(&laps) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        })?;
        let steady = match full {
            Some(loop_number) if laps.len() < FEWEST_LOOPS => Figure::unknown(lane::limit_reached(loop_number)),
            _ => Figure::Known(mean(&laps[laps.len() - 2..])),
        };
        let processor = processor::thread_time().zip(processor).map(|(now, before)| now - before);
        Ok(Sample { fresh: mean(&laps[..1]), steady, all: clocked(start.elapsed(), processor) })
    }
}

fn clocked(wall: Duration, processor: Option<Duration>) -> Clocked {
    let ns = |time: Duration| time.as_nanos() as u64;
    Clocked { wall_ns: ns(wall), processor_ns: processor.map(ns) }
}

/// The mean of at least one lap.
fn mean(laps: &[Lap]) -> Clocked {
    let count = laps.len() as u32;
    let processor: Option<Duration> = laps.iter().map(|lap| lap.processor).sum();
    clocked(laps.iter().map(|lap| lap.wall).sum::<Duration>() / count, processor.map(|sum| sum / count))
}

/// Whether the last two laps are alike: in their times, and in how many pages they have added. A heap that grows by as much in each has
/// settled, too: it will go on like that.
fn has_settled(laps: &[Lap]) -> bool {
    let [.., first, second, third] = laps else { return false };
    let alike = |one: f64, other: f64, slack: f64| (one - other).abs() <= slack.max(ALIKE * one.max(other));
    let grown = |before: &Lap, after: &Lap| (after.heap_pages - before.heap_pages) as f64;
    alike(second.wall.as_secs_f64(), third.wall.as_secs_f64(), 0.0)
        && alike(grown(first, second), grown(second, third), 1.0)
}

/// Makes the program's operations and slots resident by a replay that is not timed: else the contender that comes first would pay for the
/// harness's own page faults.
///
/// # Errors
///
/// Those of [`Lane::laps`].
pub fn warm_up(lane: &mut Lane<'_>, leash: Leash<'_>) -> Result<(), LaneError> {
    lane.laps::<Null, TouchNone>(leash, &mut |_| ControlFlow::Break(()))
}

/// Who is timed on what.
#[derive(Clone, Copy, Debug)]
pub struct Race<'a> {
    /// Where a process finds the trace.
    pub trace: &'a Trace,
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
    leash: Leash<'_>,
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
        let request = Request::new(trace, events, names, &rounds, task);
        let padding = is_rigorous.then(|| "x".repeat(random.usize(..=MOST_PADDING_BYTES)));
        let answers = match make_child() {
            Ok(mut command) => {
                padding.map(|padding| command.env(PADDING_VARIABLE, padding));
                child::ask::<Sample>(command, &request, leash)
            }
            Err(error) => Answers::none(Reason::ProcessNotStarted { cause: error.to_string() }),
        };
        // That its process was killed says nothing about a contender: its earlier rounds stay.
        match leash.pull(0) {
            Some(stop) => Err(LaneError::Stopped(stop)),
            None => Ok(answers),
        }
    };
    let not_pinned = cpu.and_then(Result::err);
    let conditions = Conditions { not_pinned, ..Conditions::at_start() };
    in_rounds(events, contenders.len(), rounds, leash, conditions, ask, finished)
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
    leash: Leash<'_>,
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
        let races = |which: &usize| timing.times[*which].known().is_some() && !leash.is_over(spent[*which]);
        let racing: Vec<usize> = order.iter().copied().filter(races).collect();
        let mut left = &racing[..];
        while !left.is_empty() {
            if let Some(stop @ Stop::Interrupt) = leash.pull(0) {
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
        if finished(round, &timing).is_break() || spent.iter().all(|&spent| leash.is_over(spent)) {
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

    use super::*;

    const ROUNDS: Rounds =
        Rounds { count: 4, seed: 1, touch: TouchPolicy::None, page: PageSize::WASM, limit_pages: 16 };

    fn of_each(
        contenders: usize,
        rounds: Rounds,
        leash: Leash<'_>,
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
                if leash.pull(0) == Some(Stop::Interrupt) {
                    return Err(LaneError::Stopped(Stop::Interrupt));
                }
            }
            Ok(Answers { answers, ended })
        };
        in_rounds(10, contenders, rounds, leash, Conditions::at_start(), ask, finished)
    }

    fn to_the_end(contenders: usize, rounds: Rounds, sample: impl FnMut(usize) -> Figure<Sample>) -> Timing {
        of_each(contenders, rounds, Leash::LOOSE, sample, |_, _| ControlFlow::Continue(())).unwrap()
    }

    fn clocked(wall_ns: u64, processor_ns: u64) -> Clocked {
        Clocked { wall_ns, processor_ns: Some(processor_ns) }
    }

    fn sample(ns: u64) -> Figure<Sample> {
        let steady = Figure::Known(clocked(ns + 1, ns + 2));
        Figure::Known(Sample { fresh: clocked(ns, ns + 3), steady, all: clocked(2 * ns + 3, 2 * ns) })
    }

    fn lap(wall_ms: u64, heap_pages: u64) -> Lap {
        Lap {
            wall: Duration::from_millis(wall_ms),
            processor: Some(Duration::from_millis(1)),
            heap_pages,
            refused_grows: 0,
        }
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
            Leash::LOOSE,
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
        let leash = Leash::new(&interrupt, Some(Duration::from_millis(50)));
        let run = |which| {
            let Figure::Known(mut sample) = sample(5) else { unreachable!() };
            sample.all.wall_ns = [0, 30_000_000][which];
            Figure::Known(sample)
        };
        let timing = of_each(2, Rounds { count: 9, ..ROUNDS }, leash, run, |_, _| ControlFlow::Continue(())).unwrap();
        let samples = |which: usize| timing.times[which].known().map(|time| time.fresh_ns.len());
        assert_eq!(samples(0), Some(9));
        assert_eq!(samples(1), Some(2), "two parts of 30 ms are over 50 ms");
    }

    #[test]
    fn the_user_ends_it_between_two_contenders() {
        let interrupt = AtomicBool::new(false);
        let leash = Leash::new(&interrupt, None);
        let mut parts = 0;
        let run = |_| {
            parts += 1;
            interrupt.store(parts == 3, Ordering::Relaxed);
            sample(5)
        };
        let mut seen = 0;
        let ended = of_each(2, ROUNDS, leash, run, |round, _| {
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

    #[test]
    fn a_heap_that_grows_by_as_much_in_each_loop_has_settled() {
        assert!(!has_settled(&[lap(10, 5), lap(10, 5)]), "two loops show no trend");
        assert!(has_settled(&[lap(20, 50), lap(10, 50), lap(10, 50)]));
        assert!(has_settled(&[lap(20, 50), lap(100, 90), lap(104, 130)]), "4 % longer, and as many pages more");
        assert!(!has_settled(&[lap(20, 50), lap(100, 90), lap(110, 130)]), "10 % longer");
        assert!(!has_settled(&[lap(20, 50), lap(100, 90), lap(100, 100)]), "10 pages after 40");
        assert!(has_settled(&[lap(20, 50), lap(100, 51), lap(100, 51)]), "a page is the least that a heap can grow by");
    }

    #[test]
    fn a_mean_is_of_both_clocks() {
        assert_eq!(mean(&[lap(10, 5), lap(20, 5)]), clocked(15_000_000, 1_000_000));
        let without = Lap { processor: None, ..lap(20, 5) };
        assert_eq!(mean(&[lap(10, 5), without]).processor_ns, None);
    }

    /// A real contender, in this process: a bump allocator has no page left in the second loop or in the third.
    #[test]
    fn a_sample_loops_the_trace_until_it_settles_or_the_heap_is_full() {
        let text = "op,id,size,align\nalloc,1,100000,8\ndealloc,1\n";
        let reader = heaprace_traces::Reader::new(text.as_bytes(), "test.csv").unwrap();
        let program = crate::Program::compile(reader).unwrap();
        let sample = |name: &str, pages| {
            let mut lane = Lane::new(&program, pages, heaprace_allocators::page_heap::Guard::Batched).unwrap();
            let contender = Contender::named(name).unwrap();
            Sample::take(&mut lane, &contender, TouchPolicy::All, Leash::LOOSE).unwrap()
        };
        assert!(sample("dlmalloc", 4).steady.known().is_some());
        assert!(sample("bump", 64).steady.known().is_some());
        assert_eq!(sample("bump", 4).steady, Figure::unknown("the heap limit was reached in loop 3 of the trace"));
        assert!(sample("bump", 4).fresh.wall_ns > 0);
    }
}
