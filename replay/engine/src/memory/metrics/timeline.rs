//! Live, span, committed and occupied over the run, in a fixed number of points.

use heaprace_reports::results::FootprintPoint;

use super::gauge::{Gauge, HeapState, Setting};

/// Maximum points in a timeline. More points than a chart has pixels are useless.
pub const MAX_POINTS: u64 = 1000;

/// The footprint over time: a point for each of up to [`MAX_POINTS`] stretches of equal numbers of events, with the
/// largest R, S and H of the stretch, the most pages with a live byte, and the number of times that the heap grew. No
/// peak is lost however long the trace is. A point also has its end on the [clock of bytes](super::ByteClock), so
/// either clock can be the time axis. The last stretch may be shorter.
///
/// Blind spot: valleys within a stretch.
#[derive(Clone, Debug)]
pub struct TimelineGauge {
    events_per_point: u64,
    last_event: u64,
    committed_bytes: u64,
    /// The last event of the latest point.
    point_end: u64,
    points: Vec<FootprintPoint>,
}

impl TimelineGauge {
    /// Before the first event.
    pub fn new(setting: &Setting) -> Self {
        let events = setting.profile.events();
        TimelineGauge {
            events_per_point: events.div_ceil(MAX_POINTS).max(1),
            last_event: events,
            committed_bytes: 0,
            point_end: 0,
            points: Vec::new(),
        }
    }

    /// The points, in event order.
    pub fn into_points(self) -> Vec<FootprintPoint> {
        self.points
    }
}

impl Gauge for TimelineGauge {
    fn sample(&mut self, state: &HeapState) {
        if state.event > self.point_end {
            let event = state.event.next_multiple_of(self.events_per_point).min(self.last_event);
            self.point_end = event;
            self.points.push(FootprintPoint { event, ..FootprintPoint::default() });
        }
        let Some(point) = self.points.last_mut() else { return };
        point.requested_bytes = state.byte_clock.total_bytes();
        point.live_bytes = point.live_bytes.max(state.live_bytes);
        point.span_bytes = state.span_bytes;
        point.committed_bytes = state.committed_bytes;
        point.occupied_pages = point.occupied_pages.max(state.occupied_pages);
        point.grow_events += u64::from(state.committed_bytes > self.committed_bytes);
        self.committed_bytes = state.committed_bytes;
    }
}
