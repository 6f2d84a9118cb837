//! Comparisons that a time budget or the user ends early, and comparisons that run in parallel: finished figures are
//! kept, and are the same as always.

use std::alloc::Layout;
use std::fs;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use heaprace::comparison::{ComparisonPlan, Progress};
use heaprace::contender::{Contender, TouchPolicy};
use heaprace::lane::Lane;
use heaprace::limits::Limits;
use heaprace::time::rounds::Rounds;
use heaprace::{Program, compare};
use heaprace_allocators::contenders::dlmalloc::Dlmalloc;
use heaprace_allocators::contenders::talc::Talc;
use heaprace_allocators::page_heap::{Guard, WASM32_PAGES};
use heaprace_allocators::{HeapAllocator, HeapRef, Info, PageSize};
use heaprace_reports::results::{Figure, Reason, Results, Verification, WarningCode};
use heaprace_traces::Source;

pub(crate) const NO_ROUNDS: Rounds =
    Rounds { count: 0, seed: 1, touch: TouchPolicy::None, page: PageSize::WASM, limit_pages: WASM32_PAGES };

/// talc, with 50 microseconds added to each allocation: as slow as an allocator that walks a list of all blocks.
struct Slow(Talc);

// SAFETY: all blocks are talc's.
unsafe impl HeapAllocator for Slow {
    const INFO: Info = Info { name: "slow", ..Talc::INFO };

    fn create(heap: HeapRef) -> Self {
        Slow(Talc::create(heap))
    }

    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        let start = Instant::now();
        while start.elapsed() < Duration::from_micros(50) {}
        // SAFETY: upheld by the caller.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: upheld by the caller.
        unsafe { self.0.dealloc(block, layout) }
    }

    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.0.realloc(block, layout, new_size) }
    }
}

/// dlmalloc, with a realloc that always moves.
struct Moves(Dlmalloc);

// SAFETY: all blocks are dlmalloc's.
unsafe impl HeapAllocator for Moves {
    const INFO: Info = Info { name: "moves", ..Dlmalloc::INFO };

    fn create(heap: HeapRef) -> Self {
        Moves(Dlmalloc::create(heap))
    }

    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: upheld by the caller.
        unsafe { self.0.dealloc(block, layout) }
    }
}

fn row<'a>(results: &'a Results, name: &str) -> &'a heaprace_reports::results::Contender {
    results.contenders.iter().find(|row| row.name == name).unwrap()
}

#[test]
fn a_contender_over_budget_has_a_row_that_says_how_far_it_got() {
    let contenders = vec![Contender::of::<Slow>(), Contender::named("bump").unwrap()];
    // Far more than bump needs, and far less than 50 µs for each of more than a hundred thousand allocations.
    let budget = Some(Duration::from_secs(3));
    let plan = ComparisonPlan {
        budget,
        verify: false,
        min_heap: true,
        ..ComparisonPlan::of(contenders, Rounds { count: 1, ..NO_ROUNDS })
    };
    let results = compare(&Source::locate("gzip-responses").unwrap(), &plan, |_| {}).unwrap();
    let slow = row(&results, "slow");
    let partial = slow.partial.as_ref().unwrap();
    assert_eq!(partial.reason, Reason::OverBudget);
    assert!((1..249_871).contains(&partial.events) && partial.heap_bytes > 0, "{partial:?}");
    assert!(partial.elapsed_ns >= 3_000_000_000, "{partial:?}");
    let reason = |unknown: &Reason| unknown.to_string().contains("its time budget was over");
    assert!(matches!(&slow.memory, Figure::Unknown { unknown } if reason(unknown)), "{:?}", slow.memory);
    assert!(matches!(&slow.time, Figure::Unknown { unknown } if reason(unknown)), "{:?}", slow.time);
    assert!(matches!(&slow.min_heap, Figure::Unknown { unknown } if reason(unknown)), "{:?}", slow.min_heap);
    assert_eq!(results.settings.budget_ns, Some(3_000_000_000));
    let bump = row(&results, "bump");
    assert!(bump.partial.is_none() && bump.memory.known().is_some(), "{bump:?}");
}

/// Each event copies or writes 200 MB: 65,536 of them would take an hour.
#[test]
fn events_that_take_long_do_not_keep_a_budget_from_being_heard() {
    let lines: String =
        (0..5_000).map(|event| format!("realloc,1,{}\n", 200_000_000 + event % 2 * 1_000_000)).collect();
    let source = crate::trace_file("long-events.csv", &format!("alloc,1,200000000,8\n{lines}"));
    let budget = Some(Duration::from_secs(1));
    // One that always moves.
    let plan = ComparisonPlan {
        budget,
        bounds: true,
        ..ComparisonPlan::of(vec![Contender::named("talc").unwrap(), Contender::of::<Moves>()], NO_ROUNDS)
    };
    let started = Instant::now();
    let results = compare(&source, &plan, |_| {}).unwrap();
    // One second for each, and a second in which it is heard.
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
    assert_eq!(row(&results, "moves").partial.as_ref().unwrap().reason, Reason::OverBudget);
}

#[test]
fn an_interrupt_keeps_finished_examinations() {
    let contenders: Vec<_> = ["bump", "talc", "dlmalloc"].map(|name| Contender::named(name).unwrap()).into();
    let plan = ComparisonPlan::of(contenders, Rounds { count: 3, ..NO_ROUNDS });
    let source = Source::locate("image-decode").unwrap();
    let whole = compare(&source, &ComparisonPlan { rounds: NO_ROUNDS, ..plan.clone() }, |_| {}).unwrap();
    let examined = AtomicUsize::new(0);
    let cut = compare(&source, &plan, |progress| {
        if let Progress::Snapshots { .. } = progress
            && examined.fetch_add(1, Ordering::Relaxed) == 0
        {
            plan.interrupt.store(true, Ordering::Relaxed);
        }
    })
    .unwrap();
    assert!(cut.warnings.iter().any(|warning| warning.code == WarningCode::Interrupted));
    assert_eq!(cut.trace, whole.trace);
    let first = &cut.contenders[0];
    assert_eq!((&first.verification, &first.memory), (&Verification::Passed, &whole.contenders[0].memory));
    assert!(cut.contenders.iter().all(|row| row.time.known().is_none()), "nothing was timed");
    // The second examination may have been nearly complete; the third cannot have started.
    let last = &cut.contenders[2];
    assert!(
        matches!(&last.memory, Figure::Unknown { unknown } if unknown.to_string().starts_with("interrupted")),
        "{last:?}"
    );
    assert!(
        matches!(&last.time, Figure::Unknown { unknown } if unknown.to_string().starts_with("interrupted")),
        "{last:?}"
    );
}

#[test]
fn a_contender_stopped_in_its_second_replay_keeps_the_figures_of_the_first() {
    let program = Program::load(&Source::locate("gzip-responses").unwrap()).unwrap();
    let mut lane = Lane::new(&program, WASM32_PAGES, Guard::Trap).unwrap();
    let bump = Contender::named("bump").unwrap();
    let whole = (bump.examine)(&mut lane, false, &[], Limits::NONE).unwrap();
    let (interrupt, replayed) = (AtomicBool::new(false), AtomicU64::new(0));
    let interrupt_at = |events| {
        if replayed.fetch_add(events, Ordering::Relaxed) + events > program.events() {
            interrupt.store(true, Ordering::Relaxed);
        }
    };
    let cut =
        (bump.examine)(&mut lane, false, &[], Limits::new(&interrupt, None).with_progress(&interrupt_at)).unwrap();
    assert!(interrupt.into_inner() && cut.partial.is_none());
    let (mut whole, cut) = (whole.memory.known().unwrap().clone(), cut.memory.known().unwrap());
    assert!(!whole.splits.is_empty() && !whole.strips.is_empty());
    (whole.splits, whole.strips, whole.gaps) = (Vec::new(), Vec::new(), None);
    whole.growth = Figure::unknown("interrupted");
    assert_eq!(&whole, cut);
}

#[test]
fn figures_are_the_same_in_parallel_and_streamed() {
    let source = Source::locate("gzip-responses").unwrap();
    let plan = ComparisonPlan::of(Contender::all(), NO_ROUNDS);
    let alone = compare(&source, &plan, |_| {}).unwrap();
    let parallel = ComparisonPlan { jobs: NonZeroUsize::new(4).unwrap(), ..plan };
    let together = compare(&source, &parallel, |_| {}).unwrap();
    assert_eq!(alone.contenders, together.contenders);
    assert_eq!(alone.trace, together.trace);

    let streamed = Program::load_holding(&source, 0).unwrap();
    assert!(streamed.is_streamed());
    let mut lane = Lane::new(&streamed, WASM32_PAGES, Guard::Trap).unwrap();
    for (contender, row) in Contender::all().iter().zip(&alone.contenders) {
        let examination = (contender.examine)(&mut lane, true, &[], Limits::NONE).unwrap();
        assert_eq!((&examination.memory, &examination.verification), (&row.memory, &row.verification));
    }
}

/// The command as a user ends it: one signal, and finished results are on disk and on screen.
#[cfg(unix)]
#[test]
fn ctrl_c_leaves_valid_results_of_finished_work() {
    // Longer on a busy machine, where no round may be done by then.
    let is_timed = [300, 3000, 30_000].into_iter().any(|ms| {
        let results = interrupted_after(Duration::from_millis(ms));
        let talc = row(&results, "talc");
        assert!(talc.memory.known().is_some(), "{talc:?}");
        let rounds = talc.time.known().map_or(0, |time| time.fresh_ns.len() as u32);
        assert_eq!(rounds, results.settings.rounds);
        rounds > 0
    });
    assert!(is_timed);
}

/// The results of a comparison of a hundred million rounds, interrupted this long after its memory figures were saved.
#[cfg(unix)]
fn interrupted_after(wait: Duration) -> Results {
    use std::process::{Command, Stdio};
    use std::thread;

    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("report");
    let mut child = Command::new(env!("CARGO_BIN_EXE_replay"))
        .args(["--trace", "image-decode", "--allocator", "talc", "--skip-bounds", "--rounds", "100000000", "--out"])
        .arg(&folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let file = folder.join("image-decode/results.json");
    let give_up = Instant::now() + Duration::from_secs(60);
    while !file.exists() && Instant::now() < give_up {
        thread::sleep(Duration::from_millis(20));
    }
    thread::sleep(wait);
    // SAFETY: sends a signal to a child that has not been waited for.
    assert_eq!(unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGINT) }, 0);
    let output = {
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(130), "{status}");
        child.wait_with_output().unwrap()
    };
    let results = Results::from_json(&fs::read_to_string(&file).unwrap()).unwrap();
    assert!(results.warnings.iter().any(|warning| warning.code == WarningCode::Interrupted));
    assert!(results.settings.rounds < 100_000_000);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("talc"), "{table}");
    results
}
