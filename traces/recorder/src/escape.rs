//! Text from outside, such as the name of a program, as part of one line of a trace or of a terminal.

use core::fmt::Write;

/// The bytes as text without line ends, control characters and bytes that are not UTF-8: these become escapes, as
/// `\n`, `\u{1b}` and `\xff`, and so does the backslash, as `\\`. So no name can forge another line of the provenance,
/// or move the cursor of a terminal.
///
/// ```
/// use heaprace_recorder::escaped;
///
/// assert_eq!(escaped("größe".as_bytes()), "größe");
/// assert_eq!(escaped(b"ls\norigin: synthetic"), r"ls\norigin: synthetic");
/// assert_eq!(escaped(b"\x1b[2Jls\xff"), r"\u{1b}[2Jls\xff");
/// ```
pub fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            if char == '\\' || char.is_control() || is_line_end_or_direction(char) {
                text.extend(char.escape_default());
            } else {
                text.push(char);
            }
        }
        for byte in chunk.invalid() {
            // Writing to a string does not fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// Characters that are no control characters, and yet end a line or change the order of what is shown after them.
fn is_line_end_or_direction(char: char) -> bool {
    matches!(char, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn an_escaped_text_has_no_character_that_acts() {
        let all: String = (0..=0x2100).filter_map(char::from_u32).collect();
        let text = escaped(&[all.as_bytes(), b"\xc3", b"\xe2\x82 \xff\r\n\x7f\xc2\x9b"].concat());
        assert!(!text.chars().any(|char| char.is_control() || "\u{202e}\u{2028}\u{200f}".contains(char)));
        for expected in [r"\u{0}", r"\r\n", r"\u{7f}", r"\u{9b}", r"\xc3", r"\xe2\x82 \xff", r"\u{202e}", "ÿ", r"\\"] {
            assert!(text.contains(expected), "{expected}");
        }
    }
}
