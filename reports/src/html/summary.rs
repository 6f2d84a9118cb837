//! The figures of one trace in words: what a colleague reads first, and maybe all that they read.
//!
//! Every sentence comes from a finding, and says no more than its intervals do.

use super::findings::Findings;
use super::size::{climbs, grows, min_heap, size};
use super::speed::{fastest_for, speed};
use super::statement::{Statement, Tone};
use super::trade_off::trade_offs;
use crate::numbers::{bytes, grouped};
use crate::prose::and;
use crate::results::{Results, Verification};
use crate::stats::{Regime, eligible};
use crate::table::notes::{failed_requests_note, verification_note};

/// All statements about one trace.
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

/// That there is a single contender, so nothing to win.
fn alone(results: &Results) -> Option<Statement> {
    let only = *eligible(results).first()?;
    let others = results.contenders.len() > 1;
    Some(Statement {
        question: "Contenders",
        answer: only.name.clone(),
        names: vec![only.name.clone()],
        detail: vec![
            if others {
                "The only contender that can win: the others are yardsticks, ablations, or failed."
            } else {
                "The only contender: there is nothing to compare it with."
            }
            .into(),
        ],
        tone: Tone::Open,
    })
}

/// The contenders that failed, where and how.
fn failures(results: &Results) -> Option<Statement> {
    let (mut names, mut detail) = (Vec::new(), Vec::new());
    for contender in &results.contenders {
        let invalid = matches!(contender.verification, Verification::Failed { .. });
        let failed = verification_note(contender).filter(|_| invalid).or_else(|| failed_requests_note(contender));
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
        if let Some(failure) = failed.or(ended) {
            names.push(contender.name.clone());
            detail.push(format!("{failure}."));
        }
    }
    let answer = and(&names);
    (!names.is_empty()).then_some(Statement { question: "Failed", answer, names, detail, tone: Tone::Bad })
}

#[cfg(test)]
mod tests {
    use super::super::size::GROWS;
    use super::*;
    use crate::results::{Contender, Role};
    use crate::sample::{self, contender};

    fn stated(contenders: Vec<Contender>) -> Vec<Statement> {
        let results = Results { contenders, ..sample::empty() };
        statements(&Findings::of(&results))
    }

    fn find<'a>(statements: &'a [Statement], question: &str) -> &'a Statement {
        let found = statements.iter().find(|statement| statement.question == question);
        found.unwrap_or_else(|| panic!("{question}: {statements:#?}"))
    }

    #[test]
    fn a_clear_winner_is_named_with_ratio_and_interval() {
        let stated = stated(vec![
            contender("dlmalloc").pages(20).fresh_ns(200).steady_ns(200).build(),
            contender("talc").pages(22).fresh_ns(180).steady_ns(180).build(),
            contender("segregated-bump").pages(80).fresh_ns(100).steady_ns(100).build(),
        ]);
        let steady = find(&stated, "Fastest for a program that runs on");
        assert_eq!((steady.answer.as_str(), steady.tone), ("segregated-bump", Tone::Known));
        // The samples of the made-up rounds are in proportion, so the interval has no width.
        assert_eq!(steady.detail, ["10.0 ns per operation. talc comes next and takes 1.80 times (1.80–1.80) as long."]);
        let size = find(&stated, "Smallest peak heap");
        assert_eq!((size.answer.as_str(), size.tone), ("dlmalloc", Tone::Known));
        assert_eq!(
            size.detail,
            [
                "1.25 MiB at the peak (20 pages), 1.25 × peak live (1 MiB).",
                "talc comes next with 1.38 MiB, 1.10 × as much."
            ]
        );
        let price = find(&stated, "What speed costs in memory");
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
        let stated = stated(vec![
            contender("a").pages(30).fresh_ns(100).steady_ns(100).build(),
            contender("b").pages(20).fresh_ns(100).steady_ns(100).build(),
        ]);
        let steady = find(&stated, "Fastest for a program that runs on");
        assert_eq!((steady.answer.as_str(), steady.tone), ("inconclusive between a and b", Tone::Open));
        assert_eq!(
            steady.detail,
            [
                "a has the lowest median, 10.0 ns per operation; b takes 1.00 times (1.00–1.00) as long, and this interval contains 1."
            ]
        );
        let price = find(&stated, "What speed costs in memory");
        assert_eq!((price.answer.as_str(), price.tone), ("b, as far as is known", Tone::Open));
    }

    /// `b` cannot be distinguished from the best, but `c` is known to be faster than it.
    #[test]
    fn a_contender_beaten_by_a_third_is_not_the_best_of_both() {
        let stated = stated(vec![
            contender("a").pages(30).rounds_ns(&[80, 120, 81, 121, 82, 122, 99]).build(),
            contender("b").pages(20).rounds_ns(&[102; 7]).build(),
            contender("c").pages(25).rounds_ns(&[100; 7]).build(),
        ]);
        assert_eq!(find(&stated, "Fastest for a program that runs on").answer, "inconclusive between a, c and b");
        let price = find(&stated, "What speed costs in memory");
        assert_eq!((price.answer.as_str(), price.tone), ("1.50 × the memory of b", Tone::Open));
        assert!(price.detail[0].contains("whether it saves time is inconclusive"), "{price:?}");
        assert!(price.detail[1].starts_with("In between, c takes 0.98 ×"), "{price:?}");
    }

    #[test]
    fn fastest_and_smallest_in_one_pays_nothing() {
        let stated = stated(vec![
            contender("a").pages(10).fresh_ns(100).steady_ns(100).build(),
            contender("b").pages(20).fresh_ns(200).steady_ns(200).build(),
        ]);
        assert_eq!(find(&stated, "What speed costs in memory").answer, "nothing: a is both fastest and smallest");
    }

    #[test]
    fn programs_that_differ_have_an_answer_each() {
        let stated = stated(vec![
            contender("starts").pages(20).fresh_ns(100).steady_ns(200).build(),
            contender("runs").pages(40).fresh_ns(200).steady_ns(100).build(),
        ]);
        assert_eq!((stated[0].question, stated[0].answer.as_str()), ("Fastest for a program that starts", "starts"));
        assert_eq!((stated[1].question, stated[1].answer.as_str()), ("Fastest for a program that runs on", "runs"));
        let price = |program: &str| &find(&stated, program).answer;
        assert_eq!(
            price("What speed costs in memory, for a program that starts"),
            "nothing: starts is both fastest and smallest"
        );
        assert_eq!(price("What speed costs in memory, for a program that runs on"), "2.00 × the memory of starts");
    }

    /// Whatever a contender that grows is the best of, the same sentence says that it grows.
    #[test]
    fn a_best_that_grows_is_never_named_without_it() {
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
            let stated = stated(race);
            for statement in stated
                .iter()
                .filter(|stated| stated.question.starts_with("Fastest") || stated.question.starts_with("Smallest"))
            {
                let named = statement.answer.contains("grows");
                assert!(!named || statement.answer.contains(but), "{statement:#?}");
            }
            let best =
                ["is both", "as far as is known", "lowest median", "is the fastest", "none is known to be faster"];
            let sentences = stated.iter().flat_map(|stated| [&stated.answer].into_iter().chain(&stated.detail));
            for sentence in sentences.filter(|sentence| best.iter().any(|best| sentence.contains(best))) {
                let named =
                    sentence.starts_with("grows ") || sentence.starts_with("grows,") || sentence.contains(": grows is");
                assert!(!named || sentence.contains(but), "{sentence}");
            }
            let growing = find(&stated, GROWS);
            assert_eq!((growing.answer.as_str(), growing.tone), ("grows", Tone::Bad));
            assert!(
                growing.detail[0].starts_with("grows: by 423 pages in each further loop of the trace: "),
                "{growing:?}"
            );
        }
    }

    #[test]
    fn an_ablation_neither_wins_nor_ties() {
        let stated = stated(vec![
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
            stated.iter().all(|stated| stated.answer.contains('a') && !format!("{stated:?}").contains("variant")),
            "{stated:#?}"
        );
        assert_eq!(find(&stated, "Fastest for a program that starts").answer, "a", "no tie with it");
    }

    #[test]
    fn a_failed_contender_wins_nothing_and_is_named() {
        let stated = stated(vec![
            contender("a").pages(20).fresh_ns(200).steady_ns(200).build(),
            contender("b").pages(20).fresh_ns(300).steady_ns(300).build(),
            contender("broken").pages(1).fresh_ns(1).steady_ns(1).invalid(17, "block 3 overlaps block 2").build(),
            contender("starved").pages(1).fresh_ns(1).steady_ns(1).failed_requests(12).build(),
        ]);
        assert_eq!(find(&stated, "Fastest for a program that runs on").answer, "a");
        assert_eq!(find(&stated, "Smallest peak heap").answer, "a and b");
        let failed = find(&stated, "Failed");
        assert_eq!((failed.answer.as_str(), failed.tone), ("broken and starved", Tone::Bad));
        assert!(failed.detail[0].contains("at event 17: block 3 overlaps block 2"), "{failed:?}");
        assert!(failed.detail[1].contains("12 requests failed, first at event 4,711"), "{failed:?}");
    }

    #[test]
    fn a_single_contender_beats_no_other() {
        let stated =
            stated(vec![contender("talc").build(), contender("null").role(Role::Floor).without_memory("none").build()]);
        assert_eq!(find(&stated, "Contenders").answer, "talc");
        let steady = find(&stated, "Fastest for a program that runs on");
        assert_eq!((steady.answer.as_str(), steady.tone), ("talc, alone", Tone::Open));
        assert!(stated.iter().all(|statement| statement.tone != Tone::Known), "{stated:#?}");
    }

    #[test]
    fn what_was_not_timed_has_no_winner() {
        let untimed = |name| contender(name).without_time("rounds is 0").build();
        let stated = stated(vec![untimed("a"), untimed("b")]);
        let steady = find(&stated, "Fastest for a program that runs on");
        assert_eq!((steady.answer.as_str(), steady.tone), ("not timed", Tone::Open));
        assert_eq!(steady.detail, ["No time was taken: rounds is 0."]);
        assert!(stated.iter().all(|statement| statement.question != "What speed costs in memory"));
    }
}
