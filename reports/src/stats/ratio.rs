//! A contender's time over another's, round by round.

use super::{Estimate, Interval, ROUNDS_FOR_95, estimate_median};
use crate::results::Figure;

/// The time of a contender over that of another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The median over the rounds; below 1 the contender is faster than the other.
    pub estimate: Estimate,
    /// What the interval says.
    pub verdict: Verdict,
}

/// The verdict of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The whole interval is below 1.
    Faster,
    /// The whole interval is above 1.
    Slower,
    /// The interval contains 1, or does not reach 95 %: that needs [`ROUNDS_FOR_95`] rounds.
    Inconclusive,
}

impl Verdict {
    /// The verdict of a 95 % interval of a ratio, if there is one.
    pub(crate) fn of(interval: Option<Interval>) -> Self {
        match interval {
            Some(interval) if interval.high < 1.0 => Verdict::Faster,
            Some(interval) if interval.low > 1.0 => Verdict::Slower,
            _ => Verdict::Inconclusive,
        }
    }
}

/// The ratio of `times` to `reference`, formed within each round, with the 95 % interval of [`estimate_median`] over
/// the rounds.
///
/// Samples with the same index belong to the same round: what slows a round down slows both, and cancels out. A ratio
/// of two medians does not have this property. A contender with fewer samples was ended early, and its samples are
/// those of the first rounds: later rounds of the other have no partner and are left out. Unknown without a pair, or if
/// a replay of the reference took no time at all.
///
/// ```
/// use heaprace_reports::stats::{Verdict, ratio_within_rounds};
///
/// // The machine became three times slower during the run; the ratio stays.
/// let ours = [100, 101, 200, 202, 300, 303];
/// let theirs = [125, 126, 250, 253, 375, 378];
/// let ratio = ratio_within_rounds(&ours, &theirs);
/// assert_eq!(ratio.known().map(|ratio| ratio.verdict), Some(Verdict::Faster));
/// ```
pub fn ratio_within_rounds(times: &[u64], reference: &[u64]) -> Figure<Ratio> {
    let rounds = times.len().min(reference.len());
    let (times, reference) = (&times[..rounds], &reference[..rounds]);
    if reference.contains(&0) {
        return Figure::unknown("a replay of the reference took no time that the clock could see");
    }
    let ratios: Vec<f64> = times.iter().zip(reference).map(|(&time, &other)| time as f64 / other as f64).collect();
    match estimate_median(&ratios) {
        Some(estimate) => {
            let verdict = Verdict::of(estimate.interval.filter(|_| rounds >= ROUNDS_FOR_95));
            Figure::Known(Ratio { estimate, verdict })
        }
        None => Figure::unknown("no round was timed"),
    }
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;

    /// Seven rounds with ratios 0.5, 0.6, …, 1.1 in another order, on a machine that keeps getting slower. With seven
    /// samples the interval starts 73 % of the way between the smallest and the second smallest (see `median`).
    #[test]
    fn is_formed_within_the_round() {
        let reference = [10, 20, 30, 40, 50, 60, 70];
        let times = [8, 10, 27, 44, 30, 60, 49];
        let ratio = *ratio_within_rounds(&times, &reference).known().unwrap();
        assert_eq!(ratio.estimate.value, 0.8);
        let Interval { low, high } = ratio.estimate.interval.unwrap();
        assert!((low - 0.573_333).abs() < 1e-6 && (high - 1.026_667).abs() < 1e-6, "{ratio:?}");
        assert_eq!(ratio.verdict, Verdict::Inconclusive);
        // A ratio of the medians would be 30 / 40.
    }

    #[test]
    fn verdicts() {
        let reference = [100; 7];
        let of = |times: [u64; 7]| ratio_within_rounds(&times, &reference).known().unwrap().verdict;
        assert_eq!(of([90, 91, 92, 93, 94, 95, 105]), Verdict::Faster);
        assert_eq!(of([95, 105, 105, 105, 105, 105, 106]), Verdict::Slower);
        assert_eq!(of([90, 91, 92, 93, 94, 95, 130]), Verdict::Inconclusive, "130 is a quarter of its upper end");
        assert_eq!(of([100, 100, 101, 102, 103, 104, 105]), Verdict::Inconclusive, "the interval begins at 1");
    }

    /// Times on a machine that is slow in one round and fast in the next, and that disturbs a replay now and then,
    /// which only slows it down.
    fn noisy(rng: &mut Rng, round_ns: u64, slowdown: f64) -> u64 {
        let jitter = f64::from(rng.u8(..20)) / 1000.0;
        let disturbed = if rng.u8(..10) == 0 { 0.2 } else { 0.0 };
        (round_ns as f64 * slowdown * (1.0 + jitter + disturbed)) as u64
    }

    /// The verdicts of `runs` runs for a contender that takes `slowdown` times as long as its reference.
    fn verdicts_of(slowdown: f64, runs: u64, rounds: usize) -> Vec<Verdict> {
        let run = |seed| {
            let mut rng = Rng::with_seed(seed);
            let machine: Vec<u64> = (0..rounds).map(|_| 10_000_000 + 1000 * rng.u64(..5000)).collect();
            let times: Vec<u64> = machine.iter().map(|&ns| noisy(&mut rng, ns, slowdown)).collect();
            let reference: Vec<u64> = machine.iter().map(|&ns| noisy(&mut rng, ns, 1.0)).collect();
            ratio_within_rounds(&times, &reference).known().unwrap().verdict
        };
        (1..=runs).map(run).collect()
    }

    fn share(verdicts: &[Verdict], wanted: Verdict) -> f64 {
        verdicts.iter().filter(|&&verdict| verdict == wanted).count() as f64 / verdicts.len() as f64
    }

    /// The same contender under two names: a 95 % interval may be wrong in one run of twenty, and no more often. Three
    /// standard deviations of a share of 5 % in 200 runs are 4.6 %.
    #[test]
    fn equal_contenders_get_no_verdict() {
        let verdicts = verdicts_of(1.0, 200, 15);
        let inconclusive = share(&verdicts, Verdict::Inconclusive);
        assert!(
            (0.904..1.0).contains(&inconclusive),
            "inconclusive in {inconclusive}, but a 95 % interval is sometimes wrong"
        );
        let twenty = &verdicts[..20];
        assert!(share(twenty, Verdict::Inconclusive) >= 0.9, "at least 18 of 20");
    }

    #[test]
    fn a_slowdown_of_5_percent_is_found_in_30_rounds() {
        assert!(share(&verdicts_of(1.05, 20, 30), Verdict::Slower) >= 0.95);
        assert!(share(&verdicts_of(1.0 / 1.05, 20, 30), Verdict::Faster) >= 0.95);
    }

    #[test]
    fn a_missing_ratio_has_its_reason() {
        assert_eq!(ratio_within_rounds(&[], &[]), Figure::unknown("no round was timed"));
        assert_eq!(ratio_within_rounds(&[1, 2], &[]), Figure::unknown("no round was timed"));
        assert!(matches!(ratio_within_rounds(&[1], &[0]), Figure::Unknown { .. }));
        // Samples beyond the common rounds do not count, not even faulty ones.
        assert_eq!(ratio_within_rounds(&[3, 9], &[2]), ratio_within_rounds(&[3], &[2, 0]));
        let single = *ratio_within_rounds(&[1], &[2]).known().unwrap();
        assert_eq!(single.estimate, Estimate { value: 0.5, interval: None });
        assert_eq!(single.verdict, Verdict::Inconclusive, "one round is too few");
        let of = |rounds: usize| *ratio_within_rounds(&[1; 6][..rounds], &[2; 6]).known().unwrap();
        assert_eq!(of(5).estimate.interval, Some(Interval { low: 0.5, high: 0.5 }), "the range of the samples");
        assert_eq!([5, 6].map(|rounds| of(rounds).verdict), [Verdict::Inconclusive, Verdict::Faster]);
    }
}
