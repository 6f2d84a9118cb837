//! The tables of one trace: time, memory, latency. Every column can be sorted, and its heading has its definition.

use super::definitions::definition;
use super::escape::escape;
use crate::model::AskedBy;
use crate::results::{Results, Role};
use crate::stats::{Regime, times_are_marked};
use crate::table::columns::{self, ColumnBuilder, MEMORY, asked_by, details, gross, metric, net, pages, ratio};
use crate::table::comparisons;
use crate::table::model::{Beside, Sign, Table, TableCell, TableColumn, TableRow};
use crate::table::notes;
use crate::table::placing::Placing;
use crate::times;

/// All tables that have a figure.
pub(super) fn tables(results: &Results, rows: &[Placing]) -> String {
    let time = times::heading("Time", &results.settings);
    let alone = times::alone(&results.settings).map(|_| notes::ALONE.to_owned());
    let below = alone.into_iter().chain(comparisons::chance(results)).chain(comparisons::parting(results));
    let tables = [
        (time.as_str(), time_columns(results, rows), below.collect()),
        ("Memory", memory_columns(results, rows), Vec::new()),
        ("Where the memory goes", details(rows), Vec::new()),
        ("Latency of single calls", asked_by(AskedBy::Latency, rows), Vec::new()),
    ];
    let tables = tables.map(|(caption, sources, legend)| {
        html(&Table { caption: caption.to_owned(), legend, ..columns::table("allocator", rows, sources) })
    });
    let marks = rows
        .iter()
        .any(Placing::is_marked)
        .then(|| note(&format!("* {}.", notes::marks(times_are_marked(results), "marked"))));
    tables.concat() + &marks.unwrap_or_default()
}

fn time_columns<'a>(results: &'a Results, rows: &[Placing<'a>]) -> Vec<ColumnBuilder<'a>> {
    let of = |regime: Regime| {
        let heading = format!("{} ns/op, gross", regime.name());
        let gross = gross(results, regime).headed(|column| TableColumn { heading, ..column });
        [gross, net(results, regime), ratio(results, regime)]
    };
    Regime::ALL.into_iter().flat_map(of).chain(asked_by(AskedBy::Instructions, rows)).collect()
}

fn memory_columns<'a>(results: &Results, rows: &[Placing<'a>]) -> Vec<ColumnBuilder<'a>> {
    let of = |&id: &&str| match id {
        "peak" => metric(id, rows).each(|row, cell| cell.with(pages(row))),
        _ => metric(id, rows),
    };
    let mut columns: Vec<ColumnBuilder> = MEMORY.iter().map(of).collect();
    if results.settings.min_heap {
        columns.splice(2..2, asked_by(AskedBy::MinHeap, rows));
    }
    columns
}

fn note(text: &str) -> String {
    format!("<p class=\"note\">{}</p>\n", escape(text))
}

/// The table with its legend. A column without a figure is left out; the notes have the reason.
fn html(table: &Table) -> String {
    let table = table.keeping(|at, _| table.rows.iter().any(|row| row.cells[at].is_figure()));
    let mut html = String::new();
    if !table.columns.is_empty() {
        html += &format!(
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table: {0}\"><table class=\"sortable\"><caption>{0}</caption>\n<thead><tr><th scope=\"col\" aria-sort=\"none\"><button type=\"button\" data-text>{1}</button></th>",
            escape(&table.caption),
            escape(&table.corner)
        );
        html.extend(table.columns.iter().map(|column| {
            let (id, heading) = (definition(column.id), escape(&column.heading));
            format!(
                "<th scope=\"col\" aria-sort=\"none\"><button type=\"button\" data-def=\"{id}\">{heading}</button></th>"
            )
        }));
        html += "</tr></thead>\n<tbody>\n";
        html.extend(table.rows.iter().map(row));
        html += "</tbody></table></div>\n";
    }
    html.extend(table.legend.iter().map(|line| note(line)));
    html
}

fn row(row: &TableRow) -> String {
    let cells: String = row.cells.iter().map(cell).collect();
    format!("<tr data-contender=\"{}\">{}{cells}</tr>\n", escape(&row.name), name(row))
}

/// The row's own heading: name, version, and what it is where it is no contender.
fn name(row: &TableRow) -> String {
    let role = match row.role {
        Role::Contender => "",
        Role::Baseline => " <i>yardstick</i>",
        Role::Ablation => " <i>ablation</i>",
        Role::Floor => " <i>floor</i>",
    };
    let failed =
        row.invalid.as_ref().map(|message| format!(" <b class=\"bad\" data-tip=\"{}\">INVALID</b>", escape(message)));
    let name = escape(&row.name);
    format!(
        "<th scope=\"row\"><i class=\"swatch\" data-swatch=\"{name}\"></i>{name}<small>{}{role}{}</small></th>",
        escape(&row.version),
        failed.unwrap_or_default()
    )
}

fn cell(cell: &TableCell) -> String {
    let (value, text, beside, is_best) = match cell {
        TableCell::Figure { value, text, beside, sign } => (value, text, beside, *sign == Sign::Best),
        TableCell::Words(words) => return format!("<td>{}</td>", escape(words)),
        TableCell::Unknown(reason) => {
            return format!(
                "<td class=\"unknown\"><button type=\"button\" class=\"term\" data-tip=\"{0}\" aria-label=\"no figure: {0}\">–</button></td>",
                escape(&reason.to_string())
            );
        }
        TableCell::Empty => return "<td></td>".to_owned(),
    };
    let below = match beside {
        Beside::Interval(low, high) => format!("<small>{}–{}</small>", escape(low), escape(high)),
        Beside::Times(times) => format!("<small>× {}</small>", escape(times)),
        Beside::Same(other) => format!("<small>{}</small>", escape(other)),
        Beside::Nothing => String::new(),
    };
    let (class, mark) = match is_best {
        true => (" class=\"best\"", "<span class=\"mark\" aria-label=\", the best or tied with it\">*</span>"),
        false => ("", ""),
    };
    // What does not count as a number sorts after all that do.
    let key = if value.is_finite() { format!(" data-v=\"{value}\"") } else { String::new() };
    format!("<td{class}{key}>{}{mark}{below}</td>", escape(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::table::placing::placings;

    #[test]
    fn the_note_on_marks_does_not_speak_of_timings_of_several_runs() {
        let results = sample::of_several_runs();
        let html = tables(&results, &placings(&results));
        assert!(html.contains("times come from several runs, and are not marked.</p>"), "{html}");
        let results = sample::results();
        assert!(tables(&results, &placings(&results)).contains("over at least 6 common rounds.</p>"));
    }

    #[test]
    fn what_has_to_be_said_of_times_is_below_their_table() {
        let mut results = sample::results();
        let html = |results: &Results| tables(results, &placings(results));
        let chance = comparisons::chance(&results).unwrap();
        let note = |text: &str| format!("<p class=\"note\">{text}</p>");
        assert!(html(&results).contains(&note(&chance)) && html(&results).contains("<caption>Time</caption>"));
        results.settings.touch = crate::results::TouchPolicy::None;
        assert!(html(&results).contains("<caption>Time, allocator code alone</caption>"));
        assert!(html(&results).contains(&note(&escape(notes::ALONE))));
        assert!(
            html(&results).contains(">grows by, pages</button>")
                && html(&results).contains("<td data-v=\"40\">40</td>")
        );
    }
}
