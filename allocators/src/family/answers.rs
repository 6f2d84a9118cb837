//! Where the decisions of a design are looked up.
//!
//! There are two boards in a process, each with the answers of one design at a time: one for the contender `custom`, which
//! gets its design once, and one for a [`Search`](super::Search), which has it to itself.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use segregated_bump::Bin;
use segregated_bump::policies::{
    Decisions, EveryMultiple, FourSteps, GrowthStep, LargeFrees, ListsBySize, Multiples, PowersOfTwo, SizeClasses,
    SweepAfter, SweptDecisions,
};

use super::{Design, MOST_BINS, Spacing};

/// The answers of a design. They are written only while no allocator asks.
#[derive(Debug)]
pub(super) struct Board {
    /// 0 for powers of two, 1 for multiples, 2 for four steps.
    spacing: AtomicUsize,
    count: AtomicUsize,
    largest: AtomicUsize,
    keeps_large: AtomicBool,
    large_step: AtomicUsize,
    bins_take_aligned: AtomicBool,
    refill_blocks: AtomicUsize,
    splits: AtomicBool,
    top_takes_frees: AtomicBool,
    top_takes_shrinks: AtomicBool,
    small_shrinks_move: AtomicBool,
    realloc_in_place: AtomicBool,
    /// 0 for what is needed, 1 for a multiple, 2 for a share.
    growth: AtomicUsize,
    growth_amount: AtomicUsize,
    window_bytes: AtomicUsize,
    /// The part of the small blocks; 0 for each growth.
    sweeps: AtomicUsize,
}

/// The answers of `custom`, or if `SEARCHED` of the search.
pub(super) fn board(searched: bool) -> &'static Board {
    static SERVED: Board = Board::new();
    static SEARCHED: Board = Board::new();
    if searched { &SEARCHED } else { &SERVED }
}

impl Board {
    /// No answers yet.
    const fn new() -> Self {
        Board {
            spacing: AtomicUsize::new(0),
            count: AtomicUsize::new(0),
            largest: AtomicUsize::new(0),
            keeps_large: AtomicBool::new(false),
            large_step: AtomicUsize::new(0),
            bins_take_aligned: AtomicBool::new(false),
            refill_blocks: AtomicUsize::new(0),
            splits: AtomicBool::new(false),
            top_takes_frees: AtomicBool::new(false),
            top_takes_shrinks: AtomicBool::new(false),
            small_shrinks_move: AtomicBool::new(false),
            realloc_in_place: AtomicBool::new(false),
            growth: AtomicUsize::new(0),
            growth_amount: AtomicUsize::new(0),
            window_bytes: AtomicUsize::new(0),
            sweeps: AtomicUsize::new(0),
        }
    }

    /// Takes the answers of this design, which was [checked](Design::check).
    pub(super) fn answer(&self, design: &Design) {
        match *design {
            Design::Segregated(design) => {
                let (spacing, count, largest) = match design.classes {
                    Spacing::PowersOfTwo(count) => (0, count, PowersOfTwo::<27>::bytes_of(count - 1)),
                    Spacing::Multiples(count) => (1, count, Multiples::<MOST_BINS>::bytes_of(count - 1)),
                    Spacing::FourSteps(count) => (2, count, FourSteps::<100>::bytes_of(count - 1)),
                };
                self.spacing.store(spacing, Relaxed);
                self.count.store(count, Relaxed);
                self.largest.store(largest, Relaxed);
                self.keeps_large.store(design.keeps_large, Relaxed);
                self.large_step.store(design.large_step, Relaxed);
                self.bins_take_aligned.store(design.bins_take_aligned, Relaxed);
                self.refill_blocks.store(design.refill_blocks, Relaxed);
                self.splits.store(design.splits, Relaxed);
                self.top_takes_frees.store(design.top_takes_frees, Relaxed);
                self.top_takes_shrinks.store(design.top_takes_shrinks, Relaxed);
                self.small_shrinks_move.store(design.small_shrinks_move, Relaxed);
                self.realloc_in_place.store(design.realloc_in_place, Relaxed);
                let (growth, amount) = match design.growth {
                    GrowthStep::Needed => (0, 0),
                    GrowthStep::MultipleOf(bytes) => (1, bytes),
                    GrowthStep::Share(part) => (2, part),
                };
                self.growth.store(growth, Relaxed);
                self.growth_amount.store(amount, Relaxed);
            }
            Design::Swept(design) => {
                self.count.store(design.bins, Relaxed);
                self.window_bytes.store(design.window_bytes, Relaxed);
                let part = match design.sweeps {
                    SweepAfter::Growth => 0,
                    SweepAfter::Part(part) => part,
                };
                self.sweeps.store(part, Relaxed);
            }
        }
    }
}

/// The decisions that are on a board.
#[derive(Debug)]
pub(crate) struct Asked<const SEARCHED: bool>;

/// Its size classes.
#[derive(Debug)]
pub(crate) struct AskedClasses<const SEARCHED: bool>;

/// Its sizes of small blocks, for the swept bump.
#[derive(Debug)]
pub(crate) struct AskedSmall<const SEARCHED: bool>;

/// Its lists of large blocks, if it has any.
#[derive(Debug)]
pub(crate) struct AskedLarge<const SEARCHED: bool>(ListsBySize);

// SAFETY: the functions of the spacing do not depend on how many classes there are, and those of a design are as many as
// were checked, at most `MOST_BINS`. A board changes only while no allocator asks it.
unsafe impl<const SEARCHED: bool> SizeClasses for AskedClasses<SEARCHED> {
    type Bins = [Bin; MOST_BINS];
    const EMPTY: Self::Bins = [const { Bin::EMPTY }; MOST_BINS];
    const COUNT: usize = MOST_BINS;
    const LARGEST: usize = 1 << 30;

    #[inline]
    fn count() -> usize {
        board(SEARCHED).count.load(Relaxed)
    }

    #[inline]
    fn largest() -> usize {
        board(SEARCHED).largest.load(Relaxed)
    }

    #[inline]
    fn class_of(size: usize) -> usize {
        match board(SEARCHED).spacing.load(Relaxed) {
            0 => PowersOfTwo::<27>::class_of(size),
            1 => Multiples::<MOST_BINS>::class_of(size),
            _ => FourSteps::<100>::class_of(size),
        }
    }

    #[inline]
    fn bytes_of(class: usize) -> usize {
        match board(SEARCHED).spacing.load(Relaxed) {
            0 => PowersOfTwo::<27>::bytes_of(class),
            1 => Multiples::<MOST_BINS>::bytes_of(class),
            _ => FourSteps::<100>::bytes_of(class),
        }
    }
}

// SAFETY: the first ones of the multiples, as many as were checked. A board changes only while no allocator asks it.
unsafe impl<const SEARCHED: bool> SizeClasses for AskedSmall<SEARCHED> {
    type Bins = [Bin; MOST_BINS];
    const EMPTY: Self::Bins = [const { Bin::EMPTY }; MOST_BINS];
    const COUNT: usize = MOST_BINS;
    const LARGEST: usize = Multiples::<MOST_BINS>::LARGEST;

    #[inline]
    fn count() -> usize {
        board(SEARCHED).count.load(Relaxed)
    }

    #[inline]
    fn largest() -> usize {
        Self::bytes_of(Self::count() - 1)
    }

    #[inline]
    fn class_of(size: usize) -> usize {
        Multiples::<MOST_BINS>::class_of(size)
    }

    #[inline]
    fn bytes_of(class: usize) -> usize {
        Multiples::<MOST_BINS>::bytes_of(class)
    }
}

// SAFETY: as those of `Multiples`.
unsafe impl<const SEARCHED: bool> EveryMultiple for AskedSmall<SEARCHED> {}

// SAFETY: those of the lists, if they are asked at all.
unsafe impl<const SEARCHED: bool> LargeFrees for AskedLarge<SEARCHED> {
    const START: Self = AskedLarge(ListsBySize::START);
    const KEEPS: bool = true;

    #[inline]
    fn keeps() -> bool {
        board(SEARCHED).keeps_large.load(Relaxed)
    }

    unsafe fn put(&mut self, block: NonNull<u8>, bytes: usize) {
        // SAFETY: upheld by the caller.
        unsafe { self.0.put(block, bytes) };
    }

    fn take(&mut self, bytes: usize) -> Option<NonNull<[u8]>> {
        self.0.take(bytes)
    }

    fn bytes(&self) -> usize {
        self.0.bytes()
    }
}

// SAFETY: a design is checked before a board answers for it, and a board changes only while no allocator asks it.
unsafe impl<const SEARCHED: bool> Decisions for Asked<SEARCHED> {
    type Classes = AskedClasses<SEARCHED>;
    type LargeFrees = AskedLarge<SEARCHED>;

    const AGREE: () = ();

    #[inline]
    fn large_step() -> usize {
        board(SEARCHED).large_step.load(Relaxed)
    }

    #[inline]
    fn bins_take_aligned() -> bool {
        board(SEARCHED).bins_take_aligned.load(Relaxed)
    }

    #[inline]
    fn refill_blocks() -> usize {
        board(SEARCHED).refill_blocks.load(Relaxed)
    }

    #[inline]
    fn splits() -> bool {
        board(SEARCHED).splits.load(Relaxed)
    }

    #[inline]
    fn top_takes_frees() -> bool {
        board(SEARCHED).top_takes_frees.load(Relaxed)
    }

    #[inline]
    fn top_takes_shrinks() -> bool {
        board(SEARCHED).top_takes_shrinks.load(Relaxed)
    }

    #[inline]
    fn small_shrinks_move() -> bool {
        board(SEARCHED).small_shrinks_move.load(Relaxed)
    }

    #[inline]
    fn realloc_in_place() -> bool {
        board(SEARCHED).realloc_in_place.load(Relaxed)
    }

    #[inline]
    fn growth() -> GrowthStep {
        let board = board(SEARCHED);
        let amount = board.growth_amount.load(Relaxed);
        match board.growth.load(Relaxed) {
            0 => GrowthStep::Needed,
            1 => GrowthStep::MultipleOf(amount),
            _ => GrowthStep::Share(amount),
        }
    }
}

// SAFETY: as above.
unsafe impl<const SEARCHED: bool> SweptDecisions for Asked<SEARCHED> {
    type Small = AskedSmall<SEARCHED>;

    const AGREE: () = ();

    #[inline]
    fn window_bytes() -> usize {
        board(SEARCHED).window_bytes.load(Relaxed)
    }

    #[inline]
    fn sweeps() -> SweepAfter {
        match board(SEARCHED).sweeps.load(Relaxed) {
            0 => SweepAfter::Growth,
            part => SweepAfter::Part(part),
        }
    }
}
