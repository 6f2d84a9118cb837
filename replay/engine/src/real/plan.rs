//! What to run for real.

use std::ffi::OsString;
use std::path::PathBuf;

use heaprace_allocators::Info;

/// What to run, and how.
#[derive(Debug)]
pub struct RealPlan {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// The library to preload; `None` if the program has a [`Global`](heaprace_allocators::Global).
    pub preload: Option<PathBuf>,
    /// The contenders.
    pub contenders: Vec<Info>,
    /// The contender that differences are to.
    pub baseline: String,
    /// Runs of each contender.
    pub rounds: u32,
    /// Seed of the order within rounds.
    pub seed: u64,
    /// Maximum pages of the heap.
    pub limit_pages: usize,
    /// Whether the program's output is shown.
    pub shows_output: bool,
}
