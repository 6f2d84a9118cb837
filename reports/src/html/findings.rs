//! What the figures of one trace allow to be said: who is fastest and smallest, what is tied, what one pays for the other.
//!
//! Nothing here is words yet. A contender is faster than another only where the whole interval of their ratio says so, and memory
//! figures are exact. Only who is known to serve every request can win anything.

use crate::results::{Contender, Figure, FootprintPoint, Memory, Results, Role};
use crate::stats::{Estimate, ROUNDS_FOR_95, Ratio, Temperature, Verdict, median, ratio_beside};
use crate::table::cells::may_be_best;

/// The results of one trace with what takes time to find in them: intervals come from thousands of resamples, so they are formed once.
pub(super) struct Findings<'a> {
    pub(super) results: &'a Results,
    pub(super) warm: Fastest<'a>,
    pub(super) cold: Fastest<'a>,
}

impl<'a> Findings<'a> {
    pub(super) fn of(results: &'a Results) -> Self {
        Findings { results, warm: fastest(results, Temperature::Warm), cold: fastest(results, Temperature::Cold) }
    }
}

/// Who is fastest.
#[derive(Debug)]
pub(super) enum Fastest<'a> {
    /// No contender that could win was timed: why.
    NotTimed(String),
    /// One alone was timed.
    Alone { only: &'a Contender, ns: f64 },
    /// Every other one is slower, by its interval.
    Clear { best: &'a Contender, ns: f64, next: Rival<'a>, not_compared: Vec<NotCompared<'a>> },
    /// Some cannot be told apart from the one with the lowest median.
    Tied { lowest: &'a Contender, ns: f64, tied: Vec<Rival<'a>>, not_compared: Vec<NotCompared<'a>> },
    /// Too few rounds for an interval of 95 %.
    TooFewRounds { lowest: &'a Contender, ns: f64, rounds: usize },
    /// None ran in the same rounds as another.
    NotCompared(Vec<NotCompared<'a>>),
}

/// Another contender, and how many times as long it takes as the best.
#[derive(Debug)]
pub(super) struct Rival<'a> {
    pub(super) contender: &'a Contender,
    pub(super) ratio: Estimate,
}

/// A contender that cannot be put beside the best, and why.
#[derive(Debug)]
pub(super) struct NotCompared<'a> {
    pub(super) contender: &'a Contender,
    pub(super) reason: String,
}

/// The contenders that can win: those that one could ship, and that are known to serve every request.
pub(super) fn eligible(results: &Results) -> Vec<&Contender> {
    results.contenders.iter().filter(|contender| may_be_best(contender)).collect()
}

/// Who is fastest on such pages.
fn fastest(results: &Results, temperature: Temperature) -> Fastest<'_> {
    let mut timed: Vec<(&Contender, f64)> = Vec::new();
    let mut reason = "no contender served every request".to_owned();
    for contender in eligible(results) {
        match median_ns(contender, temperature) {
            Figure::Known(ns) => timed.push((contender, ns)),
            Figure::Unknown { unknown } => reason = unknown,
        }
    }
    timed.sort_by(|one, other| one.1.total_cmp(&other.1));
    let Some(&(lowest, ns)) = timed.first() else { return Fastest::NotTimed(reason) };
    if timed.len() == 1 {
        return Fastest::Alone { only: lowest, ns };
    }
    let rounds = timed.iter().map(|(contender, _)| rounds_of(contender, temperature)).min().unwrap_or(0);
    if rounds < ROUNDS_FOR_95 {
        return Fastest::TooFewRounds { lowest, ns, rounds };
    }
    let beside = |best: &Contender| -> Vec<(&Contender, Figure<Ratio>)> {
        let others = timed.iter().filter(|(other, _)| other.name != best.name);
        others.map(|&(other, _)| (other, ratio_beside(results, other, &best.name, temperature))).collect()
    };
    // Medians can be in another order than the ratios within rounds: the best is the first that none is known to be faster than.
    let beaten = |ratios: &[(&Contender, Figure<Ratio>)]| {
        ratios.iter().any(|(_, ratio)| ratio.known().is_some_and(|ratio| ratio.verdict == Verdict::Faster))
    };
    let mut candidates = timed.iter().map(|&(one, ns)| (one, ns, beside(one)));
    let found = candidates.find(|(_, _, ratios)| !beaten(ratios));
    let (best, ns, ratios) = found.unwrap_or_else(|| (lowest, ns, beside(lowest)));
    rank(best, ns, ratios)
}

/// Sorts the others into those that are slower, those that cannot be told apart, and those that did not run in the same rounds.
fn rank<'a>(best: &'a Contender, ns: f64, ratios: Vec<(&'a Contender, Figure<Ratio>)>) -> Fastest<'a> {
    let (mut slower, mut tied, mut not_compared) = (Vec::new(), Vec::new(), Vec::new());
    for (contender, ratio) in ratios {
        match ratio {
            Figure::Unknown { unknown } => not_compared.push(NotCompared { contender, reason: unknown }),
            Figure::Known(Ratio { estimate, verdict: Verdict::Slower }) => {
                slower.push(Rival { contender, ratio: estimate })
            }
            Figure::Known(Ratio { estimate, .. }) => tied.push(Rival { contender, ratio: estimate }),
        }
    }
    slower.sort_by(|one, other| one.ratio.value.total_cmp(&other.ratio.value));
    match slower.into_iter().next() {
        _ if !tied.is_empty() => Fastest::Tied { lowest: best, ns, tied, not_compared },
        Some(next) => Fastest::Clear { best, ns, next, not_compared },
        None => Fastest::NotCompared(not_compared),
    }
}

fn rounds_of(contender: &Contender, temperature: Temperature) -> usize {
    contender.time.known().map_or(0, |time| temperature.samples(time).len())
}

/// The median of gross nanoseconds per operation.
fn median_ns(contender: &Contender, temperature: Temperature) -> Figure<f64> {
    let time = match &contender.time {
        Figure::Known(time) => time,
        Figure::Unknown { unknown } => return Figure::unknown(unknown),
    };
    let samples: Vec<f64> = temperature.samples(time).iter().map(|&ns| ns as f64).collect();
    match median(&samples) {
        Some(ns) if time.ops > 0 => Figure::Known(ns / time.ops as f64),
        Some(_) => Figure::unknown("the trace has no operations"),
        None => Figure::unknown("no round was timed"),
    }
}

/// Who needs the least memory at the peak, all that need the same; then who comes next.
pub(super) struct Smallest<'a> {
    pub(super) best: Vec<(&'a Contender, &'a Memory)>,
    pub(super) next: Option<(&'a Contender, &'a Memory)>,
}

/// Who is smallest; nothing where nobody's memory is known.
pub(super) fn smallest(results: &Results) -> Option<Smallest<'_>> {
    let mut known: Vec<(&Contender, &Memory)> =
        eligible(results).into_iter().filter_map(|contender| Some((contender, contender.memory.known()?))).collect();
    known.sort_by_key(|(_, memory)| memory.peak_heap_bytes);
    let least = known.first()?.1.peak_heap_bytes;
    let best = known.iter().copied().take_while(|(_, memory)| memory.peak_heap_bytes == least).collect();
    let next = known.iter().copied().find(|(_, memory)| memory.peak_heap_bytes > least);
    Some(Smallest { best, next })
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

/// How much of its peak the program has to hold for the stretch to begin, and to hold once more for it not to end.
const BEGINS: f64 = 0.9;
const ENDS: f64 = 0.1;

/// How much the heap has to grow within the stretch.
const CLIMBS: f64 = 1.5;

/// The share of the run that the stretch must have, and its points.
const LONG_ENOUGH: f64 = 0.25;
const LEAST_POINTS: usize = 8;

/// Whether the heap grew and grew although the program held no more: from where live bytes first reach nine tenths of their peak to where they
/// last are a tenth of it, in each quarter of that stretch, and to half as much again in all.
///
/// It cannot tell a leak from fragmentation that goes on for the whole run; for the memory of who runs longer they are the same.
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

/// Contenders that climb; yardsticks do so by design.
pub(super) fn climbing(results: &Results) -> Vec<(&Contender, Climb)> {
    let contenders = results.contenders.iter().filter(|contender| contender.role == Role::Contender);
    contenders.filter_map(|contender| Some((contender, climb(contender.memory.known()?)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Companion;
    use crate::sample::{self, PAGE, contender};

    fn with(contenders: Vec<Contender>) -> Results {
        Results { contenders, ..sample::empty() }
    }

    /// A contender whose rounds took so long.
    fn timed(name: &str, warm_ns: [u64; 7]) -> Contender {
        let mut contender = contender(name).build();
        let Figure::Known(time) = &mut contender.time else { unreachable!() };
        (time.ops, time.warm_ns) = (1, warm_ns.into());
        contender
    }

    #[test]
    fn medians_do_not_decide_where_rounds_say_otherwise() {
        // `a` is slower than `b` in every single round, although its median is lower... of fewer slow rounds.
        let results = with(vec![timed("b", [10, 10, 10, 50, 50, 50, 50]), timed("a", [11, 11, 11, 55, 55, 55, 55])]);
        let Fastest::Clear { best, next, .. } = fastest(&results, Temperature::Warm) else { panic!() };
        assert_eq!((best.name.as_str(), next.contender.name.as_str()), ("b", "a"));
        assert!((next.ratio.value - 1.1).abs() < 1e-9);
    }

    #[test]
    fn rounds_of_other_runs_are_not_compared() {
        let mut results = with(vec![timed("a", [10; 7]), timed("b", [20; 7]), timed("c", [30; 7])]);
        let Figure::Known(time) = &mut results.contenders[2].time else { unreachable!() };
        time.companions.push(Companion { name: "b".into(), cold_ns: vec![1; 7], warm_ns: vec![1; 7] });
        let Fastest::Clear { best, next, not_compared, .. } = fastest(&results, Temperature::Warm) else { panic!() };
        assert_eq!((best.name.as_str(), next.contender.name.as_str()), ("a", "b"));
        assert_eq!(not_compared[0].contender.name, "c");
        assert!(not_compared[0].reason.contains("same rounds"));
    }

    #[test]
    fn a_floor_and_a_yardstick_win_nothing() {
        let results = sample::results();
        assert!(eligible(&results).iter().all(|contender| contender.role == Role::Contender));
        assert_eq!(smallest(&results).unwrap().best[0].0.name, "dlmalloc");
    }

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
