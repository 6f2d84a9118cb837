//! The clock of bytes: the memory that the program has requested and received.

/// Bytes that successful requests have given the program, in total and in the latest event.
///
/// Every metric that counts requested bytes, or averages over them, takes them from here. An event advances the clock
/// by what it adds to R: the size of an allocation, or the growth of a reallocation. The clock stops for everything
/// else: a deallocation, a reallocation that does not grow its block, a failed request, and an event of an absent
/// object. Bytes that were never received therefore weigh nothing. An event changes one object, so the increase of R is
/// exactly what its request received.
///
/// If no request fails, the clock ends at the trace's own sum,
/// [`Profile::allocated_bytes`](heaprace_traces::Profile::allocated_bytes).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByteClock {
    total_bytes: u64,
    event_bytes: u64,
    live_bytes: u64,
}

impl ByteClock {
    /// Ends an event after which `live_bytes` bytes are live.
    pub(super) fn event_over(&mut self, live_bytes: u64) {
        self.event_bytes = live_bytes.saturating_sub(self.live_bytes);
        self.total_bytes += self.event_bytes;
        self.live_bytes = live_bytes;
    }

    /// The time: bytes since the start of the replay.
    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// How far the latest event has advanced the clock.
    pub fn event_bytes(&self) -> u64 {
        self.event_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_growth_of_live_bytes_advances_the_clock() {
        let mut clock = ByteClock::default();
        // An allocation, a growth, an event that changes nothing, a shrink, a growth, a failed reallocation, an
        // allocation.
        let times = [100, 150, 150, 40, 60, 0, 7].map(|live_bytes| {
            clock.event_over(live_bytes);
            (clock.event_bytes(), clock.total_bytes())
        });
        assert_eq!(times, [(100, 100), (50, 150), (0, 150), (0, 150), (20, 170), (0, 170), (7, 177)]);
    }
}
