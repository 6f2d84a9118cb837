//! The heap by address: three lists with an item for each of its parts.

use serde::{Deserialize, Serialize};

use super::entry::{Definition, listed};
use super::splits::Moment;

/// What lies in each part of the heap at one instant. The parts follow each other from the heap's base to the end of what is committed then,
/// and have one item each in the three lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Strip {
    /// Which instant.
    pub at: Moment,
    /// After this event, counted from 1.
    pub event: u64,
    /// H.
    pub committed_bytes: u64,
    /// Bytes of address space in a part; the last one may reach beyond H.
    pub part_bytes: u64,
    /// Live bytes in thousandths of the part's, rounded up.
    pub live_permille: Vec<u16>,
    /// The size class that most of the live bytes belong to: a power of two, up to which the sizes go, from half of it. `None` where nothing
    /// is live.
    pub most_size_up_to_bytes: Vec<Option<u64>>,
    /// Mean age of the live bytes: events since their object was placed there in its size, rounded down. `None` where nothing is live.
    pub mean_age_events: Vec<Option<u64>>,
}

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
