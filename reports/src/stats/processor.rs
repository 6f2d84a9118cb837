//! Wall time against processor time: whether something other than the contender caused a difference.
//!
//! The thread's own clock stops while the thread is off the processor. If wall time and processor time disagree about a
//! contender, its replays waited: for another program, the host of a virtual machine, or the disk.

use super::{Estimate, ROUNDS_FOR_95, Ratio, Regime, ratio_beside, ratio_within_rounds, rounds_beside};
use crate::results::{Contender, Figure, Reason, Results};

/// The smallest relative difference between the two ratios that matters, however certain it is.
const LEAST_APART: f64 = 0.02;

/// A contender's processor time over that of `other`: like [`ratio_beside`], over the same rounds, by the thread's own
/// clock.
///
/// Unknown, with the reason, if either was not timed, or not by that clock. Results merged from several runs have no
/// processor times of the companions.
///
/// ```
/// use heaprace_reports::results::{Contender, Results};
/// use heaprace_reports::stats::{Regime, ratio_by_processor_time};
///
/// fn show(results: &Results, row: &Contender) {
///     match ratio_by_processor_time(results, row, "dlmalloc", Regime::Fresh).known() {
///         Some(ratio) => println!("{}: {:.2} times dlmalloc's processor time", row.name, ratio.estimate.value),
///         None => println!("{}: not known", row.name),
///     }
/// }
/// ```
pub fn ratio_by_processor_time(results: &Results, contender: &Contender, other: &str, regime: Regime) -> Figure<Ratio> {
    match processor_rounds(results, contender, other, regime) {
        Figure::Known((ours, theirs)) => ratio_within_rounds(ours, theirs),
        Figure::Unknown { unknown } => Figure::unknown(unknown),
    }
}

/// The ratio of a contender's time to that of `other` by the wall clock and by the processor's clock, if the two
/// disagree: their 95 % intervals do not overlap, and they differ by more than 2 %.
///
/// `None` if they agree, if either is unknown, or with fewer than [`ROUNDS_FOR_95`] rounds, whose intervals are too
/// narrow.
///
/// ```
/// use heaprace_reports::results::{Contender, Results};
/// use heaprace_reports::stats::{Regime, parts_from_processor_time};
///
/// fn warn(results: &Results, row: &Contender) {
///     if let Some((wall, processor)) = parts_from_processor_time(results, row, "dlmalloc", Regime::Fresh) {
///         println!("{}: {:.2} by the wall clock, {:.2} by the processor's", row.name, wall.value, processor.value);
///     }
/// }
/// ```
pub fn parts_from_processor_time(
    results: &Results,
    contender: &Contender,
    other: &str,
    regime: Regime,
) -> Option<(Estimate, Estimate)> {
    let (rounds, _) = *processor_rounds(results, contender, other, regime).known()?;
    if rounds.len() < ROUNDS_FOR_95 {
        return None;
    }
    let wall = ratio_beside(results, contender, other, regime).known()?.estimate;
    let processor = ratio_by_processor_time(results, contender, other, regime).known()?.estimate;
    let overlap = wall.interval?.overlaps(processor.interval?);
    let apart = wall.value.max(processor.value) > (1.0 + LEAST_APART) * wall.value.min(processor.value);
    (apart && !overlap).then_some((wall, processor))
}

/// The processor times of both contenders in the rounds that they share.
fn processor_rounds<'r>(
    results: &'r Results,
    contender: &'r Contender,
    other: &str,
    regime: Regime,
) -> Figure<(&'r [u64], &'r [u64])> {
    let rounds = match rounds_beside(results, contender, other, regime) {
        Figure::Known((wall, _)) => wall.len(),
        Figure::Unknown { unknown } => return Figure::unknown(unknown),
    };
    let row = match &contender.time {
        Figure::Known(time) if !time.companions.is_empty() && contender.name != other => {
            return Figure::unknown(Reason::NoProcessorTimeInRounds { other: other.to_owned() });
        }
        _ if contender.name == other => Some(contender),
        _ => results.contenders.iter().find(|row| row.name == other),
    };
    let of = |row: &'r Contender| {
        let time = row.time.known()?;
        // Samples with the same index are of the same round, unless some are missing.
        let complete = regime.processor_samples(time).len() == regime.samples(time).len();
        regime.processor_samples(time).get(..rounds).filter(|_| complete)
    };
    match (of(contender), row.and_then(of)) {
        (Some(ours), Some(theirs)) => Figure::Known((ours, theirs)),
        (None, _) => Figure::unknown(Reason::NoProcessorTime),
        (_, None) => Figure::unknown(Reason::NoProcessorTimeOf { other: other.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Companion, Time};
    use crate::sample::{self, contender};

    /// A row with `rounds` rounds on either clock, with times that vary by 1 %.
    fn timed(name: &str, wall: u64, processor: u64, rounds: u64) -> Contender {
        let samples = |ns: u64| (0..rounds).map(|round| ns * (1000 + round * 3 % 10) / 1000).collect::<Vec<_>>();
        let time = Time {
            ops: 10,
            fresh_ns: samples(wall),
            fresh_processor_ns: samples(processor),
            steady_ns: samples(wall),
            ..Time::default()
        };
        Contender { time: Figure::Known(time), ..contender(name).build() }
    }

    fn results(ours: (u64, u64), rounds: u64) -> Results {
        let contenders = vec![timed("a", ours.0, ours.1, rounds), timed("b", 1_000_000, 1_000_000, rounds)];
        Results { contenders, ..sample::empty() }
    }

    fn parts(results: &Results, regime: Regime) -> Option<(f64, f64)> {
        let found = parts_from_processor_time(results, &results.contenders[0], "b", regime);
        found.map(|(wall, processor)| (wall.value, processor.value))
    }

    /// a waited for a third of its time, for a fiftieth, or not at all.
    #[test]
    fn clocks_disagree_about_a_contender_that_waited() {
        let (wall, processor) = parts(&results((3_000_000, 2_000_000), 15), Regime::Fresh).unwrap();
        assert!((wall - 3.0).abs() < 0.01 && (processor - 2.0).abs() < 0.01, "{wall} and {processor}");
        assert_eq!(parts(&results((2_000_000, 2_000_000), 15), Regime::Fresh), None);
        assert_eq!(parts(&results((2_030_000, 2_000_000), 15), Regime::Fresh), None, "certain, but less than 2 %");
        assert!(parts(&results((2_050_000, 2_000_000), 15), Regime::Fresh).is_some());
        assert!(parts(&results((2_000_000, 2_050_000), 15), Regime::Fresh).is_some(), "the other way round");
        assert_eq!(parts(&results((3_000_000, 2_000_000), 5), Regime::Fresh), None, "too few rounds for an interval");
    }

    /// By the wall clock the rounds take 1 to 5 times as long, by the processor's clock always twice as long.
    #[test]
    fn clocks_agree_if_the_intervals_overlap() {
        let mut results = results((2_000_000, 2_000_000), 15);
        let Figure::Known(time) = &mut results.contenders[0].time else { unreachable!() };
        time.fresh_ns = (0..15).map(|round| 1_000_000 * (1 + round % 5)).collect();
        let wall = ratio_beside(&results, &results.contenders[0], "b", Regime::Fresh).known().unwrap().estimate.value;
        assert!(wall > 2.9, "{wall}");
        assert_eq!(parts(&results, Regime::Fresh), None);
    }

    #[test]
    fn missing_processor_times_are_unknown() {
        let mut results = results((3_000_000, 2_000_000), 15);
        let of = |results: &Results, row: usize, other: &str, regime| {
            ratio_by_processor_time(results, &results.contenders[row], other, regime)
        };
        assert_eq!(of(&results, 0, "b", Regime::Steady), Figure::unknown("its processor time is not known"));
        assert_eq!(parts(&results, Regime::Steady), None);
        assert_eq!(of(&results, 0, "nobody", Regime::Fresh), Figure::unknown("nobody does not take part"));
        assert_eq!(of(&results, 0, "a", Regime::Fresh).known().map(|ratio| ratio.estimate.value), Some(1.0));
        let Figure::Known(time) = &mut results.contenders[1].time else { unreachable!() };
        time.fresh_processor_ns.pop();
        assert_eq!(of(&results, 0, "b", Regime::Fresh), Figure::unknown("b has no processor time"), "one is missing");
        let Figure::Known(time) = &mut results.contenders[0].time else { unreachable!() };
        time.companions = vec![Companion { name: "b".into(), fresh_ns: vec![1_000_000; 15], ..Companion::default() }];
        let unknown = Figure::unknown("b has no processor time in the same rounds");
        assert_eq!(of(&results, 0, "b", Regime::Fresh), unknown);
    }
}
