//! Which contender is fastest on a trace, in words that say no more than its verdict does.

use super::statement::{Statement, Tone, times};
use crate::growth;
use crate::numbers::{count, short};
use crate::prose::and;
use crate::stats::{Fastest, NotCompared, ROUNDS_FOR_95, Regime, Rival};

/// Asks which contender is fastest for such a program.
pub(super) fn fastest_for(regime: Regime) -> &'static str {
    match regime {
        Regime::Fresh => "Fastest for a program that starts",
        Regime::Steady => "Fastest for a program that runs on",
        Regime::Rewound => "Fastest on a rewound heap",
    }
}

/// The fastest contender in a few words, for the list of traces.
pub(super) fn speed_in_short(fastest: &Fastest) -> String {
    match fastest {
        Fastest::NotTimed(_) => "not timed".into(),
        Fastest::Alone { only, .. } => format!("{}, alone{}", only.name, growth::but(&[only])),
        Fastest::Clear { best, .. } => growth::named(&[best]),
        Fastest::Tied { .. } => format!("inconclusive between {}", growth::named(&fastest.contenders())),
        Fastest::Circle { .. } => "inconclusive: each is slower than another".into(),
        Fastest::TooFewRounds { .. } => "inconclusive: too few rounds".into(),
        Fastest::NotCompared(_) => "inconclusive: not in the same rounds".into(),
    }
}

pub(super) fn speed(question: &'static str, fastest: &Fastest) -> Statement {
    let answer = speed_in_short(fastest);
    let per_op = |ns: &f64| format!("{} ns per operation", short(*ns));
    let (names, mut detail, tone) = match fastest {
        Fastest::NotTimed(reason) => (vec![], vec![format!("No time was taken: {reason}.")], Tone::Open),
        Fastest::Alone { only, ns } => {
            let detail = format!("{}, and no other contender to compare it with.", per_op(ns));
            (vec![only.name.clone()], vec![detail], Tone::Open)
        }
        Fastest::Clear { best, ns, next, .. } => {
            let detail = format!(
                "{}. {} comes next and takes {} as long.",
                per_op(ns),
                next.contender.name,
                times(&next.ratio, "times")
            );
            (vec![best.name.clone()], vec![detail], Tone::Known)
        }
        Fastest::Tied { best, ns, has_lowest_median, tied, .. } => {
            let names = [&best.name].into_iter().chain(tied.iter().map(|rival| &rival.contender.name));
            let first = if *has_lowest_median {
                format!("{} has the lowest median, {}{}", best.name, per_op(ns), growth::but(&[best]))
            } else {
                let but = growth::but(&[best]);
                format!("{} takes {}, and none is known to be faster{but}", best.name, per_op(ns))
            };
            (names.cloned().collect(), vec![format!("{first}; {}.", tie(tied))], Tone::Open)
        }
        Fastest::Circle { one, ns, faster, .. } => {
            let in_turn = if faster.len() == 1 { "it is" } else { "they are" };
            let detail = format!(
                "{} takes {}; {}, but {in_turn} slower than another in turn.",
                one.name,
                per_op(ns),
                and(faster.iter().map(takes))
            );
            (vec![], vec![detail], Tone::Open)
        }
        Fastest::TooFewRounds { lowest, ns, rounds } => (
            vec![],
            vec![format!(
                "{} has the lowest median, {}{}; no two have more than {}, and a 95 % interval needs at least {ROUNDS_FOR_95} rounds.",
                lowest.name,
                per_op(ns),
                growth::but(&[lowest]),
                count(*rounds as u64, "round")
            )],
            Tone::Open,
        ),
        Fastest::NotCompared(_) => (vec![], vec![], Tone::Open),
    };
    let (Fastest::Clear { not_compared, .. }
    | Fastest::Tied { not_compared, .. }
    | Fastest::Circle { not_compared, .. }
    | Fastest::NotCompared(not_compared)) = fastest
    else {
        return Statement { question, answer, names, detail, tone };
    };
    detail.extend(not_compared.iter().map(|NotCompared { contender, reason }| {
        format!("{} could not be compared with it: {reason}.", contender.name)
    }));
    Statement { question, answer, names, detail, tone }
}

fn takes(rival: &Rival) -> String {
    format!("{} takes {} as long", rival.contender.name, times(&rival.ratio, "times"))
}

fn tie(tied: &[Rival]) -> String {
    let contains = if tied.len() == 1 { "this interval contains 1" } else { "these intervals contain 1" };
    format!("{}, and {contains}", and(tied.iter().map(takes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Contender, Results};
    use crate::sample::{self, contender};
    use crate::stats::fastest;

    fn steady(contenders: Vec<Contender>) -> Statement {
        let results = Results { contenders, ..sample::empty() };
        speed(fastest_for(Regime::Steady), &fastest(&results, Regime::Steady))
    }

    #[test]
    fn only_the_lowest_median_is_called_that() {
        let [quick, b, t] = [(10, 0, 0), (9, 45, 45), (9, 46, 44)]
            .map(|(first, then, last)| [[first; 7].as_slice(), &[then; 4], &[last; 4]].concat());
        let steady = steady(
            [("early", &quick[..7]), ("b", &b), ("t", &t)]
                .map(|(name, ns)| contender(name).rounds_ns(ns).build())
                .into(),
        );
        assert_eq!(steady.answer, "inconclusive between t and b");
        assert!(
            steady.detail[0].starts_with("t takes 44.0 ns per operation, and none is known to be faster; b takes 1.00"),
            "{steady:?}"
        );
    }

    #[test]
    fn a_circle_is_named_as_one() {
        let steady = steady(
            [("a", [1, 2, 3]), ("b", [2, 3, 1]), ("c", [3, 1, 2])]
                .map(|(name, ns)| contender(name).rounds_ns(&ns.repeat(40)).build())
                .into(),
        );
        assert_eq!((steady.answer.as_str(), steady.tone), ("inconclusive: each is slower than another", Tone::Open));
        assert_eq!(
            steady.detail,
            [
                "a takes 2.00 ns per operation; c takes 0.67 times (0.67–0.67) as long, but it is slower than another in turn."
            ]
        );
    }

    #[test]
    fn few_rounds_decide_nothing() {
        let steady = steady(vec![
            contender("a").rounds(5).fresh_ns(1).steady_ns(1).build(),
            contender("b").rounds(5).fresh_ns(99).steady_ns(99).build(),
        ]);
        assert_eq!(steady.answer, "inconclusive: too few rounds");
        assert!(
            steady.detail[0].contains("5 rounds") && steady.detail[0].contains("needs at least 6 rounds"),
            "{steady:?}"
        );
    }
}
