//! The verdicts on one trace, by one rule: which contenders are fastest and smallest, and which cannot be told apart
//! from these.
//!
//! Tables mark by it, exports set in bold by it, and the page speaks by it, so that none can contradict another.
//!
//! A contender is faster than another where the whole 95 % interval of their ratio within rounds ([`ratio_beside`])
//! lies below 1. The intervals of two medians do not decide: they overlap where the machine was slow for both in some
//! rounds, although one was faster in every round. A verdict takes [`ROUNDS_FOR_95`] common rounds. Memory is exact, so
//! that the lowest figure is the smallest.
//!
//! Only a contender that is known to serve every request can be the best ([`may_be_best`]).

use super::{
    Estimate, ROUNDS_FOR_95, Ratio, Regime, Verdict, gross_ns_per_op, of_one_run, ratio_beside, rounds_in_common,
};
use crate::numbers::count;
use crate::results::{Contender, Figure, Memory, MinHeap, Results, Role, Verification};

/// Whether a contender did all the work of a trace, and did it right.
///
/// # Errors
///
/// The reason why not, in words.
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

/// Whether a contender can be the best at anything: it could be shipped, and is known to serve every request. An
/// allocator that fails some requests needs less memory and less time for that very reason.
fn may_be_best(contender: &Contender) -> bool {
    contender.role == Role::Contender && contender.memory.known().is_some() && completed(contender).is_ok()
}

/// The contenders that can be the best.
pub(crate) fn eligible(results: &Results) -> Vec<&Contender> {
    results.contenders.iter().filter(|contender| may_be_best(contender)).collect()
}

/// How many times as long a contender takes as the one called `other`. Unknown, with the reason, where they have too
/// few rounds in common for a verdict.
pub(crate) fn compared(results: &Results, contender: &Contender, other: &str, regime: Regime) -> Figure<Ratio> {
    match rounds_in_common(results, contender, other, regime) {
        Figure::Known(rounds) if rounds < ROUNDS_FOR_95 => Figure::unknown(too_few(rounds)),
        _ => ratio_beside(results, contender, other, regime),
    }
}

fn too_few(rounds: usize) -> String {
    format!("{}, and an interval of 95 % takes {ROUNDS_FOR_95} at least", count(rounds as u64, "round"))
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
    /// No eligible contender was timed: why.
    NotTimed(String),
    /// Only this one was timed.
    Alone { only: &'a Contender, ns: f64 },
    /// All others are slower.
    Clear { best: &'a Contender, ns: f64, next: Rival<'a>, not_compared: Vec<NotCompared<'a>> },
    /// None is known to be faster than this one, but some cannot be told apart from it.
    Tied {
        best: &'a Contender,
        ns: f64,
        /// Whether its median is the lowest of all. It need not be: a contender that ended early may have had the quick
        /// rounds only.
        has_lowest_median: bool,
        tied: Vec<Rival<'a>>,
        not_compared: Vec<NotCompared<'a>>,
    },
    /// Each is slower than another, in a circle: one of them, and those that are faster than it.
    Circle { one: &'a Contender, ns: f64, faster: Vec<Rival<'a>>, not_compared: Vec<NotCompared<'a>> },
    /// No two have enough rounds for a verdict: the most that two have.
    TooFewRounds { lowest: &'a Contender, ns: f64, rounds: usize },
    /// No two ran in the same rounds.
    NotCompared(Vec<NotCompared<'a>>),
}

/// Another contender, and how many times as long it takes as the best.
#[derive(Debug)]
pub(crate) struct Rival<'a> {
    pub(crate) contender: &'a Contender,
    pub(crate) ratio: Estimate,
}

/// A contender that cannot be compared with the best, and why.
#[derive(Debug)]
pub(crate) struct NotCompared<'a> {
    pub(crate) contender: &'a Contender,
    pub(crate) reason: String,
}

/// Which contender is fastest in such a program.
pub(crate) fn fastest(results: &Results, regime: Regime) -> Fastest<'_> {
    let mut timed: Vec<(&Contender, f64)> = Vec::new();
    let mut reason = "no contender served every request".to_owned();
    for contender in eligible(results) {
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
    // Medians can be in another order than the ratios within rounds: the best is the first that none is known to be
    // faster than.
    let mut candidates = enough.iter().map(|&(one, ns)| (one, ns, beside(one)));
    let found = candidates.find(|(_, _, ratios)| !ratios.iter().any(|(_, ratio)| is(Verdict::Faster, ratio)));
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

fn rounds_of(contender: &Contender, regime: Regime) -> usize {
    contender.time.known().map_or(0, |time| regime.samples(time).len())
}

impl<'a> Fastest<'a> {
    /// The fastest contender, and all that cannot be told apart from it; nothing where no verdict says which that is.
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

/// The others of a contender, by what their ratios say.
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

/// Whether the times of the eligible contenders may be marked in a table. Those of several runs may not: a row is
/// compared with its companions there, and with no other row.
pub(crate) fn times_are_marked(results: &Results) -> bool {
    of_one_run(eligible(results).into_iter())
}

/// The contenders whose time a table marks: the fastest, and all that cannot be told apart from it.
pub(crate) fn marked_times(results: &Results, regime: Regime) -> Vec<&Contender> {
    if times_are_marked(results) { fastest(results, regime).contenders() } else { Vec::new() }
}

/// The contenders with the lowest of a figure that is exact, and the one that comes next.
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

/// The smallest peak heap; nothing where no memory is known.
pub(crate) fn smallest(results: &Results) -> Option<Smallest<'_, Memory>> {
    Smallest::of(results, |contender| &contender.memory, |memory| memory.peak_heap_bytes)
}

/// The smallest minimum heap; nothing where none is known.
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

    /// A contender with these times of its rounds.
    fn timed(name: &str, ns: &[u64]) -> Contender {
        contender(name).rounds_ns(ns).build()
    }

    /// This number of rounds of each length.
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

    /// dlmalloc's run had no talc, but talc's run had dlmalloc. Their own times, which are of two runs, say the
    /// opposite.
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
}
