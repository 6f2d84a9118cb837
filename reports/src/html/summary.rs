//! The figures of one trace in words: what a colleague reads first, and maybe all that they read.
//!
//! Every sentence is made from a finding, and says no more than its intervals do. All text here is plain; the page escapes it.

use super::findings::{Climb, Fastest, Findings, NotCompared, Rival, climbing, eligible, smallest};
use super::trade_off::trade_off;
use crate::numbers::{bytes, count, decimals, fixed, grouped, short};
use crate::results::{Contender, Results, Verification};
use crate::stats::{Estimate, ROUNDS_FOR_95};
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
    let Findings { results, warm, cold } = findings;
    let mut statements = Vec::new();
    if eligible(results).len() == 1 {
        statements.extend(alone(results));
    }
    statements.push(speed("Fastest on warm pages", warm));
    statements.push(speed("Fastest on fresh pages", cold));
    statements.extend(size(results));
    statements.extend(min_heap(results));
    statements.extend(trade_off(results, warm));
    statements.extend(climbs(results));
    statements.extend(failures(results));
    statements
}

/// Who is fastest, in few words: for the list of traces.
pub(super) fn speed_in_short(fastest: &Fastest) -> String {
    match fastest {
        Fastest::NotTimed(_) => "not timed".into(),
        Fastest::Alone { only, .. } => format!("{}, alone", only.name),
        Fastest::Clear { best, .. } => best.name.clone(),
        Fastest::Tied { best, tied, .. } => {
            format!(
                "inconclusive between {}",
                and([&best.name].into_iter().chain(tied.iter().map(|rival| &rival.contender.name)))
            )
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
                format!("{} has the lowest median, {}", best.name, per_op(ns))
            } else {
                format!("{} takes {}, and none is known to be faster", best.name, per_op(ns))
            };
            (names.cloned().collect(), vec![format!("{first}; {}.", tie(tied))], Tone::Open)
        }
        Fastest::Circle { one, ns, faster, .. } => {
            let in_turn = if faster.len() == 1 { "it is" } else { "they are" };
            let detail = format!(
                "{} takes {}; {}, but {in_turn} slower than another in turn.",
                one.name,
                per_op(ns),
                join(faster.iter().map(takes))
            );
            (vec![], vec![detail], Tone::Open)
        }
        Fastest::TooFewRounds { lowest, ns, rounds } => (
            vec![],
            vec![format!(
                "{} has the lowest median, {}; no two have more than {}, and an interval of 95 % takes {ROUNDS_FOR_95} rounds at least.",
                lowest.name,
                per_op(ns),
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
    format!("{}, and {contains}", join(tied.iter().map(takes)))
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
                "The only contender here that can win anything: the others are yardsticks, or failed."
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
    let names: Vec<String> = found.best.iter().map(|(contender, _)| contender.name.clone()).collect();
    let tone = if eligible(results).len() > 1 { Tone::Known } else { Tone::Open };
    Some(Statement { question: "Smallest peak heap", answer: and(names.iter()), names, detail, tone })
}

/// Who can do with the smallest heap, where that was searched for.
fn min_heap(results: &Results) -> Option<Statement> {
    let mut known: Vec<_> =
        eligible(results).into_iter().filter_map(|contender| Some((contender, contender.min_heap.known()?))).collect();
    known.sort_by_key(|(_, min)| min.pages);
    let (_, least) = *known.first()?;
    let names: Vec<String> = known
        .iter()
        .take_while(|(_, min)| min.pages == least.pages)
        .map(|(contender, _)| contender.name.clone())
        .collect();
    let detail = vec![format!(
        "{} ({}) are enough for the whole trace: {} × peak live.",
        count(least.pages, "page"),
        bytes(least.bytes),
        short(least.ratio_to_max_live)
    )];
    let tone = if known.len() > 1 { Tone::Known } else { Tone::Open };
    Some(Statement { question: "Smallest heap that will do", answer: and(names.iter()), names, detail, tone })
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
        answer: and(names.iter()),
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
    let answer = and(names.iter());
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

/// `a`, `a and b`, `a, b and c`.
pub(super) fn and<'a>(names: impl Iterator<Item = &'a String>) -> String {
    join(names.cloned())
}

fn join(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    match &parts[..] {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Figure, Role};
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
            contender("dlmalloc").pages(20).warm_ns(200).build(),
            contender("talc").pages(22).warm_ns(180).build(),
            contender("segregated-bump").pages(80).warm_ns(100).build(),
        ]);
        let warm = find(&told, "Fastest on warm pages");
        assert_eq!((warm.answer.as_str(), warm.tone), ("segregated-bump", Tone::Known));
        // The samples of the made-up rounds are in proportion, so the interval has no width.
        assert_eq!(warm.detail, ["10.0 ns per operation. talc comes next and takes 1.80 times (1.80–1.80) as long."]);
        let size = find(&told, "Smallest peak heap");
        assert_eq!((size.answer.as_str(), size.tone), ("dlmalloc", Tone::Known));
        assert_eq!(
            size.detail,
            [
                "1.25 MiB at the peak (20 pages), 1.25 × the 1 MiB that are live at most.",
                "talc comes next with 1.38 MiB, 1.10 × as much."
            ]
        );
        let price = find(&told, "What one pays for the other");
        assert_eq!(price.answer, "4.00 × the memory of dlmalloc");
        assert_eq!(
            price.detail,
            [
                "segregated-bump takes 0.50 × (0.50–0.50) the time of dlmalloc on warm pages, and 4.00 × its peak heap.",
                "In between, talc takes 0.90 × (0.90–0.90) the time of dlmalloc on warm pages, and 1.10 × its peak heap.",
            ]
        );
    }

    #[test]
    fn a_tie_is_inconclusive() {
        let told =
            told(vec![contender("a").pages(30).warm_ns(100).build(), contender("b").pages(20).warm_ns(100).build()]);
        let warm = find(&told, "Fastest on warm pages");
        assert_eq!((warm.answer.as_str(), warm.tone), ("inconclusive between a and b", Tone::Open));
        assert_eq!(
            warm.detail,
            [
                "a has the lowest median, 10.0 ns per operation; b takes 1.00 times (1.00–1.00) as long, and this interval contains 1."
            ]
        );
        let price = find(&told, "What one pays for the other");
        assert_eq!((price.answer.as_str(), price.tone), ("b, as far as is known", Tone::Open));
    }

    /// A contender whose warm rounds took so long, of one operation each.
    fn timed(name: &str, pages: u64, warm_ns: &[u64]) -> Contender {
        let mut contender = contender(name).pages(pages).build();
        let Figure::Known(time) = &mut contender.time else { unreachable!() };
        (time.ops, time.warm_ns) = (1, warm_ns.into());
        contender
    }

    #[test]
    fn the_lowest_median_is_told_of_nobody_else() {
        let [quick, b, t] = [(10, 0, 0), (9, 45, 45), (9, 46, 44)]
            .map(|(first, then, last)| [[first; 7].as_slice(), &[then; 4], &[last; 4]].concat());
        let told = told(vec![timed("early", 20, &quick[..7]), timed("b", 20, &b), timed("t", 20, &t)]);
        let warm = find(&told, "Fastest on warm pages");
        assert_eq!(warm.answer, "inconclusive between t and b");
        assert!(
            warm.detail[0].starts_with("t takes 44.0 ns per operation, and none is known to be faster; b takes 1.00"),
            "{warm:?}"
        );
    }

    #[test]
    fn a_circle_is_told_as_one() {
        let told = told(
            [("a", [1, 2, 3]), ("b", [2, 3, 1]), ("c", [3, 1, 2])]
                .map(|(name, ns)| timed(name, 20, &ns.repeat(40)))
                .into(),
        );
        let warm = find(&told, "Fastest on warm pages");
        assert_eq!((warm.answer.as_str(), warm.tone), ("inconclusive: each is slower than another", Tone::Open));
        assert_eq!(
            warm.detail,
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
        assert_eq!(find(&told, "Fastest on warm pages").answer, "inconclusive between a, c and b");
        let price = find(&told, "What one pays for the other");
        assert_eq!((price.answer.as_str(), price.tone), ("1.50 × the memory of b", Tone::Open));
        assert!(price.detail[0].contains("whether it saves time is inconclusive"), "{price:?}");
        assert!(price.detail[1].starts_with("In between, c takes 0.98 ×"), "{price:?}");
    }

    #[test]
    fn who_is_both_pays_nothing() {
        let told =
            told(vec![contender("a").pages(10).warm_ns(100).build(), contender("b").pages(20).warm_ns(200).build()]);
        assert_eq!(find(&told, "What one pays for the other").answer, "nothing: a is both");
    }

    #[test]
    fn who_failed_wins_nothing_and_is_told_of() {
        let told = told(vec![
            contender("a").pages(20).warm_ns(200).build(),
            contender("b").pages(20).warm_ns(300).build(),
            contender("broken").pages(1).warm_ns(1).invalid(17, "block 3 overlaps block 2").build(),
            contender("refuses").pages(1).warm_ns(1).failed_requests(12).build(),
        ]);
        assert_eq!(find(&told, "Fastest on warm pages").answer, "a");
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
        let warm = find(&told, "Fastest on warm pages");
        assert_eq!((warm.answer.as_str(), warm.tone), ("talc, alone", Tone::Open));
        assert!(told.iter().all(|statement| statement.tone != Tone::Known), "{told:#?}");
    }

    #[test]
    fn what_was_not_timed_has_no_winner() {
        let untimed = |name| contender(name).without_time("rounds is 0").build();
        let told = told(vec![untimed("a"), untimed("b")]);
        let warm = find(&told, "Fastest on warm pages");
        assert_eq!((warm.answer.as_str(), warm.tone), ("not timed", Tone::Open));
        assert_eq!(warm.detail, ["No time was taken: rounds is 0."]);
        assert!(told.iter().all(|statement| statement.question != "What one pays for the other"));
    }

    #[test]
    fn few_rounds_decide_nothing() {
        let told =
            told(vec![contender("a").rounds(5).warm_ns(1).build(), contender("b").rounds(5).warm_ns(99).build()]);
        let warm = find(&told, "Fastest on warm pages");
        assert_eq!(warm.answer, "inconclusive: too few rounds");
        assert!(warm.detail[0].contains("5 rounds") && warm.detail[0].contains("takes 6 rounds"), "{warm:?}");
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
        let told = told(vec![contender("dlmalloc").build(), leaks]);
        let leak = find(&told, "Takes more and more, like a leak");
        assert_eq!((leak.answer.as_str(), leak.tone), ("wee_alloc", Tone::Bad));
        assert!(leak.detail[0].ends_with("while no more than 128 KiB were live."), "{leak:?}");
    }
}
