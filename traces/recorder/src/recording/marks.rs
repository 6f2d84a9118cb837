//! The texts of marks on their way to the trace. Their records have only a number.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::comment::{MARK_PREFIX, MOST_MARK_CHARACTERS};

static PENDING: Mutex<Pending> = Mutex::new(Pending { given: 0, texts: VecDeque::new() });

struct Pending {
    given: u64,
    texts: VecDeque<(u64, String)>,
}

/// Keeps the comment for a mark of this name and returns its number.
pub(super) fn put(name: &str) -> u64 {
    // A longer name is cut. In a comment, a line end would begin another line, and no trace may have a byte 0.
    let shown = name.chars().take(MOST_MARK_CHARACTERS).map(|each| if each.is_control() { ' ' } else { each });
    let text = MARK_PREFIX.chars().chain(shown).collect();
    let mut pending = PENDING.lock().unwrap_or_else(PoisonError::into_inner);
    pending.given += 1;
    let number = pending.given;
    pending.texts.push_back((number, text));
    number
}

/// Takes the comment of a mark. At most as many are waiting as the lanes have records, and mostly it is the first.
pub(super) fn take(number: u64) -> Option<String> {
    let mut pending = PENDING.lock().unwrap_or_else(PoisonError::into_inner);
    let place = pending.texts.iter().position(|(given, _)| *given == number)?;
    pending.texts.remove(place).map(|(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_one_line_whatever_its_name() {
        for (name, expected) in [
            ("request 3", "mark: request 3"),
            ("a\nalloc,1,1,1\r\0", "mark: a alloc,1,1,1  "),
            ("", "mark: "),
            (" ä\u{2028}", "mark:  ä\u{2028}"),
        ] {
            let (first, second) = (put("another"), put(name));
            assert_eq!(take(second).as_deref(), Some(expected));
            assert_eq!(take(first).as_deref(), Some("mark: another"));
            assert_eq!(take(first), None);
        }
        let long = put(&"é".repeat(5000));
        assert_eq!(take(long).expect("it was put there").chars().count(), "mark: ".len() + MOST_MARK_CHARACTERS);
    }
}
