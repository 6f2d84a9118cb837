//! A trace, repeated.

use heaprace_recorder::{Action, Event};

use super::Standing;
use crate::births::Births;
use crate::error::TraceError;

/// The events of `open`, `rounds` times.
///
/// Objects that are live at the end of a round are freed before the next, oldest first, by the threads that allocated
/// them, so that every round starts alike and nothing leaks; those of the last round stay live. One round is the trace
/// itself. The time goes on from round to round.
///
/// # Errors
///
/// It passes on the errors of `open` and of the events, and ends after the first one.
///
/// ```
/// use heaprace_traces::{Source, algebra};
///
/// let source = Source::from_bytes("example.csv", "op,id,size,align\nalloc,1,24,8\n".as_bytes());
/// assert_eq!(algebra::repeat(|| source.open(), 3).count(), 5, "alloc, and dealloc before each further round");
/// ```
pub fn repeat<F, I>(open: F, rounds: u64) -> Repeat<F, I>
where
    F: FnMut() -> Result<I, TraceError>,
    I: Iterator<Item = Result<Event, TraceError>>,
{
    Repeat { open, rounds_left: rounds, round: None, live: Births::default(), last_time_ns: None, elapsed_ns: 0 }
}

/// The iterator of [`repeat`].
#[derive(Debug)]
pub struct Repeat<F, I> {
    open: F,
    /// Rounds that have not begun.
    rounds_left: u64,
    round: Option<I>,
    live: Births<Standing>,
    /// The time of the last event, if the trace has times.
    last_time_ns: Option<u64>,
    /// When this round began.
    elapsed_ns: u64,
}

impl<F, I> Repeat<F, I> {
    fn end_with(&mut self, error: TraceError) -> Option<Result<Event, TraceError>> {
        self.round = None;
        self.rounds_left = 0;
        Some(Err(error))
    }
}

impl<F, I> Iterator for Repeat<F, I>
where
    F: FnMut() -> Result<I, TraceError>,
    I: Iterator<Item = Result<Event, TraceError>>,
{
    type Item = Result<Event, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.round.as_mut().and_then(Iterator::next) {
                Some(Ok(mut event)) => {
                    // Objects of the last round stay live and need no tracking.
                    if self.rounds_left > 0 {
                        self.live.follow(&event);
                    }
                    if let Some(time_ns) = &mut event.time_ns {
                        *time_ns = time_ns.saturating_add(self.elapsed_ns);
                    }
                    self.last_time_ns = event.time_ns;
                    return Some(Ok(event));
                }
                Some(Err(error)) => return self.end_with(error),
                None if self.rounds_left == 0 => return None,
                None => {}
            }
            let time_ns = self.last_time_ns;
            if let Some((id, Standing { layout, thread })) = self.live.remove_oldest() {
                return Some(Ok(Event { action: Action::Dealloc { layout }, id, thread, time_ns, written: None }));
            }
            self.rounds_left -= 1;
            self.elapsed_ns = time_ns.unwrap_or(0);
            match (self.open)() {
                Ok(round) => self.round = Some(round),
                Err(error) => return self.end_with(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    fn repeated(text: &str, rounds: u64) -> Vec<Result<Event, TraceError>> {
        let source = Source::from_bytes("test.csv", text.as_bytes());
        repeat(|| source.open(), rounds).collect()
    }

    #[test]
    fn what_a_round_leaves_is_freed_oldest_first_before_the_next() {
        let text = "op,id,size,align,thread,time_ns\nalloc,5,8,8,0,10\nalloc,2,8,8,1,20\nrealloc,5,24,,1,30\n";
        let events: Vec<Event> = repeated(text, 2).into_iter().map(Result::unwrap).collect();
        let as_they_are: Vec<_> = events.iter().map(|event| (event.id, event.thread, event.time_ns)).collect();
        let round = [(5, Some(0), Some(10)), (2, Some(1), Some(20)), (5, Some(1), Some(30))];
        assert_eq!(as_they_are[..3], round);
        assert_eq!(as_they_are[3..5], [(5, Some(0), Some(30)), (2, Some(1), Some(30))]);
        assert!(matches!(events[3].action, Action::Dealloc { layout } if layout.size() == 24));
        assert_eq!(as_they_are[5..], round.map(|(id, thread, time_ns)| (id, thread, time_ns.map(|time| time + 30))));
    }

    #[test]
    fn nothing_follows_an_error() {
        let events = repeated("op,id,size,align\nalloc,1,8,8\ndealloc,2\n", 3);
        assert_eq!(events.len(), 2);
        assert!(events[0].is_ok() && events[1].is_err());
        assert_eq!(repeated("op,id\n", 3).len(), 1);
        assert_eq!(repeated("op,id,size,align\nalloc,1,8,8\n", 0).len(), 0);
    }
}
