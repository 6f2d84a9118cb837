//! The minimum heap: exact in cases computed by hand, found if completion is not monotone, and within its bounds on the
//! library.

use std::alloc::Layout;
use std::num::NonZeroUsize;

use heaprace::Program;
use heaprace::comparison::{ComparisonPlan, Progress};
use heaprace::contender::{Contender, TouchPolicy};
use heaprace::lane::Lane;
use heaprace::limits::Limits;
use heaprace::memory::min_heap::{self, Candidate};
use heaprace::time::rounds::Rounds;
use heaprace_allocators::faulty::{self, Faulty};
use heaprace_allocators::page_heap::{Guard, WASM32_PAGES};
use heaprace_allocators::{HeapAllocator, HeapRef, Info, PageHeap, PageSize, Purpose};
use heaprace_reports::results::{Figure, MinHeap, Results};
use heaprace_traces::Source;

use crate::program;

const ONE: NonZeroUsize = NonZeroUsize::MIN;

fn peak_pages(contender: Contender, program: &Program, page: PageSize) -> usize {
    let pages = page.pages_for(WASM32_PAGES * PageSize::WASM.bytes());
    let mut lane = Lane::on(program, PageHeap::reserve_sized(page, pages, Guard::Batched).unwrap());
    let examination = (contender.examine)(&mut lane, false, &[], Limits::NONE).unwrap();
    let memory = examination.memory.known().unwrap_or_else(|| panic!("{examination:?}"));
    assert_eq!(memory.failed_requests, 0);
    memory.peak_heap_pages as usize
}

/// The peak and the minimum.
fn found(contender: Contender, program: &Program, page: PageSize) -> (usize, MinHeap) {
    let peak_pages = peak_pages(contender, program, page);
    let found =
        min_heap::find(program, page, &[Candidate { contender, peak_pages }], ONE, Limits::NONE, |_| {}).unwrap();
    (peak_pages, found[0].known().unwrap().clone())
}

#[test]
fn a_bump_pointer_needs_every_byte_that_it_hands_out() {
    // 100,000 + 100,000 + 160,000 bytes are handed out, 200,000 of them live at once.
    let program = program("alloc,1,100000,16\nalloc,2,100000,16\ndealloc,1\nrealloc,2,160000\nrealloc,2,50000\n");
    for (page_bytes, pages) in [(256, 1407), (4096, 88), (65_536, 6), (2 << 20, 1)] {
        let page = PageSize::from_bytes(page_bytes).unwrap();
        let (peak, min) = found(Contender::named("bump").unwrap(), &program, page);
        assert_eq!((peak as u64, min.pages, min.bytes), (pages, pages, pages * page_bytes as u64));
        assert_eq!(min.ratio_to_max_live, (pages * page_bytes as u64) as f64 / 200_000.0);
        assert_eq!(min.failed_above, 0);
        // The failed request is the realloc, or an earlier allocation; the bounds need no try.
        let tried = &min.limits_tried;
        assert!(tried.iter().all(|limit| limit.pages < pages && matches!(limit.first_failure_event, Some(2 | 4))));
        assert_eq!(tried.last().map(|limit| limit.pages), (pages > 1).then(|| pages - 1));
    }
}

#[test]
fn a_contender_that_finds_room_elsewhere_needs_less_than_its_peak() {
    // The last block of a full page grows: into another page if possible, otherwise into a block in the bin of 128
    // bytes.
    let program =
        program("alloc,1,128,8\ndealloc,1\nalloc,2,128,8\nalloc,3,65392,8\ndealloc,2\nalloc,4,16,8\nrealloc,4,100\n");
    let (peak, min) = found(Contender::named("segregated-bump").unwrap(), &program, PageSize::WASM);
    assert_eq!((peak, min.pages), (2, 1));
    let (peak, min) = found(Contender::named("bump").unwrap(), &program, PageSize::WASM);
    assert_eq!((peak, min.pages), (2, 2));
}

/// Gives every block its own pages. Before the first block it takes `RESERVE` pages that it never uses, if they are
/// available: so it completes on a heap without room for the reserve, and fails on a heap with room for the reserve
/// alone.
struct Hoarder<const RESERVE: usize> {
    heap: HeapRef,
    started: bool,
}

// SAFETY: a block consists of new, exclusive pages, which are aligned to more than the test's blocks are.
unsafe impl<const RESERVE: usize> HeapAllocator for Hoarder<RESERVE> {
    const INFO: Info = Info {
        name: "hoarder",
        crate_name: env!("CARGO_PKG_NAME"),
        version: "0",
        purpose: Purpose::Contender,
        groups: &[],
        summary: "takes pages that it does not need",
        refuses: None,
    };

    fn create(heap: HeapRef) -> Self {
        Hoarder { heap, started: false }
    }

    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        if !self.started {
            self.started = true;
            let _ = self.heap.grow(RESERVE);
        }
        let pages = self.heap.page_size().pages_for(layout.size());
        self.heap.grow(pages).map_or(std::ptr::null_mut(), |first| first.as_ptr())
    }

    unsafe fn dealloc(&mut self, _block: *mut u8, _layout: Layout) {}
}

/// The result of the bisection alone.
fn bisected(contender: Contender, program: &Program, mut fails: usize, mut smallest: usize) -> usize {
    let mut lane = Lane::new(program, smallest, Guard::Trap).unwrap();
    while smallest - fails > 1 {
        let middle = fails + (smallest - fails) / 2;
        match (contender.first_failure)(&mut lane, middle, Limits::NONE).unwrap() {
            None => smallest = middle,
            Some(_) => fails = middle,
        }
    }
    smallest
}

#[test]
fn non_monotone_completion_does_not_mislead_the_search() {
    // Completes from `live` pages on, but fails from where the reserve fits until both fit.
    fn check<const RESERVE: usize>(live: usize) {
        let contender = Contender::of::<Hoarder<RESERVE>>();
        let lines: String = (0..live).map(|id| format!("alloc,{id},65536,8\n")).collect();
        let program = program(&lines);
        let (peak, min) = found(contender, &program, PageSize::WASM);
        assert_eq!(peak, live + RESERVE);
        assert_eq!(bisected(contender, &program, live - 1, peak), peak, "the bisection alone is wrong");
        assert_eq!(min.pages, live as u64);
        let failed = min.limits_tried.iter().filter(|limit| limit.first_failure_event.is_some());
        assert!(failed.clone().all(|limit| (RESERVE as u64..peak as u64).contains(&limit.pages)));
        assert_eq!(min.failed_above, failed.count() as u64);
        assert!(min.failed_above > 0 && min.limits_tried.is_sorted_by(|one, next| one.pages < next.pages));
    }
    check::<15>(10); // Found among the neighbours,
    check::<150>(100); // and from afar.
}

fn results(trace: &Source, contenders: Vec<Contender>, limit_pages: usize, threads: usize) -> Results {
    let plan = ComparisonPlan {
        min_heap: threads > 0,
        jobs: NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN),
        ..ComparisonPlan::of(
            contenders,
            Rounds { count: 0, seed: 1, touch: TouchPolicy::None, page: PageSize::WASM, limit_pages },
        )
    };
    heaprace::compare(trace, &plan, |_| {}).unwrap()
}

#[test]
fn on_the_library_the_minimum_is_between_live_and_peak_for_any_thread_count() {
    for name in ["wasm-interpreter", "markdown-html"] {
        let source = Source::locate(name).unwrap();
        let program = Program::load(&source).unwrap();
        let results = [1, 3].map(|threads| results(&source, Contender::all(), WASM32_PAGES, threads));
        assert_eq!(results[0].contenders, results[1].contenders, "{name}: threads change nothing");
        let lower = program.profile().peak_live_bytes.div_ceil(65_536);
        for (row, contender) in results[0].contenders.iter().zip(Contender::all()) {
            let Some(min) = row.min_heap.known() else {
                assert_eq!(contender.info.purpose, Purpose::Floor, "{name}: {}: {:?}", row.name, row.min_heap);
                continue;
            };
            let peak = row.memory.known().unwrap().peak_heap_pages;
            assert!(lower <= min.pages && min.pages <= peak, "{name}: {}: {lower} {} {peak}", row.name, min.pages);
            let mut lane = Lane::new(&program, WASM32_PAGES, Guard::Trap).unwrap();
            let mut first_failure =
                |pages: u64| (contender.first_failure)(&mut lane, pages as usize, Limits::NONE).unwrap();
            assert_eq!(first_failure(min.pages), None, "{name}: {}", row.name);
            assert!(min.pages == lower || first_failure(min.pages - 1).is_some(), "{name}: {}", row.name);
        }
    }
}

#[test]
fn a_missing_minimum_heap_has_a_reason() {
    let text = "op,id,size,align\nalloc,1,100000,8\nalloc,2,100,8\nalloc,3,100,8\nalloc,4,100,8\n";
    let source = Source::from_bytes("test.csv", text.as_bytes());
    let contenders = vec![
        Contender::named("talc").unwrap(),
        Contender::named("null").unwrap(),
        Contender::of::<Faulty<faulty::Overlap>>(),
    ];
    let reasons = |limit_pages| {
        let rows = results(&source, contenders.clone(), limit_pages, 2).contenders;
        rows.into_iter().map(|row| match row.min_heap {
            Figure::Known(min) => Ok(min.pages),
            Figure::Unknown { unknown } => Err(unknown),
        })
    };
    let unknown = |reason: &str| Err(reason.into());
    let always = [unknown("hands out no memory"), unknown("failed verification at event 4")];
    assert!(reasons(16).eq([Ok(2)].into_iter().chain(always.clone())));
    assert!(reasons(1).take(2).eq([unknown("requests failed even at the heap limit"), always[0].clone()]));
}

#[test]
fn a_peak_below_the_live_bytes_is_not_searched() {
    let program = program("alloc,1,100000,8\n");
    let candidate = Candidate { contender: Contender::named("bump").unwrap(), peak_pages: 1 };
    let found = min_heap::find(&program, PageSize::WASM, &[candidate], ONE, Limits::NONE, |_| {}).unwrap();
    assert_eq!(found, [Figure::unknown("more was live than its heap had: its blocks are not sound")]);
}

#[test]
fn the_search_reports_every_step() {
    let text = "op,id,size,align\nalloc,1,100000,8\nalloc,2,100000,8\ndealloc,1\nalloc,3,150000,8\n";
    let source = Source::from_bytes("test.csv", text.as_bytes());
    let plan = ComparisonPlan {
        verify: false,
        min_heap: true,
        jobs: NonZeroUsize::new(2).unwrap(),
        ..ComparisonPlan::of(
            ["talc", "dlmalloc", "bump"].map(|name| Contender::named(name).unwrap()).into(),
            Rounds { count: 0, seed: 1, touch: TouchPolicy::None, page: PageSize::WASM, limit_pages: 64 },
        )
    };
    let mut last = None;
    let mut tries = 0;
    let results = heaprace::compare(&source, &plan, |progress| {
        if let Progress::Searching { limit_pages, done, all, .. } = progress {
            tries += usize::from(limit_pages.is_some());
            last = Some((done, all));
        }
    });
    let tried = results.unwrap().contenders.iter().map(|row| row.min_heap.known().unwrap().limits_tried.len()).sum();
    assert_eq!((last, tries), (Some((3, 3)), tried));
}
