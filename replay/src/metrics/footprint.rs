//! Peak heap, peak live, overhead, Johnstone and Wilson's fourth measure, and requests that failed.

use std::alloc::Layout;

use allocators::{HeapRef, PAGE_BYTES};
use reports::results::FailedRequest;

use crate::engine::{Block, Flow, Observer};

/// Footprint figures of one replay.
///
/// - **H**, committed: pages handed out × page size, bytes. **R**, requested live: sum of the sizes of live objects, bytes; an object whose
///   request failed is not live.
/// - Peak heap: max H, with the event at which it was *first* reached (the heap never shrinks, so there is a plateau).
/// - Overhead: max H / max R. Johnstone and Wilson's #4: the same as (ratio − 1) in per cent. Range: at least 1, and at least 0.
///
/// Blind spot: pages that are committed but never written to count like any other; residency tells them apart. Source: Johnstone and
/// Wilson, "The memory fragmentation problem: solved?", ISMM 1998.
#[derive(Debug)]
pub struct Footprint {
    heap: HeapRef,
    live_bytes: u64,
    peak_live_bytes: u64,
    peak_heap_pages: usize,
    peak_heap_event: u64,
    failed_requests: u64,
    first_failure: Option<FailedRequest>,
}

impl Footprint {
    /// For a replay on this heap, which has no pages yet.
    pub fn new(heap: HeapRef) -> Self {
        Footprint {
            heap,
            live_bytes: 0,
            peak_live_bytes: 0,
            peak_heap_pages: 0,
            peak_heap_event: 0,
            failed_requests: 0,
            first_failure: None,
        }
    }

    /// R now, in bytes.
    pub fn live_bytes(&self) -> u64 {
        self.live_bytes
    }

    /// Max H, in pages.
    pub fn peak_heap_pages(&self) -> u64 {
        self.peak_heap_pages as u64
    }

    /// Max H, in bytes.
    pub fn peak_heap_bytes(&self) -> u64 {
        (self.peak_heap_pages * PAGE_BYTES) as u64
    }

    /// The event after which max H was first reached, counted from 1.
    pub fn peak_heap_event(&self) -> u64 {
        self.peak_heap_event
    }

    /// Max H / max R, or `None` where nothing was ever live.
    pub fn overhead_ratio(&self) -> Option<f64> {
        (self.peak_live_bytes > 0).then(|| self.peak_heap_bytes() as f64 / self.peak_live_bytes as f64)
    }

    /// Johnstone and Wilson's #4: (max H / max R − 1) in per cent, or `None` where nothing was ever live.
    pub fn johnstone_wilson_4_percent(&self) -> Option<f64> {
        let waste_bytes = self.peak_heap_bytes().saturating_sub(self.peak_live_bytes);
        (self.peak_live_bytes > 0).then(|| waste_bytes as f64 / self.peak_live_bytes as f64 * 100.0)
    }

    /// Requests answered with null.
    pub fn failed_requests(&self) -> u64 {
        self.failed_requests
    }

    /// The first of them.
    pub fn first_failure(&self) -> Option<&FailedRequest> {
        self.first_failure.as_ref()
    }

    fn note(&mut self, event: u64) -> Flow {
        self.peak_live_bytes = self.peak_live_bytes.max(self.live_bytes);
        let pages = self.heap.committed_pages();
        if pages > self.peak_heap_pages {
            (self.peak_heap_pages, self.peak_heap_event) = (pages, event);
        }
        // R ≤ H: an object lies in committed pages. Whoever breaks this has broken a block, too, which verification catches first.
        debug_assert!(self.live_bytes <= (pages * PAGE_BYTES) as u64, "event {event}: more is live than committed");
        Flow::Continue(())
    }

    fn note_failure(&mut self, event: u64, layout: Layout) {
        self.failed_requests += 1;
        self.first_failure.get_or_insert_with(|| FailedRequest {
            event,
            size_bytes: layout.size() as u64,
            align_bytes: layout.align() as u64,
            heap_pages: self.heap.committed_pages() as u64,
            live_bytes: self.live_bytes,
        });
    }
}

impl Observer for Footprint {
    fn allocated(&mut self, event: u64, block: Block, layout: Layout, _zeroed: bool) -> Flow {
        if block.is_null() {
            self.note_failure(event, layout);
        } else {
            self.live_bytes += layout.size() as u64;
        }
        self.note(event)
    }

    fn deallocating(&mut self, event: u64, _block: Block, layout: Layout) -> Flow {
        self.live_bytes -= layout.size() as u64;
        self.note(event)
    }

    fn reallocated(&mut self, event: u64, _old: Block, layout: Layout, new: Block, new_size: usize) -> Flow {
        if new.is_null() {
            let wanted = Layout::from_size_align(new_size, layout.align()).expect("a trace's sizes make layouts");
            self.note_failure(event, wanted);
            // The event is not over: the old block is given back.
            return Flow::Continue(());
        }
        self.live_bytes = self.live_bytes - layout.size() as u64 + new_size as u64;
        self.note(event)
    }
}
