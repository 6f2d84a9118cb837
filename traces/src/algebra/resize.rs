//! A trace with other sizes.

use heaprace_recorder::{Action, Event};

use crate::error::TraceError;
use crate::validate;

/// The same events with every size multiplied by `factor`, rounded to whole bytes, and at least 1, and so with every
/// written extent: what was written to its end still is. Alignments stay as they are.
///
/// It is no model of a machine with pointers of half the width: only some of a program's bytes are pointers.
///
/// # Errors
///
/// It passes on the errors of the events. A size that exceeds the limit of a trace is [`TraceError::Derived`].
///
/// ```
/// use heaprace_traces::{Action, Source, algebra};
///
/// let events = Source::from_bytes("example.csv", "op,id,size,align\nalloc,1,25,8\n".as_bytes()).open()?;
/// let half = algebra::scale(events, 0.5).next().expect("one event")?;
/// assert!(matches!(half.action, Action::Alloc { layout, .. } if layout.size() == 13), "12.5, rounded");
/// # Ok::<(), heaprace_traces::TraceError>(())
/// ```
///
/// # Panics
///
/// If the factor is not a positive number.
pub fn scale<I: Iterator<Item = Result<Event, TraceError>>>(events: I, factor: f64) -> Scale<I> {
    assert!(factor.is_finite() && factor > 0.0, "a factor is a positive number, not {factor}");
    Scale { events, factor, read: 0, ended: false }
}

/// The iterator of [`scale`].
#[derive(Debug)]
pub struct Scale<I> {
    events: I,
    factor: f64,
    read: u64,
    ended: bool,
}

impl<I> Scale<I> {
    fn layout(&self, size: usize, align: usize) -> Result<core::alloc::Layout, TraceError> {
        // A size has at most 32 bits, so it is exact as a float; a product too large for an integer stays too large.
        let scaled = (size as f64 * self.factor).round().max(1.0) as u64;
        validate::layout(scaled, align as u64).map_err(|fault| TraceError::Derived { event: self.read, fault })
    }

    fn scaled(&self, event: Event) -> Result<Event, TraceError> {
        let action = match event.action {
            Action::Alloc { layout, zeroed } => {
                Action::Alloc { layout: self.layout(layout.size(), layout.align())?, zeroed }
            }
            Action::Realloc { old, new_size } => Action::Realloc {
                old: self.layout(old.size(), old.align())?,
                new_size: self.layout(new_size, old.align())?.size(),
            },
            Action::Dealloc { layout } => Action::Dealloc { layout: self.layout(layout.size(), layout.align())? },
        };
        let written = match (event.action, action) {
            (Action::Realloc { old: before, .. }, Action::Realloc { old: after, .. })
            | (Action::Dealloc { layout: before }, Action::Dealloc { layout: after }) => {
                event.written.map(|written| self.extent(written, before.size(), after.size()))
            }
            _ => None,
        };
        Ok(Event { action, written, ..event })
    }

    /// The extent of a block that is scaled from one size to another.
    fn extent(&self, written: u32, before: usize, after: usize) -> u32 {
        if written as usize == before {
            return after as u32;
        }
        ((f64::from(written) * self.factor).round() as u64).min(after as u64) as u32
    }
}

impl<I: Iterator<Item = Result<Event, TraceError>>> Iterator for Scale<I> {
    type Item = Result<Event, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        self.read += 1;
        let event = self.events.next().map(|event| self.scaled(event?));
        self.ended = !matches!(event, Some(Ok(_)));
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    fn sizes(factor: f64) -> Result<Vec<usize>, TraceError> {
        let text = "op,id,size,align\nalloc,1,3,64\nrealloc,1,4294967295\ndealloc,1\n";
        let events = Source::from_bytes("test.csv", text.as_bytes()).open()?;
        scale(events, factor)
            .map(|event| match event?.action {
                Action::Alloc { layout, .. } | Action::Dealloc { layout } => Ok(layout.size()),
                Action::Realloc { new_size, .. } => Ok(new_size),
            })
            .collect()
    }

    #[test]
    fn an_extent_is_scaled_with_its_block_and_never_beyond_it() {
        let text = "op,id,size,align,written\nalloc,1,10,1\nrealloc,1,1,,10\nrealloc,1,10,,0\ndealloc,1,,,7\n";
        for (factor, expected) in [(0.5, [5, 0, 4]), (0.01, [1, 0, 0]), (3.0, [30, 0, 21])] {
            let events = Source::from_bytes("test.csv", text.as_bytes()).open().unwrap();
            let written: Vec<_> = scale(events, factor).filter_map(|event| event.unwrap().written).collect();
            assert_eq!(written, expected, "{factor}");
        }
    }

    #[test]
    fn a_size_is_never_nothing_and_never_too_large() {
        assert_eq!(sizes(1.0).unwrap(), [3, 4_294_967_295, 4_294_967_295]);
        assert_eq!(sizes(0.1).unwrap(), [1, 429_496_730, 429_496_730]);
        let error = sizes(1.1).unwrap_err();
        assert!(matches!(error, TraceError::Derived { event: 2, .. }), "{error}");
        assert!(matches!(sizes(1e300), Err(TraceError::Derived { event: 1, .. })));
    }
}
