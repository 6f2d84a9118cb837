//! The same contender in two runs, whose rounds have nothing to do with each other.

use super::bootstrap::{median_in_place, percentile_interval};
use super::ratio::verdict;
use super::rng::SplitMix64;
use super::{Estimate, RESAMPLES, Ratio, median};
use crate::results::Figure;

/// The ratio of the median of `new` to that of `old`, with a 95 % bootstrap interval for which both are drawn anew, each on its own: rounds
/// of two runs are not pairs.
///
/// What the interval cannot see is what differs between the runs as a whole: the machine, its temperature, where the linker put the
/// functions. No interval where either has a single sample; unknown where one has none, or the old median is 0.
///
/// ```
/// use reports::stats::{Verdict, ratio_of_medians};
///
/// let old = [20.1, 20.3, 20.2, 20.0, 20.4, 20.2, 20.1];
/// let new = [22.3, 22.1, 22.4, 22.2, 22.0, 22.3, 25.9];
/// let ratio = ratio_of_medians(&new, &old, 1);
/// assert_eq!(ratio.known().map(|ratio| ratio.verdict), Some(Verdict::Slower));
/// ```
pub fn ratio_of_medians(new: &[f64], old: &[f64], seed: u64) -> Figure<Ratio> {
    let (Some(above), Some(below)) = (median(new), median(old)) else { return Figure::unknown("no round was timed") };
    // Samples are not negative, so that no resample's median is 0 unless a sample is.
    if old.iter().any(|&sample| sample <= 0.0) {
        return Figure::unknown("a replay of the old run took no time that the clock could see");
    }
    let interval = (new.len() > 1 && old.len() > 1).then(|| {
        let mut rng = SplitMix64::new(seed);
        let (mut news, mut olds) = (vec![0.0; new.len()], vec![0.0; old.len()]);
        let draw = |_| {
            news.fill_with(|| new[rng.index(new.len())]);
            olds.fill_with(|| old[rng.index(old.len())]);
            median_in_place(&mut news) / median_in_place(&mut olds)
        };
        percentile_interval((0..RESAMPLES).map(draw).collect())
    });
    let estimate = Estimate { value: above / below, interval };
    Figure::Known(Ratio { estimate, verdict: verdict(&estimate) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Interval, Verdict, estimate_median};

    fn ratio(new: &[f64], old: &[f64]) -> Ratio {
        *ratio_of_medians(new, old, 3).known().unwrap()
    }

    /// With an old run that never varies, all that is left is the interval of the new one's median, whose ends are known.
    #[test]
    fn a_steady_old_run_leaves_the_interval_of_the_new_one() {
        let new: Vec<f64> = (1..=11).map(f64::from).collect();
        let found = ratio(&new, &[2.0; 5]).estimate;
        assert_eq!(found, Estimate { value: 3.0, interval: Some(Interval { low: 1.5, high: 4.5 }) });
        assert_eq!(estimate_median(&new, 3).unwrap().interval, Some(Interval { low: 3.0, high: 9.0 }));
        let found = ratio(&[12.0; 3], &new).estimate;
        assert_eq!(found.interval, Some(Interval { low: 12.0 / 9.0, high: 4.0 }), "the other way round");
    }

    /// Both vary: the interval is wider than that of either alone, and it does not matter in which order the rounds were.
    #[test]
    fn both_runs_spread() {
        let new: Vec<f64> = (90..=110).map(f64::from).collect();
        let mut backwards = new.clone();
        backwards.reverse();
        let width = |ratio: Ratio| {
            let interval = ratio.estimate.interval.unwrap();
            interval.high - interval.low
        };
        let one = width(ratio(&new, &[100.0; 21]));
        let both = width(ratio(&new, &new));
        assert!(both > 1.2 * one && both < 1.7 * one, "{both} and {one}: about √2 times");
        assert!((both - width(ratio(&backwards, &new))).abs() < 0.02);
        assert_eq!(ratio(&new, &new).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn verdicts_and_reasons() {
        let old = [100.0, 101.0, 99.0, 100.5, 99.5, 100.2, 99.8];
        let times = |factor: f64| old.map(|sample| sample * factor);
        assert_eq!(ratio(&times(1.1), &old).verdict, Verdict::Slower);
        assert_eq!(ratio(&times(0.9), &old).verdict, Verdict::Faster);
        assert_eq!(ratio(&times(1.001), &old).verdict, Verdict::Inconclusive);
        assert_eq!(ratio(&[3.0], &old).estimate.interval, None, "one sample says nothing of its spread");
        assert_eq!(ratio_of_medians(&[], &old, 1), Figure::unknown("no round was timed"));
        assert_eq!(ratio_of_medians(&old, &[], 1), Figure::unknown("no round was timed"));
        assert!(matches!(ratio_of_medians(&old, &[0.0, 1.0, 1.0], 1), Figure::Unknown { .. }));
    }
}
