//! Memory figures: each is a file here, and a [`Metric`] that samples the state after every event.
//!
//! The state itself is kept once, by [`Watch`], which is the observer of the replay. Figures are exact: two replays of the same trace,
//! contender and build give the same bits. METRICS.md in the root of the repository has their definitions, blind spots and sources.
//!
//! A new metric is a new file and a line in [`Figures`]; what it finds goes into [`heaprace_reports::results::Memory`].

pub mod byte_clock;
pub mod footprint;
pub mod fragmentation;
pub mod grid;
pub mod occupancy;
pub mod over_time;
pub mod realloc;
pub mod snapshot;
pub mod split;
mod strip;
pub mod timeline;

use std::alloc::Layout;
use std::ops::Range;

use heaprace_allocators::{HeapAllocator, HeapRef};
use heaprace_traces::Profile;

use self::occupancy::{Pages, PagesByTenth};
use crate::engine::{Block, Flow, Observer};

pub use byte_clock::ByteClock;
pub use footprint::Footprint;
pub use fragmentation::Fragmentation;
pub use grid::Grid;
pub use occupancy::Occupancy;
pub use over_time::OverTime;
pub use realloc::Realloc;
pub use snapshot::{Instant, Snapshot, Snapshots};
pub use split::Splits;
pub use timeline::Timeline;

/// What holds after an event. Sizes in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The event, counted from 1. This is the clock of events: every event counts, also one whose request fails or whose object is absent.
    pub event: u64,
    /// The clock of bytes. Within an event, where a request was refused, it is still that of the event before.
    pub byte_clock: ByteClock,
    /// R, requested live: the sum of the sizes of live objects. An object whose request failed is not live.
    pub live_bytes: u64,
    /// Live objects.
    pub live_objects: u64,
    /// G, granted live: the sum of the usable sizes of live blocks, where the contender can tell them.
    pub granted_bytes: Option<u64>,
    /// S, span: from the heap's base to the end of the highest byte that any live object has had so far.
    pub span_bytes: u64,
    /// H, committed: pages handed out × page size.
    pub committed_bytes: u64,
    /// H in pages.
    pub committed_pages: usize,
    /// The pages that any live object has ever reached, by how full of live bytes they are.
    pub pages_by_tenth: PagesByTenth,
}

impl State {
    /// Pages that hold a live byte.
    pub fn occupied_pages(&self) -> u64 {
        self.pages_by_tenth[1..].iter().sum()
    }
}

/// What is known before a replay.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// What the trace asks for in sum.
    pub profile: Profile,
    /// Bytes in a page of the heap.
    pub page_bytes: usize,
}

/// A figure over a replay.
pub trait Metric {
    /// Takes in the state after an event.
    fn sample(&mut self, state: &State);

    /// Takes in a request that was answered with null, with the state at that moment. The event's `sample` follows.
    fn refused(&mut self, _state: &State, _request: Layout) {}

    /// Takes in the contender too, after `sample`.
    fn inspect<A: HeapAllocator>(&mut self, _state: &State, _allocator: &A) {}

    /// Bytes of the heap, as offsets from its base, now belong to a live object. The event's `sample` follows.
    fn placed(&mut self, _bytes: Range<u64>) {}

    /// They no longer do.
    fn removed(&mut self, _bytes: Range<u64>) {}

    /// A live block was resized, in place or by moving. `placed` and `removed` have been called for it.
    fn resized(&mut self, _in_place: bool, _old_bytes: u64, _new_bytes: u64) {}
}

/// Two metrics in one replay.
impl<A: Metric, B: Metric> Metric for (A, B) {
    fn sample(&mut self, state: &State) {
        self.0.sample(state);
        self.1.sample(state);
    }

    fn refused(&mut self, state: &State, request: Layout) {
        self.0.refused(state, request);
        self.1.refused(state, request);
    }

    fn inspect<C: HeapAllocator>(&mut self, state: &State, allocator: &C) {
        self.0.inspect(state, allocator);
        self.1.inspect(state, allocator);
    }

    fn placed(&mut self, bytes: Range<u64>) {
        self.0.placed(bytes.clone());
        self.1.placed(bytes);
    }

    fn removed(&mut self, bytes: Range<u64>) {
        self.0.removed(bytes.clone());
        self.1.removed(bytes);
    }

    fn resized(&mut self, in_place: bool, old_bytes: u64, new_bytes: u64) {
        self.0.resized(in_place, old_bytes, new_bytes);
        self.1.resized(in_place, old_bytes, new_bytes);
    }
}

/// Makes a metric of all that are listed: each sees everything, in this order.
macro_rules! figures {
    ($($(#[$doc:meta])* $name:ident: $metric:ty,)+) => {
        /// All metrics of a replay.
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

        impl Metric for Figures {
            fn sample(&mut self, state: &State) {
                $(self.$name.sample(state);)+
            }

            fn refused(&mut self, state: &State, request: Layout) {
                $(self.$name.refused(state, request);)+
            }

            fn inspect<A: HeapAllocator>(&mut self, state: &State, allocator: &A) {
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
    footprint: Footprint,
    /// Means over the run.
    over_time: OverTime,
    /// Reallocations.
    realloc: Realloc,
    /// How full the pages are.
    occupancy: Occupancy,
    /// Rounding, and gaps between objects.
    fragmentation: Fragmentation,
    /// All of it over the run, in a fixed number of points.
    timeline: Timeline,
    /// Where in the heap live bytes are, over the run.
    grid: Grid,
}

/// Keeps the state of a replay, and has a metric sample it.
#[derive(Debug)]
pub struct Watch<M> {
    heap: HeapRef,
    base: usize,
    state: State,
    pages: Pages,
    metric: M,
}

impl<M: Metric> Watch<M> {
    /// For a replay on this heap, which has no pages yet.
    pub fn new(heap: HeapRef, metric: M) -> Self {
        let state = State { granted_bytes: Some(0), ..State::default() };
        Watch { base: heap.base().addr().get(), pages: Pages::new(heap.page_bytes()), heap, state, metric }
    }

    /// The metric, after the replay.
    pub fn into_metric(self) -> M {
        self.metric
    }

    fn offsets(&self, block: Block, bytes: usize) -> Range<u64> {
        let start = (block.as_ptr().addr().wrapping_sub(self.base)) as u64;
        start..start + bytes as u64
    }

    fn place(&mut self, block: Block, bytes: usize) {
        let offsets = self.offsets(block, bytes);
        let state = &mut self.state;
        state.live_bytes += bytes as u64;
        state.live_objects += 1;
        state.span_bytes = state.span_bytes.max(offsets.end);
        state.granted_bytes = state.granted_bytes.zip(block.usable_bytes()).map(|(all, new)| all + new as u64);
        self.pages.change(offsets.clone(), &mut state.pages_by_tenth, |live, more| live + more);
        self.metric.placed(offsets);
    }

    fn remove(&mut self, block: Block, bytes: usize) {
        let offsets = self.offsets(block, bytes);
        let state = &mut self.state;
        state.live_bytes -= bytes as u64;
        state.live_objects -= 1;
        state.granted_bytes = state.granted_bytes.zip(block.usable_bytes()).map(|(all, old)| all - old as u64);
        self.pages.change(offsets.clone(), &mut state.pages_by_tenth, |live, less| live - less);
        self.metric.removed(offsets);
    }

    fn refused(&mut self, event: u64, size_bytes: usize, align_bytes: usize) {
        let request = Layout::from_size_align(size_bytes, align_bytes).expect("a trace's sizes make layouts");
        self.observe(event);
        self.metric.refused(&self.state, request);
    }

    fn observe(&mut self, event: u64) {
        self.state.event = event;
        self.state.committed_pages = self.heap.committed_pages();
        self.state.committed_bytes = self.heap.committed_bytes() as u64;
    }
}

impl<M: Metric> Observer for Watch<M> {
    const ASKS_FOR_USABLE_BYTES: bool = true;

    fn allocated(&mut self, event: u64, block: Block, layout: Layout, _zeroed: bool) -> Flow {
        if block.is_null() {
            self.refused(event, layout.size(), layout.align());
        } else {
            self.place(block, layout.size());
        }
        Flow::Continue(())
    }

    fn deallocating(&mut self, _event: u64, block: Block, layout: Layout) -> Flow {
        self.remove(block, layout.size());
        Flow::Continue(())
    }

    fn reallocated(&mut self, event: u64, old: Block, layout: Layout, new: Block, new_size: usize) -> Flow {
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
        let State { live_bytes, granted_bytes, span_bytes, committed_bytes, .. } = self.state;
        // Whoever breaks these has broken a block, too, which verification catches first.
        debug_assert!(granted_bytes.is_none_or(|granted| (live_bytes..=committed_bytes).contains(&granted)));
        debug_assert!((live_bytes..=committed_bytes).contains(&span_bytes), "event {event}: {:?}", self.state);
        self.metric.sample(&self.state);
        self.metric.inspect(&self.state, allocator);
        Flow::Continue(())
    }
}

/// `part` of `whole`, or `None` where the whole is nothing.
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
