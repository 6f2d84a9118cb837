//! One line: its fields, and the numbers in them.

use csv::ByteRecord;

use super::columns::range_of;
use crate::fault::{Fault, shown};

/// A line of the file by its fields, without the `\r` of a line end of `\r\n`.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    fields: &'a ByteRecord,
    /// Where the bytes of the last field end.
    end: usize,
}

impl<'a> Line<'a> {
    #[inline]
    pub(super) fn of(fields: &'a ByteRecord) -> Self {
        let bytes = fields.as_slice();
        // The bytes of all fields are in one slice; an empty last field has no part in it.
        let carriage_return = bytes.ends_with(b"\r") && fields.iter().next_back().is_some_and(|last| !last.is_empty());
        Line { fields, end: bytes.len() - usize::from(carriage_return) }
    }

    /// How many fields there are.
    pub(super) fn len(self) -> usize {
        self.fields.len()
    }

    /// The field at `index`, counted from 0.
    #[inline]
    pub(super) fn field(self, index: usize) -> Option<&'a [u8]> {
        let range = self.fields.range(index)?;
        Some(&self.fields.as_slice()[range.start..range.end.min(self.end)])
    }

    /// All fields.
    pub(super) fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.len()).filter_map(move |index| self.field(index))
    }

    /// The number in a field; `None` where the field is empty or left out.
    #[inline(always)]
    pub(super) fn number(self, column: &'static str, index: usize) -> Result<Option<u64>, Box<Fault>> {
        match self.field(index) {
            None | Some([]) => Ok(None),
            Some(digits) => parse_decimal(digits).map(Some).map_err(|fault| fault.of(column, digits).into()),
        }
    }

    /// The line as it stands in the file, put together again from its fields.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        self.iter().collect::<Vec<_>>().join(&b',')
    }
}

/// Why a field is no number.
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
#[inline]
fn parse_decimal(digits: &[u8]) -> Result<u64, NumberFault> {
    // So many digits always fit 64 bits.
    const SAFE_DIGITS: usize = 19;
    if digits.len() > SAFE_DIGITS {
        return parse_long_decimal(digits);
    }
    let mut number = 0;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(NumberFault::NotDigits);
        }
        number = number * 10 + u64::from(digit);
    }
    Ok(number)
}

#[cold]
fn parse_long_decimal(digits: &[u8]) -> Result<u64, NumberFault> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(NumberFault::NotDigits);
    }
    let append = |number: u64, digit: &u8| number.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    digits.iter().try_fold(0, append).ok_or(NumberFault::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_nothing_else_are_a_number() {
        assert_eq!(parse_decimal(b"0"), Ok(0));
        assert_eq!(parse_decimal(b"18446744073709551615"), Ok(u64::MAX));
        assert_eq!(parse_decimal(b"000000000000000000000000000042"), Ok(42));
        assert_eq!(parse_decimal(b"18446744073709551616"), Err(NumberFault::TooLarge));
        for text in ["+1", "-1", " 1", "1 ", "0x10", "1e3", "1_000", "99999999999999999999x", "\u{661}"] {
            assert_eq!(parse_decimal(text.as_bytes()), Err(NumberFault::NotDigits), "{text:?}");
        }
    }

    #[test]
    fn only_the_last_field_loses_a_carriage_return() {
        let fields = |fields: &[&str]| {
            let record = ByteRecord::from(fields);
            Line::of(&record).iter().map(|field| String::from_utf8(field.to_vec()).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(fields(&["a", "b\r"]), ["a", "b"]);
        assert_eq!(fields(&["a\r", "b"]), ["a\r", "b"]);
        assert_eq!(fields(&["a\r", ""]), ["a\r", ""]);
        assert_eq!(fields(&["a", "\r"]), ["a", ""]);
        assert_eq!(fields(&["a", "b\r\r"]), ["a", "b\r"]);
    }
}
