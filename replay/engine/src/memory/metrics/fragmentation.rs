//! The difference between requested and committed: internal fragmentation of blocks, and gaps between them.

use heaprace_reports::results::{Fragmentation as Figures, FragmentationAt};

use super::gauge::{Gauge, HeapState, Setting, ratio};

/// Internal fragmentation, (G − R) / G, if the contender knows G, and the share of the span without live objects, (S −
/// R) / S, at the first instant of max R and at the first of max H.
///
/// Blind spot: free lists, caches and metadata are invisible from outside, so the gaps are an upper bound on free space
/// within the span.
#[derive(Clone, Debug, Default)]
pub struct FragmentationGauge {
    at_peak_live: HeapState,
    at_peak_heap: HeapState,
}

impl FragmentationGauge {
    /// Before the first event.
    pub fn new(_setting: &Setting) -> Self {
        Self::default()
    }

    /// The figures, after the replay.
    pub fn figures(&self) -> Figures {
        Figures { at_peak_live: figures_of(&self.at_peak_live), at_peak_heap: figures_of(&self.at_peak_heap) }
    }
}

fn figures_of(state: &HeapState) -> FragmentationAt {
    let HeapState { event, live_bytes, span_bytes, granted_bytes, .. } = *state;
    FragmentationAt {
        event,
        live_bytes,
        granted_bytes,
        span_bytes,
        internal_share: granted_bytes.and_then(|granted| ratio(granted - live_bytes, granted)),
        gap_share: ratio(span_bytes - live_bytes, span_bytes),
    }
}

impl Gauge for FragmentationGauge {
    fn sample(&mut self, state: &HeapState) {
        if state.live_bytes > self.at_peak_live.live_bytes {
            self.at_peak_live = *state;
        }
        if state.committed_bytes > self.at_peak_heap.committed_bytes {
            self.at_peak_heap = *state;
        }
    }
}
