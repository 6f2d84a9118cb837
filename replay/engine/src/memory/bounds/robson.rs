//! Robson's bounds: the worst-case cost of fragmentation for a program of which only the most live bytes M and the
//! largest size n are known.
//!
//! - J. M. Robson, "An estimate of the store size necessary for dynamic storage allocation", Journal of the ACM 18(3),
//!   1971, pages 416–423.
//! - J. M. Robson, "Bounds for some functions concerning dynamic storage allocation", Journal of the ACM 21(3), 1974,
//!   pages 491–499.
//! - J. M. Robson, "Worst case fragmentation of first fit and best fit storage allocation strategies", The Computer
//!   Journal 20(3), 1977, pages 242–244.
//!
//! They concern allocators that cannot move a block and do not know the future. They say nothing about the trace
//! itself: the worst program with the same M and n is a different one, such as the trace of Robson's adversary (`replay
//! trace generate robson`). The clairvoyant placement and every good contender therefore stay far below. Alignments,
//! headers and whole pages are ignored.

/// The two sides of the worst case. Sizes are in bytes, and the smallest block is one byte. M is max R. n is the
/// largest requested size, unrounded, and need not be a power of two: each formula states how it handles other values.
///
/// ```
/// let robson = heaprace_engine::memory::bounds::Robson::of(1 << 20, 1 << 10);
/// assert_eq!(robson.forced_bytes, 6 * (1 << 20) - (1 << 10) + 1);
/// assert_eq!(robson.first_fit_bytes, 11 * (1 << 20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Robson {
    /// M·log2(p)/2 + M − p + 1, rounded down to whole bytes, where p is the largest power of two not above n: for every
    /// allocator there is a program with this M and n that makes it need this much. It is the exact worst case of the
    /// best allocator if all sizes are powers of two and p divides M (1971, 1974). Otherwise programs can force the
    /// best allocator to use more, but as n grows the worst case is still asymptotically M·log2(n)/2 (1974). For an n
    /// that is not a power of two, the figure is a lower bound: what programs can force that request only powers of two
    /// up to p.
    ///
    /// This is the figure known as Robson's bound, and the one to print.
    pub forced_bytes: u64,
    /// M·(1 + ⌈log2(n)⌉): first-fit by address never needs more, for any sizes (1977). It is therefore an upper bound
    /// of what the best allocator needs for its worst program. n itself is not rounded, but its logarithm is rounded up
    /// to a whole number.
    pub first_fit_bytes: u64,
}

impl Robson {
    /// The bounds for the most live bytes and the largest size, which is at most the former. Both are 0 if nothing is
    /// live.
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

    /// For sizes of 1 and 2, Robson's function is known for every M: ⌊(3·M − 1) / 2⌋ (Knuth, The Art of Computer
    /// Programming 1, 2.5, exercise 38).
    #[test]
    fn two_sizes_need_half_as_much_again() {
        for live in [2, 4, 16, 1000] {
            assert_eq!(Robson::of(live, 2).forced_bytes, (3 * live - 1) / 2);
        }
    }

    /// n = 1,000 is not a power of two: the one below it is 512, 2^9, and ⌈log2 1,000⌉ is 10.
    #[test]
    fn formulas_handle_sizes_that_are_not_powers_of_two() {
        let expected = Robson { forced_bytes: 2801 * 9 / 2 + 2801 - 512 + 1, first_fit_bytes: 2801 * 11 };
        assert_eq!((expected.forced_bytes, expected.first_fit_bytes), (14_894, 30_811), "14,894.5 rounded down");
        for size in [513, 1000, 1023] {
            assert_eq!(Robson::of(2801, size), expected);
        }
        // Powers of two need no rounding: log2 is 9 and 10 on both sides.
        assert_eq!(Robson::of(2801, 512), Robson { first_fit_bytes: 2801 * 10, ..expected });
        assert_eq!(Robson::of(2801, 1024), Robson { forced_bytes: 2801 * 5 + 2801 - 1024 + 1, ..expected });
        assert_eq!(Robson::of(2801, 1025).first_fit_bytes, 2801 * 12);
    }

    /// Blocks in a small memory: start and size, by address.
    type Blocks = Vec<(u64, u64)>;

    /// All layouts of blocks of these sizes, with at most `live` bytes in total, in the memory from `start` on.
    fn layouts(start: u64, memory: u64, live: u64, sizes: &[u64]) -> Vec<Blocks> {
        if start == memory {
            return vec![Blocks::new()];
        }
        let mut found = layouts(start + 1, memory, live, sizes);
        for &size in sizes.iter().filter(|&&size| start + size <= memory && size <= live) {
            let rest = layouts(start + size, memory, live - size, sizes);
            found.extend(rest.into_iter().map(|mut blocks| {
                blocks.insert(0, (start, size));
                blocks
            }));
        }
        found
    }

    /// Whether a perfect allocator serves every program with at most `live` bytes in blocks of these sizes. A layout is
    /// lost if the program can free or request a block so that only lost layouts follow; layouts that remain at the end
    /// are won.
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
                let mut requests = sizes.iter().filter(|&&size| in_use + size <= live);
                (0..blocks.len()).all(|index| won.contains(&without(index)))
                    && requests.all(|&size| (0..memory).any(|start| won.contains(&with(start, size))))
            };
            let lost: Vec<Blocks> = won.iter().filter(|blocks| !holds(blocks)).cloned().collect();
            if lost.is_empty() {
                return won.contains(&Blocks::new());
            }
            lost.iter().for_each(|blocks| assert!(won.remove(blocks)));
        }
    }

    /// The memory that the best allocator needs for the worst program.
    fn needed(live: u64, sizes: &[u64]) -> u64 {
        (live..).find(|&memory| suffices(memory, live, sizes)).unwrap()
    }

    #[test]
    fn the_game_between_program_and_allocator_confirms_the_bounds() {
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
        assert!(more_with_other_sizes > 0, "other sizes can be worse than powers of two");
    }

    #[test]
    fn both_bounds_rise_with_the_size_and_stay_ordered() {
        let bounds: Vec<Robson> = (1..=4096).map(|size| Robson::of(4096, size)).collect();
        assert!(bounds.is_sorted_by_key(|bound| (bound.forced_bytes, bound.first_fit_bytes)));
        assert!(bounds.iter().all(|bound| (4096..=bound.first_fit_bytes).contains(&bound.forced_bytes)));
        assert_eq!((Robson::of(4096, 5), Robson::of(4096, 8).first_fit_bytes), (Robson::of(4096, 6), 4 * 4096));
        assert_eq!(Robson::of(u64::MAX, 1 << 32).forced_bytes, u64::MAX);
    }
}
