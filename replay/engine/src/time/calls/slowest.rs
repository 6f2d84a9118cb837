//! The slowest calls: those that took longest in the first pass, timed again in every further pass.
//!
//! A call that was slow once may have been interrupted; a call that is slow in every pass is slow because of the
//! contender. Each call therefore counts with its fastest pass. The first pass keeps many more calls than are shown,
//! because interrupted calls drop out later.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use heaprace_reports::results::{CallKind, SlowCall};

use super::clock::Clock;

/// Calls shown in results.
const SHOWN: usize = 20;

/// Calls that the first pass keeps: a third of a MiB, and some seconds of a processor with a thousand interrupts per
/// second.
const KEPT: usize = 4096;

/// A call, with the state of the heap before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seen {
    // First, so that calls are ordered by ticks, and calls with equal ticks by event, earlier ones higher.
    pub(super) ticks: u64,
    pub(super) event: Reverse<u64>,
    pub(super) kind: CallKind,
    pub(super) size_bytes: u64,
    pub(super) live_bytes: u64,
    pub(super) live_objects: u64,
    pub(super) committed_bytes: u64,
    pub(super) grown_bytes: u64,
}

/// The calls of a pass.
#[derive(Debug)]
pub(super) enum Slowest {
    /// The first pass keeps the slowest calls.
    Kept(BinaryHeap<Reverse<Seen>>),
    /// A further pass times them again. They are in the order of their events; those before `next` are done.
    Again { calls: Vec<Seen>, next: usize },
}

impl Slowest {
    pub(super) fn new() -> Self {
        Slowest::Kept(BinaryHeap::with_capacity(KEPT))
    }

    /// Starts the next pass.
    pub(super) fn again(self) -> Self {
        let mut calls = self.into_calls();
        calls.sort_unstable_by_key(|seen| seen.event.0);
        Slowest::Again { calls, next: 0 }
    }

    #[inline(always)]
    pub(super) fn record(&mut self, seen: Seen) {
        match self {
            Slowest::Kept(kept) if kept.len() < KEPT => kept.push(Reverse(seen)),
            Slowest::Kept(kept) => {
                let mut fastest = kept.peek_mut().expect("it is full");
                if fastest.0 < seen {
                    fastest.0 = seen;
                }
            }
            Slowest::Again { calls, next } => {
                if let Some(call) = calls.get_mut(*next).filter(|call| call.event == seen.event) {
                    call.ticks = call.ticks.min(seen.ticks);
                    *next += 1;
                }
            }
        }
    }

    /// The slowest calls, slowest first.
    pub(super) fn shown(self, clock: &Clock) -> Vec<SlowCall> {
        let mut calls = self.into_calls();
        calls.sort_unstable_by_key(|&seen| Reverse(seen));
        calls.iter().take(SHOWN).map(|seen| seen.shown(clock)).collect()
    }

    fn into_calls(self) -> Vec<Seen> {
        match self {
            Slowest::Kept(kept) => kept.into_iter().map(|Reverse(seen)| seen).collect(),
            Slowest::Again { calls, .. } => calls,
        }
    }
}

impl Seen {
    fn shown(&self, clock: &Clock) -> SlowCall {
        SlowCall {
            event: self.event.0,
            kind: self.kind,
            size_bytes: self.size_bytes,
            ns: clock.ns(self.ticks),
            live_bytes: self.live_bytes,
            live_objects: self.live_objects,
            committed_bytes: self.committed_bytes,
            grown_bytes: self.grown_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(event: u64, ticks: u64) -> Seen {
        Seen {
            ticks,
            event: Reverse(event),
            kind: CallKind::Alloc,
            size_bytes: event,
            live_bytes: 0,
            live_objects: 0,
            committed_bytes: 0,
            grown_bytes: 0,
        }
    }

    /// Runs passes over events from 1 on, with the ticks of each.
    fn passes(passes: &[&dyn Fn(u64) -> u64], events: u64) -> Vec<(u64, u64)> {
        let mut slowest = Slowest::new();
        for (pass, ticks) in passes.iter().enumerate() {
            if pass > 0 {
                slowest = slowest.again();
            }
            (1..=events).for_each(|event| slowest.record(seen(event, ticks(event))));
        }
        let mut calls = slowest.into_calls();
        calls.sort_unstable_by_key(|&seen| Reverse(seen));
        calls.iter().map(|seen| (seen.event.0, seen.ticks)).collect()
    }

    #[test]
    fn calls_slow_in_every_pass_rank_before_calls_slow_once() {
        let slow = |event| if event % 10_000 == 0 { 500 + event / 10_000 } else { 10 };
        let first = move |event| if event % 300 == 7 { 90_000 } else { slow(event) };
        let later = move |event| if event % 300 == 8 { 80_000 } else { slow(event) };
        let calls = passes(&[&first, &later, &slow], 100_000);
        let expected: Vec<_> = (1..=10).rev().map(|ten| (ten * 10_000, 500 + ten)).collect();
        assert_eq!(calls[..10], expected);
        assert!(calls[10..].iter().all(|&(_, ticks)| ticks == 10));
    }

    #[test]
    fn exactly_the_slowest_calls_are_kept() {
        let ticks = |event: u64| event.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 50;
        let mut naive: Vec<_> = (1..=3 * KEPT as u64).map(|event| (Reverse(ticks(event)), event)).collect();
        naive.sort_unstable();
        naive.truncate(KEPT);
        let naive: Vec<_> = naive.into_iter().map(|(Reverse(ticks), event)| (event, ticks)).collect();
        assert_eq!(passes(&[&ticks], 3 * KEPT as u64), naive);
        assert_eq!(passes(&[&ticks, &ticks, &ticks], 3 * KEPT as u64), naive);
    }
}
