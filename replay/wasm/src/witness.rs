//! Watches a replay in an engine: checks every block that comes back, and counts pages, growth and failures.
//!
//! It sees the address that the allocator answers and the pages of its memory after each event. It knows nothing of
//! what the blocks contain.

use std::alloc::Layout;

use heaprace_allocators::PAGE_BYTES;
use heaprace_allocators::places::Places;
use heaprace_allocators::shadow::Violation;
use heaprace_engine::program::OpKind;
use heaprace_reports::results::Figure;
use heaprace_reports::wasm::{GrownAt, Observation};
use thiserror::Error;

use crate::recording::Operation;

/// A block that is not what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("event {event}: {violation}")]
pub struct BlockFault {
    /// The event, from 1.
    pub event: u64,
    /// What is wrong; offsets are from the end of the module's own data.
    pub violation: Violation,
}

/// Watches one replay.
#[derive(Debug)]
pub struct Witness {
    /// The live blocks above the module's own data.
    places: Places<()>,
    /// Address of each slot's block, or 0.
    slots: Vec<u32>,
    /// Where the allocator's memory begins.
    heap_base: usize,
    /// Pages before the first event.
    start_pages: u64,
    pages: u64,
    checks: bool,
    seen: Observation,
}

impl Witness {
    /// For a replay with this number of slots, in a module whose data ends at `heap_base` and whose memory has `start_pages`.
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
        let heap_base = heap_base as usize;
        let (places, slots) = (Places::new(heap_base), vec![0; slots]);
        Witness { places, slots, heap_base, start_pages, pages: start_pages, checks, seen }
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
            self.places.remove(before as usize);
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
        let layout = Layout::from_size_align(operation.size as usize, operation.align as usize)
            .expect("a recording has only what 32 bits can ask for");
        let heap_bytes = (self.pages as usize * PAGE_BYTES).saturating_sub(self.heap_base);
        let checked = self.places.check(address as usize, layout, heap_bytes);
        checked.map_err(|violation| BlockFault { event, violation })?;
        self.places.insert(address as usize, layout, ());
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
        let fault = |event, violation| Err(BlockFault { event, violation });
        // Offsets are from the heap's base at 1024, and the heap ends at the end of the second page.
        let outside =
            |offset, bytes| fault(1, Violation::OutsideHeap { offset, bytes, committed_bytes: 0x2_0000 - 1024 });
        assert_eq!(see(&[(2052, 10)]), fault(1, Violation::Misaligned { offset: 1028, align: 8 }));
        assert_eq!(see(&[(1016, 10)]), outside(-8, 10));
        assert_eq!(see(&[(0x1_fff8, 8)]), Ok(()));
        assert_eq!(see(&[(0x1_fff8, 9)]), outside(0x1_fff8 - 1024, 9));
        let overlap = |event, address: u32, bytes: u32, other_bytes| {
            let (offset, bytes) = (address as isize - 1024, bytes as usize);
            fault(event, Violation::Overlap { offset, bytes, other_offset: 1024, other_bytes })
        };
        for (address, size) in [(2048, 100), (2144, 100), (2040, 9), (1024, 4096), (2056, 8)] {
            assert_eq!(see(&[(2048, 100), (address, size)]), overlap(2, address, size, 100));
        }
        assert_eq!(see(&[(2048, 100), (2104, 1), (3000, 8)]), overlap(2, 2104, 1, 100));
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
