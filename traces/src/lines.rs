//! Text as lines, a block at a time: however long the input, only a block of it is held.

use std::io::{self, Read};

use heaprace_recorder::csv::MOST_LINE_BYTES;

use crate::error::{Place, TraceError};
use crate::input::{BLOCK_BYTES, read_failed};

/// Some editors put this before UTF-8 text. It is no part of the first line.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The lines of an input, one after the other.
///
/// It is no iterator, because an iterator cannot lend its items: [`advance`](Self::advance) goes on to the next line,
/// which [`line`](Self::line) returns.
pub(crate) struct Lines<R> {
    input: R,
    /// The part of the input that is read but not passed yet is `block[start..end]`.
    block: Vec<u8>,
    start: usize,
    end: usize,
    /// The current line in the block, without its end.
    line: core::ops::Range<usize>,
    number: u64,
    truncated: bool,
}

/// Why there is no next line.
#[derive(Debug)]
pub(crate) enum LineFault {
    TooLong,
    Read(io::Error),
}

impl LineFault {
    /// The error for a line that cannot be read at this place.
    #[cold]
    pub(crate) fn at(self, place: Place) -> TraceError {
        match self {
            LineFault::TooLong => TraceError::LineTooLong { place, most_bytes: MOST_LINE_BYTES },
            LineFault::Read(source) => read_failed(place, source),
        }
    }
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Lines { input, block: vec![0; BLOCK_BYTES], start: 0, end: 0, line: 0..0, number: 0, truncated: false }
    }

    /// Goes on to the next line; `false` at the end of the input.
    #[inline]
    pub(crate) fn advance(&mut self) -> Result<bool, LineFault> {
        let open = &self.block[self.start..self.end];
        let length = match memchr::memchr(b'\n', open) {
            Some(length) => length,
            None => match self.fill()? {
                Some(length) => length,
                None => return Ok(false),
            },
        };
        let start = self.start;
        self.start += length + usize::from(!self.truncated);
        let carriage_return = self.block[start..start + length].ends_with(b"\r");
        self.line = start..start + length - usize::from(carriage_return);
        if self.line.len() > MOST_LINE_BYTES {
            return Err(LineFault::TooLong);
        }
        self.number += 1;
        Ok(true)
    }

    /// What is read of the input, from the next line on. It may end within a line.
    #[inline]
    pub(crate) fn rest(&self) -> &[u8] {
        &self.block[self.start..self.end]
    }

    /// Goes on to the next line, which is `length` bytes long with its `\n` and within [`rest`](Self::rest).
    #[inline]
    pub(crate) fn pass(&mut self, length: usize) {
        self.line = self.start..self.start + length - 1;
        self.start += length;
        self.number += 1;
    }

    /// The current line, without its `\n` or `\r\n`.
    #[inline]
    pub(crate) fn line(&self) -> &[u8] {
        &self.block[self.line.clone()]
    }

    /// The number of the current line, counted from 1; 0 before the first.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Whether the input has ended within the current line: it has no line end.
    #[inline]
    pub(crate) fn truncated(&self) -> bool {
        self.truncated
    }

    /// Reads on until there is a whole line and returns its length; `None` at the end of the input.
    #[cold]
    fn fill(&mut self) -> Result<Option<usize>, LineFault> {
        self.block.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let mut length = loop {
            // With room for the mark of the byte order and the carriage return, which are no part of the line.
            if self.end > MOST_LINE_BYTES + BYTE_ORDER_MARK.len() + 1 {
                return Err(LineFault::TooLong);
            }
            if self.end == self.block.len() {
                self.block.resize(2 * self.block.len(), 0);
            }
            let read = match self.input.read(&mut self.block[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(LineFault::Read(error)),
                Ok(read) => read,
            };
            if read == 0 {
                if self.end == 0 {
                    return Ok(None);
                }
                self.truncated = true;
                break self.end;
            }
            let searched = self.end;
            self.end += read;
            if let Some(position) = memchr::memchr(b'\n', &self.block[searched..self.end]) {
                break searched + position;
            }
        };
        if self.number == 0 && self.block[..length].starts_with(BYTE_ORDER_MARK) {
            self.start = BYTE_ORDER_MARK.len();
            length -= self.start;
        }
        Ok(Some(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes in pieces of one length, and is interrupted before each.
    struct Pieces<'a>(&'a [u8], usize, bool);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.2 = !self.2;
            if self.2 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let length = self.1.min(buffer.len());
            self.0.read(&mut buffer[..length])
        }
    }

    fn lines(text: &[u8], piece: usize) -> (Vec<Vec<u8>>, bool) {
        let mut lines = Lines::new(Pieces(text, piece, false));
        let mut all = Vec::new();
        while lines.advance().unwrap() {
            all.push(lines.line().to_vec());
            assert_eq!(lines.number(), all.len() as u64);
        }
        (all, lines.truncated())
    }

    #[test]
    fn lines_are_the_same_however_the_input_comes() {
        let long = [b'x'; BLOCK_BYTES + 7];
        let text = [b"\xef\xbb\xbfone\r\n\ntwo\r\r\n", &long[..], b"\n\r\nlast"].concat();
        let expected: [&[u8]; 6] = [b"one", b"", b"two\r", &long, b"", b"last"];
        for piece in [1, 2, 5, 17, BLOCK_BYTES, 10 * BLOCK_BYTES] {
            let (all, truncated) = lines(&text, piece);
            assert!(all == expected && truncated, "pieces of {piece}");
        }
        assert_eq!(lines(b"one\n", 1), (vec![b"one".to_vec()], false));
        assert_eq!(lines(b"", 1), (vec![], false));
    }

    #[test]
    fn a_line_without_end_is_not_read_to_its_end() {
        let zeros = vec![0; 10 * MOST_LINE_BYTES];
        let mut input = &zeros[..];
        assert!(matches!(Lines::new(&mut input).advance(), Err(LineFault::TooLong)));
        assert!(input.len() >= 7 * MOST_LINE_BYTES, "{} bytes are left", input.len());
        let longest = vec![b'x'; MOST_LINE_BYTES];
        for end in [&b"\n"[..], b"\r\n"] {
            let text = [BYTE_ORDER_MARK, &[&longest[..], end].concat().repeat(3)].concat();
            for piece in [BLOCK_BYTES, 3 * MOST_LINE_BYTES] {
                assert!(lines(&text, piece).0.iter().all(|line| *line == longest));
            }
            let text = [&longest[..], b"x", end].concat();
            assert!(matches!(Lines::new(&text[..]).advance(), Err(LineFault::TooLong)));
            assert!(matches!(Lines::new(&text[..text.len() - 1]).advance(), Err(LineFault::TooLong)));
        }
    }
}
