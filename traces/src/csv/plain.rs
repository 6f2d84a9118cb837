//! The plain form of a line, in which traces are written: the name of an op and decimal numbers, with a comma between
//! them and a line feed after the last, and no value that an op does not need.
//!
//! It is parsed without a search for the end of the line before. Anything else in a line, or a line that may not be
//! whole yet, is left to [`line`](super::line): the meaning of a line, and every error in it, is defined there alone.

use heaprace_recorder::Op;

use super::columns::Extra;

/// The values of a plain line.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlainLine {
    pub(super) op: Op,
    pub(super) id: u64,
    /// The size, except for a deallocation.
    pub(super) size: u64,
    /// The alignment of an allocation.
    pub(super) align: u64,
    pub(super) thread: Option<u32>,
    pub(super) time_ns: Option<u64>,
    pub(super) written: Option<u64>,
    /// The length of the line with its end.
    pub(super) bytes: usize,
}

/// The line that `text` begins with, if it is plain.
#[inline(always)]
pub(super) fn parse(text: &[u8], extras: &[Extra]) -> Option<PlainLine> {
    let name = text.first_chunk()?;
    let (op, name_bytes) = match name {
        b"dealloc," => (Op::Dealloc, 8),
        b"realloc," => (Op::Realloc, 8),
        [b'a', b'l', b'l', b'o', b'c', b',', ..] => (Op::Alloc, 6),
        b"alloc_ze" if text[8..].starts_with(b"roed,") => (Op::AllocZeroed, 13),
        _ => return None,
    };
    let mut rest = Rest { text: &text[name_bytes..], end: b',' };
    let (id, mut size, mut align) = (rest.number()?, 0, 0);
    if op == Op::Dealloc {
        rest.pass_empty(b",,")?;
    } else {
        size = rest.number()?;
        if op == Op::Realloc {
            rest.pass_empty(b",")?;
        } else {
            align = rest.number()?;
        }
    }
    let (mut thread, mut time_ns, mut written) = (None, None, None);
    for extra in extras {
        match extra {
            Extra::Thread => thread = Some(u32::try_from(rest.number()?).ok()?),
            Extra::TimeNs => time_ns = Some(rest.number()?),
            // It may be left out.
            Extra::Written if rest.end == b'\n' => {}
            Extra::Written => written = Some(rest.number()?),
        }
    }
    let line = PlainLine { op, id, size, align, thread, time_ns, written, bytes: text.len() - rest.text.len() };
    (rest.end == b'\n').then_some(line)
}

/// The rest of a line.
struct Rest<'a> {
    /// The text after the comma or line feed that ended the field before.
    text: &'a [u8],
    end: u8,
}

impl Rest<'_> {
    /// Passes fields without a value, unless the line has ended.
    #[inline(always)]
    fn pass_empty<const N: usize>(&mut self, commas: &[u8; N]) -> Option<()> {
        if self.end == b',' {
            self.text = self.text.strip_prefix(commas)?;
        }
        Some(())
    }

    /// Passes a number of at most 15 digits.
    #[inline(always)]
    fn number(&mut self) -> Option<u64> {
        if self.end != b',' {
            return None;
        }
        let (&bytes, after) = self.text.split_first_chunk()?;
        // One digit, as most alignments and threads have, is the number.
        let first = bytes[0].wrapping_sub(b'0');
        if first <= 9 && matches!(bytes[1], b',' | b'\n') {
            (self.end, self.text) = (bytes[1], &self.text[2..]);
            return Some(first.into());
        }
        let (mut number, mut digits, mut end) = digits(bytes);
        if digits == WORD_BYTES {
            let more;
            (more, digits, end) = self::digits(*after.first_chunk()?);
            number = number * POWERS_OF_TEN.get(digits)? + more;
            self.text = after;
        } else if digits == 0 {
            return None;
        }
        self.text = self.text.get(digits + 1..)?;
        self.end = end;
        matches!(end, b',' | b'\n').then_some(number)
    }
}

/// Bytes that are parsed at once.
const WORD_BYTES: usize = 8;

const POWERS_OF_TEN: [u64; WORD_BYTES] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000];

/// The number that eight bytes begin with, how many digits it has, and the byte after it, if it is among the eight.
///
/// All bytes are computed at once: a loop ends after another number of digits in each field, which no processor
/// predicts.
#[inline(always)]
fn digits(bytes: [u8; WORD_BYTES]) -> (u64, usize, u8) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // The first byte is the lowest. A digit becomes 0 to 9, and any other byte is larger.
    let text = u64::from_le_bytes(bytes);
    let values = text ^ (EACH * b'0' as u64);
    // The high bit of each byte above 9. A carry reaches only the bytes after one, and the first one counts.
    let others = (values.wrapping_add(EACH * (0x80 - 10)) | values) & (EACH * 0x80);
    if others == 0 {
        return (number(values), WORD_BYTES, 0);
    }
    let bits = others.trailing_zeros() & !7;
    // What follows the digits is shifted out, and zeros go before them.
    let shifted = values.checked_shl(u64::BITS - bits).unwrap_or(0);
    (number(shifted), bits as usize / 8, (text >> bits) as u8)
}

/// The number of eight digits, the highest in the lowest byte.
#[inline(always)]
fn number(digits: u64) -> u64 {
    // Neighbours become numbers of two digits, then of four, then of eight.
    let pairs = (digits.wrapping_mul(10).wrapping_add(digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100).wrapping_add(pairs >> 16)) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff
}
