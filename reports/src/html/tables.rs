//! The tables of one trace: time, memory, latency. Every column can be sorted, and its heading tells what it means.

use super::definitions::definition;
use super::escape::escape;
use crate::model::instructions_per_op;
use crate::numbers::{decimals, exact_unit, fixed, grouped, short};
use crate::results::{Contender, Figure, Latency, Memory, Results, Role, Verification};
use crate::stats::{Estimate, Regime, gross_ns_per_op, net_ns_per_op, ratio_beside};
use crate::table::cells::Row;
use crate::table::comparisons;
use crate::table::notes;
use crate::times;

/// A heading and the cells below it.
struct Column<'a> {
    /// The definition that the heading shows.
    definition: &'static str,
    heading: String,
    cell: Box<dyn Fn(&Row<'a>) -> Cell + 'a>,
}

/// What stands in a row.
enum Cell {
    /// A figure.
    Figure {
        /// By what the column is sorted.
        value: f64,
        text: String,
        /// Smaller print below it: an interval, or the same in another unit.
        below: String,
        best: bool,
    },
    /// There is none, and why.
    Unknown(String),
    /// Nothing belongs here: the floor's ratio to itself and the like.
    Empty,
}

impl Cell {
    fn plain(value: f64, text: String) -> Self {
        Cell::Figure { value, text, below: String::new(), best: false }
    }

    fn whole(value: u64) -> Self {
        Cell::plain(value as f64, grouped(value))
    }

    fn estimate(figure: &Figure<Estimate>, best: bool) -> Self {
        let estimate = match figure {
            Figure::Known(estimate) => estimate,
            Figure::Unknown { unknown } => return Cell::Unknown(unknown.clone()),
        };
        let digits = decimals(estimate.value);
        let interval = estimate.interval.map(|interval| (fixed(interval.low, digits), fixed(interval.high, digits)));
        let below = interval.map(|(low, high)| format!("{low}–{high}")).unwrap_or_default();
        Cell::Figure { value: estimate.value, text: fixed(estimate.value, digits), below, best }
    }

    fn html(&self) -> String {
        match self {
            Cell::Figure { value, text, below, best } => {
                let below = if below.is_empty() { String::new() } else { format!("<small>{}</small>", escape(below)) };
                let class = if *best { " class=\"best\"" } else { "" };
                let mark =
                    if *best { "<span class=\"mark\" aria-label=\", the best or tied with it\">*</span>" } else { "" };
                // What does not count as a number sorts behind all that do.
                let key = if value.is_finite() { format!(" data-v=\"{value}\"") } else { String::new() };
                format!("<td{class}{key}>{}{mark}{below}</td>", escape(text))
            }
            Cell::Unknown(reason) => format!(
                "<td class=\"unknown\"><button type=\"button\" class=\"term\" data-tip=\"{0}\" aria-label=\"no figure: {0}\">–</button></td>",
                escape(reason)
            ),
            Cell::Empty => "<td></td>".into(),
        }
    }
}

/// All tables that have anything in them.
pub(super) fn tables<'a>(results: &'a Results, rows: &[Row<'a>]) -> String {
    let mut html = table(&times::heading("Time", &results.settings), rows, time_columns(results));
    let alone = times::alone(&results.settings).map(|_| notes::ALONE.to_owned());
    let below = alone.into_iter().chain(comparisons::chance(results)).chain(comparisons::parting(results));
    html.extend(below.map(|note| format!("<p class=\"note\">{}</p>\n", escape(&note))));
    html += &table("Memory", rows, memory_columns(results, rows));
    html += &table("Where the memory goes", rows, detail_columns());
    html += &table("Latency of single calls, ns", rows, latency_columns(rows));
    if rows.iter().any(Row::is_marked) {
        html += &format!("<p class=\"note\">* {}.</p>\n", escape(&notes::marks(results, "marked")));
    }
    html
}

fn table<'a>(caption: &str, rows: &[Row<'a>], columns: Vec<Column<'a>>) -> String {
    if columns.is_empty() {
        return String::new();
    }
    // The body comes first, as a column without a single figure is left out; the notes tell why there is none.
    let cells: Vec<Vec<Cell>> =
        columns.iter().map(|column| rows.iter().map(|row| (column.cell)(row)).collect()).collect();
    let told = |cells: &Vec<Cell>| cells.iter().any(|cell| matches!(cell, Cell::Figure { .. }));
    let shown: Vec<usize> = (0..columns.len()).filter(|&index| told(&cells[index])).collect();
    if shown.is_empty() {
        return String::new();
    }
    let mut html = format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table: {0}\"><table class=\"sortable\"><caption>{0}</caption>\n<thead><tr><th scope=\"col\" aria-sort=\"none\"><button type=\"button\" data-text>allocator</button></th>",
        escape(caption)
    );
    for &index in &shown {
        let (id, heading) = (definition(columns[index].definition), &columns[index].heading);
        html += &format!(
            "<th scope=\"col\" aria-sort=\"none\"><button type=\"button\" data-def=\"{id}\">{}</button></th>",
            escape(heading)
        );
    }
    html += "</tr></thead>\n<tbody>\n";
    for (at, row) in rows.iter().enumerate() {
        html += &format!("<tr data-contender=\"{}\">{}", escape(&row.contender.name), name(row.contender));
        html.extend(shown.iter().map(|&index| cells[index][at].html()));
        html += "</tr>\n";
    }
    html + "</tbody></table></div>\n"
}

/// The row's own heading: name, version, and what it is where it is no contender.
fn name(contender: &Contender) -> String {
    let role = match contender.role {
        Role::Contender => String::new(),
        Role::Baseline => " <i>yardstick</i>".into(),
        Role::Ablation => " <i>ablation</i>".into(),
        Role::Floor => " <i>floor</i>".into(),
    };
    let failed = match &contender.verification {
        Verification::Failed { message, .. } => {
            format!(" <b class=\"bad\" data-tip=\"{}\">INVALID</b>", escape(message))
        }
        _ => String::new(),
    };
    let name = escape(&contender.name);
    format!(
        "<th scope=\"row\"><i class=\"swatch\" data-swatch=\"{name}\"></i>{name}<small>{}{role}{failed}</small></th>",
        escape(&contender.version)
    )
}

fn time_columns(results: &Results) -> Vec<Column<'_>> {
    let mut columns = Vec::new();
    for regime in Regime::ALL {
        let kind = regime.name();
        columns.push(column(kind, format!("{kind} ns/op, gross"), move |row| {
            let timing = if regime == Regime::Fresh { &row.fresh } else { &row.steady };
            Cell::estimate(&gross_ns_per_op(row.contender, regime), timing.fastest)
        }));
        columns.push(column("net", format!("{kind} ns/op, net"), move |row| {
            if row.contender.role == Role::Floor {
                return Cell::Empty;
            }
            Cell::estimate(&net_ns_per_op(results, row.contender, regime), false)
        }));
        let baseline = &results.settings.baseline;
        columns.push(column("ratio", format!("{kind} × {baseline}"), move |row| {
            if row.contender.name == *baseline {
                return Cell::Empty;
            }
            let ratio = ratio_beside(results, row.contender, baseline, regime);
            Cell::estimate(&map(&ratio, |ratio| ratio.estimate), false)
        }));
    }
    columns.push(column("instructions", "instructions /op".into(), |row| match &row.contender.instructions {
        Figure::Known(counted) => match instructions_per_op(counted) {
            Figure::Known(per_op) => two(per_op),
            Figure::Unknown { unknown } => Cell::Unknown(unknown),
        },
        Figure::Unknown { unknown } => Cell::Unknown(unknown.clone()),
    }));
    columns
}

fn memory_columns<'a>(results: &'a Results, rows: &[Row<'a>]) -> Vec<Column<'a>> {
    let peaks = rows.iter().filter_map(|row| row.contender.memory.known()).map(|memory| memory.peak_heap_bytes);
    let (unit_bytes, unit) = exact_unit(peaks);
    let mut columns = vec![
        column("peak", format!("peak heap, {unit}"), move |row| {
            of_memory(row, |memory| Cell::Figure {
                value: memory.peak_heap_bytes as f64,
                text: grouped(memory.peak_heap_bytes / unit_bytes),
                below: crate::numbers::count(memory.peak_heap_pages, "page"),
                best: row.smallest,
            })
        }),
        column("overhead", "overhead ×".into(), |row| {
            of_memory(row, |memory| Cell::Figure {
                value: memory.overhead_ratio,
                text: short(memory.overhead_ratio),
                below: String::new(),
                best: row.smallest,
            })
        }),
        column("jw4", "J–W #4 %".into(), |row| of_memory(row, |memory| two(memory.johnstone_wilson_4_percent))),
        column("jw1", "J–W #1 %".into(), |row| {
            of_memory(row, |memory| {
                // Who refuses what the program asks for may never hold as much as counts.
                let otherwise = match memory.failed_requests {
                    0 => "nothing was live",
                    _ => "requests failed, and live never reached 1 % of the trace's peak",
                };
                maybe(memory.johnstone_wilson.mean_of_ratios_by_bytes_percent, otherwise)
            })
        }),
        column("jw2", "J–W #2 %".into(), |row| {
            of_memory(row, |memory| maybe(memory.johnstone_wilson.at_peak_live_percent, "nothing was live"))
        }),
        column("jw3", "J–W #3 %".into(), |row| {
            of_memory(row, |memory| maybe(memory.johnstone_wilson.at_peak_heap_percent, "nothing was live then"))
        }),
        column("growth", "grows by, pages".into(), |row| {
            of_memory(row, |memory| match &memory.growth {
                Figure::Known(growth) => Cell::whole(growth.per_loop_pages),
                Figure::Unknown { unknown } => Cell::Unknown(unknown.clone()),
            })
        }),
        column("refused", "refused".into(), |row| of_memory(row, |memory| Cell::whole(memory.failed_requests))),
    ];
    if results.settings.min_heap {
        columns.insert(
            2,
            column("minheap", "min heap, pages".into(), |row| match &row.contender.min_heap {
                Figure::Known(min) => Cell::Figure {
                    value: min.pages as f64,
                    text: grouped(min.pages),
                    below: format!("× {}", short(min.ratio_to_max_live)),
                    best: row.smallest_min,
                },
                Figure::Unknown { unknown } => Cell::Unknown(unknown.clone()),
            }),
        );
    }
    columns
}

fn detail_columns<'a>() -> Vec<Column<'a>> {
    const NOT_TOLD: &str = "the contender does not tell";
    const NOTHING: &str = "there was nothing to divide by";
    vec![
        column("span", "span, KiB".into(), |row| {
            of_memory(row, |memory| Cell::whole(memory.peak_span_bytes.div_ceil(1024)))
        }),
        column("rounding", "rounding %".into(), |row| {
            of_memory(row, |memory| percent(memory.fragmentation.at_peak_live.internal_share, NOT_TOLD))
        }),
        column("gaps", "gaps %".into(), |row| {
            of_memory(row, |memory| percent(memory.fragmentation.at_peak_live.gap_share, NOTHING))
        }),
        column("pageslive", "pages live %".into(), |row| {
            of_memory(row, |memory| percent(memory.occupancy.at_peak_heap.live_share, NOTHING))
        }),
        column("pinned", "pinned pages".into(), |row| {
            of_memory(row, |memory| Cell::whole(memory.occupancy.at_peak_heap.pinned_pages))
        }),
        column("inplace", "in place %".into(), |row| {
            of_memory(row, |memory| percent(memory.reallocs.in_place_share, "there were no reallocations"))
        }),
        column("copied", "copied ×".into(), |row| {
            of_memory(row, |memory| maybe(memory.reallocs.copied_per_requested_byte, NOTHING))
        }),
        column("resident", "resident, KiB".into(), |row| {
            of_memory(row, |memory| match &memory.retention.end_resident_bytes {
                Figure::Known(bytes) => Cell::whole(bytes.div_ceil(1024)),
                Figure::Unknown { unknown } => Cell::Unknown(unknown.clone()),
            })
        }),
    ]
}

fn latency_columns<'a>(rows: &[Row<'a>]) -> Vec<Column<'a>> {
    if rows.iter().all(|row| row.contender.latency.known().is_none()) {
        return Vec::new();
    }
    let of = |id: &'static str, heading: &str, figure: fn(&Latency) -> f64| {
        column(id, heading.into(), move |row| match &row.contender.latency {
            Figure::Known(latency) => Cell::plain(figure(latency), short(figure(latency))),
            Figure::Unknown { unknown } => Cell::Unknown(unknown.clone()),
        })
    };
    vec![
        of("p50", "p50", |latency| latency.all.p50_ns),
        of("p90", "p90", |latency| latency.all.p90_ns),
        of("p99", "p99", |latency| latency.all.p99_ns),
        of("p999", "p99.9", |latency| latency.all.p999_ns),
        of("max", "slowest", |latency| latency.all.max_ns),
    ]
}

fn column<'a>(definition: &'static str, heading: String, cell: impl Fn(&Row<'a>) -> Cell + 'a) -> Column<'a> {
    Column { definition, heading, cell: Box::new(cell) }
}

fn of_memory(row: &Row, cell: impl Fn(&Memory) -> Cell) -> Cell {
    match &row.contender.memory {
        Figure::Known(memory) => cell(memory),
        Figure::Unknown { unknown } => Cell::Unknown(unknown.clone()),
    }
}

fn two(value: f64) -> Cell {
    Cell::plain(value, short(value))
}

fn maybe(value: Option<f64>, otherwise: &str) -> Cell {
    value.map_or_else(|| Cell::Unknown(otherwise.into()), two)
}

fn percent(share: Option<f64>, otherwise: &str) -> Cell {
    maybe(share.map(|share| share * 100.0), otherwise)
}

fn map<T, U>(figure: &Figure<T>, known: impl Fn(&T) -> U) -> Figure<U> {
    match figure {
        Figure::Known(value) => Figure::Known(known(value)),
        Figure::Unknown { unknown } => Figure::unknown(unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, contender};
    use crate::table::cells::rows;

    #[test]
    fn the_note_on_marks_does_not_speak_of_timings_of_several_runs() {
        let results = sample::of_several_runs();
        let html = tables(&results, &rows(&results));
        assert!(html.contains("times are of several runs, and not marked.</p>"), "{html}");
        let results = sample::results();
        assert!(tables(&results, &rows(&results)).contains("over the rounds that they share, 6 at least.</p>"));
    }

    #[test]
    fn what_has_to_be_said_of_times_is_below_their_table() {
        let mut results = sample::results();
        let html = |results: &Results| tables(results, &rows(results));
        let chance = comparisons::chance(&results).unwrap();
        let note = |text: &str| format!("<p class=\"note\">{text}</p>");
        assert!(html(&results).contains(&note(&chance)) && html(&results).contains("<caption>Time</caption>"));
        results.settings.touch = "none".into();
        assert!(html(&results).contains("<caption>Time, allocator code alone</caption>"));
        assert!(html(&results).contains(&note(&escape(notes::ALONE))));
        assert!(
            html(&results).contains(">grows by, pages</button>")
                && html(&results).contains("<td data-v=\"40\">40</td>")
        );
    }

    #[test]
    fn without_operations_there_is_no_time_per_operation() {
        let mut results = Results { contenders: vec![contender("idle").build()], ..sample::empty() };
        let Figure::Known(time) = &mut results.contenders[0].time else { unreachable!() };
        time.ops = 0;
        let rows = rows(&results);
        let cell = (time_columns(&results)[0].cell)(&rows[0]);
        assert!(matches!(cell, Cell::Unknown(reason) if reason == "the trace has no operations"));
    }

    /// The sample has no mean over time.
    #[test]
    fn why_there_is_no_mean_over_time() {
        let contenders = vec![contender("idle").build(), contender("refuses").failed_requests(3).build()];
        let results = Results { contenders, ..sample::empty() };
        let rows = rows(&results);
        let columns = memory_columns(&results, &rows);
        let column = columns.iter().find(|column| column.definition == "jw1").unwrap();
        let reason = rows.iter().map(|row| match (column.cell)(row) {
            Cell::Unknown(reason) => reason,
            _ => panic!("it is not known"),
        });
        let found: Vec<String> = reason.collect();
        assert_eq!(found, ["nothing was live", "requests failed, and live never reached 1 % of the trace's peak"]);
    }
}
