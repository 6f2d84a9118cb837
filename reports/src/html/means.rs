//! Geometric means over traces in words: who is fastest or smallest over all of them, as far as the choice of traces and the rounds tell.

use super::summary::{Statement, Tone, and, times};
use crate::numbers::{count, short};
use crate::results::{Results, Role};
use crate::stats::{Common, Estimate, Measure, common};

/// One contender's mean, and how many times that of the one with the lowest.
struct Mean<'a> {
    name: &'a str,
    mean: Estimate,
    to_lowest: Estimate,
}

/// What the means of one measure over these traces, all of one origin, allow to be said.
pub(super) fn means(question: &'static str, group: &[&Results], measure: Measure) -> Statement {
    let Some(first) = group.first() else { return nothing(question, "there are no traces".into()) };
    let (baseline, seed) = (&first.settings.baseline, first.settings.seed);
    let contenders = contenders(group);
    let mut found = common(group, baseline, measure);
    found.rows.retain(|row| contenders.contains(&row.name.as_str()));
    found.contenders_left_out.retain(|(name, _)| contenders.contains(&name.as_str()));
    let means = found.geometric_means(seed);
    let lowest = (0..means.len()).min_by(|&one, &other| means[one].value.total_cmp(&means[other].value));
    let Some(lowest) = lowest else { return nothing(question, left_out(&found).join(" ")) };
    let ratios = found.ratios_to(lowest, seed);
    let mut ranked: Vec<Mean> = (found.rows.iter().zip(&means).zip(ratios))
        .map(|((row, &mean), to_lowest)| Mean { name: &row.name, mean, to_lowest })
        .collect();
    ranked.sort_by(|one, other| one.mean.value.total_cmp(&other.mean.value));

    let apart = |mean: &&Mean| mean.to_lowest.interval.is_some_and(|interval| interval.low > 1.0);
    let tied: Vec<&Mean> = ranked[1..].iter().filter(|mean| !apart(mean)).collect();
    let names: Vec<String> =
        [&ranked[0]].into_iter().chain(tied.iter().copied()).map(|mean| mean.name.to_owned()).collect();
    let next = ranked[1..].iter().find(apart);
    let (answer, tone) = match (&tied[..], next) {
        ([], None) => (names[0].clone(), Tone::Open),
        ([], Some(_)) => (names[0].clone(), Tone::Known),
        _ => (format!("inconclusive between {}", and(names.iter())), Tone::Open),
    };
    let mut detail = vec![sentence(&ranked, measure, baseline, found.traces.len())];
    let beside = |mean: &Mean| format!("{}: {} that of {}", mean.name, times(&mean.to_lowest, "×"), names[0]);
    detail.extend(tied.iter().map(|mean| format!("{}; this interval contains 1.", beside(mean))));
    detail.extend(next.map(|next| format!("{}.", beside(next))));
    detail.extend(left_out(&found));
    Statement { question, answer, names, detail, tone }
}

/// The names of those that one could ship.
fn contenders<'a>(group: &[&'a Results]) -> Vec<&'a str> {
    let rows = group.iter().flat_map(|results| &results.contenders);
    rows.filter(|row| row.role == Role::Contender).map(|row| row.name.as_str()).collect()
}

fn sentence(ranked: &[Mean], measure: Measure, baseline: &str, traces: usize) -> String {
    let what = match measure {
        Measure::Time(_) => format!("Mean time, {baseline}'s being 1"),
        Measure::Footprint => "Mean of peak heap over peak live".into(),
    };
    let told: Vec<String> = ranked.iter().map(|mean| format!("{} {}", mean.name, short(mean.mean.value))).collect();
    format!("{what}, over {}: {}.", count(traces as u64, "trace"), told.join(", "))
}

fn left_out(found: &Common) -> Vec<String> {
    let pairs = found.contenders_left_out.iter().chain(&found.traces_left_out);
    let told: Vec<String> = pairs.map(|(name, reason)| format!("{name} ({reason})")).collect();
    if told.is_empty() { Vec::new() } else { vec![format!("Left out: {}.", told.join("; "))] }
}

fn nothing(question: &'static str, reason: String) -> Statement {
    Statement { question, answer: "no common traces".into(), names: Vec::new(), detail: vec![reason], tone: Tone::Open }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, contender};
    use crate::stats::Temperature;

    const WARM: Measure = Measure::Time(Temperature::Warm);

    fn on(trace: &str, [dlmalloc, talc]: [u64; 2]) -> Results {
        let mut results = sample::empty();
        results.trace.name = trace.into();
        results.contenders = vec![
            contender("null").role(Role::Floor).without_memory("hands out no memory").warm_ns(1).build(),
            contender("dlmalloc").pages(20).warm_ns(dlmalloc).build(),
            contender("talc").pages(22).warm_ns(talc).build(),
        ];
        results
    }

    fn say(all: &[Results], measure: Measure) -> Statement {
        means("Who", &all.iter().collect::<Vec<_>>(), measure)
    }

    #[test]
    fn a_winner_on_all_traces_is_one() {
        let said = say(&[on("a", [200, 100]), on("b", [300, 100]), on("c", [200, 100])], WARM);
        assert_eq!((said.answer.as_str(), said.tone), ("talc", Tone::Known));
        assert_eq!(said.detail[0], "Mean time, dlmalloc's being 1, over 3 traces: talc 0.44, dlmalloc 1.00.");
        assert!(said.detail[1].starts_with("dlmalloc: 2.29 × ("), "{said:?}");
        assert_eq!(said.detail.len(), 2, "the floor is nobody to speak of: {said:?}");
    }

    #[test]
    fn one_who_wins_here_and_loses_there_has_not_won() {
        let said = say(&[on("a", [200, 100]), on("b", [100, 150]), on("c", [200, 190])], WARM);
        assert_eq!((said.answer.as_str(), said.tone), ("inconclusive between talc and dlmalloc", Tone::Open));
        assert!(said.detail[1].ends_with("; this interval contains 1."), "{said:?}");
    }

    #[test]
    fn memory_is_exact_and_who_fails_is_left_out_with_the_reason() {
        let mut all = [on("a", [200, 100]), on("b", [100, 150])];
        let said = say(&all, Measure::Footprint);
        assert_eq!((said.answer.as_str(), said.tone), ("dlmalloc", Tone::Known));
        for one in &mut all {
            one.contenders[2] = contender("talc").invalid(1, "overlap").build();
        }
        let said = say(&all, Measure::Footprint);
        assert_eq!((said.answer.as_str(), said.tone), ("dlmalloc", Tone::Open), "there is nobody to compare it with");
        assert_eq!(said.detail[1], "Left out: talc (failed verification).");
        assert_eq!(say(&[], WARM).answer, "no common traces");
    }
}
