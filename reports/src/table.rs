//! Results as tables.

pub(crate) mod cells;
pub(crate) mod comparisons;
mod details;
pub(crate) mod grid;
mod instructions;
mod latency;
mod narrow;
pub(crate) mod notes;
mod overview;
mod pair;
mod plain;
mod sparkline;
mod text;
mod timing;
mod wrap;

pub use text::{TextOptions, text};
pub use wrap::wrap;
