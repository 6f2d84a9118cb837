//! The decisions of a member as the allocator asks for them.

use super::Policies;
use super::classes::{SizeClasses, UNIT};
use super::growth_step::GrowthStep;
use super::large_frees::LargeFrees;

/// The decisions of a member of the family, as [`SegregatedBump`](crate::SegregatedBump) asks for them.
///
/// Every type that has [`Policies`] has them, as constants: a member that ships needs nothing here. A search through the
/// family, which tries many members on one trace, has one type that answers differently for each of them.
///
/// # Safety
///
/// The answers are as the constants of [`Policies`] may be, and [`AGREE`](Self::AGREE) says so of them or they were
/// checked before; and none changes while there is an allocator that asks.
pub unsafe trait Decisions {
    /// As [`Policies::Classes`].
    type Classes: SizeClasses;

    /// As [`Policies::LargeFrees`].
    type LargeFrees: LargeFrees;

    /// Does not compile if the decisions contradict each other.
    const AGREE: ();

    /// As [`Policies::LARGE_STEP`].
    fn large_step() -> usize;

    /// As [`Policies::BINS_TAKE_ALIGNED`].
    fn bins_take_aligned() -> bool;

    /// As [`Policies::REFILL_BLOCKS`].
    fn refill_blocks() -> usize;

    /// As [`Policies::SPLITS`].
    fn splits() -> bool;

    /// As [`Policies::TOP_TAKES_FREES`].
    fn top_takes_frees() -> bool;

    /// As [`Policies::TOP_TAKES_SHRINKS`].
    fn top_takes_shrinks() -> bool;

    /// As [`Policies::SMALL_SHRINKS_MOVE`].
    fn small_shrinks_move() -> bool;

    /// As [`Policies::REALLOC_IN_PLACE`].
    fn realloc_in_place() -> bool;

    /// As [`Policies::GROWTH`].
    fn growth() -> GrowthStep;
}

// SAFETY: constants, which are checked where an allocator is made.
unsafe impl<P: Policies> Decisions for P {
    type Classes = P::Classes;
    type LargeFrees = P::LargeFrees;

    const AGREE: () = {
        assert!(P::LARGE_STEP.is_power_of_two() && P::LARGE_STEP <= 65_536, "a step of large blocks");
        assert!(P::LARGE_STEP >= UNIT || !P::LargeFrees::KEEPS, "large blocks that are kept are multiples of 16");
        assert!(P::REFILL_BLOCKS > 0, "a bin gets one block at least");
    };

    #[inline(always)]
    fn large_step() -> usize {
        P::LARGE_STEP
    }

    #[inline(always)]
    fn bins_take_aligned() -> bool {
        P::BINS_TAKE_ALIGNED
    }

    #[inline(always)]
    fn refill_blocks() -> usize {
        P::REFILL_BLOCKS
    }

    #[inline(always)]
    fn splits() -> bool {
        P::SPLITS
    }

    #[inline(always)]
    fn top_takes_frees() -> bool {
        P::TOP_TAKES_FREES
    }

    #[inline(always)]
    fn top_takes_shrinks() -> bool {
        P::TOP_TAKES_SHRINKS
    }

    #[inline(always)]
    fn small_shrinks_move() -> bool {
        P::SMALL_SHRINKS_MOVE
    }

    #[inline(always)]
    fn realloc_in_place() -> bool {
        P::REALLOC_IN_PLACE
    }

    #[inline(always)]
    fn growth() -> GrowthStep {
        P::GROWTH
    }
}
