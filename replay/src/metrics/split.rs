//! Where all committed bytes are at one instant, as the contender itself tells.

use heaprace_allocators::{HeapAllocator, IdleKind};
use heaprace_reports::results::{Moment, PartKind, Split, SplitPart};

use super::{Metric, State};

/// The split of the heap at chosen events: requested, rounding, and what is in no live block. What a contender does not tell is one part,
/// named unknown. The parts sum to H: that is asserted wherever they are taken.
///
/// It runs in a replay of its own, as the first peak of the heap is known only behind the first replay, and asking a contender may take it
/// as long as it has free blocks.
///
/// # Panics
///
/// Where a contender's parts do not sum to the heap: its adapter is wrong.
#[derive(Debug, Default)]
pub struct Splits {
    at: Vec<(Moment, u64)>,
    splits: Vec<Split>,
}

impl Splits {
    /// At these events, counted from 1.
    pub fn new(at: Vec<(Moment, u64)>) -> Self {
        Splits { at, splits: Vec::new() }
    }

    /// The splits, in the order in which they were asked for.
    pub fn into_splits(mut self) -> Vec<Split> {
        self.splits.sort_by_key(|split| self.at.iter().position(|&(moment, _)| moment == split.at));
        self.splits
    }
}

impl Metric for Splits {
    fn sample(&mut self, _state: &State) {}

    fn inspect<A: HeapAllocator>(&mut self, state: &State, allocator: &A) {
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

fn parts<A: HeapAllocator>(state: &State, allocator: &A) -> Vec<SplitPart> {
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
        assert!(sum <= state.committed_bytes, "event {}: {} tells of more than its heap", state.event, A::INFO.name);
        let name = if granted.is_some() { "free or metadata" } else { "rounding, free or metadata" };
        parts.push(part(PartKind::Unknown, name, state.committed_bytes - sum));
    }
    parts
}
