//! The figures of one trace in words: what a colleague reads first, and maybe all that they read.
//!
//! Every sentence is made from a finding, and says no more than its intervals do. All text here is plain; the page escapes it.

use super::findings::{Climb, Fastest, Findings, NotCompared, Rival, climbing, eligible, smallest};
use super::trade_off::trade_offs;
use crate::growth;
use crate::numbers::{bytes, count, decimals, fixed, grouped, short};
use crate::prose::and;
use crate::results::{Contender, Results, Role, Verification};
use crate::stats::{Estimate, ROUNDS_FOR_95, Regime};
use crate::table::notes::{failed_requests_note, verification_note};

/// A question, its answer, and the figures behind it.
#[derive(Debug, PartialEq)]
pub(super) struct Statement {
    pub(super) question: &'static str,
    /// A few words.
    pub(super) answer: String,
    /// The contenders that the answer is about, for their colours.
    pub(super) names: Vec<String>,
    /// Sentences.
    pub(super) detail: Vec<String>,
    pub(super) tone: Tone,
}

/// How an answer is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// It is known.
    Known,
    /// The figures leave it open.
    Open,
    /// It should keep one from shipping.
    Bad,
}

/// All that is to be said of one trace.
pub(super) fn statements(findings: &Findings) -> Vec<Statement> {
    let Findings { results, fresh, steady } = findings;
    let mut statements = Vec::new();
    if eligible(results).len() == 1 {
        statements.extend(alone(results));
    }
    statements.push(speed(fastest_for(Regime::Fresh), fresh));
    statements.push(speed(fastest_for(Regime::Steady), steady));
    statements.extend(size(results));
    statements.extend(min_heap(results));
    statements.extend(trade_offs(findings));
    statements.extend(grows(results));
    statements.extend(climbs(results));
    statements.extend(failures(results));
    statements
}

/// The question who is fastest for such a program.
pub(super) fn fastest_for(regime: Regime) -> &'static str {
    match regime {
        Regime::Fresh => "Fastest for a program that starts",
        Regime::Steady => "Fastest for a program that runs on",
        Regime::Rewound => "Fastest on a rewound heap",
    }
}

/// The question who grows where the program runs on.
pub(super) const GROWS: &str = "Grows each time the work repeats";

/// Who is fastest, in few words: for the list of traces.
pub(super) fn speed_in_short(fastest: &Fastest) -> String {
    match fastest {
        Fastest::NotTimed(_) => "not timed".into(),
        Fastest::Alone { only, .. } => format!("{}, alone{}", only.name, growth::but(&[only])),
        Fastest::Clear { best, .. } => growth::named(&[best]),
        Fastest::Tied { best, tied, .. } => {
            let tied = [*best].into_iter().chain(tied.iter().map(|rival| rival.contender)).collect::<Vec<_>>();
            format!("inconclusive between {}", growth::named(&tied))
        }
        Fastest::Circle { .. } => "inconclusive: each is slower than another".into(),
        Fastest::TooFewRounds { .. } => "inconclusive: too few rounds".into(),
        Fastest::NotCompared(_) => "inconclusive: not in the same rounds".into(),
    }
}

fn speed(question: &'static str, fastest: &Fastest) -> Statement {
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
                "{} has the lowest median, {}{}; no two have more than {}, and an interval of 95 % takes {ROUNDS_FOR_95} rounds at least.",
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

/// That there is one contender alone, and so nothing to win.
fn alone(results: &Results) -> Option<Statement> {
    let only = *eligible(results).first()?;
    let others = results.contenders.len() > 1;
    Some(Statement {
        question: "Who takes part",
        answer: only.name.clone(),
        names: vec![only.name.clone()],
        detail: vec![
            if others {
                "The only contender here that can win anything: the others are yardsticks, ablations, or failed."
            } else {
                "The only contender: there is nothing to compare it with."
            }
            .into(),
        ],
        tone: Tone::Open,
    })
}

fn size(results: &Results) -> Option<Statement> {
    let found = smallest(results)?;
    let (_, memory) = *found.best.first()?;
    let each = if found.best.len() > 1 { " each" } else { "" };
    let mut detail = vec![format!(
        "{} at the peak{each} ({}), {} × the {} that are live at most.",
        bytes(memory.peak_heap_bytes),
        count(memory.peak_heap_pages, "page"),
        short(memory.overhead_ratio),
        bytes(results.trace.peak_live_bytes),
    )];
    if let Some((next, theirs)) = found.next {
        detail.push(format!(
            "{} comes next with {}, {} × as much.",
            next.name,
            bytes(theirs.peak_heap_bytes),
            short(theirs.peak_heap_bytes as f64 / memory.peak_heap_bytes as f64),
        ));
    }
    let best: Vec<&Contender> = found.best.iter().map(|(contender, _)| *contender).collect();
    let tone = if eligible(results).len() > 1 { Tone::Known } else { Tone::Open };
    Some(Statement {
        question: "Smallest peak heap",
        answer: growth::named(&best),
        names: names_of(&best),
        detail,
        tone,
    })
}

/// Who can do with the smallest heap, where that was searched for.
fn min_heap(results: &Results) -> Option<Statement> {
    let mut known: Vec<_> =
        eligible(results).into_iter().filter_map(|contender| Some((contender, contender.min_heap.known()?))).collect();
    known.sort_by_key(|(_, min)| min.pages);
    let (_, least) = *known.first()?;
    let best: Vec<&Contender> =
        known.iter().take_while(|(_, min)| min.pages == least.pages).map(|(contender, _)| *contender).collect();
    let detail = vec![format!(
        "{} ({}) are enough for the whole trace: {} × peak live.",
        count(least.pages, "page"),
        bytes(least.bytes),
        short(least.ratio_to_max_live)
    )];
    let tone = if known.len() > 1 { Tone::Known } else { Tone::Open };
    let (answer, names) = (growth::named(&best), names_of(&best));
    Some(Statement { question: "Smallest heap that will do", answer, names, detail, tone })
}

fn names_of(contenders: &[&Contender]) -> Vec<String> {
    contenders.iter().map(|contender| contender.name.clone()).collect()
}

/// Who needs more memory each time the program does the same once more; yardsticks do so by design, and ablations are judged by nothing.
fn grows(results: &Results) -> Option<Statement> {
    let (mut names, mut detail) = (Vec::new(), Vec::new());
    for contender in results.contenders.iter().filter(|contender| contender.role == Role::Contender) {
        let Some(pages) = growth::pages_per_loop(contender) else { continue };
        let loops =
            contender.memory.known().and_then(|memory| memory.growth.known()).map(|growth| &growth.heap_pages[..]);
        let course = match loops {
            Some([first, .., last]) => {
                format!(": {} after the first, {} after the last that was looked at", grouped(*first), grouped(*last))
            }
            _ => String::new(),
        };
        names.push(contender.name.clone());
        detail.push(format!(
            "{}: by {} in each further loop of the trace{course}.",
            contender.name,
            count(pages, "page")
        ));
    }
    (!names.is_empty()).then(|| Statement { question: GROWS, answer: and(&names), names, detail, tone: Tone::Bad })
}

fn climbs(results: &Results) -> Option<Statement> {
    let found = climbing(results);
    if found.is_empty() {
        return None;
    }
    let tell = |(contender, climb): &(&Contender, Climb)| {
        format!(
            "{}: from {} to {} between events {} and {}, while no more than {} were live.",
            contender.name,
            bytes(climb.from_bytes),
            bytes(climb.to_bytes),
            grouped(climb.from_event),
            grouped(climb.to_event),
            bytes(climb.live_bytes),
        )
    };
    let names: Vec<String> = found.iter().map(|(contender, _)| contender.name.clone()).collect();
    let detail = found.iter().map(tell).collect();
    Some(Statement {
        question: "Takes more and more, like a leak",
        answer: and(&names),
        names,
        detail,
        tone: Tone::Bad,
    })
}

/// Who failed, where and how.
fn failures(results: &Results) -> Option<Statement> {
    let (mut names, mut detail) = (Vec::new(), Vec::new());
    for contender in &results.contenders {
        let invalid = matches!(contender.verification, Verification::Failed { .. });
        let told = verification_note(contender).filter(|_| invalid).or_else(|| failed_requests_note(contender));
        let ended = contender.partial.as_ref().map(|partial| {
            format!(
                "{}: ended at event {} of {}, with {} committed: {}",
                contender.name,
                grouped(partial.events),
                grouped(results.trace.events),
                bytes(partial.heap_bytes),
                partial.reason
            )
        });
        if let Some(told) = told.or(ended) {
            names.push(contender.name.clone());
            detail.push(format!("{told}."));
        }
    }
    let answer = and(&names);
    (!names.is_empty()).then_some(Statement { question: "Failed", answer, names, detail, tone: Tone::Bad })
}

/// A ratio with its interval: `1.42 times (1.38–1.47)`.
pub(super) fn times(ratio: &Estimate, sign: &str) -> String {
    let decimals = decimals(ratio.value).max(2);
    match ratio.interval {
        Some(interval) => format!(
            "{} {sign} ({}–{})",
            fixed(ratio.value, decimals),
            fixed(interval.low, decimals),
            fixed(interval.high, decimals)
        ),
        None => format!("{} {sign}", fixed(ratio.value, decimals)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Figure;
    use crate::sample::{self, contender};

    fn told(contenders: Vec<Contender>) -> Vec<Statement> {
        let results = Results { contenders, ..sample::empty() };
        statements(&Findings::of(&results))
    }

    fn find<'a>(statements: &'a [Statement], question: &str) -> &'a Statement {
        let found = statements.iter().find(|statement| statement.question == question);
        found.unwrap_or_else(|| panic!("{question}: {statements:#?}"))
    }

    #[test]
    fn a_clear_winner_is_named_with_ratio_and_interval() {
        let told = told(vec![
            contender("dlmalloc").pages(20).fresh_ns(200).steady_ns(200).build(),
            contender("talc").pages(22).fresh_ns(180).steady_ns(180).build(),
            contender("segregated-bump").pages(80).fresh_ns(100).steady_ns(100).build(),
        ]);
        let steady = find(&told, "Fastest for a program that runs on");
        assert_eq!((steady.answer.as_str(), steady.tone), ("segregated-bump", Tone::Known));
        // The samples of the made-up rounds are in proportion, so the interval has no width.
        assert_eq!(steady.detail, ["10.0 ns per operation. talc comes next and takes 1.80 times (1.80–1.80) as long."]);
        let size = find(&told, "Smallest peak heap");
        assert_eq!((size.answer.as_str(), size.tone), ("dlmalloc", Tone::Known));
        assert_eq!(
            size.detail,
            [
                "1.25 MiB at the peak (20 pages), 1.25 × the 1 MiB that are live at most.",
                "talc comes next with 1.38 MiB, 1.10 × as much."
            ]
        );
        let price = find(&told, "What speed costs in memory");
        assert_eq!(price.answer, "4.00 × the memory of dlmalloc");
        assert_eq!(
            price.detail,
            [
                "segregated-bump takes 0.50 × (0.50–0.50) the time of dlmalloc for a program that starts, and 4.00 × its peak heap.",
                "In between, talc takes 0.90 × (0.90–0.90) the time of dlmalloc for a program that starts, and 1.10 × its peak heap.",
                "segregated-bump takes 0.50 × (0.50–0.50) the time of dlmalloc for a program that runs on, and 4.00 × its peak heap.",
                "In between, talc takes 0.90 × (0.90–0.90) the time of dlmalloc for a program that runs on, and 1.10 × its peak heap.",
            ]
        );
    }

    #[test]
    fn a_tie_is_inconclusive() {
        let told = told(vec![
            contender("a").pages(30).fresh_ns(100).steady_ns(100).build(),
            contender("b").pages(20).fresh_ns(100).steady_ns(100).build(),
        ]);
        let steady = find(&told, "Fastest for a program that runs on");
        assert_eq!((steady.answer.as_str(), steady.tone), ("inconclusive between a and b", Tone::Open));
        assert_eq!(
            steady.detail,
            [
                "a has the lowest median, 10.0 ns per operation; b takes 1.00 times (1.00–1.00) as long, and this interval contains 1."
            ]
        );
        let price = find(&told, "What speed costs in memory");
        assert_eq!((price.answer.as_str(), price.tone), ("b, as far as is known", Tone::Open));
    }

    /// A contender whose rounds took so long, of one operation each, fresh and steady.
    fn timed(name: &str, pages: u64, ns: &[u64]) -> Contender {
        let mut contender = contender(name).pages(pages).build();
        let Figure::Known(time) = &mut contender.time else { unreachable!() };
        (time.ops, time.fresh_ns, time.steady_ns) = (1, ns.into(), ns.into());
        contender
    }

    #[test]
    fn the_lowest_median_is_told_of_nobody_else() {
        let [quick, b, t] = [(10, 0, 0), (9, 45, 45), (9, 46, 44)]
            .map(|(first, then, last)| [[first; 7].as_slice(), &[then; 4], &[last; 4]].concat());
        let told = told(vec![timed("early", 20, &quick[..7]), timed("b", 20, &b), timed("t", 20, &t)]);
        let steady = find(&told, "Fastest for a program that runs on");
        assert_eq!(steady.answer, "inconclusive between t and b");
        assert!(
            steady.detail[0].starts_with("t takes 44.0 ns per operation, and none is known to be faster; b takes 1.00"),
            "{steady:?}"
        );
    }

    #[test]
    fn a_circle_is_told_as_one() {
        let told = told(
            [("a", [1, 2, 3]), ("b", [2, 3, 1]), ("c", [3, 1, 2])]
                .map(|(name, ns)| timed(name, 20, &ns.repeat(40)))
                .into(),
        );
        let steady = find(&told, "Fastest for a program that runs on");
        assert_eq!((steady.answer.as_str(), steady.tone), ("inconclusive: each is slower than another", Tone::Open));
        assert_eq!(
            steady.detail,
            [
                "a takes 2.00 ns per operation; c takes 0.67 times (0.67–0.67) as long, but it is slower than another in turn."
            ]
        );
    }

    /// `b` cannot be told apart from the best, but `c` is known to be faster than it.
    #[test]
    fn who_is_beaten_by_a_third_is_not_the_best_of_both() {
        let told = told(vec![
            timed("a", 30, &[80, 120, 81, 121, 82, 122, 99]),
            timed("b", 20, &[102; 7]),
            timed("c", 25, &[100; 7]),
        ]);
        assert_eq!(find(&told, "Fastest for a program that runs on").answer, "inconclusive between a, c and b");
        let price = find(&told, "What speed costs in memory");
        assert_eq!((price.answer.as_str(), price.tone), ("1.50 × the memory of b", Tone::Open));
        assert!(price.detail[0].contains("whether it saves time is inconclusive"), "{price:?}");
        assert!(price.detail[1].starts_with("In between, c takes 0.98 ×"), "{price:?}");
    }

    #[test]
    fn who_is_both_pays_nothing() {
        let told = told(vec![
            contender("a").pages(10).fresh_ns(100).steady_ns(100).build(),
            contender("b").pages(20).fresh_ns(200).steady_ns(200).build(),
        ]);
        assert_eq!(find(&told, "What speed costs in memory").answer, "nothing: a is both");
    }

    #[test]
    fn programs_that_differ_have_an_answer_each() {
        let told = told(vec![
            contender("starts").pages(20).fresh_ns(100).steady_ns(200).build(),
            contender("runs").pages(40).fresh_ns(200).steady_ns(100).build(),
        ]);
        assert_eq!((told[0].question, told[0].answer.as_str()), ("Fastest for a program that starts", "starts"));
        assert_eq!((told[1].question, told[1].answer.as_str()), ("Fastest for a program that runs on", "runs"));
        let price = |program: &str| &find(&told, program).answer;
        assert_eq!(price("What speed costs in memory, for a program that starts"), "nothing: starts is both");
        assert_eq!(price("What speed costs in memory, for a program that runs on"), "2.00 × the memory of starts");
    }

    /// Whatever a contender that grows is the best of, the same sentence says that it grows.
    #[test]
    fn who_grows_is_never_the_best_without_it() {
        let grows = || contender("grows").grows_by(423).min_pages(5, 0).fresh_ns(100).steady_ns(100);
        let other = || contender("other").min_pages(6, 0).fresh_ns(200).steady_ns(200);
        let but = "grows by 423 pages each time the work repeats";
        let races = [
            vec![grows().pages(10).build(), other().pages(20).build()],
            vec![grows().pages(30).build(), other().pages(20).build()],
            vec![grows().pages(20).fresh_ns(200).steady_ns(200).build(), other().pages(20).build()],
            vec![grows().pages(20).rounds(2).build(), other().pages(30).rounds(2).build()],
            vec![grows().build()],
        ];
        for race in races {
            let told = told(race);
            for statement in
                told.iter().filter(|told| told.question.starts_with("Fastest") || told.question.starts_with("Smallest"))
            {
                let named = statement.answer.contains("grows");
                assert!(!named || statement.answer.contains(but), "{statement:#?}");
            }
            let best =
                ["is both", "as far as is known", "lowest median", "is the fastest", "none is known to be faster"];
            let sentences = told.iter().flat_map(|told| [&told.answer].into_iter().chain(&told.detail));
            for sentence in sentences.filter(|sentence| best.iter().any(|best| sentence.contains(best))) {
                let named =
                    sentence.starts_with("grows ") || sentence.starts_with("grows,") || sentence.contains(": grows is");
                assert!(!named || sentence.contains(but), "{sentence}");
            }
            let growing = find(&told, GROWS);
            assert_eq!((growing.answer.as_str(), growing.tone), ("grows", Tone::Bad));
            assert!(
                growing.detail[0].starts_with("grows: by 423 pages in each further loop of the trace: "),
                "{growing:?}"
            );
        }
    }

    #[test]
    fn an_ablation_wins_nothing_and_ties_with_nobody() {
        let told = told(vec![
            contender("a").pages(20).fresh_ns(100).steady_ns(100).min_pages(20, 0).build(),
            contender("b").pages(30).fresh_ns(200).steady_ns(200).min_pages(30, 0).build(),
            contender("variant")
                .role(Role::Ablation)
                .pages(1)
                .fresh_ns(100)
                .steady_ns(1)
                .min_pages(1, 0)
                .grows_by(9)
                .build(),
        ]);
        assert!(
            told.iter().all(|told| told.answer.contains('a') && !format!("{told:?}").contains("variant")),
            "{told:#?}"
        );
        assert_eq!(find(&told, "Fastest for a program that starts").answer, "a", "no tie with it");
    }

    #[test]
    fn who_failed_wins_nothing_and_is_told_of() {
        let told = told(vec![
            contender("a").pages(20).fresh_ns(200).steady_ns(200).build(),
            contender("b").pages(20).fresh_ns(300).steady_ns(300).build(),
            contender("broken").pages(1).fresh_ns(1).steady_ns(1).invalid(17, "block 3 overlaps block 2").build(),
            contender("refuses").pages(1).fresh_ns(1).steady_ns(1).failed_requests(12).build(),
        ]);
        assert_eq!(find(&told, "Fastest for a program that runs on").answer, "a");
        assert_eq!(find(&told, "Smallest peak heap").answer, "a and b");
        let failed = find(&told, "Failed");
        assert_eq!((failed.answer.as_str(), failed.tone), ("broken and refuses", Tone::Bad));
        assert!(failed.detail[0].contains("at event 17: block 3 overlaps block 2"), "{failed:?}");
        assert!(failed.detail[1].contains("12 requests failed, first at event 4,711"), "{failed:?}");
    }

    #[test]
    fn one_contender_has_nobody_to_beat() {
        let told =
            told(vec![contender("talc").build(), contender("null").role(Role::Floor).without_memory("none").build()]);
        assert_eq!(find(&told, "Who takes part").answer, "talc");
        let steady = find(&told, "Fastest for a program that runs on");
        assert_eq!((steady.answer.as_str(), steady.tone), ("talc, alone", Tone::Open));
        assert!(told.iter().all(|statement| statement.tone != Tone::Known), "{told:#?}");
    }

    #[test]
    fn what_was_not_timed_has_no_winner() {
        let untimed = |name| contender(name).without_time("rounds is 0").build();
        let told = told(vec![untimed("a"), untimed("b")]);
        let steady = find(&told, "Fastest for a program that runs on");
        assert_eq!((steady.answer.as_str(), steady.tone), ("not timed", Tone::Open));
        assert_eq!(steady.detail, ["No time was taken: rounds is 0."]);
        assert!(told.iter().all(|statement| statement.question != "What speed costs in memory"));
    }

    #[test]
    fn few_rounds_decide_nothing() {
        let told = told(vec![
            contender("a").rounds(5).fresh_ns(1).steady_ns(1).build(),
            contender("b").rounds(5).fresh_ns(99).steady_ns(99).build(),
        ]);
        let steady = find(&told, "Fastest for a program that runs on");
        assert_eq!(steady.answer, "inconclusive: too few rounds");
        assert!(steady.detail[0].contains("5 rounds") && steady.detail[0].contains("takes 6 rounds"), "{steady:?}");
    }

    #[test]
    fn a_minimum_heap_is_told_where_it_was_searched_for() {
        let told = told(vec![contender("a").min_pages(18, 0).build(), contender("b").min_pages(19, 0).build()]);
        let heap = find(&told, "Smallest heap that will do");
        assert_eq!((heap.answer.as_str(), heap.tone), ("a", Tone::Known));
        assert!(heap.detail[0].starts_with("18 pages"), "{heap:?}");
    }

    #[test]
    fn who_takes_more_and_more_is_told_of() {
        let mut leaks = contender("wee_alloc").pages(889).build();
        let Figure::Known(memory) = &mut leaks.memory else { unreachable!() };
        for (index, point) in memory.timeline.iter_mut().enumerate() {
            (point.live_bytes, point.committed_bytes) = (131_072, (index as u64 + 2) * 65_536);
        }
        let question = "Takes more and more, like a leak";
        let settled = told(vec![contender("dlmalloc").build(), leaks.clone()]);
        assert!(
            settled.iter().all(|statement| statement.question != question),
            "no page is added when the work repeats"
        );
        let Figure::Known(memory) = &mut leaks.memory else { unreachable!() };
        memory.growth = Figure::unknown("the heap limit was reached in loop 2 of the trace");
        let told = told(vec![contender("dlmalloc").build(), leaks]);
        let leak = find(&told, question);
        assert_eq!((leak.answer.as_str(), leak.tone), ("wee_alloc", Tone::Bad));
        assert!(leak.detail[0].ends_with("while no more than 128 KiB were live."), "{leak:?}");
    }
}
