//! Net time: what a contender takes beyond the harness. Its time less the floor's, round by round.

use super::{Estimate, Regime, estimate_median, floor, rounds_beside};
use crate::results::{Contender, Figure, Reason, Results};

/// Nanoseconds per operation beyond the floor, formed within each round, with the 95 % interval of [`estimate_median`]
/// over the rounds.
///
/// The floor is a call that is not inlined and returns a known address, in the same program: the loop, its branches and
/// its slots. It is not a perfect zero. A processor overlaps the loop with the allocator's work, so a very cheap
/// allocator can come out below the floor. A negative figure is shown as it is.
///
/// Unknown, with the reason, if either was not timed, and for the floor itself.
///
/// ```
/// use heaprace_reports::results::{Contender, Results};
/// use heaprace_reports::stats::{Regime, net_ns_per_op};
///
/// fn show(results: &Results, row: &Contender) {
///     match net_ns_per_op(results, row, Regime::Steady).known() {
///         Some(net) => println!("{}: {:.2} ns per operation beyond the harness", row.name, net.value),
///         None => println!("{}: not known", row.name),
///     }
/// }
/// ```
pub fn net_ns_per_op(results: &Results, contender: &Contender, regime: Regime) -> Figure<Estimate> {
    let Some(floor) = floor(results) else {
        return Figure::unknown(Reason::NotTakingPart { other: "the floor".to_owned() });
    };
    if contender.name == floor.name {
        return Figure::unknown(Reason::IsFloor);
    }
    let pairs = match rounds_beside(results, contender, &floor.name, regime) {
        Figure::Known((ours, floors)) => ours.iter().zip(floors),
        Figure::Unknown { unknown } => return Figure::unknown(unknown),
    };
    let ops = contender.time.known().map_or(0, |time| time.ops);
    if ops == 0 {
        return Figure::unknown(Reason::NoOperations);
    }
    let net: Vec<f64> = pairs.map(|(&ours, &floor)| (ours as f64 - floor as f64) / ops as f64).collect();
    match estimate_median(&net) {
        Some(estimate) => Figure::Known(estimate),
        None => Figure::unknown(Reason::NoRoundTimed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Companion, Role, Time};
    use crate::sample::{self, contender};
    use crate::stats::Interval;

    fn timed(name: &str, role: Role, steady_ns: &[u64]) -> Contender {
        let time = Time { ops: 10, fresh_ns: vec![1000], steady_ns: steady_ns.into(), ..Time::default() };
        Contender { time: Figure::Known(time), ..contender(name).role(role).build() }
    }

    fn results(floor: &[u64], ours: &[u64]) -> Results {
        let contenders = vec![timed("null", Role::Floor, floor), timed("a", Role::Contender, ours)];
        Results { contenders, ..sample::empty() }
    }

    fn net(results: &Results, row: usize) -> Figure<Estimate> {
        net_ns_per_op(results, &results.contenders[row], Regime::Steady)
    }

    /// The machine keeps getting slower: 6, 7, …, 12 ns remain of rounds that differ by much more.
    #[test]
    fn is_formed_within_the_round() {
        let results = results(&[10, 20, 30, 40, 50, 60, 70], &[70, 90, 110, 130, 150, 170, 190]);
        let estimate = *net(&results, 1).known().unwrap();
        assert_eq!(estimate.value, 9.0);
        let Interval { low, high } = estimate.interval.unwrap();
        assert!((low - 6.733_333).abs() < 1e-6 && (high - 11.266_667).abs() < 1e-6, "{estimate:?}");
    }

    #[test]
    fn differences_are_formed_in_pairs_and_not_of_medians() {
        // 40, 100 and 10, whose median is 40; the medians are 20 and 100.
        let results = results(&[10, 20, 90], &[50, 120, 100]);
        assert_eq!(net(&results, 1).known().map(|net| net.value), Some(4.0));
    }

    #[test]
    fn may_be_negative_and_is_unknown_without_a_floor() {
        let mut results = results(&[50, 50], &[30, 30]);
        assert_eq!(net(&results, 1).known().map(|net| net.value), Some(-2.0));
        assert_eq!(net(&results, 0), Figure::unknown("it is the floor itself"));
        results.contenders.remove(0);
        assert_eq!(net(&results, 0), Figure::unknown("the floor does not take part"));
    }

    #[test]
    fn takes_the_floor_of_its_own_rounds() {
        let mut results = results(&[50, 50], &[30, 30]);
        let companion =
            Companion { name: "null".into(), fresh_ns: vec![1, 1], steady_ns: vec![10, 10], ..Companion::default() };
        let Figure::Known(time) = &mut results.contenders[1].time else { unreachable!() };
        time.companions.push(companion);
        assert_eq!(net(&results, 1).known().map(|net| net.value), Some(2.0));
    }
}
