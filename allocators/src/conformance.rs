//! Conformance cases that every contender must pass, generic over the contender.
//!
//! The tests run them for every line in [`contenders`](crate::contenders). They also run for an allocator defined
//! elsewhere:
//!
//! ```
//! use heaprace_allocators::{PageSize, conformance, contenders::segregated_bump::SegregatedBump};
//!
//! for case in conformance::cases::<SegregatedBump>() {
//!     if let Err(failure) = (case.run)(PageSize::WASM) {
//!         panic!("{}: {failure}", case.name);
//!     }
//! }
//! ```

use core::alloc::Layout;
use std::ptr::NonNull;

use crate::checked::Checked;
use crate::heap_allocator::{HeapAllocator, Purpose};
use crate::page_heap::PageHeapError;
use crate::page_size::{PAGE_BYTES, PageSize};
use crate::shadow::Violation;

/// One thing that a contender must be able to do.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What the case is about.
    pub name: &'static str,
    /// Runs the case on a heap with pages of this size.
    pub run: fn(PageSize) -> Result<(), Failure>,
}

/// Why a contender does not conform.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A block violates the allocator's contract.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// A request failed although memory was available, and the contender does not declare that failure.
    #[error("{bytes} bytes at alignment {align} failed with {pages} of {limit_pages} pages committed")]
    Refused {
        /// Requested size.
        bytes: usize,
        /// Requested alignment.
        align: usize,
        /// Pages committed at the time.
        pages: usize,
        /// Page limit of the heap.
        limit_pages: usize,
    },
    /// Anything else that went wrong.
    #[error("{0}")]
    Unexpected(String),
    /// The heap itself failed.
    #[error(transparent)]
    Heap(#[from] PageHeapError),
}

/// All cases for `A`; none for a floor, whose blocks overlap.
pub fn cases<A: HeapAllocator>() -> Vec<Case> {
    let all = [
        Case { name: "sizes from 1 byte to 4 MiB at alignments up to 64 KiB", run: sizes_and_alignments::<A> },
        Case { name: "realloc up and down keeps the bytes", run: realloc_keeps_bytes::<A> },
        Case { name: "zeroed blocks on dirty memory", run: zeroed_on_dirty_memory::<A> },
        Case { name: "exhaustion at the heap limit, and recovery", run: exhaustion::<A> },
        Case { name: "a realloc that fails leaves its block", run: failed_realloc::<A> },
        Case { name: "requests too large for any memory", run: absurd_requests::<A> },
        Case { name: "two instances in parallel", run: two_instances::<A> },
        Case { name: "reset and reuse, with the same pages each time", run: reset_and_reuse::<A> },
    ];
    if A::INFO.purpose == Purpose::Floor { Vec::new() } else { all.to_vec() }
}

const MIB: usize = 1 << 20;

/// Sizes around every boundary that an allocator may have.
const SIZES: [usize; 25] = [
    1,
    2,
    8,
    15,
    16,
    17,
    32,
    33,
    64,
    65,
    100,
    128,
    129,
    255,
    1000,
    1024,
    4088,
    4096,
    4100,
    16_000,
    65_400,
    65_536,
    65_600,
    MIB + 3,
    4 * MIB,
];

/// The limit of a heap in which the contender has that much for blocks.
fn limit_pages<A: HeapAllocator>(page: PageSize, bytes: usize) -> usize {
    page.pages_for(A::SETUP_BYTES + bytes)
}

fn layout(bytes: usize, align: usize) -> Layout {
    Layout::from_size_align(bytes, align).expect("the cases' layouts are sound")
}

/// Allocates a block. A failure is an error unless the contender declares that such requests may fail.
fn request<A: HeapAllocator>(
    checked: &mut Checked<A>,
    layout: Layout,
    zeroed: bool,
    limit_pages: usize,
) -> Result<Option<NonNull<u8>>, Failure> {
    let block = checked.alloc(layout, zeroed)?;
    if block.is_none() && A::INFO.refuses.is_none() {
        let pages = checked.heap().committed_pages();
        return Err(Failure::Refused { bytes: layout.size(), align: layout.align(), pages, limit_pages });
    }
    Ok(block)
}

fn sizes_and_alignments<A: HeapAllocator>(page: PageSize) -> Result<(), Failure> {
    let limit_pages = limit_pages::<A>(page, 512 * MIB);
    let mut checked = Checked::<A>::on_pages(page, limit_pages)?;
    for round in 0..2 {
        let mut blocks = Vec::new();
        for align in (0..=16).map(|bits| 1 << bits) {
            for bytes in SIZES {
                blocks.extend(request(&mut checked, layout(bytes, align), round == 1, limit_pages)?);
            }
        }
        // Declared failures must stay the exception.
        if blocks.len() < SIZES.len() * 15 {
            return Err(Failure::Unexpected(format!(
                "only {} of {} requests succeeded",
                blocks.len(),
                SIZES.len() * 17
            )));
        }
        // Every third block first, so that free memory is not contiguous.
        for offset in 0..3 {
            for &block in blocks.iter().skip(offset).step_by(3) {
                checked.dealloc(block)?;
            }
        }
    }
    Ok(())
}

fn realloc_keeps_bytes<A: HeapAllocator>(page: PageSize) -> Result<(), Failure> {
    let limit_pages = limit_pages::<A>(page, 512 * MIB);
    for align in [1, 8, 16, 64, 4096, 65_536] {
        let mut checked = Checked::<A>::on_pages(page, limit_pages)?;
        let mut grown: Vec<NonNull<u8>> = Vec::new();
        for blockers in [false, true] {
            let mut block = request(&mut checked, layout(SIZES[0], align), false, limit_pages)?;
            for &bytes in SIZES.iter().chain(SIZES.iter().rev()).chain([100, 30, 7000, 1].iter()) {
                let Some(from) = block else { break };
                block = checked.realloc(from, bytes)?;
                match block {
                    // A neighbour, so that the next realloc cannot grow in place.
                    Some(_) if blockers => grown.extend(request(&mut checked, layout(24, 8), false, limit_pages)?),
                    Some(_) => {}
                    None if A::INFO.refuses.is_some() => checked.dealloc(from)?,
                    None => {
                        let pages = checked.heap().committed_pages();
                        return Err(Failure::Refused { bytes, align, pages, limit_pages });
                    }
                }
            }
            grown.extend(block);
        }
        checked.check_all()?;
        grown.into_iter().try_for_each(|block| checked.dealloc(block))?;
    }
    Ok(())
}

fn zeroed_on_dirty_memory<A: HeapAllocator>(page: PageSize) -> Result<(), Failure> {
    let limit_pages = limit_pages::<A>(page, 64 * MIB);
    let mut checked = Checked::<A>::on_pages(page, limit_pages)?;
    for _ in 0..3 {
        for zeroed in [false, true, true] {
            let mut blocks = Vec::new();
            for bytes in SIZES.into_iter().filter(|&bytes| bytes < MIB) {
                blocks.extend(request(&mut checked, layout(bytes, 8), zeroed, limit_pages)?);
            }
            // The shadow has filled all blocks, so the next ones start dirty.
            blocks.into_iter().try_for_each(|block| checked.dealloc(block))?;
        }
        checked.reset()?;
    }
    Ok(())
}

fn exhaustion<A: HeapAllocator>(page: PageSize) -> Result<(), Failure> {
    for bytes in [16, 64, 100, 128] {
        let limit_pages = limit_pages::<A>(page, 8 * PAGE_BYTES);
        let mut checked = Checked::<A>::on_pages(page, 2 * limit_pages)?;
        checked.set_limit_pages(limit_pages);
        // A fixed pool is as large as the limit when it is created.
        checked.reset()?;
        let fill = |checked: &mut Checked<A>| -> Result<Vec<NonNull<u8>>, Failure> {
            let mut blocks = Vec::new();
            while let Some(block) = checked.alloc(layout(bytes, 8), false)? {
                blocks.push(block);
            }
            Ok(blocks)
        };
        let blocks = fill(&mut checked)?;
        // Boundary tags turn 16 bytes into 32. Less than a quarter in use means that the heap is not exhausted.
        if blocks.len() * bytes < limit_pages * page.bytes() / 4 {
            return Err(Failure::Unexpected(format!(
                "full with {} blocks of {bytes} bytes in {limit_pages} pages",
                blocks.len()
            )));
        }
        for _ in 0..3 {
            if checked.alloc(layout(bytes, 8), false)?.is_some() {
                return Err(Failure::Unexpected("an allocation succeeded on a full heap".to_owned()));
            }
        }
        checked.check_all()?;
        let (freed, kept) = blocks.split_at(blocks.len() / 2);
        freed.iter().try_for_each(|&block| checked.dealloc(block))?;
        let again = fill(&mut checked)?;
        // A yardstick that never frees may stay full, but it must be able to use new pages.
        if A::INFO.purpose != Purpose::Yardstick && again.len() < freed.len() {
            return Err(Failure::Unexpected(format!(
                "{} blocks of {bytes} bytes freed, only {} reallocated",
                freed.len(),
                again.len()
            )));
        }
        if !A::HAS_FIXED_POOL {
            checked.set_limit_pages(2 * limit_pages);
            request(&mut checked, layout(bytes, 8), false, 2 * limit_pages)?;
        }
        kept.iter().chain(&again).try_for_each(|&block| checked.dealloc(block))?;
    }
    Ok(())
}

fn failed_realloc<A: HeapAllocator>(page: PageSize) -> Result<(), Failure> {
    let limit_pages = limit_pages::<A>(page, 4 * PAGE_BYTES);
    let mut checked = Checked::<A>::on_pages(page, limit_pages)?;
    let mut block = request(&mut checked, layout(1000, 8), false, limit_pages)?;
    for bytes in [(limit_pages + 1) * page.bytes(), 1 << 30, isize::MAX as usize - 65_536] {
        let Some(from) = block else { continue };
        if checked.realloc(from, bytes)?.is_some() {
            return Err(Failure::Unexpected(format!("{bytes} bytes were allocated in {limit_pages} pages")));
        }
        block = checked.realloc(from, 2000)?.or(block);
    }
    block.map_or(Ok(()), |block| Ok(checked.dealloc(block)?))
}

fn absurd_requests<A: HeapAllocator>(page: PageSize) -> Result<(), Failure> {
    let limit_pages = limit_pages::<A>(page, 16 * PAGE_BYTES);
    let mut checked = Checked::<A>::on_pages(page, limit_pages)?;
    for round in 0..2 {
        for align in [1, 16, 4096, 65_536, 1 << 30] {
            for bytes in [(limit_pages + 1) * page.bytes(), 1 << 32, 1 << 46, isize::MAX as usize - (align - 1)] {
                if checked.alloc(layout(bytes, align), false)?.is_some() {
                    return Err(Failure::Unexpected(format!("{bytes} bytes were allocated in {limit_pages} pages")));
                }
            }
        }
        // Round 0 runs on an empty heap, round 1 with a live block.
        if checked.alloc(layout(100, 8), false)?.is_none() {
            return Err(Failure::Unexpected(format!("no 100 bytes after impossible requests, round {round}")));
        }
        checked.check_all()?;
    }
    Ok(())
}

fn two_instances<A: HeapAllocator>(page: PageSize) -> Result<(), Failure> {
    let limit_pages = limit_pages::<A>(page, 64 * MIB);
    let mut pair = [Checked::<A>::on_pages(page, limit_pages)?, Checked::<A>::on_pages(page, limit_pages)?];
    let mut blocks = [Vec::new(), Vec::new()];
    for step in 0..3000 {
        let side = (step / 3) % 2;
        let bytes = SIZES[(step * 7) % 20];
        match blocks[side].pop() {
            Some(block) if step % 5 == 0 => pair[side].dealloc(block)?,
            Some(block) if step % 5 == 1 => match pair[side].realloc(block, bytes)? {
                Some(moved) => blocks[side].push(moved),
                None if A::INFO.refuses.is_some() => blocks[side].push(block),
                None => return Err(Failure::Unexpected(format!("realloc to {bytes} bytes failed at step {step}"))),
            },
            block => {
                blocks[side].extend(block);
                blocks[side].extend(request(&mut pair[side], layout(bytes, 8), step % 2 == 0, limit_pages)?);
            }
        }
    }
    pair.iter_mut().try_for_each(|checked| checked.check_all())?;
    Ok(())
}

fn reset_and_reuse<A: HeapAllocator>(page: PageSize) -> Result<(), Failure> {
    let limit_pages = limit_pages::<A>(page, 64 * MIB);
    let mut checked = Checked::<A>::on_pages(page, limit_pages)?;
    let mut first = None;
    for _ in 0..4 {
        checked.reset()?;
        let mut offsets = Vec::new();
        let mut live = Vec::new();
        for step in 0..2000 {
            if step % 3 == 2 && !live.is_empty() {
                let block = live.swap_remove((step * 31) % live.len());
                checked.dealloc(block)?;
            } else if let Some(block) = request(&mut checked, layout(SIZES[(step * 7) % 20], 8), false, limit_pages)? {
                offsets.push(block.addr().get() - checked.heap().base().addr().get());
                live.push(block);
            }
        }
        let run = (offsets, checked.heap().committed_pages(), checked.heap().grow_calls());
        if first.get_or_insert_with(|| run.clone()) != &run {
            return Err(Failure::Unexpected("addresses differ after a reset".to_owned()));
        }
    }
    Ok(())
}
