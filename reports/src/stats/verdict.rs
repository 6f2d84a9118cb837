//! The verdicts on one trace, by one rule: which contenders are fastest and smallest, and which cannot be told apart
//! from these.
//!
//! Tables mark by it, exports set in bold by it, and the page words its answers by it, so they cannot contradict each
//! other.
//!
//! A contender is faster than another if the whole 95 % interval of their ratio within rounds ([`ratio_beside`]) is
//! below 1. The intervals of the two medians do not decide: if the machine was slow for both in some rounds, they
//! overlap even though one contender was faster in every round. A verdict needs [`ROUNDS_FOR_95`] common rounds. Memory
//! is exact, so the lowest figure is the smallest.
//!
//! Only a contender that is known to serve every request can be the best ([`may_be_best`]).

use super::{
    Estimate, ROUNDS_FOR_95, Ratio, Regime, Verdict, gross_ns_per_op, of_one_run, ratio_beside, rounds_in_common,
};
use crate::numbers::count;
use crate::results::{Contender, Figure, Memory, MinHeap, Results, Role, Verification};

/// Whether a contender completed a trace, and correctly.
///
/// # Errors
///
/// The reason why not.
pub(crate) fn completed(row: &Contender) -> Result<(), String> {
    if let Verification::Failed { .. } = row.verification {
        return Err("failed verification".to_owned());
    }
    if let Some(partial) = &row.partial {
        return Err(partial.reason.to_string());
    }
    match &row.memory {
        Figure::Known(memory) if memory.failed_requests > 0 => Err("requests failed".to_owned()),
        _ => Ok(()),
    }
}

/// Whether a contender can be the best: it could be shipped, and is known to serve every request. An allocator that
/// fails requests needs less memory and less time just because of that.
fn may_be_best(contender: &Contender) -> bool {
    contender.role == Role::Contender && contender.memory.known().is_some() && completed(contender).is_ok()
}

/// The contenders that can be the best.
pub(crate) fn eligible(results: &Results) -> Vec<&Contender> {
    results.contenders.iter().filter(|contender| may_be_best(contender)).collect()
}

/// The ratio of a contender's time to that of `other`. Unknown, with the reason, if they have too few common rounds for
/// a verdict.
pub(crate) fn compared(results: &Results, contender: &Contender, other: &str, regime: Regime) -> Figure<Ratio> {
    match rounds_in_common(results, contender, other, regime) {
        Figure::Known(rounds) if rounds < ROUNDS_FOR_95 => Figure::unknown(too_few(rounds)),
        _ => ratio_beside(results, contender, other, regime),
    }
}

fn too_few(rounds: usize) -> String {
    format!("{}, but a 95 % interval needs at least {ROUNDS_FOR_95}", count(rounds as u64, "round"))
}

/// Whether an eligible contender is known to be faster than this one.
pub(crate) fn beaten(results: &Results, contender: &Contender, regime: Regime) -> bool {
    let others = eligible(results).into_iter().filter(|other| other.name != contender.name);
    let mut ratios = others.map(|other| compared(results, other, &contender.name, regime));
    ratios.any(|ratio| is(Verdict::Faster, &ratio))
}

fn is(verdict: Verdict, ratio: &Figure<Ratio>) -> bool {
    ratio.known().is_some_and(|ratio| ratio.verdict == verdict)
}

/// The fastest contender of a trace.
#[derive(Debug)]
pub(crate) enum Fastest<'a> {
    /// No eligible contender was timed, for this reason.
    NotTimed(String),
    /// Only this contender was timed.
    Alone { only: &'a Contender, ns: f64 },
    /// All others are slower.
    Clear { best: &'a Contender, ns: f64, next: Rival<'a>, not_compared: Vec<NotCompared<'a>> },
    /// No contender is known to be faster than this one, but some cannot be told apart from it.
    Tied {
        best: &'a Contender,
        ns: f64,
        /// Whether its median is the lowest. It need not be: a contender that ended early may have had only the quick
        /// rounds.
        has_lowest_median: bool,
        tied: Vec<Rival<'a>>,
        not_compared: Vec<NotCompared<'a>>,
    },
    /// Each is slower than another, in a circle: one of them, and those that are faster than it.
    Circle { one: &'a Contender, ns: f64, faster: Vec<Rival<'a>>, not_compared: Vec<NotCompared<'a>> },
    /// No two contenders share enough rounds for a verdict: the largest number that two share.
    TooFewRounds { lowest: &'a Contender, ns: f64, rounds: usize },
    /// No two ran in the same rounds.
    NotCompared(Vec<NotCompared<'a>>),
}

/// Another contender, and its time over that of the best.
#[derive(Debug)]
pub(crate) struct Rival<'a> {
    pub(crate) contender: &'a Contender,
    pub(crate) ratio: Estimate,
}

/// A contender that cannot be compared with the best, and the reason.
#[derive(Debug)]
pub(crate) struct NotCompared<'a> {
    pub(crate) contender: &'a Contender,
    pub(crate) reason: String,
}

/// The fastest contender in this regime.
pub(crate) fn fastest(results: &Results, regime: Regime) -> Fastest<'_> {
    fastest_among(results, eligible(results), regime)
}

/// The fastest of these contenders of a trace.
pub(crate) fn fastest_among<'a>(results: &Results, among: Vec<&'a Contender>, regime: Regime) -> Fastest<'a> {
    let mut timed: Vec<(&Contender, f64)> = Vec::new();
    let mut reason = "no contender served every request".to_owned();
    for contender in among {
        match gross_ns_per_op(contender, regime) {
            Figure::Known(estimate) => timed.push((contender, estimate.value)),
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
    // Medians can be in another order than ratios within rounds: the best is the first contender that no other is known
    // to beat.
    let mut candidates = enough.iter().map(|&(one, ns)| (one, ns, beside(one)));
    let found = candidates.find(|(_, _, ratios)| !ratios.iter().any(|(_, ratio)| is(Verdict::Faster, ratio)));
    let (first, first_ns) = enough[0];
    let (best, ns, ratios) = found.unwrap_or_else(|| (first, first_ns, beside(first)));
    let mut sorted = Sorted::of(ratios);
    let too_short =
        |&(contender, _): &(_, f64)| NotCompared { contender, reason: too_few(rounds_of(contender, regime)) };
    sorted.not_compared.extend(short.iter().map(too_short));
    // Medians of several runs are not of the same rounds, so none of them counts as the lowest.
    let one_run = of_one_run(timed.iter().map(|(contender, _)| *contender));
    sorted.verdict(best, ns, best.name == lowest.name && one_run)
}

fn rounds_of(contender: &Contender, regime: Regime) -> usize {
    contender.time.known().map_or(0, |time| regime.samples(time).len())
}

impl<'a> Fastest<'a> {
    /// The fastest contender, and all that cannot be told apart from it. Empty if no verdict names a fastest.
    pub(crate) fn contenders(&self) -> Vec<&'a Contender> {
        match self {
            Fastest::Clear { best, .. } => vec![best],
            Fastest::Tied { best, tied, .. } => {
                [*best].into_iter().chain(tied.iter().map(|rival| rival.contender)).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The rivals of a contender, by the verdicts of their ratios.
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

    /// The verdict on the contender with these rivals.
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

/// Whether a table may mark the times of eligible contenders. Not in results of several runs: there a row is compared
/// only with its companions, not with other rows.
pub(crate) fn times_are_marked(results: &Results) -> bool {
    of_one_run(eligible(results).into_iter())
}

/// The contenders whose time a table marks: the fastest, and all that cannot be told apart from it.
pub(crate) fn marked_times(results: &Results, regime: Regime) -> Vec<&Contender> {
    if times_are_marked(results) { fastest(results, regime).contenders() } else { Vec::new() }
}

/// The contenders with the lowest value of an exact figure, and the next one.
pub(crate) struct Smallest<'a, T> {
    pub(crate) best: Vec<(&'a Contender, &'a T)>,
    pub(crate) next: Option<(&'a Contender, &'a T)>,
}

impl<'a, T> Smallest<'a, T> {
    /// The contenders without their figures.
    pub(crate) fn contenders(&self) -> Vec<&'a Contender> {
        self.best.iter().map(|(contender, _)| *contender).collect()
    }

    fn of(results: &'a Results, figure: fn(&Contender) -> &Figure<T>, size: fn(&T) -> u64) -> Option<Self> {
        let known = eligible(results).into_iter().filter_map(|contender| Some((contender, figure(contender).known()?)));
        let mut known: Vec<(&Contender, &T)> = known.collect();
        known.sort_by_key(|(_, figure)| size(figure));
        let least = size(known.first()?.1);
        let best = known.iter().copied().take_while(|(_, figure)| size(figure) == least).collect();
        let next = known.iter().copied().find(|(_, figure)| size(figure) > least);
        Some(Smallest { best, next })
    }
}

/// The smallest peak heap; `None` if no memory is known.
pub(crate) fn smallest(results: &Results) -> Option<Smallest<'_, Memory>> {
    Smallest::of(results, |contender| &contender.memory, |memory| memory.peak_heap_bytes)
}

/// The smallest minimum heap; `None` if none is known.
pub(crate) fn smallest_min_heap(results: &Results) -> Option<Smallest<'_, MinHeap>> {
    Smallest::of(results, |contender| &contender.min_heap, |min| min.pages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Companion;
    use crate::sample::{self, contender};

    fn with(contenders: Vec<Contender>) -> Results {
        Results { contenders, ..sample::empty() }
    }

    /// A contender with these times per round.
    fn timed(name: &str, ns: &[u64]) -> Contender {
        contender(name).rounds_ns(ns).build()
    }

    /// This many rounds of each length.
    fn rounds(parts: &[(u64, usize)]) -> Vec<u64> {
        parts.iter().flat_map(|&(ns, rounds)| vec![ns; rounds]).collect()
    }

    /// One contender was ended after the quick rounds, and was slower in each of them.
    #[test]
    fn medians_do_not_overrule_ratios_within_rounds() {
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

    /// Each takes 1, 2 and 3 in turn, so it is quicker than the next in two rounds of three.
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
    fn few_rounds_of_one_leave_the_others_comparable() {
        let results = with(vec![timed("a", &[10; 15]), timed("b", &[20; 15]), timed("c", &[5; 2])]);
        let Fastest::Clear { best, next, not_compared, .. } = fastest(&results, Regime::Steady) else { panic!() };
        assert_eq!((best.name.as_str(), next.contender.name.as_str()), ("a", "b"));
        assert_eq!(not_compared.len(), 1);
        assert_eq!(not_compared[0].contender.name, "c");
        assert_eq!(not_compared[0].reason, "2 rounds, but a 95 % interval needs at least 6");
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
    fn the_floor_and_yardsticks_never_win() {
        let results = sample::results();
        assert!(eligible(&results).iter().all(|contender| contender.role == Role::Contender));
        assert_eq!(smallest(&results).unwrap().best[0].0.name, "dlmalloc");
    }

    /// dlmalloc's run has no talc, but talc's run has dlmalloc. Their own times, from two runs, say the opposite.
    #[test]
    fn a_pair_from_one_run_is_compared_whichever_row_has_it() {
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
}
