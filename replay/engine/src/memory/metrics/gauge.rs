//! A figure over a replay, and the heap state that it samples.

use std::alloc::Layout;
use std::ops::Range;

use heaprace_allocators::HeapAllocator;
use heaprace_traces::Profile;

use super::byte_clock::ByteClock;
use super::pages::PagesByTenth;

/// The state after an event. Sizes are in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeapState {
    /// The event, counted from 1. This is the clock of events: every event counts, including those whose request fails
    /// or whose object is absent.
    pub event: u64,
    /// The clock of bytes. Within an event whose request failed, it is still that of the event before.
    pub byte_clock: ByteClock,
    /// R, requested live: the sum of the sizes of live objects. An object whose request failed is not live.
    pub live_bytes: u64,
    /// Live objects.
    pub live_objects: u64,
    /// G, granted live: the sum of the usable sizes of live blocks, if the contender knows them.
    pub granted_bytes: Option<u64>,
    /// S, span: from the heap's base to the end of the highest byte that any live object has had so far.
    pub span_bytes: u64,
    /// H, committed: pages handed out × page size.
    pub committed_bytes: u64,
    /// H in pages.
    pub committed_pages: usize,
    /// Pages with a live byte.
    pub occupied_pages: u64,
    /// The pages that any live object has ever reached, by their share of live bytes.
    pub pages_by_tenth: PagesByTenth,
}

/// Facts known before a replay.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Totals of the trace's requests.
    pub profile: Profile,
    /// Bytes in a page of the heap.
    pub page_bytes: usize,
}

/// A figure over a replay.
pub trait Gauge {
    /// Whether it reads what the state says about pages; if not, they are not counted.
    const READS_PAGES: bool = true;

    /// Samples the state after an event.
    fn sample(&mut self, state: &HeapState);

    /// Records a failed request, with the state at that moment. The event's `sample` follows.
    fn refused(&mut self, _state: &HeapState, _request: Layout) {}

    /// Inspects the contender, too, after `sample`.
    fn inspect<A: HeapAllocator>(&mut self, _state: &HeapState, _allocator: &A) {}

    /// Records that bytes of the heap, as offsets from its base, now belong to a live object. The event's `sample`
    /// follows.
    fn placed(&mut self, _bytes: Range<u64>) {}

    /// Records that they no longer do.
    fn removed(&mut self, _bytes: Range<u64>) {}

    /// Records that a live block was resized, in place or by moving. `placed` and `removed` have been called for it.
    fn resized(&mut self, _in_place: bool, _old_bytes: u64, _new_bytes: u64) {}
}

/// Two gauges in one replay.
impl<A: Gauge, B: Gauge> Gauge for (A, B) {
    const READS_PAGES: bool = A::READS_PAGES || B::READS_PAGES;

    fn sample(&mut self, state: &HeapState) {
        self.0.sample(state);
        self.1.sample(state);
    }

    fn refused(&mut self, state: &HeapState, request: Layout) {
        self.0.refused(state, request);
        self.1.refused(state, request);
    }

    fn inspect<C: HeapAllocator>(&mut self, state: &HeapState, allocator: &C) {
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

/// `part` / `whole`, or `None` if the whole is 0.
pub(super) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
