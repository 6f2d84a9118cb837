//! The means of contenders over the traces that all of them completed, and the certainty of their order.
//!
//! The interval is over the traces: it shows how much the mean depends on the choice of traces. It contains the
//! machine's noise as far as that moves a trace's median. It cannot see programs that are unlike all of the traces.

use fastrand::Rng;

use super::mean::{SEED, estimate_geometric_mean, index};
use super::{Common, ContenderRatios, Estimate, RESAMPLES, estimate_median, median};

impl Common {
    /// The geometric mean of each row over the traces, with each trace represented by the median of its rounds. Empty
    /// without traces.
    ///
    /// From two traces on, the 95 % interval is over traces: at either end the wider of Student's t and a bootstrap-t,
    /// on the logarithms of the medians. It includes what the rounds add to their spread.
    /// [`trust_in_mean`](super::trust_in_mean) says how far it can be trusted over few traces. Over a single trace the
    /// interval is that of the median over the rounds, and a single ratio has none.
    pub fn geometric_means(&self) -> Vec<Estimate> {
        let means = self.rows.iter().map(|row| mean_over_traces(row.ratios.iter().map(Vec::as_slice)));
        means.collect::<Option<_>>().unwrap_or_default()
    }

    /// The geometric mean of each row over that of one row. The ratio is formed on each trace, so what a trace does to
    /// both rows cancels out. The interval is as in [`geometric_means`](Self::geometric_means). Empty without traces,
    /// or without such a row.
    pub fn ratios_to(&self, row: usize) -> Vec<Estimate> {
        let Some(reference) = self.rows.get(row) else { return Vec::new() };
        let over = |row: &ContenderRatios| {
            let traces = row.ratios.iter().zip(&reference.ratios);
            match &self.traces[..] {
                // Within the rounds, which the interval is over.
                [_] => traces
                    .map(|(ours, theirs)| ours.iter().zip(theirs).map(|(our, their)| our / their).collect())
                    .collect(),
                _ => traces.filter_map(|(ours, theirs)| Some(vec![median(ours)? / median(theirs)?])).collect(),
            }
        };
        let ratios = self.rows.iter().map(|row| {
            let quotients: Vec<Vec<f64>> = over(row);
            mean_over_traces(quotients.iter().map(Vec::as_slice))
        });
        ratios.collect::<Option<_>>().unwrap_or_default()
    }

    /// Calls `each` with the geometric means of all rows in each of [`RESAMPLES`] resamples of the traces and of the
    /// rounds within them.
    ///
    /// All rows see the same traces and the same rounds in a resample, so they can be compared within it: how often a
    /// row comes first gives the confidence in its rank. The same ratios always give the same resamples. Without traces
    /// there are none.
    pub fn resample(&self, mut each: impl FnMut(&[f64])) {
        if self.traces.is_empty() {
            return;
        }
        let mut rng = Rng::with_seed(SEED);
        let most_rounds = self.rows.iter().flat_map(|row| &row.ratios).map(Vec::len).max().unwrap_or(0);
        let mut draws = vec![0; most_rounds];
        let mut rounds = Vec::with_capacity(most_rounds);
        let mut means = vec![0.0; self.rows.len()];
        for _ in 0..RESAMPLES {
            means.fill(0.0);
            for _ in &self.traces {
                let trace = index(&mut rng, self.traces.len());
                // An exact figure has no rounds to draw from.
                if most_rounds > 1 {
                    draws.fill_with(|| rng.u64(..));
                }
                for (row, mean) in self.rows.iter().zip(&mut means) {
                    let ratios = &row.ratios[trace];
                    rounds.clear();
                    rounds.extend(draws[..ratios.len()].iter().map(|&draw| ratios[scaled(draw, ratios.len())]));
                    *mean += median(&rounds).expect("a kept trace has ratios").ln();
                }
            }
            means.iter_mut().for_each(|mean| *mean = (*mean / self.traces.len() as f64).exp());
            each(&means);
        }
    }
}

/// The index below `len` for a random number: rows with equally many rounds get the same index, and so the same round.
fn scaled(draw: u64, len: usize) -> usize {
    ((u128::from(draw) * len as u128) >> 64) as usize
}

/// The mean over the ratios of each trace; `None` without traces.
fn mean_over_traces<'a>(traces: impl Iterator<Item = &'a [f64]>) -> Option<Estimate> {
    let traces: Vec<&[f64]> = traces.collect();
    if let [rounds] = traces[..] {
        return estimate_median(rounds);
    }
    let medians: Vec<f64> = traces.into_iter().filter_map(median).collect();
    (!medians.is_empty()).then(|| estimate_geometric_mean(&medians))
}

#[cfg(test)]
mod tests {
    use super::super::summary::tests::{STEADY, find, timed};
    use super::*;
    use crate::sample::on;
    use crate::stats::{Interval, Measure};

    #[test]
    fn means_are_geometric_and_of_ratios_within_rounds() {
        let all = [
            on("one", vec![timed("dlmalloc", &[10, 20, 30], 2), timed("talc", &[20, 40, 60], 8)]),
            on("two", vec![timed("dlmalloc", &[10, 20, 30], 2), timed("talc", &[5, 10, 90], 2)]),
        ];
        let time = find(&all, STEADY);
        assert_eq!(time.rows[1].ratios, [[2.0, 2.0, 2.0], [0.5, 0.5, 3.0]]);
        let means: Vec<f64> = time.geometric_means().iter().map(|mean| mean.value).collect();
        assert_eq!(means, [1.0, 1.0], "the median of the second trace is 0.5, and 2 × 0.5 is 1");
        let heap = find(&all, Measure::Footprint).geometric_means();
        assert!((heap[1].value - 4.0).abs() < 1e-12 && (heap[0].value - 2.0).abs() < 1e-12, "{heap:?}");
    }

    /// One trace needs ten times as much as the other, whatever the contender; the contenders always differ by a factor
    /// of 2.
    #[test]
    fn what_a_trace_does_to_all_rows_cancels_out_in_a_ratio() {
        let all = [
            on("small", vec![timed("a", &[10, 10], 1), timed("b", &[10, 10], 2)]),
            on("large", vec![timed("a", &[10, 10], 10), timed("b", &[10, 10], 20)]),
        ];
        let heap = find(&all, Measure::Footprint);
        let mean = heap.geometric_means()[1].interval.unwrap();
        assert!(mean.high > 5.0 * mean.low, "the mean depends on the choice of traces: {mean:?}");
        let ratio = heap.ratios_to(0)[1];
        let interval = ratio.interval.unwrap();
        assert!([ratio.value, interval.low, interval.high].iter().all(|end| (end - 2.0).abs() < 1e-9), "{ratio:?}");
        assert!(heap.ratios_to(2).is_empty(), "there is no third row");
    }

    /// Two traces with ratios 1 and 4. A resample has both (a mean of 2) half of the time, else one of them twice. The
    /// mean's interval is Student's: 12.7 standard errors of a factor of 2 to either side.
    #[test]
    fn the_interval_is_over_traces() {
        let all = [
            on("one", vec![timed("dlmalloc", &[10], 2), timed("talc", &[10], 2)]),
            on("two", vec![timed("dlmalloc", &[10], 2), timed("talc", &[40], 2)]),
        ];
        let found = find(&all, STEADY);
        let mut counts = [0, 0, 0];
        found.resample(|means| counts[means[1].log2().round() as usize] += 1);
        assert_eq!(counts.iter().sum::<usize>(), RESAMPLES);
        // Six standard deviations of a count with probability one quarter or one half are at most 300.
        assert!(counts[0].abs_diff(2500) < 300 && counts[1].abs_diff(5000) < 300, "{counts:?}");
        let interval = found.geometric_means()[1].interval.unwrap();
        assert!((interval.low.log2() + 11.7062).abs() < 1e-4 && (interval.high.log2() - 13.7062).abs() < 1e-4);
        assert_eq!(found.geometric_means(), found.geometric_means());
    }

    /// One trace of seven rounds: the interval of the median.
    #[test]
    fn the_interval_is_over_rounds_too() {
        let all = [on("one", vec![timed("dlmalloc", &[10; 7], 2), timed("talc", &[10, 20, 30, 40, 50, 60, 70], 2)])];
        let found = find(&all, STEADY);
        let mean = found.geometric_means()[1];
        assert_eq!(Some(mean), estimate_median(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]));
        let to_talc = found.ratios_to(1);
        assert_eq!(to_talc[1].interval, Some(Interval { low: 1.0, high: 1.0 }), "within the rounds");
        assert_eq!(to_talc[0].value, 0.25);
        let exact = find(&all, Measure::Footprint).geometric_means()[1];
        assert_eq!(exact.interval, None, "one exact figure has no spread");
    }

    /// The same rounds for all: a contender that takes twice another's time in every round takes twice as long in every
    /// resample.
    #[test]
    fn rows_are_compared_within_a_resample() {
        let times: Vec<u64> = (1..20).map(|round| round * round).collect();
        let twice: Vec<u64> = times.iter().map(|time| 2 * time).collect();
        let rows = || vec![timed("dlmalloc", &[10; 19], 2), timed("talc", &times, 2), timed("bump", &twice, 2)];
        let found = find(&[on("one", rows()), on("two", rows())], STEADY);
        found.resample(|means| assert!((means[2] / means[1] - 2.0).abs() < 1e-9, "{means:?}"));
    }
}
