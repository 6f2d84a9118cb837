//! A plain table that is both text for a terminal and Markdown.

use super::plain::{align, plain};
use super::wrap::printable;

/// Rows of cells below a header. The first column stands to the left, the others to the right.
pub(crate) struct Grid {
    header: Vec<String>,
    lines: Vec<Line>,
}

enum Line {
    /// What the rows below it belong to.
    Heading(String),
    Row(Vec<String>),
}

impl Grid {
    /// A grid with this header, whose cells may have line feeds.
    pub(crate) fn new(header: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Grid { header: header.into_iter().map(Into::into).collect(), lines: Vec::new() }
    }

    pub(crate) fn heading(&mut self, text: impl Into<String>) {
        self.lines.push(Line::Heading(text.into()));
    }

    /// Adds a row, of as many cells as the header has.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        self.lines.push(Line::Row(cells.into_iter().map(Into::into).collect()));
    }

    /// As text, without a line feed at its end. A heading may be longer than the table is wide.
    pub(crate) fn text(&self) -> String {
        let mut table = plain(&self.header);
        let rows = self.lines.iter().filter_map(|line| match line {
            Line::Row(cells) => Some(cells.iter().map(|cell| printable(cell)).collect::<Vec<_>>()),
            Line::Heading(_) => None,
        });
        table.add_rows(rows);
        align(&mut table);
        let laid_out = table.trim_fmt();
        let mut laid_out = laid_out.lines();
        // A row is one line, and whatever is above the first one is the header.
        let rows = self.lines.iter().filter(|line| matches!(line, Line::Row(_))).count();
        let above = laid_out.clone().count().saturating_sub(rows);
        let mut text: Vec<String> = laid_out.by_ref().take(above).map(|line| line.trim_end().to_owned()).collect();
        text.extend(self.lines.iter().filter_map(|line| match line {
            Line::Heading(heading) => Some(printable(heading)),
            Line::Row(_) => Some(laid_out.next()?.trim_end().to_owned()),
        }));
        text.join("\n")
    }

    /// As a table of GitHub's Markdown, with a line feed at its end. Rows are taken to be Markdown already; the header and headings are plain
    /// text.
    pub(crate) fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut text = line(self.header.iter().map(|cell| escaped(&cell.replace('\n', " "))).collect());
        let rule = |column| if column == 0 { ":--" } else { "--:" };
        text += &line((0..self.header.len()).map(|column| rule(column).to_owned()).collect());
        for row in &self.lines {
            text += &line(match row {
                Line::Heading(heading) => {
                    let rest = std::iter::repeat_n(String::new(), self.header.len() - 1);
                    [format!("**{}**", escaped(heading))].into_iter().chain(rest).collect()
                }
                Line::Row(cells) => cells.iter().map(|cell| cell.trim().to_owned()).collect(),
            });
        }
        text
    }
}

/// Text that Markdown shows as it is.
pub(crate) fn escaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in printable(text).trim().chars() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' => plain.extend(['\\', character]),
            '<' => plain += "&lt;",
            '>' => plain += "&gt;",
            '&' => plain += "&amp;",
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let mut grid = Grid::new(["name", "peak\nKiB"]);
        grid.heading("a|trace with a name that is longer than any cell");
        grid.row(["wee_alloc", "1,024"]);
        grid.row(["talc", "9"]);
        grid
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
        assert_eq!(grid().text(), expected);
    }

    #[test]
    fn a_header_cannot_command_the_terminal_or_break_the_table() {
        let mut grid = Grid::new(["name".to_owned(), "× \u{1b}[2J|_a_\n95 % CI".into()]);
        grid.row(["talc", "9"]);
        assert_eq!(grid.text().lines().next(), Some("name  × \u{FFFD}[2J|_a_"));
        assert_eq!(grid.markdown().lines().next(), Some("| name | × \u{FFFD}\\[2J\\|\\_a\\_ 95 % CI |"));
    }

    #[test]
    fn as_markdown() {
        let expected = "\
| name | peak KiB |
| :-- | --: |
| **a\\|trace with a name that is longer than any cell** |  |
| wee_alloc | 1,024 |
| talc | 9 |
";
        assert_eq!(grid().markdown(), expected);
        assert_eq!(escaped("<b> & w_a \u{1b}"), "&lt;b&gt; &amp; w\\_a \u{FFFD}");
    }
}
