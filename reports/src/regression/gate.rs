//! The gate: what got worse than allowed.

use super::comparison::{Compared, OldAndNew, Regression};
use super::sight::Sight;
use crate::model::{self, Gate, Getter};
use crate::numbers::{fixed, short};
use crate::results::{Figure, Role};

/// Names of the metrics that a gate may judge.
pub fn gates() -> Vec<&'static str> {
    names(|gate| gate != Gate::Never)
}

/// Names of the metrics that a gate judges by default.
pub fn default_gates() -> Vec<&'static str> {
    names(|gate| gate == Gate::ByDefault)
}

fn names(is_meant: impl Fn(Gate) -> bool) -> Vec<&'static str> {
    let meant = model::of_contenders().iter().filter(|metric| is_meant(metric.about.gate));
    let (times, figures): (Vec<_>, Vec<_>) = meant.partition(|metric| matches!(metric.of, Getter::Gross(_)));
    times.into_iter().chain(figures).map(|metric| metric.name.as_str()).collect()
}

/// The findings of a gate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Worse {
    /// A line for each figure that got worse by more than allowed or is no longer known, and for each contender that
    /// broke.
    pub lines: Vec<String>,
    /// How many figures were compared. A gate that compared none has shown nothing.
    pub compared: usize,
    /// The smallest slowdown that each gated time could have shown.
    pub sight: Vec<Sight>,
}

impl Regression {
    /// Which of these metrics got worse by more than `threshold`, a share: 0.05 is 5 %. A time counts only if its whole
    /// interval is above the threshold; without an interval it is not judged. An exact figure counts as soon as it is
    /// above. A contender that broke, or lost such a figure, is worse regardless of the threshold. Ablations are not
    /// meant to ship, and fail no gate.
    pub fn worse(&self, threshold: f64, metrics: &[&str]) -> Worse {
        let mut worse = Worse { sight: self.sight(metrics), ..Worse::default() };
        for cell in self.cells.iter().filter(|cell| cell.role != Role::Ablation) {
            if let Some(broke) = &cell.broke {
                worse.lines.push(format!("{}: {broke}", name(cell)));
                worse.compared += 1;
                continue;
            }
            for (metric, reason) in cell.lost.iter().filter(|(metric, _)| metrics.contains(metric)) {
                worse.lines.push(format!("{}: {metric} is no longer known: {reason}", name(cell)));
                worse.compared += 1;
            }
            let times = cell.times.iter().map(|(regime, ratio)| (model::gross(*regime).name.as_str(), ratio));
            for (metric, ratio) in times.filter(|(metric, _)| metrics.contains(metric)) {
                let Figure::Known(ratio) = ratio else { continue };
                let Some(interval) = ratio.estimate.interval else { continue };
                worse.compared += 1;
                if interval.low > 1.0 + threshold {
                    worse.lines.push(format!(
                        "{}: {metric} {} (95 % CI {} to {})",
                        name(cell),
                        percent(ratio.estimate.value - 1.0),
                        percent(interval.low - 1.0),
                        percent(interval.high - 1.0),
                    ));
                }
            }
            for pair in cell.figures.iter().filter(|pair| metrics.contains(&pair.metric.name.as_str())) {
                let Some((old, new)) = pair.known() else { continue };
                worse.compared += 1;
                if change(old, new) > threshold {
                    worse.lines.push(format!("{}: {}", name(cell), difference(pair, old, new)));
                }
            }
        }
        worse
    }
}

fn name(cell: &Compared) -> String {
    format!("{} on {}", cell.contender, cell.trace)
}

/// The relative increase from old to new.
pub(super) fn change(old: f64, new: f64) -> f64 {
    match old == new {
        true => 0.0,
        // From nothing to something exceeds any threshold.
        false => (new - old) / old,
    }
}

/// A difference in words: `peak_heap_bytes 65,536 → 131,072 (+100 %)`.
pub(super) fn difference(pair: &OldAndNew, old: f64, new: f64) -> String {
    let digits = |value: f64| if value.fract() == 0.0 { whole(value) } else { short(value) };
    let change = change(old, new);
    let change = if change.is_finite() { format!(" ({})", percent(change)) } else { String::new() };
    format!("{} {} → {}{change}", pair.metric.name, digits(old), digits(new))
}

fn whole(value: f64) -> String {
    crate::numbers::grouped(value as u64)
}

/// A share as a change in per cent, with its sign: `+5.30 %`.
pub(super) fn percent(share: f64) -> String {
    let text =
        if share == 0.0 { "0".to_owned() } else { fixed(share * 100.0, if share.abs() < 0.9995 { 1 } else { 0 }) };
    let sign = if share > 0.0 { "+" } else { "" };
    format!("{sign}{text} %")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Better;
    use crate::results::Contender;
    use crate::sample::{contender, on};

    const TIMES: [&str; 3] = ["fresh_ns_per_op", "steady_ns_per_op", "rewound_ns_per_op"];

    fn worse(old: Contender, new: Contender, threshold: f64) -> Worse {
        Regression::of(&[on("one", vec![old])], &[on("one", vec![new])], None).worse(threshold, &default_gates())
    }

    #[test]
    fn times_come_first_and_less_is_better_for_all() {
        let all = gates();
        assert_eq!(all[..3], TIMES);
        assert_eq!(default_gates(), [&TIMES[..], &["peak_heap_bytes", "min_heap.bytes"]].concat());
        for figure in [
            "peak_heap_bytes",
            "peak_span_bytes",
            "min_heap.bytes",
            "fragmentation.at_peak_live.granted_bytes",
            "retention.end_resident_bytes",
            "retention.freed_heap_bytes",
            "reallocs.copied_bytes",
            "occupancy.at_peak_heap.pinned_pages",
            "growth.per_loop_pages",
            "grow_calls",
            "instructions_per_op",
        ] {
            assert!(all.contains(&figure), "{figure}");
        }
        for name in all {
            assert_eq!(model::metric(name).about.better, Better::Less, "{name}");
        }
    }

    /// Samples spread by 3 % to either side, and the interval by nearly as much: a third more is above 5 %, a fiftieth
    /// more is noise.
    #[test]
    fn times_are_worse_if_the_whole_interval_is() {
        let at = |tenths| contender("a").fresh_ns(tenths).steady_ns(1000).build();
        let found = worse(at(1000), at(1330), 0.05);
        assert_eq!((found.compared, found.lines.len()), (3, 1));
        assert!(found.lines[0].starts_with("a on one: fresh_ns_per_op +33.0 % (95 % CI +3"), "{:?}", found.lines);
        assert!(worse(at(1000), at(1020), 0.0).lines.is_empty(), "noise");
        assert!(worse(at(1000), at(1060), 0.05).lines.is_empty(), "its median is above, its interval is not");
        assert!(worse(at(1000), at(700), 0.0).lines.is_empty(), "an improvement");
    }

    #[test]
    fn any_increase_of_memory_above_the_threshold_counts() {
        let pages = |pages| contender("a").pages(pages).build();
        for (old, new, threshold, bad) in [
            (100, 101, 0.0, true),
            (100, 105, 0.05, false),
            (100, 106, 0.05, true),
            (100, 100, 0.0, false),
            (100, 90, 0.0, false),
        ] {
            let found = worse(pages(old), pages(new), threshold);
            assert_eq!(!found.lines.is_empty(), bad, "{old} to {new} at {threshold}: {:?}", found.lines);
        }
        let lines = worse(pages(100), pages(106), 0.05).lines;
        assert_eq!(lines, ["a on one: peak_heap_bytes 6,553,600 → 6,946,816 (+6.0 %)"]);
        let min = worse(contender("a").min_pages(3, 0).build(), contender("a").min_pages(4, 0).build(), 0.05).lines;
        assert_eq!(min, ["a on one: min_heap.bytes 196,608 → 262,144 (+33.3 %)"]);
    }

    #[test]
    fn a_broken_contender_is_worse_and_an_uncompared_one_is_not() {
        let found = worse(contender("a").build(), contender("a").failed_requests(1).build(), 9.0);
        assert_eq!((found.lines.len(), found.compared), (1, 1));
        let untimed = || contender("a").without_time("switched off").without_memory("not accounted").build();
        assert_eq!(worse(untimed(), untimed(), 0.0), Worse::default());
        let once = || contender("a").rounds(1).build();
        assert_eq!(worse(once(), once(), 0.0).compared, 1, "the peak: one round has no interval");
    }

    #[test]
    fn a_lost_figure_is_worse_if_the_gate_judges_it() {
        let run = |row: Contender| {
            let mut results = on("one", vec![row]);
            results.settings.min_heap = true;
            [results]
        };
        let old = run(contender("a").min_pages(3, 0).build());
        let new = run(contender("a").without_min_heap("its time was over").build());
        let regression = Regression::of(&old, &new, None);
        let found = regression.worse(9.0, &default_gates());
        let line = "a on one: min_heap.bytes is no longer known: its time was over".to_owned();
        assert_eq!((found.lines, found.compared), (vec![line], 4));
        assert_eq!(regression.worse(9.0, &["peak_heap_bytes"]).lines, [""; 0]);
        let died = worse(contender("a").build(), contender("a").without_time("the child died").build(), 9.0);
        assert_eq!((died.lines.len(), died.compared), (2, 3));
        assert_eq!(
            worse(contender("a").without_time("the child died").build(), contender("a").build(), 0.0).compared,
            1
        );
    }

    /// With two rounds in each run of the same allocator, both new ones are above both old ones in one comparison of
    /// six.
    #[test]
    fn a_time_without_a_95_percent_interval_is_not_compared() {
        let of = |rounds, fresh_ns| contender("a").rounds(rounds).fresh_ns(fresh_ns).build();
        for few in [worse(of(2, 100), of(2, 200), 0.0), worse(of(15, 100), of(5, 200), 0.0)] {
            assert_eq!((few.lines.len(), few.compared), (0, 1));
        }
        assert_eq!(worse(of(6, 100), of(6, 200), 0.0).compared, 3);
    }

    #[test]
    fn a_run_compared_with_itself_has_no_findings() {
        let run = [on("one", vec![contender("a").build(), contender("b").build()])];
        let compared = |relative_to| Regression::of(&run, &run, relative_to).worse(0.0, &TIMES).compared;
        assert_eq!((compared(None), compared(Some("a"))), (4, 2));
    }

    #[test]
    fn an_ablation_fails_no_gate() {
        let of = |role| contender("a").role(role).pages(10).build();
        let worst = |role| contender("a").role(role).pages(20).fresh_ns(900).failed_requests(7).build();
        assert_eq!(worse(of(Role::Ablation), worst(Role::Ablation), 0.0), Worse::default());
        assert_eq!(worse(of(Role::Contender), worst(Role::Ablation), 0.0), Worse::default(), "it became an ablation");
        assert_eq!(worse(of(Role::Baseline), worst(Role::Baseline), 0.0).lines.len(), 1);
    }

    #[test]
    fn only_the_chosen_metrics_count() {
        let regression = Regression::of(
            &[on("one", vec![contender("a").pages(10).fresh_ns(100).build()])],
            &[on("one", vec![contender("a").pages(20).fresh_ns(200).build()])],
            None,
        );
        assert_eq!(regression.worse(0.0, &["fresh_ns_per_op"]).lines.len(), 1);
        assert_eq!(regression.worse(0.0, &["peak_heap_bytes", "grow_calls"]).lines.len(), 2);
        assert_eq!(regression.worse(0.0, &[]), Worse::default());
        assert_eq!(change(0.0, 1.0), f64::INFINITY);
        assert_eq!([0.0, 0.053, -0.2, 12.5].map(percent), ["0 %", "+5.3 %", "-20.0 %", "+1,250 %"]);
    }
}
