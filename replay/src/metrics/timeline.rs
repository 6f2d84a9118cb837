//! Live and committed over the run, in a fixed number of points.

use std::alloc::Layout;

use allocators::HeapRef;
use reports::results::FootprintPoint;

use crate::engine::{Block, Flow, Observer};

/// Points in a timeline, at most. More than a chart has pixels for is of no use.
pub const MAX_POINTS: u64 = 1000;

/// Footprint over time: a point for each of up to [`MAX_POINTS`] stretches of equal length, with the largest R and H of the stretch, in
/// bytes, so that no peak is lost however long the trace is. The last stretch may be shorter.
///
/// Blind spot: valleys within a stretch.
#[derive(Debug)]
pub struct Timeline {
    heap: HeapRef,
    events_per_point: u64,
    last_event: u64,
    live_bytes: u64,
    points: Vec<FootprintPoint>,
}

impl Timeline {
    /// For a replay of `events` events on this heap.
    pub fn new(heap: HeapRef, events: u64) -> Self {
        let events_per_point = events.div_ceil(MAX_POINTS).max(1);
        Timeline { heap, events_per_point, last_event: events, live_bytes: 0, points: Vec::new() }
    }

    /// The points, in order of events.
    pub fn into_points(self) -> Vec<FootprintPoint> {
        self.points
    }

    fn note(&mut self, event: u64) -> Flow {
        let end = event.next_multiple_of(self.events_per_point).min(self.last_event);
        let (live_bytes, committed_bytes) = (self.live_bytes, self.heap.committed_bytes() as u64);
        match self.points.last_mut() {
            Some(point) if point.event == end => {
                point.live_bytes = point.live_bytes.max(live_bytes);
                point.committed_bytes = point.committed_bytes.max(committed_bytes);
            }
            _ => self.points.push(FootprintPoint { event: end, live_bytes, committed_bytes }),
        }
        Flow::Continue(())
    }
}

impl Observer for Timeline {
    fn allocated(&mut self, event: u64, block: Block, layout: Layout, _zeroed: bool) -> Flow {
        if !block.is_null() {
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
            // The event is not over: the old block is given back.
            return Flow::Continue(());
        }
        self.live_bytes = self.live_bytes - layout.size() as u64 + new_size as u64;
        self.note(event)
    }

    fn absent(&mut self, event: u64) -> Flow {
        self.note(event)
    }
}
