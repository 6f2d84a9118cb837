//! The columns that tables share: each heading with the cells of its contenders.
//!
//! Headings, units and definitions come from the catalogue of metrics. A metric that has a heading but no place in a
//! table appears among the memory details.

use unicode_width::UnicodeWidthStr;

use super::model::{Beside, CellShape, Sign, Table, TableCell, TableColumn, TableRow};
use super::placing::Placing;
use crate::model::{self, AskedBy, ContenderMetric, Getter, Heading};
use crate::numbers::{count, decimals, exact_unit, grouped, short};
use crate::results::{Contender, Figure, Reason, Results, Role, Verification};
use crate::stats::{Ratio, Regime, Verdict, gross_ns_per_op, net_ns_per_op, ratio_beside};
use crate::times;

/// Stands in the column of failures for a contender that returned wrong blocks.
pub(crate) const INVALID: &str = "INVALID";

/// Decimals of a ratio below 10: three, because good allocators differ in the fourth digit.
const RATIO_DECIMALS: usize = 3;

/// Terminal columns that the words of a heading may take per line, unless a single word takes more.
const NARROW: usize = 6;

/// The ids of the columns of the memory table, besides the minimum heap.
pub(crate) const MEMORY: [&str; 8] = ["peak", "overhead", "jw4", "jw1", "jw2", "jw3", "growth", "refused"];

/// The ids of the memory details whose order is fixed.
const DETAILS: [&str; 8] = ["span", "rounding", "gaps", "pageslive", "pinned", "inplace", "copied", "resident"];

/// The ids of metrics that are whole pages in bytes, and so have an exact unit of their own.
const WHOLE_PAGES: [&str; 2] = ["peak", "resident"];

/// A column, and the function that makes its cell for a contender.
pub(crate) struct ColumnBuilder<'a> {
    column: TableColumn,
    cell: Box<dyn Fn(&Placing<'a>) -> TableCell + 'a>,
}

impl<'a> ColumnBuilder<'a> {
    pub(crate) fn new(column: TableColumn, cell: impl Fn(&Placing<'a>) -> TableCell + 'a) -> Self {
        ColumnBuilder { column, cell: Box::new(cell) }
    }

    /// Changes the column.
    pub(crate) fn headed(mut self, change: impl FnOnce(TableColumn) -> TableColumn) -> Self {
        self.column = change(self.column);
        self
    }

    /// Changes the cells.
    pub(crate) fn each(self, change: impl Fn(&Placing<'a>, TableCell) -> TableCell + 'a) -> Self {
        let ColumnBuilder { column, cell } = self;
        ColumnBuilder::new(column, move |row| change(row, cell(row)))
    }
}

/// The table of these contenders.
pub(crate) fn table<'a>(corner: &str, rows: &[Placing<'a>], sources: Vec<ColumnBuilder<'a>>) -> Table {
    let row = |row: &Placing<'a>| TableRow {
        group: group(row.contender.role).to_owned(),
        name: row.contender.name.clone(),
        version: row.contender.version.clone(),
        role: row.contender.role,
        invalid: match &row.contender.verification {
            Verification::Failed { message, .. } => Some(message.clone()),
            _ => None,
        },
        cells: sources.iter().map(|source| (source.cell)(row)).collect(),
    };
    let rows = rows.iter().map(row).collect();
    Table { rows, ..Table::new(corner, sources.into_iter().map(|source| source.column).collect()) }
}

/// The heading above the rows of a role.
fn group(role: Role) -> &'static str {
    match role {
        Role::Contender => "",
        Role::Baseline => "yardsticks:",
        Role::Ablation => "ablations:",
        Role::Floor => "floor:",
    }
}

/// Gross nanoseconds per operation.
pub(crate) fn gross<'a>(results: &Results, regime: Regime) -> ColumnBuilder<'a> {
    let id = regime.name();
    let heading = times::heading(&format!("{id} ns/op"), &results.settings);
    ColumnBuilder::new(TableColumn::new(id, heading, CellShape::Paired), move |row| {
        let fastest = if regime == Regime::Fresh { row.fastest_fresh } else { row.fastest_steady };
        TableCell::estimate(&gross_ns_per_op(row.contender, regime), None, Sign::best(fastest))
    })
}

/// Net nanoseconds per operation: without the harness.
pub(crate) fn net(results: &Results, regime: Regime) -> ColumnBuilder<'_> {
    let heading = format!("{} ns/op, net", regime.name());
    ColumnBuilder::new(TableColumn::new("net", heading, CellShape::Paired), move |row| {
        TableCell::estimate(&net_ns_per_op(results, row.contender, regime), None, Sign::None)
    })
}

/// The time over the baseline's.
pub(crate) fn ratio(results: &Results, regime: Regime) -> ColumnBuilder<'_> {
    ratio_with(results, regime, RATIO_DECIMALS)
}

/// The same with this many decimals below 10.
pub(super) fn ratio_with(results: &Results, regime: Regime, places: usize) -> ColumnBuilder<'_> {
    let baseline = &results.settings.baseline;
    let heading = format!("{} × {baseline}", regime.name());
    ColumnBuilder::new(TableColumn::new("ratio", heading, CellShape::Paired), move |row| {
        match ratio_beside(results, row.contender, baseline, regime) {
            // Its ratio to itself is not a measurement.
            Figure::Known(_) if row.contender.name == *baseline => TableCell::figure(1.0, "1".into()),
            Figure::Known(Ratio { estimate, verdict }) => {
                let places = if estimate.value < 9.9995 { places } else { decimals(estimate.value) };
                let sign = if verdict == Verdict::Inconclusive { Sign::Inconclusive } else { Sign::None };
                TableCell::estimate(&Figure::Known(estimate), Some(places), sign)
            }
            Figure::Unknown { unknown } => TableCell::Unknown(unknown),
        }
    })
}

/// The column of the metric with this id.
pub(crate) fn metric<'a>(id: &str, rows: &[Placing<'a>]) -> ColumnBuilder<'a> {
    let mut metrics = model::of_contenders().iter();
    let is_it = |metric: &&ContenderMetric| metric.about.heading.as_ref().is_some_and(|heading| heading.id == id);
    of_metric(metrics.find(is_it).expect("columns are named by ids of the catalogue"), rows, None)
}

/// The peak, in a unit that is exact for `also` as well.
pub(crate) fn peak<'a>(rows: &[Placing<'a>], also: Option<u64>) -> ColumnBuilder<'a> {
    of_metric(model::metric("peak_heap_bytes"), rows, also)
}

/// All memory details: first those whose order is fixed, then the metrics without a place in a table.
pub(crate) fn details<'a>(rows: &[Placing<'a>]) -> Vec<ColumnBuilder<'a>> {
    let is_further = |metric: &&ContenderMetric| {
        let heading = metric.about.heading.as_ref();
        heading.is_some_and(|heading| !MEMORY.contains(&heading.id) && !DETAILS.contains(&heading.id))
    };
    let further = exact(AskedBy::EveryRun).filter(is_further).map(|metric| of_metric(metric, rows, None));
    DETAILS.iter().map(|id| metric(id, rows)).chain(further).collect()
}

/// All metrics with a heading that this setting asks for.
pub(crate) fn asked_by<'a>(asked: AskedBy, rows: &[Placing<'a>]) -> Vec<ColumnBuilder<'a>> {
    exact(asked).filter(|metric| metric.about.heading.is_some()).map(|metric| of_metric(metric, rows, None)).collect()
}

fn exact(asked: AskedBy) -> impl Iterator<Item = &'static ContenderMetric> {
    let metrics = model::of_contenders().iter();
    metrics.filter(move |metric| metric.asked_by == asked && matches!(metric.of, Getter::Exact(_)))
}

/// The pages that stand next to the bytes of a peak.
pub(crate) fn pages(row: &Placing) -> Beside {
    row.memory().map_or(Beside::Nothing, |memory| Beside::Same(count(memory.peak_heap_pages, "page")))
}

fn of_metric<'a>(metric: &'static ContenderMetric, rows: &[Placing<'a>], also: Option<u64>) -> ColumnBuilder<'a> {
    let heading = metric.about.heading.as_ref().expect("a column has a heading");
    let values = rows.iter().filter_map(|row| value(metric, row.contender).known().copied());
    let (unit_bytes, unit) = match metric.about.unit {
        "B" if WHOLE_PAGES.contains(&heading.id) => exact_unit(values.map(|bytes| bytes as u64).chain(also)),
        "B" => (1024, "KiB"),
        _ => (1, heading.unit),
    };
    let scale = if (metric.about.unit, heading.unit) == ("1", "%") { 100.0 } else { 1.0 };
    let text = move |value: f64| match (metric.about.unit, heading.unit) {
        ("B", _) => grouped((value as u64).div_ceil(unit_bytes)),
        ("pages", _) | ("1", "") => grouped(value as u64),
        _ => short(value),
    };
    let column =
        TableColumn::new(heading.id, in_a_line(heading.short, unit), shape(heading)).broken(&narrow(heading, unit));
    ColumnBuilder::new(column, move |row| {
        let cell = match value(metric, row.contender) {
            Figure::Known(value) => TableCell::figure(value * scale, text(value * scale)),
            Figure::Unknown { unknown } => TableCell::Unknown(why_none(heading.id, row).map_or(unknown, Reason::from)),
        };
        match (heading.id, row.contender.min_heap.known()) {
            ("peak" | "overhead" | "jw4", _) => cell.marked(Sign::best(row.smallest)),
            ("minheap", Some(min)) => {
                cell.marked(Sign::best(row.smallest_min)).with(Beside::Times(short(min.ratio_to_max_live)))
            }
            _ => cell,
        }
    })
}

fn value(metric: &ContenderMetric, contender: &Contender) -> Figure<f64> {
    match &metric.of {
        Getter::Exact(of) => of(contender),
        _ => Figure::unknown("it is an estimate"),
    }
}

fn shape(heading: &Heading) -> CellShape {
    match heading.id {
        "peak" | "overhead" | "jw4" => CellShape::Marked,
        "minheap" => CellShape::Paired,
        _ => CellShape::Plain,
    }
}

/// Why a contender whose memory is known lacks this figure.
fn why_none(id: &str, row: &Placing) -> Option<&'static str> {
    let memory = row.memory()?;
    Some(match id {
        // A contender that fails requests may never reach the live bytes from which the mean counts.
        "jw1" if memory.failed_requests > 0 => "requests failed, and live never reached 1 % of the trace's peak",
        "jw1" | "jw2" => "nothing was live",
        "jw3" => "nothing was live then",
        "rounding" => "the contender does not report it",
        "gaps" | "pageslive" | "copied" => "the denominator is 0",
        "inplace" => "there were no reallocations",
        _ => return None,
    })
}

/// A heading with its unit on one line: `peak, KiB`, `gaps %`.
fn in_a_line(words: &str, unit: &str) -> String {
    match unit.chars().next() {
        None => words.to_owned(),
        Some(first) if first.is_alphabetic() => format!("{words}, {unit}"),
        Some(_) => format!("{words} {unit}"),
    }
}

/// The same, broken into short lines.
fn narrow(heading: &Heading, unit: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in heading.short.split(' ') {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= NARROW => *line += &format!(" {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines.extend((!unit.is_empty()).then(|| unit.to_owned()));
    lines.join("\n")
}

/// The number of failed requests, which is known without memory figures if all failed, or [`INVALID`] if blocks were
/// wrong.
pub(crate) fn failures<'a>(rows: &[Placing<'a>]) -> ColumnBuilder<'a> {
    metric("refused", rows).each(|row, cell| match row.contender.verification {
        Verification::Failed { .. } => TableCell::Words(INVALID.to_owned()),
        _ => all_failed(row.contender).unwrap_or(cell),
    })
}

/// The number of requests of a contender that served none.
fn all_failed(contender: &Contender) -> Option<TableCell> {
    let Some(Reason::AllRequestsFailed { requests, .. }) = contender.memory.reason() else { return None };
    let number = requests.split(' ').next()?.replace(',', "").parse::<u64>().ok()?;
    Some(TableCell::figure(number as f64, grouped(number)))
}

#[cfg(test)]
mod tests {
    use super::super::placing::placings;
    use super::*;
    use crate::sample::{self, contender};

    #[test]
    fn a_trace_without_operations_has_no_time_per_operation() {
        let mut results = Results { contenders: vec![contender("idle").build()], ..sample::empty() };
        let Figure::Known(time) = &mut results.contenders[0].time else { unreachable!() };
        time.ops = 0;
        let table = table("", &placings(&results), vec![gross(&results, Regime::Fresh)]);
        assert_eq!(table.rows[0].cells, [TableCell::Unknown("the trace has no operations".into())]);
    }

    #[test]
    fn the_failures_of_a_contender_that_served_nothing_are_a_number() {
        let why = "all 1,234 requests failed, the first at event 1, of 156 KiB at a heap of 0 pages and its limit: \
                   --heap-limit";
        let contenders =
            vec![contender("full").without_memory(why).build(), contender("gone").without_memory("died").build()];
        let results = Results { contenders, ..sample::empty() };
        let rows = placings(&results);
        let cells: Vec<TableCell> =
            table("", &rows, vec![failures(&rows)]).rows.into_iter().flat_map(|row| row.cells).collect();
        assert_eq!(cells, [TableCell::figure(1234.0, "1,234".into()), TableCell::Unknown("died".into())]);
    }

    /// The sample has no mean over time.
    #[test]
    fn a_missing_mean_over_time_has_its_reason() {
        let contenders = vec![contender("idle").build(), contender("fails").failed_requests(3).build()];
        let results = Results { contenders, ..sample::empty() };
        let rows = placings(&results);
        let table = table("", &rows, vec![metric("jw1", &rows)]);
        let found: Vec<&TableCell> = table.rows.iter().flat_map(|row| &row.cells).collect();
        let reasons = ["nothing was live", "requests failed, and live never reached 1 % of the trace's peak"];
        assert_eq!(found, reasons.map(|reason| TableCell::Unknown(reason.into())).iter().collect::<Vec<_>>());
    }

    #[test]
    fn every_heading_of_an_exact_metric_has_a_column_in_a_table() {
        let results = sample::results();
        let rows = placings(&results);
        let mut shown: Vec<&str> = MEMORY.to_vec();
        for sources in [
            details(&rows),
            asked_by(AskedBy::MinHeap, &rows),
            asked_by(AskedBy::Latency, &rows),
            asked_by(AskedBy::Instructions, &rows),
        ] {
            shown.extend(sources.iter().map(|source| source.column.id));
        }
        for metric in model::of_contenders().iter().filter(|metric| matches!(metric.of, Getter::Exact(_))) {
            if let Some(heading) = &metric.about.heading {
                assert_eq!(shown.iter().filter(|id| **id == heading.id).count(), 1, "{}", heading.id);
            }
        }
    }

    #[test]
    fn cells_keep_the_decimals_of_the_median() {
        use crate::stats::{Estimate, Interval};
        let cell = |value, low, high| {
            let estimate = Estimate { value, interval: Some(Interval { low, high }) };
            match TableCell::estimate(&Figure::Known(estimate), None, Sign::Best) {
                TableCell::Figure { text, beside: Beside::Interval(low, high), .. } => [text, low, high],
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(cell(18.5, 9.21, 100.4), ["18.5", "9.2", "100.4"]);
        assert_eq!(cell(1445.3, 1401.0, 1502.8), ["1,445", "1,401", "1,503"]);
    }

    #[test]
    fn headings_break_at_blanks_and_end_in_their_unit() {
        let narrow = |short, unit| narrow(&Heading { id: "", full: "", short, unit: "", definition: "" }, unit);
        assert_eq!(narrow("J–W #1", "%"), "J–W #1\n%");
        assert_eq!(narrow("pages live", "%"), "pages\nlive\n%");
        assert_eq!(narrow("in place", ""), "in\nplace");
        assert_eq!(
            [in_a_line("span", "KiB"), in_a_line("gaps", "%"), in_a_line("failed", "")],
            ["span, KiB", "gaps %", "failed"]
        );
    }
}
