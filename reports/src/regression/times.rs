//! Times of two runs: which are compared, and their ratios.

use super::pairing::{Paired, builds};
use crate::results::{Contender, Figure, Results};
use crate::stats::{Estimate, ROUNDS_FOR_95, Ratio, Regime, ratio_of_medians, rounds_beside};

/// The regimes to compare, in the order of tables. Rewound heaps are compared if both results are of schema 3; then
/// their lack of steady times is not worth a note.
pub(super) fn regimes(pair: &Paired) -> Vec<Regime> {
    let has = |results: &Results, regime: Regime| {
        results.contenders.iter().filter_map(|row| row.time.known()).any(|time| !regime.samples(time).is_empty())
    };
    let both_rewound = [pair.old, pair.new].iter().all(|results| has(results, Regime::Rewound));
    let any_steady = [pair.old, pair.new].iter().any(|results| has(results, Regime::Steady));
    let compared = |regime: &Regime| match regime {
        Regime::Fresh => true,
        Regime::Steady => any_steady || !both_rewound,
        Regime::Rewound => both_rewound,
    };
    Regime::EVERY.into_iter().filter(compared).collect()
}

/// New over old time of a cell.
pub(super) fn time(
    pair: &Paired,
    (before, after): (&Contender, &Contender),
    relative_to: Option<&str>,
    of: Regime,
) -> Figure<Ratio> {
    let Paired { old, new, .. } = pair;
    if relative_to == Some(before.name.as_str()) {
        return Figure::unknown("times are relative to its own");
    }
    if let Some(builds) = builds(pair) {
        return Figure::unknown(builds);
    }
    if old.settings.streamed != new.settings.streamed {
        return Figure::unknown("the trace was decoded while it was timed in one of the runs only");
    }
    let of_run = |which: &str, results: &Results, row: &Contender| {
        samples(results, row, relative_to, of).map_err(|reason| format!("{which}: {reason}"))
    };
    let samples = of_run("old", old, before).and_then(|old| Ok((old, of_run("new", new, after)?)));
    let (before, after) = match samples {
        Ok(both) => both,
        Err(reason) => return Figure::unknown(reason),
    };
    match ratio_of_medians(&after, &before) {
        // An interval of so few rounds would not cover 95 %, and a gate that trusts it would fail without cause.
        Figure::Known(Ratio { estimate, verdict }) if before.len().min(after.len()) < ROUNDS_FOR_95 => {
            Figure::Known(Ratio { estimate: Estimate { interval: None, ..estimate }, verdict })
        }
        ratio => ratio,
    }
}

/// Nanoseconds per operation of every round, or the ratio to another contender's time.
pub(super) fn samples(
    results: &Results,
    row: &Contender,
    relative_to: Option<&str>,
    of: Regime,
) -> Result<Vec<f64>, String> {
    let time = match &row.time {
        Figure::Known(time) => time,
        Figure::Unknown { unknown } => return Err(unknown.to_string()),
    };
    let Some(other) = relative_to else {
        // The operations are those of the trace, and cancel out. A trace without operations has no time worth a ratio.
        return match of.samples(time) {
            [] => Err(of.why_none(time).to_string()),
            samples => Ok(samples.iter().map(|&ns| ns as f64 / time.ops.max(1) as f64).collect()),
        };
    };
    match rounds_beside(results, row, other, of) {
        Figure::Known((ours, theirs)) if theirs.iter().all(|&ns| ns > 0) => {
            Ok(ours.iter().zip(theirs).map(|(&our, &their)| our as f64 / their as f64).collect())
        }
        Figure::Known(_) => Err(format!("a replay of {other} took no time that the clock could see")),
        Figure::Unknown { unknown } => Err(unknown.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Regression, default_gates};
    use super::*;
    use crate::sample::{contender, on};
    use crate::stats::Verdict;

    /// The results in the form of schema 3: `cold_ns` for fresh times, `warm_ns` for those on a rewound heap, and no
    /// later fields.
    pub(in crate::regression) fn as_schema_3(results: &Results) -> Results {
        let mut document: serde_json::Value = serde_json::from_str(&results.to_json()).unwrap();
        document["schema_version"] = 3.into();
        for row in document["contenders"].as_array_mut().unwrap() {
            let Some(time) = row["time"].as_object_mut().filter(|time| time.contains_key("fresh_ns")) else { continue };
            for (new, old) in [("fresh_ns", "cold_ns"), ("steady_ns", "warm_ns")] {
                let samples = time.remove(new).unwrap();
                time.insert(old.into(), samples);
            }
            time.retain(|field, _| !field.contains("processor"));
        }
        Results::from_json(&document.to_string()).unwrap()
    }

    fn run(fresh: u64, other: u64) -> Results {
        on("one", vec![contender("a").fresh_ns(fresh).steady_ns(other).build(), contender("b").build()])
    }

    fn compared(old: &Results, new: &Results) -> Regression {
        Regression::of(std::slice::from_ref(old), std::slice::from_ref(new), None)
    }

    fn names(found: &Regression) -> Vec<&str> {
        found.cells[0].times.iter().map(|(regime, _)| regime.name()).collect()
    }

    #[test]
    fn two_results_of_schema_3_still_compare() {
        let (old, new) = (as_schema_3(&run(100, 100)), as_schema_3(&run(100, 150)));
        let found = compared(&old, &new);
        assert_eq!(names(&found), ["fresh", "rewound"]);
        let rewound = found.cells[0].times[1].1.known().unwrap();
        assert!((rewound.estimate.value - 1.5).abs() < 0.01 && rewound.verdict == Verdict::Slower, "{rewound:?}");
        let gate = found.worse(0.05, &default_gates());
        assert!(gate.lines.len() == 1 && gate.lines[0].starts_with("a on one: rewound_ns_per_op +50.0 %"), "{gate:?}");
        let text = found.text(None, 100);
        assert!(text.contains("rewound ×") && !text.contains("steady") && !text.contains("not compared"), "{text}");
    }

    #[test]
    fn rewound_times_are_not_mentioned_if_only_one_result_has_them() {
        for (old, new) in [(as_schema_3(&run(100, 100)), run(100, 150)), (run(100, 100), as_schema_3(&run(100, 150)))] {
            let found = compared(&old, &new);
            assert_eq!(names(&found), ["fresh", "steady"]);
            let text = found.text(None, 300);
            assert!(!text.contains("rewound ×") && !text.contains("rewound times"), "{text}");
            assert!(
                text.contains("no ratio of steady times:") && text.contains("schema 3 have no steady times"),
                "{text}"
            );
        }
        assert_eq!(names(&compared(&run(100, 100), &run(100, 100))), ["fresh", "steady"]);
    }

    /// A figure that both runs were asked for and only the old one has is lost, whatever the regime.
    #[test]
    fn a_missing_rewound_time_is_lost() {
        let (old, mut new) = (as_schema_3(&run(100, 100)), as_schema_3(&run(100, 100)));
        new.contenders[0].time = Figure::unknown("the child died");
        let lost = compared(&old, &new).cells.remove(0).lost;
        assert_eq!(lost, ["fresh_ns_per_op", "rewound_ns_per_op"].map(|name| (name, "the child died".to_owned())));
        let lost = compared(&old, &run(100, 100)).cells.remove(0).lost;
        assert_eq!(lost, [], "the new run has no rewound heaps");
    }
}
