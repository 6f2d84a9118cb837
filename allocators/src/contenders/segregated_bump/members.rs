//! The members of the segregated bump family that are compared: the classic, and ablations. Each of those is the classic
//! with one decision switched, but for the published design and the last one, which differ in several.
//!
//! Names end with the decision: `segregated-bump-keep` keeps what a shrink frees. The parameters, where a decision has
//! some, are those that allocators with that decision commonly have.

use segregated_bump::policies::{
    Classic, Discarded, FourSteps, GrowthStep, ListsBySize, Multiples, Policies, PowersOfTwo,
};

use crate::heap_allocator::{Group, Purpose};

pub use segregated_bump::policies::{Moving, Published};

/// A member of the family that is compared: its name and its role.
pub trait Member: Policies {
    /// Name on the command line.
    const NAME: &'static str;

    /// What it is, in a line.
    const SUMMARY: &'static str;

    /// Its role. All but the classic are ablations.
    const PURPOSE: Purpose = Purpose::Ablation;

    /// The groups that it belongs to.
    const GROUPS: &'static [Group] = &[Group::Ablations];
}

impl Member for Classic {
    const NAME: &'static str = "segregated-bump";
    const SUMMARY: &'static str = "four bins of 16, 32, 64 and 128 bytes and a bump pointer; ours";
    const PURPOSE: Purpose = Purpose::Contender;
    const GROUPS: &'static [Group] = &[Group::Default, Group::Embedded, Group::Wasm];
}

impl Member for Moving {
    const NAME: &'static str = "segregated-bump-mv";
    const SUMMARY: &'static str = "segregated-bump with its in-place realloc switched off: every realloc moves";
}

impl Member for Published {
    const NAME: &'static str = "segregated-bump-pub";
    const SUMMARY: &'static str = "segregated-bump with the three decisions of the published design";
}

/// Types of members, each with its name, its summary, its classes, what happens to its large blocks, and the constants
/// in which it differs from the classic.
macro_rules! members {
    ($($member:ident, $name:literal, $summary:literal, $classes:ty, $large:ty { $($constants:tt)* })+) => {
        $(
            #[doc = concat!("`", $name, "`: ", $summary, ".")]
            #[derive(Clone, Copy, Debug)]
            pub struct $member;

            impl Policies for $member {
                type Classes = $classes;
                type LargeFrees = $large;
                $($constants)*
            }

            impl Member for $member {
                const NAME: &'static str = $name;
                const SUMMARY: &'static str = $summary;
            }
        )+
    };
}

members! {
    By16, "segregated-bump-by16",
    "segregated-bump with bins for all multiples of 16 bytes up to 128",
    Multiples<8>, Discarded {}

    To32K, "segregated-bump-32k",
    "segregated-bump with bins for all powers of two up to 32 KiB",
    PowersOfTwo<12>, Discarded {}

    Lists, "segregated-bump-lists",
    "segregated-bump that uses large blocks again, from lists by size",
    PowersOfTwo<4>, ListsBySize {}

    Pages, "segregated-bump-4k",
    "segregated-bump that rounds large blocks up to 4 KiB",
    PowersOfTwo<4>, Discarded { const LARGE_STEP: usize = 4096; }

    Aligned, "segregated-bump-align",
    "segregated-bump that puts blocks with an alignment above 16 into its bins",
    PowersOfTwo<4>, Discarded { const BINS_TAKE_ALIGNED: bool = true; }

    Run, "segregated-bump-run",
    "segregated-bump that fills an empty bin with 16 blocks at a time",
    PowersOfTwo<4>, Discarded { const REFILL_BLOCKS: usize = 16; }

    Split, "segregated-bump-split",
    "segregated-bump that splits a free block of a higher class if a bin is empty",
    PowersOfTwo<4>, Discarded { const SPLITS: bool = true; }

    Top, "segregated-bump-top",
    "segregated-bump that takes back the last block when it is freed",
    PowersOfTwo<4>, Discarded { const TOP_TAKES_FREES: bool = true; }

    Keep, "segregated-bump-keep",
    "segregated-bump that keeps what a last block frees when it shrinks",
    PowersOfTwo<4>, Discarded { const TOP_TAKES_SHRINKS: bool = false; }

    Stay, "segregated-bump-stay",
    "segregated-bump whose small blocks stay in place when they shrink to a lower class",
    PowersOfTwo<4>, Discarded { const SMALL_SHRINKS_MOVE: bool = false; }

    Eighth, "segregated-bump-eighth",
    "segregated-bump whose heap grows by an eighth at least",
    PowersOfTwo<4>, Discarded { const GROWTH: GrowthStep = GrowthStep::Share(8); }

    Fit, "segregated-bump-fit",
    "segregated-bump with four bins a doubling up to 32 KiB, lists of large blocks, splitting, and a top that takes frees",
    FourSteps<40>, ListsBySize {
        const SPLITS: bool = true;
        const TOP_TAKES_FREES: bool = true;
    }
}
