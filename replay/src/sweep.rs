//! A sweep: traces × contenders × settings, cut into cells that any machine can run in any order.
//!
//! A [`Sweep`] is read from a plan, a TOML file. Each [`Cell`] of it is a unit of work with an address, which is a hash of all that its
//! figures depend on ([`Key`]): the trace's content, the contender and its version, the settings, the build. So a cell that is done is done
//! for every plan that has it, a plan that changes runs only what is new in it, and cells of another build are never taken for this one's.
//! A cell's file is whole or not there; what is killed is run again.
//!
//! [`merge`] puts the cells of one trace and one choice of settings together again, as a [`Results`](heaprace_reports::results::Results) document
//! that every reader of results takes. Memory figures are exact, so it does not matter where they were found. Times do: samples of two
//! processes share no round. So a cell that is timed runs the [`BASELINE`] and the floor in its own rounds, and they stay with its row as its
//! [companions](heaprace_reports::results::Time::companions): ratios are formed to them, and never across cells.
//!
//! ```
//! use heaprace::sweep::{Build, CellState, Sweep, merge};
//!
//! let plan = "traces = [\"repeated-growth\"]\nallocators = [\"talc\", \"bump\"]\n[settings]\nrounds = 0\nskip_bounds = true\n";
//! let sweep = Sweep::parse(plan, "plan.toml", "".as_ref(), &Build::current()?)?;
//! let cells = sweep.cells();
//! assert_eq!(cells.len(), 2);
//! let folder = tempfile::tempdir()?;
//! // Only rigorous timing and the counting of instructions begin processes of their own.
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
pub use plan::{Group, Sweep};

use crate::comparison::CompareError;

/// Why a sweep, or a cell of it, could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// The plan cannot be read.
    #[error("{file}: {source}; name a plan, a TOML file such as sweeps/example.toml")]
    Open {
        /// The plan.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The plan makes no sense.
    #[error("{file}:{line}: {message}")]
    Plan {
        /// The plan.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
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
    /// The trace is not what it was when the cells were listed.
    #[error("{file}: has changed since the plan was read: its SHA-256 was {was}, and is {is}; list the cells again")]
    Changed {
        /// The trace.
        file: String,
        /// Its hash when the plan was read.
        was: String,
        /// Its hash when it was replayed.
        is: String,
    },
    /// The binary cannot tell which build it is.
    #[error(
        "{}: {source}; this build has changes that no revision has, so its file must be read to tell which one it is",
        path.display()
    )]
    Build {
        /// The binary.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
