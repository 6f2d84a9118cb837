//! The decisions that [`SweptBump`](crate::SweptBump) leaves open.

use super::classes::{EveryMultiple, Multiples, SizeClasses, UNIT};

/// A member of the swept half of the family: the decisions that [`SweptBump`](crate::SweptBump) leaves open. The defaults
/// of the constants are those of [`Swept`].
///
/// ```
/// use segregated_bump::policies::{Multiples, SweepAfter, SweptPolicies};
/// use segregated_bump::{SweptBump, page_source::Region};
/// use core::{alloc::Layout, mem::MaybeUninit};
///
/// /// For a small heap: few bins, small windows, and a sweep before each growth.
/// struct Sparing;
///
/// impl SweptPolicies for Sparing {
///     type Small = Multiples<32>;
///     const WINDOW_BYTES: usize = 1024;
///     const SWEEPS: SweepAfter = SweepAfter::Growth;
/// }
///
/// let ram = Box::leak(Box::new([MaybeUninit::uninit(); 8192]));
/// let mut allocator: SweptBump<Region, Sparing> = SweptBump::new(Region::new(ram));
/// assert!(!allocator.alloc(Layout::new::<[u8; 3000]>()).is_null());
/// ```
pub trait SweptPolicies {
    /// The sizes of small blocks: all multiples of 16 bytes up to a largest one.
    ///
    /// Larger blocks are whole lines of 64 bytes, and are joined when they are freed. More bins take fewer steps and
    /// wait longer to be joined. At least 7, and at most 2 KiB in all, as many small blocks fit into a window.
    type Small: EveryMultiple;

    /// Bytes of a window, which a bump pointer cuts into small blocks: a multiple of 64, at least the largest small
    /// block, and at most 1 MiB.
    ///
    /// Smaller windows fit into smaller gaps, and are opened more often.
    const WINDOW_BYTES: usize = 8192;

    /// How long a sweep waits.
    const SWEEPS: SweepAfter = SweepAfter::Part(2);
}

/// When the free small blocks are joined: before the heap grows, if enough windows were opened since the last time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweepAfter {
    /// Before each growth: the smallest heap, and time in proportion to the heap for each page.
    Growth,
    /// After windows of this part of the bytes of small blocks: 1 for as many, 2 for half. A smaller part sweeps more
    /// often. Not 0.
    Part(usize),
}

/// The flagship: 72 bins, windows of 8 KiB, and a sweep after windows of half of the small blocks. All blocks and pages of
/// Heaprace's contender `swept-bump` are those of this member.
#[derive(Clone, Copy, Debug)]
pub struct Swept;

impl SweptPolicies for Swept {
    type Small = Multiples<72>;
}

/// The decisions as [`SweptBump`](crate::SweptBump) asks for them: see [`Decisions`](super::Decisions).
///
/// # Safety
///
/// As for [`Decisions`](super::Decisions), with the constants of [`SweptPolicies`].
pub unsafe trait SweptDecisions {
    /// As [`SweptPolicies::Small`].
    type Small: EveryMultiple;

    /// Does not compile if the decisions contradict each other.
    const AGREE: ();

    /// As [`SweptPolicies::WINDOW_BYTES`].
    fn window_bytes() -> usize;

    /// As [`SweptPolicies::SWEEPS`].
    fn sweeps() -> SweepAfter;
}

// SAFETY: constants, which are checked where an allocator is made.
unsafe impl<P: SweptPolicies> SweptDecisions for P {
    type Small = P::Small;

    const AGREE: () = {
        // What is left of a line and cannot be a run is a small block of up to 112 bytes.
        assert!(P::Small::COUNT >= 7, "at least 7 bins");
        assert!(P::Small::COUNT <= 128, "small blocks of at most 2 KiB");
        assert!(P::WINDOW_BYTES % 64 == 0 && P::WINDOW_BYTES <= 1 << 20, "windows of whole lines");
        assert!(P::WINDOW_BYTES >= P::Small::COUNT * UNIT, "a window has room for the largest small block");
        assert!(!matches!(P::SWEEPS, SweepAfter::Part(0)), "a part of the small blocks");
    };

    #[inline(always)]
    fn window_bytes() -> usize {
        P::WINDOW_BYTES
    }

    #[inline(always)]
    fn sweeps() -> SweepAfter {
        P::SWEEPS
    }
}
