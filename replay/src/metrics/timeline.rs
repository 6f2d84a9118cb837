//! Live and committed over the run, in a fixed number of points.

use reports::results::FootprintPoint;

use super::{Metric, State};

/// Points in a timeline, at most. More than a chart has pixels for is of no use.
pub const MAX_POINTS: u64 = 1000;

/// Footprint over time: a point for each of up to [`MAX_POINTS`] stretches of equal length, with the largest R and H of the stretch, in
/// bytes, so that no peak is lost however long the trace is. The last stretch may be shorter.
///
/// Blind spot: valleys within a stretch.
#[derive(Clone, Debug)]
pub struct Timeline {
    events_per_point: u64,
    last_event: u64,
    points: Vec<FootprintPoint>,
}

impl Timeline {
    /// For a replay of `events` events.
    pub fn new(events: u64) -> Self {
        Timeline { events_per_point: events.div_ceil(MAX_POINTS).max(1), last_event: events, points: Vec::new() }
    }

    /// The points, in order of events.
    pub fn into_points(self) -> Vec<FootprintPoint> {
        self.points
    }
}

impl Metric for Timeline {
    fn sample(&mut self, state: &State) {
        let event = state.event.next_multiple_of(self.events_per_point).min(self.last_event);
        let (live_bytes, committed_bytes) = (state.live_bytes, state.committed_bytes());
        match self.points.last_mut() {
            Some(point) if point.event == event => {
                point.live_bytes = point.live_bytes.max(live_bytes);
                point.committed_bytes = point.committed_bytes.max(committed_bytes);
            }
            _ => self.points.push(FootprintPoint { event, live_bytes, committed_bytes }),
        }
    }
}
