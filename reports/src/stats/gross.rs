//! Gross time per operation: with the harness's own time.

use super::{Estimate, Regime, estimate_median};
use crate::results::{Contender, Figure};

/// Nanoseconds per operation, from the wall times of whole replays.
///
/// Unknown without samples, or without operations to divide by.
///
/// ```
/// use heaprace_reports::stats::ns_per_op;
///
/// let estimate = ns_per_op(&[2_000, 1_800, 1_900], 100);
/// assert_eq!(estimate.known().map(|estimate| estimate.value), Some(19.0));
/// ```
pub fn ns_per_op(samples_ns: &[u64], ops: u64) -> Figure<Estimate> {
    if ops == 0 {
        return Figure::unknown("the trace has no operations");
    }
    let per_op: Vec<f64> = samples_ns.iter().map(|&ns| ns as f64 / ops as f64).collect();
    match estimate_median(&per_op) {
        Some(estimate) => Figure::Known(estimate),
        None => Figure::unknown("no round was timed"),
    }
}

/// The gross time per operation of a contender.
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
    fn a_missing_time_is_unknown_and_not_zero() {
        assert_eq!(ns_per_op(&[], 10), Figure::unknown("no round was timed"));
        assert_eq!(ns_per_op(&[5], 0), Figure::unknown("the trace has no operations"));
    }
}
