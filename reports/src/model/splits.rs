//! The split of the heap: where all of its bytes are at an instant.

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

/// Where all committed bytes are at one instant. The parts sum to H.
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
    /// Its name in the contender's words.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

named! {
    /// What a part of the heap is.
    pub enum PartKind {
        /// R: requested by live objects.
        Requested = "requested",
        /// G − R: granted beyond that.
        Rounding = "rounding",
        /// Freed, and waiting to be used again.
        Free = "free",
        /// Never used yet.
        Tail = "tail",
        /// Given up: it will not be used again.
        Lost = "lost",
        /// The contender's own data.
        Metadata = "metadata",
        /// The contender does not report it.
        Unknown = "unknown",
    }
}
