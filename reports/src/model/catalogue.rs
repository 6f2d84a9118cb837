//! All metrics, each at its place in the results, in the order of exports.

use std::sync::LazyLock;

use super::entry::{AskedBy, ContenderMetric, Docs, Entry, Gate, Getter, Heading, Listed, TraceMetric, within};
use super::{
    bounds, calls, distributions, footprint, fragmentation, growth, instructions, min_heap, occupancy, over_run,
    reallocs, requests, retention, strips, times, trace,
};
use crate::results::{Contender, Figure, Memory, Results};
use crate::stats::Regime;

static OF_CONTENDERS: LazyLock<Vec<ContenderMetric>> = LazyLock::new(|| {
    let min_heap = mount("min_heap.", &min_heap::ENTRIES, |row| within(&row.min_heap, Figure::Known));
    let latency = mount("latency.", &calls::ENTRIES, |row| within(&row.latency, |latency| Figure::Known(&latency.all)));
    let instructions = mount("", &instructions::ENTRIES, |row| within(&row.instructions, Figure::Known));
    let all = of_memory().into_iter();
    let all = all.chain(asked_by(AskedBy::MinHeap, min_heap));
    let all = all.chain(asked_by(AskedBy::Latency, latency));
    let all = all.chain(asked_by(AskedBy::Instructions, instructions));
    all.chain(times::metrics()).collect()
});

fn of_memory() -> Vec<ContenderMetric> {
    fn part<'c, T>(row: &'c Contender, part: fn(&'c Memory) -> &'c T) -> Figure<&'c T> {
        within(&row.memory, |memory| Figure::Known(part(memory)))
    }
    let mut all = mount("", &footprint::ENTRIES, |row| part(row, |memory| memory));
    all.extend(mount("johnstone_wilson.", &over_run::ENTRIES, |row| part(row, |memory| &memory.johnstone_wilson)));
    all.extend(mount("reallocs.", &reallocs::ENTRIES, |row| part(row, |memory| &memory.reallocs)));
    let at_peak_live =
        mount("occupancy.at_peak_live.", &occupancy::ENTRIES, |row| part(row, |memory| &memory.occupancy.at_peak_live));
    all.extend(exported_only(at_peak_live));
    all.extend(mount("occupancy.at_peak_heap.", &occupancy::ENTRIES, |row| {
        part(row, |memory| &memory.occupancy.at_peak_heap)
    }));
    all.extend(mount("fragmentation.at_peak_live.", &fragmentation::ENTRIES, |row| {
        part(row, |memory| &memory.fragmentation.at_peak_live)
    }));
    let at_peak_heap = mount("fragmentation.at_peak_heap.", &fragmentation::ENTRIES, |row| {
        part(row, |memory| &memory.fragmentation.at_peak_heap)
    });
    all.extend(exported_only(at_peak_heap));
    all.extend(mount("retention.", &retention::ENTRIES, |row| part(row, |memory| &memory.retention)));
    all.extend(mount("growth.", &growth::ENTRIES, |row| {
        within(&row.memory, |memory| within(&memory.growth, Figure::Known))
    }));
    all.extend(mount("", &requests::ENTRIES, |row| part(row, |memory| memory)));
    all
}

static OF_TRACES: LazyLock<Vec<TraceMetric>> = LazyLock::new(|| {
    let mut all = mount_trace("trace.", &trace::ENTRIES, |results| Figure::Known(&results.trace));
    all.extend(mount_trace("bounds.", &bounds::ENTRIES, |results| within(&results.bounds, Figure::Known)));
    all
});

/// The entries of a part of each contender's row, with the place of the part before their names.
fn mount<T>(place: &str, entries: &'static [Entry<T>], part: fn(&Contender) -> Figure<&T>) -> Vec<ContenderMetric> {
    let metric = |entry: &'static Entry<T>| ContenderMetric {
        name: format!("{place}{}", entry.name),
        of: Getter::Exact(Box::new(move |row| match part(row) {
            Figure::Known(part) => (entry.of)(part),
            Figure::Unknown { unknown } => Figure::Unknown { unknown },
        })),
        asked_by: AskedBy::EveryRun,
        about: entry.about,
    };
    entries.iter().map(metric).collect()
}

/// The same of a part that is the trace's.
fn mount_trace<T>(place: &str, entries: &'static [Entry<T>], part: fn(&Results) -> Figure<&T>) -> Vec<TraceMetric> {
    let metric = |entry: &'static Entry<T>| TraceMetric {
        name: format!("{place}{}", entry.name),
        of: Box::new(move |results| match part(results) {
            Figure::Known(part) => (entry.of)(part),
            Figure::Unknown { unknown } => Figure::Unknown { unknown },
        }),
        about: entry.about,
    };
    entries.iter().map(metric).collect()
}

/// Metrics of a second instant: tables show and gates judge those of the first.
fn exported_only(metrics: Vec<ContenderMetric>) -> impl Iterator<Item = ContenderMetric> {
    metrics.into_iter().map(|mut metric| {
        (metric.about.heading, metric.about.gate) = (None, Gate::Never);
        metric
    })
}

fn asked_by(setting: AskedBy, metrics: Vec<ContenderMetric>) -> impl Iterator<Item = ContenderMetric> {
    metrics.into_iter().map(move |metric| ContenderMetric { asked_by: setting, ..metric })
}

/// Every metric of a contender, in the order of exports.
pub fn of_contenders() -> &'static [ContenderMetric] {
    &OF_CONTENDERS
}

/// Every metric of a trace, in the order of exports.
pub fn of_traces() -> &'static [TraceMetric] {
    &OF_TRACES
}

/// The metric of a contender with this name, for code that names one.
///
/// # Panics
///
/// Where there is none.
pub fn metric(name: &str) -> &'static ContenderMetric {
    of_contenders().iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("no metric is called {name}"))
}

/// The metric of wall times of this kind, the harness's own included.
pub(crate) fn gross(regime: Regime) -> &'static ContenderMetric {
    let is_gross = |metric: &&ContenderMetric| matches!(metric.of, Getter::Gross(of) if of == regime);
    of_contenders().iter().find(is_gross).expect("the catalogue has the times of every regime")
}

/// The headings of all metrics, each with the full name of the metric, in the order of exports. A definition that metrics share comes
/// with the first of them.
pub fn headings() -> impl Iterator<Item = (&'static str, &'static Heading)> {
    let of_contenders = of_contenders().iter().map(|metric| (metric.name.as_str(), &metric.about));
    let of_traces = of_traces().iter().map(|metric| (metric.name.as_str(), &metric.about));
    let mut seen = std::collections::BTreeSet::new();
    let shown = of_contenders.chain(of_traces).filter_map(|(name, about)| Some((name, about.heading.as_ref()?)));
    shown.filter(move |(_, heading)| seen.insert(heading.id))
}

/// A row of a table of METRICS.md.
pub struct Definition {
    /// The figure's name, without the place that its section names.
    pub name: String,
    /// Its unit; nothing where it is no single number.
    pub unit: Option<&'static str>,
    /// The other cells.
    pub docs: Docs,
}

/// The tables of METRICS.md, by the names that the page has for them.
pub fn definitions() -> Vec<(&'static str, Vec<Definition>)> {
    fn rows<T>(entries: &[Entry<T>], listed: &[Listed]) -> Vec<Definition> {
        let entries = entries.iter().map(|Entry { name, about, .. }| Definition {
            name: name.to_string(),
            unit: Some(about.unit),
            docs: about.docs,
        });
        let listed = listed.iter().map(|one| Definition { name: one.name.to_owned(), unit: None, docs: one.docs });
        entries.chain(listed).collect()
    }
    let times = times::metrics().map(|ContenderMetric { name, about, .. }| Definition {
        name,
        unit: Some(about.unit),
        docs: about.docs,
    });
    vec![
        ("footprint", rows(&footprint::ENTRIES, &[])),
        ("min_heap", rows(&min_heap::ENTRIES, &min_heap::LISTED)),
        ("requests", rows(&requests::ENTRIES, &requests::LISTED)),
        ("johnstone_wilson", rows(&over_run::ENTRIES, &[])),
        ("reallocs", rows(&reallocs::ENTRIES, &[])),
        ("occupancy", rows(&occupancy::ENTRIES, &occupancy::LISTED)),
        ("fragmentation", rows(&fragmentation::ENTRIES, &[])),
        ("retention", rows(&retention::ENTRIES, &[])),
        ("growth", rows(&growth::ENTRIES, &growth::LISTED)),
        ("strips", rows::<()>(&[], &strips::LISTED)),
        ("times", times.collect()),
        ("latency", rows(&calls::ENTRIES, &[])),
        ("instructions", rows(&instructions::ENTRIES, &[])),
        ("trace", rows(&trace::ENTRIES, &[])),
        ("distributions", rows::<()>(&[], &distributions::LISTED)),
        ("bounds", rows(&bounds::ENTRIES, &[])),
    ]
}
