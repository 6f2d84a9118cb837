//! One line: its fields, and the numbers in them.

use heaprace_recorder::csv::{THREAD, WRITTEN};
use heaprace_recorder::event::{MAX_ALIGN_BYTES, MAX_SIZE_BYTES};

use crate::fault::{Fault, shown};

/// The fields of a line that are not read yet, from left to right.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineFields<'a>(Option<&'a [u8]>);

impl<'a> LineFields<'a> {
    #[inline]
    pub(super) fn of(line: &'a [u8]) -> Self {
        LineFields(Some(line))
    }

    /// Whether there is one more, possibly empty.
    #[inline]
    pub(super) fn is_more(self) -> bool {
        self.0.is_some()
    }

    /// The number in the next field; `None` if the field is empty or left out.
    #[inline(always)]
    pub(super) fn number(&mut self, column: &'static str) -> Result<Option<u64>, Box<Fault>> {
        // This many digits always fit 64 bits.
        const SAFE_DIGITS: usize = 19;
        let Some(rest) = self.0 else { return Ok(None) };
        let (mut number, mut digits) = (0_u64, 0);
        while let Some(digit) = rest.get(digits).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit <= 9) {
            number = number.wrapping_mul(10).wrapping_add(digit.into());
            digits += 1;
        }
        if digits > SAFE_DIGITS || rest.get(digits).is_some_and(|&byte| byte != b',') {
            return self.unusual_number(column);
        }
        self.0 = rest.get(digits + 1..);
        Ok((digits > 0).then_some(number))
    }

    /// The number in a field that is long, or no number.
    #[cold]
    fn unusual_number(&mut self, column: &'static str) -> Result<Option<u64>, Box<Fault>> {
        let field = self.next().unwrap_or_default();
        parse_decimal(field).map(Some).map_err(|fault| fault.of(column, field).into())
    }
}

impl<'a> Iterator for LineFields<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let line = self.0?;
        let end = line.iter().position(|&byte| byte == b',').unwrap_or(line.len());
        self.0 = line.get(end + 1..);
        Some(&line[..end])
    }
}

/// The smallest and the largest number that a column may hold.
fn range_of(column: &str) -> (u64, u64) {
    match column {
        "size" => (1, MAX_SIZE_BYTES),
        "align" => (1, MAX_ALIGN_BYTES),
        THREAD => (0, u32::MAX.into()),
        WRITTEN => (0, MAX_SIZE_BYTES),
        _ => (0, u64::MAX),
    }
}

/// Why a field is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NumberFault {
    NotDigits,
    TooLarge,
}

impl NumberFault {
    #[cold]
    fn of(self, column: &'static str, field: &[u8]) -> Fault {
        let found = shown(field);
        match self {
            NumberFault::NotDigits => Fault::NotANumber { column, found },
            NumberFault::TooLarge => {
                let (least, most) = range_of(column);
                Fault::OutOfRange { column, found, least, most }
            }
        }
    }
}

/// Reads digits and nothing else: no sign, no blanks, no separators.
fn parse_decimal(digits: &[u8]) -> Result<u64, NumberFault> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(NumberFault::NotDigits);
    }
    let append = |number: u64, digit: &u8| number.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    digits.iter().try_fold(0, append).ok_or(NumberFault::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(line: &str) -> (Result<Option<u64>, Fault>, LineFields<'_>) {
        let mut fields = LineFields::of(line.as_bytes());
        (fields.number("id").map_err(|fault| *fault), fields)
    }

    #[test]
    fn digits_and_nothing_else_are_a_number() {
        for (text, expected) in [
            ("0", 0),
            ("9999999999999999999", 9_999_999_999_999_999_999),
            ("18446744073709551615", u64::MAX),
            ("000000000000000000000000000042", 42),
        ] {
            assert_eq!(number(text).0, Ok(Some(expected)));
            let (result, mut rest) = number(&format!("{text},next").leak()[..]);
            assert_eq!((result, rest.next()), (Ok(Some(expected)), Some(&b"next"[..])));
        }
        assert!(matches!(number("18446744073709551616").0, Err(Fault::OutOfRange { .. })));
        for text in ["+1", "-1", " 1", "1 ", "0x10", "1e3", "1_000", "1\r", "99999999999999999999x", "\u{661}"] {
            assert!(matches!(number(text).0, Err(Fault::NotANumber { .. })), "{text:?}");
        }
    }

    #[test]
    fn fields_may_be_empty_or_left_out() {
        let mut fields = LineFields::of(b"7,,8,");
        assert_eq!([0; 3].map(|_| fields.number("id").unwrap()), [Some(7), None, Some(8)]);
        assert!(fields.is_more(), "an empty one after the last comma");
        assert_eq!(fields.number("id"), Ok(None));
        assert!(!fields.is_more());
        assert_eq!(fields.number("id"), Ok(None));
        assert_eq!(LineFields::of(b"").count(), 1);
        assert!(LineFields::of(b"a,,b").eq([&b"a"[..], b"", b"b"]));
    }
}
