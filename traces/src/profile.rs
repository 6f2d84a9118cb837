//! The totals of a trace: figures that do not depend on the allocator.

use heaprace_recorder::{Action, Event};

/// Running totals over the events of a trace.
///
/// It takes one event after the other and keeps none, so a trace of any length has a profile.
///
/// ```
/// let text = "op,id,size,align\nalloc,1,100,8\nrealloc,1,150\nalloc,2,10,1\ndealloc,1\n";
/// let mut profile = heaprace_traces::Profile::default();
/// for event in heaprace_traces::CsvReader::new(text.as_bytes(), "example.csv")? {
///     profile.add(&event?);
/// }
/// assert_eq!(profile.events(), 4);
/// assert_eq!(profile.allocated_bytes, 160);
/// assert_eq!((profile.peak_live_bytes, profile.peak_live_bytes_event), (160, 3));
/// assert_eq!((profile.live_objects, profile.live_bytes), (1, 10));
/// # Ok::<(), heaprace_traces::TraceError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Allocations, including zeroed ones.
    pub allocs: u64,
    /// Allocations whose bytes must be 0; they are counted in [`allocs`](Self::allocs) too.
    pub zeroed_allocs: u64,
    /// Reallocations.
    pub reallocs: u64,
    /// Deallocations.
    pub deallocs: u64,
    /// Bytes requested in total: the sizes of all allocations and what reallocations added. What they removed does not
    /// count.
    pub allocated_bytes: u64,
    /// Bytes in live objects after the last event.
    pub live_bytes: u64,
    /// Live objects after the last event.
    pub live_objects: u64,
    /// Peak of the bytes in live objects, after any event.
    pub peak_live_bytes: u64,
    /// The event, counted from 1, after which [`peak_live_bytes`](Self::peak_live_bytes) was first reached; 0 without
    /// events.
    pub peak_live_bytes_event: u64,
    /// Peak of the live objects, after any event.
    pub peak_live_objects: u64,
}

impl Profile {
    /// All events so far.
    pub fn events(&self) -> u64 {
        self.allocs + self.reallocs + self.deallocs
    }

    /// Adds one event. The events must be those of a checked trace, in order: a deallocation without its allocation
    /// would take the live bytes below 0.
    #[inline]
    pub fn add(&mut self, event: &Event) {
        match event.action {
            Action::Alloc { layout, zeroed } => {
                self.allocs += 1;
                self.zeroed_allocs += u64::from(zeroed);
                self.allocated_bytes += layout.size() as u64;
                self.live_bytes += layout.size() as u64;
                self.live_objects += 1;
                self.peak_live_objects = self.peak_live_objects.max(self.live_objects);
            }
            Action::Realloc { old, new_size } => {
                self.reallocs += 1;
                self.allocated_bytes += (new_size as u64).saturating_sub(old.size() as u64);
                self.live_bytes = self.live_bytes + new_size as u64 - old.size() as u64;
            }
            Action::Dealloc { layout } => {
                self.deallocs += 1;
                self.live_bytes -= layout.size() as u64;
                self.live_objects -= 1;
            }
        }
        if self.live_bytes > self.peak_live_bytes {
            self.peak_live_bytes = self.live_bytes;
            self.peak_live_bytes_event = self.events();
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{CsvReader, Profile};

    fn profile_of(lines: &str) -> Profile {
        let text = format!("op,id,size,align\n{lines}");
        let mut profile = Profile::default();
        for event in CsvReader::new(text.as_bytes(), "test.csv").unwrap() {
            profile.add(&event.unwrap());
        }
        profile
    }

    #[test]
    fn the_peak_is_where_it_was_first_reached() {
        let profile = profile_of("alloc,1,8,8\nalloc,2,8,8\ndealloc,2\nalloc,2,8,8\n");
        assert_eq!((profile.peak_live_bytes, profile.peak_live_bytes_event), (16, 2));
    }

    #[test]
    fn bytes_and_objects_peak_apart() {
        let profile = profile_of("alloc,1,1,1\nalloc,2,1,1\ndealloc,1\ndealloc,2\nalloc,3,100,1\n");
        assert_eq!((profile.peak_live_bytes, profile.peak_live_bytes_event, profile.peak_live_objects), (100, 5, 2));
    }

    #[test]
    fn shrinking_allocates_nothing() {
        let profile = profile_of("alloc_zeroed,1,100,1\nrealloc,1,40\nrealloc,1,60\ndealloc,1\n");
        assert_eq!(
            profile,
            Profile {
                allocs: 1,
                zeroed_allocs: 1,
                reallocs: 2,
                deallocs: 1,
                allocated_bytes: 120,
                live_bytes: 0,
                live_objects: 0,
                peak_live_bytes: 100,
                peak_live_bytes_event: 1,
                peak_live_objects: 1,
            }
        );
    }
}
