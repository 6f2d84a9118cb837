//! What a comment may be, in every format: one line of text, so that all formats can carry it.

use std::io;

use crate::error::WriteError;

/// Maximum length of a line, in bytes. Lines of events are below 100 bytes; comments may be longer. Without a limit, a
/// reader would read a file of zeros into memory as one line.
pub const MOST_LINE_BYTES: usize = 1024 * 1024;

/// The beginning of a comment that is a [`mark`](crate::mark); its name follows.
pub const MARK_PREFIX: &str = "mark: ";

/// Maximum characters of the name of a mark.
pub const MOST_MARK_CHARACTERS: usize = 1000;

/// Maximum lines of the provenance.
pub const MOST_PROVENANCE_LINES: usize = 1 << 16;

/// Maximum bytes of the provenance, with a line end after each line.
pub const MOST_PROVENANCE_BYTES: usize = 1 << 24;

/// The lines of a text, each of which is a comment: a line end within a comment would begin a line that is none.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', '\r'])
}

/// Why a text cannot be a comment; `None` if it can.
///
/// ```
/// use heaprace_recorder::comment::fault;
///
/// assert_eq!(fault("mark: request 3"), None);
/// assert_eq!(fault("one\nalloc,1,8,8"), Some("has a line end within it"));
/// ```
pub fn fault(text: &str) -> Option<&'static str> {
    // With `# ` before it.
    if text.len() > MOST_LINE_BYTES - 2 {
        return Some("is longer than 1 MiB");
    }
    if text.contains('\0') {
        return Some("has a NUL byte");
    }
    if text.contains(['\n', '\r']) {
        return Some("has a line end within it");
    }
    let name = text.strip_prefix(MARK_PREFIX)?;
    if name.chars().nth(MOST_MARK_CHARACTERS).is_some() {
        Some("is a mark whose name has more than 1000 characters")
    } else {
        name.chars().any(char::is_control).then_some("is a mark with a control character")
    }
}

/// Checks lines before they are written.
pub(crate) fn check(text: &str) -> Result<(), WriteError> {
    match fault(text) {
        Some(what) => Err(refused(&format!("a comment {what}"))),
        None => Ok(()),
    }
}

/// The error for text that no reader would accept.
pub(crate) fn refused(what: &str) -> WriteError {
    io::Error::new(io::ErrorKind::InvalidInput, what).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_one_line_that_every_format_can_carry() {
        let longest = "é".repeat(MOST_LINE_BYTES / 2 - 1);
        for text in ["", " ", "a\tb \u{1b}", "mark: ", &format!("mark: {}", "é".repeat(1000)), &longest] {
            assert_eq!(fault(text), None);
        }
        for text in ["\0", "a\rb", "a\n", "mark: \t", &format!("mark: {}", "é".repeat(1001)), &format!("{longest}x")] {
            assert!(fault(text).is_some());
        }
    }
}
