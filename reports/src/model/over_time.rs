//! The heap over time: its footprint, and where its live bytes are.

use serde::{Deserialize, Serialize};

/// The footprint over a stretch of events: the largest value of each figure, so that no peak is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FootprintPoint {
    /// The stretch's last event, counted from 1.
    pub event: u64,
    /// The byte clock at that event: bytes of all successful requests so far.
    pub requested_bytes: u64,
    /// Largest R: bytes requested and live.
    pub live_bytes: u64,
    /// Largest S: bytes of span.
    pub span_bytes: u64,
    /// Largest H: bytes committed.
    pub committed_bytes: u64,
    /// Largest number of pages with at least one live byte.
    pub occupied_pages: u64,
    /// Events in which the heap grew.
    pub grow_events: u64,
}

/// An address × time grid of live bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OccupancyGrid {
    /// Bytes of address space per row; row 0 is at the heap's base.
    pub row_bytes: u64,
    /// Events per column; the last column may have fewer.
    pub events_per_column: u64,
    /// The rows of each column: live bytes in thousandths of the row's size, rounded down, at the end of the column.
    pub live_permille: Vec<Vec<u16>>,
}
