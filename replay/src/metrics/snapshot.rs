//! Where every live object lies at chosen events: the data of a heap map.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Metric, State};

/// An event worth a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Instant {
    /// The first instant of max R.
    PeakLive,
    /// The first instant of max H.
    PeakHeap,
    /// Behind the last event.
    End,
    /// This event, counted from 1.
    Event(u64),
}

impl Instant {
    /// As it stands in results and on the command line.
    pub fn name(self) -> String {
        match self {
            Instant::PeakLive => "peak-live".to_owned(),
            Instant::PeakHeap => "peak-heap".to_owned(),
            Instant::End => "end".to_owned(),
            Instant::Event(event) => event.to_string(),
        }
    }

    /// The instant of this name; `None` where there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "peak-live" => Some(Instant::PeakLive),
            "peak-heap" => Some(Instant::PeakHeap),
            "end" => Some(Instant::End),
            number => number.parse().ok().filter(|&event| event > 0).map(Instant::Event),
        }
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

/// Takes snapshots. It keeps all live objects by their address, so it costs time and memory that the other metrics do not.
#[derive(Debug, Default)]
pub struct Snapshots {
    at: Vec<(Instant, u64)>,
    /// Length and event, by offset.
    live: BTreeMap<u64, (u64, u64)>,
    /// Events so far.
    events: u64,
    taken: Vec<Snapshot>,
}

impl Snapshots {
    /// At these events, counted from 1.
    pub fn new(at: Vec<(Instant, u64)>) -> Self {
        Snapshots { at, ..Self::default() }
    }

    /// Whether there is none to take.
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// What was taken, in the order of events.
    pub fn into_snapshots(self) -> Vec<Snapshot> {
        self.taken
    }
}

impl Metric for Snapshots {
    fn placed(&mut self, bytes: Range<u64>) {
        self.live.insert(bytes.start, (bytes.end - bytes.start, self.events + 1));
    }

    fn removed(&mut self, bytes: Range<u64>) {
        self.live.remove(&bytes.start);
    }

    fn sample(&mut self, state: &State) {
        self.events = state.event;
        for &(instant, _) in self.at.iter().filter(|(_, event)| *event == state.event) {
            let object = |(&offset_bytes, &(size_bytes, since_event)): (&u64, &(u64, u64))| PlacedObject {
                offset_bytes,
                size_bytes,
                since_event,
            };
            let objects = self.live.iter().map(object).collect();
            self.taken.push(Snapshot { instant, event: state.event, objects });
        }
    }
}
