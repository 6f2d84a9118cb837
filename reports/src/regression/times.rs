//! Times of two runs: which are compared, and how many times as long the new ones are.

use super::builds;
use super::pairing::Paired;
use crate::results::{Contender, Figure, Reason, Results};
use crate::stats::{Estimate, ROUNDS_FOR_95, Ratio, Regime, Verdict, ratio_of_medians, rounds_beside};

/// Which times of two results are compared, in the order of the tables. Those of rewound heaps are where both are of schema 3; that they have no
/// steady ones is no news then.
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
        return Figure::unknown(Reason::RelativeToItself);
    }
    if let Some(builds) = builds(pair) {
        return Figure::unknown(builds);
    }
    if old.settings.streamed != new.settings.streamed {
        return Figure::unknown(Reason::StreamedInOneRun);
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
        // An interval of so few would not cover 95 %, and a gate that believes it fails for nothing.
        Figure::Known(Ratio { estimate, .. }) if before.len().min(after.len()) < ROUNDS_FOR_95 => {
            Figure::Known(Ratio { estimate: Estimate { interval: None, ..estimate }, verdict: Verdict::Inconclusive })
        }
        ratio => ratio,
    }
}

/// Nanoseconds an operation of every round, or how many times another contender's time.
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
        // The operations are those of the trace, and cancel. A trace without any has no time worth a ratio.
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
    use super::super::tests::on;
    use super::super::{DEFAULT_GATES, Regression};
    use super::*;
    use crate::sample::contender;

    /// The results as schema 3 had them: `cold_ns` for the fresh times, `warm_ns` for those on a rewound heap, and nothing of what came later.
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
    fn two_results_of_schema_3_compare_as_ever() {
        let (old, new) = (as_schema_3(&run(100, 100)), as_schema_3(&run(100, 150)));
        let found = compared(&old, &new);
        assert_eq!(names(&found), ["fresh", "rewound"]);
        let rewound = found.cells[0].times[1].1.known().unwrap();
        assert!((rewound.estimate.value - 1.5).abs() < 0.01 && rewound.verdict == Verdict::Slower, "{rewound:?}");
        let gate = found.worse(0.05, &DEFAULT_GATES);
        assert!(gate.lines.len() == 1 && gate.lines[0].starts_with("a on one: rewound_ns_per_op +50.0 %"), "{gate:?}");
        let text = found.text(None, 100);
        assert!(text.contains("rewound ×") && !text.contains("steady") && !text.contains("not compared"), "{text}");
    }

    #[test]
    fn of_an_old_and_a_new_result_rewound_times_are_not_mentioned() {
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

    /// What both runs were asked for and one does not have is lost, whatever the regime.
    #[test]
    fn a_rewound_time_that_went_is_lost() {
        let (old, mut new) = (as_schema_3(&run(100, 100)), as_schema_3(&run(100, 100)));
        new.contenders[0].time = Figure::unknown("the child died");
        let lost = compared(&old, &new).cells.remove(0).lost;
        assert_eq!(lost, ["fresh_ns_per_op", "rewound_ns_per_op"].map(|name| (name, "the child died".to_owned())));
        let lost = compared(&old, &run(100, 100)).cells.remove(0).lost;
        assert_eq!(lost, [], "nobody has rewound heaps any longer");
    }
}
