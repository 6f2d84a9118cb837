//! A section of a block: one column of bytes, compressed with zstd where that makes it smaller.

use std::io;

use heaprace_recorder::htrace::{Compress, MOST_BLOCK_EVENTS};
use zstd::bulk::{Compressor, Decompressor};

use super::missing::Damage;

/// How hard zstd works. Harder levels gain a few percent and take several times as long.
const LEVEL: i32 = 9;

/// Compresses sections with zstd.
pub struct Zstd(Compressor<'static>);

impl Compress for Zstd {
    const BLOCK_EVENTS: usize = MOST_BLOCK_EVENTS;

    fn new() -> io::Result<Self> {
        Compressor::new(LEVEL).map(Zstd)
    }

    fn compress(&mut self, bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
        self.0.compress(bytes).map(Some)
    }
}

/// Takes a section of at most `most_bytes` off the payload and replaces the bytes of `into` by it.
pub(super) fn pop(
    payload: &mut &[u8],
    most_bytes: usize,
    into: &mut Vec<u8>,
    zstd: &mut Decompressor<'_>,
) -> Result<(), Damage> {
    const CUT: Damage = "a section is longer than its block";
    let (length, rest) = payload.split_first_chunk().ok_or(CUT)?;
    let (stored_length, rest) = rest.split_first_chunk().ok_or(CUT)?;
    let (length, stored_length) = (u32::from_le_bytes(*length) as usize, u32::from_le_bytes(*stored_length) as usize);
    let (stored, rest) = rest.split_at_checked(stored_length).ok_or(CUT)?;
    *payload = rest;
    if length > most_bytes || stored_length > length {
        return Err("a section is longer than a block can need");
    }
    into.clear();
    if stored_length == length {
        into.extend_from_slice(stored);
    } else {
        into.reserve(length);
        zstd.decompress_to_buffer(stored, into).map_err(|_| "a section cannot be decompressed")?;
    }
    if into.len() == length { Ok(()) } else { Err("a section has another length than it says") }
}

#[cfg(test)]
mod tests {
    use heaprace_recorder::htrace::block::push_section;

    use super::*;

    fn pushed(bytes: &[u8]) -> Vec<u8> {
        let mut payload = Vec::new();
        let mut zstd = Zstd::new().unwrap();
        push_section(&mut payload, bytes, &mut |section| zstd.compress(section)).unwrap();
        payload
    }

    fn popped(mut payload: &[u8], most_bytes: usize) -> Result<Vec<u8>, Damage> {
        let mut bytes = vec![1, 2, 3];
        pop(&mut payload, most_bytes, &mut bytes, &mut Decompressor::new().unwrap())?;
        assert!(payload.is_empty());
        Ok(bytes)
    }

    #[test]
    fn sections_come_back() {
        for bytes in [vec![], vec![7], vec![0; 10_000], (0..=255).collect()] {
            assert_eq!(popped(&pushed(&bytes), bytes.len()), Ok(bytes));
        }
        assert!(pushed(&[0; 10_000]).len() < 100);
    }

    #[test]
    fn false_lengths_are_noticed() {
        let good = pushed(&[0; 1000]);
        assert!(popped(&good, 999).is_err());
        for (place, byte) in [(0, 1), (1, 0), (4, 1), (7, 0xff), (12, 0xff)] {
            let mut bad = good.clone();
            bad[place] = byte;
            popped(&bad, 1000).unwrap_err();
        }
        for length in 0..good.len() {
            popped(&good[..length], 1000).unwrap_err();
        }
    }
}
