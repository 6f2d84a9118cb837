//! Checks a placement: it is played back as if an allocator had chosen it, under the same checks of places as every
//! contender.
//!
//! Every block is checked at its event: inside the heap, aligned, and disjoint from every live block. A placement has no
//! contents that could be wrong, so no memory is touched, however large the blocks are.

use heaprace_allocators::places::Places;
use heaprace_allocators::shadow::Violation;

use super::clairvoyant::Placement;
use super::error::BoundsError;
use super::instance::Instance;
use crate::limits::Limits;
use crate::program::{OpKind, Program};

/// Events between two checks of the limits.
const EVENTS_PER_CHECK: u64 = 1 << 16;

/// Checks that a placement of a program is sound, and as high as it states.
///
/// # Errors
///
/// [`BoundsError::Unsound`] at the first violation, [`BoundsError::WrongMakespan`], and [`BoundsError::Stopped`] if a
/// limit is reached.
///
/// # Panics
///
/// If the placement does not belong to this instance, or the instance not to this program.
pub fn verify(
    program: &Program,
    instance: &Instance,
    placement: &Placement,
    limits: Limits<'_>,
) -> Result<(), BoundsError> {
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
    let mut event = 0;
    let mut places = Places::new(0);
    // The offset of the live block in each slot.
    let mut in_slot = vec![0; program.slots()];
    let mut offsets = offsets.iter().map(|&offset| offset as usize);
    let mut ops = program.ops().expect("a program that has an instance is held").iter();
    while let Some(op) = ops.next() {
        event += 1;
        if event % EVENTS_PER_CHECK == 0
            && let Some(stop) = limits.check(0)
        {
            return Err(BoundsError::Stopped(stop));
        }
        // A realloc ends one rectangle and begins the next: the two may overlap.
        if matches!(op.kind(), OpKind::Dealloc | OpKind::Realloc) {
            places.remove(in_slot[op.slot()]);
        }
        if op.kind() == OpKind::Dealloc {
            continue;
        }
        if op.kind() == OpKind::Realloc {
            ops.next();
        }
        let offset = offsets.next().expect("each rectangle has an offset");
        let unsound = |violation: Violation| BoundsError::Unsound { event, violation };
        places.check(offset, op.layout(), *makespan_bytes as usize).map_err(unsound)?;
        places.insert(offset, op.layout(), ());
        in_slot[op.slot()] = offset;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::bounds::tests::program;

    /// Objects of 100 and 50 bytes are live together; the first is resized to 60 bytes after the second has died.
    const LINES: &str = "alloc,1,100,8\nalloc_zeroed,2,50,2\ndealloc,2\nrealloc,1,60\nalloc,3,1,1\n";

    fn check(offsets: [u64; 4], makespan_bytes: u64) -> Result<(), BoundsError> {
        let program = program(LINES);
        let instance = Instance::of(&program).unwrap();
        verify(&program, &instance, &Placement { offsets: offsets.to_vec(), makespan_bytes }, Limits::NONE)
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
        verify(&program, &instance, &placement, Limits::NONE).unwrap();
    }

    /// Two blocks of 6 GB in total, and nothing is allocated for them.
    #[test]
    fn memory_does_not_follow_the_sizes_of_blocks() {
        let program = program("alloc,1,4294967295,1\nalloc,2,2000000000,1\n");
        let instance = Instance::of(&program).unwrap();
        let placement = Placement::of(&instance);
        assert_eq!(placement.makespan_bytes, 6_294_967_295);
        verify(&program, &instance, &placement, Limits::NONE).unwrap();
    }
}
