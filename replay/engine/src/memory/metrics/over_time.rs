//! Means over the run: Johnstone and Wilson's measures #1 to #3.

use heaprace_reports::results::JohnstoneWilson;

use super::gauge::{Gauge, HeapState, Setting};

/// Committed over live, H / R, over the run.
///
/// There are two clocks: [bytes requested](super::ByteClock), which measure a program's own work, and events. The state
/// after an event is weighted by how far the event advances the clock. By bytes requested, deallocations and failed
/// requests weigh nothing. Both start when R first reaches 1 % of the trace's max R; before that, the first page of any
/// contender would be hundreds of times the live bytes. States without live bytes have no ratio, and weigh nothing in a
/// mean of ratios.
///
/// Johnstone and Wilson (ISMM 1998) define "the amount of memory used by the allocator relative to the amount of memory
/// requested by the program, averaged across all points in time". That can mean the mean of ratios or the ratio of
/// means, so both are given.
#[derive(Clone, Debug)]
pub struct OverTimeGauge {
    /// Live bytes at which counting starts.
    threshold_bytes: u64,
    started: bool,
    by_bytes: Mean,
    by_events: Mean,
    /// H and R at the first instant of max R, and at the first of max H.
    at_peak_live: (u64, u64),
    at_peak_heap: (u64, u64),
}

/// Weighted sums over one clock. The integers are exact for any trace.
#[derive(Clone, Debug, Default)]
struct Mean {
    ratios: f64,
    /// The weight of the states that have a ratio.
    weight: u64,
    committed: u128,
    live: u128,
}

impl Mean {
    /// `ratio` is H / R, if there is one.
    fn add(&mut self, state: &HeapState, ratio: Option<f64>, weight: u64) {
        if let Some(ratio) = ratio {
            self.ratios += ratio * weight as f64;
            self.weight += weight;
        }
        self.committed += u128::from(state.committed_bytes) * u128::from(weight);
        self.live += u128::from(state.live_bytes) * u128::from(weight);
    }

    fn of_ratios_percent(&self) -> Option<f64> {
        (self.weight > 0).then(|| (self.ratios / self.weight as f64 - 1.0) * 100.0)
    }

    fn ratio_of_means_percent(&self) -> Option<f64> {
        (self.live > 0).then(|| (self.committed as f64 / self.live as f64 - 1.0) * 100.0)
    }
}

impl OverTimeGauge {
    /// Before the first event.
    pub fn new(setting: &Setting) -> Self {
        OverTimeGauge {
            threshold_bytes: setting.profile.peak_live_bytes.div_ceil(100),
            started: false,
            by_bytes: Mean::default(),
            by_events: Mean::default(),
            at_peak_live: (0, 0),
            at_peak_heap: (0, 0),
        }
    }

    /// The measures, after the replay.
    pub fn figures(&self) -> JohnstoneWilson {
        let percent =
            |(committed, live): (u64, u64)| (live > 0).then(|| (committed as f64 / live as f64 - 1.0) * 100.0);
        JohnstoneWilson {
            mean_of_ratios_by_bytes_percent: self.by_bytes.of_ratios_percent(),
            mean_of_ratios_by_events_percent: self.by_events.of_ratios_percent(),
            ratio_of_means_by_bytes_percent: self.by_bytes.ratio_of_means_percent(),
            ratio_of_means_by_events_percent: self.by_events.ratio_of_means_percent(),
            at_peak_live_percent: percent(self.at_peak_live),
            at_peak_heap_percent: percent(self.at_peak_heap),
        }
    }
}

impl Gauge for OverTimeGauge {
    fn sample(&mut self, state: &HeapState) {
        let HeapState { live_bytes, committed_bytes, byte_clock, .. } = *state;
        self.started |= live_bytes >= self.threshold_bytes;
        if self.started {
            let ratio = (live_bytes > 0).then(|| committed_bytes as f64 / live_bytes as f64);
            if byte_clock.event_bytes() > 0 {
                self.by_bytes.add(state, ratio, byte_clock.event_bytes());
            }
            self.by_events.add(state, ratio, 1);
        }
        if live_bytes > self.at_peak_live.1 {
            self.at_peak_live = (committed_bytes, live_bytes);
        }
        if committed_bytes > self.at_peak_heap.0 {
            self.at_peak_heap = (committed_bytes, live_bytes);
        }
    }
}
