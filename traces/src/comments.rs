//! The comments of a trace, within the limits of the format: no file makes a reader keep more.

use heaprace_recorder::comment::{self, MOST_PROVENANCE_BYTES, MOST_PROVENANCE_LINES};
use heaprace_recorder::csv::{canonical_comments, named_version};

use crate::fault::{Fault, shown};

/// Maximum bytes of the comments between two events.
const MOST_BYTES: usize = 32 << 20;
/// Bytes that a comment counts more than its text, because keeping it takes memory.
const BYTES_EACH: usize = 48;
/// Further bytes for each live object: after the last event there may be comments on each.
const BYTES_PER_OBJECT: usize = 32;

/// Checks the text of a comment.
fn check(text: &str) -> Result<(), Box<Fault>> {
    match comment::fault(text) {
        Some(what) => Err(Fault::BadComment { found: shown(text.as_bytes()), what }.into()),
        None => Ok(()),
    }
}

/// The comments before the header.
#[derive(Debug, Default)]
pub(crate) struct ProvenanceLines {
    pub(crate) lines: Vec<String>,
    bytes: usize,
}

impl ProvenanceLines {
    /// Adds a line.
    pub(crate) fn push(&mut self, line: String) -> Result<(), Box<Fault>> {
        check(&line)?;
        match named_version(&line) {
            Some("1") | None => {}
            Some(version) => return Err(Fault::UnknownVersion { found: shown(version.as_bytes()) }.into()),
        }
        // Every format stores the version first, though a trace need not name it.
        let version = canonical_comments(&[""; 0]).next().unwrap_or_default();
        if self.lines.is_empty() {
            self.bytes = version.len() + 1;
        }
        if line != version {
            self.bytes += line.len() + 1;
        }
        self.lines.push(line);
        // One line fewer than the format has, for the version.
        if self.bytes > MOST_PROVENANCE_BYTES || self.lines.len() >= MOST_PROVENANCE_LINES {
            let (most_bytes, most_lines) = (MOST_PROVENANCE_BYTES, MOST_PROVENANCE_LINES);
            return Err(Fault::LongProvenance { most_bytes, most_lines }.into());
        }
        Ok(())
    }
}

/// The comments between two events.
#[derive(Debug, Default)]
pub(crate) struct Comments {
    texts: Vec<String>,
    bytes: usize,
}

impl Comments {
    pub(crate) fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Adds a comment to those before the next event. `live_objects` are live there.
    pub(crate) fn push(&mut self, text: String, live_objects: usize) -> Result<(), Box<Fault>> {
        check(&text)?;
        self.bytes += text.len() + BYTES_EACH;
        let most_bytes = MOST_BYTES.saturating_add(live_objects.saturating_mul(BYTES_PER_OBJECT));
        if self.bytes > most_bytes {
            return Err(Fault::TooManyComments { most_bytes }.into());
        }
        self.texts.push(text);
        Ok(())
    }

    /// Forgets those before an event.
    #[inline]
    pub(crate) fn clear(&mut self) {
        if !self.texts.is_empty() {
            self.texts.clear();
            self.bytes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_may_be_missing_or_1_and_counts_in_any_case() {
        let longest = MOST_PROVENANCE_BYTES - "heaprace-trace: 1\n".len();
        let mut lines = vec!["x".repeat((1 << 20) - 2); 15];
        lines.push("x".repeat(longest - 15 * ((1 << 20) - 1) - 1 - 1));
        let all = |lines: &[String]| {
            let mut provenance = ProvenanceLines::default();
            lines.iter().try_for_each(|line| provenance.push(line.clone())).map(|()| provenance.bytes)
        };
        assert_eq!(all(&lines), Ok(MOST_PROVENANCE_BYTES - 1));
        lines.extend(["heaprace-trace: 1".to_owned(), String::new()]);
        assert_eq!(all(&lines), Ok(MOST_PROVENANCE_BYTES));
        assert_eq!(heaprace_recorder::csv::provenance_text(&lines).unwrap().len(), MOST_PROVENANCE_BYTES);
        lines.push(String::new());
        assert!(all(&lines).is_err() && heaprace_recorder::csv::provenance_text(&lines).is_err());
        assert!(all(&["heaprace-trace: 2".to_owned()]).is_err());
        assert!(all(&vec![String::new(); MOST_PROVENANCE_LINES]).is_err());
    }

    #[test]
    fn comments_are_limited_between_two_events_and_by_the_live_objects() {
        let (mut comments, text) = (Comments::default(), "x".repeat(1000 - BYTES_EACH));
        let fit =
            |comments: &mut Comments, live| (0..).take_while(|_| comments.push(text.clone(), live).is_ok()).count();
        assert_eq!(fit(&mut comments, 0), MOST_BYTES / 1000);
        comments.clear();
        assert_eq!(fit(&mut comments, 10_000), (MOST_BYTES + 320_000) / 1000);
    }
}
