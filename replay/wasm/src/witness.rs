//! Watches a replay in an engine: checks every block that comes back, and counts pages, growth and failures.
//!
//! It sees the address that the allocator answers and the pages of its memory after each event. It knows nothing of
//! what the blocks contain.

use std::collections::BTreeMap;

use heaprace_engine::program::OpKind;
use heaprace_reports::results::Figure;
use serde::Serialize;
use thiserror::Error;

use crate::recording::Operation;

/// Bytes in a page of WebAssembly.
pub const PAGE_BYTES: u64 = 64 * 1024;

/// What is wrong with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BlockFault {
    /// Its address does not have the alignment that was asked for.
    #[error("event {event}: the block at {address} is not aligned to {align} bytes")]
    Misaligned {
        /// The event, from 1.
        event: u64,
        /// The address.
        address: u32,
        /// The alignment asked for.
        align: u32,
    },
    /// It is not within the memory, or in the module's own data.
    #[error("event {event}: the block at {address} of {size} bytes is outside of the heap")]
    Outside {
        /// The event, from 1.
        event: u64,
        /// The address.
        address: u32,
        /// Its size.
        size: u32,
    },
    /// It shares bytes with another live block.
    #[error("event {event}: the block at {address} of {size} bytes overlaps the live one at {other}")]
    Overlap {
        /// The event, from 1.
        event: u64,
        /// The address.
        address: u32,
        /// Its size.
        size: u32,
        /// The address of the other.
        other: u32,
    },
}

/// An event after which the memory was larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GrownAt {
    /// The event, from 1.
    pub event: u64,
    /// Pages that the allocator has added so far.
    pub pages: u64,
}

/// What a watched replay has shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Observation {
    /// Events that were replayed: fewer than the trace has if the time ran out.
    pub events: u64,
    /// Pages that the allocator has added to the memory. A memory of WebAssembly never shrinks, so this is both the peak
    /// and the end.
    pub grown_pages: u64,
    /// Events in which the memory grew.
    pub growing_events: u64,
    /// Calls of `memory.grow`, with those that failed.
    pub grow_calls: Figure<u64>,
    /// The course of the memory: every event in which it grew.
    pub growth: Vec<GrownAt>,
    /// Requests that failed.
    pub failed_requests: u64,
}

/// Watches one replay.
#[derive(Debug)]
pub struct Witness {
    /// Start and end of each live block.
    blocks: BTreeMap<u32, u64>,
    /// Address of each slot's block, or 0.
    slots: Vec<u32>,
    /// Where the allocator's memory begins: the module's own data is below.
    heap_base: u32,
    /// Pages before the first event.
    start_pages: u64,
    pages: u64,
    checks: bool,
    seen: Observation,
}

impl Witness {
    /// For a replay with so many slots, in a module whose data ends at `heap_base` and whose memory has `start_pages`.
    /// If it does not `check`, blocks may be anywhere: those of the floor overlap.
    pub fn new(slots: usize, heap_base: u32, start_pages: u64, checks: bool) -> Self {
        let seen = Observation {
            events: 0,
            grown_pages: 0,
            growing_events: 0,
            grow_calls: Figure::unknown("the engine does not show single calls"),
            growth: Vec::new(),
            failed_requests: 0,
        };
        let (blocks, slots) = (BTreeMap::new(), vec![0; slots]);
        Witness { blocks, slots, heap_base, start_pages, pages: start_pages, checks, seen }
    }

    /// An event and what came of it: the address of the object's block, and the pages of the memory.
    ///
    /// # Errors
    ///
    /// If the block is not what was asked for.
    pub fn see(&mut self, operation: Operation, address: u32, pages: u64) -> Result<(), BlockFault> {
        self.seen.events += 1;
        let event = self.seen.events;
        if pages > self.pages {
            self.pages = pages;
            self.seen.growing_events += 1;
            self.seen.grown_pages = pages - self.start_pages;
            self.seen.growth.push(GrownAt { event, pages: self.seen.grown_pages });
        }
        let before = std::mem::take(&mut self.slots[operation.slot]);
        let is_asked = match operation.kind {
            OpKind::Alloc | OpKind::AllocZeroed => true,
            // An object that failed is absent from then on.
            OpKind::Realloc => before != 0,
            OpKind::Dealloc => false,
        };
        if before != 0 {
            self.blocks.remove(&before);
        }
        if !is_asked {
            return Ok(());
        }
        if address == 0 {
            self.seen.failed_requests += 1;
            return Ok(());
        }
        self.slots[operation.slot] = address;
        if self.checks { self.check(event, operation, address) } else { Ok(()) }
    }

    fn check(&mut self, event: u64, operation: Operation, address: u32) -> Result<(), BlockFault> {
        let Operation { size, align, .. } = operation;
        let end = u64::from(address) + u64::from(size);
        if !address.is_multiple_of(align) {
            return Err(BlockFault::Misaligned { event, address, align });
        }
        if address < self.heap_base || end > self.pages * PAGE_BYTES {
            return Err(BlockFault::Outside { event, address, size });
        }
        // Live blocks are disjoint, so the last one that begins before this one's end has the highest end.
        let last = u32::try_from(end - 1).unwrap_or(u32::MAX);
        let below = self.blocks.range(..=last).next_back();
        if let Some((&other, _)) = below.filter(|&(_, &other_end)| other_end > u64::from(address)) {
            return Err(BlockFault::Overlap { event, address, size, other });
        }
        self.blocks.insert(address, end);
        Ok(())
    }

    /// What it has seen.
    pub fn finish(self) -> Observation {
        self.seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(kind: OpKind, slot: usize, size: u32) -> Operation {
        Operation { kind, slot, size, align: 8, old_size: 0 }
    }

    fn witness() -> Witness {
        Witness::new(3, 1024, 2, true)
    }

    #[test]
    fn it_counts_pages_growth_and_failures() {
        let mut witness = witness();
        let alloc = |slot| operation(OpKind::Alloc, slot, 100);
        witness.see(alloc(0), 2048, 2).unwrap();
        witness.see(alloc(1), 0x2_0000, 5).unwrap();
        witness.see(operation(OpKind::Dealloc, 0, 100), 2048, 5).unwrap();
        witness.see(alloc(0), 2048, 5).unwrap();
        // A failed realloc frees its block, and what follows has no object.
        witness.see(operation(OpKind::Realloc, 0, 1 << 20), 0, 5).unwrap();
        witness.see(operation(OpKind::Realloc, 0, 50), 0, 5).unwrap();
        witness.see(operation(OpKind::Dealloc, 0, 50), 0, 5).unwrap();
        witness.see(alloc(2), 2048, 6).unwrap();
        let growth = vec![GrownAt { event: 2, pages: 3 }, GrownAt { event: 8, pages: 4 }];
        let seen = witness.finish();
        assert_eq!((seen.events, seen.grown_pages, seen.growing_events, seen.failed_requests), (8, 4, 2, 1));
        assert_eq!(seen.growth, growth);
    }

    #[test]
    fn each_fault_is_noticed() {
        let see = |blocks: &[(u32, u32)]| {
            let mut witness = witness();
            let mut seen = Ok(());
            for (slot, &(address, size)) in blocks.iter().enumerate() {
                seen = seen.and(witness.see(operation(OpKind::Alloc, slot, size), address, 2));
            }
            seen
        };
        assert_eq!(see(&[(2048, 100), (2152, 100), (1944, 104)]), Ok(()), "neighbours");
        assert_eq!(see(&[(2052, 10)]), Err(BlockFault::Misaligned { event: 1, address: 2052, align: 8 }));
        assert_eq!(see(&[(1016, 10)]), Err(BlockFault::Outside { event: 1, address: 1016, size: 10 }));
        assert_eq!(see(&[(0x1_fff8, 8)]), Ok(()));
        assert_eq!(see(&[(0x1_fff8, 9)]), Err(BlockFault::Outside { event: 1, address: 0x1_fff8, size: 9 }));
        let overlap = |address, size| Err(BlockFault::Overlap { event: 2, address, size, other: 2048 });
        for (address, size) in [(2048, 100), (2144, 100), (2040, 9), (1024, 4096), (2056, 8)] {
            assert_eq!(see(&[(2048, 100), (address, size)]), overlap(address, size));
        }
        assert_eq!(
            see(&[(2048, 100), (2104, 1), (3000, 8)]),
            Err(BlockFault::Overlap { event: 2, address: 2104, size: 1, other: 2048 })
        );
    }

    #[test]
    fn a_block_may_move_over_its_own_old_place() {
        let mut witness = witness();
        witness.see(operation(OpKind::Alloc, 0, 100), 2048, 2).unwrap();
        witness.see(operation(OpKind::Realloc, 0, 200), 2048, 2).unwrap();
        witness.see(operation(OpKind::Realloc, 0, 300), 1984, 2).unwrap();
        witness.see(operation(OpKind::Alloc, 1, 8), 2288, 2).unwrap();
        witness.see(operation(OpKind::Alloc, 2, 8), 2280, 2).unwrap_err();
    }
}
