//! What the shadow writes into blocks, and which bytes of them.

use core::ops::Range;

/// Maximum size of a block whose contents are checked to the byte.
pub const WHOLE_BYTES: usize = 16 << 20;

/// Length of the first and the last part of a larger block: an allocator's own data, and the bytes that a realloc loses,
/// are at the ends.
pub(super) const END_BYTES: usize = 4 << 10;

/// Distance between the parts in between, and their length.
pub(super) const PART_DISTANCE_BYTES: usize = 64 << 10;
const PART_BYTES: usize = 64;

/// The parts of a block of this size that are filled and checked, in order: all of it up to [`WHOLE_BYTES`]; else its
/// ends, and 64 bytes every 64 KiB. Each begins at a multiple of 8.
pub fn parts(bytes: usize) -> impl Iterator<Item = Range<usize>> {
    let is_whole = bytes <= WHOLE_BYTES;
    let first = 0..if is_whole { bytes } else { END_BYTES };
    let last = (bytes.saturating_sub(END_BYTES) & !7)..bytes;
    let between = (PART_DISTANCE_BYTES..if is_whole { 0 } else { last.start - PART_BYTES })
        .step_by(PART_DISTANCE_BYTES)
        .map(|start| start..start + PART_BYTES);
    core::iter::once(first).chain(between).chain((!is_whole).then_some(last))
}

/// The last bytes of a block of this size.
pub(super) fn kept_end(bytes: usize) -> Range<usize> {
    (bytes.saturating_sub(END_BYTES) & !7)..bytes
}

/// Bytes that differ from block to block, and from word to word within a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pattern(u64);

impl Pattern {
    /// The pattern of this number.
    pub(super) fn number(number: u64) -> Self {
        Pattern(number)
    }

    fn word(self, index: usize) -> u64 {
        // Odd multipliers keep different (block, index) pairs apart; the upper half of the product is better mixed.
        let mixed = (self.0.wrapping_mul(0xd134_2543_de82_ef95) ^ index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed.swap_bytes()
    }

    /// Fills these parts of a block. Each begins at a multiple of 8.
    ///
    /// # Safety
    ///
    /// The bytes are writable.
    pub(super) unsafe fn fill(self, block: *mut u8, parts: impl Iterator<Item = Range<usize>>) {
        for part in parts {
            for start in part.clone().step_by(8) {
                let word = self.word(start / 8).to_le_bytes();
                // SAFETY: nothing after the part's end is written.
                unsafe { block.add(start).copy_from_nonoverlapping(word.as_ptr(), 8.min(part.end - start)) };
            }
        }
    }

    /// The first byte in these parts that differs. Each begins at a multiple of 8.
    ///
    /// # Safety
    ///
    /// The bytes are readable.
    pub(super) unsafe fn first_difference(
        self,
        block: *mut u8,
        parts: impl Iterator<Item = Range<usize>>,
    ) -> Option<usize> {
        let mut words = parts.flat_map(|part| part.clone().step_by(8).map(move |start| (start, part.end)));
        words.find_map(|(start, end)| {
            let expected = self.word(start / 8).to_le_bytes();
            let mut found = expected;
            // SAFETY: nothing after the part's end is read.
            unsafe { block.add(start).copy_to_nonoverlapping(found.as_mut_ptr(), 8.min(end - start)) };
            (found != expected).then(|| start + (0..8).find(|&byte| found[byte] != expected[byte]).unwrap_or(0))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_huge_block_are_its_ends_and_some_of_what_is_between() {
        for bytes in [1, 8, WHOLE_BYTES - 1, WHOLE_BYTES] {
            assert!(parts(bytes).eq(core::iter::once(0..bytes)));
        }
        for bytes in [WHOLE_BYTES + 1, WHOLE_BYTES + PART_DISTANCE_BYTES + 9, 3 << 30] {
            let parts: Vec<_> = parts(bytes).collect();
            assert_eq!((parts[0].clone(), parts.last().unwrap().end), (0..END_BYTES, bytes));
            assert!(parts.windows(2).all(|pair| pair[0].end <= pair[1].start), "{bytes}");
            assert!(parts.windows(2).all(|pair| pair[1].start - pair[0].start <= 2 * PART_DISTANCE_BYTES), "{bytes}");
            assert!(parts.iter().all(|part| part.start % 8 == 0 && !part.is_empty()), "{bytes}");
            assert!(parts.iter().map(Range::len).sum::<usize>() < bytes / 500, "{bytes}");
        }
    }
}
