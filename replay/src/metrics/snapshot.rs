//! Where every live object lies at chosen events.

use std::ops::Range;

use heaprace_reports::results::{Moment, Strip};
use heaprace_traces::IdMap;

use super::{Metric, State, strip};

/// An event worth a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Instant {
    /// One that every run has.
    At(Moment),
    /// This event, counted from 1.
    Event(u64),
}

impl Instant {
    /// As it stands in results and on the command line.
    pub fn name(self) -> String {
        match self {
            Instant::At(moment) => moment.name().to_owned(),
            Instant::Event(event) => event.to_string(),
        }
    }

    /// The instant of this name; `None` where there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        let event = || name.parse().ok().filter(|&event| event > 0).map(Instant::Event);
        Moment::named(name).map(Instant::At).or_else(event)
    }
}

/// All live objects at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Which instant.
    pub instant: Instant,
    /// After this event, counted from 1.
    pub event: u64,
    /// In the order of their addresses.
    pub objects: Vec<PlacedObject>,
}

/// Where an object lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacedObject {
    /// Its first byte, from the heap's base.
    pub offset_bytes: u64,
    /// Its size.
    pub size_bytes: u64,
    /// The event that put it there in this size: its allocation, or its latest reallocation.
    pub since_event: u64,
}

/// Looks at where all live objects lie at chosen events: for a strip, which is a few numbers, or for a list of every object.
///
/// It keeps all live objects by their address, so it costs memory that the other metrics do not.
#[derive(Debug)]
pub struct Snapshots {
    part_bytes: u64,
    strips_at: Vec<(Moment, u64)>,
    lists_at: Vec<(Instant, u64)>,
    /// Size and event, by offset.
    live: IdMap<(u64, u64)>,
    /// Offset, size and event of what was removed in this event.
    removed: Option<(u64, u64, u64)>,
    /// Events so far.
    events: u64,
    strips: Vec<Strip>,
    lists: Vec<Snapshot>,
}

impl Snapshots {
    /// Strips and lists at these events, counted from 1. `peak_heap_bytes` is the most that the heap will have.
    pub fn new(peak_heap_bytes: u64, strips_at: Vec<(Moment, u64)>, lists_at: Vec<(Instant, u64)>) -> Self {
        Snapshots {
            part_bytes: strip::part_bytes(peak_heap_bytes),
            strips_at,
            lists_at,
            live: IdMap::default(),
            removed: None,
            events: 0,
            strips: Vec::new(),
            lists: Vec::new(),
        }
    }

    /// The strips, in the order in which they were asked for, and the lists, in the order of events.
    pub fn into_taken(mut self) -> (Vec<Strip>, Vec<Snapshot>) {
        self.strips.sort_by_key(|strip| self.strips_at.iter().position(|&(moment, _)| moment == strip.at));
        (self.strips, self.lists)
    }

    /// In no order.
    fn objects(&self) -> impl Iterator<Item = PlacedObject> {
        self.live.iter().map(|(&offset_bytes, &(size_bytes, since_event))| PlacedObject {
            offset_bytes,
            size_bytes,
            since_event,
        })
    }
}

impl Metric for Snapshots {
    fn placed(&mut self, bytes: Range<u64>) {
        let size_bytes = bytes.end - bytes.start;
        // A realloc to the size that it has, in place, leaves the object where it has been.
        let since = match self.removed {
            Some((offset, size, since)) if (offset, size) == (bytes.start, size_bytes) => since,
            _ => self.events + 1,
        };
        self.live.insert(bytes.start, (size_bytes, since));
    }

    fn removed(&mut self, bytes: Range<u64>) {
        self.removed = self.live.remove(&bytes.start).map(|(size_bytes, since)| (bytes.start, size_bytes, since));
    }

    fn sample(&mut self, state: &State) {
        self.removed = None;
        self.events = state.event;
        for &(moment, _) in self.strips_at.iter().filter(|(_, event)| *event == state.event) {
            let strip = strip::strip(moment, state, self.part_bytes, self.objects());
            self.strips.push(strip);
        }
        for &(instant, _) in self.lists_at.iter().filter(|(_, event)| *event == state.event) {
            let mut objects: Vec<_> = self.objects().collect();
            objects.sort_unstable_by_key(|object| object.offset_bytes);
            self.lists.push(Snapshot { instant, event: state.event, objects });
        }
    }
}
