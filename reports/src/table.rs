//! Results as tables.

mod advice;
mod brief;
pub(crate) mod columns;
pub(crate) mod comparisons;
mod details;
mod instructions;
mod latency;
pub(crate) mod markdown;
pub(crate) mod model;
pub(crate) mod notes;
pub(crate) mod overview;
mod paragraphs;
pub(crate) mod placing;
mod several;
mod sparkline;
pub(crate) mod terminal;
pub(crate) mod text;
mod timing;
mod tuning;
mod wasm;
mod wrap;

pub use several::{heading, line, summary};
pub use text::{TextOptions, text};
pub(crate) use tuning::answer;
pub use tuning::tuning_text;
pub use wasm::{UNKNOWN, aligned, reasons, wasm_text};
pub use wrap::wrap;
