//! Which samples belong to the same rounds: the only place that pairs a contender's times with another's.

use super::{Ratio, ratio_within_rounds};
use crate::results::{Companion, Contender, Figure, Reason, Results, Role, Time};

/// What a program does while it is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regime {
    /// It starts: fresh zeroed pages, with page faults in the time.
    Fresh,
    /// It runs on: the trace is looped on one heap until times and footprint settle, and the last loops are timed.
    Steady,
    /// It has a rewound heap, whose pages an earlier replay paid for: only in results of schema 3. No program has such
    /// a heap, so tables, charts, means and ranks leave it out. `replay compare` still compares two old results by it.
    Rewound,
}

impl Regime {
    /// The regimes that conclusions are drawn from, in the order of tables.
    pub const ALL: [Regime; 2] = [Regime::Fresh, Regime::Steady];

    /// These and the regime of old results.
    pub const EVERY: [Regime; 3] = [Regime::Fresh, Regime::Steady, Regime::Rewound];

    /// `fresh`, `steady` or `rewound`.
    pub fn name(self) -> &'static str {
        match self {
            Regime::Fresh => "fresh",
            Regime::Steady => "steady",
            Regime::Rewound => "rewound",
        }
    }

    /// A contender's samples in this regime, in ns of wall time, one per round.
    pub fn samples(self, time: &Time) -> &[u64] {
        match self {
            Regime::Fresh => &time.fresh_ns,
            Regime::Steady => &time.steady_ns,
            Regime::Rewound => &time.rewound_ns,
        }
    }

    /// The same samples in ns of the thread's own clock. Empty if the system has no such clock, and in old results.
    pub fn processor_samples(self, time: &Time) -> &[u64] {
        match self {
            Regime::Fresh => &time.fresh_processor_ns,
            Regime::Steady => &time.steady_processor_ns,
            Regime::Rewound => &[],
        }
    }

    /// Why a contender that was timed has no samples in this regime, as far as its results say.
    pub(crate) fn why_none(self, time: &Time) -> Reason {
        match (self, &time.no_steady) {
            (Regime::Steady, Some(reason)) => reason.clone(),
            (Regime::Rewound, _) => Reason::NoRewoundTimes,
            _ => Reason::NoRoundTimed,
        }
    }

    fn companion_samples(self, companion: &Companion) -> &[u64] {
        match self {
            Regime::Fresh => &companion.fresh_ns,
            Regime::Steady => &companion.steady_ns,
            Regime::Rewound => &companion.rewound_ns,
        }
    }
}

/// The samples of a contender and those of `other` from the same rounds: as many as both have.
///
/// These are the first rounds, because a contender that was ended early has no later ones. If the contender's row lists
/// companions, `other` is looked up only among them: the other rows then come from other runs.
///
/// Unknown, with the reason, if either was not timed, or `other` is missing.
///
/// ```
/// use heaprace_reports::results::{Figure, Results};
/// use heaprace_reports::stats::{Regime, rounds_beside};
///
/// /// The speed-ups over dlmalloc, round by round.
/// fn speed_ups(results: &Results, name: &str) -> Vec<f64> {
///     let row = results.contenders.iter().find(|row| row.name == name).expect("it takes part");
///     match rounds_beside(results, row, "dlmalloc", Regime::Steady) {
///         Figure::Known((ours, theirs)) => {
///             ours.iter().zip(theirs).map(|(&ours, &theirs)| theirs as f64 / ours as f64).collect()
///         }
///         Figure::Unknown { .. } => Vec::new(),
///     }
/// }
/// ```
pub fn rounds_beside<'r>(
    results: &'r Results,
    contender: &'r Contender,
    other: &str,
    regime: Regime,
) -> Figure<(&'r [u64], &'r [u64])> {
    let time = match &contender.time {
        Figure::Known(time) => time,
        Figure::Unknown { unknown } => return Figure::unknown(unknown),
    };
    let ours = regime.samples(time);
    if ours.is_empty() {
        return Figure::unknown(regime.why_none(time));
    }
    let theirs = if contender.name == other {
        ours
    } else if !time.companions.is_empty() {
        match time.companions.iter().find(|companion| companion.name == other) {
            Some(companion) => regime.companion_samples(companion),
            None => return Figure::unknown(Reason::OtherRounds { other: other.to_owned() }),
        }
    } else {
        match results.contenders.iter().find(|row| row.name == other).map(|row| &row.time) {
            Some(Figure::Known(time)) if !time.companions.is_empty() => {
                return Figure::unknown(Reason::OtherRounds { other: other.to_owned() });
            }
            Some(Figure::Known(time)) => match regime.samples(time) {
                [] => return Figure::unknown(format!("{other}: {}", regime.why_none(time))),
                theirs => theirs,
            },
            Some(Figure::Unknown { unknown }) => {
                return Figure::unknown(Reason::NoTimings { other: other.to_owned(), why: unknown.to_string() });
            }
            None => return Figure::unknown(Reason::NotTakingPart { other: other.to_owned() }),
        }
    };
    let rounds = ours.len().min(theirs.len());
    if rounds == 0 {
        return Figure::unknown(Reason::NoRoundTimed);
    }
    Figure::Known((&ours[..rounds], &theirs[..rounds]))
}

/// The time of a contender over that of `other`, formed within the rounds that both have: see [`rounds_beside`].
///
/// In results merged from several runs, `other` may be missing from the contender's run, although the contender is a
/// companion in the run of `other`. The ratio is then formed in the rounds of `other`.
pub fn ratio_beside(results: &Results, contender: &Contender, other: &str, regime: Regime) -> Figure<Ratio> {
    match rounds_of_either(results, contender, other, regime) {
        Figure::Known((ours, theirs)) => ratio_within_rounds(ours, theirs),
        Figure::Unknown { unknown } => Figure::unknown(unknown),
    }
}

/// The number of rounds that the ratio of the two is formed over.
pub(crate) fn rounds_in_common(results: &Results, contender: &Contender, other: &str, regime: Regime) -> Figure<usize> {
    match rounds_of_either(results, contender, other, regime) {
        Figure::Known((ours, _)) => Figure::Known(ours.len()),
        Figure::Unknown { unknown } => Figure::unknown(unknown),
    }
}

/// The samples of both, from rounds of the contender's run or else of the other's run.
fn rounds_of_either<'r>(
    results: &'r Results,
    contender: &'r Contender,
    other: &str,
    regime: Regime,
) -> Figure<(&'r [u64], &'r [u64])> {
    let found = rounds_beside(results, contender, other, regime);
    if found.known().is_some() || contender.time.known().is_none() {
        return found;
    }
    let Some(other) = results.contenders.iter().find(|row| row.name == other) else { return found };
    match rounds_beside(results, other, &contender.name, regime) {
        Figure::Known((theirs, ours)) => Figure::Known((ours, theirs)),
        Figure::Unknown { .. } => found,
    }
}

/// Whether these contenders were timed in one run, so that their medians are of the same rounds. Rows of several runs
/// have companions instead.
pub(crate) fn of_one_run<'a>(mut contenders: impl Iterator<Item = &'a Contender>) -> bool {
    contenders.all(|contender| contender.time.known().is_none_or(|time| time.companions.is_empty()))
}

/// The row of the harness itself, if it takes part.
pub fn floor(results: &Results) -> Option<&Contender> {
    results.contenders.iter().find(|row| row.role == Role::Floor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, contender};
    use crate::stats::Verdict;

    fn timed(name: &str, fresh_ns: &[u64], companions: &[(&str, &[u64])]) -> Contender {
        let companions = companions.iter().map(|&(name, fresh_ns)| Companion {
            name: name.into(),
            fresh_ns: fresh_ns.into(),
            steady_ns: fresh_ns.iter().map(|ns| ns + 1).collect(),
            ..Companion::default()
        });
        let time = Time {
            ops: 10,
            fresh_ns: fresh_ns.into(),
            steady_ns: fresh_ns.iter().map(|ns| ns + 1).collect(),
            companions: companions.collect(),
            ..Time::default()
        };
        Contender { time: Figure::Known(time), ..contender(name).build() }
    }

    fn pair<'r>(results: &'r Results, row: usize, other: &str, steady: bool) -> Figure<(&'r [u64], &'r [u64])> {
        let regime = if steady { Regime::Steady } else { Regime::Fresh };
        rounds_beside(results, &results.contenders[row], other, regime)
    }

    #[test]
    fn samples_of_the_same_rounds_are_paired() {
        let mut results = sample::empty();
        results.contenders =
            vec![timed("a", &[1, 2, 3], &[]), timed("ended-early", &[7, 8], &[]), timed("never", &[], &[])];
        assert_eq!(pair(&results, 0, "ended-early", false), Figure::Known((&[1, 2][..], &[7, 8][..])));
        assert_eq!(pair(&results, 1, "a", true), Figure::Known((&[8, 9][..], &[2, 3][..])));
        assert_eq!(pair(&results, 0, "a", false), Figure::Known((&[1, 2, 3][..], &[1, 2, 3][..])));
        assert_eq!(pair(&results, 0, "never", false), Figure::unknown("never: no round was timed"));
        assert_eq!(pair(&results, 2, "a", false), Figure::unknown("no round was timed"));
        assert_eq!(pair(&results, 0, "nobody", false), Figure::unknown("nobody does not take part"));
    }

    /// A contender that does not settle has no steady time; a contender of an old run has a rewound time instead.
    #[test]
    fn missing_samples_have_their_reason() {
        let mut results = sample::empty();
        results.contenders = vec![timed("a", &[1], &[]), timed("grows", &[1], &[])];
        let Figure::Known(time) = &mut results.contenders[1].time else { unreachable!() };
        (time.steady_ns, time.no_steady) = (Vec::new(), Some("its heap was full".into()));
        assert_eq!(pair(&results, 1, "a", true), Figure::unknown("its heap was full"));
        assert_eq!(pair(&results, 0, "grows", true), Figure::unknown("grows: its heap was full"));
        assert!(pair(&results, 1, "a", false).known().is_some(), "fresh times are not affected");
        let steady = crate::stats::gross_ns_per_op(&results.contenders[1], Regime::Steady);
        assert_eq!(steady, Figure::unknown("its heap was full"));
        let rewound = |results: &Results| {
            let found = rounds_beside(results, &results.contenders[0], "grows", Regime::Rewound);
            match found {
                Figure::Known((ours, theirs)) => Ok((ours.to_vec(), theirs.to_vec())),
                Figure::Unknown { unknown } => Err(unknown.to_string()),
            }
        };
        assert_eq!(rewound(&results), Err("only results of schemas 1 to 3 have times of rewound heaps".to_owned()));
        for row in &mut results.contenders {
            let Figure::Known(time) = &mut row.time else { unreachable!() };
            time.rewound_ns = vec![7];
        }
        assert_eq!(rewound(&results), Ok((vec![7], vec![7])));
    }

    #[test]
    fn a_contender_that_was_not_timed_has_its_reason() {
        let mut results = sample::empty();
        results.contenders = vec![timed("a", &[1], &[]), contender("b").without_time("failed").build()];
        assert_eq!(pair(&results, 0, "b", false), Figure::unknown("b has no timings: failed"));
        assert_eq!(pair(&results, 1, "a", false), Figure::unknown("failed"));
    }

    /// Results of two runs: dlmalloc's row is of the first, and the second has a dlmalloc of its own as talc's
    /// companion.
    #[test]
    fn companions_come_before_rows_of_other_runs() {
        let mut results = sample::empty();
        results.contenders = vec![
            timed("dlmalloc", &[10, 10], &[("null", &[1, 1])]),
            timed("talc", &[30, 30], &[("dlmalloc", &[20, 40]), ("null", &[3, 3])]),
            timed("here", &[5, 5], &[]),
        ];
        assert_eq!(pair(&results, 1, "dlmalloc", false), Figure::Known((&[30, 30][..], &[20, 40][..])));
        assert_eq!(pair(&results, 1, "null", true), Figure::Known((&[31, 31][..], &[4, 4][..])));
        let apart = |other: &str| Figure::unknown(format!("{other} did not run in the same rounds"));
        assert_eq!(pair(&results, 1, "here", false), apart("here"), "it is a row, but not a companion");
        assert_eq!(pair(&results, 2, "talc", false), apart("talc"), "nor the other way round");
        assert_eq!(pair(&results, 0, "dlmalloc", false), Figure::Known((&[10, 10][..], &[10, 10][..])));
    }

    /// talc's run has dlmalloc as a companion, and dlmalloc's run has no talc.
    #[test]
    fn a_ratio_can_come_from_the_other_s_run() {
        let mut results = sample::empty();
        results.contenders = vec![
            timed("dlmalloc", &[10, 10], &[("null", &[1, 1])]),
            timed("talc", &[30, 30, 30], &[("dlmalloc", &[60, 60, 60])]),
            timed("mimalloc", &[5, 5], &[("null", &[1, 1])]),
            contender("failed").without_time("failed").build(),
        ];
        let of = |row: usize, other: &str| {
            let ratio = ratio_beside(&results, &results.contenders[row], other, Regime::Fresh);
            let rounds = rounds_in_common(&results, &results.contenders[row], other, Regime::Fresh);
            match (ratio, rounds) {
                (Figure::Known(ratio), Figure::Known(rounds)) => Ok((ratio.estimate.value, rounds)),
                (ratio, rounds) => {
                    assert!(rounds.known().is_none());
                    Err(ratio)
                }
            }
        };
        assert_eq!(of(1, "dlmalloc"), Ok((0.5, 3)));
        assert_eq!(of(0, "talc"), Ok((2.0, 3)), "the other way round, and not with dlmalloc's own 10");
        assert_eq!(of(2, "talc"), Err(Figure::unknown("talc did not run in the same rounds")));
        assert_eq!(of(3, "talc"), Err(Figure::unknown("failed")));
    }

    #[test]
    fn a_ratio_uses_the_rounds_that_both_have() {
        let mut results = sample::empty();
        results.contenders = vec![
            timed("a", &[11, 22, 33, 44, 55, 66, 1, 1], &[]),
            timed("b", &[10, 20, 30, 40, 50, 60], &[]),
            contender("null").role(Role::Floor).build(),
        ];
        let ratio = ratio_beside(&results, &results.contenders[0], "b", Regime::Fresh);
        let ratio = ratio.known().unwrap();
        assert!((ratio.estimate.value - 1.1).abs() < 1e-12, "{ratio:?}");
        assert_eq!(ratio.verdict, Verdict::Slower);
        assert_eq!(floor(&results).map(|row| row.name.as_str()), Some("null"));
        assert_eq!(Regime::EVERY.map(Regime::name), ["fresh", "steady", "rewound"]);
        assert_eq!(Regime::EVERY[..2], Regime::ALL);
    }
}
