//! The median of some samples, and how far it can be trusted.

use super::rng::SplitMix64;
use super::{Estimate, Interval};

/// Resamples of a bootstrap: with so many, its own noise moves an end of the interval by much less than the interval is wide.
pub const RESAMPLES: usize = 10_000;

/// Resamples that lie outside the interval on either side: 2.5 %.
const OUTSIDE: usize = RESAMPLES / 40;

/// The median: the middle sample, or the mean of the two middle ones. `None` of nothing.
///
/// ```
/// use reports::stats::median;
///
/// assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
/// assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
/// assert_eq!(median(&[]), None);
/// ```
pub fn median(samples: &[f64]) -> Option<f64> {
    if samples.is_empty() { None } else { Some(median_in_place(&mut samples.to_vec())) }
}

/// How far apart the quartiles are: the width of the middle half of the samples. `None` of fewer than four, which have no quarters.
///
/// A quartile is the sample at that share of the way from the smallest to the largest, or between the two that it falls between (Hyndman
/// and Fan 1996, definition 7).
///
/// ```
/// use reports::stats::spread;
///
/// assert_eq!(spread(&[1.0, 2.0, 3.0, 4.0, 900.0]), Some(2.0));
/// assert_eq!(spread(&[1.0, 2.0, 3.0]), None);
/// ```
pub fn spread(samples: &[f64]) -> Option<f64> {
    if samples.len() < 4 {
        return None;
    }
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        let place = share * (sorted.len() - 1) as f64;
        let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
        below + (above - below) * place.fract()
    };
    Some(at(0.75) - at(0.25))
}

/// The median of some samples, with a 95 % percentile bootstrap interval of [`RESAMPLES`] resamples.
///
/// The same samples and seed always give the same interval. `None` of nothing; no interval of a single sample.
///
/// ```
/// use reports::stats::estimate_median;
///
/// let estimate = estimate_median(&[18.2, 18.9, 18.5, 18.4, 21.0, 18.6, 18.5], 42).expect("there are samples");
/// let interval = estimate.interval.expect("there are several samples");
/// assert_eq!(estimate.value, 18.5);
/// assert_eq!((interval.low, interval.high), (18.4, 18.9));
/// ```
pub fn estimate_median(samples: &[f64], seed: u64) -> Option<Estimate> {
    let value = median(samples)?;
    let interval = (samples.len() > 1).then(|| percentile_interval(resampled_medians(samples, seed)));
    Some(Estimate { value, interval })
}

/// The interval that holds the middle 95 % of the [`RESAMPLES`] figures of a bootstrap.
pub(super) fn percentile_interval(mut resampled: Vec<f64>) -> Interval {
    resampled.sort_unstable_by(f64::total_cmp);
    Interval { low: resampled[OUTSIDE], high: resampled[RESAMPLES - 1 - OUTSIDE] }
}

/// The medians of [`RESAMPLES`] samples, each drawn with replacement and as many as there are.
fn resampled_medians(samples: &[f64], seed: u64) -> Vec<f64> {
    let mut rng = SplitMix64::new(seed);
    let mut resample = vec![0.0; samples.len()];
    let draw = |_| {
        resample.fill_with(|| samples[rng.index(samples.len())]);
        median_in_place(&mut resample)
    };
    (0..RESAMPLES).map(draw).collect()
}

/// The median of at least one sample, which are reordered.
pub(super) fn median_in_place(samples: &mut [f64]) -> f64 {
    let middle = samples.len() / 2;
    let odd = samples.len() % 2 == 1;
    let (below, upper, _) = samples.select_nth_unstable_by(middle, f64::total_cmp);
    if odd {
        *upper
    } else {
        let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (lower + *upper) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_to(n: usize) -> Vec<f64> {
        (1..=n).map(|sample| sample as f64).collect()
    }

    /// P(at least `least` successes of `n`), each with probability `p`.
    fn binomial_tail(n: u32, least: u32, p: f64) -> f64 {
        let choose = |k: u32| (0..k).fold(1.0, |product, i| product * f64::from(n - i) / f64::from(i + 1));
        (least..=n).map(|k| choose(k) * p.powi(k as i32) * (1.0 - p).powi((n - k) as i32)).sum()
    }

    #[test]
    fn medians_by_hand() {
        assert_eq!(median(&[7.0]), Some(7.0));
        assert_eq!(median(&[9.0, 1.0]), Some(5.0));
        assert_eq!(median(&[5.0, 1.0, 4.0, 2.0, 100.0]), Some(4.0));
        assert_eq!(median(&[2.0, 2.0, 8.0, 1.0, 9.0, 7.0]), Some(4.5));
    }

    #[test]
    fn quartiles_fall_between_samples() {
        assert_eq!(spread(&[8.0, 2.0, 6.0, 4.0]), Some(6.5 - 3.5));
        assert_eq!(spread(&[5.0; 9]), Some(0.0));
        assert_eq!(spread(&[]), None);
    }

    /// A resample's median is at most the k-th smallest of n (odd) samples when at least (n + 1) / 2 draws are among the k
    /// smallest: a binomial probability, which gives the interval's ends without any resampling.
    #[test]
    fn the_interval_ends_where_the_binomial_distribution_puts_them() {
        for (n, low) in [(3_u32, 1), (7, 2), (11, 3), (21, 7)] {
            let cdf = |k: u32| binomial_tail(n, n.div_ceil(2), f64::from(k) / f64::from(n));
            assert!(cdf(low - 1) < 0.02 && cdf(low) > 0.03, "n = {n}: far enough from 2.5 % for every seed");
            for seed in 0..20 {
                let interval = estimate_median(&one_to(n as usize), seed).unwrap().interval.unwrap();
                let expected = Interval { low: f64::from(low), high: f64::from(n + 1 - low) };
                assert_eq!(interval, expected, "n = {n}, seed {seed}");
            }
        }
    }

    #[test]
    fn resampled_medians_are_distributed_as_they_must_be() {
        let medians = resampled_medians(&one_to(9), 3);
        assert_eq!(medians.len(), RESAMPLES);
        for k in 1..9_u32 {
            let expected = binomial_tail(9, 5, f64::from(k) / 9.0);
            let share = medians.iter().filter(|&&median| median <= f64::from(k)).count() as f64 / RESAMPLES as f64;
            // Five standard deviations of a share are at most 0.025.
            assert!((share - expected).abs() < 0.025, "P(median <= {k}) is {expected:.4}, found {share:.4}");
        }
    }

    #[test]
    fn few_samples() {
        assert_eq!(estimate_median(&[], 1), None);
        assert_eq!(estimate_median(&[4.0], 1), Some(Estimate { value: 4.0, interval: None }));
        let two = estimate_median(&[4.0, 6.0], 1).unwrap();
        assert_eq!((two.value, two.interval.unwrap()), (5.0, Interval { low: 4.0, high: 6.0 }));
        let same = estimate_median(&[4.0; 10], 1).unwrap();
        assert_eq!(same.interval, Some(Interval { low: 4.0, high: 4.0 }));
    }

    #[test]
    fn the_seed_alone_decides() {
        let samples: Vec<f64> = (0..16).map(|i: i32| f64::from(i).powi(2)).collect();
        assert_eq!(resampled_medians(&samples, 5), resampled_medians(&samples, 5));
        assert_ne!(resampled_medians(&samples, 5), resampled_medians(&samples, 6));
    }
}
