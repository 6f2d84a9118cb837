//! Differences between two runs that are not due to the contenders.

use super::pairing::Paired;
use super::times::time;
use crate::reasons::by_reason;
use crate::results::Results;
use crate::stats::{Interval, Regime, floor};

/// The floor does the same work in both runs: if its time changes by more than this, the contenders are not the cause.
const MOST_BETWEEN_FLOORS: f64 = 0.05;

/// All doubts. If times are relative to a contender, the machine's speed cancels out, and that contender must be the
/// same.
pub(super) fn doubts(pairs: &[Paired], [old, new]: [&[Results]; 2], relative_to: Option<&str>) -> Vec<String> {
    let mut doubts = match relative_to {
        Some(other) => versions(pairs, other),
        None => machines(pairs),
    };
    for (which, run) in [("old", old), ("new", new)] {
        let mut codes: Vec<&str> =
            run.iter().flat_map(|results| &results.warnings).map(|warning| warning.code.name()).collect();
        codes.sort_unstable();
        codes.dedup();
        if !codes.is_empty() {
            doubts.push(format!("The {which} run has warnings: {}.", codes.join(", ")));
        }
    }
    if relative_to.is_none() {
        doubts.extend(pairs.iter().filter_map(floors_differ));
    }
    doubts
}

/// The runs are from two machines. A run may have parts from several, so each pair is checked.
fn machines(pairs: &[Paired]) -> Vec<String> {
    let cpu =
        |results: &Results| results.provenance.cpu.known().cloned().unwrap_or_else(|| "an unknown processor".into());
    let differ = pairs.iter().filter_map(|pair| {
        let (old, new) = (cpu(pair.old), cpu(pair.new));
        (old != new).then(|| (pair.name.as_str(), format!("{old}, {new}")))
    });
    let differ: Vec<_> = differ.collect();
    let all = differ.len() == pairs.len();
    let groups = by_reason(differ);
    let all = all && groups.len() == 1;
    let doubts = groups.into_iter().map(|(traces, machines)| {
        let on = if all { String::new() } else { format!(" on {traces}") };
        format!(
            "The runs are from two machines ({machines}), which distorts the ratios of times{on}: '--relative-to' a \
             contender that is the same in both cancels the machine's speed."
        )
    });
    doubts.collect()
}

/// The contender that times are relative to differs between the runs.
fn versions(pairs: &[Paired], other: &str) -> Vec<String> {
    let version = |results: &Results| Some(results.contenders.iter().find(|row| row.name == other)?.version.clone());
    let mut found = Vec::new();
    for pair in pairs {
        let (Some(before), Some(after)) = (version(pair.old), version(pair.new)) else { continue };
        let doubt =
            format!("Times are relative to {other}, which is version {before} in one run and {after} in the other.");
        if before != after && !found.contains(&doubt) {
            found.push(doubt);
        }
    }
    found
}

/// The harness alone was faster or slower in one of the runs: in steady state, which has no page faults, or on a
/// rewound heap, if both runs timed it.
fn floors_differ(pair: &Paired) -> Option<String> {
    let floors = (floor(pair.old)?, floor(pair.new)?);
    let known = |regime| time(pair, floors, None, regime).known().copied();
    let ratio = [Regime::Steady, Regime::Rewound, Regime::Fresh].into_iter().find_map(known)?;
    let Interval { low, high } = ratio.estimate.interval?;
    (low > 1.0 + MOST_BETWEEN_FLOORS || high < 1.0 / (1.0 + MOST_BETWEEN_FLOORS)).then(|| {
        format!(
            "On {} the floor, which is the harness alone, took {low:.2} to {high:.2} times as long in the new run: the \
             machine or the harness changed, and all times with it. '--relative-to' cancels what all contenders share.",
            pair.name
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::Regression;
    use super::*;
    use crate::results::{Contender, Figure};
    use crate::sample::{contender, on};

    fn found(old: &[Results], new: &[Results], relative_to: Option<&str>) -> Vec<String> {
        Regression::of(old, new, relative_to).doubts
    }

    /// The first documents are of one machine and one version, the others are not.
    #[test]
    fn every_pair_is_checked() {
        let rows = |version: &str| -> Vec<Contender> { vec![contender("talc").version(version).build()] };
        let old = [on("one", rows("1")), on("two", rows("1")), on("three", rows("1"))];
        let mut new = [on("one", rows("1")), on("two", rows("2")), on("three", rows("2"))];
        assert_eq!(found(&old, &new, None), [""; 0]);
        for results in &mut new[1..] {
            results.provenance.cpu = Figure::Known("another".into());
        }
        let doubts = found(&old, &new, None);
        assert_eq!(doubts.len(), 1, "{doubts:?}");
        assert!(
            doubts[0].contains("Processor, another), which distorts the ratios of times on two, three:"),
            "{doubts:?}"
        );
        let doubts = found(&old[1..], &new[1..], None);
        assert!(doubts[0].contains("Processor, another), which distorts the ratios of times: "), "{doubts:?}");
        let doubts = found(&old, &new, Some("talc"));
        assert_eq!(doubts, ["Times are relative to talc, which is version 1 in one run and 2 in the other."]);
    }
}
