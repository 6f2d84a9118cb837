//! The first table of one trace: time and memory of each contender, and what an offline placement needs.

use super::columns::{self, ColumnBuilder, failures, gross, metric, peak};
use super::model::{Table, TableCell, TableColumn, TableRow};
use super::notes;
use super::placing::{Placing, growth_matters};
use super::terminal;
use super::wrap::wrap;
use crate::numbers::{exact_unit, grouped, short};
use crate::results::{Bounds, Results, Role};
use crate::stats::Regime;
use crate::times;

/// Columns of a terminal that "allocator code alone" takes in a heading.
const ALONE_WIDTH: usize = 10;

/// The table for a terminal, with its legend. Growth has a column where some heap grows or may do so; where all have settled, if there is
/// room beside everything else.
pub(super) fn overview(results: &Results, rows: &[Placing], width: usize) -> (String, Vec<String>) {
    let table = table(results, rows);
    if rows.iter().any(|row| row.growth().is_some())
        && let Some(text) = terminal::in_full(&table, width)
    {
        return (text, notes::legend(results, rows, true));
    }
    let with_growth = growth_matters(rows);
    let table = table.keeping(|_, column| with_growth || column.id != "growth");
    (terminal::lay_out(&table, width), notes::legend(results, rows, with_growth))
}

/// The table with all columns, and with a row for the offline bound.
fn table(results: &Results, rows: &[Placing]) -> Table {
    let bound = results.bounds.known().map(|bounds| Bound::of(bounds, results.settings.page_bytes));
    let peak_bytes = peak(rows, bound.as_ref().map(|bound| bound.bytes));
    let peaks = rows.iter().filter_map(|row| row.memory().map(|memory| memory.peak_heap_bytes));
    let (unit_bytes, unit) = exact_unit(peaks.chain(bound.as_ref().map(|bound| bound.bytes)));
    let mut sources = vec![
        time(results, Regime::Fresh),
        time(results, Regime::Steady),
        peak(rows, None).each(|row, cell| of_pages(row, cell)).headed(|column| column.broken("peak\npages ")),
        peak_bytes.headed(|column| column.broken(&format!("peak\n{unit} ")).stacked()),
        metric("overhead", rows).headed(|column| column.broken("over- \nhead × ")),
        metric("jw4", rows).headed(|column| column.broken("J–W #4 \n% ").stacked()),
        failures(rows),
    ];
    if results.settings.min_heap {
        sources.insert(4, metric("minheap", rows).headed(|column| column.broken("min pages \n× live ")));
    }
    sources.insert(sources.len() - 3, metric("growth", rows).headed(|column| column.broken("grows by\npages")));
    let mut table = columns::table("allocator", rows, sources);
    let bound = bound.map(|bound| bound.row(&table, unit_bytes));
    table.rows.extend(bound);
    table
}

/// The columns that papers and pull requests have room for.
pub(crate) fn for_exports(results: &Results, rows: &[Placing]) -> Table {
    let sources = vec![
        gross(results, Regime::Fresh),
        gross(results, Regime::Steady),
        metric("peak", rows),
        metric("overhead", rows),
        metric("growth", rows),
        failures(rows),
    ];
    columns::table("allocator", rows, sources)
}

/// A column of times, whose heading is narrower than its figures where there is little room.
fn time(results: &Results, regime: Regime) -> ColumnBuilder<'_> {
    let alone =
        times::alone(&results.settings).map_or(String::new(), |alone| wrap(alone, ALONE_WIDTH, 0).join(" \n") + " \n");
    let heading = |name: String| format!("{name} \n{alone}95 % CI ");
    let name = regime.name();
    gross(results, regime).headed(|column| TableColumn {
        narrow: heading(format!("{name} ns/op")),
        narrowest: heading(format!("{name} \nns/op")),
        ..column
    })
}

fn of_pages(row: &Placing, cell: TableCell) -> TableCell {
    match (cell, row.memory()) {
        (TableCell::Figure { sign, .. }, Some(memory)) => {
            TableCell::figure(memory.peak_heap_pages as f64, grouped(memory.peak_heap_pages)).marked(sign)
        }
        (cell, _) => cell,
    }
}

/// What the clairvoyant placement needs, in whole pages as heaps do.
struct Bound {
    pages: u64,
    bytes: u64,
    overhead: f64,
}

impl Bound {
    fn of(bounds: &Bounds, page_bytes: u64) -> Self {
        let page_bytes = page_bytes.max(1);
        let pages = bounds.clairvoyant_bytes.div_ceil(page_bytes);
        let bytes = pages.saturating_mul(page_bytes);
        Bound { pages, bytes, overhead: bytes as f64 / bounds.max_live_bytes.max(1) as f64 }
    }

    fn row(&self, table: &Table, unit_bytes: u64) -> TableRow {
        let figure = |value: f64, text| TableCell::figure(value, text);
        let cell = |(at, column): (usize, &TableColumn)| match column.id {
            "peak" if at == 2 => figure(self.pages as f64, grouped(self.pages)),
            "peak" => figure(self.bytes as f64, grouped(self.bytes / unit_bytes)),
            "overhead" => figure(self.overhead, short(self.overhead)),
            "jw4" => figure((self.overhead - 1.0) * 100.0, short((self.overhead - 1.0) * 100.0)),
            _ => TableCell::Empty,
        };
        TableRow {
            group: "offline bound:".to_owned(),
            name: "clairvoyant".to_owned(),
            version: String::new(),
            role: Role::Baseline,
            invalid: None,
            cells: table.columns.iter().enumerate().map(cell).collect(),
        }
    }
}
