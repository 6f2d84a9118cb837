//! Prose wrapped to a width.

use unicode_width::UnicodeWidthStr;

/// Breaks the text at blanks into lines of at most `width` columns. Lines after the first are indented by `indent`.
///
/// A word that is too long is broken. Control characters are replaced: names come from outside, and a terminal would
/// obey them.
///
/// ```
/// assert_eq!(heaprace_reports::table::wrap("one two three", 8, 2), ["one two", "  three"]);
/// ```
pub fn wrap(text: &str, width: usize, indent: usize) -> Vec<String> {
    let indent = indent.min(width.saturating_sub(1));
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in printable(text).split_whitespace() {
        let blank = if line.trim().is_empty() { "" } else { " " };
        if line.width() + blank.len() + word.width() <= width {
            line += blank;
            line += word;
            continue;
        }
        if !blank.is_empty() {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
        }
        for character in word.chars() {
            let mut longer = line.clone();
            longer.push(character);
            if longer.width() > width && !line.trim().is_empty() {
                lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
                line.push(character);
            } else {
                line = longer;
            }
        }
    }
    lines.push(line);
    lines
}

/// The text with control characters replaced by the replacement character.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{FFFD}' } else { character }).collect()
}

/// The same for several lines; line feeds stay.
pub(super) fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_at_blanks_and_indents_later_lines() {
        assert_eq!(wrap("one two three four", 9, 2), ["one two", "  three", "  four"]);
        assert_eq!(wrap("one two", 7, 2), ["one two"]);
        assert_eq!(wrap("", 7, 2), [""]);
    }

    #[test]
    fn breaks_words_that_are_too_long() {
        assert_eq!(wrap("a abcdefghij b", 5, 1), ["a", " abcd", " efgh", " ij b"]);
        assert_eq!(wrap("abcdefgh", 3, 0), ["abc", "def", "gh"]);
    }

    #[test]
    fn counts_columns_and_not_bytes() {
        // An ideograph takes two columns, an accented letter one.
        assert_eq!(wrap("堆堆堆 éé", 6, 0), ["堆堆堆", "éé"]);
    }

    #[test]
    fn a_name_cannot_control_the_terminal() {
        assert_eq!(wrap("a\u{1b}[2Jb\r", 80, 0), ["a\u{FFFD}[2Jb\u{FFFD}"]);
    }
}
