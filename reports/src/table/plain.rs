//! What all tables for a terminal look like: a rule below the header, names at the left, figures at the right.

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use super::wrap::printable_lines;

/// An empty table with this header, whose cells may have several lines.
pub(super) fn plain(header: impl IntoIterator<Item = impl AsRef<str>>) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    table.set_header(header.into_iter().map(|cell| printable_lines(cell.as_ref())));
    table
}

/// Puts the first column to the left and the others to the right; to be done when the rows are there.
pub(super) fn align(table: &mut Table) {
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        column.set_cell_alignment(if index == 0 { CellAlignment::Left } else { CellAlignment::Right });
    }
}
