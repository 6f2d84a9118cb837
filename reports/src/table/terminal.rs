//! A table for a terminal: a rule below the headings, names on the left, figures right-aligned, within the width.
//!
//! If there is little room, versions move below names and intervals below medians, then columns below the columns that
//! they derive from. As a last resort the table is split into several. No figure is left out or broken.

use std::ops::Range;

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table as Grid, TableStyle};
use unicode_width::UnicodeWidthStr;

use super::model::{Beside, CellShape, Sign, Table, TableCell, TableColumn, TableRow};
use super::wrap::printable_lines;

/// Stands for a missing figure; the notes give the reason.
pub(crate) const UNKNOWN: &str = "–";

/// Follows the best figure of a column. Other figures have a blank there, so digits stay aligned.
pub(crate) const BEST: char = '*';

/// Follows a ratio that does not show which of the two is faster.
pub(crate) const INCONCLUSIVE: char = '?';

/// The layouts of a table, roomiest first.
const LAYOUTS: [Arrangement; 4] = [
    Arrangement { version_below: false, pair_below: false, is_stacked: false },
    Arrangement { version_below: true, pair_below: false, is_stacked: false },
    Arrangement { version_below: true, pair_below: true, is_stacked: false },
    Arrangement { version_below: true, pair_below: true, is_stacked: true },
];

/// The layout of a split table, in which each column has its own place.
const OF_SEVERAL: Arrangement = LAYOUTS[2];

#[derive(Clone, Copy)]
struct Arrangement {
    /// Whether the version is below the name.
    version_below: bool,
    /// Whether intervals are below their medians, and ratios below their pages.
    pair_below: bool,
    /// Whether columns are stacked below others.
    is_stacked: bool,
}

/// The table in the roomiest layout that fits the width, or else split into several.
pub(crate) fn lay_out(table: &Table, width: usize) -> String {
    let fitting = LAYOUTS.into_iter().find_map(|layout| fit(TextLines::of(table, layout).grid(|_| true), width));
    fitting.unwrap_or_else(|| TextLines::of(table, OF_SEVERAL).split(width))
}

/// The table in the roomiest layout of all, if it fits the width.
pub(super) fn in_full(table: &Table, width: usize) -> Option<String> {
    fit(TextLines::of(table, LAYOUTS[0]).grid(|_| true), width)
}

/// The table in the roomiest layout, whatever its width.
pub(crate) fn plain(table: &Table) -> String {
    TextLines::of(table, LAYOUTS[0]).text()
}

fn fit(grid: Grid, width: usize) -> Option<String> {
    let text = grid.trim_fmt();
    text.lines().all(|line| line.width() <= width).then_some(text)
}

/// A table as texts: a header, and rows of the same length or group headings.
struct TextLines {
    header: Vec<String>,
    rows: Vec<TextLine>,
}

enum TextLine {
    Group(String),
    Row(Vec<String>),
}

impl TextLines {
    fn of(table: &Table, layout: Arrangement) -> Self {
        let widths: Vec<(usize, usize)> = (0..table.columns.len()).map(|at| widths(table, at)).collect();
        let mut group = "";
        let mut rows = Vec::new();
        for row in &table.rows {
            if row.group != group {
                group = &row.group;
                rows.push(TextLine::Group(group.to_owned()));
            }
            let columns = table.columns.iter().zip(&row.cells).zip(&widths);
            let cells =
                columns.map(|((column, cell), &widths)| cell_text(cell, column.shape, widths, layout.pair_below));
            rows.push(TextLine::Row(stacked(table, layout, name(row, layout), cells)));
        }
        let headings = table.columns.iter().map(|column| match layout.is_stacked {
            true => column.narrowest.clone(),
            false => column.narrow.clone(),
        });
        TextLines { header: stacked(table, layout, table.corner.clone(), headings), rows }
    }

    /// The names, and the selected columns.
    fn grid(&self, wanted: impl Fn(usize) -> bool) -> Grid {
        let chosen = |cells: &[String]| -> Vec<String> {
            let cells = cells.iter().enumerate().filter(|(at, _)| *at == 0 || wanted(*at));
            cells.map(|(_, cell)| printable_lines(cell)).collect()
        };
        let mut grid = Grid::new();
        grid.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
        grid.set_header(chosen(&self.header));
        grid.add_rows(self.rows.iter().map(|line| match line {
            TextLine::Group(heading) => vec![printable_lines(heading)],
            TextLine::Row(cells) => chosen(cells),
        }));
        for (at, column) in grid.column_iter_mut().enumerate() {
            column.set_padding((0, 1));
            column.set_cell_alignment(if at == 0 { CellAlignment::Left } else { CellAlignment::Right });
        }
        grid
    }

    /// The table split into as few tables as possible, each with the names and with about the same number of columns. A
    /// cell is broken only if it is wider than `width` by itself.
    fn split(&self, width: usize) -> String {
        let columns = self.header.len();
        let part = |range: Range<usize>| self.grid(|at| range.contains(&at));
        let evenly = (2..columns.saturating_sub(1)).find_map(|tables| -> Option<Vec<String>> {
            let each = (columns - 1).div_ceil(tables);
            (1..columns).step_by(each).map(|from| fit(part(from..from + each), width)).collect()
        });
        let tables = evenly.unwrap_or_else(|| {
            let alone = |column: usize| {
                let mut grid = part(column..column + 1);
                grid.set_content_arrangement(ContentArrangement::Dynamic);
                grid.set_width(width.try_into().unwrap_or(u16::MAX)).trim_fmt()
            };
            (1..columns).map(alone).collect()
        });
        tables.iter().map(|text| text.trim_end()).collect::<Vec<_>>().join("\n\n")
    }

    /// The whole table. A group heading may be longer than the table is wide.
    fn text(&self) -> String {
        let row = |line: &TextLine| match line {
            TextLine::Row(cells) => Some(TextLine::Row(cells.clone())),
            TextLine::Group(_) => None,
        };
        let rows: Vec<TextLine> = self.rows.iter().filter_map(row).collect();
        let number = rows.len();
        let laid_out = TextLines { header: self.header.clone(), rows }.grid(|_| true).trim_fmt();
        let mut laid_out = laid_out.lines();
        // A row is one line, and everything above the first row is the header.
        let above = laid_out.clone().count().saturating_sub(number);
        let mut text: Vec<String> = laid_out.by_ref().take(above).map(|line| line.trim_end().to_owned()).collect();
        text.extend(self.rows.iter().filter_map(|line| match line {
            TextLine::Group(heading) => Some(printable_lines(heading)),
            TextLine::Row(_) => Some(laid_out.next()?.trim_end().to_owned()),
        }));
        text.join("\n")
    }
}

fn name(row: &TableRow, layout: Arrangement) -> String {
    let separator = if layout.version_below { "\n  " } else { " " };
    match row.version.as_str() {
        "" => row.name.clone(),
        version => format!("{}{separator}{version}", row.name),
    }
}

/// The texts of a row, with some stacked below others as the layout says.
fn stacked(table: &Table, layout: Arrangement, name: String, cells: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts = vec![name];
    for (TableColumn { is_stacked, .. }, text) in table.columns.iter().zip(cells) {
        match texts.last_mut() {
            Some(above) if *is_stacked && layout.is_stacked => *above += &format!("\n{text}"),
            _ => texts.push(text),
        }
    }
    texts
}

/// The widths of a column's figures with their marks, and of their companions.
fn widths(table: &Table, column: usize) -> (usize, usize) {
    let pairs = table.rows.iter().map(|row| pair(&row.cells[column]));
    pairs.fold((0, 0), |(first, second), pair| (first.max(pair.0.width()), second.max(pair.1.width())))
}

/// A figure with its mark, or with a blank in its place, and its companion.
fn pair(cell: &TableCell) -> (String, String) {
    match cell {
        TableCell::Figure { text, beside, sign, .. } => {
            let sign = match sign {
                Sign::None => ' ',
                Sign::Best => BEST,
                Sign::Inconclusive => INCONCLUSIVE,
            };
            let beside = match beside {
                Beside::Interval(low, high) => format!("{low}–{high}"),
                Beside::Times(times) => times.clone(),
                Beside::Nothing | Beside::Same(_) => String::new(),
            };
            (format!("{text}{sign}"), beside)
        }
        TableCell::Words(words) => (format!("{words} "), String::new()),
        TableCell::Unknown(_) => (format!("{UNKNOWN} "), String::new()),
        TableCell::Empty => (String::new(), String::new()),
    }
}

/// The text of a cell, with the companion of its figure next to it or below.
fn cell_text(cell: &TableCell, shape: CellShape, (first_width, second_width): (usize, usize), below: bool) -> String {
    let (first, second) = pair(cell);
    match shape {
        _ if *cell == TableCell::Empty => String::new(),
        CellShape::Plain => first.strip_suffix(' ').map_or(first.clone(), str::to_owned),
        CellShape::Marked => first,
        CellShape::Paired if below => format!("{first}\n{second} "),
        CellShape::Paired => format!("{first:>first_width$} {second:>second_width$} "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Table {
        let mut table = Table::new("name", vec![TableColumn::plain("peak\nKiB")]);
        table.words("a|trace with a name that is longer than any cell", "wee_alloc".into(), ["1,024".into()]);
        table.words("a|trace with a name that is longer than any cell", "talc".into(), ["9".into()]);
        table
    }

    #[test]
    fn as_text() {
        let expected = "\
name        peak
             KiB
─────────────────
a|trace with a name that is longer than any cell
wee_alloc  1,024
talc           9";
        assert_eq!(plain(&grid()), expected);
    }

    #[test]
    fn a_header_cannot_control_the_terminal() {
        let mut table = Table::new("name", vec![TableColumn::plain("× \u{1b}[2J|_a_\n95 % CI")]);
        table.words("", "talc".into(), ["9".into()]);
        assert_eq!(plain(&table).lines().next(), Some("name  × \u{FFFD}[2J|_a_"));
    }

    /// A table of three figures, each five columns wide with its padding.
    #[test]
    fn a_table_that_is_too_wide_becomes_several_with_the_names() {
        let mut table = Table::new("name", ["aaaa", "bbbb", "cccc"].map(TableColumn::plain).into());
        table.words("g:", "talc".into(), ["1", "2", "3"].map(str::to_owned));
        assert_eq!(lay_out(&table, 40), "name  aaaa  bbbb  cccc\n───────────────────────\ng:\ntalc     1     2     3");
        let two =
            "name  aaaa  bbbb\n─────────────────\ng:\ntalc     1     2\n\nname  cccc\n───────────\ng:\ntalc     3";
        assert_eq!(lay_out(&table, 18), two);
    }
}
