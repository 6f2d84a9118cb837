//! Live memory that climbs, falls back, and climbs higher.

use heaprace_recorder::Event;

use super::objects::SyntheticObjects;

/// Climbs in a trace.
const TEETH: u64 = 10;

/// Ten teeth: six events in ten allocate, then four free objects chosen at random. So each tooth leaves a fifth of its
/// events in objects, scattered among the holes that the next one has to fill. Sizes are from 16 bytes to 4 KiB, each
/// power of two as likely as any other.
pub(super) struct Sawtooth {
    objects: SyntheticObjects,
    events: u64,
    done: u64,
}

impl Sawtooth {
    pub(super) fn new(events: u64, seed: u64) -> Self {
        Sawtooth { objects: SyntheticObjects::new(seed), events, done: 0 }
    }
}

impl Iterator for Sawtooth {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        if self.done == self.events {
            return None;
        }
        let tooth = self.events.div_ceil(TEETH);
        let climbs = self.done % tooth < (tooth * 3).div_ceil(5);
        self.done += 1;
        Some(if climbs || self.objects.len() == 0 {
            let class = self.objects.random.u32(4..12);
            let size = self.objects.size_of_class(class);
            self.objects.alloc(size)
        } else {
            self.objects.dealloc_any()
        })
    }
}
