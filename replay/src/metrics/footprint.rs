//! Peak heap, peak live, overhead, Johnstone and Wilson's fourth measure, and requests that failed.

use std::alloc::Layout;

use allocators::PAGE_BYTES;
use reports::results::FailedRequest;

use super::{Metric, State};

/// Footprint figures of one replay.
///
/// - Peak heap: max H, with the event after which it was *first* reached (the heap never shrinks, so there is a plateau).
/// - Overhead: max H / max R. Johnstone and Wilson's #4: the same as (ratio − 1) in per cent. Range: at least 1, and at least 0.
///
/// Blind spot: pages that are committed but never written to count like any other; residency tells them apart. Source: Johnstone and
/// Wilson, "The memory fragmentation problem: solved?", ISMM 1998.
#[derive(Clone, Debug, Default)]
pub struct Footprint {
    peak_live_bytes: u64,
    peak_heap_pages: usize,
    peak_heap_event: u64,
    failed_requests: u64,
    first_failure: Option<FailedRequest>,
}

impl Footprint {
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
}

impl Metric for Footprint {
    fn sample(&mut self, state: &State) {
        self.peak_live_bytes = self.peak_live_bytes.max(state.live_bytes);
        if state.committed_pages > self.peak_heap_pages {
            (self.peak_heap_pages, self.peak_heap_event) = (state.committed_pages, state.event);
        }
    }

    fn refused(&mut self, state: &State, request: Layout) {
        self.failed_requests += 1;
        self.first_failure.get_or_insert_with(|| FailedRequest {
            event: state.event,
            size_bytes: request.size() as u64,
            align_bytes: request.align() as u64,
            heap_pages: state.committed_pages as u64,
            live_bytes: state.live_bytes,
        });
    }
}
