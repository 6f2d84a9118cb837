//! The split of the heap: all of its bytes at an instant, by what they are.

use serde::{Deserialize, Serialize};

use crate::results::named::named;

named! {
    /// An instant that every run has.
    pub enum Moment {
        /// The first instant of max R.
        PeakLive = "peak-live",
        /// The first instant of max H.
        PeakHeap = "peak-heap",
        /// After the last event.
        End = "end",
    }
}

/// All committed bytes at one instant, by what they are. The parts sum to H.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// Which instant.
    pub at: Moment,
    /// After this event, counted from 1.
    pub event: u64,
    /// H.
    pub committed_bytes: u64,
    /// The parts.
    pub parts: Vec<SplitPart>,
}

/// A part of the heap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitPart {
    /// What it is.
    pub kind: PartKind,
    /// The contender's name for it.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

named! {
    /// What a part of the heap is.
    pub enum PartKind {
        /// R: requested by live objects.
        Requested = "requested",
        /// G − R: internal fragmentation.
        Rounding = "rounding",
        /// Freed and reusable.
        Free = "free",
        /// Never used yet.
        Tail = "tail",
        /// Abandoned: never reused.
        Lost = "lost",
        /// The contender's own data.
        Metadata = "metadata",
        /// Not reported by the contender.
        Unknown = "unknown",
    }
}
