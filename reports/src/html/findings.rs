//! What the figures of one trace allow to be said: who is fastest and smallest, what is tied, what speed costs.
//!
//! Nothing here is words yet. A contender is faster than another only where the whole interval of their ratio says so, and memory
//! figures are exact. Only who is known to serve every request can win anything.

use crate::numbers::count;
use crate::results::{Contender, Figure, FootprintPoint, Memory, Reason, Results, Role};
use crate::stats::{
    Estimate, ROUNDS_FOR_95, Ratio, Regime, Verdict, median, of_one_run, ratio_beside, rounds_in_common,
};
use crate::table::cells::may_be_best;

/// The results of one trace with what takes time to find in them: each takes all pairs of contenders, so they are formed once.
pub(super) struct Findings<'a> {
    pub(super) results: &'a Results,
    pub(super) fresh: Fastest<'a>,
    pub(super) steady: Fastest<'a>,
}

impl<'a> Findings<'a> {
    /// How many verdicts say who is fastest: on each of the contenders beside the one that is, for both programs.
    pub(super) fn verdicts(&self) -> usize {
        let of = |regime| {
            let timed =
                eligible(self.results).into_iter().filter(|one| rounds_of(one, regime) >= ROUNDS_FOR_95).count();
            timed.saturating_sub(1)
        };
        Regime::ALL.map(of).iter().sum()
    }

    pub(super) fn of(results: &'a Results) -> Self {
        Findings { results, fresh: fastest(results, Regime::Fresh), steady: fastest(results, Regime::Steady) }
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
    /// None is known to be faster than this one, but some cannot be told apart from it.
    Tied {
        best: &'a Contender,
        ns: f64,
        /// Whether its median is the lowest of all, which need not be so: who ended early may have had the quick rounds alone.
        has_lowest_median: bool,
        tied: Vec<Rival<'a>>,
        not_compared: Vec<NotCompared<'a>>,
    },
    /// Each is slower than another, in a circle: one of them, and who is faster than it.
    Circle { one: &'a Contender, ns: f64, faster: Vec<Rival<'a>>, not_compared: Vec<NotCompared<'a>> },
    /// No two have enough rounds for an interval of 95 %: the most that two have.
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

/// Who is fastest for such a program.
fn fastest(results: &Results, regime: Regime) -> Fastest<'_> {
    let mut timed: Vec<(&Contender, f64)> = Vec::new();
    let mut reason = "no contender served every request".to_owned();
    for contender in eligible(results) {
        match median_ns(contender, regime) {
            Figure::Known(ns) => timed.push((contender, ns)),
            Figure::Unknown { unknown } => reason = unknown.to_string(),
        }
    }
    timed.sort_by(|one, other| one.1.total_cmp(&other.1));
    let Some(&(lowest, ns)) = timed.first() else { return Fastest::NotTimed(reason) };
    if timed.len() == 1 {
        return Fastest::Alone { only: lowest, ns };
    }
    let (enough, short): (Vec<_>, Vec<_>) =
        timed.iter().copied().partition(|(contender, _)| rounds_of(contender, regime) >= ROUNDS_FOR_95);
    if enough.len() < 2 {
        let mut rounds: Vec<usize> = timed.iter().map(|(contender, _)| rounds_of(contender, regime)).collect();
        rounds.sort_unstable();
        return Fastest::TooFewRounds { lowest, ns, rounds: rounds[rounds.len() - 2] };
    }
    let beside = |best: &Contender| -> Vec<(&Contender, Figure<Ratio>)> {
        let others = enough.iter().filter(|(other, _)| other.name != best.name);
        others.map(|&(other, _)| (other, compared(results, other, &best.name, regime))).collect()
    };
    // Medians can be in another order than the ratios within rounds: the best is the first that none is known to be faster than.
    let beaten = |ratios: &[(&Contender, Figure<Ratio>)]| {
        ratios.iter().any(|(_, ratio)| ratio.known().is_some_and(|ratio| ratio.verdict == Verdict::Faster))
    };
    let mut candidates = enough.iter().map(|&(one, ns)| (one, ns, beside(one)));
    let found = candidates.find(|(_, _, ratios)| !beaten(ratios));
    let (first, first_ns) = enough[0];
    let (best, ns, ratios) = found.unwrap_or_else(|| (first, first_ns, beside(first)));
    let mut sorted = Sorted::of(ratios);
    let too_short =
        |&(contender, _): &(_, f64)| NotCompared { contender, reason: too_few(rounds_of(contender, regime)) };
    sorted.not_compared.extend(short.iter().map(too_short));
    // Medians of several runs are not of the same rounds, so that none of them is the lowest.
    let one_run = of_one_run(timed.iter().map(|(contender, _)| *contender));
    sorted.verdict(best, ns, best.name == lowest.name && one_run)
}

/// How many times as long a contender takes as the one called `other`, where they have enough rounds in common for an interval of 95 %.
pub(super) fn compared(results: &Results, contender: &Contender, other: &str, regime: Regime) -> Figure<Ratio> {
    match rounds_in_common(results, contender, other, regime) {
        Figure::Known(rounds) if rounds < ROUNDS_FOR_95 => Figure::unknown(too_few(rounds)),
        _ => ratio_beside(results, contender, other, regime),
    }
}

fn too_few(rounds: usize) -> String {
    format!("{}, and an interval of 95 % takes {ROUNDS_FOR_95} at least", count(rounds as u64, "round"))
}

/// Whether some contender that can win is known to be faster than this one.
pub(super) fn beaten(results: &Results, contender: &Contender, regime: Regime) -> bool {
    let others = eligible(results).into_iter().filter(|other| other.name != contender.name);
    let mut ratios = others.map(|other| compared(results, other, &contender.name, regime));
    ratios.any(|ratio| ratio.known().is_some_and(|ratio| ratio.verdict == Verdict::Faster))
}

/// The others of a contender: those that are faster, slower, cannot be told apart from it, or did not run in the same rounds.
#[derive(Default)]
struct Sorted<'a> {
    faster: Vec<Rival<'a>>,
    slower: Vec<Rival<'a>>,
    tied: Vec<Rival<'a>>,
    not_compared: Vec<NotCompared<'a>>,
}

impl<'a> Sorted<'a> {
    fn of(ratios: Vec<(&'a Contender, Figure<Ratio>)>) -> Self {
        let mut sorted = Sorted::default();
        for (contender, ratio) in ratios {
            let Ratio { estimate, verdict } = match ratio {
                Figure::Known(ratio) => ratio,
                Figure::Unknown { unknown } => {
                    sorted.not_compared.push(NotCompared { contender, reason: unknown.to_string() });
                    continue;
                }
            };
            let group = match verdict {
                Verdict::Faster => &mut sorted.faster,
                Verdict::Slower => &mut sorted.slower,
                Verdict::Inconclusive => &mut sorted.tied,
            };
            group.push(Rival { contender, ratio: estimate });
        }
        sorted.slower.sort_by(|one, other| one.ratio.value.total_cmp(&other.ratio.value));
        sorted
    }

    /// What that says of the contender whose others they are.
    fn verdict(self, best: &'a Contender, ns: f64, has_lowest_median: bool) -> Fastest<'a> {
        let Sorted { faster, slower, tied, not_compared } = self;
        match slower.into_iter().next() {
            _ if !faster.is_empty() => Fastest::Circle { one: best, ns, faster, not_compared },
            _ if !tied.is_empty() => Fastest::Tied { best, ns, has_lowest_median, tied, not_compared },
            Some(next) => Fastest::Clear { best, ns, next, not_compared },
            None => Fastest::NotCompared(not_compared),
        }
    }
}

fn rounds_of(contender: &Contender, regime: Regime) -> usize {
    contender.time.known().map_or(0, |time| regime.samples(time).len())
}

/// The median of gross nanoseconds per operation.
fn median_ns(contender: &Contender, regime: Regime) -> Figure<f64> {
    let time = match &contender.time {
        Figure::Known(time) => time,
        Figure::Unknown { unknown } => return Figure::unknown(unknown),
    };
    let samples: Vec<f64> = regime.samples(time).iter().map(|&ns| ns as f64).collect();
    match median(&samples) {
        Some(ns) if time.ops > 0 => Figure::Known(ns / time.ops as f64),
        Some(_) => Figure::unknown(Reason::NoOperations),
        None => Figure::unknown(regime.why_none(time)),
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

/// Contenders that climb; yardsticks do so by design, and ablations are judged by nothing. A heap that adds no page when the work repeats is no
/// leak, however it has come to its size.
pub(super) fn climbing(results: &Results) -> Vec<(&Contender, Climb)> {
    let settles = |memory: &Memory| memory.growth.known().is_some_and(|growth| growth.per_loop_pages == 0);
    let contenders = results.contenders.iter().filter(|contender| contender.role == Role::Contender);
    let contenders = contenders.filter(|contender| !contender.memory.known().is_some_and(settles));
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
    fn timed(name: &str, steady_ns: &[u64]) -> Contender {
        let mut contender = contender(name).build();
        let Figure::Known(time) = &mut contender.time else { unreachable!() };
        (time.ops, time.steady_ns) = (1, steady_ns.into());
        contender
    }

    /// So many rounds of each length.
    fn rounds(parts: &[(u64, usize)]) -> Vec<u64> {
        parts.iter().flat_map(|&(ns, rounds)| vec![ns; rounds]).collect()
    }

    /// One was ended after the quick rounds, in each of which it was slower.
    #[test]
    fn medians_do_not_decide_where_rounds_say_otherwise() {
        let results = with(vec![
            timed("early", &[10; 7]),
            timed("b", &rounds(&[(9, 7), (45, 8)])),
            timed("t", &rounds(&[(9, 7), (46, 4), (44, 4)])),
        ]);
        let Fastest::Tied { best, ns, has_lowest_median, tied, .. } = fastest(&results, Regime::Steady) else {
            panic!()
        };
        assert_eq!((best.name.as_str(), ns, has_lowest_median), ("t", 44.0, false));
        assert_eq!(tied.iter().map(|rival| rival.contender.name.as_str()).collect::<Vec<_>>(), ["b"]);
    }

    /// Each needs 1, 2 and 3 in turn, so that it is quicker than the next in two rounds of three.
    #[test]
    fn a_circle_has_no_fastest() {
        let turns = |first: [u64; 3]| first.repeat(40);
        let results =
            with(vec![timed("a", &turns([1, 2, 3])), timed("b", &turns([2, 3, 1])), timed("c", &turns([3, 1, 2]))]);
        let Fastest::Circle { one, faster, .. } = fastest(&results, Regime::Steady) else { panic!() };
        assert_eq!(one.name, "a");
        assert_eq!(faster.iter().map(|rival| rival.contender.name.as_str()).collect::<Vec<_>>(), ["c"]);
        assert!(["a", "b", "c"].iter().all(|name| {
            let contender = results.contenders.iter().find(|contender| contender.name == *name).unwrap();
            beaten(&results, contender, Regime::Steady)
        }));
    }

    #[test]
    fn few_rounds_of_one_do_not_silence_the_others() {
        let results = with(vec![timed("a", &[10; 15]), timed("b", &[20; 15]), timed("c", &[5; 2])]);
        let Fastest::Clear { best, next, not_compared, .. } = fastest(&results, Regime::Steady) else { panic!() };
        assert_eq!((best.name.as_str(), next.contender.name.as_str()), ("a", "b"));
        assert_eq!(not_compared.len(), 1);
        assert_eq!(not_compared[0].contender.name, "c");
        assert_eq!(not_compared[0].reason, "2 rounds, and an interval of 95 % takes 6 at least");
        let results = with(vec![timed("a", &[10; 15]), timed("b", &[20; 3]), timed("c", &[5; 2])]);
        let Fastest::TooFewRounds { lowest, rounds, .. } = fastest(&results, Regime::Steady) else { panic!() };
        assert_eq!((lowest.name.as_str(), rounds), ("c", 3));
    }

    #[test]
    fn rounds_of_other_runs_are_not_compared() {
        let mut results = with(vec![timed("a", &[10; 7]), timed("b", &[20; 7]), timed("c", &[30; 7])]);
        let Figure::Known(time) = &mut results.contenders[2].time else { unreachable!() };
        time.companions.push(Companion {
            name: "b".into(),
            fresh_ns: vec![1; 7],
            steady_ns: vec![1; 7],
            ..Companion::default()
        });
        let Fastest::Clear { best, next, not_compared, .. } = fastest(&results, Regime::Steady) else { panic!() };
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

    /// dlmalloc's run had no talc, but talc's run had dlmalloc. Their own times, which are of two runs, say the opposite.
    #[test]
    fn a_pair_of_one_run_is_compared_whichever_row_has_it() {
        let mut results = with(vec![timed("dlmalloc", &[10; 7]), timed("talc", &[15; 7])]);
        for (row, companion, ns) in [(0, "null", 1), (1, "dlmalloc", 30)] {
            let Figure::Known(time) = &mut results.contenders[row].time else { unreachable!() };
            time.companions.push(Companion {
                name: companion.into(),
                fresh_ns: vec![ns; 7],
                steady_ns: vec![ns; 7],
                ..Companion::default()
            });
        }
        let Fastest::Clear { best, next, not_compared, .. } = fastest(&results, Regime::Steady) else { panic!() };
        assert_eq!((best.name.as_str(), next.contender.name.as_str(), next.ratio.value), ("talc", "dlmalloc", 2.0));
        assert!(not_compared.is_empty());
        let Figure::Known(time) = &mut results.contenders[1].time else { unreachable!() };
        time.companions[0].steady_ns = vec![14, 16, 14, 16, 15, 15, 15];
        let Fastest::Tied { has_lowest_median, .. } = fastest(&results, Regime::Steady) else { panic!() };
        assert!(!has_lowest_median, "medians of two runs are not compared");
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
