//! gzip data: member after member, and zeroes after the last one.
//!
//! Tapes and block devices pad a file with zeroes to whole blocks. As `gzip -d` does, the reader ignores them.

use std::io::{self, BufRead, Read};
use std::mem;

use flate2::bufread::GzDecoder;

/// Decompresses all members.
pub(crate) enum Gzip<R> {
    Member(GzDecoder<R>),
    /// All members are read.
    Ended,
}

impl<R: BufRead> Gzip<R> {
    pub(crate) fn new(input: R) -> Self {
        Gzip::Member(GzDecoder::new(input))
    }

    /// Goes on to the next member, if there is one.
    fn next_member(&mut self) -> io::Result<()> {
        if let Gzip::Member(decoder) = mem::replace(self, Gzip::Ended) {
            let mut input = decoder.into_inner();
            if !is_only_padding(&mut input)? {
                *self = Gzip::new(input);
            }
        }
        Ok(())
    }
}

/// Skips zeroes; whether nothing else follows.
fn is_only_padding(input: &mut impl BufRead) -> io::Result<bool> {
    let mut padded = false;
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Ok(true);
        }
        let zeroes = bytes.iter().take_while(|&&byte| byte == 0).count();
        padded |= zeroes > 0;
        if zeroes < bytes.len() {
            input.consume(zeroes);
            let what = "something follows the zeroes after the end of the data";
            return if padded { Err(io::Error::new(io::ErrorKind::InvalidData, what)) } else { Ok(false) };
        }
        input.consume(zeroes);
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Gzip::Member(decoder) = self {
            match decoder.read(buffer)? {
                0 if !buffer.is_empty() => self.next_member()?,
                read => return Ok(read),
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(bytes: &[u8], at_once: usize) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        Gzip::new(BufReader::with_capacity(at_once, bytes)).read_to_end(&mut text)?;
        Ok(text)
    }

    #[test]
    fn members_follow_each_other_and_zeroes_the_last_one() {
        let (one, two) = (packed(b"one"), packed(b"two"));
        for at_once in [1, 7, 4096] {
            assert_eq!(unpacked(&one, at_once).unwrap(), b"one");
            assert_eq!(unpacked(&[&one[..], &two].concat(), at_once).unwrap(), b"onetwo");
            assert_eq!(unpacked(&[&one[..], &two, &[0; 5000]].concat(), at_once).unwrap(), b"onetwo");
            assert_eq!(unpacked(&[&one[..], &[0]].concat(), at_once).unwrap(), b"one");
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        let one = packed(b"one");
        for after in [&b"x"[..], b"\0x", &[&[0; 512][..], &one].concat()] {
            unpacked(&[&one[..], after].concat(), 4096).unwrap_err();
        }
        for end in 0..one.len() {
            unpacked(&one[..end], 4096).unwrap_err();
        }
    }
}
