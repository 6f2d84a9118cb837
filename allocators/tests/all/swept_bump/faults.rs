//! The checks of the other tests catch faults: free memory is overwritten, as a program could do it, and the self
//! check, or the account of every byte, finds it.

use segregated_bump::{HeapFault, HeapPart};

use super::subject::{Placing, Subject};

/// A heap with a live block of each kind, two free runs of one list and one more, free small blocks and a window.
fn subject() -> Subject {
    let mut subject = Subject::new(Placing::Consecutive, 4096, 1 << 16);
    // The last block before the top comes back to it.
    assert!(subject.alloc(50_000, 8, false));
    subject.dealloc(0);
    for bytes in [2000, 3000, 2000, 3000, 5000, 3000, 40, 40, 40, 100, 100] {
        assert!(subject.alloc(bytes, 8, false));
    }
    for which in [7, 6, 4, 2, 0] {
        subject.dealloc(which);
    }
    assert_eq!(subject.check(), Ok(()));
    subject
}

/// The parts of one kind, each with its first byte and its bytes.
fn parts(subject: &Subject, kind: HeapPart) -> Vec<(*mut u8, usize)> {
    let mut parts = Vec::new();
    subject.allocator.for_each_part(|part, start, bytes| {
        if part == kind {
            parts.push((start.cast_mut(), bytes));
        }
    });
    parts
}

/// What the checks say after a fault that writes words to free memory.
fn found(fault: impl FnOnce(&Subject) -> Vec<(*mut u8, usize)>) -> String {
    let mut subject = subject();
    for (place, word) in fault(&subject) {
        // SAFETY: the place is in committed pages; whatever it does to the allocator, only the check runs after it.
        unsafe { place.cast::<usize>().write(word) };
    }
    subject.check().expect_err("no check finds the fault")
}

fn fault(fault: HeapFault) -> String {
    format!("{fault:?}")
}

const WORD: usize = size_of::<usize>();

/// The place of a word at this index from the start of a part.
fn word(start: *mut u8, index: usize) -> *mut u8 {
    start.wrapping_add(index * WORD)
}

#[test]
fn an_overwritten_size_of_a_run_is_found() {
    let run = |subject: &Subject| parts(subject, HeapPart::Run)[0];
    let last = |subject: &Subject| {
        let (start, bytes) = run(subject);
        vec![(start.wrapping_add(bytes - WORD), bytes + 64)]
    };
    assert_eq!(found(last), fault(HeapFault::RunSize));
    let first = |word_of: fn(usize) -> usize| {
        found(|subject| {
            let (start, bytes) = run(subject);
            vec![(word(start, 2), word_of(bytes))]
        })
    };
    assert_eq!(first(|bytes| bytes + 1), fault(HeapFault::RunSize));
    assert_eq!(first(|_| 0), fault(HeapFault::RunSize));
    assert_eq!(first(|bytes| bytes - 64), fault(HeapFault::MissingMark));
    assert_eq!(first(|_| 1 << 40), fault(HeapFault::Misplaced(HeapPart::Run)));
}

#[test]
fn a_broken_list_of_runs_is_found() {
    // The two of one list follow each other.
    let pair = |subject: &Subject| {
        let runs = parts(subject, HeapPart::Run);
        let at = runs.windows(2).position(|pair| pair[0].1 == pair[1].1).expect("two runs of one size");
        (runs[at].0, runs[at + 1].0)
    };
    let next = |next: fn(*mut u8, *mut u8) -> usize| {
        found(|subject| vec![(pair(subject).0, next(pair(subject).0, pair(subject).1))])
    };
    assert_eq!(next(|_, second| second.addr() + 8), fault(HeapFault::Misplaced(HeapPart::Run)));
    assert_eq!(next(|_, _| 4096), fault(HeapFault::Misplaced(HeapPart::Run)));
    assert_eq!(next(|_, second| second.addr() + 64), fault(HeapFault::MissingMark));
    assert_eq!(next(|first, _| first.addr()), fault(HeapFault::RunList), "a circle");
    assert_eq!(next(|_, _| 0), fault(HeapFault::StrayMark), "a run in no list");
    let prev = found(|subject| vec![(word(pair(subject).1, 1), 0)]);
    assert_eq!(prev, fault(HeapFault::RunList));
}

#[test]
fn a_flipped_mark_is_found() {
    // The map covers from a line before the heap on, a bit for each 16 bytes.
    let flip = |address_of: fn(&Subject) -> usize| {
        found(|subject| {
            let (map, _) = parts(subject, HeapPart::Map)[0];
            let granule = (address_of(subject) - (subject.first_address() - 64)) / 16;
            let place = word(map, granule / usize::BITS as usize);
            // SAFETY: the map is memory of the allocator.
            let before = unsafe { place.cast::<usize>().read() };
            vec![(place, before ^ 1 << (granule % usize::BITS as usize))]
        })
    };
    let missing = fault(HeapFault::MissingMark);
    let stray = fault(HeapFault::StrayMark);
    assert_eq!(flip(|subject| parts(subject, HeapPart::Run)[0].0.addr()), missing);
    assert_eq!(
        flip(|subject| {
            let (start, bytes) = parts(subject, HeapPart::Run)[0];
            start.addr() + bytes - 16
        }),
        missing
    );
    assert_eq!(flip(|subject| parts(subject, HeapPart::Run)[0].0.addr() + 16), stray);
    assert_eq!(flip(|subject| parts(subject, HeapPart::Top)[0].0.addr()), stray);
    assert_eq!(
        flip(|subject| {
            let (start, bytes) = parts(subject, HeapPart::Run)[0];
            start.addr() + bytes
        }),
        fault(HeapFault::NotJoined)
    );
    assert_eq!(flip(|subject| parts(subject, HeapPart::Map)[0].0.addr()), stray);
}

#[test]
fn a_broken_bin_is_found() {
    let next = |next: fn(&Subject) -> usize| found(|subject| vec![(parts(subject, HeapPart::Bin)[0].0, next(subject))]);
    let overlap = fault(HeapFault::Overlap(HeapPart::Bin));
    assert_eq!(next(|subject| parts(subject, HeapPart::Bin)[0].0.addr()), overlap, "a circle");
    assert_eq!(next(|subject| parts(subject, HeapPart::Bin)[0].0.addr() + 16), overlap);
    assert_eq!(next(|subject| parts(subject, HeapPart::Window)[0].0.addr()), overlap);
    assert_eq!(next(|subject| parts(subject, HeapPart::Run)[0].0.addr() + 64), overlap);
    assert_eq!(next(|subject| parts(subject, HeapPart::Top)[0].0.addr()), overlap);
    assert_eq!(next(|subject| parts(subject, HeapPart::Map)[0].0.addr()), overlap);
    let misplaced = fault(HeapFault::Misplaced(HeapPart::Bin));
    assert_eq!(next(|subject| parts(subject, HeapPart::Bin)[0].0.addr() + 1), misplaced);
    assert_eq!(next(|subject| subject.first_address() - 64), misplaced);
    assert_eq!(next(|_| 16), misplaced);
}

#[test]
fn a_live_block_that_is_in_a_bin_or_in_no_place_is_found_by_the_account() {
    let mut twice = subject();
    let (bin, _) = parts(&twice, HeapPart::Bin)[0];
    let live = twice.live.last().unwrap().block;
    // SAFETY: a free small block holds the address of the next one; the live block is large enough for another address.
    unsafe {
        live.cast::<usize>().write(0);
        bin.cast::<usize>().write(live.addr());
    }
    let message = twice.check().unwrap_err();
    assert!(message.contains("overlap") && message.contains("Live"), "{message}");

    let mut lost = subject();
    lost.live.pop();
    let message = lost.check().unwrap_err();
    assert!(message.contains("bytes known"), "{message}");
}
