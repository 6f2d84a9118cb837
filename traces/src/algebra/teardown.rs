//! A trace without the final clean-up of its program.

use std::collections::VecDeque;

use heaprace_recorder::{Action, Event};

use crate::error::TraceError;

/// The same events without the final run of deallocations, after which nothing is allocated or reallocated.
///
/// A program often frees everything before it exits, one object at a time, which a module that is simply dropped does
/// not. Deallocations are held back until another event follows: at most as many as there are live objects.
///
/// # Errors
///
/// It passes on the errors of the events.
///
/// ```
/// use heaprace_traces::{Source, algebra};
///
/// let text = "op,id,size,align\nalloc,1,24,8\nalloc,2,10,1\ndealloc,1\nrealloc,2,20\ndealloc,2\n";
/// let events = Source::from_bytes("example.csv", text.as_bytes()).open()?;
/// assert_eq!(algebra::without_teardown(events).count(), 4, "a realloc follows the first dealloc");
/// # Ok::<(), heaprace_traces::TraceError>(())
/// ```
pub fn without_teardown<I: Iterator<Item = Result<Event, TraceError>>>(events: I) -> WithoutTeardown<I> {
    WithoutTeardown { events, held: VecDeque::new(), next: None, ended: false }
}

/// The iterator of [`without_teardown`].
#[derive(Debug)]
pub struct WithoutTeardown<I> {
    events: I,
    /// Deallocations in a row, oldest first.
    held: VecDeque<Event>,
    /// The event that follows them, once it is known.
    next: Option<Result<Event, TraceError>>,
    ended: bool,
}

impl<I: Iterator<Item = Result<Event, TraceError>>> Iterator for WithoutTeardown<I> {
    type Item = Result<Event, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.next.is_none() && !self.ended {
            match self.events.next() {
                Some(Ok(event)) if matches!(event.action, Action::Dealloc { .. }) => self.held.push_back(event),
                None => self.ended = true,
                next => self.next = next,
            }
        }
        if self.ended {
            return None;
        }
        if let Some(held) = self.held.pop_front() {
            return Some(Ok(held));
        }
        self.ended = matches!(self.next, Some(Err(_)));
        self.next.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    fn ids(text: &str) -> Vec<u64> {
        let events = Source::from_bytes("test.csv", text.as_bytes()).open().unwrap();
        without_teardown(events).map(|event| event.map_or(0, |event| event.id)).collect()
    }

    #[test]
    fn the_frees_at_the_end_are_left_out_and_no_others() {
        let text = "op,id,size,align\nalloc,1,1,1\nalloc,2,1,1\nalloc,3,1,1\ndealloc,2\ndealloc,1\n";
        assert_eq!(ids(text), [1, 2, 3]);
        assert_eq!(ids(&format!("{text}alloc,4,1,1\ndealloc,4\ndealloc,3\n")), [1, 2, 3, 2, 1, 4]);
        assert_eq!(ids(&format!("{text}realloc,3,1\n")), [1, 2, 3, 2, 1, 3]);
    }

    #[test]
    fn an_error_comes_after_what_was_before_it_and_nothing_after() {
        assert_eq!(ids("op,id,size,align\nalloc,1,1,1\ndealloc,1\ndealloc,1\nalloc,2,1,1\n"), [1, 1, 0]);
    }
}
