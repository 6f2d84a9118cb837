//! What the smaller tables below the first one have in common: names at the left, figures at the right, within the width.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use super::wrap::printable_lines;

/// A table with this header and these rows in at most so many columns.
pub(super) fn narrow(header: Vec<String>, rows: impl IntoIterator<Item = Vec<String>>, width: usize) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    table.set_header(header.iter().map(|cell| printable_lines(cell)));
    table.add_rows(rows);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        column.set_cell_alignment(if index == 0 { CellAlignment::Left } else { CellAlignment::Right });
    }
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.try_into().unwrap_or(u16::MAX));
    table.trim_fmt()
}
