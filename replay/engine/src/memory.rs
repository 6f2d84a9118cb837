//! Memory: figures of a replay, the minimum heap, and bounds for reading both.

pub mod bounds;
pub mod metrics;
pub mod min_heap;
