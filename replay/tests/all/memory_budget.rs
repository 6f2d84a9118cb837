//! Memory: it follows neither the sizes that a trace asks for nor the contenders examined in parallel, beyond `--memory`.

use std::num::NonZeroUsize;

use heaprace::comparison::{CompareError, ComparisonPlan, Progress};
use heaprace::contender::{Contender, TouchPolicy};
use heaprace::time::rounds::Rounds;
use heaprace::{Program, compare};
use heaprace_allocators::PageSize;
use heaprace_allocators::page_heap::WASM32_PAGES;
use heaprace_reports::results::{Figure, Reason, Results};
use heaprace_traces::csv::Columns;
use heaprace_traces::{Action, Event, Output, Source};

use crate::{replay_child, trace_file};

/// Two blocks of 6.3 GB in total.
const HUGE: &str = "alloc,1,4294967295,1\nalloc,2,2000000000,1\n";

/// Ten blocks of 1 MiB: no contender needs less than 160 pages.
fn ten_mib() -> String {
    (0..10).map(|id| format!("alloc,{id},1048576,8\n")).collect()
}

/// The results, and how many contenders had to wait for the memory of others.
fn compared_and_waited(source: &Source, memory_bytes: u64, jobs: usize, rounds: u32) -> (Results, usize) {
    let rounds =
        Rounds { count: rounds, seed: 1, touch: TouchPolicy::All, page: PageSize::WASM, limit_pages: WASM32_PAGES };
    let plan = ComparisonPlan {
        memory_bytes: Some(memory_bytes),
        jobs: NonZeroUsize::new(jobs).unwrap(),
        min_heap: true,
        make_child: Some(replay_child),
        ..ComparisonPlan::of(Contender::all(), rounds)
    };
    let mut waited = 0;
    let count_waits = |progress: Progress<'_>| waited += usize::from(matches!(progress, Progress::Waiting { .. }));
    (compare(source, &plan, count_waits).unwrap(), waited)
}

fn compared(source: &Source, memory_bytes: u64, jobs: usize, rounds: u32) -> Results {
    compared_and_waited(source, memory_bytes, jobs, rounds).0
}

/// The exit code of `replay` with these arguments, under a limit that `ulimit` sets.
#[cfg(target_os = "linux")]
fn run_under(limit: &str, arguments: &[&str]) -> Option<i32> {
    let out = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &format!("ulimit {limit} && exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_replay")]);
    command.args(arguments).arg("--out").arg(out.path());
    command.stdout(std::process::Stdio::null()).status().unwrap().code()
}

#[test]
#[cfg(target_os = "linux")]
fn memory_does_not_follow_the_sizes_that_a_trace_asks_for() {
    let source = trace_file("two-huge-blocks.csv", HUGE);
    let path = source.path().unwrap().to_str().unwrap();
    let small = ["--trace", path, "--rounds", "0", "--heap-limit", "1MiB", "--allocator", "dlmalloc"];
    assert_eq!(run_under("-d 200000", &small), Some(0), "200 MB of memory, and a heap of 1 MiB");
    // The default is a third of this.
    assert_eq!(run_under("-v 1500000", &["--trace", path, "--rounds", "0", "--jobs", "2"]), Some(0));
}

#[test]
fn a_heap_that_needs_more_than_the_budget_has_a_row_that_says_so() {
    let results = compared(&trace_file("huge-in-little-memory.csv", HUGE), 100 << 20, 2, 0);
    for row in results.contenders.iter().filter(|row| row.name != "null") {
        let Figure::Unknown { unknown } = &row.memory else { panic!("{row:?}") };
        assert!(matches!(unknown, Reason::OverMemoryAt { event, .. } if event.0 <= 2), "{unknown}");
        assert!(row.partial.is_some(), "{row:?}");
    }
}

#[test]
fn what_fits_into_the_budget_does_not_depend_on_what_runs_beside_it() {
    let source = trace_file("ten-mib.csv", &ten_mib());
    let program = Program::load(&source).unwrap();
    assert_eq!(program.profile().peak_live_bytes, 10 << 20);
    // Room for one heap of most contenders, and for two of none.
    let budget_bytes = 19 << 20;
    let (alone, waited) = compared_and_waited(&source, budget_bytes, 1, 0);
    assert_eq!(waited, 0, "nothing runs beside it");
    let known = |results: &Results| results.contenders.iter().filter(|row| row.memory.known().is_some()).count();
    assert!(known(&alone) >= 5, "{alone:?}");
    for _ in 0..3 {
        let (together, waited) = compared_and_waited(&source, budget_bytes, 8, 0);
        // At least those whose own heap is too large, and they say so.
        assert!(waited > 0);
        for (one, other) in alone.contenders.iter().zip(&together.contenders) {
            assert_eq!((&one.memory, &one.min_heap), (&other.memory, &other.min_heap), "{}", one.name);
        }
    }
}

/// bump never reuses a block, so that its heap grows with each loop.
#[test]
fn a_timed_loop_that_outgrows_the_budget_leaves_the_time_of_the_first() {
    let lines: String = ten_mib() + &(0..10).map(|id| format!("dealloc,{id}\n")).collect::<String>();
    let results = compared(&trace_file("ten-mib-and-free.csv", &lines), 25 << 20, 1, 1);
    let bump = results.contenders.iter().find(|row| row.name == "bump").unwrap();
    let time = bump.time.known().unwrap();
    assert_eq!((time.fresh_ns.len(), time.steady_ns.len()), (1, 0));
    assert!(matches!(time.no_steady, Some(Reason::OverMemory { .. })), "{time:?}");
    let growth = &bump.memory.known().unwrap().growth;
    assert!(matches!(growth, Figure::Unknown { unknown: Reason::OverMemory { .. } }), "{growth:?}");
}

#[test]
fn a_trace_that_leaves_no_memory_for_any_heap_is_an_error_with_a_remedy() {
    // 120,000 operations of 8 bytes.
    let source = trace_file("sixty-thousand-pairs.csv", &"alloc,1,16,8\ndealloc,1\n".repeat(60_000));
    let rounds =
        Rounds { count: 0, seed: 1, touch: TouchPolicy::None, page: PageSize::WASM, limit_pages: WASM32_PAGES };
    let plan = ComparisonPlan { memory_bytes: Some(900 << 10), ..ComparisonPlan::of(Contender::all(), rounds) };
    let error = compare(&source, &plan, |_| {}).unwrap_err();
    assert!(matches!(error, CompareError::Memory { budget_bytes: 921_600, .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.contains("sixty-thousand-pairs.csv") && message.contains("give --memory more"), "{message}");
    #[cfg(target_os = "linux")]
    {
        let path = source.path().unwrap().to_str().unwrap();
        for memory in ["900KiB", "100KiB"] {
            assert_eq!(run_under("-c 0", &["--trace", path, "--memory", memory]), Some(3), "{memory}");
        }
    }
}

/// A file of 14 KB with 4 million live objects, which reading keeps in memory, whoever reads it.
#[test]
#[cfg(target_os = "linux")]
fn memory_does_not_follow_the_objects_that_a_small_file_claims() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.htrace");
    let layout = std::alloc::Layout::new::<u64>();
    let alloc =
        |id| Event { action: Action::Alloc { layout, zeroed: false }, id, thread: None, time_ns: None, written: None };
    let mut output = Output::create(&path, Columns::default(), &[""; 0]).unwrap();
    (1..=4_000_000).for_each(|id| output.write(&alloc(id)).unwrap());
    output.finish().unwrap();
    assert!(path.metadata().unwrap().len() < 20_000);
    let path = path.to_str().unwrap();
    let copy = folder.path().join("copy.csv");
    for arguments in [&["inspect", path][..], &["convert", path, copy.to_str().unwrap()]] {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "ulimit -v 1500000 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_replay")]).args(arguments);
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("(event 2560001): more than 2560000 objects are live at once"), "{said}");
        assert!(said.contains("'replay trace slice'"), "{said}");
    }
    assert!(!copy.exists());
    assert_eq!(run_under("-v 1500000", &["--trace", path, "--rounds", "0", "--allocator", "bump"]), Some(3));
}
