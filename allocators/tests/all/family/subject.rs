//! A member of the family with all its checks: the shadow model, what the source did not give, and the account of every
//! byte.

use std::alloc::Layout;
use std::cell::RefCell;
use std::rc::Rc;

use heaprace_allocators::PageHeap;
use heaprace_allocators::shadow::Shadow;
use segregated_bump::policies::Policies;
use segregated_bump::{Allocator, Lost, SegregatedBump};

use crate::swept_bump::subject::{Live, Placing, Record, Source, check_gaps, take_back, untouched_heap};

/// A member whose type is not known here, so that the checks are compiled once.
pub(crate) trait Member: Allocator {
    /// Bytes that a block of this layout takes.
    fn usable_bytes(&self, layout: Layout) -> usize;

    /// Bytes from the source that are in no live block.
    fn idle_bytes(&self) -> usize;
}

impl<P: Policies> Member for SegregatedBump<Source, P, Lost> {
    fn usable_bytes(&self, layout: Layout) -> usize {
        SegregatedBump::<Source, P, Lost>::usable_bytes(layout)
    }

    fn idle_bytes(&self) -> usize {
        let idle = self.idle();
        let lost = idle.lost.expect("it counts");
        idle.bin_bytes + idle.large_bytes + idle.tail_bytes + lost.freed_bytes + lost.padding_bytes
    }
}

/// Creates a member.
pub(crate) type Create = fn(Source) -> Box<dyn Member>;

/// Where a heap's memory comes from: how its runs are placed, bytes of a page, bytes in all. If both are the same, all
/// memory comes at once.
pub(crate) type Memory = (Placing, usize, usize);

/// A member, its heap and its live blocks.
pub(crate) struct Subject {
    pub(crate) live: Vec<Live>,
    allocator: Box<dyn Member>,
    record: Rc<RefCell<Record>>,
    shadow: Shadow,
    heap: PageHeap,
}

impl Subject {
    /// A new member on new memory.
    pub(crate) fn new(create: Create, memory: Memory) -> Self {
        Self::on(untouched_heap(memory.2), create, memory)
    }

    fn on(heap: PageHeap, create: Create, (placing, page_bytes, bytes): Memory) -> Self {
        let (source, record) = Source::new(&heap, placing, page_bytes, bytes);
        let shadow = Shadow::new(heap.handle());
        Subject { allocator: create(source), live: Vec::new(), record, shadow, heap }
    }

    /// Starts again, with a new member on the same memory.
    pub(crate) fn again(self, create: Create, memory: Memory) -> Self {
        take_back(&self.heap, &self.record.borrow());
        Self::on(self.heap, create, memory)
    }

    /// Allocates a block, and returns whether there was memory.
    pub(crate) fn alloc(&mut self, bytes: usize, align: usize, zeroed: bool) -> Result<bool, String> {
        let layout = Layout::from_size_align(bytes, align).unwrap();
        let block = if zeroed { self.allocator.alloc_zeroed(layout) } else { self.allocator.alloc(layout) };
        if block.is_null() {
            return Ok(false);
        }
        // SAFETY: the allocator returned the block for this layout.
        unsafe { self.shadow.allocated(block, layout, zeroed) }.map_err(|violation| violation.to_string())?;
        self.live.push(Live { block, layout });
        Ok(true)
    }

    /// Frees a block of the list.
    pub(crate) fn dealloc(&mut self, which: usize) -> Result<(), String> {
        let Live { block, layout } = self.live.remove(which);
        // SAFETY: the block is live, with this layout.
        unsafe {
            self.shadow.releasing(block).map_err(|violation| violation.to_string())?;
            self.allocator.dealloc(block, layout);
        }
        Ok(())
    }

    /// Changes the size of a block of the list, and returns whether there was memory. If not, the block is as it was.
    pub(crate) fn realloc(&mut self, which: usize, bytes: usize) -> Result<bool, String> {
        let Live { block, layout } = self.live[which];
        // SAFETY: the block is live, with this layout.
        unsafe {
            self.shadow.check(block).map_err(|violation| violation.to_string())?;
            let moved = self.allocator.realloc(block, layout, bytes);
            if moved.is_null() {
                self.shadow.check(block).map_err(|violation| format!("after a failed realloc: {violation}"))?;
                return Ok(false);
            }
            self.shadow.reallocated(block, moved, bytes).map_err(|violation| violation.to_string())?;
            self.live[which] = Live { block: moved, layout: Layout::from_size_align(bytes, layout.align()).unwrap() };
        }
        Ok(true)
    }

    /// Checks that all blocks hold their bytes, and so does all that the source did not give, and that every byte that it
    /// gave is in a live block or idle.
    pub(crate) fn check(&self) -> Result<(), String> {
        // SAFETY: the heap was never reset.
        unsafe { self.shadow.check_all() }.map_err(|violation| violation.to_string())?;
        check_gaps(&self.heap, &self.record.borrow());
        let used: usize = self.live.iter().map(|live| self.allocator.usable_bytes(live.layout)).sum();
        let idle = self.allocator.idle_bytes();
        let given: usize = self.record.borrow().runs.iter().map(|(_, bytes)| bytes).sum();
        if used + idle != given {
            return Err(format!("{given} bytes given, {used} used and {idle} idle"));
        }
        Ok(())
    }
}
