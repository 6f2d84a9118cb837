//! Instants of a replay at which the heap is inspected, and the objects in it then.

use heaprace_reports::results::Moment;

/// An event at which the heap is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Instant {
    /// A moment that every replay has.
    At(Moment),
    /// This event, counted from 1.
    Event(u64),
}

impl Instant {
    /// Its name in results and on the command line.
    pub fn name(self) -> String {
        match self {
            Instant::At(moment) => moment.name().to_owned(),
            Instant::Event(event) => event.to_string(),
        }
    }

    /// The instant of this name; `None` if there is no such instant.
    pub fn from_name(name: &str) -> Option<Self> {
        let event = || name.parse().ok().filter(|&event| event > 0).map(Instant::Event);
        Moment::named(name).map(Instant::At).or_else(event)
    }
}

/// The first of these events after this one.
pub(super) fn next_after(event: u64, moments: &[(Moment, u64)], instants: &[(Instant, u64)]) -> Option<u64> {
    let events = moments.iter().map(|&(_, at)| at).chain(instants.iter().map(|&(_, at)| at));
    events.filter(|&at| at > event).min()
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
