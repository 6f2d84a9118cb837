//! A sweep: traces × contenders × settings, split into cells that any machine can run in any order.
//!
//! A [`Sweep`] is read from a plan, a TOML file. Each [`Cell`] is a unit of work. Its address is a hash of everything
//! that its figures depend on ([`Key`]): the trace's content, the contender and its version, the settings, the build. A
//! finished cell is therefore finished for every plan that contains it, a changed plan runs only its new cells, and
//! cells of another build are never mistaken for this build's. A cell's file is complete or absent; an interrupted cell
//! runs again.
//!
//! [`merge`] joins the cells of one trace and one choice of settings into a
//! [`Results`](heaprace_reports::results::Results) document that every reader of results accepts. Memory figures are
//! exact, so it does not matter which machine measured them. Times are not: samples of two processes share no round. A
//! timed cell therefore runs the [`BASELINE`] and the floor in its own rounds, and stores them with its row as
//! [companions](heaprace_reports::results::Time::companions). Ratios refer to companions, never to other cells.
//!
//! ```
//! use heaprace_engine::field::Field;
//! use heaprace_engine::sweep::{Build, CellState, Sweep, merge};
//!
//! let field = Field::registered();
//! let plan = "traces = [\"repeated-growth\"]\nallocators = [\"talc\", \"bump\"]\n[settings]\nrounds = 0\nskip_bounds = true\n";
//! let sweep = Sweep::parse(plan, "plan.toml", "".as_ref(), &field, &Build::current(&field)?)?;
//! let cells = sweep.cells();
//! assert_eq!(cells.len(), 2);
//! let folder = tempfile::tempdir()?;
//! // Only timing and instruction counts start separate processes.
//! let make_child = || Err(std::io::ErrorKind::Unsupported.into());
//! for cell in &cells {
//!     cell.save(&cell.run(make_child)?, folder.path())?;
//! }
//! let merged = merge(&sweep, |cell| cell.state(folder.path()));
//! assert_eq!(merged[0].results.as_ref().map(|results| results.contenders.len()), Some(2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod axis;
mod cell;
mod key;
mod merge;
mod plan;
mod settings;

use std::path::PathBuf;

use heaprace_reports::ReportError;
use heaprace_traces::TraceError;

pub use cell::{BASELINE, Cell, CellState};
pub use key::{Build, CellSettings, Key, Work};
pub use merge::{Merged, Stray, merge, strays};
pub use plan::{CellGroup, Sweep};

use crate::comparison::CompareError;

/// Why a sweep, or one of its cells, failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// The plan cannot be read.
    #[error("{file}: {source}; name a plan, a TOML file such as sweeps/example.toml")]
    Open {
        /// The plan.
        file: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// The plan is invalid.
    #[error("{file}:{line}: {message}")]
    Plan {
        /// The plan.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// The fault.
        message: String,
    },
    /// A trace of the plan cannot be read.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// A cell could not be measured.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// A cell could not be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The trace has changed since the cells were listed.
    #[error("{file}: has changed since the plan was read (SHA-256 was {was}, now {is}); list the cells again")]
    Changed {
        /// The trace.
        file: String,
        /// Its hash when the plan was read.
        was: String,
        /// Its hash when it was replayed.
        is: String,
    },
    /// The binary cannot be identified.
    #[error(
        "{}: {source}; this build has uncommitted changes, so its file must be read to identify it",
        path.display()
    )]
    Build {
        /// The binary.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}
