//! The purpose of all committed bytes at one instant, as reported by the contender.

use heaprace_allocators::{HeapAllocator, IdleKind};
use heaprace_reports::results::{Moment, PartKind, Split, SplitPart};

use super::gauge::{Gauge, HeapState};
use super::instant::next_after;

/// The split of the heap at chosen events: requested bytes, internal fragmentation, and bytes in no live block. Bytes
/// that a contender does not account for form one part, named unknown. The parts add up to H; this is asserted for
/// every split.
///
/// It runs in a replay of its own up to the peaks, because the first peak of the heap is known only after the first
/// replay, and because the contender may need time proportional to its free blocks.
///
/// # Panics
///
/// If a contender's parts do not add up to the heap: its adapter is wrong.
#[derive(Debug, Default)]
pub struct SplitGauge {
    at: Vec<(Moment, u64)>,
    /// The next event of them.
    next_event: Option<u64>,
    splits: Vec<Split>,
}

impl SplitGauge {
    /// Takes splits at these events, counted from 1.
    pub fn new(at: Vec<(Moment, u64)>) -> Self {
        let next_event = next_after(0, &at, &[]);
        SplitGauge { at, next_event, splits: Vec::new() }
    }

    /// The splits, in the order of the request.
    pub fn into_splits(mut self) -> Vec<Split> {
        self.splits.sort_by_key(|split| self.at.iter().position(|&(moment, _)| moment == split.at));
        self.splits
    }

    /// Takes the splits at this event.
    pub(crate) fn take<A: HeapAllocator>(&mut self, state: &HeapState, allocator: &A) {
        for &(moment, _) in self.at.iter().filter(|(_, event)| *event == state.event) {
            self.splits.push(Split {
                at: moment,
                event: state.event,
                committed_bytes: state.committed_bytes,
                parts: parts(state, allocator),
            });
        }
    }
}

impl Gauge for SplitGauge {
    const READS_PAGES: bool = false;

    fn sample(&mut self, _state: &HeapState) {}

    fn inspect<A: HeapAllocator>(&mut self, state: &HeapState, allocator: &A) {
        if self.next_event == Some(state.event) {
            self.next_event = next_after(state.event, &self.at, &[]);
            self.take(state, allocator);
        }
    }
}

fn parts<A: HeapAllocator>(state: &HeapState, allocator: &A) -> Vec<SplitPart> {
    let part = |kind, name: &str, bytes| SplitPart { kind, name: name.to_owned(), bytes };
    let mut parts = vec![part(PartKind::Requested, PartKind::Requested.name(), state.live_bytes)];
    let granted = state.granted_bytes.inspect(|granted| {
        parts.push(part(PartKind::Rounding, PartKind::Rounding.name(), granted - state.live_bytes));
    });
    for idle in allocator.idle(state.live_objects as usize) {
        let kind = match idle.kind {
            IdleKind::Free => PartKind::Free,
            IdleKind::Tail => PartKind::Tail,
            IdleKind::Lost => PartKind::Lost,
            IdleKind::Metadata => PartKind::Metadata,
        };
        parts.push(part(kind, idle.name, idle.bytes as u64));
    }
    let sum: u64 = parts.iter().map(|part| part.bytes).sum();
    if A::KNOWS_ALL_IDLE {
        assert_eq!(sum, state.committed_bytes, "event {}: the parts of {} are not its heap", state.event, A::INFO.name);
    } else {
        assert!(sum <= state.committed_bytes, "event {}: {} reports more than its heap", state.event, A::INFO.name);
        let name = if granted.is_some() { "free or metadata" } else { "rounding, free or metadata" };
        parts.push(part(PartKind::Unknown, name, state.committed_bytes - sum));
    }
    parts
}
