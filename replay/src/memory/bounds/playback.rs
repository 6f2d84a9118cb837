//! Checks a placement: it is played back as if an allocator had chosen it, under the same verification as every
//! contender.
//!
//! The engine replays the program through an allocator that answers with the offsets of the placement, in real memory.
//! The [shadow model](heaprace_allocators::shadow) checks every block: inside the heap, aligned, disjoint from every
//! live block, with its bytes kept until it is freed and carried over when it moves.

use std::alloc::Layout;
use std::ptr;

use heaprace_allocators::page_heap::{Guard, PAGE_BYTES};
use heaprace_allocators::{HeapAllocator, HeapRef, Info, PageHeap, Purpose};

use super::clairvoyant::Placement;
use super::error::BoundsError;
use super::instance::Instance;
use crate::engine::{self, TouchNone};
use crate::program::Program;
use crate::verify::Verify;

/// Answers the requests of a program with the offsets of a placement, in order; then with null.
struct Playback {
    heap: HeapRef,
    base: *mut u8,
    offsets: std::vec::IntoIter<u64>,
}

impl Playback {
    fn next(&mut self) -> *mut u8 {
        self.offsets.next().map_or(ptr::null_mut(), |offset| self.base.wrapping_add(offset as usize))
    }
}

// SAFETY: its role is a floor, which promises nothing about its blocks: they are checked before anything is written
// into them.
unsafe impl HeapAllocator for Playback {
    const INFO: Info = Info {
        name: "playback",
        version: env!("CARGO_PKG_VERSION"),
        purpose: Purpose::Floor,
        summary: "plays a placement back",
        refuses: None,
    };

    fn create(heap: HeapRef) -> Self {
        Playback { base: heap.base().as_ptr(), heap, offsets: Vec::new().into_iter() }
    }

    unsafe fn alloc(&mut self, _layout: Layout) -> *mut u8 {
        self.next()
    }

    unsafe fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        let block = self.next();
        if self.heap.contains(block.addr(), layout.size()) {
            // SAFETY: the block is in the committed pages.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    unsafe fn dealloc(&mut self, _block: *mut u8, _layout: Layout) {}

    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let moved = self.next();
        if self.heap.contains(moved.addr(), new_size) {
            // SAFETY: both blocks are in the committed pages; the old one was checked when it was new. They may
            // overlap: the old block ends as the new one begins.
            unsafe { ptr::copy(block, moved, layout.size().min(new_size)) };
        }
        moved
    }
}

/// Checks that a placement of a program is sound, and as high as it states.
///
/// # Errors
///
/// [`BoundsError::Unsound`] at the first violation, [`BoundsError::WrongMakespan`], and [`BoundsError::Heap`] if there
/// is no memory for the playback.
///
/// # Panics
///
/// If the placement does not belong to this instance, or the instance not to this program.
pub fn verify(program: &Program, instance: &Instance, placement: &Placement) -> Result<(), BoundsError> {
    let Placement { offsets, makespan_bytes } = placement;
    let objects = instance.rectangles();
    assert_eq!(offsets.len(), objects.len(), "a placement has an offset for each rectangle");
    assert_eq!(
        objects.len() as u64,
        program.profile().allocs + program.profile().reallocs,
        "the instance belongs to another program"
    );
    let highest = offsets.iter().zip(objects).map(|(offset, object)| offset.saturating_add(object.size_bytes.into()));
    let found_bytes = highest.max().unwrap_or(0);
    if found_bytes != *makespan_bytes {
        return Err(BoundsError::WrongMakespan { stated_bytes: *makespan_bytes, found_bytes });
    }
    // Offsets count from an address that is aligned for every object.
    let align = instance.max_align_bytes() as usize;
    let pages = (*makespan_bytes as usize).saturating_add(align).div_ceil(PAGE_BYTES);
    let heap = PageHeap::reserve(pages, Guard::Batched)?;
    let handle = heap.handle();
    let base = handle.base().as_ptr();
    let base = base.wrapping_add(base.addr().wrapping_neg() & (align - 1));
    handle.grow(pages).ok_or(BoundsError::NoMemory { pages })?;
    let mut playback = Playback { heap: handle.clone(), base, offsets: offsets.clone().into_iter() };
    let mut verify = Verify::new(handle);
    let mut slots = engine::slots_for(program);
    let replay = engine::replay::<_, _, TouchNone>(program, &mut slots, &mut playback, &mut verify);
    if replay.expect("a program that has an instance is held").is_continue() {
        let _ = verify.finish(program.events());
    }
    match verify.violation() {
        Some((event, violation)) => Err(BoundsError::Unsound { event, violation }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use heaprace_allocators::shadow::Violation;

    use super::*;
    use crate::memory::bounds::tests::program;

    /// Objects of 100 and 50 bytes are live together; the first is resized to 60 bytes after the second has died.
    const LINES: &str = "alloc,1,100,8\nalloc_zeroed,2,50,2\ndealloc,2\nrealloc,1,60\nalloc,3,1,1\n";

    fn check(offsets: [u64; 4], makespan_bytes: u64) -> Result<(), BoundsError> {
        let program = program(LINES);
        let instance = Instance::of(&program).unwrap();
        verify(&program, &instance, &Placement { offsets: offsets.to_vec(), makespan_bytes })
    }

    #[test]
    fn a_sound_placement_passes() {
        // In place, and moved to a position that overlaps its old one.
        assert!(check([0, 100, 0, 60], 150).is_ok());
        assert!(check([0, 100, 40, 3], 150).is_ok());
    }

    #[test]
    fn each_fault_is_caught_at_its_event() {
        let violation = |offsets, makespan| match check(offsets, makespan) {
            Err(BoundsError::Unsound { event, violation }) => (event, violation),
            other => panic!("not caught: {other:?}"),
        };
        let overlap =
            |offset, bytes, other_offset, other_bytes| Violation::Overlap { offset, bytes, other_offset, other_bytes };
        assert_eq!(violation([0, 98, 0, 60], 148), (2, overlap(98, 50, 0, 100)));
        assert_eq!(violation([8, 0, 8, 68], 108), (2, overlap(0, 50, 8, 100)));
        assert_eq!(violation([0, 100, 0, 59], 150), (5, overlap(59, 1, 0, 60)));
        assert_eq!(violation([0, 101, 0, 60], 151), (2, Violation::Misaligned { offset: 101, align: 2 }));
        assert_eq!(violation([0, 100, 4, 64], 150), (4, Violation::Misaligned { offset: 4, align: 8 }));
    }

    #[test]
    fn a_stated_makespan_is_checked() {
        for stated in [149, 151, 0] {
            let expected = BoundsError::WrongMakespan { stated_bytes: stated, found_bytes: 150 };
            assert_eq!(check([0, 100, 0, 60], stated).unwrap_err().to_string(), expected.to_string());
        }
    }

    #[test]
    fn alignments_above_a_page_are_met() {
        let program = program("alloc,1,5,1\nalloc,2,1,1048576\n");
        let instance = Instance::of(&program).unwrap();
        let placement = Placement::of(&instance);
        assert!(placement.makespan_bytes <= 1_048_577, "{placement:?}");
        verify(&program, &instance, &placement).unwrap();
    }
}
