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
pub(super) struct Pattern {
    /// The first word. Each word differs from the one before it by [`STEP`].
    first: u64,
}

/// The golden ratio: all bytes of a word change from word to word, and an odd number leads through all 2^64 values.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Bytes of a word.
const WORD: usize = 8;

impl Pattern {
    /// The pattern of this number.
    pub(super) fn number(number: u64) -> Self {
        // First words far apart (the finalizer of SplitMix64): no block has the words of another one, nor of its own at
        // another position.
        let mut mixed = number.wrapping_mul(STEP);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        Pattern { first: mixed ^ mixed >> 31 }
    }

    fn word(self, index: usize) -> u64 {
        self.first.wrapping_add(STEP.wrapping_mul(index as u64))
    }

    fn byte(self, index: usize) -> u8 {
        self.word(index / WORD).to_le_bytes()[index % WORD]
    }

    /// The word that ends at this byte, which is not the end of a word of the pattern: the end of one and the beginning
    /// of the next.
    fn word_up_to(self, end: usize) -> u64 {
        let next = self.word(end / WORD);
        let rest_bits = 8 * (end % WORD) as u32;
        next.wrapping_sub(STEP) >> rest_bits | next << (64 - rest_bits)
    }

    /// Fills these parts of a block. Each begins at a multiple of 8.
    ///
    /// # Safety
    ///
    /// The bytes are writable.
    #[inline]
    pub(super) unsafe fn fill(self, block: *mut u8, parts: impl Iterator<Item = Range<usize>>) {
        // SAFETY: upheld by the caller.
        parts.for_each(|part| unsafe { self.fill_part(block, part) });
    }

    /// # Safety
    ///
    /// The bytes are writable.
    #[inline]
    unsafe fn fill_part(self, block: *mut u8, Range { start, end }: Range<usize>) {
        // SAFETY: every byte is before the part's end, and not before its start.
        unsafe {
            let mut word = self.word(start / WORD);
            for at in (start..end & !(WORD - 1)).step_by(WORD) {
                block.add(at).cast::<u64>().write_unaligned(word.to_le());
                word = word.wrapping_add(STEP);
            }
            if end - start < WORD {
                (start..end).for_each(|at| block.add(at).write(self.byte(at)));
            } else if end % WORD > 0 {
                block.add(end - WORD).cast::<u64>().write_unaligned(self.word_up_to(end).to_le());
            }
        }
    }

    /// The first byte in these parts that differs. Each begins at a multiple of 8.
    ///
    /// # Safety
    ///
    /// The bytes are readable.
    #[inline]
    pub(super) unsafe fn first_difference(
        self,
        block: *mut u8,
        mut parts: impl Iterator<Item = Range<usize>>,
    ) -> Option<usize> {
        // SAFETY: upheld by the caller.
        let part = parts.find(|part| unsafe { self.differs(block, part.clone()) })?;
        // SAFETY: as above.
        { part }.find(|&byte| unsafe { block.add(byte).read() } != self.byte(byte))
    }

    /// Whether any byte of a part differs. There is no exit before the end, so that many words are compared at once.
    ///
    /// # Safety
    ///
    /// The bytes are readable.
    #[inline]
    unsafe fn differs(self, block: *mut u8, Range { start, end }: Range<usize>) -> bool {
        let mut difference = 0;
        // SAFETY: every byte is before the part's end, and not before its start.
        unsafe {
            let mut word = self.word(start / WORD);
            for at in (start..end & !(WORD - 1)).step_by(WORD) {
                difference |= u64::from_le(block.add(at).cast::<u64>().read_unaligned()) ^ word;
                word = word.wrapping_add(STEP);
            }
            if end - start < WORD {
                (start..end).for_each(|at| difference |= u64::from(block.add(at).read() ^ self.byte(at)));
            } else if end % WORD > 0 {
                let found = u64::from_le(block.add(end - WORD).cast::<u64>().read_unaligned());
                difference |= found ^ self.word_up_to(end);
            }
        }
        difference != 0
    }
}

/// The first byte in these parts of a block that is not 0.
///
/// # Safety
///
/// The bytes are readable.
pub(super) unsafe fn first_not_zero(block: *mut u8, mut parts: impl Iterator<Item = Range<usize>>) -> Option<usize> {
    // SAFETY: upheld by the caller.
    let byte = |at: usize| unsafe { block.add(at).read() };
    // Without an exit before the end, so that many bytes are compared at once.
    let part = parts.find(|part| part.clone().fold(0, |all, at| all | byte(at)) != 0)?;
    { part }.find(|&at| byte(at) != 0)
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

    #[test]
    fn zeros_another_block_and_the_same_block_moved_all_differ() {
        let bytes = 4096;
        let mut found = vec![0_u8; 2 * bytes];
        for number in 1..200 {
            let pattern = Pattern::number(number);
            // SAFETY: all of these bytes are in the vector.
            let mut check = |other: Option<Pattern>, moved: usize| unsafe {
                found.fill(0);
                let start = found.as_mut_ptr();
                if let Some(other) = other {
                    other.fill(start, core::iter::once(0..bytes + 64));
                }
                // Each word of its own, so that a difference of one does not hide the others.
                let words = (0..bytes / WORD).filter(|word| {
                    let part = word * WORD..(word + 1) * WORD;
                    pattern.first_difference(start.add(moved), core::iter::once(part)).is_none()
                });
                words.count()
            };
            assert_eq!(check(Some(pattern), 0), bytes / WORD);
            assert_eq!(check(None, 0), 0, "zeros");
            for moved in 1..64 {
                assert_eq!(check(Some(pattern), moved), 0, "moved by {moved}");
                assert_eq!(check(Some(Pattern::number(number + 1)), moved - 1), 0, "the next block");
            }
        }
    }

    #[test]
    fn a_block_of_any_size_is_filled_and_nothing_after_it() {
        for bytes in 1..200 {
            for start in 0..8 {
                let mut found = vec![0_u8; 256];
                let pattern = Pattern::number(7);
                // SAFETY: all of these bytes are in the vector.
                unsafe {
                    let block = found.as_mut_ptr().add(start);
                    pattern.fill(block, parts(bytes));
                    assert_eq!(pattern.first_difference(block, parts(bytes)), None);
                }
                let expected =
                    |at: usize| if (start..start + bytes).contains(&at) { pattern.byte(at - start) } else { 0 };
                assert!(found.iter().enumerate().all(|(at, &byte)| byte == expected(at)), "{bytes} from {start}");
            }
        }
    }
}
