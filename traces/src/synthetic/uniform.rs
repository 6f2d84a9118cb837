//! Random actions.

use heaprace_recorder::Event;

use super::objects::SyntheticObjects;

/// The largest object, in bytes.
const LARGEST: u32 = 1024;

/// It first allocates objects, 10,000 or a tenth of the events, or the given number; from then on each event allocates,
/// reallocates or frees. The action, the object and the size are random, each as likely as any other. If no object is
/// live, it allocates; if twice as many are live as at the beginning, it frees.
pub(super) struct Uniform {
    objects: SyntheticObjects,
    events_left: u64,
    fill: usize,
    filled: bool,
}

impl Uniform {
    pub(super) fn new(events: u64, live: usize, seed: u64) -> Self {
        Uniform { objects: SyntheticObjects::new(seed), events_left: events, fill: live, filled: false }
    }
}

impl Iterator for Uniform {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        self.events_left = self.events_left.checked_sub(1)?;
        let live = self.objects.len();
        self.filled |= live == self.fill;
        let size = self.objects.random.u32(1..=LARGEST) as usize;
        Some(match self.objects.random.u32(0..3) {
            _ if !self.filled || live == 0 => self.objects.alloc(size),
            0 if live < 2 * self.fill => self.objects.alloc(size),
            1 => self.objects.realloc_any(size),
            _ => self.objects.dealloc_any(),
        })
    }
}
