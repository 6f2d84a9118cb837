//! A table as GitHub-flavored Markdown.

use super::model::{Beside, Sign, Table, TableCell};
use super::terminal::UNKNOWN;
use super::wrap::printable;

/// The table, ending in a line feed.
pub(crate) fn markdown(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let headings = [&table.corner].into_iter().chain(table.columns.iter().map(|column| &column.heading));
    let mut text = line(headings.map(|heading| escaped(&heading.replace('\n', " "))).collect());
    let rules = [":--"].into_iter().chain(table.columns.iter().map(|_| "--:"));
    text += &line(rules.map(str::to_owned).collect());
    let mut group = "";
    for row in &table.rows {
        if row.group != group {
            group = &row.group;
            let rest = std::iter::repeat_n(String::new(), table.columns.len());
            text += &line([format!("**{}**", escaped(group))].into_iter().chain(rest).collect());
        }
        let name = escaped(&format!("{} {}", row.name, row.version));
        text += &line([name].into_iter().chain(row.cells.iter().map(cell)).collect());
    }
    text
}

fn cell(cell: &TableCell) -> String {
    let (text, beside, sign) = match cell {
        TableCell::Figure { text, beside, sign, .. } => (text, beside, sign),
        TableCell::Words(words) => return escaped(words),
        TableCell::Unknown(_) => return UNKNOWN.to_owned(),
        TableCell::Empty => return String::new(),
    };
    let text = if *sign == Sign::Best { format!("**{text}**") } else { text.clone() };
    match beside {
        Beside::Interval(low, high) => format!("{text} ({low}–{high})"),
        Beside::Times(times) => format!("{text} (× {times})"),
        Beside::Same(_) | Beside::Nothing => text,
    }
}

/// Escapes a text so that Markdown shows it verbatim.
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
    use super::super::model::TableColumn;
    use super::*;

    #[test]
    fn looks_like_this() {
        let mut table = Table::new("name", vec![TableColumn::plain("peak\nKiB")]);
        table.words("a|trace with a name", "wee_alloc".into(), ["1,024".into()]);
        table.words("a|trace with a name", "talc".into(), ["9 ".into()]);
        let expected = "\
| name | peak KiB |
| :-- | --: |
| **a\\|trace with a name** |  |
| wee\\_alloc | 1,024 |
| talc | 9 |
";
        assert_eq!(markdown(&table), expected);
        assert_eq!(escaped("<b> & w_a \u{1b}"), "&lt;b&gt; &amp; w\\_a \u{FFFD}");
    }

    #[test]
    fn a_header_cannot_break_the_table() {
        let table = Table::new("name", vec![TableColumn::plain("× \u{1b}[2J|_a_\n95 % CI")]);
        assert_eq!(markdown(&table).lines().next(), Some("| name | × \u{FFFD}\\[2J\\|\\_a\\_ 95 % CI |"));
    }
}
