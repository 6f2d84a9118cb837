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

/// The two sides of the worst case. The unit of a block is a byte.
///
/// ```
/// let robson = replay::bounds::Robson::of(1 << 20, 1 << 10);
/// assert_eq!(robson.forced_bytes, 6 * (1 << 20) - (1 << 10) + 1);
/// assert_eq!(robson.first_fit_bytes, 11 * (1 << 20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Robson {
    /// M·log2(n)/2 + M − n + 1, with n rounded down to a power of two: whatever an allocator does, there is a program with this M and n for
    /// which it needs as much. It is the exact worst case of the best allocator where all sizes are powers of two (1971, 1974). Where they
    /// are not, the best allocator can be forced to more, but also only to M·log2(n)/2 as n grows (1974).
    ///
    /// This is the figure that is known as Robson's, and the one to print.
    pub forced_bytes: u64,
    /// M·(1 + ⌈log2(n)⌉): first-fit by address never needs more, whatever the sizes are (1977). So it is an upper bound of what the best
    /// allocator needs for its worst program.
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

    #[test]
    fn both_sides_rise_with_the_size_and_one_stays_above_the_other() {
        let bounds: Vec<Robson> = (1..=4096).map(|size| Robson::of(4096, size)).collect();
        assert!(bounds.is_sorted_by_key(|bound| (bound.forced_bytes, bound.first_fit_bytes)));
        assert!(bounds.iter().all(|bound| (4096..=bound.first_fit_bytes).contains(&bound.forced_bytes)));
        assert_eq!((Robson::of(4096, 5), Robson::of(4096, 8).first_fit_bytes), (Robson::of(4096, 6), 4 * 4096));
        assert_eq!(Robson::of(u64::MAX, 1 << 32).forced_bytes, u64::MAX);
    }
}
