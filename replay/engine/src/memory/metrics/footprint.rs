//! Peak heap, span and live, overhead, Johnstone and Wilson's fourth measure, and failed requests.

use std::alloc::Layout;

use heaprace_reports::results::FailedRequest;

use super::gauge::{Gauge, HeapState, Setting, ratio};

/// The footprint figures of a replay.
///
/// - Peak heap: max H, with the event after which it was *first* reached (the heap never shrinks, so there is a
///   plateau).
/// - Peak span: max S, which is what an arena would have needed.
/// - Overhead: max H / max R. Johnstone and Wilson's #4 is the same figure as (ratio − 1) in per cent. Range: at least
///   1 and at least 0, respectively.
///
/// Blind spot: pages that are committed but never written to count like any other; residency distinguishes them.
/// Source: Johnstone and Wilson, "The memory fragmentation problem: solved?", ISMM 1998.
#[derive(Clone, Debug, Default)]
pub struct FootprintGauge {
    /// The most live bytes in this replay: max R.
    pub peak_live_bytes: u64,
    /// Max S.
    pub peak_span_bytes: u64,
    /// Max H, in pages.
    pub peak_heap_pages: u64,
    /// Max H.
    pub peak_heap_bytes: u64,
    /// The event after which max H was first reached, counted from 1.
    pub peak_heap_event: u64,
    /// Requests answered with null.
    pub failed_requests: u64,
    /// The first failed request.
    pub first_failure: Option<FailedRequest>,
}

impl FootprintGauge {
    /// Before the first event.
    pub fn new(_setting: &Setting) -> Self {
        Self::default()
    }

    /// Max H / max R, or `None` if nothing was ever live.
    pub fn overhead_ratio(&self) -> Option<f64> {
        ratio(self.peak_heap_bytes, self.peak_live_bytes)
    }

    /// Johnstone and Wilson's #4: (max H / max R − 1) in per cent, or `None` if nothing was ever live.
    pub fn johnstone_wilson_4_percent(&self) -> Option<f64> {
        let waste_bytes = self.peak_heap_bytes.saturating_sub(self.peak_live_bytes);
        Some(ratio(waste_bytes, self.peak_live_bytes)? * 100.0)
    }
}

impl Gauge for FootprintGauge {
    fn sample(&mut self, state: &HeapState) {
        self.peak_live_bytes = self.peak_live_bytes.max(state.live_bytes);
        self.peak_span_bytes = state.span_bytes;
        if state.committed_bytes > self.peak_heap_bytes {
            self.peak_heap_pages = state.committed_pages as u64;
            (self.peak_heap_bytes, self.peak_heap_event) = (state.committed_bytes, state.event);
        }
    }

    fn refused(&mut self, state: &HeapState, request: Layout) {
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
