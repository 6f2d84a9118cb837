//! Caveats below ratios to the baseline: how many verdicts are expected to be wrong by chance, and where wall time and
//! processor time disagree.

use crate::numbers::short;
use crate::results::{Contender, Results, Role};
use crate::stats::{Regime, compared, expected_by_chance, parts_from_processor_time};

/// How many verdicts of this trace's ratios are expected to be wrong by chance, in a sentence; `None` if there are few.
pub(crate) fn chance(results: &Results) -> Option<String> {
    let verdicts = beside_baseline(results).flat_map(|row| Regime::ALL.map(|regime| (row, regime)));
    let has_one = |&(row, regime): &(&Contender, Regime)| {
        compared(results, row, &results.settings.baseline, regime).known().is_some()
    };
    expected_by_chance(verdicts.filter(has_one).count())
}

/// The rows whose wall time and processor time disagree, a line for each row and regime: `talc: fresh × dlmalloc 1.10
/// by wall time, 0.98 by processor time`.
pub(crate) fn parting(results: &Results) -> Vec<String> {
    let baseline = &results.settings.baseline;
    let line = |row: &Contender, regime: Regime| {
        let (wall, processor) = parts_from_processor_time(results, row, baseline, regime)?;
        let (wall, processor) = (short(wall.value), short(processor.value));
        Some(format!("{}: {} × {baseline} {wall} by wall time, {processor} by processor time", row.name, regime.name()))
    };
    beside_baseline(results)
        .flat_map(|row| Regime::ALL.into_iter().filter_map(move |regime| line(row, regime)))
        .collect()
}

/// The rows that are compared with the baseline. The floor's ratio needs no verdict.
fn beside_baseline(results: &Results) -> impl Iterator<Item = &Contender> {
    results.contenders.iter().filter(|row| row.name != results.settings.baseline && row.role != Role::Floor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Figure;
    use crate::sample::{self, contender};

    #[test]
    fn only_ratios_with_an_interval_count_as_verdicts() {
        let mut results = sample::results();
        assert_eq!(
            chance(&results),
            expected_by_chance(10),
            "five rows besides the baseline and the floor, fresh and steady"
        );
        assert!(chance(&results).is_some());
        results.contenders.push(contender("one-round").rounds(1).build());
        results.contenders.push(contender("five-rounds").rounds(5).build());
        results.contenders.push(contender("untimed").without_time("switched off").build());
        assert_eq!(chance(&results), expected_by_chance(10));
        results.contenders.push(contender("starts-alone").without_steady("its heap was full").build());
        assert_eq!(chance(&results), expected_by_chance(11));
        results.contenders.truncate(4);
        assert_eq!(chance(&results), None);
    }

    #[test]
    fn contenders_that_waited_for_the_processor_are_named() {
        let mut results = sample::empty();
        results.contenders = vec![contender("dlmalloc").build(), contender("talc").fresh_ns(20).build()];
        for row in &mut results.contenders {
            let Figure::Known(time) = &mut row.time else { unreachable!() };
            time.fresh_processor_ns = time.fresh_ns.clone();
        }
        assert_eq!(parting(&results), [""; 0]);
        let Figure::Known(time) = &mut results.contenders[1].time else { unreachable!() };
        time.fresh_processor_ns.iter_mut().for_each(|ns| *ns /= 2);
        assert_eq!(parting(&results), ["talc: fresh × dlmalloc 2.00 by wall time, 1.00 by processor time"]);
    }
}
