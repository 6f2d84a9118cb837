//! A closer look at a trace: its events, threads, peaks, sizes and lifetimes.
//!
//! [`Profile`] has the totals that every replay needs; an [`Inspector`] finds more, at the price of a list of the live
//! objects. It takes one event after the other, and its memory grows with the objects that are live at once, never with
//! the events.

mod histogram;
mod joint;
mod top_sizes;
mod written;

use heaprace_recorder::{Action, Event};
use serde::Serialize;

pub use histogram::{Bucket, Histogram};
pub use joint::{JointCell, JointHistogram};
pub use top_sizes::SizeCount;
pub use written::WrittenShare;

use crate::births::Births;
use crate::profile::Profile;
use crate::seen::Seen;
use top_sizes::SizeCounts;

/// How many of the most requested sizes are listed.
const TOP_SIZES: usize = 10;

/// Looks at the events of a trace, one after the other.
///
/// ```
/// use heaprace_traces::inspect::Inspector;
///
/// let text = "op,id,size,align\nalloc,1,100,8\nalloc,2,10,1\ndealloc,2\ndealloc,1\n";
/// let mut inspector = Inspector::default();
/// for event in heaprace_traces::Source::from_bytes("example.csv", text.as_bytes()).open()? {
///     inspector.add(&event?);
/// }
/// let inspection = inspector.finish();
/// assert_eq!(inspection.lifo_deallocs, 2, "each was the youngest when it was freed");
/// assert_eq!(inspection.peak_bytes.value, 110);
/// # Ok::<(), heaprace_traces::TraceError>(())
/// ```
#[derive(Debug, Default)]
pub struct Inspector {
    profile: Profile,
    live: Births<Birth>,
    threads: Seen,
    thread_count: u64,
    /// The thread of the event before: most events have the same one and need no look-up in the set.
    last_thread: Option<u32>,
    sizes: SizeCounts,
    first_time_ns: Option<u64>,
    last_time_ns: Option<u64>,
    written: WrittenShare,
    found: Inspection,
}

/// A live object.
#[derive(Clone, Copy, Debug)]
struct Birth {
    event: u64,
    /// Bytes that had been allocated after its allocation.
    allocated_bytes: u64,
    thread: Option<u32>,
}

/// A peak, and when it was first reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Peak {
    /// Its value.
    pub value: u64,
    /// The event, counted from 1, after which it was first reached.
    pub event: u64,
    /// The time of that event in nanoseconds since the recording began, if the trace has times.
    pub time_ns: Option<u64>,
}

/// What an [`Inspector`] found.
///
/// A *request* is an allocation or a reallocation: each asks for one size. A *lifetime* begins with the allocation and
/// ends with the deallocation, whatever reallocations lie between; objects that are never freed have none.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Inspection {
    /// All events.
    pub events: u64,
    /// Allocations, including zeroed ones.
    pub allocs: u64,
    /// Allocations whose bytes must be 0; they are counted in [`allocs`](Self::allocs) too.
    pub zeroed_allocs: u64,
    /// Reallocations.
    pub reallocs: u64,
    /// Reallocations to a larger size.
    pub growing_reallocs: u64,
    /// Reallocations to a smaller size.
    pub shrinking_reallocs: u64,
    /// Deallocations.
    pub deallocs: u64,
    /// Threads with events; `None` if the trace has no threads.
    pub threads: Option<u64>,
    /// Deallocations by another thread than the one that allocated the object, whichever thread reallocated it; `None`
    /// if the trace has no threads.
    pub cross_thread_deallocs: Option<u64>,
    /// Nanoseconds from the first event to the last, if the trace has times.
    pub duration_ns: Option<u64>,
    /// Bytes requested in total: the sizes of all allocations and what reallocations added.
    pub allocated_bytes: u64,
    /// How much of the requested bytes the program wrote; `None` if no event has a written extent.
    pub written: Option<WrittenShare>,
    /// Peak of the bytes in live objects.
    pub peak_bytes: Peak,
    /// Peak of the live objects.
    pub peak_objects: Peak,
    /// Turnover: [`allocated_bytes`](Self::allocated_bytes) / peak bytes; 0 without events.
    pub turnover: f64,
    /// Deallocations of the youngest live object, by birth: a stack could serve them.
    pub lifo_deallocs: u64,
    /// Bytes in objects that are live after the last event.
    pub left_live_bytes: u64,
    /// Objects that are live after the last event.
    pub left_live_objects: u64,
    /// Requests by their size in bytes.
    pub sizes: Histogram,
    /// Allocations by their alignment in bytes.
    pub alignments: Histogram,
    /// Lifetimes in events: 1 is an object that is freed by the next event.
    pub lifetimes_events: Histogram,
    /// Lifetimes in bytes allocated meanwhile, including by growing reallocations; 0 is an object that is freed before
    /// the next allocation.
    pub lifetimes_bytes: Histogram,
    /// Objects that were freed, by their size then and by their lifetime in bytes allocated meanwhile.
    pub sizes_by_lifetime_bytes: JointHistogram,
    /// Objects that are live after the last event, by their size then. They have no lifetime.
    pub left_live_sizes: Histogram,
    /// The ten most requested sizes, the most frequent first. The counts are exact for the first 65,536 different
    /// sizes.
    pub top_sizes: Vec<SizeCount>,
    /// Different requested sizes, up to 65,536.
    pub distinct_sizes: u64,
    /// Requests of sizes beyond those 65,536, which no size in [`top_sizes`](Self::top_sizes) accounts for.
    pub uncounted_requests: u64,
}

impl Inspector {
    /// Adds one event. The events must be those of a checked trace, in order.
    #[inline]
    pub fn add(&mut self, event: &Event) {
        let before = self.profile;
        self.profile.add(event);
        self.written.add(event);
        let number = self.profile.events();
        if event.thread != self.last_thread {
            self.thread_count += u64::from(event.thread.is_some_and(|thread| self.threads.insert(thread.into())));
            self.last_thread = event.thread;
        }
        self.first_time_ns = self.first_time_ns.or(event.time_ns);
        self.last_time_ns = event.time_ns.or(self.last_time_ns);
        let at = |value| Peak { value, event: number, time_ns: event.time_ns };
        if self.profile.peak_live_bytes > before.peak_live_bytes {
            self.found.peak_bytes = at(self.profile.peak_live_bytes);
        }
        if self.profile.peak_live_objects > before.peak_live_objects {
            self.found.peak_objects = at(self.profile.peak_live_objects);
        }
        match event.action {
            Action::Alloc { layout, .. } => {
                self.request(layout.size() as u64);
                self.found.left_live_sizes.add(layout.size() as u64);
                self.found.alignments.add(layout.align() as u64);
                let allocated_bytes = self.profile.allocated_bytes;
                self.live.insert(event.id, Birth { event: number, allocated_bytes, thread: event.thread });
            }
            Action::Realloc { old, new_size } => {
                self.request(new_size as u64);
                self.found.left_live_sizes.take_back(old.size() as u64);
                self.found.left_live_sizes.add(new_size as u64);
                self.found.growing_reallocs += u64::from(new_size > old.size());
                self.found.shrinking_reallocs += u64::from(new_size < old.size());
            }
            Action::Dealloc { layout } => {
                let (birth, youngest) = self.live.remove(event.id).expect("a checked trace frees live objects only");
                self.found.lifo_deallocs += u64::from(youngest);
                self.found.lifetimes_events.add(number - birth.event);
                let lifetime_bytes = self.profile.allocated_bytes - birth.allocated_bytes;
                self.found.lifetimes_bytes.add(lifetime_bytes);
                self.found.sizes_by_lifetime_bytes.add(layout.size() as u64, lifetime_bytes);
                self.found.left_live_sizes.take_back(layout.size() as u64);
                if birth.thread != event.thread {
                    *self.found.cross_thread_deallocs.get_or_insert_default() += 1;
                }
            }
        }
    }

    fn request(&mut self, size: u64) {
        self.found.sizes.add(size);
        self.sizes.add(size);
    }

    /// The result.
    pub fn finish(self) -> Inspection {
        let Inspector { profile, sizes, thread_count, written, found, .. } = self;
        let threads = (thread_count > 0).then_some(thread_count);
        Inspection {
            events: profile.events(),
            allocs: profile.allocs,
            zeroed_allocs: profile.zeroed_allocs,
            reallocs: profile.reallocs,
            deallocs: profile.deallocs,
            threads,
            cross_thread_deallocs: threads.map(|_| found.cross_thread_deallocs.unwrap_or(0)),
            duration_ns: self.first_time_ns.zip(self.last_time_ns).map(|(first, last)| last - first),
            allocated_bytes: profile.allocated_bytes,
            written: written.written().map(|_| written),
            turnover: match profile.peak_live_bytes {
                0 => 0.0,
                peak => profile.allocated_bytes as f64 / peak as f64,
            },
            left_live_bytes: profile.live_bytes,
            left_live_objects: profile.live_objects,
            top_sizes: sizes.top(TOP_SIZES),
            distinct_sizes: sizes.distinct(),
            uncounted_requests: sizes.uncounted(),
            ..found
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CsvReader;

    fn inspect(text: &str) -> Inspection {
        let mut inspector = Inspector::default();
        for event in CsvReader::new(text.as_bytes(), "test.csv").unwrap() {
            inspector.add(&event.unwrap());
        }
        inspector.finish()
    }

    fn counts(histogram: &Histogram) -> Vec<(u64, u64)> {
        histogram.buckets().map(|bucket| (bucket.from, bucket.count)).collect()
    }

    /// Every figure by hand.
    #[test]
    fn a_small_trace_has_the_figures_that_one_counts_by_hand() {
        let found = inspect(
            "op,id,size,align,thread,time_ns\n\
             alloc,1,100,8,0,10\n\
             alloc_zeroed,2,24,16,0,20\n\
             realloc,1,150,,1,30\n\
             dealloc,2,,,1,40\n\
             alloc,3,24,8,1,50\n\
             realloc,3,8,,1,60\n\
             realloc,3,8,,1,70\n\
             dealloc,1,,,0,80\n\
             dealloc,3,,,1,90\n\
             alloc,1,1,1,2,110\n",
        );
        assert_eq!((found.events, found.allocs, found.zeroed_allocs), (10, 4, 1));
        assert_eq!((found.reallocs, found.growing_reallocs, found.shrinking_reallocs, found.deallocs), (3, 1, 1, 3));
        assert_eq!(
            (found.threads, found.cross_thread_deallocs),
            (Some(3), Some(1)),
            "object 2; the thread that grew object 1 does not count"
        );
        assert_eq!(found.duration_ns, Some(100));
        assert_eq!(found.allocated_bytes, 100 + 24 + 50 + 24 + 1);
        assert_eq!(found.peak_bytes, Peak { value: 174, event: 3, time_ns: Some(30) });
        assert_eq!(found.peak_objects, Peak { value: 2, event: 2, time_ns: Some(20) });
        assert_eq!(found.turnover, 199.0 / 174.0);
        assert_eq!(found.lifo_deallocs, 2, "2 and 3 were the youngest, 1 was not");
        assert_eq!((found.left_live_objects, found.left_live_bytes), (1, 1));
        assert_eq!(counts(&found.sizes), [(1, 1), (8, 2), (16, 2), (64, 1), (128, 1)]);
        assert_eq!(counts(&found.alignments), [(1, 1), (8, 2), (16, 1)]);
        // 2 lives from event 2 to 4, 1 from 1 to 8, 3 from 5 to 9.
        assert_eq!(counts(&found.lifetimes_events), [(2, 1), (4, 2)]);
        // Meanwhile: 50 for object 2; 24 + 50 + 24 for object 1; nothing for object 3.
        assert_eq!(counts(&found.lifetimes_bytes), [(0, 1), (32, 1), (64, 1)]);
        // With 24, 150 and 8 bytes when they were freed.
        let cells = found.sizes_by_lifetime_bytes.cells().map(|cell| (cell.size_from, cell.lifetime_from, cell.count));
        assert_eq!(cells.collect::<Vec<_>>(), [(8, 0, 1), (16, 32, 1), (128, 64, 1)]);
        assert_eq!(counts(&found.left_live_sizes), [(1, 1)]);
        let top: Vec<_> = found.top_sizes.iter().map(|size| (size.size_bytes, size.requests)).collect();
        assert_eq!(top, [(8, 2), (24, 2), (1, 1), (100, 1), (150, 1)]);
        assert_eq!((found.distinct_sizes, found.uncounted_requests), (5, 0));
    }

    #[test]
    fn what_a_trace_does_not_tell_is_not_there() {
        let found = inspect("op,id,size,align\nalloc,1,8,8\ndealloc,1\n");
        assert_eq!((found.threads, found.cross_thread_deallocs, found.duration_ns), (None, None, None));
        assert_eq!(found.written, None);
        assert_eq!(found.peak_bytes, Peak { value: 8, event: 1, time_ns: None });
        let found = inspect("op,id,size,align,thread\nalloc,1,8,8,5\ndealloc,1,,,5\n");
        assert_eq!((found.threads, found.cross_thread_deallocs), (Some(1), Some(0)));
    }

    /// A queue frees the oldest, a stack the youngest.
    #[test]
    fn a_stack_is_last_in_first_out_and_a_queue_is_not() {
        let allocs = "op,id,size,align\nalloc,1,8,8\nalloc,2,8,8\nalloc,3,8,8\n";
        assert_eq!(inspect(&format!("{allocs}dealloc,3\ndealloc,2\ndealloc,1\n")).lifo_deallocs, 3);
        assert_eq!(inspect(&format!("{allocs}dealloc,1\ndealloc,2\ndealloc,3\n")).lifo_deallocs, 1, "the last alone");
    }
}
