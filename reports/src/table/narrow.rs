//! What tables have in common where there is little room: names at the left, figures at the right, within the width.

use std::ops::Range;

use comfy_table::{ContentArrangement, Table};
use unicode_width::UnicodeWidthStr;

use super::plain::{align, plain};

/// A table with this header and these rows in at most so many columns. One that is wider becomes several below each other, each with the
/// names, and no cell is broken but where one of them alone is wider. A row of a single cell is a heading, which all of them have.
pub(super) fn narrow(header: Vec<String>, rows: impl IntoIterator<Item = Vec<String>>, width: usize) -> String {
    let rows: Vec<Vec<String>> = rows.into_iter().collect();
    let figures = header.len().saturating_sub(1);
    let fitting = |columns| fit(table(&header, &rows, columns), width);
    // As few tables as there can be, of as many columns each as the others.
    let evenly = (1..figures).find_map(|tables| -> Option<Vec<String>> {
        let each = figures.div_ceil(tables);
        (1..header.len()).step_by(each).map(|from| fitting(from..(from + each).min(header.len()))).collect()
    });
    let tables = evenly.unwrap_or_else(|| {
        let alone = |column| {
            let mut table = table(&header, &rows, column..column + 1);
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.try_into().unwrap_or(u16::MAX));
            table.trim_fmt()
        };
        (1..header.len()).map(alone).collect()
    });
    let tables: Vec<&str> = tables.iter().map(|text| text.trim_end()).collect();
    tables.join("\n\n")
}

/// One table, if it is no wider than that.
pub(super) fn whole(header: &[String], rows: &[Vec<String>], width: usize) -> Option<String> {
    fit(table(header, rows, 1..header.len()), width)
}

fn fit(table: Table, width: usize) -> Option<String> {
    let text = table.trim_fmt();
    text.lines().all(|line| line.width() <= width).then_some(text)
}

/// The names, and these columns.
fn table(header: &[String], rows: &[Vec<String>], columns: Range<usize>) -> Table {
    let chosen = |cells: &[String]| -> Vec<String> {
        let figures = cells.iter().enumerate().filter(|(index, _)| columns.contains(index));
        cells.iter().take(1).chain(figures.map(|(_, cell)| cell)).cloned().collect()
    };
    let mut table = plain(chosen(header));
    table.add_rows(rows.iter().map(|row| chosen(row)));
    align(&mut table);
    table
}
