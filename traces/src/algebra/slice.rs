//! A part of a trace.

use core::ops::Range;

use heaprace_recorder::{Action, Event};

use super::Standing;
use crate::births::Births;
use crate::error::TraceError;

/// The events of a trace after the first `range.start` of them, up to and including number `range.end`.
///
/// The slice begins warm: extra events first allocate the objects that are live at its beginning, oldest first, each
/// with its size at that point, by the thread that had allocated it, and at the time of the slice's first event. So the
/// slice can use them, and an allocator starts it with about the live memory that the program had. Objects that are
/// live at the end of the slice stay live. Times are unchanged.
///
/// ```
/// use heaprace_traces::{Source, algebra};
///
/// let text = "op,id,size,align\nalloc,1,24,8\nrealloc,1,48\nalloc,2,10,1\ndealloc,1\n";
/// let events = Source::from_bytes("example.csv", text.as_bytes()).open()?;
/// let ids: Vec<_> = algebra::slice(events, 2..3).map(|event| event.map(|event| event.id)).collect::<Result<_, _>>()?;
/// assert_eq!(ids, [1, 2], "object 1, of 48 bytes by now, and then the third event");
/// # Ok::<(), heaprace_traces::TraceError>(())
/// ```
///
/// # Errors
///
/// It passes on the errors of the events. If they end before the slice begins, the error is
/// [`TraceError::SliceBeyondEnd`].
pub fn slice<I: Iterator<Item = Result<Event, TraceError>>>(events: I, range: Range<u64>) -> Slice<I> {
    let ended = range.is_empty();
    Slice { events, range, read: 0, live: Births::default(), first: None, ended }
}

/// The iterator of [`slice()`].
#[derive(Debug)]
pub struct Slice<I> {
    events: I,
    range: Range<u64>,
    /// Events taken from `events`.
    read: u64,
    /// The objects that are live where the slice begins, until they are allocated.
    live: Births<Standing>,
    /// The slice's first event, until then.
    first: Option<Event>,
    ended: bool,
}

impl<I: Iterator<Item = Result<Event, TraceError>>> Slice<I> {
    /// Reads up to and including the first event of the slice.
    fn skip(&mut self) -> Result<(), TraceError> {
        let from = self.range.start;
        loop {
            let Some(event) = self.events.next().transpose()? else {
                return Err(TraceError::SliceBeyondEnd { from, events: self.read });
            };
            self.read += 1;
            if self.read > from {
                self.first = Some(event);
                return Ok(());
            }
            self.live.follow(&event);
        }
    }
}

impl<I: Iterator<Item = Result<Event, TraceError>>> Iterator for Slice<I> {
    type Item = Result<Event, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        if self.read == 0
            && let Err(error) = self.skip()
        {
            self.ended = true;
            return Some(Err(error));
        }
        if let Some(first) = self.first {
            return Some(Ok(match self.live.remove_oldest() {
                Some((id, Standing { layout, thread })) => Event {
                    action: Action::Alloc { layout, zeroed: false },
                    id,
                    thread,
                    time_ns: first.time_ns,
                    written: None,
                },
                None => {
                    self.first = None;
                    first
                }
            }));
        }
        if self.read >= self.range.end {
            self.ended = true;
            return None;
        }
        self.read += 1;
        let event = self.events.next();
        self.ended = !matches!(event, Some(Ok(_)));
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    fn sliced(range: Range<u64>) -> Result<Vec<Event>, TraceError> {
        let text = "op,id,size,align,thread,time_ns\nalloc_zeroed,9,8,8,1,1\nalloc,3,16,4,2,2\nrealloc,9,24,,2,3\n\
                    dealloc,3,,,1,4\ndealloc,9,,,2,5\n";
        slice(Source::from_bytes("test.csv", text.as_bytes()).open()?, range).collect()
    }

    #[test]
    fn what_is_live_is_allocated_first_as_it_is_by_then() {
        let events = sliced(3..4).unwrap();
        let as_they_are: Vec<_> = events.iter().map(|event| (event.id, event.thread, event.time_ns)).collect();
        assert_eq!(as_they_are, [(9, Some(1), Some(4)), (3, Some(2), Some(4)), (3, Some(1), Some(4))]);
        let layout = core::alloc::Layout::from_size_align(24, 8).unwrap();
        assert_eq!(events[0].action, Action::Alloc { layout, zeroed: false });
    }

    #[test]
    fn a_slice_may_end_after_the_trace_but_not_begin_there() {
        assert_eq!(sliced(0..99).unwrap().len(), 5);
        assert_eq!(sliced(4..99).unwrap().len(), 2);
        assert!(matches!(sliced(5..99), Err(TraceError::SliceBeyondEnd { from: 5, events: 5 })));
        assert_eq!(sliced(2..2).unwrap(), []);
    }
}
