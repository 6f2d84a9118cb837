//! The heap by address: three lists with an item for each of its parts.

use super::entry::{Definition, listed};

/// What is no single number.
pub(super) const LISTED: &[Definition] = &[
    listed(
        "live_permille",
        "live bytes over `part_bytes`, in thousandths rounded up",
        "0 to 1,000",
        "whether the rest is free, internal fragmentation or metadata",
    ),
    listed(
        "most_size_up_to_bytes",
        "the size class with most of the part's live bytes, by its upper end: a power of two, down to above half of \
        it; of equals the smallest; `null` where nothing is live",
        "≥ 1",
        "the other classes in the part",
    ),
    listed(
        "mean_age_events",
        "mean over the live bytes of the events since their object was placed there in its size, rounded down; `null` \
        where nothing is live",
        "≥ 0",
        "one old object among many young ones",
    ),
];
