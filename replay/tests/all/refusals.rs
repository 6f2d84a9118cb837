//! Running out of memory is an outcome: it is counted, the replay continues without the object, and nothing breaks.

use heaprace::contender::Contender;
use heaprace::limits::Limits;
use heaprace_reports::results::{FailedRequest, Memory, Verification};

use crate::{examine, program};

fn memory(name: &str, lines: &str, limit_pages: usize) -> Memory {
    let examination = examine(Contender::named(name).unwrap(), &program(lines), limit_pages);
    assert_eq!(examination.verification, Verification::Passed, "{name}");
    examination.memory.known().unwrap_or_else(|| panic!("{examination:?}")).clone()
}

#[test]
fn events_of_an_object_that_failed_are_skipped() {
    // Object 2 does not fit: its realloc and its dealloc are skipped, and the others continue.
    let lines = "alloc,1,60000,8\nalloc,2,100000,16\nrealloc,2,10\nalloc,3,100,8\ndealloc,2\ndealloc,1\ndealloc,3\n";
    for contender in ["segregated-bump", "dlmalloc", "talc", "bump"] {
        let memory = memory(contender, lines, 1);
        assert_eq!(memory.failed_requests, 1, "{contender}");
        let failure =
            FailedRequest { event: 2, size_bytes: 100_000, align_bytes: 16, heap_pages: 1, live_bytes: 60_000 };
        assert_eq!(memory.first_failure, Some(failure), "{contender}");
        let live: Vec<_> = memory.timeline.iter().map(|point| point.live_bytes).collect();
        assert_eq!(live, [60_000, 60_000, 60_000, 60_100, 60_100, 100, 0], "{contender}");
    }
}

#[test]
fn a_failed_realloc_frees_its_object() {
    // With object 1 still live, the last allocation would not fit.
    let lines = "alloc,1,40000,8\nrealloc,1,90000\nrealloc,1,95000\ndealloc,1\nalloc,2,50000,8\n";
    for contender in ["dlmalloc", "talc"] {
        let memory = memory(contender, lines, 1);
        assert_eq!(memory.failed_requests, 1, "{contender}");
        let failure = FailedRequest { event: 2, size_bytes: 90_000, align_bytes: 8, heap_pages: 1, live_bytes: 40_000 };
        assert_eq!(memory.first_failure, Some(failure), "{contender}");
        let live: Vec<_> = memory.timeline.iter().map(|point| point.live_bytes).collect();
        assert_eq!(live, [40_000, 0, 0, 0, 50_000], "{contender}");
    }
}

#[test]
fn on_a_heap_without_pages_every_request_fails() {
    for contender in
        Contender::all().into_iter().filter(|contender| contender.info.purpose != heaprace_allocators::Purpose::Floor)
    {
        let program = program("alloc,1,10,1\nrealloc,1,20\ndealloc,1\nalloc,1,1,1\n");
        let mut lane = heaprace::lane::Lane::new(&program, 0, heaprace_allocators::page_heap::Guard::Trap).unwrap();
        let examination = (contender.examine)(&mut lane, true, &[], Limits::NONE).unwrap();
        assert_eq!(examination.verification, Verification::Passed, "{}", contender.info.name);
        assert_eq!(
            examination.memory,
            heaprace_reports::results::Figure::unknown(
                "all 2 requests failed, the first at event 1, of 10 B at a heap of 0 pages and its limit: --heap-limit"
            ),
            "{}",
            contender.info.name
        );
    }
}
