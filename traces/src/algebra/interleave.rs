//! Several traces at once.

use std::collections::HashMap;

use heaprace_recorder::{Action, Event, IdMap};

use crate::error::TraceError;

/// One of the traces that are interleaved.
#[derive(Clone, Debug)]
pub struct InterleavedPart<I> {
    /// Its events.
    pub events: I,
    /// How many there are, which sets its pace: a first pass has counted them.
    pub count: u64,
}

/// Several traces, as if their programs ran at once and shared the heap.
///
/// Each proceeds in proportion to its length, so that all end together: the next turn, of `burst` events (at least 1),
/// goes to the part that has done the smallest share of its events. The order within a part stays. Objects get new ids,
/// counted from 1. With `threads`, threads get new numbers in the order of their first event, different ones for each
/// part, and a part without threads counts as one thread. Times are left out, because they are those of different
/// clocks.
///
/// # Errors
///
/// It passes on the errors of the events and ends after the first.
///
/// ```
/// use heaprace_traces::algebra::{InterleavedPart, interleave};
/// use heaprace_traces::{Source, TraceError};
///
/// let open = |text: &'static str| Source::from_bytes("example.csv", text.as_bytes()).open();
/// let short = InterleavedPart { events: open("op,id,size,align\nalloc,1,1,1\n")?, count: 1 };
/// let long = InterleavedPart { events: open("op,id,size,align\nalloc,1,2,1\nalloc,2,2,1\n")?, count: 2 };
/// let ids = interleave(vec![short, long], false, 1).map(|event| Ok(event?.id));
/// assert_eq!(ids.collect::<Result<Vec<_>, TraceError>>()?, [1, 2, 3]);
/// # Ok::<(), TraceError>(())
/// ```
pub fn interleave<I>(parts: Vec<InterleavedPart<I>>, threads: bool, burst: u64) -> Interleave<I>
where
    I: Iterator<Item = Result<Event, TraceError>>,
{
    let parts = parts.into_iter().map(|part| PartEvents { trace: part, done: 0, ids: IdMap::default() }).collect();
    let threads = threads.then(HashMap::new);
    Interleave { parts, turn: 0, burst: burst.max(1), burst_left: 0, last_id: 0, threads }
}

/// The iterator of [`interleave()`].
#[derive(Debug)]
pub struct Interleave<I> {
    parts: Vec<PartEvents<I>>,
    /// The part whose turn it is.
    turn: usize,
    burst: u64,
    /// How many more events it has in this turn.
    burst_left: u64,
    last_id: u64,
    /// The new numbers of each part's threads, if there are threads.
    threads: Option<HashMap<(usize, Option<u32>), u32>>,
}

#[derive(Debug)]
struct PartEvents<I> {
    trace: InterleavedPart<I>,
    done: u64,
    /// The new ids of its live objects.
    ids: IdMap<u64>,
}

impl<I> Interleave<I> {
    /// The part that has done the smallest share of its events; of several, the first. `None` if all are done.
    fn slowest(&self) -> Option<usize> {
        let share_times =
            |part: &PartEvents<I>, other: &PartEvents<I>| u128::from(part.done) * u128::from(other.trace.count);
        let open = self.parts.iter().enumerate().filter(|(_, part)| part.done < part.trace.count);
        open.min_by(|(_, a), (_, b)| share_times(a, b).cmp(&share_times(b, a))).map(|(index, _)| index)
    }

    /// The event as one of the whole.
    fn renamed(&mut self, event: Event) -> Event {
        let turn = self.turn;
        let ids = &mut self.parts[turn].ids;
        let id = match event.action {
            Action::Alloc { .. } => {
                self.last_id += 1;
                ids.insert(event.id, self.last_id);
                Some(self.last_id)
            }
            Action::Realloc { .. } => ids.get(&event.id).copied(),
            Action::Dealloc { .. } => ids.remove(&event.id),
        };
        let thread = self.threads.as_mut().map(|threads| {
            let next = threads.len() as u32;
            *threads.entry((turn, event.thread)).or_insert(next)
        });
        Event { id: id.expect("a checked trace uses live objects only"), thread, time_ns: None, ..event }
    }
}

impl<I: Iterator<Item = Result<Event, TraceError>>> Iterator for Interleave<I> {
    type Item = Result<Event, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.burst_left == 0 {
                self.turn = self.slowest()?;
                self.burst_left = self.burst;
            }
            self.burst_left -= 1;
            let part = &mut self.parts[self.turn];
            match part.trace.events.next() {
                Some(Ok(event)) => {
                    part.done += 1;
                    if part.done >= part.trace.count {
                        self.burst_left = 0;
                    }
                    return Some(Ok(self.renamed(event)));
                }
                Some(Err(error)) => {
                    self.parts.clear();
                    self.burst_left = 0;
                    return Some(Err(error));
                }
                // Fewer events than were counted.
                None => {
                    part.done = part.trace.count;
                    self.burst_left = 0;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Events, Source};

    fn part(text: &str) -> InterleavedPart<Events> {
        let source = Source::from_bytes("test.csv", text.as_bytes());
        InterleavedPart { count: source.open().unwrap().count() as u64, events: source.open().unwrap() }
    }

    fn allocs(count: u64) -> InterleavedPart<Events> {
        let lines: String = (0..count).map(|id| format!("alloc,{id},{count},1\n")).collect();
        part(&format!("op,id,size,align\n{lines}"))
    }

    /// The part of each event, which its size identifies.
    fn order(parts: Vec<InterleavedPart<Events>>, burst: u64) -> Vec<usize> {
        let size = |event: Event| match event.action {
            Action::Alloc { layout, .. } => layout.size(),
            _ => 0,
        };
        interleave(parts, false, burst).map(|event| size(event.unwrap())).collect()
    }

    #[test]
    fn each_proceeds_in_proportion_to_its_length() {
        assert_eq!(order(vec![allocs(2), allocs(4)], 1), [2, 4, 4, 2, 4, 4]);
        assert_eq!(order(vec![allocs(4), allocs(4), allocs(1)], 1), [4, 4, 1, 4, 4, 4, 4, 4, 4]);
        assert_eq!(order(vec![allocs(3), allocs(6)], 3), [3, 3, 3, 6, 6, 6, 6, 6, 6]);
        assert_eq!(order(vec![allocs(2), allocs(6)], 2), [2, 2, 6, 6, 6, 6, 6, 6]);
    }

    #[test]
    fn objects_and_threads_are_kept_apart() {
        let a = part("op,id,size,align,thread\nalloc,1,1,1,7\ndealloc,1,,,3\nalloc,1,1,1,7\n");
        let b = part("op,id,size,align\nalloc,1,2,1\nrealloc,1,3\ndealloc,1\n");
        let events: Vec<Event> = interleave(vec![a, b], true, 1).map(Result::unwrap).collect();
        assert_eq!(events.iter().map(|event| event.id).collect::<Vec<_>>(), [1, 2, 1, 2, 3, 2]);
        let threads: Vec<_> = events.iter().filter_map(|event| event.thread).collect();
        assert_eq!(threads, [0, 1, 2, 1, 0, 1]);
    }

    #[test]
    fn nothing_follows_an_error() {
        let mut broken = part("op,id,size,align\nalloc,1,1,1\nfree,1\n");
        broken.count = 5;
        let events: Vec<_> = interleave(vec![broken, allocs(9)], false, 1).collect();
        assert!(events.last().unwrap().is_err());
        assert!(events.iter().rev().skip(1).all(Result::is_ok));
    }
}
