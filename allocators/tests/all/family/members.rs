//! Members of the family: combinations of all policies.

use std::any::type_name;
use std::marker::PhantomData;

use segregated_bump::policies::{
    ClassTable, Classic, Discarded, FourSteps, GrowthStep, LargeFrees, ListsBySize, Moving, Multiples, Policies,
    PowersOfTwo, Published, SizeClasses, Tabled,
};
use segregated_bump::{Lost, SegregatedBump};

use super::subject::Create;

/// A table whose smallest class is not the smallest block, so that the rest of a split block may fit no bin.
pub(crate) struct Sparse;

impl ClassTable<3> for Sparse {
    const BYTES: [usize; 3] = [32, 48, 112];
}

/// A combination of policies.
struct Combined<
    C,
    L,
    const STEP: usize,
    const ALIGNED: bool,
    const RUN: bool,
    const SPLITS: bool,
    const FREES: bool,
    const GROWS: bool,
    const SHRINKS: bool,
    const MOVES: bool,
    const IN_PLACE: bool,
>(PhantomData<(C, L)>);

impl<
    C: SizeClasses,
    L: LargeFrees,
    const STEP: usize,
    const ALIGNED: bool,
    const RUN: bool,
    const SPLITS: bool,
    const FREES: bool,
    const GROWS: bool,
    const SHRINKS: bool,
    const MOVES: bool,
    const IN_PLACE: bool,
> Policies for Combined<C, L, STEP, ALIGNED, RUN, SPLITS, FREES, GROWS, SHRINKS, MOVES, IN_PLACE>
{
    type Classes = C;
    type LargeFrees = L;
    const LARGE_STEP: usize = STEP;
    const BINS_TAKE_ALIGNED: bool = ALIGNED;
    const REFILL_BLOCKS: usize = if RUN { 3 } else { 1 };
    const SPLITS: bool = SPLITS;
    const TOP_TAKES_FREES: bool = FREES;
    const TOP_TAKES_SHRINKS: bool = SHRINKS;
    const SMALL_SHRINKS_MOVE: bool = MOVES;
    const REALLOC_IN_PLACE: bool = IN_PLACE;
    const GROWTH: GrowthStep = match (GROWS, STEP) {
        (false, _) => GrowthStep::Needed,
        (true, 16) => GrowthStep::Share(2),
        // The members with another step have the other way to grow.
        (true, _) => GrowthStep::MultipleOf(768),
    };
}

/// A member that is checked: its name, and how to create it.
#[derive(Clone, Copy)]
pub(crate) struct Checked {
    pub(crate) name: &'static str,
    pub(crate) create: Create,
}

impl Checked {
    pub(crate) fn of<P: Policies + 'static>() -> Self {
        Checked { name: type_name::<P>(), create: |source| Box::new(SegregatedBump::<_, P, Lost>::new(source)) }
    }
}

/// Adds all members whose switches begin with those in brackets, in the order of the parameters of [`Combined`]: with
/// each `?`, one of both.
macro_rules! combine {
    ($all:ident: $classes:ty, $large:ty, $step:literal, [$($done:literal)*]) => {
        $all.push(Checked::of::<Combined<$classes, $large, $step, $($done),*>>());
    };
    ($all:ident: $classes:ty, $large:ty, $step:literal, [$($done:literal)*] ? $($rest:tt)*) => {
        combine!($all: $classes, $large, $step, [$($done)* false] $($rest)*);
        combine!($all: $classes, $large, $step, [$($done)* true] $($rest)*);
    };
    ($all:ident: $classes:ty, $large:ty, $step:literal, [$($done:literal)*] $next:literal $($rest:tt)*) => {
        combine!($all: $classes, $large, $step, [$($done)* $next] $($rest)*);
    };
}

/// The members that the crate names; all combinations of the switches with powers of two and steps of 16 bytes; and other
/// classes and steps with all combinations of what they act on.
pub(crate) fn all() -> Vec<Checked> {
    let mut all = vec![Checked::of::<Classic>(), Checked::of::<Moving>(), Checked::of::<Published>()];
    combine!(all: PowersOfTwo<3>, Discarded, 16, [] ? ? ? ? ? ? ? true);
    combine!(all: PowersOfTwo<3>, ListsBySize, 16, [] ? ? ? ? ? ? ? true);
    // Where every realloc moves, it does not matter how a block shrinks.
    combine!(all: PowersOfTwo<3>, Discarded, 16, [] ? ? ? ? ? true true false);
    combine!(all: PowersOfTwo<3>, ListsBySize, 16, [] ? ? ? ? ? true true false);
    assert_eq!(all.len(), 3 + 320);
    combine!(all: Multiples<5>, Discarded, 16, [] ? ? ? ? false true true true);
    combine!(all: Multiples<5>, ListsBySize, 16, [] ? ? ? ? false true true true);
    combine!(all: FourSteps<6>, Discarded, 16, [] ? ? ? ? false true true true);
    combine!(all: FourSteps<6>, ListsBySize, 16, [] ? ? ? ? false true true true);
    combine!(all: Tabled<Sparse, 3>, Discarded, 16, [] ? ? ? ? false true true true);
    combine!(all: Tabled<Sparse, 3>, ListsBySize, 16, [] ? ? ? ? false true true true);
    combine!(all: PowersOfTwo<3>, Discarded, 1, [] ? false ? ? ? ? ? true);
    combine!(all: PowersOfTwo<3>, Discarded, 256, [] false false ? ? ? ? ? true);
    combine!(all: PowersOfTwo<3>, ListsBySize, 256, [] false false ? ? ? ? ? true);
    assert_eq!(all.len(), 3 + 320 + 224);
    all
}
