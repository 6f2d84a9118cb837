//! The heap by address: three lists with one item per part of the address range.

use serde::{Deserialize, Serialize};

use super::entry::{Definition, listed};
use super::splits::Moment;

/// What each part of the heap holds at one instant. The parts run from the heap's base to the end of the memory
/// committed then; each has one item in each of the three lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Strip {
    /// Which instant.
    pub at: Moment,
    /// After this event, counted from 1.
    pub event: u64,
    /// H.
    pub committed_bytes: u64,
    /// Bytes of address space per part; the last part may reach beyond H.
    pub part_bytes: u64,
    /// Live bytes in thousandths of the part, rounded up.
    pub live_permille: Vec<u16>,
    /// The size class with most of the live bytes, by its upper end: a power of two. A class covers sizes above half of
    /// it. `None` if nothing is live.
    pub most_size_up_to_bytes: Vec<Option<u64>>,
    /// Mean age of the live bytes: events since the program placed their object there in its size, rounded down. `None`
    /// if nothing is live.
    pub mean_age_events: Vec<Option<u64>>,
}

/// Definitions of figures that are not a single number.
pub(super) const LISTED: &[Definition] = &[
    listed(
        "live_permille",
        "live bytes over `part_bytes`, in thousandths rounded up",
        "0 to 1,000",
        "whether the rest is free, internal fragmentation or metadata",
    ),
    listed(
        "most_size_up_to_bytes",
        "the size class with most of the part's live bytes, by its upper end: a power of two; the class covers \
        sizes above half of it; the smallest if several tie; `null` if nothing is live",
        "≥ 1",
        "the other classes in the part",
    ),
    listed(
        "mean_age_events",
        "mean over the live bytes of the events since their object got its address and size, rounded down; `null` if \
        nothing is live",
        "≥ 0",
        "one old object among many young ones",
    ),
];
