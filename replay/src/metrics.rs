//! Memory figures: each is a file here, and a [`Metric`] that samples the state after every event.
//!
//! The state itself is kept once, by [`Watch`], which is the observer of the replay. Figures are exact: two replays of the same trace,
//! contender and build give the same bits.

pub mod footprint;
pub mod timeline;

use std::alloc::Layout;

use allocators::{HeapRef, PAGE_BYTES};

use crate::engine::{Block, Flow, Observer};

pub use footprint::Footprint;
pub use timeline::Timeline;

/// What holds after an event. Sizes in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The event, counted from 1.
    pub event: u64,
    /// R, requested live: the sum of the sizes of live objects. An object whose request failed is not live.
    pub live_bytes: u64,
    /// H in pages: the pages handed out.
    pub committed_pages: usize,
}

impl State {
    /// H, committed: pages handed out × page size.
    pub fn committed_bytes(&self) -> u64 {
        (self.committed_pages * PAGE_BYTES) as u64
    }
}

/// A figure over a replay.
pub trait Metric {
    /// Takes in the state after an event.
    fn sample(&mut self, state: &State);

    /// Takes in a request that was answered with null, with the state at that moment. The event's `sample` follows.
    fn refused(&mut self, _state: &State, _request: Layout) {}
}

impl<A: Metric, B: Metric> Metric for (A, B) {
    fn sample(&mut self, state: &State) {
        self.0.sample(state);
        self.1.sample(state);
    }

    fn refused(&mut self, state: &State, request: Layout) {
        self.0.refused(state, request);
        self.1.refused(state, request);
    }
}

/// Keeps the state of a replay, and has a metric sample it.
#[derive(Debug)]
pub struct Watch<M> {
    heap: HeapRef,
    state: State,
    metric: M,
}

impl<M: Metric> Watch<M> {
    /// For a replay on this heap, which has no pages yet.
    pub fn new(heap: HeapRef, metric: M) -> Self {
        Watch { heap, state: State::default(), metric }
    }

    /// The metric, after the replay.
    pub fn into_metric(self) -> M {
        self.metric
    }

    /// Ends an event, after which so many bytes are live.
    fn end(&mut self, event: u64, live_bytes: u64) -> Flow {
        self.state = State { event, live_bytes, committed_pages: self.heap.committed_pages() };
        // R ≤ H: an object lies in committed pages. Whoever breaks this has broken a block, too, which verification catches first.
        debug_assert!(live_bytes <= self.state.committed_bytes(), "event {event}: more is live than committed");
        self.metric.sample(&self.state);
        Flow::Continue(())
    }

    fn refused(&mut self, event: u64, request: Layout) {
        self.state = State { event, committed_pages: self.heap.committed_pages(), ..self.state };
        self.metric.refused(&self.state, request);
    }
}

impl<M: Metric> Observer for Watch<M> {
    fn allocated(&mut self, event: u64, block: Block, layout: Layout, _zeroed: bool) -> Flow {
        if block.is_null() {
            self.refused(event, layout);
            return self.absent(event);
        }
        self.end(event, self.state.live_bytes + layout.size() as u64)
    }

    fn deallocating(&mut self, event: u64, _block: Block, layout: Layout) -> Flow {
        self.end(event, self.state.live_bytes - layout.size() as u64)
    }

    fn reallocated(&mut self, event: u64, _old: Block, layout: Layout, new: Block, new_size: usize) -> Flow {
        if new.is_null() {
            let request = Layout::from_size_align(new_size, layout.align()).expect("a trace's sizes make layouts");
            self.refused(event, request);
            // The event is not over: the old block is given back.
            return Flow::Continue(());
        }
        self.end(event, self.state.live_bytes - layout.size() as u64 + new_size as u64)
    }

    fn absent(&mut self, event: u64) -> Flow {
        self.end(event, self.state.live_bytes)
    }
}
