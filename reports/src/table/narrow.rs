//! What the smaller tables below the first one have in common: names at the left, figures at the right, within the width.

use comfy_table::ContentArrangement;

use super::plain::{align, plain};

/// A table with this header and these rows in at most so many columns.
pub(super) fn narrow(header: Vec<String>, rows: impl IntoIterator<Item = Vec<String>>, width: usize) -> String {
    let mut table = plain(header);
    table.add_rows(rows);
    align(&mut table);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.try_into().unwrap_or(u16::MAX));
    table.trim_fmt()
}
