//! An allocator on a source of any kind, with every operation followed by all checks: the shadow model, the self check,
//! and the account of every byte.

use std::alloc::Layout;
use std::cell::RefCell;
use std::ptr::NonNull;
use std::rc::Rc;

use heaprace_allocators::page_heap::Guard;
use heaprace_allocators::shadow::Shadow;
use heaprace_allocators::{HeapRef, PageHeap, PageSize};
use segregated_bump::policies::{Swept, SweptDecisions};
use segregated_bump::{HeapPart, PageSource, SweptBump};

/// What the bytes hold that the source did not give.
const UNTOUCHED: u8 = 0xA5;

/// How a source places its runs in the memory that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placing {
    /// One after the other.
    Consecutive,
    /// Upward, with a gap before each.
    Scattered,
    /// Each below the one before it.
    Downward,
    /// One after the other, each of an odd number of bytes and from an odd address on.
    Unaligned,
    /// One after the other, and a gap before every third.
    Interrupted,
}

/// A source that records what it gives.
pub(crate) struct Source {
    heap: HeapRef,
    page_bytes: usize,
    /// All bytes that it has, gaps included.
    bytes: usize,
    placing: Placing,
    record: Rc<RefCell<Record>>,
}

/// What a source has given.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// The offset of each run, and its bytes.
    pub(crate) runs: Vec<(usize, usize)>,
    /// Bytes that are left, gaps included.
    pub(crate) left_bytes: usize,
}

impl Source {
    /// A source over the committed pages of a heap, of which it has `bytes` bytes and gives whole multiples of
    /// `page_bytes`, and its record.
    pub(crate) fn new(
        heap: &PageHeap,
        placing: Placing,
        page_bytes: usize,
        bytes: usize,
    ) -> (Self, Rc<RefCell<Record>>) {
        let record = Rc::new(RefCell::new(Record { runs: Vec::new(), left_bytes: bytes }));
        (Source { heap: heap.handle(), page_bytes, bytes, placing, record: Rc::clone(&record) }, record)
    }
}

// SAFETY: runs are disjoint parts of the committed pages of a heap that has no other user. They hold zeroes: all that
// is written elsewhere is in gaps.
unsafe impl PageSource for Source {
    const ZEROED: bool = true;

    fn run_align(&self) -> usize {
        if self.placing == Placing::Unaligned { 1 } else { self.page_bytes.min(4096) }
    }

    fn acquire(&mut self, min_bytes: usize) -> Option<NonNull<[u8]>> {
        let mut record = self.record.borrow_mut();
        let pages_bytes = min_bytes.checked_next_multiple_of(self.page_bytes)?;
        let (gap, bytes) = match self.placing {
            Placing::Consecutive | Placing::Downward => (0, pages_bytes),
            Placing::Scattered => (self.page_bytes * (1 + record.runs.len() % 3), pages_bytes),
            Placing::Unaligned => (if record.runs.is_empty() { 7 } else { 0 }, pages_bytes.checked_add(13)?),
            Placing::Interrupted => (if record.runs.len() % 3 == 2 { self.page_bytes } else { 0 }, pages_bytes),
        };
        let left = record.left_bytes.checked_sub(gap)?.checked_sub(bytes)?;
        let offset = if self.placing == Placing::Downward { left } else { self.bytes - record.left_bytes + gap };
        record.left_bytes = left;
        record.runs.push((offset, bytes));
        // SAFETY: the run is within the committed pages.
        let start = unsafe { self.heap.base().add(offset) };
        // SAFETY: as above; the bytes become the allocator's only now.
        unsafe { start.write_bytes(0, bytes) };
        Some(NonNull::slice_from_raw_parts(start, bytes))
    }
}

/// A heap whose pages for these bytes are committed, and hold what no source has given.
pub(crate) fn untouched_heap(bytes: usize) -> PageHeap {
    let page = PageSize::from_bytes(4096).unwrap();
    let heap = PageHeap::reserve_sized(page, page.pages_for(bytes), Guard::Trap).unwrap();
    heap.handle().grow(page.pages_for(bytes)).unwrap();
    let committed = heap.handle().committed_bytes();
    // SAFETY: the pages are committed, and have no other user yet.
    unsafe { heap.handle().base().write_bytes(UNTOUCHED, committed) };
    heap
}

/// Makes all that the source gave as it was. Nobody uses it any more.
pub(crate) fn take_back(heap: &PageHeap, record: &Record) {
    for &(offset, run_bytes) in &record.runs {
        // SAFETY: the pages are committed, and nobody uses them any more.
        unsafe { heap.handle().base().add(offset).write_bytes(UNTOUCHED, run_bytes) };
    }
}

/// Checks that all that the source did not give is as it was.
pub(crate) fn check_gaps(heap: &PageHeap, record: &Record) {
    let mut runs = record.runs.clone();
    runs.sort_unstable();
    runs.push((heap.handle().committed_bytes(), 0));
    let mut from = 0;
    for (start, bytes) in runs {
        // SAFETY: the bytes are committed, and no allocator has them.
        let gap = unsafe { std::slice::from_raw_parts(heap.handle().base().add(from).as_ptr(), start - from) };
        let is_untouched = |part: &[u8]| part == &[UNTOUCHED; 256][..part.len()];
        assert!(gap.chunks(256).all(is_untouched), "the gap at {from} was overwritten");
        from = start + bytes;
    }
}

/// A live block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Live {
    pub(crate) block: *mut u8,
    pub(crate) layout: Layout,
}

/// An allocator with all its checks.
pub(crate) struct Subject<P: SweptDecisions = Swept> {
    pub(crate) allocator: SweptBump<Source, P>,
    pub(crate) live: Vec<Live>,
    pub(crate) record: Rc<RefCell<Record>>,
    shadow: Shadow,
    heap: PageHeap,
    /// Whether every byte that the source gave is in one place. Otherwise some are given up.
    is_exact: bool,
}

/// Where a byte of the heap is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Live,
    Idle(HeapPart),
}

impl Subject {
    /// The flagship on a source that has `bytes` bytes and gives whole multiples of `page_bytes`.
    pub(crate) fn new(placing: Placing, page_bytes: usize, bytes: usize) -> Self {
        Self::of(placing, page_bytes, bytes)
    }
}

impl<P: SweptDecisions> Subject<P> {
    /// Any member on such a source.
    pub(crate) fn of(placing: Placing, page_bytes: usize, bytes: usize) -> Self {
        let heap = untouched_heap(bytes);
        Self::on(heap, placing, page_bytes, bytes)
    }

    fn on(heap: PageHeap, placing: Placing, page_bytes: usize, bytes: usize) -> Self {
        let (source, record) = Source::new(&heap, placing, page_bytes, bytes);
        let shadow = Shadow::new(heap.handle());
        let is_exact = placing == Placing::Consecutive;
        Subject { allocator: SweptBump::new(source), live: Vec::new(), record, shadow, heap, is_exact }
    }

    /// Starts again, with a new allocator on the same memory.
    pub(crate) fn again(self, placing: Placing, page_bytes: usize, bytes: usize) -> Self {
        take_back(&self.heap, &self.record.borrow());
        Self::on(self.heap, placing, page_bytes, bytes)
    }

    /// Allocates a block, and returns whether there was memory.
    pub(crate) fn alloc(&mut self, bytes: usize, align: usize, zeroed: bool) -> bool {
        let layout = Layout::from_size_align(bytes, align).unwrap();
        let block = if zeroed { self.allocator.alloc_zeroed(layout) } else { self.allocator.alloc(layout) };
        if block.is_null() {
            return false;
        }
        // SAFETY: the allocator returned the block for this layout.
        unsafe { self.shadow.allocated(block, layout, zeroed) }.unwrap();
        self.live.push(Live { block, layout });
        true
    }

    /// Frees a block of the list.
    pub(crate) fn dealloc(&mut self, which: usize) {
        let Live { block, layout } = self.live.swap_remove(which);
        // SAFETY: the block is live, with this layout.
        unsafe {
            self.shadow.releasing(block).unwrap();
            self.allocator.dealloc(block, layout);
        }
    }

    /// Changes the size of a block of the list, and returns whether there was memory.
    pub(crate) fn realloc(&mut self, which: usize, bytes: usize) -> bool {
        let Live { block, layout } = self.live[which];
        // SAFETY: the block is live, with this layout.
        unsafe {
            self.shadow.check(block).unwrap();
            let moved = self.allocator.realloc(block, layout, bytes);
            if moved.is_null() {
                self.shadow.check(block).unwrap();
                return false;
            }
            self.shadow.reallocated(block, moved, bytes).unwrap();
            self.live[which] = Live { block: moved, layout: Layout::from_size_align(bytes, layout.align()).unwrap() };
        }
        true
    }

    /// All ranges of the heap by their offsets: bytes, and what they are.
    pub(crate) fn ranges(&self) -> Vec<(usize, usize, Place)> {
        let base = self.heap.handle().base().addr().get();
        let mut ranges: Vec<_> = self
            .live
            .iter()
            .map(|live| (live.block.addr() - base, SweptBump::<Source, P>::usable_bytes(live.layout), Place::Live))
            .collect();
        self.allocator.for_each_part(|part, start, bytes| ranges.push((start.addr() - base, bytes, Place::Idle(part))));
        ranges.sort_unstable_by_key(|&(start, ..)| start);
        ranges
    }

    /// The address of the first byte that the source gave.
    pub(crate) fn first_address(&self) -> usize {
        self.heap.handle().base().addr().get() + self.record.borrow().runs[0].0
    }

    /// Bytes that the source gave.
    pub(crate) fn given_bytes(&self) -> usize {
        self.record.borrow().runs.iter().map(|(_, bytes)| bytes).sum()
    }

    /// The self check, and: every range is within what the source gave, no two share a byte, and, unless some memory is
    /// given up, every byte is in one of them. Gaps hold what they held.
    pub(crate) fn check(&mut self) -> Result<(), String> {
        self.allocator.self_check().map_err(|fault| format!("{fault:?}"))?;
        let mut runs = self.record.borrow().runs.clone();
        runs.sort_unstable();
        // Runs that follow each other are one piece.
        let mut pieces: Vec<(usize, usize)> = Vec::new();
        for (start, bytes) in runs {
            match pieces.last_mut() {
                Some(last) if last.0 + last.1 == start => last.1 += bytes,
                _ => pieces.push((start, bytes)),
            }
        }
        let ranges = self.ranges();
        for pair in ranges.windows(2) {
            if pair[0].0 + pair[0].1 > pair[1].0 {
                return Err(format!("overlap: {pair:?}"));
            }
        }
        for &(start, bytes, place) in &ranges {
            if !pieces.iter().any(|piece| piece.0 <= start && start + bytes <= piece.0 + piece.1) {
                return Err(format!("outside of the source: {start} {bytes} {place:?}"));
            }
        }
        let (known, given) = (ranges.iter().map(|range| range.1).sum::<usize>(), self.given_bytes());
        if self.is_exact && known != given {
            return Err(format!("{given} bytes given, {known} bytes known: {ranges:?}"));
        }
        Ok(())
    }

    /// Checks the contents of all live blocks, and of all that the source did not give.
    pub(crate) fn check_contents(&self) {
        // SAFETY: the heap was never reset.
        unsafe { self.shadow.check_all() }.unwrap();
        check_gaps(&self.heap, &self.record.borrow());
    }
}
