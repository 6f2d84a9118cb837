//! The words of a line, and the numbers in them.

use super::fault::ImportFault;
use crate::fault::shown;

/// The words of a line, separated by blanks, from first to last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    pub(super) fn of(line: &'a [u8]) -> Self {
        Words(line)
    }

    /// The next word as a decimal number.
    #[inline]
    pub(super) fn decimal(&mut self, call: &'static str, value: &'static str) -> Result<u64, Box<ImportFault>> {
        decimal(value, self.next().ok_or(ImportFault::MissingValue { call, value })?)
    }

    /// The next word as a hexadecimal number.
    #[inline]
    pub(super) fn hexadecimal(&mut self, call: &'static str, value: &'static str) -> Result<u64, Box<ImportFault>> {
        hexadecimal(value, self.next().ok_or(ImportFault::MissingValue { call, value })?)
    }

    /// Checks that there is no further word.
    #[inline]
    pub(super) fn end(mut self, call: &'static str) -> Result<(), Box<ImportFault>> {
        match self.next() {
            Some(word) => Err(ImportFault::TooManyValues { call, found: shown(word) }.into()),
            None => Ok(()),
        }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let start = self.0.iter().position(|byte| !blank(byte))?;
        let rest = &self.0[start..];
        let (word, rest) = rest.split_at(rest.iter().position(blank).unwrap_or(rest.len()));
        self.0 = rest;
        Some(word)
    }
}

/// Reads decimal digits and nothing else.
#[inline]
pub(super) fn decimal(value: &'static str, word: &[u8]) -> Result<u64, Box<ImportFault>> {
    digits::<10>(word).ok_or_else(|| not_a_number(value, word, "decimal"))
}

/// Reads hexadecimal digits, with or without `0x` before them. `(nil)`, the C library's null, is 0.
#[inline]
pub(super) fn hexadecimal(value: &'static str, word: &[u8]) -> Result<u64, Box<ImportFault>> {
    if word == b"(nil)" {
        return Ok(0);
    }
    let digits = digits::<16>(word.strip_prefix(b"0x").unwrap_or(word));
    digits.ok_or_else(|| not_a_number(value, word, "hexadecimal"))
}

#[inline]
fn digits<const RADIX: u32>(word: &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for &byte in word {
        let digit = char::from(byte).to_digit(RADIX)?;
        number = number.checked_mul(u64::from(RADIX))?.checked_add(u64::from(digit))?;
    }
    (!word.is_empty()).then_some(number)
}

#[cold]
fn not_a_number(value: &'static str, word: &[u8], kind: &'static str) -> Box<ImportFault> {
    ImportFault::NotANumber { value, found: shown(word), kind }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_of_at_most_64_bits() {
        assert_eq!(decimal("size", b"18446744073709551615").unwrap(), u64::MAX);
        assert_eq!(hexadecimal("size", b"0xFFFFffffffffffff").unwrap(), u64::MAX);
        assert_eq!((hexadecimal("size", b"1e").unwrap(), hexadecimal("size", b"(nil)").unwrap()), (0x1e, 0));
        for word in ["", "0x1", "-1", "+1", "1k", "18446744073709551616", "(nil)"] {
            decimal("size", word.as_bytes()).unwrap_err();
        }
        for word in ["", "0x", "-1", "0xg", "0x10000000000000000", "x1"] {
            hexadecimal("size", word.as_bytes()).unwrap_err();
        }
    }

    #[test]
    fn words_are_what_stands_between_blanks() {
        let words: Vec<&[u8]> = Words::of(b" a  bc\td ").collect();
        assert_eq!(words, [&b"a"[..], b"bc", b"d"]);
        assert_eq!(Words::of(b"  ").next(), None);
    }
}
