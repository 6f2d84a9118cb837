//! Members of the swept half of the family at the ends of what their policies may be.

use segregated_bump::policies::{Multiples, SweepAfter, SweptPolicies};

/// The fewest bins, the smallest window, and a sweep after few windows.
pub(super) struct Few;

impl SweptPolicies for Few {
    type Small = Multiples<7>;
    const WINDOW_BYTES: usize = 128;
    const SWEEPS: SweepAfter = SweepAfter::Part(1 << 20);
}

/// The most bins, a window that just has room for the largest block, and rare sweeps.
pub(super) struct Many;

impl SweptPolicies for Many {
    type Small = Multiples<128>;
    const WINDOW_BYTES: usize = 2048;
    const SWEEPS: SweepAfter = SweepAfter::Part(1);
}

/// A sweep before each growth.
pub(super) struct Eager;

impl SweptPolicies for Eager {
    type Small = Multiples<20>;
    const WINDOW_BYTES: usize = 1 << 20;
    const SWEEPS: SweepAfter = SweepAfter::Growth;
}
