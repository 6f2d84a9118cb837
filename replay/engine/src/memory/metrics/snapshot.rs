//! The position of every live object at chosen events.

use std::ops::Range;

use heaprace_reports::results::{Gaps, GapsAt, Moment, Strip};
use heaprace_traces::IdMap;

use super::gaps::gaps;
use super::gauge::{Gauge, HeapState};
use super::instant::{Instant, PlacedObject, next_after};
use super::strip;

/// All live objects at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The instant.
    pub instant: Instant,
    /// The instant is after this event, counted from 1.
    pub event: u64,
    /// In address order.
    pub objects: Vec<PlacedObject>,
}

/// Records the positions of all live objects at chosen events: as a strip and as gaps, which are a few numbers, or as a
/// list of every object.
///
/// It stores all live objects by address, so it needs memory that the other metrics do not.
#[derive(Debug)]
pub struct SnapshotGauge {
    part_bytes: u64,
    limit_bytes: u64,
    strips_at: Vec<(Moment, u64)>,
    lists_at: Vec<(Instant, u64)>,
    /// The next event of them.
    next_event: Option<u64>,
    /// Size and event, by offset.
    live: IdMap<(u64, u64)>,
    /// Offset, size and event of the bytes removed in this event.
    removed: Option<(u64, u64, u64)>,
    /// Events so far.
    events: u64,
    strips: Vec<Strip>,
    gaps: Gaps,
    lists: Vec<Snapshot>,
}

/// What [`SnapshotGauge`] has taken.
#[derive(Debug)]
pub struct Taken {
    /// In the order of the request.
    pub strips: Vec<Strip>,
    /// At the same instants.
    pub gaps: Gaps,
    /// In event order.
    pub lists: Vec<Snapshot>,
}

impl SnapshotGauge {
    /// Takes strips and lists at these events, counted from 1. `peak_heap_bytes` is the heap's peak, and `limit_bytes` its
    /// limit.
    pub fn new(
        peak_heap_bytes: u64,
        limit_bytes: u64,
        strips_at: Vec<(Moment, u64)>,
        lists_at: Vec<(Instant, u64)>,
    ) -> Self {
        let next_event = next_after(0, &strips_at, &lists_at);
        SnapshotGauge {
            next_event,
            part_bytes: strip::part_bytes(peak_heap_bytes),
            limit_bytes,
            strips_at,
            lists_at,
            live: IdMap::default(),
            removed: None,
            events: 0,
            strips: Vec::new(),
            gaps: Gaps::default(),
            lists: Vec::new(),
        }
    }

    /// What was taken.
    pub fn into_taken(mut self) -> Taken {
        self.strips.sort_by_key(|strip| self.strips_at.iter().position(|&(moment, _)| moment == strip.at));
        self.lists.sort_by_key(|list| list.event);
        Taken { strips: self.strips, gaps: self.gaps, lists: self.lists }
    }

    fn gaps_at(&mut self, moment: Moment) -> &mut GapsAt {
        match moment {
            Moment::PeakLive => &mut self.gaps.at_peak_live,
            Moment::PeakHeap => &mut self.gaps.at_peak_heap,
            Moment::End => &mut self.gaps.at_end,
        }
    }

    /// Takes what is wanted at this event, at which these objects are live.
    pub(crate) fn take(&mut self, state: &HeapState, mut objects: Vec<PlacedObject>) {
        objects.sort_unstable_by_key(|object| object.offset_bytes);
        let is_now = |&event: &u64| event == state.event;
        for (moment, _) in self.strips_at.clone().into_iter().filter(|(_, event)| is_now(event)) {
            self.strips.push(strip::strip(moment, state, self.part_bytes, objects.iter().copied()));
            *self.gaps_at(moment) = gaps(state, self.limit_bytes, &objects);
        }
        for &(instant, _) in self.lists_at.iter().filter(|(_, event)| is_now(event)) {
            self.lists.push(Snapshot { instant, event: state.event, objects: objects.clone() });
        }
    }

    /// All live objects, unordered.
    fn objects(&self) -> impl Iterator<Item = PlacedObject> {
        self.live.iter().map(|(&offset_bytes, &(size_bytes, since_event))| PlacedObject {
            offset_bytes,
            size_bytes,
            since_event,
        })
    }
}

impl Gauge for SnapshotGauge {
    const READS_PAGES: bool = false;

    fn placed(&mut self, bytes: Range<u64>) {
        let size_bytes = bytes.end - bytes.start;
        // An in-place realloc to the same size does not change the object's age.
        let since = match self.removed {
            Some((offset, size, since)) if (offset, size) == (bytes.start, size_bytes) => since,
            _ => self.events + 1,
        };
        self.live.insert(bytes.start, (size_bytes, since));
    }

    fn removed(&mut self, bytes: Range<u64>) {
        self.removed = self.live.remove(&bytes.start).map(|(size_bytes, since)| (bytes.start, size_bytes, since));
    }

    fn sample(&mut self, state: &HeapState) {
        self.removed = None;
        self.events = state.event;
        if self.next_event == Some(state.event) {
            self.next_event = next_after(state.event, &self.strips_at, &self.lists_at);
            self.take(state, self.objects().collect());
        }
    }
}
