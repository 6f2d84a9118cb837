//! Instants of a replay at which the heap is inspected, and the objects in it then.

/// An event at which to inspect the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Instant {
    /// The first instant of max R.
    PeakLive,
    /// The first instant of max H.
    PeakHeap,
    /// After the last event.
    End,
    /// This event, counted from 1.
    Event(u64),
}

impl Instant {
    /// Its name in results and on the command line.
    pub fn name(self) -> String {
        match self {
            Instant::PeakLive => "peak-live".to_owned(),
            Instant::PeakHeap => "peak-heap".to_owned(),
            Instant::End => "end".to_owned(),
            Instant::Event(event) => event.to_string(),
        }
    }

    /// The instant of this name; `None` if there is no such instant.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "peak-live" => Some(Instant::PeakLive),
            "peak-heap" => Some(Instant::PeakHeap),
            "end" => Some(Instant::End),
            number => number.parse().ok().filter(|&event| event > 0).map(Instant::Event),
        }
    }
}

/// The position of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacedObject {
    /// Its first byte, from the heap's base.
    pub offset_bytes: u64,
    /// Its size.
    pub size_bytes: u64,
    /// The event that gave it this position and size: its allocation, or its latest reallocation.
    pub since_event: u64,
}
