//! Memory figures: each is a file here, and a [`Gauge`] that samples the state after every event.
//!
//! [`Watch`], the observer of the replay, keeps the state itself once for all gauges. Figures are exact: two replays of
//! the same trace, contender and build give the same bits. METRICS.md in the root of the repository has their
//! definitions, blind spots and sources.
//!
//! A new metric needs a new file and a line in [`Figures`]; its results go into [`heaprace_reports::results::Memory`].

pub mod byte_clock;
pub mod footprint;
pub mod fragmentation;
mod gaps;
mod gauge;
pub mod grid;
mod instant;
pub mod occupancy;
pub mod over_time;
mod pages;
pub mod realloc;
pub mod snapshot;
pub mod split;
mod strip;
pub mod timeline;

use std::alloc::Layout;
use std::ops::Range;

use heaprace_allocators::{HeapAllocator, HeapRef};

use self::pages::Pages;
use crate::engine::{Flow, LiveBlock, Observer};

pub use byte_clock::ByteClock;
pub use footprint::FootprintGauge;
pub use fragmentation::FragmentationGauge;
pub use gauge::{Gauge, HeapState, Setting};
pub use grid::GridGauge;
pub use instant::{Instant, PlacedObject};
pub use occupancy::OccupancyGauge;
pub use over_time::OverTimeGauge;
pub use pages::PagesByTenth;
pub use realloc::ReallocGauge;
pub use snapshot::{Snapshot, SnapshotGauge, Taken};
pub use split::SplitGauge;
pub use timeline::TimelineGauge;

/// Combines all listed gauges into one: each sees everything, in this order.
macro_rules! figures {
    ($($(#[$doc:meta])* $name:ident: $metric:ty,)+) => {
        /// All gauges of a replay.
        #[derive(Debug)]
        pub struct Figures {
            $($(#[$doc])* pub $name: $metric,)+
        }

        impl Figures {
            /// Before the first event.
            pub fn new(setting: &Setting) -> Self {
                Figures { $($name: <$metric>::new(setting),)+ }
            }
        }

        impl Gauge for Figures {
            fn sample(&mut self, state: &HeapState) {
                $(self.$name.sample(state);)+
            }

            fn refused(&mut self, state: &HeapState, request: Layout) {
                $(self.$name.refused(state, request);)+
            }

            fn inspect<A: HeapAllocator>(&mut self, state: &HeapState, allocator: &A) {
                $(self.$name.inspect(state, allocator);)+
            }

            fn placed(&mut self, bytes: Range<u64>) {
                $(self.$name.placed(bytes.clone());)+
            }

            fn removed(&mut self, bytes: Range<u64>) {
                $(self.$name.removed(bytes.clone());)+
            }

            fn resized(&mut self, in_place: bool, old_bytes: u64, new_bytes: u64) {
                $(self.$name.resized(in_place, old_bytes, new_bytes);)+
            }
        }
    };
}

figures! {
    /// Peaks, overhead, failed requests.
    footprint: FootprintGauge,
    /// Means over the run.
    over_time: OverTimeGauge,
    /// Reallocations.
    realloc: ReallocGauge,
    /// How full the pages are.
    occupancy: OccupancyGauge,
    /// Internal fragmentation, and gaps between objects.
    fragmentation: FragmentationGauge,
    /// Everything over the run, in a fixed number of points.
    timeline: TimelineGauge,
    /// The positions of live bytes in the heap, over the run.
    grid: GridGauge,
}

/// Keeps the state of a replay, and lets a gauge sample it.
#[derive(Debug)]
pub struct Watch<M> {
    heap: HeapRef,
    base: usize,
    state: HeapState,
    pages: Pages,
    metric: M,
}

impl<M: Gauge> Watch<M> {
    /// Watches a replay on this heap, which has no pages yet.
    pub fn new(heap: HeapRef, metric: M) -> Self {
        let state = HeapState { granted_bytes: Some(0), ..HeapState::default() };
        Watch { base: heap.base().addr().get(), pages: Pages::new(heap.page_bytes()), heap, state, metric }
    }

    /// The state after the latest event.
    pub fn state(&self) -> &HeapState {
        &self.state
    }

    /// The gauge, after the replay.
    pub fn into_metric(self) -> M {
        self.metric
    }

    fn offsets(&self, block: LiveBlock, bytes: usize) -> Range<u64> {
        let start = (block.as_ptr().addr().wrapping_sub(self.base)) as u64;
        start..start + bytes as u64
    }

    fn place(&mut self, block: LiveBlock, bytes: usize) {
        let offsets = self.offsets(block, bytes);
        let state = &mut self.state;
        state.live_bytes += bytes as u64;
        state.live_objects += 1;
        state.span_bytes = state.span_bytes.max(offsets.end);
        state.granted_bytes = state.granted_bytes.zip(block.usable_bytes()).map(|(all, new)| all + new as u64);
        if M::READS_PAGES {
            self.pages.change(offsets.clone(), &mut state.pages_by_tenth, |live, more| live + more);
        }
        self.metric.placed(offsets);
    }

    fn remove(&mut self, block: LiveBlock, bytes: usize) {
        let offsets = self.offsets(block, bytes);
        let state = &mut self.state;
        state.live_bytes -= bytes as u64;
        state.live_objects -= 1;
        state.granted_bytes = state.granted_bytes.zip(block.usable_bytes()).map(|(all, old)| all - old as u64);
        if M::READS_PAGES {
            self.pages.change(offsets.clone(), &mut state.pages_by_tenth, |live, less| live - less);
        }
        self.metric.removed(offsets);
    }

    fn refused(&mut self, event: u64, size_bytes: usize, align_bytes: usize) {
        let request = Layout::from_size_align(size_bytes, align_bytes).expect("a trace's sizes are valid layouts");
        self.observe(event);
        self.metric.refused(&self.state, request);
    }

    fn observe(&mut self, event: u64) {
        self.state.event = event;
        self.state.committed_pages = self.heap.committed_pages();
        self.state.committed_bytes = self.heap.committed_bytes() as u64;
        self.state.occupied_pages = self.pages.occupied(&self.state.pages_by_tenth);
    }
}

impl<M: Gauge> Observer for Watch<M> {
    const ASKS_FOR_USABLE_BYTES: bool = true;

    fn allocated(&mut self, event: u64, block: LiveBlock, layout: Layout, _zeroed: bool) -> Flow {
        if block.is_null() {
            self.refused(event, layout.size(), layout.align());
        } else {
            self.place(block, layout.size());
        }
        Flow::Continue(())
    }

    fn deallocating(&mut self, _event: u64, block: LiveBlock, layout: Layout) -> Flow {
        self.remove(block, layout.size());
        Flow::Continue(())
    }

    fn reallocated(&mut self, event: u64, old: LiveBlock, layout: Layout, new: LiveBlock, new_size: usize) -> Flow {
        if new.is_null() {
            self.refused(event, new_size, layout.align());
        } else {
            self.remove(old, layout.size());
            self.place(new, new_size);
            self.metric.resized(old.as_ptr() == new.as_ptr(), layout.size() as u64, new_size as u64);
        }
        Flow::Continue(())
    }

    fn after<A: HeapAllocator>(&mut self, event: u64, allocator: &A) -> Flow {
        self.observe(event);
        self.state.byte_clock.event_over(self.state.live_bytes);
        let HeapState { live_bytes, granted_bytes, span_bytes, committed_bytes, .. } = self.state;
        // A contender that breaks these has also broken a block, which verification catches first.
        debug_assert!(granted_bytes.is_none_or(|granted| (live_bytes..=committed_bytes).contains(&granted)));
        debug_assert!((live_bytes..=committed_bytes).contains(&span_bytes), "event {event}: {:?}", self.state);
        self.metric.sample(&self.state);
        self.metric.inspect(&self.state, allocator);
        Flow::Continue(())
    }
}
