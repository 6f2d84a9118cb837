//! Timing in rounds: in each, every contender once, in a new order.
//!
//! A machine is faster in one minute than in the next. Contenders of one round share its minute, so that ratios within a round hold where
//! times over all rounds do not; and the order is shuffled, so that no contender always runs behind the same other one.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use allocators::null::Null;
use allocators::page_heap::{Guard, Reset};
use allocators::{PageHeap, PageSize};
use reports::results::{self, Figure, Time};
use serde::{Deserialize, Serialize};

use crate::conditions::{Conditions, Ticks};
use crate::contender::{Contender, TouchPolicy};
use crate::engine::TouchNone;
use crate::isolated::MakeChild;
use crate::lane::{Lane, LaneError};
use crate::leash::{Leash, Stop};
use crate::processor;
use crate::program::Program;

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

/// How much is done against the machine's moods, beyond the rounds.
#[derive(Clone, Copy, Debug)]
pub enum Rigor {
    /// Nothing, in few rounds.
    Quick,
    /// Nothing, in more rounds.
    Default,
    /// A fresh process for every contender and round ([`isolated`](crate::isolated)), begun by this command.
    Rigorous(MakeChild),
}

impl Rigor {
    /// Rounds where nothing else is said: for a first look, as few as give an interval of 95 %.
    pub const QUICK_ROUNDS: u32 = reports::stats::ROUNDS_FOR_95 as u32;
    /// Rounds where nothing else is said.
    pub const DEFAULT_ROUNDS: u32 = 15;
    /// Rounds where nothing else is said: twice as many, as an environment of random size makes times differ more.
    pub const RIGOROUS_ROUNDS: u32 = 30;
    /// With fewer rounds than that, nothing is called rigorous.
    pub const FEWEST_RIGOROUS_ROUNDS: u32 = 20;

    /// As the results call it.
    pub fn name(self) -> results::Rigor {
        match self {
            Rigor::Quick => results::Rigor::Quick,
            Rigor::Default => results::Rigor::Default,
            Rigor::Rigorous(_) => results::Rigor::Rigorous,
        }
    }
}

/// What timing has given so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// The contenders' times, in their order; or why one has none.
    pub times: Vec<Figure<Time>>,
    /// What the machine did meanwhile.
    pub conditions: Conditions,
}

/// One contender's part of a round: a cold replay, and just behind it a warm one on the pages that it has touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Wall time of the cold replay.
    pub cold_ns: u64,
    /// Wall time of the warm replay.
    pub warm_ns: u64,
    /// Wall time of both, with resetting the heap and making the contender.
    pub wall_ns: u64,
    /// The same on the thread's own clock, where there is one.
    pub processor_ns: Option<u64>,
}

impl Sample {
    /// Times one contender. [`warm_up`] comes before the first.
    ///
    /// # Errors
    ///
    /// Those of [`Lane::time`].
    pub fn take(
        lane: &mut Lane<'_>,
        contender: &Contender,
        touch: TouchPolicy,
        leash: Leash<'_>,
    ) -> Result<Self, LaneError> {
        let (start, processor) = (Instant::now(), processor::thread_time());
        let cold_ns = contender.time(lane, Reset::Cold, touch, leash)?.as_nanos() as u64;
        let warm_ns = contender.time(lane, Reset::Warm, touch, leash)?.as_nanos() as u64;
        let processor_ns =
            processor::thread_time().zip(processor).map(|(now, before)| (now - before).as_nanos() as u64);
        Ok(Sample { cold_ns, warm_ns, wall_ns: start.elapsed().as_nanos() as u64, processor_ns })
    }
}

/// Makes the program's operations and slots resident by a replay that is not timed: else the contender that comes first would pay for the
/// harness's own page faults.
///
/// # Errors
///
/// Those of [`Lane::time`].
pub fn warm_up(lane: &mut Lane<'_>, leash: Leash<'_>) -> Result<(), LaneError> {
    lane.time::<Null, TouchNone>(Reset::Cold, leash).map(|_| ())
}

/// Times `contenders` in this process. `finished` is called behind each round with its number and all that there is so far, and says
/// whether there shall be another. Times have the contenders' order.
///
/// # Errors
///
/// Where the heap cannot be had or reset, a streamed trace not be read again, or the user has ended it.
pub fn run(
    program: &Program,
    contenders: &[Contender],
    rounds: Rounds,
    leash: Leash<'_>,
    finished: impl FnMut(u32, &Timing) -> ControlFlow<()>,
) -> Result<Timing, LaneError> {
    let mut lane = Lane::on(program, PageHeap::reserve_sized(rounds.page, rounds.limit_pages, Guard::Batched)?);
    warm_up(&mut lane, leash)?;
    let sample = |which: usize| Sample::take(&mut lane, &contenders[which], rounds.touch, leash).map(Figure::Known);
    in_rounds(program.events(), contenders.len(), rounds, leash, Conditions::at_start(), sample, finished)
}

/// The rounds themselves, however a contender's part of one comes about.
///
/// A contender that gives no sample is out, and has no time: what it has shown before would stand for a contender that works. One whose
/// time budget is over keeps its samples, and gives no more.
pub(crate) fn in_rounds(
    ops: u64,
    contenders: usize,
    rounds: Rounds,
    leash: Leash<'_>,
    conditions: Conditions,
    mut sample: impl FnMut(usize) -> Result<Figure<Sample>, LaneError>,
    mut finished: impl FnMut(u32, &Timing) -> ControlFlow<()>,
) -> Result<Timing, LaneError> {
    let nothing = Time { ops, cold_ns: Vec::new(), warm_ns: Vec::new(), companions: Vec::new() };
    let mut timing = Timing { times: vec![Figure::Known(nothing); contenders], conditions };
    let mut spent = vec![Duration::ZERO; contenders];
    let ticks = Ticks::now();
    let mut order: Vec<usize> = (0..contenders).collect();
    let mut random = fastrand::Rng::with_seed(rounds.seed);
    for round in 1..=rounds.count {
        random.shuffle(&mut order);
        for &which in &order {
            if let Some(stop @ Stop::Interrupt) = leash.pull(0) {
                return Err(LaneError::Stopped(stop));
            }
            let Figure::Known(time) = &mut timing.times[which] else { continue };
            if leash.is_over(spent[which]) {
                continue;
            }
            let start = Instant::now();
            let sample = sample(which)?;
            spent[which] += start.elapsed();
            match sample {
                Figure::Known(sample) => {
                    time.cold_ns.push(sample.cold_ns);
                    time.warm_ns.push(sample.warm_ns);
                    timing.conditions.add(&sample);
                }
                Figure::Unknown { unknown } => timing.times[which] = Figure::unknown(unknown),
            }
        }
        timing.conditions.processors = Ticks::now().zip(ticks).map(|(now, before)| now.since(before));
        if finished(round, &timing).is_break() || spent.iter().all(|&spent| leash.is_over(spent)) {
            break;
        }
    }
    Ok(timing)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

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
        in_rounds(10, contenders, rounds, leash, Conditions::at_start(), |which| Ok(sample(which)), finished)
    }

    fn to_the_end(contenders: usize, rounds: Rounds, sample: impl FnMut(usize) -> Figure<Sample>) -> Timing {
        of_each(contenders, rounds, Leash::LOOSE, sample, |_, _| ControlFlow::Continue(())).unwrap()
    }

    fn sample(ns: u64) -> Figure<Sample> {
        Figure::Known(Sample { cold_ns: ns, warm_ns: ns + 1, wall_ns: 2 * ns + 3, processor_ns: Some(2 * ns) })
    }

    #[test]
    fn every_contender_runs_once_in_each_round_and_not_always_in_the_same_order() {
        let mut order = Vec::new();
        let run = |which| {
            order.push(which);
            sample(which as u64 * 100)
        };
        let timing = to_the_end(3, Rounds { count: 20, ..ROUNDS }, run);
        assert!(timing.times.iter().all(|time| time.known().unwrap().cold_ns.len() == 20));
        assert_eq!(timing.times[2].known().unwrap().warm_ns, [201; 20]);
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
        let timing = to_the_end(2, ROUNDS, run);
        assert_eq!(timing.times[1], Figure::unknown("died"));
        assert_eq!(timing.times[0].known().map(|time| time.cold_ns.len()), Some(4));
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
                seen.push((round, timing.times[0].known().unwrap().cold_ns.len()));
                if round == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        )
        .unwrap();
        assert_eq!(seen, [(1, 1), (2, 2), (3, 3)]);
        assert_eq!(timing.times[0].known().map(|time| time.warm_ns.len()), Some(3));
    }

    #[test]
    fn who_is_over_budget_keeps_its_first_rounds() {
        let interrupt = AtomicBool::new(false);
        let leash = Leash::new(&interrupt, Some(Duration::from_millis(50)));
        let run = |which| {
            thread::sleep(Duration::from_millis([0, 30][which]));
            sample(5)
        };
        let timing = of_each(2, Rounds { count: 9, ..ROUNDS }, leash, run, |_, _| ControlFlow::Continue(())).unwrap();
        let samples = |which: usize| timing.times[which].known().map(|time| time.cold_ns.len());
        assert_eq!(samples(0), Some(9));
        // Two parts of 30 ms, or one on a machine that has slept for longer.
        assert!(matches!(samples(1), Some(1..=2)), "{:?}", samples(1));
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
        let run = |_| Figure::Known(Sample { cold_ns: 1, warm_ns: 1, wall_ns: 5, processor_ns: None });
        let timing = to_the_end(1, ROUNDS, run);
        assert_eq!(timing.conditions.processor_ns, None);
    }
}
