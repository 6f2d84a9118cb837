//! Building blocks of sentences, and texts for places where some characters mean something.

use std::borrow::Cow;

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn and(parts: impl IntoIterator<Item = impl Into<String>>) -> String {
    let parts: Vec<String> = parts.into_iter().map(Into::into).collect();
    match &parts[..] {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A text for a terminal: control characters, which could move the cursor or change colors, are shown as escapes. Line
/// feeds stay.
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_harmful = |character: char| character.is_control() && character != '\n';
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let escape = |character: char| match is_harmful(character) {
        true => character.escape_default().to_string(),
        false => character.to_string(),
    };
    Cow::Owned(text.chars().map(escape).collect())
}

/// A text for a spreadsheet, which would take one that begins with `=`, `+`, `-`, `@`, a tab or a carriage return for a
/// formula: an apostrophe before it makes it text.
pub(crate) fn no_formula(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_nothing_else() {
        assert_eq!(printable("\u{1b}[31mred\r\u{7}\t\u{9b}1m"), "\\u{1b}[31mred\\r\\u{7}\\t\\u{9b}1m");
        for text in ["", "a/b.csv", "one\ntwo", "ü 🦀 %"] {
            assert!(matches!(printable(text), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn a_formula_becomes_text() {
        for text in ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(no_formula(text), format!("'{text}"));
        }
        for text in ["", "serde-heavy", "a=b", "'"] {
            assert!(matches!(no_formula(text), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn the_last_of_several_follows_an_and() {
        assert_eq!(and([""; 0]), "");
        assert_eq!(and(["a"]), "a");
        assert_eq!(and(["a", "b"]), "a and b");
        assert_eq!(and(["a", "b", "c"]), "a, b and c");
    }
}
