//! Text that comes from results, made harmless: a trace may be called `<script>`.

/// The text for HTML and SVG, between tags as well as within a quoted attribute.
///
/// A control character shows as U+FFFD: a page that says `\0` is not valid, escaped or not.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(' '),
            control if control.is_control() => escaped.push('\u{FFFD}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// JSON text for a `<script type="application/json">`, which only `</script` and `<!--` could end or change.
pub(super) fn json_for_script(json: &str) -> String {
    json.replace('<', "\\u003c")
}

/// A name as an anchor: letters, digits and dashes, and a number where nothing else would tell two apart.
pub(super) fn anchor(name: &str, number: usize) -> String {
    let kept = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    let plain: String = name.chars().map(kept).collect();
    format!("trace-{number}-{plain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_can_leave_its_place() {
        assert_eq!(escape(r#"<a href='x'>"&"</a>"#), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;&quot;&lt;/a&gt;");
        assert_eq!(escape("a\u{0}b\u{1b}c\nd"), "a\u{FFFD}b\u{FFFD}c d");
        assert_eq!(json_for_script(r#"["</script><!--"]"#), r#"["\u003c/script>\u003c!--"]"#);
        assert_eq!(anchor("a b/<ü>", 3), "trace-3-a-b----");
    }
}
