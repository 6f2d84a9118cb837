//! A trace as an instance of dynamic storage allocation: rectangles whose width is their lifetime and whose height is
//! their size, for which offsets are sought.
//!
//! A rectangle is an object between two changes of its size. It lives from the event of its birth up to, but not
//! including, the event of its death (half-open). If an object is reallocated, one rectangle ends and the next begins
//! at the same instant: a move needs no room for both blocks at once, and growing in place is free if there is room.
//! This is the optimistic view of a realloc. It makes the most live bytes of an instance equal to those of its trace,
//! and no allocator can do better than the best placement of the instance.

use super::error::BoundsError;
use crate::limits::{Limits, Stop};
use crate::program::{OpKind, Program};

/// Maximum number of events of a trace that becomes an instance: a change is stored in 32 bits, one of which is its
/// kind.
pub const MAX_EVENTS: u64 = (1 << 31) - 2;

/// Events between two checks of the limits.
const EVENTS_PER_CHECK: u32 = 1 << 16;

/// An object between two changes of its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rectangle {
    /// The event that makes it live, counted from 1.
    pub birth: u32,
    /// The event from which on it is not live; for objects that are never freed, one after the last event.
    pub death: u32,
    /// Size in bytes, at least 1.
    pub size_bytes: u32,
    /// The logarithm of its alignment in bytes.
    pub align_log2: u8,
}

impl Rectangle {
    /// Alignment in bytes.
    pub fn align_bytes(&self) -> u64 {
        1 << self.align_log2
    }

    /// Whether it is live after this event.
    pub fn lives_after(&self, event: u32) -> bool {
        self.birth <= event && event < self.death
    }
}

/// A birth or a death: twice the rectangle's number, plus 1 for a death.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change(u32);

impl Change {
    pub(super) fn rectangle(self) -> usize {
        (self.0 >> 1) as usize
    }

    pub(super) fn is_birth(self) -> bool {
        self.0 & 1 == 0
    }
}

/// The rectangles of a trace, in birth order: 16 bytes each, plus 8 for its birth and its death in event order.
///
/// ```
/// use heaprace_engine::{Program, memory::bounds::Instance};
///
/// let text = "op,id,size,align\nalloc,1,100,8\nrealloc,1,300\ndealloc,1\n";
/// let program = Program::compile(heaprace_traces::CsvReader::new(text.as_bytes(), "example.csv")?)?;
/// let instance = Instance::of(&program)?;
/// let lives: Vec<_> = instance.rectangles().iter().map(|object| (object.birth, object.death, object.size_bytes)).collect();
/// assert_eq!(lives, [(1, 2, 100), (2, 3, 300)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Instance {
    rectangles: Vec<Rectangle>,
    changes: Vec<Change>,
}

impl Instance {
    /// The instance of a program, in one pass over its operations.
    ///
    /// # Errors
    ///
    /// [`BoundsError::TooLong`] for a trace that is streamed, or has more than [`MAX_EVENTS`] events.
    pub fn of(program: &Program) -> Result<Self, BoundsError> {
        Self::within(program, Limits::NONE)
    }

    /// The instance of a program, unless a limit is reached.
    ///
    /// # Errors
    ///
    /// Those of [`of`](Self::of), and [`BoundsError::Stopped`].
    pub fn within(program: &Program, limits: Limits<'_>) -> Result<Self, BoundsError> {
        let events = program.events();
        let Some(ops) = program.ops().filter(|_| events <= MAX_EVENTS) else {
            return Err(BoundsError::TooLong { events });
        };
        let end = events as u32 + 1;
        let profile = program.profile();
        let count = (profile.allocs + profile.reallocs) as usize;
        let mut rectangles: Vec<Rectangle> = Vec::with_capacity(count);
        let mut changes = Vec::with_capacity(count + (profile.reallocs + profile.deallocs) as usize);
        let mut in_slot: Vec<u32> = vec![0; program.slots()];
        let mut ops = ops.iter();
        let mut event = 0;
        while let Some(op) = ops.next() {
            event += 1;
            if event % EVENTS_PER_CHECK == 0
                && let Some(stop) = limits.check(0)
            {
                return Err(BoundsError::Stopped(stop));
            }
            if matches!(op.kind(), OpKind::Realloc | OpKind::Dealloc) {
                let dead = in_slot[op.slot()];
                rectangles[dead as usize].death = event;
                changes.push(Change(dead << 1 | 1));
            }
            if op.kind() == OpKind::Dealloc {
                continue;
            }
            if op.kind() == OpKind::Realloc {
                ops.next();
            }
            let (layout, born) = (op.layout(), rectangles.len() as u32);
            let (size_bytes, align_log2) = (layout.size() as u32, layout.align().trailing_zeros() as u8);
            in_slot[op.slot()] = born;
            rectangles.push(Rectangle { birth: event, death: end, size_bytes, align_log2 });
            changes.push(Change(born << 1));
        }
        Ok(Instance { rectangles, changes })
    }

    /// The rectangles, in birth order.
    pub fn rectangles(&self) -> &[Rectangle] {
        &self.rectangles
    }

    /// Births and deaths in event order; if an event has both, the death comes first. Deaths after the last event are
    /// omitted.
    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The event of a change.
    pub(super) fn event_of(&self, change: Change) -> u32 {
        let rectangle = &self.rectangles[change.rectangle()];
        if change.is_birth() { rectangle.birth } else { rectangle.death }
    }

    /// The peak of the live total, and the first event after which it is reached. Each rectangle counts with the bytes
    /// that `weight` returns.
    ///
    /// # Errors
    ///
    /// The limit that is reached.
    pub(super) fn peak(&self, weight: impl Fn(&Rectangle) -> u64, limits: Limits<'_>) -> Result<(u64, u32), Stop> {
        let (mut live, mut most, mut at) = (0, 0, 0);
        for changes in self.changes.chunks(EVENTS_PER_CHECK as usize) {
            if let Some(stop) = limits.check(0) {
                return Err(stop);
            }
            for &change in changes {
                let bytes = weight(&self.rectangles[change.rectangle()]);
                if change.is_birth() {
                    live += bytes;
                    if live > most {
                        (most, at) = (live, self.event_of(change));
                    }
                } else {
                    live -= bytes;
                }
            }
        }
        Ok((most, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::bounds::tests::instance;

    #[test]
    fn a_rectangle_is_an_object_between_two_changes_of_its_size() {
        let instance = instance("alloc,1,100,8\nalloc,2,7,1\nrealloc,1,300\ndealloc,2\nrealloc,1,50\n");
        let rectangle = |birth, death, size_bytes, align_log2| Rectangle { birth, death, size_bytes, align_log2 };
        assert_eq!(
            instance.rectangles(),
            [rectangle(1, 3, 100, 3), rectangle(2, 4, 7, 0), rectangle(3, 5, 300, 3), rectangle(5, 6, 50, 3)]
        );
        assert_eq!(size_of::<Rectangle>(), 16);
    }

    #[test]
    fn changes_are_in_order_and_a_realloc_ends_before_it_begins() {
        let instance = instance("alloc,1,100,8\nrealloc,1,300\nalloc,2,1,1\ndealloc,1\n");
        let changes: Vec<_> = instance
            .changes()
            .iter()
            .map(|&change| (instance.event_of(change), change.rectangle(), change.is_birth()))
            .collect();
        assert_eq!(changes, [(1, 0, true), (2, 0, false), (2, 1, true), (3, 2, true), (4, 1, false)]);
    }

    #[test]
    fn the_peak_is_its_first_event_and_a_realloc_never_counts_twice() {
        let instance = instance("alloc,1,100,8\nrealloc,1,150\nrealloc,1,120\nalloc,2,30,16\ndealloc,1\n");
        assert_eq!(instance.peak(|object| object.size_bytes.into(), Limits::NONE), Ok((150, 2)));
        assert_eq!(instance.peak(|_| 1, Limits::NONE), Ok((2, 4)));
    }
}
