//! Results as tables.

mod cells;
mod details;
mod notes;
mod text;
mod wrap;

pub use text::{TextOptions, text};
pub use wrap::wrap;
