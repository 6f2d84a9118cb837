//! The decisions that the [`SegregatedBump`](crate::SegregatedBump) family leaves open, one by one.
//!
//! A member of the family is a type that implements [`Policies`]: it names its size classes and what happens to large
//! blocks that are freed, and overrides the constants in which it differs from the [`Classic`]. What a member does not
//! use is not compiled, and takes no memory.
//!
//! ```
//! use segregated_bump::policies::{Discarded, Policies, PowersOfTwo};
//! use segregated_bump::{SegregatedBump, page_source::Region};
//! use core::{alloc::Layout, mem::MaybeUninit};
//!
//! /// Classes up to 4 KiB, and a last block that is freed makes room at once.
//! struct Mine;
//!
//! impl Policies for Mine {
//!     type Classes = PowersOfTwo<9>;
//!     type LargeFrees = Discarded;
//!     const TOP_TAKES_FREES: bool = true;
//! }
//!
//! let ram = Box::leak(Box::new([MaybeUninit::uninit(); 8192]));
//! let mut allocator: SegregatedBump<Region, Mine> = SegregatedBump::new(Region::new(ram));
//! let layout = Layout::new::<[u8; 3000]>();
//! let block = allocator.alloc(layout);
//! // SAFETY: the block is live, and this is its layout.
//! unsafe { allocator.dealloc(block, layout) };
//! assert_eq!(allocator.alloc(Layout::new::<u64>()), block);
//! ```

mod classes;
mod decisions;
mod growth_step;
mod large_frees;
mod swept;

pub(crate) use classes::UNIT;
pub use classes::{ClassTable, EveryMultiple, FourSteps, Multiples, PowersOfTwo, SizeClasses, Tabled};
pub use decisions::Decisions;
pub use growth_step::GrowthStep;
pub use large_frees::{Discarded, LargeFrees, ListsBySize};
pub use swept::{SweepAfter, Swept, SweptDecisions, SweptPolicies};

/// A member of the family. The defaults of the constants are those of the [`Classic`].
///
/// A block is **small** if it has a size class, and **large** otherwise. The **top** is the bump pointer; the block that
/// ends there is the last one.
pub trait Policies {
    /// The sizes of small blocks: how many, how far apart, and up to which size.
    ///
    /// Few classes make small code and a short list of bins, many waste less of each block. A larger largest class uses
    /// more blocks again where large ones are [`Discarded`].
    type Classes: SizeClasses;

    /// What happens to a large block that is freed.
    type LargeFrees: LargeFrees;

    /// Large blocks are rounded up to a multiple of this, in bytes: a power of two up to 65,536.
    ///
    /// With multiples of 16 the top stays aligned, and no block needs padding. A larger step leaves blocks room to grow
    /// in place, and makes large blocks of similar sizes the same. lite-alloc does not round (1), dlmalloc rounds to 8 or
    /// 16 bytes, [`SweptBump`](crate::SweptBump) to 64.
    const LARGE_STEP: usize = 16;

    /// Whether a small size with an alignment above 16 has a size class, too. If not, its block is a large one.
    ///
    /// Blocks of a bin are aligned to 16, and only the first one is looked at: if it happens to be aligned, it is taken,
    /// and otherwise the block comes from the top. So the bins rarely serve such requests, but their blocks are used
    /// again for others. lite-alloc does not; general-purpose allocators, dlmalloc among them, file a block by its size,
    /// whatever its alignment was.
    const BINS_TAKE_ALIGNED: bool = false;

    /// Blocks that an empty bin gets at a time, if the latest memory has room for them: at least 1.
    ///
    /// A run of blocks that are beside each other keeps a class's blocks together, and the next requests short. It is
    /// memory that no other class can use. wee_alloc, mimalloc and jemalloc fill a cell, page or slab of one class at a
    /// time; dlmalloc and lite-alloc cut one block.
    const REFILL_BLOCKS: usize = 1;

    /// Whether a small request whose bin is empty takes a block of a higher class, or a large one if some are kept, before
    /// it takes memory from the top. What is left of the block goes into the bins that it fits.
    ///
    /// It saves memory where sizes drift from one class to another, and cuts blocks that are then missing for larger
    /// requests. dlmalloc and TLSF (rlsf) split, and join again what was split; wee_alloc splits what it refills from;
    /// lite-alloc and mimalloc never split.
    const SPLITS: bool = false;

    /// Whether a last block that is freed lowers the top.
    ///
    /// It makes a stack of blocks free. It reaches one block only: the one below, if it was freed before, stays in
    /// its bin. bumpalo does this; lite-alloc does not.
    const TOP_TAKES_FREES: bool = false;

    /// Whether a last block that shrinks lowers the top. If not, it shrinks like any other.
    ///
    /// A vector that is shrunk to fit, or text that is shorter than its buffer, gives back what it did not use, as it does
    /// in dlmalloc. lite-alloc keeps these bytes, and they are lost.
    const TOP_TAKES_SHRINKS: bool = true;

    /// Whether a small block that shrinks to a lower class moves there.
    ///
    /// If it stays, nothing is copied. What it has above its new class is lost, since by its new layout it is freed into
    /// the lower bin; or it is filed, where large blocks are kept. lite-alloc's stays, and dlmalloc's, whose headers keep
    /// the block's size.
    const SMALL_SHRINKS_MOVE: bool = true;

    /// Whether realloc tries to keep the block where it is. If not, every realloc moves its block.
    ///
    /// It is a third of the classic's code. lite-alloc has it as a feature, lol_alloc and wee_alloc do not have it.
    const REALLOC_IN_PLACE: bool = true;

    /// How much memory is requested from the source at a time.
    const GROWTH: GrowthStep = GrowthStep::Needed;
}

/// The classic, and the default: four classes up to 128 bytes, and large blocks that are not used again. All blocks and
/// pages of Heaprace's contender `segregated-bump` are those of this member.
#[derive(Clone, Copy, Debug)]
pub struct Classic;

impl Policies for Classic {
    type Classes = PowersOfTwo<4>;
    type LargeFrees = Discarded;
}

/// The classic without realloc in place: every realloc moves. The smallest code.
#[derive(Clone, Copy, Debug)]
pub struct Moving;

impl Policies for Moving {
    type Classes = PowersOfTwo<4>;
    type LargeFrees = Discarded;
    const REALLOC_IN_PLACE: bool = false;
}

/// The decisions of the published design, which is lite-alloc's `SegregatedBumpAllocator` with its feature `realloc`:
/// the three in which the classic differs are as there. That crate's defects are not decisions, and are not here.
#[derive(Clone, Copy, Debug)]
pub struct Published;

impl Policies for Published {
    type Classes = PowersOfTwo<4>;
    type LargeFrees = Discarded;
    const LARGE_STEP: usize = 1;
    const TOP_TAKES_SHRINKS: bool = false;
    const SMALL_SHRINKS_MOVE: bool = false;
}
