//! The model: the parts of the results that have metrics, and the catalogue of these metrics.
//!
//! Each part has a file with its struct and an [`Entry`] for each numeric field. An entry gives the metric's name,
//! unit, getter, heading, definition, range, blind spot and source, which direction is better, and whether a gate may
//! judge it. Exports, gates, the definitions on the page, METRICS.md and the list in `docs/RESULTS.md` read the
//! entries, so adding a metric to a part takes a field and an entry. The name of an exact figure is its place in
//! `results.json`: `reallocs.copied_bytes` is `contenders[].memory.reallocs.copied_bytes`.
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
mod fragmentation;
mod gaps;
mod growth;
mod instructions;
mod memory;
mod metric;
mod min_heap;
mod occupancy;
mod over_run;
mod over_time;
#[cfg(test)]
mod pages;
mod reallocs;
mod retention;
mod splits;
mod strips;
mod times;
mod trace;

pub use bounds::Bounds;
pub(crate) use catalogue::gross;
pub use catalogue::{definitions, headings, metric, of_contenders, of_traces};
pub use distributions::{Class, Distributions, JointClass};
pub use entry::{About, Better, Definition, Docs, Entry, Gate, Heading};
pub use fragmentation::{Fragmentation, FragmentationAt};
pub use gaps::{Gaps, GapsAt};
pub use growth::Growth;
pub(crate) use instructions::instructions_per_op;
pub use memory::{FailedRequest, Memory};
pub use metric::{AskedBy, ContenderMetric, Exact, Getter, TraceMetric};
pub use min_heap::{LimitTried, MinHeap};
pub use occupancy::{Occupancy, OccupancyAt};
pub use over_run::JohnstoneWilson;
pub use over_time::{FootprintPoint, OccupancyGrid};
pub use reallocs::Reallocs;
pub use retention::Retention;
pub use splits::{Moment, PartKind, Split, SplitPart};
pub use strips::Strip;
