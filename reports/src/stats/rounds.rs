//! Which samples belong to the same rounds: the one place where a contender's times are put beside another's.

use super::{Ratio, ratio_within_rounds};
use crate::results::{Companion, Contender, Figure, Results, Role, Time};

/// What the pages of a timed replay are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temperature {
    /// Fresh and zeroed: page faults are part of the time.
    Cold,
    /// Resident already.
    Warm,
}

impl Temperature {
    /// Both, in the order of the tables.
    pub const ALL: [Temperature; 2] = [Temperature::Cold, Temperature::Warm];

    /// `cold` or `warm`.
    pub fn name(self) -> &'static str {
        match self {
            Temperature::Cold => "cold",
            Temperature::Warm => "warm",
        }
    }

    /// A contender's samples of this kind, one a round.
    pub fn samples(self, time: &Time) -> &[u64] {
        match self {
            Temperature::Cold => &time.cold_ns,
            Temperature::Warm => &time.warm_ns,
        }
    }

    fn companion_samples(self, companion: &Companion) -> &[u64] {
        match self {
            Temperature::Cold => &companion.cold_ns,
            Temperature::Warm => &companion.warm_ns,
        }
    }
}

/// The samples of a contender, and those of the one called `other` from the same rounds: equally many of both, as many as both have.
///
/// These are the first rounds, as a contender that was ended early has no later ones. Where the contender's row names its companions,
/// `other` is looked for among them and nowhere else: the rounds of the other rows are rounds of another run then.
///
/// Unknown, with the reason, where either was not timed, or `other` was not there.
///
/// ```
/// use reports::results::{Figure, Results};
/// use reports::stats::{Temperature, rounds_beside};
///
/// /// How much faster than dlmalloc, round by round.
/// fn speed_ups(results: &Results, name: &str) -> Vec<f64> {
///     let row = results.contenders.iter().find(|row| row.name == name).expect("it takes part");
///     match rounds_beside(results, row, "dlmalloc", Temperature::Warm) {
///         Figure::Known((ours, theirs)) => ours.iter().zip(theirs).map(|(&ours, &theirs)| theirs as f64 / ours as f64).collect(),
///         Figure::Unknown { .. } => Vec::new(),
///     }
/// }
/// ```
pub fn rounds_beside<'r>(
    results: &'r Results,
    contender: &'r Contender,
    other: &str,
    temperature: Temperature,
) -> Figure<(&'r [u64], &'r [u64])> {
    let time = match &contender.time {
        Figure::Known(time) => time,
        Figure::Unknown { unknown } => return Figure::unknown(unknown),
    };
    let ours = temperature.samples(time);
    let theirs = if contender.name == other {
        ours
    } else if !time.companions.is_empty() {
        match time.companions.iter().find(|companion| companion.name == other) {
            Some(companion) => temperature.companion_samples(companion),
            None => return Figure::unknown(format!("{other} did not run in the same rounds")),
        }
    } else {
        match results.contenders.iter().find(|row| row.name == other).map(|row| &row.time) {
            Some(Figure::Known(time)) if !time.companions.is_empty() => {
                return Figure::unknown(format!("{other} did not run in the same rounds"));
            }
            Some(Figure::Known(time)) => temperature.samples(time),
            Some(Figure::Unknown { unknown }) => {
                return Figure::unknown(format!("{other} has no timings: {unknown}"));
            }
            None => return Figure::unknown(format!("{other} does not take part")),
        }
    };
    let rounds = ours.len().min(theirs.len());
    if rounds == 0 {
        return Figure::unknown("no round was timed");
    }
    Figure::Known((&ours[..rounds], &theirs[..rounds]))
}

/// How many times as long a contender takes as the one called `other`, formed within the rounds that both have: see [`rounds_beside`].
///
/// In results of several runs `other` may not have been there where the contender was timed, and yet have had the contender beside it. Then the
/// rounds are those of `other`.
pub fn ratio_beside(results: &Results, contender: &Contender, other: &str, temperature: Temperature) -> Figure<Ratio> {
    match rounds_of_either(results, contender, other, temperature) {
        Figure::Known((ours, theirs)) => ratio_within_rounds(ours, theirs, results.settings.seed),
        Figure::Unknown { unknown } => Figure::unknown(unknown),
    }
}

/// How many rounds the ratio of the two would be formed of.
pub(crate) fn rounds_in_common(
    results: &Results,
    contender: &Contender,
    other: &str,
    temperature: Temperature,
) -> Figure<usize> {
    match rounds_of_either(results, contender, other, temperature) {
        Figure::Known((ours, _)) => Figure::Known(ours.len()),
        Figure::Unknown { unknown } => Figure::unknown(unknown),
    }
}

/// The samples of a contender and of the other, of rounds of the contender's run or else of the other's.
fn rounds_of_either<'r>(
    results: &'r Results,
    contender: &'r Contender,
    other: &str,
    temperature: Temperature,
) -> Figure<(&'r [u64], &'r [u64])> {
    let found = rounds_beside(results, contender, other, temperature);
    if found.known().is_some() || contender.time.known().is_none() {
        return found;
    }
    let Some(other) = results.contenders.iter().find(|row| row.name == other) else { return found };
    match rounds_beside(results, other, &contender.name, temperature) {
        Figure::Known((theirs, ours)) => Figure::Known((ours, theirs)),
        Figure::Unknown { .. } => found,
    }
}

/// Whether these were timed in one run, so that their medians are of the same rounds. Rows of several runs have companions instead.
pub(crate) fn of_one_run<'a>(mut contenders: impl Iterator<Item = &'a Contender>) -> bool {
    contenders.all(|contender| contender.time.known().is_none_or(|time| time.companions.is_empty()))
}

/// The row of the harness itself, where it takes part.
pub fn floor(results: &Results) -> Option<&Contender> {
    results.contenders.iter().find(|row| row.role == Role::Floor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, contender};
    use crate::stats::Verdict;

    fn timed(name: &str, cold_ns: &[u64], companions: &[(&str, &[u64])]) -> Contender {
        let companions = companions.iter().map(|&(name, cold_ns)| Companion {
            name: name.into(),
            cold_ns: cold_ns.into(),
            warm_ns: cold_ns.iter().map(|ns| ns + 1).collect(),
        });
        let time = Time {
            ops: 10,
            cold_ns: cold_ns.into(),
            warm_ns: cold_ns.iter().map(|ns| ns + 1).collect(),
            companions: companions.collect(),
        };
        Contender { time: Figure::Known(time), ..contender(name).build() }
    }

    fn pair<'r>(results: &'r Results, row: usize, other: &str, warm: bool) -> Figure<(&'r [u64], &'r [u64])> {
        let temperature = if warm { Temperature::Warm } else { Temperature::Cold };
        rounds_beside(results, &results.contenders[row], other, temperature)
    }

    #[test]
    fn samples_of_the_same_rounds_stand_beside_each_other() {
        let mut results = sample::empty();
        results.contenders =
            vec![timed("a", &[1, 2, 3], &[]), timed("ended-early", &[7, 8], &[]), timed("never", &[], &[])];
        assert_eq!(pair(&results, 0, "ended-early", false), Figure::Known((&[1, 2][..], &[7, 8][..])));
        assert_eq!(pair(&results, 1, "a", true), Figure::Known((&[8, 9][..], &[2, 3][..])));
        assert_eq!(pair(&results, 0, "a", false), Figure::Known((&[1, 2, 3][..], &[1, 2, 3][..])));
        assert_eq!(pair(&results, 0, "never", false), Figure::unknown("no round was timed"));
        assert_eq!(pair(&results, 0, "nobody", false), Figure::unknown("nobody does not take part"));
    }

    #[test]
    fn who_has_no_time_says_why() {
        let mut results = sample::empty();
        results.contenders = vec![timed("a", &[1], &[]), contender("b").without_time("failed").build()];
        assert_eq!(pair(&results, 0, "b", false), Figure::unknown("b has no timings: failed"));
        assert_eq!(pair(&results, 1, "a", false), Figure::unknown("failed"));
    }

    /// Results of two runs: dlmalloc's row is of the first, and the second had a dlmalloc of its own beside talc.
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

    /// talc's run had dlmalloc beside it, and dlmalloc's run had no talc.
    #[test]
    fn a_ratio_may_be_of_the_other_s_run() {
        let mut results = sample::empty();
        results.contenders = vec![
            timed("dlmalloc", &[10, 10], &[("null", &[1, 1])]),
            timed("talc", &[30, 30, 30], &[("dlmalloc", &[60, 60, 60])]),
            timed("mimalloc", &[5, 5], &[("null", &[1, 1])]),
            contender("failed").without_time("failed").build(),
        ];
        let of = |row: usize, other: &str| {
            let ratio = ratio_beside(&results, &results.contenders[row], other, Temperature::Cold);
            let rounds = rounds_in_common(&results, &results.contenders[row], other, Temperature::Cold);
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
    fn a_ratio_is_of_the_rounds_that_both_have() {
        let mut results = sample::empty();
        results.contenders = vec![
            timed("a", &[11, 22, 33, 44, 55, 66, 1, 1], &[]),
            timed("b", &[10, 20, 30, 40, 50, 60], &[]),
            contender("null").role(Role::Floor).build(),
        ];
        let ratio = ratio_beside(&results, &results.contenders[0], "b", Temperature::Cold);
        let ratio = ratio.known().unwrap();
        assert!((ratio.estimate.value - 1.1).abs() < 1e-12, "{ratio:?}");
        assert_eq!(ratio.verdict, Verdict::Slower);
        assert_eq!(floor(&results).map(|row| row.name.as_str()), Some("null"));
        assert_eq!(Temperature::ALL.map(Temperature::name), ["cold", "warm"]);
    }
}
