//! Sizes that drift.

use heaprace_recorder::Event;

use super::objects::SyntheticObjects;

/// The classes of sizes that it goes through: from 2^4 up to below 2^13 bytes.
const CLASSES: core::ops::RangeInclusive<u32> = 4..=12;

/// Steps from one class to the next.
const STEPS: u64 = 1024;

/// It first allocates objects, 10,000 or a tenth of the events, or the given number; from then on it frees one, chosen
/// at random, and allocates a new one. New objects belong to one class, and more and more of them to the next: from the
/// first event to the last, the sizes move from 16 bytes to 8 KiB.
pub(super) struct Drift {
    objects: SyntheticObjects,
    events: u64,
    done: u64,
    live: usize,
}

impl Drift {
    pub(super) fn new(events: u64, live: usize, seed: u64) -> Self {
        Drift { objects: SyntheticObjects::new(seed), events, done: 0, live }
    }

    fn size(&mut self) -> usize {
        let classes = u128::from(CLASSES.end() - CLASSES.start());
        // As 128 bits: any number of events times the steps fits.
        let position = (u128::from(self.done) * classes * u128::from(STEPS) / u128::from(self.events)) as u64;
        let next = self.objects.random.u64(0..STEPS) < position % STEPS;
        let class = CLASSES.start() + (position / STEPS) as u32 + u32::from(next);
        self.objects.size_of_class(class)
    }
}

impl Iterator for Drift {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        if self.done == self.events {
            return None;
        }
        let event = if self.objects.len() < self.live {
            let size = self.size();
            self.objects.alloc(size)
        } else {
            self.objects.dealloc_any()
        };
        self.done += 1;
        Some(event)
    }
}
