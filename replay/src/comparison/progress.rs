//! What a comparison reports while it runs.

use heaprace_reports::results::Results;

use crate::memory::metrics::Snapshot;

/// What a comparison is at.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// The trace is being read.
    Reading,
    /// Contenders are being examined.
    Examining {
        /// Those that are at it.
        names: &'a [&'a str],
        /// Events that have been replayed, over all contenders and replays.
        events: u64,
        /// Replays in all, of `trace_events` events each.
        replays: u64,
        /// Events of the trace.
        trace_events: u64,
    },
    /// Snapshots of this contender's heap.
    Snapshots {
        /// Its name.
        name: &'a str,
        /// As many as were asked for and came to pass.
        snapshots: &'a [Snapshot],
    },
    /// The contenders are examined, and the bounds of the trace are not found yet.
    Bounding,
    /// Another contender is examined, and others may not be yet: worth saving where that takes long.
    Examined(&'a Results),
    /// All memory figures are there, or the minimum heaps too, and no timing yet: worth saving, lest they be lost.
    AllExamined(&'a Results),
    /// The minimum heaps are being searched for, several at once where there are threads.
    Searching {
        /// The contender that this is about.
        name: &'a str,
        /// The limit that it is given next, in pages; `None` where its search is over.
        limit_pages: Option<usize>,
        /// How many contenders are done.
        done: usize,
        /// How many there are.
        all: usize,
    },
    /// So many rounds of timing are done. The results have their times, and are worth saving where rounds take long.
    Timing {
        /// As if these rounds were all.
        results: &'a Results,
        /// How many are done.
        done: u32,
        /// How many there are.
        all: u32,
    },
    /// This contender, of so many, is in replays of their own.
    Further {
        /// What for.
        what: &'a str,
        /// Its name.
        name: &'a str,
        /// How many are done.
        done: usize,
        /// How many there are.
        all: usize,
    },
}
