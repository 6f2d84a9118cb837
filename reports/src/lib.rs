//! Results, statistics, tables and charts of Heaprace.
//!
//! This crate only reads the output of a measurement: it knows nothing about allocators, traces or replay.
//!
//! - [`results`]: the output of a measurement, one versioned JSON document per trace.
//! - [`model`]: the catalogue of metrics, which exports, gates, the page and METRICS.md read.
//! - [`stats`]: medians with intervals, and ratios formed within rounds.
//! - [`table`]: results as text for a terminal.
//! - [`ranking`]: contenders ranked over a set of traces.
//! - [`recommendation`]: what to ship, in words.
//! - [`real`]: runs of a program itself on several contenders.
//! - [`regression`]: two runs compared.
//! - [`chart`]: results as SVG; [`chart::ALL`] has every chart of a trace, [`chart::ALL_TRACES`] those of several.
//! - [`export`]: results in the formats of notebooks, papers and pull requests.
//! - [`html()`]: results of one or several traces as a single page.
//! - [`validation`]: what replays predict, beside what the programs themselves do.
//! - [`design_space`]: what each decision of allocator design costs and gains.
//! - [`wasm`]: results of allocators as WebAssembly modules, which belong to those of the same trace.
//! - [`load`]: reads saved results.
//! - [`save`]: writes any of these completely or not at all.
//!
//! ```no_run
//! use heaprace_reports::results::Results;
//! use heaprace_reports::table::{self, TextOptions};
//! use heaprace_reports::{chart, save};
//!
//! let json = std::fs::read_to_string("heaprace-report/serde-heavy/results.json").expect("measured before");
//! let results = Results::from_json(&json)?;
//! print!("{}", table::text(&results, TextOptions::default()));
//! for chart in chart::ALL {
//!     save(chart.file_name.as_ref(), (chart.draw)(&results)?.as_bytes())?;
//!     save(chart.data_file_name().as_ref(), (chart.data)(&results).as_bytes())?;
//! }
//! # Ok::<(), heaprace_reports::ReportError>(())
//! ```

pub mod chart;
mod climb;
pub mod design_space;
mod end_to_end;
mod error;
pub mod export;
mod file;
mod growth;
mod html;
mod label;
mod load;
pub mod model;
pub mod numbers;
mod prose;
pub mod ranking;
pub mod real;
mod reasons;
pub mod recommendation;
pub mod regression;
pub mod results;
#[cfg(test)]
mod sample;
pub mod stats;
pub mod table;
mod times;
pub mod tuning;
pub mod validation;
pub mod wasm;
mod wire;

pub use error::ReportError;
pub use file::{check_folder, remove_unfinished, save};
pub use html::html;
pub use label::{by_settings, differing_settings, labelled};
pub use load::{RESULTS_FILE, Saved, load};
pub use prose::printable;
pub use wire::{Mismatch, MismatchKind};

#[cfg(test)]
mod tests {
    mod agreement;
}
