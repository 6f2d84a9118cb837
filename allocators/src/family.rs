//! Our own family of allocators, decided while the program runs: for a search through its members, and for trying one of
//! them without compiling it.
//!
//! A [`Design`] is a member of the family as a value. The code that makes its decisions is that of the crate
//! segregated-bump, so its blocks lie where those of the compiled member lie, byte by byte; only the time of a request is
//! not the same, since each decision is looked up. The contender [`custom`](crate::contenders::custom) is the design that
//! the environment's variable [`VARIABLE`] describes. [`Search`] runs many designs side by side.
//!
//! ```
//! use heaprace_allocators::family::Design;
//!
//! let design: Design = "swept-bump:bins=32,window=1024,sweeps=growth".parse()?;
//! assert_eq!(design.to_string(), "swept-bump:bins=32,window=1024,sweeps=growth");
//! assert_eq!("swept-bump".parse(), Ok(Design::FLAGSHIP));
//! assert!("swept-bump:bins=3".parse::<Design>().is_err());
//! # Ok::<(), heaprace_allocators::family::DesignError>(())
//! ```

mod answers;
mod looked_up;
mod rust;
mod search;
mod text;

pub use segregated_bump::Allocator;
pub use segregated_bump::policies::{GrowthStep, SweepAfter};

pub(crate) use looked_up::LookedUp;
pub use looked_up::served;
pub use search::{Search, Tried, TryError, Use};
pub use text::DesignError;

/// The variable of the environment that describes the design of the contender `custom`.
pub const VARIABLE: &str = "HEAPRACE_MEMBER";

/// The most bins that a design has.
pub const MOST_BINS: usize = 128;

/// A member of the family, as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Design {
    /// Of [`SegregatedBump`](segregated_bump::SegregatedBump).
    Segregated(SegregatedDesign),
    /// Of [`SweptBump`](segregated_bump::SweptBump).
    Swept(SweptDesign),
}

/// The decisions of [`SegregatedBump`](segregated_bump::SegregatedBump): what each means, say the constants of
/// [`Policies`](segregated_bump::policies::Policies).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the constants of `Policies`")]
pub struct SegregatedDesign {
    /// The size classes.
    pub classes: Spacing,
    /// Whether large blocks that are freed are kept in lists by size. If not, they are discarded.
    pub keeps_large: bool,
    pub large_step: usize,
    pub bins_take_aligned: bool,
    pub refill_blocks: usize,
    pub splits: bool,
    pub top_takes_frees: bool,
    pub top_takes_shrinks: bool,
    pub small_shrinks_move: bool,
    pub realloc_in_place: bool,
    pub growth: GrowthStep,
}

/// Number and spacing of size classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// This number of powers of two from 16 bytes on.
    PowersOfTwo(usize),
    /// This number of multiples of 16 bytes.
    Multiples(usize),
    /// This number of classes, four for each doubling.
    FourSteps(usize),
}

/// The decisions of [`SweptBump`](segregated_bump::SweptBump): what each means, say the constants of
/// [`SweptPolicies`](segregated_bump::policies::SweptPolicies).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the constants of `SweptPolicies`")]
pub struct SweptDesign {
    /// Bins of small blocks: all multiples of 16 bytes.
    pub bins: usize,
    pub window_bytes: usize,
    pub sweeps: SweepAfter,
}

impl SegregatedDesign {
    /// The classic: `segregated-bump`.
    pub const CLASSIC: Self = SegregatedDesign {
        classes: Spacing::PowersOfTwo(4),
        keeps_large: false,
        large_step: 16,
        bins_take_aligned: false,
        refill_blocks: 1,
        splits: false,
        top_takes_frees: false,
        top_takes_shrinks: true,
        small_shrinks_move: true,
        realloc_in_place: true,
        growth: GrowthStep::Needed,
    };

    /// The decisions that are yes or no: the key of each in a text, its constant in Rust, its value, and the classic's.
    fn switches(&self) -> [(&'static str, &'static str, bool, bool); 6] {
        let classic = Self::CLASSIC;
        [
            ("aligned", "BINS_TAKE_ALIGNED", self.bins_take_aligned, classic.bins_take_aligned),
            ("splits", "SPLITS", self.splits, classic.splits),
            ("frees", "TOP_TAKES_FREES", self.top_takes_frees, classic.top_takes_frees),
            ("shrinks", "TOP_TAKES_SHRINKS", self.top_takes_shrinks, classic.top_takes_shrinks),
            ("moves", "SMALL_SHRINKS_MOVE", self.small_shrinks_move, classic.small_shrinks_move),
            ("in-place", "REALLOC_IN_PLACE", self.realloc_in_place, classic.realloc_in_place),
        ]
    }
}

impl SweptDesign {
    /// The flagship: `swept-bump`.
    pub const FLAGSHIP: Self = SweptDesign { bins: 72, window_bytes: 8192, sweeps: SweepAfter::Part(2) };
}

impl Design {
    /// The flagship: `swept-bump`.
    pub const FLAGSHIP: Self = Design::Swept(SweptDesign::FLAGSHIP);

    /// Checks what the types of a compiled member check when they compile.
    ///
    /// # Errors
    ///
    /// What is not possible, and what would be.
    pub fn check(&self) -> Result<(), DesignError> {
        let within = |key, value: usize, least: usize, most: usize| match value {
            _ if (least..=most).contains(&value) => Ok(()),
            _ => Err(DesignError::OutOfRange { key, value, least, most }),
        };
        match self {
            Design::Segregated(design) => {
                let (count, most) = match design.classes {
                    Spacing::PowersOfTwo(count) => (count, 27),
                    Spacing::Multiples(count) => (count, MOST_BINS),
                    Spacing::FourSteps(count) => (count, 100),
                };
                within("classes", count, 1, most)?;
                within("step", design.large_step, if design.keeps_large { 16 } else { 1 }, 65_536)?;
                if !design.large_step.is_power_of_two() {
                    return Err(DesignError::NoPowerOfTwo { key: "step", value: design.large_step });
                }
                within("refill", design.refill_blocks, 1, 65_536)?;
                match design.growth {
                    GrowthStep::Needed => Ok(()),
                    GrowthStep::MultipleOf(bytes) => within("growth", bytes, 1, 1 << 30),
                    GrowthStep::Share(part) => within("growth", part, 1, 1 << 20),
                }
            }
            Design::Swept(design) => {
                within("bins", design.bins, 7, MOST_BINS)?;
                within("window", design.window_bytes, design.bins * 16, 1 << 20)?;
                if !design.window_bytes.is_multiple_of(64) {
                    return Err(DesignError::NoLines { value: design.window_bytes });
                }
                match design.sweeps {
                    SweepAfter::Growth => Ok(()),
                    SweepAfter::Part(part) => within("sweeps", part, 1, 1 << 20),
                }
            }
        }
    }
}
