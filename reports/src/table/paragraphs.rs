//! The paragraphs of a text for a terminal, and their emphasis.

use super::columns::INVALID;
use super::model::Table;
use super::terminal::lay_out;
use super::wrap::wrap;

/// Paragraphs with a blank line between them; those without a line are left out.
pub(super) struct Paragraphs {
    width: usize,
    lines: Vec<String>,
}

impl Paragraphs {
    pub(super) fn new(width: usize) -> Self {
        Paragraphs { width, lines: Vec::new() }
    }

    pub(super) fn add(&mut self, lines: impl IntoIterator<Item = impl Into<String>>) {
        let before = self.lines.len();
        self.lines.extend(lines.into_iter().map(Into::into));
        if self.lines.len() > before {
            self.lines.push(String::new());
        }
    }

    /// Adds a table, and returns its legend.
    pub(super) fn add_table(&mut self, table: Table) -> Vec<String> {
        self.add(lay_out(&table, self.width).lines());
        table.legend
    }

    pub(super) fn add_notes(&mut self, notes: &[String]) {
        let width = self.width;
        self.add(notes.iter().flat_map(|note| wrap(note, width, 2)));
    }

    /// The whole text, which ends with the line feed of its last line.
    pub(super) fn end(self) -> String {
        self.lines.join("\n")
    }
}

/// Adds emphasis if the terminal can show it.
#[derive(Clone, Copy)]
pub(super) struct Paint {
    pub(super) color: bool,
}

impl Paint {
    pub(super) fn bold(self, text: &str) -> String {
        self.sgr("1", text)
    }

    pub(super) fn red(self, text: &str) -> String {
        self.sgr("1;31", text)
    }

    fn sgr(self, code: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.into() }
    }

    /// A line of the table, with marked figures in bold and `INVALID` in red.
    pub(super) fn table_line(self, line: &str) -> String {
        let words = line.split_inclusive(' ').map(|word| match word.trim_end() {
            text if text.ends_with('*') => word.replacen(text, &self.bold(text), 1),
            INVALID => word.replacen(INVALID, &self.red(INVALID), 1),
            _ => word.into(),
        });
        words.collect()
    }
}
