//! Heaps that climb: a contender takes more and more memory although the program holds no more than before.

use crate::results::{Contender, Memory, Results, Role};

/// A stretch of the run in which a contender took more and more memory beside the most that the program had held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Climb {
    pub(crate) from_event: u64,
    pub(crate) to_event: u64,
    pub(crate) from_bytes: u64,
    pub(crate) to_bytes: u64,
    /// The most that was live up to its end.
    pub(crate) live_bytes: u64,
}

impl Climb {
    /// How fast the heap grew.
    pub(crate) fn bytes_per_event(&self) -> f64 {
        (self.to_bytes - self.from_bytes) as f64 / (self.to_event - self.from_event) as f64
    }

    /// The events until a heap that goes on like this reaches a limit; `None` if it is there.
    pub(crate) fn events_to(&self, limit_bytes: u64) -> Option<u64> {
        let left = limit_bytes.checked_sub(self.to_bytes).filter(|&left| left > 0)?;
        Some((left as f64 / self.bytes_per_event()).ceil() as u64)
    }
}

/// How many times the overhead, committed bytes over the most that was live so far, must grow within the stretch.
const CLIMBS: f64 = 1.5;

/// The least overhead at its end: what is less, pages and headers explain.
const HIGH: f64 = 2.0;

/// The least share of the run that the stretch must have, and the least number of points.
const LONG_ENOUGH: f64 = 0.25;
const LEAST_POINTS: usize = 8;

/// Stretches begin and end at this many places of the run.
const PLACES: usize = 48;

/// The longest stretch in which the heap kept growing although the program held no more than before, if there is one.
///
/// Overhead is against the *running* maximum of live bytes: what a program has once held, a heap may keep, and a large
/// object at the end does not hide how the heap came there. It must grow in each quarter of the stretch.
///
/// It cannot distinguish a leak from fragmentation that goes on for the whole run; a program that runs longer pays for
/// both alike.
fn climb(memory: &Memory) -> Option<Climb> {
    let points = &memory.timeline;
    let mut most = 0;
    let most_live: Vec<u64> = points
        .iter()
        .map(|point| {
            most = most.max(point.live_bytes);
            most
        })
        .collect();
    let overhead = |at: usize| points[at].committed_bytes as f64 / most_live[at].max(1) as f64;
    let climbs = |from: usize, to: usize| {
        let at = |quarter: usize| overhead(from + (to - from) * quarter / 4);
        (0..4).all(|quarter| at(quarter + 1) > at(quarter)) && at(4) >= CLIMBS * at(0) && at(4) >= HIGH
    };
    let last = points.len().checked_sub(1)?;
    let place = |number: usize| last * number / PLACES;
    let lengths = (1..=PLACES).rev().map(|places| (places, place(places) + 1));
    let long = lengths.take_while(|&(_, points_of)| {
        points_of >= LEAST_POINTS && points_of as f64 >= LONG_ENOUGH * points.len() as f64
    });
    let mut stretches =
        long.flat_map(|(places, _)| (0..=PLACES - places).map(move |first| (place(first), place(first + places))));
    let (from, to) = stretches.find(|&(from, to)| climbs(from, to))?;
    Some(Climb {
        from_event: points[from].event,
        to_event: points[to].event,
        from_bytes: points[from].committed_bytes,
        to_bytes: points[to].committed_bytes,
        live_bytes: most_live[to],
    })
}

/// The climb of a contender, if it has one. A heap that adds no page when the work repeats is no leak, however it reached
/// its size.
pub(crate) fn climb_of(contender: &Contender) -> Option<Climb> {
    let memory = contender.memory.known()?;
    let settles = memory.growth.known().is_some_and(|growth| growth.per_loop_pages == 0);
    if settles { None } else { climb(memory) }
}

/// Contenders that climb. Yardsticks do so by design, and ablations are not judged.
pub(crate) fn climbing(results: &Results) -> Vec<(&Contender, Climb)> {
    let contenders = results.contenders.iter().filter(|contender| contender.role == Role::Contender);
    contenders.filter_map(|contender| Some((contender, climb_of(contender)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Figure, FootprintPoint};
    use crate::sample::{PAGE, contender};

    /// A timeline with as many points as there are figures, of live and committed pages.
    fn climb_in(points: impl Iterator<Item = (u64, u64)>) -> Option<Climb> {
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
        let found = climb_in((0..100).map(|step| (2, 3 + step))).unwrap();
        assert_eq!((found.from_bytes, found.to_bytes, found.live_bytes), (3 * PAGE, 102 * PAGE, 2 * PAGE));
        assert_eq!((found.from_event, found.to_event), (1, 100));
    }

    /// Live bytes that rise slowly, and one large object near the end, which once silenced the finding.
    #[test]
    fn a_late_large_object_does_not_hide_a_climb() {
        let live = |step: u64| if step == 390 { 40 } else { 2 + step / 200 };
        let found = climb_in((0..400).map(|step| (live(step), 3 + step))).unwrap();
        assert!(found.to_event - found.from_event > 300 && found.live_bytes <= 3 * PAGE, "{found:?}");
        let late = climb_in((0..400).map(|step| (if step < 380 { 2 } else { 30 }, 3 + step))).unwrap();
        assert_eq!(late.live_bytes, 2 * PAGE, "{late:?}");
    }

    #[test]
    fn a_climb_has_a_rate_and_an_end() {
        let climb = Climb { from_event: 100, to_event: 1100, from_bytes: 4096, to_bytes: 5096, live_bytes: 100 };
        assert_eq!((climb.bytes_per_event(), climb.events_to(5596)), (1.0, Some(500)));
        assert_eq!((climb.events_to(5096), climb.events_to(10)), (None, None));
    }

    #[test]
    fn growth_with_the_program_or_once_is_none() {
        assert_eq!(climb_in((0..100).map(|step| (1 + step, 2 + step))), None, "it grows with the program");
        assert_eq!(climb_in((0..100).map(|_| (2, 3))), None, "it is flat");
        assert_eq!(climb_in((0..100).map(|step| (2, if step < 50 { 3 } else { 30 }))), None, "one step is no climb");
        assert_eq!(climb_in((0..100).map(|step| (2, 100 + step / 10))), None, "a tenth more is not enough");
        assert_eq!(climb_in(std::iter::empty()), None);
    }
}
