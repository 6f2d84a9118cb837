//! Live objects, one of which is chosen at random.

use core::alloc::Layout;

use heaprace_recorder::{Action, Event};

/// The alignment of all synthetic objects, in bytes: that of a pointer on a 64-bit machine.
pub(super) const ALIGN: usize = 8;

/// The layout of a synthetic object.
pub(super) fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, ALIGN).expect("synthetic objects are small")
}

/// An event without thread and time: synthetic traces have one thread and no times.
pub(super) fn event(id: u64, action: Action) -> Event {
    Event { action, id, thread: None, time_ns: None, written: None }
}

/// Live objects, and the random choices about them.
#[derive(Debug)]
pub(super) struct SyntheticObjects {
    pub(super) random: fastrand::Rng,
    live: Vec<(u64, Layout)>,
    last_id: u64,
}

impl SyntheticObjects {
    pub(super) fn new(seed: u64) -> Self {
        SyntheticObjects { random: fastrand::Rng::with_seed(seed), live: Vec::new(), last_id: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.live.len()
    }

    /// A new object of this size.
    pub(super) fn alloc(&mut self, size: usize) -> Event {
        self.last_id += 1;
        let layout = layout(size);
        self.live.push((self.last_id, layout));
        event(self.last_id, Action::Alloc { layout, zeroed: false })
    }

    /// Another size for any of the objects; there is at least one.
    pub(super) fn realloc_any(&mut self, new_size: usize) -> Event {
        let chosen = self.any();
        let (id, in_force) = &mut self.live[chosen];
        let old = core::mem::replace(in_force, layout(new_size));
        event(*id, Action::Realloc { old, new_size })
    }

    /// Frees any of the objects; there is at least one.
    pub(super) fn dealloc_any(&mut self) -> Event {
        let chosen = self.any();
        let (id, layout) = self.live.swap_remove(chosen);
        event(id, Action::Dealloc { layout })
    }

    /// A size from 2^`class` to below the next power of two.
    pub(super) fn size_of_class(&mut self, class: u32) -> usize {
        self.random.u32(1 << class..2 << class) as usize
    }

    // As 64 bits, so that a choice is the same where a `usize` is shorter.
    fn any(&mut self) -> usize {
        self.random.u64(0..self.live.len() as u64) as usize
    }
}
