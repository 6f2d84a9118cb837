//! Results, statistics, tables and charts of Heaprace.
//!
//! This crate only reads what a measurement left: it knows nothing of allocators, traces or replay.

pub mod results;
