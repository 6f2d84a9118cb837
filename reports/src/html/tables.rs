//! The tables of one trace: time, memory, latency. Every column can be sorted, and its heading has its definition.

use maud::{Markup, html};

use super::definitions::definition;
use super::theme::swatch;
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
pub(super) fn tables(results: &Results, rows: &[Placing]) -> Markup {
    let time = times::heading("Time", &results.settings);
    let alone = times::alone(&results.settings).map(|_| notes::ALONE.to_owned());
    let below = alone.into_iter().chain(comparisons::chance(results)).chain(comparisons::parting(results));
    let tables = [
        (time.as_str(), time_columns(results, rows), below.collect()),
        ("Memory", memory_columns(results, rows), Vec::new()),
        ("Where the memory goes", details(rows), Vec::new()),
        ("Latency of single calls", asked_by(AskedBy::Latency, rows), Vec::new()),
    ];
    html! {
        @for (caption, sources, legend) in tables {
            (table(&Table { caption: caption.to_owned(), legend, ..columns::table("allocator", rows, sources) }))
        }
        @if rows.iter().any(Placing::is_marked) {
            p.note { "* " (notes::marks(times_are_marked(results), "marked")) "." }
        }
    }
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

/// The table with its legend. A column without a figure is left out; the notes have the reason.
fn table(table: &Table) -> Markup {
    let table = table.keeping(|at, _| table.rows.iter().any(|row| row.cells[at].is_figure()));
    html! {
        @if !table.columns.is_empty() {
            div.scroll tabindex="0" role="region" aria-label={ "Table: " (table.caption) } {
                table.sortable {
                    caption { (table.caption) }
                    thead {
                        tr {
                            th scope="col" aria-sort="none" { button type="button" data-text { (table.corner) } }
                            @for column in &table.columns {
                                th scope="col" aria-sort="none" {
                                    button type="button" data-def=(definition(column.id)) { (column.heading) }
                                }
                            }
                        }
                    }
                    tbody { @for row in table.rows.iter().map(row) { (row) } }
                }
            }
        }
        @for line in &table.legend { p.note { (line) } }
    }
}

/// The row, with the contender's name, version, and role where it is no contender.
fn row(row: &TableRow) -> Markup {
    let role = match row.role {
        Role::Contender => None,
        Role::Baseline => Some("yardstick"),
        Role::Ablation => Some("ablation"),
        Role::Floor => Some("floor"),
    };
    html! {
        tr data-contender=(row.name) {
            th scope="row" {
                (swatch(&row.name)) (row.name)
                small {
                    (row.version)
                    @if let Some(role) = role { " " i { (role) } }
                    @if let Some(message) = &row.invalid { " " b.bad data-tip=(message) { "INVALID" } }
                }
            }
            @for cell in row.cells.iter().map(cell) { (cell) }
        }
    }
}

fn cell(cell: &TableCell) -> Markup {
    match cell {
        TableCell::Figure { value, text, beside, sign } => {
            let is_best = *sign == Sign::Best;
            // A value that is no finite number sorts after all that are.
            let key = value.is_finite().then_some(value);
            html! {
                td class=[is_best.then_some("best")] data-v=[key] {
                    (text)
                    @if is_best { span.mark aria-label=", the best or tied with it" { "*" } }
                    @match beside {
                        Beside::Interval(low, high) => small { (low) "–" (high) },
                        Beside::Times(times) => small { "× " (times) },
                        Beside::Same(other) => small { (other) },
                        Beside::Nothing => {}
                    }
                }
            }
        }
        TableCell::Words(words) => html! { td { (words) } },
        TableCell::Unknown(reason) => html! {
            td.unknown {
                button.term type="button" data-tip=(reason) aria-label={ "no figure: " (reason) } { "–" }
            }
        },
        TableCell::Empty => html! { td {} },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::table::placing::placings;

    fn html(results: &Results) -> String {
        tables(results, &placings(results)).into_string()
    }

    #[test]
    fn the_note_on_marks_does_not_speak_of_timings_of_several_runs() {
        let results = sample::of_several_runs();
        assert!(html(&results).contains("times come from several runs, and are not marked.</p>"));
        let results = sample::results();
        assert!(html(&results).contains("over at least 6 common rounds.</p>"));
    }

    #[test]
    fn what_has_to_be_said_of_times_is_below_their_table() {
        let mut results = sample::results();
        let chance = comparisons::chance(&results).unwrap();
        let note = |text: &str| format!("<p class=\"note\">{text}</p>");
        assert!(html(&results).contains(&note(&chance)) && html(&results).contains("<caption>Time</caption>"));
        results.settings.touch = crate::results::TouchPolicy::None;
        assert!(html(&results).contains("<caption>Time, allocator code alone</caption>"));
        assert!(html(&results).contains(&note(notes::ALONE)));
        assert!(
            html(&results).contains(">grows by, pages</button>")
                && html(&results).contains("<td data-v=\"40\">40</td>")
        );
    }
}
