//! What the page says about one trace, before it is put into words: the fastest contenders, and those whose heap
//! climbs.

use crate::results::{Contender, FootprintPoint, Memory, Results, Role};
use crate::stats::{Fastest, ROUNDS_FOR_95, Regime, eligible, fastest};

/// The results of one trace with what takes time to find in them: each fastest contender takes all pairs of contenders,
/// and is found once.
pub(super) struct Findings<'a> {
    pub(super) results: &'a Results,
    pub(super) fresh: Fastest<'a>,
    pub(super) steady: Fastest<'a>,
}

impl<'a> Findings<'a> {
    pub(super) fn of(results: &'a Results) -> Self {
        Findings { results, fresh: fastest(results, Regime::Fresh), steady: fastest(results, Regime::Steady) }
    }

    /// The number of verdicts that say which contender is fastest: one on each contender but the fastest, for both
    /// programs.
    pub(super) fn verdicts(&self) -> usize {
        let rounds = |one: &Contender, of: Regime| one.time.known().map_or(0, |time| of.samples(time).len());
        let of = |regime| {
            let timed = eligible(self.results).into_iter().filter(|one| rounds(one, regime) >= ROUNDS_FOR_95).count();
            timed.saturating_sub(1)
        };
        Regime::ALL.map(of).iter().sum()
    }
}

/// A stretch of the run in which a contender took more and more memory while the program held no more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Climb {
    pub(super) from_event: u64,
    pub(super) to_event: u64,
    pub(super) from_bytes: u64,
    pub(super) to_bytes: u64,
    /// The most that was live within it.
    pub(super) live_bytes: u64,
}

/// The shares of its live peak that the program must hold for the stretch to begin, and not to end.
const BEGINS: f64 = 0.9;
const ENDS: f64 = 0.1;

/// How many times the heap must grow within the stretch.
const CLIMBS: f64 = 1.5;

/// The least share of the run that the stretch must have, and the least number of points.
const LONG_ENOUGH: f64 = 0.25;
const LEAST_POINTS: usize = 8;

/// Whether the heap kept growing although the program held no more. The stretch goes from where live bytes first reach
/// nine tenths of their peak to where they last are a tenth of it. The heap must grow in each quarter of it, and by
/// half in total.
///
/// It cannot distinguish a leak from fragmentation that goes on for the whole run; a program that runs longer pays for
/// both alike.
pub(super) fn climb(memory: &Memory) -> Option<Climb> {
    let points = &memory.timeline;
    let peak = points.iter().map(|point| point.live_bytes).max()?;
    let holds = |share: f64| move |point: &FootprintPoint| point.live_bytes as f64 >= share * peak as f64;
    let (first, last) = (points.iter().position(holds(BEGINS))?, points.iter().rposition(holds(ENDS))?);
    let stretch = &points[first..=last];
    if (stretch.len() as f64) < LONG_ENOUGH * points.len() as f64 || stretch.len() < LEAST_POINTS {
        return None;
    }
    let at = |quarter: usize| &stretch[(stretch.len() - 1) * quarter / 4];
    let grows = (0..4).all(|quarter| at(quarter + 1).committed_bytes > at(quarter).committed_bytes);
    let (from, to) = (at(0), at(4));
    (grows && to.committed_bytes as f64 >= CLIMBS * from.committed_bytes as f64).then_some(Climb {
        from_event: from.event,
        to_event: to.event,
        from_bytes: from.committed_bytes,
        to_bytes: to.committed_bytes,
        live_bytes: peak,
    })
}

/// Contenders that climb. Yardsticks do so by design, and ablations are not judged. A heap that adds no page when the
/// work repeats is no leak, however it reached its size.
pub(super) fn climbing(results: &Results) -> Vec<(&Contender, Climb)> {
    let settles = |memory: &Memory| memory.growth.known().is_some_and(|growth| growth.per_loop_pages == 0);
    let contenders = results.contenders.iter().filter(|contender| contender.role == Role::Contender);
    let contenders = contenders.filter(|contender| !contender.memory.known().is_some_and(settles));
    contenders.filter_map(|contender| Some((contender, climb(contender.memory.known()?)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Figure;
    use crate::sample::{PAGE, contender};

    /// A timeline with as many points as there are figures, of live and committed pages.
    fn climb_of(points: impl Iterator<Item = (u64, u64)>) -> Option<Climb> {
        let mut contender = contender("a").build();
        let Figure::Known(memory) = &mut contender.memory else { unreachable!() };
        memory.timeline = (points.enumerate())
            .map(|(index, (live, committed))| FootprintPoint {
                event: index as u64 + 1,
                live_bytes: live * PAGE,
                committed_bytes: committed * PAGE,
                ..FootprintPoint::default()
            })
            .collect();
        climb(memory)
    }

    #[test]
    fn growth_over_a_flat_live_line_is_a_climb() {
        let found = climb_of((0..100).map(|step| (2, 3 + step))).unwrap();
        assert_eq!((found.from_bytes, found.to_bytes, found.live_bytes), (3 * PAGE, 102 * PAGE, 2 * PAGE));
        assert_eq!((found.from_event, found.to_event), (1, 100));
    }

    #[test]
    fn growth_with_the_program_or_once_is_none() {
        assert_eq!(climb_of((0..100).map(|step| (1 + step, 2 + step))), None, "it grows with the program");
        assert_eq!(climb_of((0..100).map(|_| (2, 3))), None, "it is flat");
        assert_eq!(climb_of((0..100).map(|step| (2, if step < 50 { 3 } else { 30 }))), None, "one step is no climb");
        assert_eq!(climb_of((0..100).map(|step| (2, 100 + step / 10))), None, "a tenth more is not enough");
        assert_eq!(climb_of(std::iter::empty()), None);
    }
}
