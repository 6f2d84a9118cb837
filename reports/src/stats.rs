//! Statistics: every timing is a median with its 95 % interval, and every comparison a ratio within rounds.
//!
//! The median, as the noise of a shared machine is one-sided: a disturbed round is slower, never faster. Its interval is of interpolated
//! order statistics ([`estimate_median`]), that of a mean over traces is a bootstrap-t on logarithms ([`Common::geometric_means`]). The same
//! samples always give the same intervals.
//!
//! What the interval cannot see: a disturbance that lasted through all rounds, and differences between builds or machines.
//! With fewer than [`ROUNDS_FOR_95`] samples it covers less than 95 %, whatever its name.

mod caveats;
mod mean;
mod median;
mod net;
mod over_traces;
mod processor;
mod ratio;
mod rng;
mod rounds;
mod summary;
mod two_samples;

pub use caveats::{expected_by_chance, trust_in_mean};
pub use mean::{RESAMPLES, geometric_mean};
pub use median::{estimate_median, median, spread};
pub use net::net_ns_per_op;
pub use processor::{parts_from_processor_time, ratio_by_processor_time};
pub use ratio::{Ratio, Verdict, ratio_within_rounds};
pub use rounds::{Regime, floor, ratio_beside, rounds_beside};
pub(crate) use rounds::{of_one_run, rounds_in_common};
pub(crate) use summary::common_of;
pub use summary::{Common, Measure, Row, by_origin, common};
pub use two_samples::ratio_of_medians;

use crate::results::{Contender, Figure, Reason};

/// Samples from which on an interval for a median can cover 95 %: all samples lie on one side of the median of what is
/// sampled with probability 2 × 0.5ⁿ, which is 6.3 % for five samples and 3.1 % for six. Over fewer traces nobody is said to be the first, for
/// the same reason: all of five agree by chance in 6.3 %.
pub const ROUNDS_FOR_95: usize = 6;

/// A figure that was estimated from samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The median of the samples.
    pub value: f64,
    /// Where the median lies with 95 % confidence; `None` where there is a single sample, which says nothing about its spread.
    pub interval: Option<Interval>,
}

/// A closed interval, `low` ≤ `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Whether the two have a point in common.
    ///
    /// ```
    /// use heaprace_reports::stats::Interval;
    ///
    /// let steady = Interval { low: 9.1, high: 9.4 };
    /// assert!(steady.overlaps(Interval { low: 9.4, high: 9.9 }));
    /// assert!(!steady.overlaps(Interval { low: 9.5, high: 9.9 }));
    /// ```
    pub fn overlaps(self, other: Interval) -> bool {
        self.low <= other.high && other.low <= self.high
    }

    /// Whether the value lies in it, its ends included.
    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// Nanoseconds per operation, from the wall times of whole replays.
///
/// Unknown where there are no samples, or no operations to divide by.
///
/// ```
/// use heaprace_reports::stats::ns_per_op;
///
/// let estimate = ns_per_op(&[2_000, 1_800, 1_900], 100);
/// assert_eq!(estimate.known().map(|estimate| estimate.value), Some(19.0));
/// ```
pub fn ns_per_op(samples_ns: &[u64], ops: u64) -> Figure<Estimate> {
    if ops == 0 {
        return Figure::unknown(Reason::NoOperations);
    }
    let per_op: Vec<f64> = samples_ns.iter().map(|&ns| ns as f64 / ops as f64).collect();
    match estimate_median(&per_op) {
        Some(estimate) => Figure::Known(estimate),
        None => Figure::unknown(Reason::NoRoundTimed),
    }
}

/// The same of a contender, the harness's own time included.
pub(crate) fn gross_ns_per_op(contender: &Contender, regime: Regime) -> Figure<Estimate> {
    match &contender.time {
        Figure::Known(time) if regime.samples(time).is_empty() => Figure::unknown(regime.why_none(time)),
        Figure::Known(time) => ns_per_op(regime.samples(time), time.ops),
        Figure::Unknown { unknown } => Figure::unknown(unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_meet_at_a_point_too() {
        let middle = Interval { low: 2.0, high: 3.0 };
        for (low, high, meet) in [
            (0.0, 1.9, false),
            (0.0, 2.0, true),
            (2.2, 2.4, true),
            (0.0, 9.0, true),
            (3.0, 4.0, true),
            (3.1, 4.0, false),
        ] {
            assert_eq!(middle.overlaps(Interval { low, high }), meet, "{low} to {high}");
            assert_eq!(Interval { low, high }.overlaps(middle), meet, "{low} to {high}, the other way round");
        }
        assert!(middle.contains(2.0) && middle.contains(3.0) && !middle.contains(3.01));
    }

    #[test]
    fn nothing_timed_is_unknown_and_not_zero() {
        assert_eq!(ns_per_op(&[], 10), Figure::unknown("no round was timed"));
        assert_eq!(ns_per_op(&[5], 0), Figure::unknown("the trace has no operations"));
    }
}
