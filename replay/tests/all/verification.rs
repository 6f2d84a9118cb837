//! Each check of the verification works: deliberately faulty allocators are caught, at the right event, and get no
//! figures.

use heaprace::comparison::{ComparisonPlan, Progress};
use heaprace::contender::{Contender, TouchPolicy};
use heaprace::time::rounds::Rounds;
use heaprace_allocators::faulty::{self, Faulty, GrowsWithoutItsClass};
use heaprace_allocators::{HeapAllocator, PageSize};
use heaprace_reports::results::{Figure, Verification, WarningCode};

use crate::{examine, program, replay_child, trace_file};

const LINES: &str = "\
alloc,0,100,8
alloc,1,100,8
alloc_zeroed,2,100,8
alloc_zeroed,3,100,8
realloc,3,200
dealloc,2
dealloc,1
dealloc,3
dealloc,0
";

/// The event and the message of the failure on [`LINES`].
fn caught<A: HeapAllocator>() -> (u64, String) {
    let examination = examine(Contender::of::<A>(), &program(LINES), 16);
    let Verification::Failed { event, message } = examination.verification else {
        panic!("{} is not caught: {:?}", std::any::type_name::<A>(), examination.verification);
    };
    assert_eq!(examination.memory, Figure::unknown(format!("failed verification at event {event}")));
    (event, message)
}

#[test]
fn every_fault_is_caught_at_its_event() {
    let caught = [
        caught::<Faulty<faulty::Overlap>>(),
        caught::<Faulty<faulty::Enclosure>>(),
        caught::<Faulty<faulty::Misalignment>>(),
        caught::<Faulty<faulty::OutsideHeap>>(),
        caught::<Faulty<faulty::NotZeroed>>(),
        caught::<Faulty<faulty::LostByte>>(),
        caught::<Faulty<faulty::Overwriting>>(),
    ];
    let expected = [
        (4, "block of 100 bytes at offset 464 overlaps the live block of 100 bytes at offset 368"),
        (4, "block of 100 bytes at offset 360 overlaps the live block of 100 bytes at offset 368"),
        (4, "block at offset 553 is not aligned to 8 bytes"),
        (4, "block of 100 bytes at offset 65536 is outside the heap of 65536 bytes"),
        (4, "byte 99 of the zeroed block of 100 bytes at offset 552 is not 0"),
        (5, "realloc from 100 to 200 bytes lost byte 99; the block is now at offset 736"),
        (8, "byte 199 of the live block of 200 bytes at offset 736 was overwritten"),
    ];
    assert_eq!(caught, expected.map(|(event, message)| (event, message.to_owned())));
}

/// The same with blocks so large that only parts of them are written.
#[test]
fn every_fault_of_huge_blocks_is_caught_at_its_event() {
    fn caught<A: HeapAllocator>(new_size: u32) -> (u64, String) {
        let lines = LINES.replace("100,8", "20000000,8").replace("realloc,3,200", &format!("realloc,3,{new_size}"));
        match examine(Contender::of::<A>(), &program(&lines), 4096).verification {
            Verification::Failed { event, message } => (event, message),
            other => panic!("{} is not caught: {other:?}", std::any::type_name::<A>()),
        }
    }
    let caught = [
        caught::<Faulty<faulty::Overlap>>(30_000_000),
        caught::<Faulty<faulty::Enclosure>>(30_000_000),
        caught::<Faulty<faulty::Misalignment>>(30_000_000),
        caught::<Faulty<faulty::OutsideHeap>>(30_000_000),
        caught::<Faulty<faulty::NotZeroed>>(30_000_000),
        caught::<Faulty<faulty::LostByte>>(30_000_000),
        caught::<Faulty<faulty::LostByte>>(17_000_001),
        caught::<Faulty<faulty::LostByte>>(1001),
        caught::<Faulty<faulty::Overwriting>>(30_000_000),
    ];
    let expected = [
        (4, "overlaps the live block of 20000000 bytes"),
        (4, "overlaps the live block of 20000000 bytes"),
        (4, "is not aligned to 8 bytes"),
        (4, "is outside the heap"),
        (4, "byte 19999999 of the zeroed block of 20000000 bytes"),
        (5, "realloc from 20000000 to 30000000 bytes lost byte 19999999;"),
        (5, "realloc from 20000000 to 17000001 bytes lost byte 17000000;"),
        (5, "realloc from 20000000 to 1001 bytes lost byte 1000;"),
        (8, "byte 29999999 of the live block of 30000000 bytes"),
    ];
    for ((event, message), (expected_event, part)) in caught.iter().zip(expected) {
        assert!(*event == expected_event && message.contains(part), "{event}: {message}; expected {part}");
    }
}

#[test]
fn overwritten_blocks_that_are_never_freed_are_caught_at_the_end() {
    let program = program("alloc,0,10,1\nalloc,1,10,1\nalloc,2,10,1\nalloc,3,10,1\ndealloc,0\n");
    let examination = examine(Contender::of::<Faulty<faulty::Overwriting>>(), &program, 16);
    assert!(
        matches!(&examination.verification, Verification::Failed { event: 5, message } if message.contains("overwritten"))
    );
}

#[test]
fn growing_in_place_without_the_class_is_caught_in_a_replay() {
    let program = program("alloc,0,16,8\nrealloc,0,40\nalloc,1,16,8\ndealloc,0\nalloc,2,64,8\n");
    let examination = examine(Contender::of::<GrowsWithoutItsClass>(), &program, 16);
    assert!(
        matches!(&examination.verification, Verification::Failed { event: 5, message } if message.contains("overlaps"))
    );
    assert_eq!(examine(Contender::named("segregated-bump").unwrap(), &program, 16).verification, Verification::Passed);
}

#[test]
fn a_contender_that_fails_is_a_row_without_a_timing() {
    let contenders = vec![Contender::named("talc").unwrap(), Contender::of::<Faulty<faulty::Overlap>>()];
    let rounds = Rounds { count: 2, seed: 1, touch: TouchPolicy::None, page: PageSize::WASM, limit_pages: 16 };
    let plan = ComparisonPlan { make_child: Some(replay_child), ..ComparisonPlan::of(contenders, rounds) };
    // The state saved after each round: its number, and the number of samples.
    let mut rounds = Vec::new();
    let results = heaprace::compare(&trace_file("fails-among-others.csv", LINES), &plan, |progress| {
        if let Progress::Timing { results, done, all: 2 } = progress {
            let samples = results.contenders[0].time.known().map(|time| time.steady_ns.len());
            rounds.push((done, results.settings.rounds, samples));
        }
    });
    assert_eq!(rounds, [(1, 1, Some(1)), (2, 2, Some(2))]);
    let results = results.unwrap();
    let [talc, faulty, floor] = &results.contenders[..] else { panic!("two rows, and the floor") };
    assert_eq!(talc.verification, Verification::Passed);
    assert_eq!(talc.time.known().map(|time| (time.fresh_ns.len(), time.steady_ns.len(), time.ops)), Some((2, 2, 9)));
    assert!(matches!(faulty.verification, Verification::Failed { event: 4, .. }));
    assert_eq!(faulty.time, Figure::unknown("failed verification at event 4"));
    assert_eq!((floor.name.as_str(), floor.time.known().map(|time| time.steady_ns.len())), ("null", Some(2)));
    assert_eq!(results.settings.baseline, "talc", "dlmalloc does not take part");
    assert!(results.warnings.iter().any(|warning| warning.code == WarningCode::TooFewRounds), "{:?}", results.warnings);
}
