//! Robson's bounds: what fragmentation can cost at the worst, where of a program only the most live bytes M and the largest size n are known.
//!
//! - J. M. Robson, "An estimate of the store size necessary for dynamic storage allocation", Journal of the ACM 18(3), 1971, pages 416–423.
//! - J. M. Robson, "Bounds for some functions concerning dynamic storage allocation", Journal of the ACM 21(3), 1974, pages 491–499.
//! - J. M. Robson, "Worst case fragmentation of first fit and best fit storage allocation strategies", The Computer Journal 20(3), 1977,
//!   pages 242–244.
//!
//! They are about allocators that cannot move a block and do not know what comes. They say nothing about the trace itself: another program
//! with the same M and n is the worst one, and the trace of Robson's adversary (`replay trace generate robson`) is how it looks. So the
//! clairvoyant placement and every good contender stay far below. Alignments, headers and whole pages are left out.

/// The two sides of the worst case. Sizes count in bytes: the smallest block is one byte. M is max R. n is the largest size that is asked
/// for, as it stands, and need not be a power of two: each formula says what it makes of another n.
///
/// ```
/// let robson = heaprace::memory::bounds::Robson::of(1 << 20, 1 << 10);
/// assert_eq!(robson.forced_bytes, 6 * (1 << 20) - (1 << 10) + 1);
/// assert_eq!(robson.first_fit_bytes, 11 * (1 << 20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Robson {
    /// M·log2(p)/2 + M − p + 1, rounded down to whole bytes, with p the largest power of two that is not above n: whatever an allocator
    /// does, there is a program with this M and n for which it needs as much. It is the exact worst case of the best allocator where all
    /// sizes are powers of two and p divides M (1971, 1974). Where they are not, the best allocator can be forced to more, but also only to
    /// M·log2(n)/2 as n grows (1974). So for an n that is no power of two it is what programs force that ask for powers of two up to p: a
    /// lower bound.
    ///
    /// This is the figure that is known as Robson's, and the one to print.
    pub forced_bytes: u64,
    /// M·(1 + ⌈log2(n)⌉): first-fit by address never needs more, whatever the sizes are (1977). So it is an upper bound of what the best
    /// allocator needs for its worst program. n itself is not rounded, but its logarithm is, up to a whole number.
    pub first_fit_bytes: u64,
}

impl Robson {
    /// The bounds for the most live bytes and the largest size, which is not more than that. They are 0 where nothing is live.
    pub fn of(max_live_bytes: u64, max_size_bytes: u64) -> Self {
        let (Some(down), live) = (max_size_bytes.checked_ilog2(), u128::from(max_live_bytes)) else {
            return Robson { forced_bytes: 0, first_fit_bytes: 0 };
        };
        let up = down + u32::from(!max_size_bytes.is_power_of_two());
        let bytes = |bytes: u128| u64::try_from(bytes).unwrap_or(u64::MAX);
        Robson {
            forced_bytes: bytes((live * u128::from(down) / 2 + live + 1).saturating_sub(1 << down)),
            first_fit_bytes: bytes(live * u128::from(1 + up)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn blocks_of_one_size_do_not_fragment() {
        assert_eq!(Robson::of(1000, 1), Robson { forced_bytes: 1000, first_fit_bytes: 1000 });
        assert_eq!(Robson::of(0, 0), Robson { forced_bytes: 0, first_fit_bytes: 0 });
    }

    /// For sizes of 1 and 2, Robson's function is known for every M: ⌊(3·M − 1) / 2⌋ (Knuth, The Art of Computer Programming 1, 2.5,
    /// exercise 38).
    #[test]
    fn two_sizes_need_half_as_much_again() {
        for live in [2, 4, 16, 1000] {
            assert_eq!(Robson::of(live, 2).forced_bytes, (3 * live - 1) / 2);
        }
    }

    /// n = 1,000 is no power of two: below it is 512, 2^9, and ⌈log2 1,000⌉ is 10.
    #[test]
    fn each_formula_says_what_it_makes_of_a_size_that_is_no_power_of_two() {
        let expected = Robson { forced_bytes: 2801 * 9 / 2 + 2801 - 512 + 1, first_fit_bytes: 2801 * 11 };
        assert_eq!((expected.forced_bytes, expected.first_fit_bytes), (14_894, 30_811), "14,894.5 rounded down");
        for size in [513, 1000, 1023] {
            assert_eq!(Robson::of(2801, size), expected);
        }
        // Powers of two are what they are: log2 is 9 and 10 on both sides.
        assert_eq!(Robson::of(2801, 512), Robson { first_fit_bytes: 2801 * 10, ..expected });
        assert_eq!(Robson::of(2801, 1024), Robson { forced_bytes: 2801 * 5 + 2801 - 1024 + 1, ..expected });
        assert_eq!(Robson::of(2801, 1025).first_fit_bytes, 2801 * 12);
    }

    /// Blocks in a small memory: start and size, by address.
    type Blocks = Vec<(u64, u64)>;

    /// All ways in which blocks of these sizes, of at most `live` bytes in sum, can lie in the memory from `start` on.
    fn layouts(start: u64, memory: u64, live: u64, sizes: &[u64]) -> Vec<Blocks> {
        if start == memory {
            return vec![Blocks::new()];
        }
        let mut found = layouts(start + 1, memory, live, sizes);
        for &size in sizes.iter().filter(|&&size| start + size <= memory && size <= live) {
            let behind = layouts(start + size, memory, live - size, sizes);
            found.extend(behind.into_iter().map(|mut blocks| {
                blocks.insert(0, (start, size));
                blocks
            }));
        }
        found
    }

    /// Whether an allocator that makes no mistake serves every program with at most `live` bytes in blocks of these sizes. A layout is lost
    /// where the program can free a block, or ask for one, so that only lost layouts follow; what is left in the end is won.
    fn suffices(memory: u64, live: u64, sizes: &[u64]) -> bool {
        let mut won: HashSet<Blocks> = layouts(0, memory, live, sizes).into_iter().collect();
        loop {
            let holds = |blocks: &Blocks| {
                let without = |index: usize| [&blocks[..index], &blocks[index + 1..]].concat();
                let with = |start: u64, size: u64| {
                    let mut more = [&blocks[..], &[(start, size)]].concat();
                    more.sort_unstable();
                    more
                };
                let in_use: u64 = blocks.iter().map(|(_, size)| size).sum();
                let mut asked = sizes.iter().filter(|&&size| in_use + size <= live);
                (0..blocks.len()).all(|index| won.contains(&without(index)))
                    && asked.all(|&size| (0..memory).any(|start| won.contains(&with(start, size))))
            };
            let lost: Vec<Blocks> = won.iter().filter(|blocks| !holds(blocks)).cloned().collect();
            if lost.is_empty() {
                return won.contains(&Blocks::new());
            }
            lost.iter().for_each(|blocks| assert!(won.remove(blocks)));
        }
    }

    /// What the best allocator needs for the worst program.
    fn needed(live: u64, sizes: &[u64]) -> u64 {
        (live..).find(|&memory| suffices(memory, live, sizes)).unwrap()
    }

    #[test]
    fn the_game_between_program_and_allocator_ends_as_the_bounds_say() {
        let mut more_with_other_sizes = 0;
        for size in 1..=5_u64 {
            let powers: Vec<u64> = (0..=size.ilog2()).map(|log2| 1 << log2).collect();
            for live in size..=6 {
                let bounds = Robson::of(live, size);
                let (of_powers, of_all) = (needed(live, &powers), needed(live, &(1..=size).collect::<Vec<_>>()));
                let what = format!("{live} bytes live, up to {size}: {of_powers}, {of_all}, {bounds:?}");
                assert!(bounds.forced_bytes <= of_powers && of_powers <= of_all, "{what}");
                assert!(of_all <= bounds.first_fit_bytes, "{what}");
                assert!(of_powers == bounds.forced_bytes || !live.is_multiple_of(1 << size.ilog2()), "{what}");
                more_with_other_sizes += u64::from(of_all > of_powers);
            }
        }
        assert!(more_with_other_sizes > 0, "powers of two are the worst sizes only among themselves");
    }

    #[test]
    fn both_sides_rise_with_the_size_and_one_stays_above_the_other() {
        let bounds: Vec<Robson> = (1..=4096).map(|size| Robson::of(4096, size)).collect();
        assert!(bounds.is_sorted_by_key(|bound| (bound.forced_bytes, bound.first_fit_bytes)));
        assert!(bounds.iter().all(|bound| (4096..=bound.first_fit_bytes).contains(&bound.forced_bytes)));
        assert_eq!((Robson::of(4096, 5), Robson::of(4096, 8).first_fit_bytes), (Robson::of(4096, 6), 4 * 4096));
        assert_eq!(Robson::of(u64::MAX, 1 << 32).forced_bytes, u64::MAX);
    }
}
