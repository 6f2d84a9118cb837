//! Validation: what replays predict, beside what the programs themselves do.
//!
//! A [`Pair`] is one program on one contender: the difference to the baseline in CPU time, and the peak of the heap,
//! each as predicted by a replay of the program's trace and as measured on the program.

mod page;

use crate::real::{RealRuns, RunClock};
use crate::results::{Figure, Results};
use crate::stats::{Estimate, estimate_median, median};

pub use page::{Cause, page};

/// A difference this large, as a share of the program's time, is large enough for its prediction's error to count.
pub const LARGE: f64 = 0.05;
/// The factor by which a prediction of a large difference may be off.
pub const MOST_FACTOR: f64 = 1.5;

/// One program on one contender.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The program, by the name of its trace.
    pub program: String,
    /// The contender.
    pub contender: String,
    /// CPU time of the program on the baseline, in nanoseconds: the median.
    pub program_ns: f64,
    /// CPU time on this contender minus that, measured.
    pub real_ns: Estimate,
    /// The same, predicted.
    pub predicted_ns: Estimate,
    /// Smallest and largest peak of the heap, measured, in pages.
    pub real_pages: (u64, u64),
    /// The peak, predicted.
    pub predicted_pages: u64,
    /// Page faults on this contender minus those on the baseline, measured: the median.
    pub real_faults: f64,
}

impl Pair {
    /// Whether the 95 % interval of the measured difference excludes 0.
    pub fn is_decided(&self) -> bool {
        self.real_ns.interval.is_some_and(|interval| !interval.contains(0.0))
    }

    /// Whether the prediction has the sign of the measured difference.
    pub fn has_right_sign(&self) -> bool {
        (self.real_ns.value > 0.0) == (self.predicted_ns.value > 0.0)
    }

    /// The measured difference as a share of the program's time.
    pub fn real_share(&self) -> f64 {
        self.real_ns.value / self.program_ns
    }

    /// The predicted one.
    pub fn predicted_share(&self) -> f64 {
        self.predicted_ns.value / self.program_ns
    }

    /// Whether the measured difference is decided and more than [`LARGE`].
    pub fn is_large(&self) -> bool {
        self.is_decided() && self.real_share().abs() > LARGE
    }

    /// The error of the prediction, as a share of the measured difference.
    pub fn relative_error(&self) -> f64 {
        (self.predicted_ns.value - self.real_ns.value).abs() / self.real_ns.value.abs()
    }

    /// By which factor the prediction is too large or too small; infinite if the sign is wrong.
    pub fn factor(&self) -> f64 {
        if !self.has_right_sign() {
            return f64::INFINITY;
        }
        let ratio = self.predicted_ns.value / self.real_ns.value;
        ratio.max(1.0 / ratio)
    }

    /// Whether every run had the predicted peak.
    pub fn has_equal_pages(&self) -> bool {
        self.real_pages == (self.predicted_pages, self.predicted_pages)
    }

    /// How far the predicted peak lies outside those of the runs, as a share of the nearest; 0 within them.
    pub fn pages_error(&self) -> f64 {
        let (low, high) = self.real_pages;
        let nearest = self.predicted_pages.clamp(low, high);
        self.predicted_pages.abs_diff(nearest) as f64 / nearest.max(1) as f64
    }
}

/// The pairs of a program: its runs beside the replay of its trace. Contenders that lack a figure on either side are
/// left out.
pub fn pairs(runs: &RealRuns, replayed: &Results) -> Vec<Pair> {
    let base_runs = runs.named(&runs.baseline);
    let base_times = fresh_ns(replayed, &runs.baseline);
    let (Some(base_runs), Some(base_times)) = (base_runs, base_times) else { return Vec::new() };
    let pair = |row: &crate::real::RealContender| {
        let predicted = replayed.contenders.iter().find(|it| it.name == row.name)?;
        let times = fresh_ns(replayed, &row.name)?.iter().zip(base_times);
        let differences: Vec<f64> = times.map(|(&ns, &base)| ns as f64 - base as f64).collect();
        let faults = row.minor_faults.iter().zip(&base_runs.minor_faults);
        let faults: Vec<f64> = faults.map(|(&faults, &base)| faults as f64 - base as f64).collect();
        Some(Pair {
            program: replayed.trace.name.clone(),
            contender: row.name.clone(),
            program_ns: base_runs.time_ns(RunClock::Cpu)?.value,
            real_ns: runs.difference_ns(row, RunClock::Cpu)?,
            predicted_ns: estimate_median(&differences)?,
            real_pages: row.peaks()?,
            predicted_pages: predicted.memory.known()?.peak_heap_pages,
            real_faults: median(&faults)?,
        })
    };
    let others = runs.contenders.iter().filter(|row| row.name != runs.baseline && row.failure.is_none());
    others.filter_map(pair).collect()
}

/// The fresh times of a contender by the CPU's clock, a sample a round.
fn fresh_ns<'r>(results: &'r Results, name: &str) -> Option<&'r [u64]> {
    let row = results.contenders.iter().find(|row| row.name == name)?;
    match &row.time {
        Figure::Known(time) => Some(&time.fresh_processor_ns).filter(|times| !times.is_empty()).map(Vec::as_slice),
        Figure::Unknown { .. } => None,
    }
}

/// How well a set of pairs is predicted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// All pairs.
    pub pairs: usize,
    /// Those with equal peaks in every run.
    pub equal_pages: usize,
    /// Those whose predicted peak is within 2 % of the runs'.
    pub close_pages: usize,
    /// Those whose measured interval excludes 0.
    pub decided: usize,
    /// Of these, those with the right sign.
    pub right: usize,
    /// The median relative error over the decided ones.
    pub error: Option<f64>,
    /// Those with a large difference.
    pub large: usize,
    /// The median relative error over these.
    pub large_error: Option<f64>,
    /// Of these, those within [`MOST_FACTOR`].
    pub within_factor: usize,
}

impl Score {
    /// The score of these pairs.
    pub fn of<'p>(pairs: impl IntoIterator<Item = &'p Pair>) -> Self {
        let pairs: Vec<&Pair> = pairs.into_iter().collect();
        let count = |holds: &dyn Fn(&Pair) -> bool| pairs.iter().filter(|pair| holds(pair)).count();
        let error = |holds: &dyn Fn(&Pair) -> bool| {
            let chosen = pairs.iter().filter(|pair| holds(pair));
            median(&chosen.map(|pair| pair.relative_error()).collect::<Vec<_>>())
        };
        Score {
            pairs: pairs.len(),
            equal_pages: count(&Pair::has_equal_pages),
            close_pages: count(&|pair| pair.pages_error() <= 0.02),
            decided: count(&Pair::is_decided),
            right: count(&|pair| pair.is_decided() && pair.has_right_sign()),
            error: error(&Pair::is_decided),
            large: count(&Pair::is_large),
            large_error: error(&Pair::is_large),
            within_factor: count(&|pair| pair.is_large() && pair.factor() <= MOST_FACTOR),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::stats::Interval;

    pub(crate) fn pair(contender: &str, real_ms: [f64; 3], predicted_ms: f64) -> Pair {
        let [low, value, high] = real_ms.map(|ms| ms * 1e6);
        Pair {
            program: "program".to_owned(),
            contender: contender.to_owned(),
            program_ns: 100e6,
            real_ns: Estimate { value, interval: Some(Interval { low, high }) },
            predicted_ns: Estimate { value: predicted_ms * 1e6, interval: None },
            real_pages: (3, 3),
            predicted_pages: 3,
            real_faults: 0.0,
        }
    }

    #[test]
    fn a_score_counts_what_the_runs_decide() {
        let pairs = [
            pair("right", [9.0, 10.0, 11.0], 12.0),
            pair("wrong", [-4.0, -3.0, -2.0], 1.0),
            pair("open", [-1.0, 1.0, 2.0], -5.0),
            pair("far", [9.0, 10.0, 11.0], 21.0),
        ];
        let score = Score::of(&pairs);
        assert_eq!((score.pairs, score.decided, score.right), (4, 3, 2));
        assert_eq!((score.large, score.within_factor), (2, 1));
        assert_eq!(score.error, Some(1.1), "0.2, 4/3 and 1.1");
        assert!(pairs[1].factor().is_infinite() && (pairs[3].factor() - 2.1).abs() < 1e-9);
    }

    #[test]
    fn a_peak_within_those_of_the_runs_is_no_error() {
        let mut pair = pair("a", [1.0, 2.0, 3.0], 2.0);
        assert!(pair.has_equal_pages());
        pair.real_pages = (98, 104);
        for (predicted, error) in [(100, 0.0), (104, 0.0), (49, 0.5), (208, 1.0)] {
            pair.predicted_pages = predicted;
            assert_eq!((pair.pages_error(), pair.has_equal_pages()), (error, false), "{predicted}");
        }
    }
}
