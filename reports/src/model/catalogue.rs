//! All metrics, each at its place in the results, in the order of exports.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::entry::{About, Definition, Entry, Gate, Heading, within};
use super::gaps::{Gaps, GapsAt};
use super::memory::Memory;
use super::metric::{AskedBy, ContenderMetric, Getter, TraceMetric};
use super::{
    bounds, calls, distributions, fragmentation, gaps, growth, instructions, memory, min_heap, occupancy, over_run,
    reallocs, retention, strips, times, trace,
};
use crate::results::figure::Figure::{self, Known};
use crate::results::{Contender, Reason, Results};
use crate::stats::Regime;

static OF_CONTENDERS: LazyLock<Vec<ContenderMetric>> = LazyLock::new(|| {
    fn of_memory<T>(
        place: &str,
        entries: &'static [Entry<T>],
        part: fn(&Memory) -> Figure<&T>,
    ) -> Vec<ContenderMetric> {
        mount(place, entries, AskedBy::EveryRun, move |row| within(&row.memory, part))
    }
    let groups = [
        of_memory("", memory::FOOTPRINT, |it| Known(it)),
        of_memory("johnstone_wilson.", over_run::ENTRIES, |it| Known(&it.johnstone_wilson)),
        of_memory("reallocs.", reallocs::ENTRIES, |it| Known(&it.reallocs)),
        exported_only(of_memory("occupancy.at_peak_live.", occupancy::ENTRIES, |it| Known(&it.occupancy.at_peak_live))),
        of_memory("occupancy.at_peak_heap.", occupancy::ENTRIES, |it| Known(&it.occupancy.at_peak_heap)),
        of_memory("fragmentation.at_peak_live.", fragmentation::ENTRIES, |it| Known(&it.fragmentation.at_peak_live)),
        exported_only(of_memory("fragmentation.at_peak_heap.", fragmentation::ENTRIES, |it| {
            Known(&it.fragmentation.at_peak_heap)
        })),
        exported_only(of_memory("gaps.at_peak_live.", gaps::ENTRIES, |it| gaps_at(it, |gaps| &gaps.at_peak_live))),
        exported_only(of_memory("gaps.at_peak_heap.", gaps::ENTRIES, |it| gaps_at(it, |gaps| &gaps.at_peak_heap))),
        of_memory("gaps.at_end.", gaps::ENTRIES, |it| gaps_at(it, |gaps| &gaps.at_end)),
        of_memory("retention.", retention::ENTRIES, |it| Known(&it.retention)),
        of_memory("growth.", growth::ENTRIES, |it| within(&it.growth, Known)),
        of_memory("", memory::REQUESTS, |it| Known(it)),
        mount("min_heap.", min_heap::ENTRIES, AskedBy::MinHeap, |row| within(&row.min_heap, Known)),
        mount("latency.", calls::ENTRIES, AskedBy::Latency, |row| within(&row.latency, |it| Known(&it.all))),
        mount("", instructions::ENTRIES, AskedBy::Instructions, |row| within(&row.instructions, Known)),
        times::metrics(),
    ];
    groups.into_iter().flatten().collect()
});

/// The gaps at one instant, if the results have them.
fn gaps_at(memory: &Memory, at: fn(&Gaps) -> &GapsAt) -> Figure<&GapsAt> {
    memory.gaps.as_ref().map_or_else(|| Figure::unknown(Reason::NotInFile), |gaps| Known(at(gaps)))
}

static OF_TRACES: LazyLock<Vec<TraceMetric>> = LazyLock::new(|| {
    fn mount<T>(place: &str, entries: &'static [Entry<T>], part: fn(&Results) -> Figure<&T>) -> Vec<TraceMetric> {
        let metric = |entry: &'static Entry<T>| TraceMetric {
            name: format!("{place}{}", entry.name),
            of: Box::new(move |results| within(&part(results), |part| (entry.of)(part))),
            about: entry.about,
        };
        entries.iter().map(metric).collect()
    }
    let groups = [
        mount("trace.", trace::ENTRIES, |results| Known(&results.trace)),
        mount("bounds.", bounds::ENTRIES, |results| within(&results.bounds, Known)),
    ];
    groups.into_iter().flatten().collect()
});

/// The metrics of a part of each contender's row: the entries, their names prefixed with the place of the part.
fn mount<T>(
    place: &str,
    entries: &'static [Entry<T>],
    asked_by: AskedBy,
    part: impl Fn(&Contender) -> Figure<&T> + Copy + Send + Sync + 'static,
) -> Vec<ContenderMetric> {
    let metric = |entry: &'static Entry<T>| ContenderMetric {
        name: format!("{place}{}", entry.name),
        of: Getter::Exact(Box::new(move |row| within(&part(row), |part| (entry.of)(part)))),
        asked_by,
        about: entry.about,
    };
    entries.iter().map(metric).collect()
}

/// The metrics of the instant that tables do not show and gates do not judge.
fn exported_only(mut metrics: Vec<ContenderMetric>) -> Vec<ContenderMetric> {
    for metric in &mut metrics {
        (metric.about.heading, metric.about.gate) = (None, Gate::Never);
    }
    metrics
}

/// Every metric of a contender, in the order of exports.
pub fn of_contenders() -> &'static [ContenderMetric] {
    &OF_CONTENDERS
}

/// Every metric of a trace, in the order of exports.
pub fn of_traces() -> &'static [TraceMetric] {
    &OF_TRACES
}

/// The contender metric of this name, for code that needs a particular metric.
///
/// # Panics
///
/// If there is none.
pub fn metric(name: &str) -> &'static ContenderMetric {
    of_contenders().iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("no metric is called {name}"))
}

/// The metric of gross wall times in this regime.
pub(crate) fn gross(regime: Regime) -> &'static ContenderMetric {
    let is_gross = |metric: &&ContenderMetric| matches!(metric.of, Getter::Gross(of) if of == regime);
    of_contenders().iter().find(is_gross).expect("the catalogue has the times of every regime")
}

/// Every metric by its full name, in the order of exports.
fn all() -> impl Iterator<Item = (&'static str, &'static About)> {
    let of_contenders = of_contenders().iter().map(|metric| (metric.name.as_str(), &metric.about));
    of_contenders.chain(of_traces().iter().map(|metric| (metric.name.as_str(), &metric.about)))
}

/// The headings of all metrics, each with the full name of its metric. A heading that metrics share is listed once,
/// with the first of them.
pub fn headings() -> impl Iterator<Item = (&'static str, &'static Heading)> {
    let mut seen = BTreeSet::new();
    let shown = all().filter_map(|(name, about)| Some((name, about.heading.as_ref()?)));
    shown.filter(move |(_, heading)| seen.insert(heading.id))
}

/// The tables of METRICS.md, by their names on the page.
pub fn definitions() -> Vec<(&'static str, Vec<Definition>)> {
    fn rows<T>(entries: &[Entry<T>], listed: &[Definition]) -> Vec<Definition> {
        let definition =
            |&Entry { name, about, .. }: &Entry<T>| Definition { name, unit: about.unit, docs: about.docs };
        entries.iter().map(definition).chain(listed.iter().copied()).collect()
    }
    let times = of_contenders().iter().filter(|metric| metric.asked_by == AskedBy::Rounds);
    let times =
        times.map(|ContenderMetric { name, about, .. }| Definition { name, unit: about.unit, docs: about.docs });
    vec![
        ("footprint", rows(memory::FOOTPRINT, &[])),
        ("min_heap", rows(min_heap::ENTRIES, min_heap::LISTED)),
        ("requests", rows(memory::REQUESTS, memory::LISTED_REQUESTS)),
        ("johnstone_wilson", rows(over_run::ENTRIES, &[])),
        ("reallocs", rows(reallocs::ENTRIES, &[])),
        ("occupancy", rows(occupancy::ENTRIES, occupancy::LISTED)),
        ("fragmentation", rows(fragmentation::ENTRIES, &[])),
        ("gaps", rows(gaps::ENTRIES, &[])),
        ("retention", rows(retention::ENTRIES, &[])),
        ("growth", rows(growth::ENTRIES, growth::LISTED)),
        ("strips", rows::<()>(&[], strips::LISTED)),
        ("times", times.collect()),
        ("latency", rows(calls::ENTRIES, &[])),
        ("instructions", rows(instructions::ENTRIES, &[])),
        ("trace", rows(trace::ENTRIES, &[])),
        ("distributions", rows::<()>(&[], distributions::LISTED)),
        ("bounds", rows(bounds::ENTRIES, &[])),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::model::{Better, instructions_per_op};
    use crate::ranking::MEASURES;
    use crate::sample::{self, contender};

    /// The places of all numbers in a value. `null` counts as a number; lists are skipped.
    fn numbers(prefix: &str, value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    let place = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                    numbers(&place, value, found);
                }
            }
            Value::Number(_) | Value::Null => {
                found.insert(prefix.to_owned());
            }
            _ => {}
        }
    }

    fn exact(name: &str, row: &Contender) -> Figure<f64> {
        match &metric(name).of {
            Getter::Exact(of) => of(row),
            _ => panic!("{name} is an estimate"),
        }
    }

    #[test]
    fn every_number_in_the_results_has_a_metric() {
        let row = contender("a").min_pages(3, 1).build();
        let mut found = BTreeSet::new();
        numbers("", &serde_json::to_value(row.memory).unwrap(), &mut found);
        // An object if a request failed; notes describe it.
        found.remove("first_failure");
        // The cell sizes of a chart.
        found.retain(|place| !place.starts_with("grid."));
        numbers("min_heap", &serde_json::to_value(row.min_heap).unwrap(), &mut found);
        numbers("trace", &serde_json::to_value(sample::empty().trace).unwrap(), &mut found);
        numbers("bounds", &serde_json::to_value(sample::empty().bounds).unwrap(), &mut found);
        let Figure::Known(latency) = row.latency else { panic!("the sample has latency") };
        numbers("latency", &serde_json::to_value(latency.all).unwrap(), &mut found);
        found.remove("latency.count");
        let counted = of_contenders()
            .iter()
            .filter(|metric| metric.asked_by == AskedBy::Instructions || !matches!(metric.of, Getter::Exact(_)));
        let elsewhere: BTreeSet<String> = counted.map(|metric| metric.name.clone()).collect();
        assert_eq!(elsewhere.len(), 8, "times and instructions are computed");
        found.extend(elsewhere);
        assert_eq!(found, all().map(|(name, _)| name.to_owned()).collect());
    }

    #[test]
    fn names_are_unique_and_end_in_their_units() {
        let names: BTreeSet<&str> = all().map(|(name, _)| name).collect();
        assert_eq!(names.len(), all().count());
        for (name, about) in all() {
            for (ending, expected) in [("bytes", "B"), ("pages", "pages"), ("_ns", "ns"), ("percent", "%")] {
                let ends = name.ends_with(ending) || ending == "_ns" && name.ends_with("_ns_per_op");
                assert_eq!(ends, about.unit == expected, "{name} in {}", about.unit);
            }
        }
    }

    #[test]
    fn every_entry_is_complete() {
        for (name, about) in all() {
            assert!(!about.docs.formula.is_empty() && !about.docs.range.is_empty(), "{name}");
            assert!(about.gate == Gate::Never || about.better == Better::Less, "a gate judges {name}");
            let short = about.heading.map_or(1..=1, |of| of.short.len()..=of.full.len());
            assert!(!short.is_empty() && *short.start() > 0, "{name}");
        }
        for (ranked, _) in MEASURES {
            assert_eq!(metric(ranked).about.better, Better::Less, "{ranked}");
        }
    }

    #[test]
    fn a_metric_reads_the_figure_at_its_place() {
        let row = contender("a").pages(3).min_pages(2, 1).grows_by(7).build();
        let Figure::Known(memory) = &row.memory else { unreachable!() };
        for (name, expected) in [
            ("peak_heap_bytes", 3 * sample::PAGE),
            ("occupancy.at_peak_live.committed_pages", memory.occupancy.at_peak_live.committed_pages),
            ("occupancy.at_peak_heap.committed_pages", memory.occupancy.at_peak_heap.committed_pages),
            ("fragmentation.at_peak_live.span_bytes", memory.fragmentation.at_peak_live.span_bytes),
            ("fragmentation.at_peak_heap.span_bytes", memory.fragmentation.at_peak_heap.span_bytes),
            ("growth.per_loop_pages", 7),
            ("min_heap.pages", 2),
        ] {
            assert_eq!(exact(name, &row), Figure::Known(expected as f64), "{name}");
        }
        let Figure::Known(counted) = &row.instructions else { panic!("the sample has instructions") };
        assert_eq!(exact("instructions_per_op", &row), instructions_per_op(counted));
    }

    #[test]
    fn an_unknown_figure_has_its_reason() {
        let row = contender("null").without_memory("hands out no memory").build();
        assert_eq!(exact("peak_heap_bytes", &row), Figure::unknown("hands out no memory"));
        assert_eq!(exact("growth.per_loop_pages", &row), Figure::unknown("hands out no memory"));
        let row = contender("a").build();
        let share = exact("reallocs.in_place_share", &row);
        assert!(matches!(share, Figure::Unknown { unknown } if unknown.to_string().contains("METRICS.md")));
    }

    /// Tables show, and gates judge, one of the two instants.
    #[test]
    fn one_of_two_instants_is_shown() {
        for (shown, exported) in [
            ("occupancy.at_peak_heap.pinned_pages", "occupancy.at_peak_live.pinned_pages"),
            ("fragmentation.at_peak_live.granted_bytes", "fragmentation.at_peak_heap.granted_bytes"),
        ] {
            assert_eq!((metric(shown).about.gate, metric(exported).about.gate), (Gate::OnRequest, Gate::Never));
        }
        assert!(all().all(|(name, about)| about.heading.is_none() || !name.contains("fragmentation.at_peak_heap")));
        assert!(all().all(|(name, about)| about.heading.is_none() || !name.contains("occupancy.at_peak_live")));
    }

    #[test]
    #[should_panic(expected = "no metric is called weather_percent")]
    fn an_unknown_name_is_found() {
        metric("weather_percent");
    }
}
