//! The catalogue of metrics: each is defined once, with its name, unit, getter, heading, definition, range, blind spot and source, which
//! direction is better, and whether a gate may judge it.
//!
//! Exports, gates, tables, the definitions of the page, METRICS.md and the list in `docs/RESULTS.md` are read from it, so that a further
//! field of the results needs nothing but its [`Entry`]. The names of exact figures are their places in `results.json`:
//! `reallocs.copied_bytes` is `contenders[].memory.reallocs.copied_bytes`.
//!
//! ```
//! use heaprace_reports::model::{self, Gate};
//!
//! let peak = model::metric("peak_heap_bytes");
//! assert_eq!((peak.about.unit, peak.about.gate), ("B", Gate::ByDefault));
//! ```

mod bounds;
mod calls;
mod catalogue;
mod distributions;
mod entry;
mod footprint;
mod fragmentation;
mod growth;
mod instructions;
mod metric;
mod min_heap;
mod occupancy;
mod over_run;
#[cfg(test)]
mod pages;
mod reallocs;
mod requests;
mod retention;
mod strips;
mod times;
mod trace;

pub(crate) use catalogue::gross;
pub use catalogue::{definitions, headings, metric, of_contenders, of_traces};
pub use entry::{About, Better, Definition, Docs, Entry, Gate, Heading};
pub(crate) use instructions::instructions_per_op;
pub use metric::{AskedBy, ContenderMetric, Exact, Getter, TraceMetric};
