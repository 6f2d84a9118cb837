//! What a gate could have seen: the smallest slowdown that each gated time could have told from noise.

use super::comparison::{Compared, Regression};
use crate::model;
use crate::numbers::{count, fixed};
use crate::results::{Figure, Role};
use crate::stats::{Interval, Ratio};

/// Blind times that a verdict names; the list of all times has the others.
const MOST_NAMED: usize = 3;

/// What the gate saw of one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    /// The contender and the trace.
    pub cell: String,
    /// The metric.
    pub metric: &'static str,
    /// The smallest slowdown, as a share, whose interval would have been wholly above 1. `None` if there is no interval,
    /// and therefore no slowdown that the gate could have seen.
    pub smallest: Option<f64>,
    /// The interval of new over old.
    pub interval: Option<Interval>,
}

impl Sight {
    /// Whether a slowdown of this share could have been missed as noise. It was not missed if the whole interval is on one
    /// side of it: the time is then shown to be worse, or not to be.
    pub fn is_blind_to(&self, threshold: f64) -> bool {
        let (Some(smallest), Some(Interval { low, high })) = (self.smallest, self.interval) else { return true };
        smallest > threshold && low <= 1.0 + threshold && high > 1.0 + threshold
    }

    /// The smallest slowdown in words.
    fn words(&self) -> String {
        self.smallest.map_or("no interval".to_owned(), |share| format!("{} %", digits(share)))
    }
}

/// A share in per cent, without a sign.
fn digits(share: f64) -> String {
    fixed(share * 100.0, if share < 0.9995 { 1 } else { 0 })
}

impl Regression {
    /// What the gate saw of the times among these metrics. The interval of a slowdown keeps its width on the logarithmic
    /// scale, so the smallest one that shows is as far above 1 as the lower end is below the ratio.
    pub fn sight(&self, metrics: &[&str]) -> Vec<Sight> {
        let judged = self.cells.iter().filter(|cell| cell.role != Role::Ablation && cell.broke.is_none());
        let times = judged.flat_map(|cell| cell.times.iter().map(move |(regime, ratio)| (cell, *regime, ratio)));
        let seen = |(cell, regime, ratio): (&Compared, _, &Figure<Ratio>)| {
            let metric = model::gross(regime).name.as_str();
            let estimate = ratio.known()?.estimate;
            let interval = estimate.interval;
            let smallest = interval.map(|interval| estimate.value / interval.low - 1.0);
            let cell = format!("{} on {}", cell.contender, cell.trace);
            // An interval down to 0 hides every slowdown.
            let smallest = smallest.filter(|share| share.is_finite());
            metrics.contains(&metric).then_some(Sight { cell, metric, smallest, interval })
        };
        times.filter_map(seen).collect()
    }
}

/// Which times could not see a change as large as the threshold, and what to gate on instead; `None` if all could.
pub(super) fn blind(sight: &[Sight], threshold: f64) -> Option<String> {
    let mut blind: Vec<&Sight> = sight.iter().filter(|time| time.is_blind_to(threshold)).collect();
    if blind.is_empty() {
        return None;
    }
    let size = |time: &Sight| time.smallest.unwrap_or(f64::INFINITY);
    blind.sort_by(|one, other| size(other).total_cmp(&size(one)));
    let named = blind.iter().take(MOST_NAMED).map(|time| format!("{} {} ({})", time.cell, time.metric, time.words()));
    let named: Vec<String> = named.collect();
    let others = match blind.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        others => format!(", and {others} more"),
    };
    let what = if threshold == 0.0 { "every change".to_owned() } else { format!("{} %", allowed(threshold)) };
    Some(format!(
        "{} of {} cannot tell {what} from noise, so nothing shows that they did not get worse; the smallest slowdown that \
         would have shown: {}{others}. More rounds show smaller ones. Instructions and memory do not depend on the machine: \
         '--metric instructions_per_op --metric peak_heap_bytes', with both runs measured with --instructions.",
        blind.len(),
        count(sight.len() as u64, "time"),
        named.join(", "),
    ))
}

/// A line for each cell: the smallest slowdown of each of its times.
pub(super) fn each(sight: &[Sight]) -> Vec<String> {
    let mut lines: Vec<(&str, String)> = Vec::new();
    for time in sight {
        let words = format!("{} {}", time.metric, time.words());
        match lines.last_mut() {
            Some((cell, line)) if *cell == time.cell => *line += &format!(", {words}"),
            _ => lines.push((&time.cell, format!("{}: {words}", time.cell))),
        }
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

/// A threshold in per cent: `5`, `2.5`.
pub(super) fn allowed(threshold: f64) -> String {
    fixed(threshold * 100.0, 2).trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::default_gates;
    use super::*;
    use crate::results::{Figure, Results, Time};
    use crate::sample::{contender, on};

    /// Rounds between a third of the median and three times as much, in the same order in every run.
    fn noisy(name: &str) -> [Results; 1] {
        let mut row = contender(name).build();
        let spread = [300, 350, 400, 500, 1000, 1000, 1000, 2000, 2500, 2800, 3000];
        let Figure::Known(time) = &mut row.time else { panic!("it is timed") };
        *time = Time { ops: 10, fresh_ns: spread.to_vec(), steady_ns: vec![1000; 11], ..Time::default() };
        [on("one", vec![row])]
    }

    #[test]
    fn a_noisy_time_that_did_not_change_is_not_shown_to_be_as_good_as_before() {
        let found = Regression::of(&noisy("a"), &noisy("a"), None);
        let gate = found.worse(0.05, &default_gates());
        assert_eq!(gate.lines, [""; 0]);
        let smallest: Vec<_> = gate.sight.iter().map(|time| (time.metric, time.smallest.unwrap())).collect();
        assert_eq!(
            smallest.iter().map(|(metric, _)| *metric).collect::<Vec<_>>(),
            ["fresh_ns_per_op", "steady_ns_per_op"]
        );
        assert!(smallest[0].1 > 1.0 && smallest[1].1 == 0.0, "{smallest:?}");
        for text in [found.text(Some((&gate, 0.05)), 1000), found.markdown(Some((&gate, 0.05))).replace('\\', "")] {
            assert!(!text.contains("got worse by more than 5 %."), "{text}");
            assert!(text.contains("1 of 2 times cannot tell 5 % from noise"), "{text}");
            assert!(text.contains("would have shown: a on one fresh_ns_per_op ("), "{text}");
            assert!(text.contains("--metric instructions_per_op --metric peak_heap_bytes"), "{text}");
            assert!(text.contains("steady_ns_per_op 0.0 %"), "{text}");
        }
    }

    /// The faulty case of the above: what is quiet enough is said without reservation.
    #[test]
    fn quiet_times_have_no_reservation() {
        let quiet = [on("one", vec![contender("a").build()])];
        let found = Regression::of(&quiet, &quiet, None);
        let gate = found.worse(0.05, &default_gates());
        assert!(gate.sight.iter().all(|time| (0.0..0.05).contains(&time.smallest.unwrap())), "{gate:?}");
        let text = found.text(Some((&gate, 0.05)), 1000);
        assert!(
            text.contains("None of 3 figures got worse by more than 5 %.") && !text.contains("cannot tell"),
            "{text}"
        );
        assert!(blind(&gate.sight, 0.001).unwrap().starts_with("2 of 2 times cannot tell 0.1 % from noise"));
    }

    /// The claim itself: a slowdown just above the smallest is seen, and one just below is not.
    #[test]
    fn a_slowdown_shows_from_the_smallest_on() {
        let slower = |by: f64| {
            let mut new = noisy("a");
            let Figure::Known(time) = &mut new[0].contenders[0].time else { panic!("it is timed") };
            time.fresh_ns.iter_mut().for_each(|ns| *ns = (*ns as f64 * by) as u64);
            Regression::of(&noisy("a"), &new, None).worse(0.0, &["fresh_ns_per_op"])
        };
        let smallest = slower(1.0).sight[0].smallest.unwrap();
        assert_eq!(slower((1.0 + smallest) * 1.02).lines.len(), 1);
        assert_eq!(slower((1.0 + smallest) * 0.98).lines.len(), 0);
    }

    /// Half the time with the same noise is not worse, and three times the time is: neither is in doubt.
    #[test]
    fn an_interval_on_one_side_of_the_threshold_is_not_blind() {
        let time = |low, high| Sight {
            cell: "a on one".into(),
            metric: "fresh_ns_per_op",
            smallest: Some(0.2),
            interval: Some(Interval { low, high }),
        };
        let blind = [time(0.8, 1.2), time(0.4, 0.6), time(2.5, 3.5)].map(|time| time.is_blind_to(0.05));
        assert_eq!(blind, [true, false, false]);
    }

    #[test]
    fn a_time_without_an_interval_shows_nothing() {
        let once = [on("one", vec![contender("a").rounds(1).build()])];
        let sight = Regression::of(&once, &once, None).sight(&default_gates());
        let text = blind(&sight, 0.0).unwrap();
        assert!(text.starts_with("2 of 2 times cannot tell every change from noise"), "{text}");
        assert!(text.contains("a on one fresh_ns_per_op (no interval)"), "{text}");
        let broken = [on("one", vec![contender("a").failed_requests(1).build()])];
        assert_eq!(Regression::of(&once, &broken, None).sight(&default_gates()), [], "it is worse anyway");
    }
}
