//! Results as a long table: one measurement per row, with everything needed to select it.
//!
//! `docs/RESULTS.md` documents each column and lists the metrics; a test holds the page to this table.

use serde::{Serialize, Serializer};

use crate::model::{self, Getter, TraceMetric};
use crate::results::{Contender, Figure, Results};
use crate::stats::{Estimate, Regime, gross_ns_per_op, net_ns_per_op, ratio_beside};
use crate::times;

/// Version of the columns and their meaning. It grows if a column or metric changes its meaning or disappears, not if
/// one is added.
pub const SCHEMA_VERSION: u32 = 2;

/// A row. The field names are the columns.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measurement<'r> {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// When the measurement began, RFC 3339, UTC: distinguishes several measurements of one trace.
    pub date: &'r str,
    /// Name of the trace.
    pub trace: &'r str,
    /// SHA-256 of the trace's text.
    pub trace_sha256: &'r str,
    /// `recorded`, `synthetic` or `unstated`.
    pub origin: &'static str,
    /// Bytes in a page of the heap.
    pub page_bytes: u64,
    /// The heap limit in pages.
    pub heap_limit_pages: u64,
    /// What timed replays write into new blocks.
    pub touch: &'static str,
    /// Name of the contender; empty if the figure belongs to the trace.
    pub contender: &'r str,
    /// Its version.
    pub contender_version: &'r str,
    /// `contender`, `baseline`, `ablation` or `floor`.
    pub role: &'static str,
    /// Name of the metric.
    pub metric: &'static str,
    /// Its unit; `1` for counts, ratios and shares.
    pub unit: &'static str,
    /// The figure; empty if unknown.
    #[serde(serialize_with = "number")]
    pub value: Option<f64>,
    /// Lower end of its 95 % interval, if it has one.
    #[serde(serialize_with = "number")]
    pub low: Option<f64>,
    /// Upper end of that interval.
    #[serde(serialize_with = "number")]
    pub high: Option<f64>,
    /// The timing round, counted from 1, of a sample; empty for a figure over all rounds.
    pub round: Option<u32>,
    /// Why the figure is unknown.
    pub reason: Option<String>,
}

/// Names of the columns, in order.
pub const COLUMNS: [&str; 18] = [
    "schema_version",
    "date",
    "trace",
    "trace_sha256",
    "origin",
    "page_bytes",
    "heap_limit_pages",
    "touch",
    "contender",
    "contender_version",
    "role",
    "metric",
    "unit",
    "value",
    "low",
    "high",
    "round",
    "reason",
];

/// Prints whole numbers without a fraction, as for counts and bytes.
fn number<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    /// Below this, every whole number is exact.
    const EXACT: f64 = (1_u64 << 53) as f64;
    match *value {
        Some(value) if value.fract() == 0.0 && value.abs() < EXACT => serializer.serialize_i64(value as i64),
        Some(value) => serializer.serialize_f64(value),
        None => serializer.serialize_none(),
    }
}

/// All measurements of the results: those of the trace first, then contender by contender.
pub fn measurements(results: &Results) -> Vec<Measurement<'_>> {
    let of_trace = |metric: &'static TraceMetric| {
        Measurement { metric: &metric.name, unit: metric.about.unit, ..blank(results) }.with((metric.of)(results))
    };
    let mut rows: Vec<Measurement> = model::of_traces().iter().map(of_trace).collect();
    let has_rewound = |row: &Contender| row.time.known().is_some_and(|time| !time.rewound_ns.is_empty());
    let rewound = results.contenders.iter().any(has_rewound);
    for contender in &results.contenders {
        for metric in model::of_contenders() {
            let row = Measurement {
                contender: &contender.name,
                contender_version: &contender.version,
                role: contender.role.name(),
                metric: &metric.name,
                unit: metric.about.unit,
                ..blank(results)
            };
            match &metric.of {
                // Only results of schema 3 have rewound times; other results have no row for them.
                Getter::Gross(Regime::Rewound) if !rewound => {}
                Getter::Exact(of) => rows.push(row.with(of(contender))),
                Getter::Gross(regime) => {
                    rows.push(row.clone().estimated(gross_ns_per_op(contender, *regime)));
                    rows.extend(samples(contender, *regime, row));
                }
                Getter::Net(regime) => rows.push(row.estimated(net_ns_per_op(results, contender, *regime))),
                Getter::Ratio(regime) => {
                    let ratio = ratio_beside(results, contender, &results.settings.baseline, *regime);
                    rows.push(row.estimated(match ratio {
                        Figure::Known(ratio) => Figure::Known(ratio.estimate),
                        Figure::Unknown { unknown } => Figure::Unknown { unknown },
                    }));
                }
            }
        }
    }
    rows
}

fn blank(results: &Results) -> Measurement<'_> {
    let (trace, settings) = (&results.trace, &results.settings);
    Measurement {
        schema_version: SCHEMA_VERSION,
        date: &results.provenance.date,
        trace: &trace.name,
        trace_sha256: &trace.sha256,
        origin: trace.origin.name(),
        page_bytes: settings.page_bytes,
        heap_limit_pages: settings.heap_limit_pages,
        touch: times::touched(results).name(),
        contender: "",
        contender_version: "",
        role: "",
        metric: "",
        unit: "",
        value: None,
        low: None,
        high: None,
        round: None,
        reason: None,
    }
}

impl Measurement<'_> {
    fn with(self, figure: Figure<f64>) -> Self {
        match figure {
            Figure::Known(value) => Measurement { value: Some(value), ..self },
            Figure::Unknown { unknown } => Measurement { reason: Some(unknown.to_string()), ..self },
        }
    }

    fn estimated(self, figure: Figure<Estimate>) -> Self {
        match figure {
            Figure::Known(Estimate { value, interval }) => Measurement {
                value: Some(value),
                low: interval.map(|interval| interval.low),
                high: interval.map(|interval| interval.high),
                ..self
            },
            Figure::Unknown { unknown } => Measurement { reason: Some(unknown.to_string()), ..self },
        }
    }
}

/// Every round of a contender, in nanoseconds per operation.
fn samples<'r>(contender: &Contender, regime: Regime, row: Measurement<'r>) -> impl Iterator<Item = Measurement<'r>> {
    let time = contender.time.known().filter(|time| time.ops > 0);
    let samples =
        time.map_or(Vec::new(), |time| regime.samples(time).iter().map(|&ns| ns as f64 / time.ops as f64).collect());
    (1..).zip(samples).map(move |(round, value)| Measurement { value: Some(value), round: Some(round), ..row.clone() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sample;

    const REWOUND: &str = "rewound_ns_per_op";

    const PAGE: &str = include_str!("../../../docs/RESULTS.md");

    /// The first cells of the rows of the page's tables, in code font: `| `name` | …`.
    fn documented(heading: &str) -> Vec<String> {
        let section = PAGE.split("\n## ").find(|section| section.starts_with(heading)).expect("the page has it");
        let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
        cells.map(|(name, _)| name.to_owned()).collect()
    }

    #[test]
    fn columns_match_the_page() {
        assert_eq!(documented("Columns"), COLUMNS);
        let results = sample::results();
        let row = serde_json::to_string(&measurements(&results)[0]).unwrap();
        let places: Vec<_> = COLUMNS.iter().map(|column| row.find(&format!("\"{column}\":")).unwrap()).collect();
        assert!(places.is_sorted(), "in this order: {row}");
        assert_eq!(row.matches("\":").count(), COLUMNS.len());
        assert!(PAGE.contains(&format!("`schema_version` is {SCHEMA_VERSION}")));
    }

    /// As results of schema 3 are read: their warm times are those of rewound heaps.
    fn old() -> Results {
        let mut results = sample::results();
        for contender in &mut results.contenders {
            let Figure::Known(time) = &mut contender.time else { continue };
            (time.rewound_ns, time.no_steady) = (std::mem::take(&mut time.steady_ns), Some("of schema 3".into()));
        }
        results
    }

    #[test]
    fn rewound_times_have_rows_if_there_are_any() {
        assert!(measurements(&sample::results()).iter().all(|row| row.metric != REWOUND));
        let old = old();
        let rows = measurements(&old);
        let of = |row: &&Measurement| row.contender == "talc" && row.metric == REWOUND;
        assert_eq!(rows.iter().filter(of).count(), 16, "the median, and 15 rounds");
        let steady = rows.iter().find(|row| row.contender == "talc" && row.metric == "steady_ns_per_op").unwrap();
        assert_eq!((steady.value, steady.reason.as_deref()), (None, Some("of schema 3")));
    }

    #[test]
    fn metrics_match_the_page() {
        let (results, old) = (sample::results(), old());
        let mut rows = measurements(&results);
        rows.extend(measurements(&old));
        let written: BTreeSet<(String, String)> =
            rows.iter().map(|row| (row.metric.to_owned(), row.unit.to_owned())).collect();
        let section = PAGE.split("\n## ").find(|section| section.starts_with("Metrics")).expect("the page has it");
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
        let documented: BTreeSet<(String, String)> = rows
            .map(|row| {
                let cells: Vec<&str> = row.split('|').collect();
                (cells[0].trim().trim_matches('`').to_owned(), cells[1].trim().to_owned())
            })
            .collect();
        let missing: Vec<_> = written.difference(&documented).collect();
        let strange: Vec<_> = documented.difference(&written).collect();
        assert!(missing.is_empty() && strange.is_empty(), "not on the page: {missing:?}; only there: {strange:?}");
    }

    #[test]
    fn every_row_has_a_value_or_a_reason_and_every_contender_every_metric() {
        let results = sample::results();
        let rows = measurements(&results);
        for row in &rows {
            assert!(row.value.is_some() != row.reason.is_some(), "{row:?}");
            assert!(row.low.is_some() == row.high.is_some() && !(row.low.is_some() && row.round.is_some()), "{row:?}");
        }
        let summary = |name: &str| {
            rows.iter()
                .filter(|row| row.contender == name && row.round.is_none())
                .map(|row| row.metric)
                .collect::<Vec<_>>()
        };
        assert!(summary("null").len() > 50);
        for contender in &results.contenders {
            assert_eq!(summary(&contender.name), summary("null"), "{}", contender.name);
        }
    }

    #[test]
    fn samples_have_their_rounds() {
        let results = sample::results();
        let rows = measurements(&results);
        let of = |row: &&Measurement| row.contender == "talc" && row.metric == "steady_ns_per_op";
        let (all, samples): (Vec<_>, Vec<_>) = rows.iter().filter(of).partition(|row| row.round.is_none());
        assert_eq!((all.len(), samples.len()), (1, 15));
        let time = results.contenders.iter().find(|row| row.name == "talc").unwrap().time.known().unwrap();
        for (sample, &ns) in samples.iter().zip(&time.steady_ns) {
            assert_eq!(sample.value, Some(ns as f64 / time.ops as f64));
        }
        assert_eq!(samples.iter().map(|row| row.round.unwrap()).collect::<Vec<_>>(), (1..=15).collect::<Vec<_>>());
    }
}
