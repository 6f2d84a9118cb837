//! Geometric means over traces in words: the fastest or smallest contender over all traces, as far as the choice of
//! traces and the rounds show.

use super::statement::{Statement, Tone, times};
use crate::growth::OverTraces;
use crate::numbers::{count, short};
use crate::prose::and;
use crate::results::Results;
use crate::stats::{Common, Estimate, Measure, ROUNDS_FOR_95, Verdict, common, trust_in_mean};

/// A contender's mean, and its ratio to the lowest mean.
struct ContenderMean<'a> {
    name: &'a str,
    mean: Estimate,
    to_lowest: Estimate,
}

/// What the means of a measure over these traces, all of one origin, show.
pub(super) fn means(question: &'static str, group: &[&Results], measure: Measure) -> Statement {
    let Some(first) = group.first() else { return nothing(question, vec!["There are no traces.".into()]) };
    let baseline = &first.settings.baseline;
    let found = common(group, baseline, measure);
    if found.traces.len() < 2 {
        let few = "A mean needs two traces that all contenders completed.".to_owned();
        return nothing(question, std::iter::once(few).chain(left_out(&found)).collect());
    }
    let means = found.geometric_means();
    let lowest = (0..means.len()).min_by(|&one, &other| means[one].value.total_cmp(&means[other].value));
    let lowest = lowest.expect("a common trace has contenders");
    let ratios = found.ratios_to(lowest);
    let mut ranked: Vec<ContenderMean> = (found.rows.iter().zip(&means).zip(ratios))
        .map(|((row, &mean), to_lowest)| ContenderMean { name: &row.name, mean, to_lowest })
        .collect();
    ranked.sort_by(|one, other| one.mean.value.total_cmp(&other.mean.value));

    let apart = |mean: &&ContenderMean| Verdict::of(mean.to_lowest.interval) == Verdict::Slower;
    let tied: Vec<&ContenderMean> = ranked[1..].iter().filter(|mean| !apart(mean)).collect();
    let lowest = ranked[0].name;
    let names: Vec<String> =
        [&ranked[0]].into_iter().chain(tied.iter().copied()).map(|mean| mean.name.to_owned()).collect();
    let next = ranked[1..].iter().find(apart);
    // So few traces agree by chance too often.
    let few = found.traces.len() < ROUNDS_FOR_95;
    let counted: Vec<&Results> =
        group.iter().copied().filter(|results| found.traces.contains(&results.trace.name)).collect();
    let named = || format!("{lowest}{}", OverTraces::of(lowest, &counted).but("it"));
    let (answer, names, tone) = match (&tied[..], next) {
        ([], None) => (named(), names, Tone::Open),
        ([], Some(_)) if few => ("inconclusive: too few traces".to_owned(), Vec::new(), Tone::Open),
        ([], Some(_)) => (named(), names, Tone::Known),
        _ => (format!("inconclusive between {}", and(&names)), names, Tone::Open),
    };
    let mut detail = vec![sentence(&ranked, measure, baseline, found.traces.len())];
    let beside = |mean: &ContenderMean| format!("{}: {} that of {}", mean.name, times(&mean.to_lowest, "×"), lowest);
    // Over two traces or more there always is an interval.
    detail.extend(tied.iter().map(|mean| format!("{}; this interval contains 1.", beside(mean))));
    detail.extend(next.map(|next| format!("{}.", beside(next))));
    // A single contender allows no conclusion.
    detail.extend(trust_in_mean(found.traces.len()).filter(|_| ranked.len() > 1));
    detail.extend(left_out(&found));
    Statement { question, answer, names, detail, tone }
}

fn nothing(question: &'static str, detail: Vec<String>) -> Statement {
    Statement { question, answer: "too few common traces".into(), names: Vec::new(), detail, tone: Tone::Open }
}

fn sentence(ranked: &[ContenderMean], measure: Measure, baseline: &str, traces: usize) -> String {
    let what = match measure {
        Measure::Time(_) => format!("Mean time relative to {baseline}"),
        Measure::Footprint => "Mean of peak heap over peak live".into(),
    };
    let means: Vec<String> = ranked.iter().map(|mean| format!("{} {}", mean.name, short(mean.mean.value))).collect();
    format!("{what}, over {}: {}.", count(traces as u64, "trace"), means.join(", "))
}

fn left_out(found: &Common) -> Vec<String> {
    let pairs = found.contenders_left_out.iter().chain(&found.traces_left_out);
    let left_out: Vec<String> = pairs.map(|(name, reason)| format!("{name} ({reason})")).collect();
    if left_out.is_empty() { Vec::new() } else { vec![format!("Left out: {}.", left_out.join("; "))] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Role;
    use crate::sample::{self, contender};
    use crate::stats::Regime;

    const STEADY: Measure = Measure::Time(Regime::Steady);

    fn on(trace: &str, [dlmalloc, talc]: [u64; 2]) -> Results {
        let mut results = sample::empty();
        results.trace.name = trace.into();
        results.contenders = vec![
            contender("null").role(Role::Floor).without_memory("hands out no memory").fresh_ns(1).steady_ns(1).build(),
            contender("dlmalloc").pages(20).fresh_ns(dlmalloc).steady_ns(dlmalloc).build(),
            contender("talc").pages(22).fresh_ns(talc).steady_ns(talc).build(),
        ];
        results
    }

    fn say(all: &[Results], measure: Measure) -> Statement {
        means("Who", &all.iter().collect::<Vec<_>>(), measure)
    }

    /// Six traces on which talc is faster and larger.
    fn six() -> [Results; 6] {
        ["a", "b", "c", "d", "e", "f"].map(|trace| on(trace, [200, 100]))
    }

    #[test]
    fn a_winner_on_all_of_six_traces_is_one() {
        let said = say(&six(), STEADY);
        assert_eq!((said.answer.as_str(), said.tone), ("talc", Tone::Known));
        assert_eq!(said.detail[0], "Mean time relative to dlmalloc, over 6 traces: talc 0.50, dlmalloc 1.00.");
        assert!(said.detail[1].starts_with("dlmalloc: 2.00 × ("), "{said:?}");
        assert_eq!(said.detail[2..], [trust_in_mean(6).unwrap()], "the floor is not among them: {said:?}");
    }

    /// Of five traces all agree by chance in one case of sixteen, and their interval excludes 1 then.
    #[test]
    fn of_fewer_traces_no_winner_is_known() {
        for measure in [STEADY, Measure::Footprint] {
            let said = say(&six()[1..], measure);
            assert_eq!((said.answer.as_str(), said.tone), ("inconclusive: too few traces", Tone::Open));
            assert!(said.names.is_empty() && said.detail[1].contains(" × (") && said.detail[1].contains(" that of "));
            assert_eq!(said.detail[2..], [trust_in_mean(5).unwrap()]);
        }
    }

    #[test]
    fn a_winner_that_grows_says_so_in_the_same_sentence() {
        let mut all = six();
        all[1].contenders[2] = contender("talc").pages(22).grows_by(3).fresh_ns(100).steady_ns(100).build();
        let said = say(&all, STEADY);
        assert_eq!(said.answer, "talc, but it grows each time the work repeats on 1 of these");
        assert_eq!(say(&all, Measure::Footprint).answer, "dlmalloc");
    }

    #[test]
    fn an_ablation_has_no_mean() {
        let mut all = six();
        for results in &mut all {
            results
                .contenders
                .push(contender("variant").role(Role::Ablation).pages(1).fresh_ns(1).steady_ns(1).build());
        }
        for measure in [STEADY, Measure::Footprint] {
            assert!(!format!("{:?}", say(&all, measure)).contains("variant"));
        }
    }

    #[test]
    fn one_common_trace_has_no_mean() {
        let mut all = [on("a", [200, 100]), on("b", [200, 100])];
        all[1].contenders[2] = contender("talc").invalid(1, "overlap").build();
        for measure in [STEADY, Measure::Footprint] {
            let said = say(&all, measure);
            assert_eq!((said.answer.as_str(), said.tone), ("too few common traces", Tone::Open));
            assert_eq!(said.detail[1], "Left out: b (talc: failed verification).");
        }
    }

    #[test]
    fn a_yardstick_with_failed_requests_costs_no_trace() {
        let mut all = six();
        for (index, results) in all.iter_mut().enumerate() {
            let failed = u64::from(index < 3);
            results.contenders.push(contender("bump").role(Role::Baseline).failed_requests(failed).build());
        }
        let said = say(&all, Measure::Footprint);
        assert_eq!((said.answer.as_str(), said.tone), ("dlmalloc", Tone::Known));
        assert!(said.detail[0].contains("over 6 traces") && said.detail.len() == 3, "{said:?}");
    }

    #[test]
    fn winning_here_and_losing_there_is_no_win() {
        let said = say(&[on("a", [200, 100]), on("b", [100, 150]), on("c", [200, 190])], STEADY);
        assert_eq!((said.answer.as_str(), said.tone), ("inconclusive between talc and dlmalloc", Tone::Open));
        assert!(said.detail[1].ends_with("; this interval contains 1."), "{said:?}");
    }

    #[test]
    fn memory_is_exact_and_failed_contenders_are_left_out_with_the_reason() {
        let mut all = six();
        let said = say(&all, Measure::Footprint);
        assert_eq!((said.answer.as_str(), said.tone), ("dlmalloc", Tone::Known));
        for one in &mut all {
            one.contenders[2] = contender("talc").invalid(1, "overlap").build();
        }
        let said = say(&all, Measure::Footprint);
        assert_eq!((said.answer.as_str(), said.tone), ("dlmalloc", Tone::Open), "it has no rival");
        assert_eq!(said.detail[1], "Left out: talc (failed verification).");
        assert_eq!(say(&[], STEADY).answer, "too few common traces");
    }
}
