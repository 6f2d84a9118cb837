//! Memory: figures of a replay, the smallest heap that will do, and bounds to read both against.

pub mod bounds;
pub mod metrics;
pub mod min_heap;
