//! The checks find members that are faulty on purpose.

use std::alloc::Layout;

use segregated_bump::policies::{Classic, Discarded, Policies, PowersOfTwo, SizeClasses};
use segregated_bump::{Allocator, Lost, SegregatedBump};

use super::members::Checked;
use super::subject::{Create, Member};
use super::{exhaustive, random};
use crate::swept_bump::subject::Source;

/// Classes that break their promise: 20 bytes are of the class of 16.
struct TooSmall;

// SAFETY: deliberately broken. The shadow finds the first block that overlaps, before anything is written there.
unsafe impl SizeClasses for TooSmall {
    type Bins = <PowersOfTwo<3> as SizeClasses>::Bins;
    const EMPTY: Self::Bins = PowersOfTwo::<3>::EMPTY;
    const COUNT: usize = 3;
    const LARGEST: usize = 64;

    fn class_of(size: usize) -> usize {
        PowersOfTwo::<3>::class_of(size.saturating_sub(4))
    }

    fn bytes_of(class: usize) -> usize {
        PowersOfTwo::<3>::bytes_of(class)
    }
}

impl Policies for TooSmall {
    type Classes = Self;
    type LargeFrees = Discarded;
}

/// What a [`Faulty`] member does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// A freed block is in no place any more.
    Forgets,
    /// A failed realloc frees the block.
    FreesOnFailure,
    /// A realloc that moves loses the last byte.
    LosesAByte,
    /// Zeroed blocks are not.
    DoesNotZero,
}

/// The classic with a fault.
struct Faulty {
    classic: SegregatedBump<Source, Classic, Lost>,
    fault: Fault,
}

// SAFETY: deliberately broken. Faults stay in the memory of blocks, live or free.
unsafe impl Allocator for Faulty {
    fn alloc(&mut self, layout: Layout) -> *mut u8 {
        self.classic.alloc(layout)
    }

    fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        match self.fault {
            Fault::DoesNotZero => self.classic.alloc(layout),
            _ => self.classic.alloc_zeroed(layout),
        }
    }

    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        if self.fault != Fault::Forgets {
            // SAFETY: upheld by the caller.
            unsafe { self.classic.dealloc(block, layout) };
        }
    }

    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: upheld by the caller, except for the fault.
        unsafe {
            let moved = self.classic.realloc(block, layout, new_size);
            if moved.is_null() && self.fault == Fault::FreesOnFailure {
                self.classic.dealloc(block, layout);
            } else if !moved.is_null() && moved != block && self.fault == Fault::LosesAByte {
                let last = moved.add(layout.size().min(new_size) - 1);
                last.write(!last.read());
            }
            moved
        }
    }
}

impl Member for Faulty {
    fn usable_bytes(&self, layout: Layout) -> usize {
        SegregatedBump::<Source, Classic, Lost>::usable_bytes(layout)
    }

    fn idle_bytes(&self) -> usize {
        self.classic.idle_bytes()
    }
}

fn faulty(fault: Fault) -> Checked {
    let create: Create = match fault {
        Fault::Forgets => |source| with(source, Fault::Forgets),
        Fault::FreesOnFailure => |source| with(source, Fault::FreesOnFailure),
        Fault::LosesAByte => |source| with(source, Fault::LosesAByte),
        Fault::DoesNotZero => |source| with(source, Fault::DoesNotZero),
    };
    Checked { name: "faulty", create }
}

fn with(source: Source, fault: Fault) -> Box<dyn Member> {
    Box::new(Faulty { classic: SegregatedBump::new(source), fault })
}

/// What the exhaustive check of sequences of at most four requests and the random programs say of a member.
fn found(member: Checked) -> [String; 2] {
    let exhaustively = exhaustive::MEMORIES.iter().find_map(|&memory| exhaustive::run(member, memory, 4).err());
    let randomly = (0..10).find_map(|seed| random::run(member, seed, 5000).err());
    [exhaustively, randomly].map(|fault| fault.unwrap_or_else(|| panic!("{} passes", member.name)))
}

#[test]
fn both_checks_find_each_fault() {
    for (member, words) in [
        (Checked::of::<TooSmall>(), ["overlap"; 2]),
        (faulty(Fault::Forgets), ["bytes given"; 2]),
        (faulty(Fault::FreesOnFailure), ["bytes given", "overwritten"]),
        (faulty(Fault::LosesAByte), ["lost"; 2]),
        (faulty(Fault::DoesNotZero), ["zero"; 2]),
    ] {
        for (fault, words) in found(member).into_iter().zip(words) {
            assert!(fault.contains(words), "{words}: {fault}");
        }
    }
    let sound = Checked::of::<Classic>();
    assert!(exhaustive::MEMORIES.iter().all(|&memory| exhaustive::run(sound, memory, 3).is_ok()));
}
