//! A lap: one of several replays of a program on the same heap, and its times.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::time::processor;

/// Runs its argument once and measures it, one stretch of the program at a time. Time between stretches does not count.
pub type Meter<'a> = &'a mut dyn FnMut(&mut dyn FnMut());

/// One of several successive replays of the program on the same heap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lap {
    /// Wall time of the loop and the contender's work.
    pub wall: Duration,
    /// The same by the thread's CPU clock, which stops while the thread is not running; `None` if there is no such
    /// clock.
    pub processor: Option<Duration>,
    /// Pages of the heap after the replay.
    pub heap_pages: u64,
    /// Grows that failed during the replay because of the limit.
    pub refused_grows: u64,
}

/// Receives each [`Lap`] and decides whether another one follows.
pub type OnLap<'a> = &'a mut dyn FnMut(Lap) -> ControlFlow<()>;

/// Runs `work`, and returns what it returns, its wall time, and its time by the thread's CPU clock.
#[inline]
pub(super) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration, Option<Duration>) {
    let processor_before = processor::thread_time();
    let start = Instant::now();
    let result = work();
    let wall = start.elapsed();
    let processor = processor::thread_time().zip(processor_before).map(|(now, before)| now - before);
    (result, wall, processor)
}

#[cfg(test)]
mod tests {
    use std::alloc::Layout;

    use heaprace_allocators::page_heap::Guard;

    use super::*;
    use crate::contender::{Contender, TouchPolicy};
    use crate::lane::Lane;
    use crate::limits::Limits;
    use crate::program::Program;

    #[test]
    fn a_fresh_lap_gives_its_pages_back_and_laps_keep_them() {
        let layout = Layout::from_size_align(1 << 20, 8).unwrap();
        let action = heaprace_traces::Action::Alloc { layout, zeroed: false };
        let event = heaprace_traces::Event { action, id: 1, thread: None, time_ns: None, written: None };
        let program = Program::compile([Ok(event)]).unwrap();
        let mut lane = Lane::new(&program, 64, Guard::Batched).unwrap();
        let dlmalloc = Contender::named("dlmalloc").unwrap();
        dlmalloc.fresh_lap(&mut lane, TouchPolicy::All, Limits::NONE).unwrap();
        assert_eq!(lane.heap.handle().committed_bytes(), 0);
        dlmalloc.laps(&mut lane, TouchPolicy::All, Limits::NONE, &mut |_| ControlFlow::Break(())).unwrap();
        assert!(lane.heap.handle().committed_bytes() > 1 << 20);
    }
}
