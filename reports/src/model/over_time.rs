//! The heap over time: its footprint, and where its live bytes are.

use serde::{Deserialize, Serialize};

/// The footprint over one stretch of events: the largest of each figure in it, so that no peak is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FootprintPoint {
    /// The stretch's last event, counted from 1.
    pub event: u64,
    /// The clock of bytes then: bytes of the requests up to then that succeeded.
    pub requested_bytes: u64,
    /// Most bytes requested and live: R.
    pub live_bytes: u64,
    /// Most bytes of span: S.
    pub span_bytes: u64,
    /// Most bytes committed: H.
    pub committed_bytes: u64,
    /// Most pages with at least one live byte.
    pub occupied_pages: u64,
    /// Events in which the heap grew.
    pub grow_events: u64,
}

/// An address × time grid of live bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OccupancyGrid {
    /// Bytes of address space in a row; row 0 is at the heap's base.
    pub row_bytes: u64,
    /// Events in a column; the last one may have fewer.
    pub events_per_column: u64,
    /// For each column its rows: live bytes in thousandths of the row's, rounded down, at the end of the column.
    pub live_permille: Vec<Vec<u16>>,
}
