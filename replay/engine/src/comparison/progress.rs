//! Progress reports of a running comparison.

use heaprace_reports::results::Results;

use crate::memory::metrics::Snapshot;

/// The current step of a comparison.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// The trace is being read.
    Reading,
    /// Contenders are being examined.
    Examining {
        /// The contenders being examined now.
        names: &'a [&'a str],
        /// Events replayed so far, over all contenders and replays.
        events: u64,
        /// Replays in all, of `trace_events` events each.
        replays: u64,
        /// Events of the trace.
        trace_events: u64,
    },
    /// A contender's heap did not fit into the memory budget beside those of the others: it is examined again, alone, when they
    /// are done.
    Waiting {
        /// The contender's name.
        name: &'a str,
    },
    /// Snapshots of a contender's heap.
    Snapshots {
        /// The contender's name.
        name: &'a str,
        /// The requested snapshots, as far as their instants occurred.
        snapshots: &'a [Snapshot],
    },
    /// All contenders are examined, but the bounds of the trace are not computed yet.
    Bounding {
        /// Steps of the search for a placement so far.
        steps: u64,
        /// The most steps that it takes, unless the trace is so large that two walks over it take more.
        most_steps: u64,
    },
    /// Another contender is examined, though maybe not all: worth saving if examinations take long.
    Examined(&'a Results),
    /// All memory figures, or also the minimum heaps, are complete, without timing: worth saving.
    AllExamined(&'a Results),
    /// The minimum heaps are being searched for, in parallel if there are several jobs.
    Searching {
        /// The contender concerned.
        name: &'a str,
        /// The limit that it tries next, in pages; `None` if its search is over.
        limit_pages: Option<usize>,
        /// Contenders done.
        done: usize,
        /// Contenders in total.
        all: usize,
    },
    /// Another timing round is done. The results contain the times so far, and are worth saving if rounds take long.
    Timing {
        /// The results as if these rounds were all.
        results: &'a Results,
        /// Rounds done.
        done: u32,
        /// Rounds in total.
        all: u32,
    },
    /// A contender is measured in replays of its own.
    Further {
        /// The kind of measurement.
        what: &'a str,
        /// The contender's name.
        name: &'a str,
        /// Contenders done.
        done: usize,
        /// Contenders in total.
        all: usize,
    },
}
