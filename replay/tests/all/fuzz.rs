//! The fuzzer finds every kind of fault, shrinks it to a few events, and outlives what a fault does to its process.

use std::alloc::Layout;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use heaprace::contender::Contender;
use heaprace::fuzz::{
    CheckError, Finding, FoundIn, FuzzPlan, FuzzReport, HeapShape, ShrinkPlan, Shrunk, SymptomKind, check, fuzz,
    shrink_trace,
};
use heaprace::lane::Lane;
use heaprace::limits::Limits;
use heaprace::program::Program;
use heaprace_allocators::contenders::segregated_bump::SegregatedBump;
use heaprace_allocators::faulty::{self, Faulty, GrowsWithoutItsClass};
use heaprace_allocators::page_heap::Guard;
use heaprace_allocators::{HeapAllocator, HeapRef, Info, PageHeap, Purpose};
use heaprace_reports::results::Verification;
use heaprace_traces::{Event, Source};

/// Time enough to find any of the faults below many times.
const TIME: Duration = Duration::from_secs(10);

fn plan() -> FuzzPlan {
    FuzzPlan { time: TIME, ..FuzzPlan::default() }
}

/// The only finding about `A`.
fn found<A: HeapAllocator>() -> Finding {
    let report = fuzz(&[Contender::of::<A>()], &plan(), &mut |_| {}).unwrap();
    let [finding] = &report.findings[..] else { panic!("{}: {report:?}", std::any::type_name::<A>()) };
    finding.clone()
}

/// The trace of a finding as a file has it.
fn saved(finding: &Finding) -> Source {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.csv");
    finding.save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    Source::from_bytes("saved.csv", bytes)
}

/// The verification of the finding's trace, as a replay does it.
fn replayed<A: HeapAllocator>(finding: &Finding) -> Verification {
    let program = Program::load(&saved(finding)).unwrap();
    let HeapShape { page, limit_pages } = finding.heap;
    let mut lane = Lane::on(&program, PageHeap::reserve_sized(page, limit_pages, Guard::Trap).unwrap());
    (Contender::of::<A>().examine)(&mut lane, true, &[], Limits::NONE).unwrap().verification
}

fn is_found_shrunk_and_replayed<A: HeapAllocator>(part: &str, most_events: usize) {
    let finding = found::<A>();
    assert_eq!(finding.symptom.kind, SymptomKind::Violation, "{finding}");
    assert!(finding.symptom.message.contains(part), "{finding}");
    assert!(finding.events.len() <= most_events && finding.repeats, "{finding}");
    assert_eq!(finding.heap, HeapShape::DEFAULT, "{finding}");
    let verification = replayed::<A>(&finding);
    let Verification::Failed { event, message } = verification else { panic!("{finding}\n{verification:?}") };
    assert_eq!((event, message), (finding.symptom.event, finding.symptom.message.clone()));
}

#[test]
fn every_kind_of_violation_is_found_shrunk_and_shown_by_a_replay() {
    is_found_shrunk_and_replayed::<Faulty<faulty::Overlap>>("overlaps", 4);
    is_found_shrunk_and_replayed::<Faulty<faulty::Enclosure>>("overlaps", 4);
    is_found_shrunk_and_replayed::<Faulty<faulty::Misalignment>>("is not aligned", 4);
    is_found_shrunk_and_replayed::<Faulty<faulty::OutsideHeap>>("is outside the heap", 4);
    is_found_shrunk_and_replayed::<Faulty<faulty::LostByte>>("lost byte", 4);
    is_found_shrunk_and_replayed::<Faulty<faulty::NotZeroed>>("is not 0", 4);
    is_found_shrunk_and_replayed::<Faulty<faulty::Overwriting>>("was overwritten", 5);
    is_found_shrunk_and_replayed::<GrowsAndRefuses>("overlaps", 6);
}

/// Without the other defect of [`GrowsWithoutItsClass`]: that it takes every alignment for 16.
struct GrowsAndRefuses(GrowsWithoutItsClass);

// SAFETY: as the allocator within, which is broken on purpose.
unsafe impl HeapAllocator for GrowsAndRefuses {
    const INFO: Info = GrowsWithoutItsClass::INFO;

    fn create(heap: HeapRef) -> Self {
        GrowsAndRefuses(GrowsWithoutItsClass::create(heap))
    }

    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller.
        if layout.align() > 8 { std::ptr::null_mut() } else { unsafe { self.0.alloc(layout) } }
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

/// What a [`Fatal`] allocator does.
trait Deed {
    fn perform();
}

/// A sound allocator that does its deed when a block of 100 to 200 bytes is freed.
struct Fatal<D> {
    sound: SegregatedBump,
    deed: PhantomData<D>,
}

// SAFETY: all blocks are those of a sound allocator; what else it does is the point of the test.
unsafe impl<D: Deed> HeapAllocator for Fatal<D> {
    const INFO: Info = Info { name: "fatal", summary: "ends its process", ..Faulty::<faulty::Overlap>::INFO };

    fn create(heap: HeapRef) -> Self {
        Fatal { sound: SegregatedBump::create(heap), deed: PhantomData }
    }

    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        self.sound.alloc(layout)
    }

    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        if (100..=200).contains(&layout.size()) {
            D::perform();
        }
        // SAFETY: upheld by the caller.
        unsafe { self.sound.dealloc(block, layout) }
    }
}

struct WritesWildly;
impl Deed for WritesWildly {
    fn perform() {
        // SAFETY: not sound at all: this is what the test is about. The first page is never mapped.
        unsafe { std::ptr::without_provenance_mut::<u8>(64).write_volatile(1) };
    }
}

struct Panics;
impl Deed for Panics {
    fn perform() {
        panic!("a free list is broken");
    }
}

struct Aborts;
impl Deed for Aborts {
    fn perform() {
        std::process::abort();
    }
}

struct Loops;
impl Deed for Loops {
    fn perform() {
        while std::hint::black_box(true) {}
    }
}

struct Exits;
impl Deed for Exits {
    fn perform() {
        std::process::exit(7);
    }
}

#[cfg(unix)]
fn is_survived<D: Deed>(kind: SymptomKind, part: &str) {
    let finding = found::<Fatal<D>>();
    assert_eq!(finding.symptom.kind, kind, "{finding}");
    assert!(finding.symptom.message.contains(part), "{finding}");
    // A block of 100 bytes, and its free; nothing else.
    assert_eq!((finding.events.len(), finding.symptom.event), (2, 2), "{finding}");
    assert!(finding.to_string().contains("\n    alloc,1,100,1\n    dealloc,1"), "{finding}");
    assert!(matches!(finding.found_in, FoundIn::Program { seed: 1, .. }), "{finding}");
}

#[test]
#[cfg(unix)]
fn what_ends_the_process_is_found_and_shrunk() {
    is_survived::<WritesWildly>(SymptomKind::Killed(libc::SIGSEGV), "");
    is_survived::<Panics>(SymptomKind::Panicked, "a free list is broken, at ");
    is_survived::<Aborts>(SymptomKind::Killed(libc::SIGABRT), "");
    is_survived::<Exits>(SymptomKind::Exited(7), "");
}

#[test]
#[cfg(unix)]
fn what_never_returns_is_found_and_shrunk() {
    is_survived::<Loops>(SymptomKind::NeverReturns, "");
}

#[test]
fn a_long_trace_is_shrunk_to_the_few_events_of_the_fault() {
    // 300,000 events of sound requests, larger than any class, and in the middle the five that fail.
    let mut text = "op,id,size,align\n".to_owned();
    let churn = |text: &mut String, ids: std::ops::Range<u32>| {
        for id in ids {
            text.push_str(&format!("alloc,{id},{},8\n", 129 + id % 300));
            if id % 100 >= 50 {
                text.push_str(&format!("dealloc,{}\ndealloc,{id}\n", id - 50));
            }
        }
    };
    churn(&mut text, 0..100_000);
    text += "alloc,500000,16,8\nrealloc,500000,40\nalloc,500001,16,8\ndealloc,500000\nalloc,500002,64,8\n";
    churn(&mut text, 100_000..150_000);
    let source = Source::from_bytes("long.csv", text.into_bytes());
    let shrink = |contender: Contender| {
        let plan = ShrinkPlan { heap: HeapShape::DEFAULT, time: Duration::from_secs(60), interrupt: Arc::default() };
        shrink_trace(&contender, &source, &plan, &mut |_| {}).unwrap()
    };
    let shrunk = shrink(Contender::of::<GrowsWithoutItsClass>());
    let Shrunk::Failed(finding) = shrunk else { panic!("{shrunk:?}") };
    assert!(finding.events.len() < 10, "{finding}");
    assert!(finding.symptom.message.contains("overlaps"), "{finding}");
    assert_eq!(finding.found_in, FoundIn::Trace { name: "long".to_owned(), events: 300_005 });
    assert!(matches!(replayed::<GrowsWithoutItsClass>(&finding), Verification::Failed { .. }));
    assert_eq!(shrink(Contender::named("segregated-bump").unwrap()), Shrunk::Sound);
}

#[test]
fn the_same_seed_finds_the_same() {
    let run = |seed| {
        let plan = FuzzPlan { seed, most_programs: 300, ..plan() };
        let contenders = [Contender::of::<Faulty<faulty::NotZeroed>>(), Contender::named("talc").unwrap()];
        fuzz(&contenders, &plan, &mut |_| {}).unwrap()
    };
    let first = run(3);
    assert_eq!(first.programs, 300);
    assert_eq!(first.findings.len(), 1);
    assert_eq!(run(3), first);
    let events = |report: &FuzzReport| report.findings[0].found_in.clone();
    assert_ne!(events(&run(4)), events(&first));
}

#[test]
fn sound_contenders_hold_and_the_floor_is_left_out() {
    // The conformance suite of all takes seconds: its own test runs it. One that needs a scope is among these.
    let names = ["swept-bump", "wee_alloc", "null"];
    let contenders: Vec<_> = names.into_iter().filter_map(Contender::named).collect();
    let plan = FuzzPlan { most_programs: 100, time: Duration::from_secs(60), ..FuzzPlan::default() };
    let report = check(&contenders, &plan).unwrap();
    // Eight cases each, on two sizes of pages.
    let checked = contenders.iter().filter(|contender| contender.info.purpose != Purpose::Floor).count() as u64;
    assert_eq!((report.programs, report.cases, report.findings.len()), (100, checked * 8 * 2, 0));
    assert!(report.ops > 10_000 && report.skipped.is_empty() && !report.interrupted, "{report:?}");
}

/// A sound allocator that does not give up a block when its heap is full, as the conformance suite demands: it has none
/// of the faults that a program can show.
struct Stingy {
    sound: SegregatedBump,
    blocks: u32,
}

// SAFETY: all blocks are those of a sound allocator.
unsafe impl HeapAllocator for Stingy {
    const INFO: Info = Info { name: "stingy", ..<Fatal<Panics> as HeapAllocator>::INFO };

    fn create(heap: HeapRef) -> Self {
        Stingy { sound: SegregatedBump::create(heap), blocks: 0 }
    }

    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        self.blocks += 1;
        if self.blocks > 50 {
            return std::ptr::null_mut();
        }
        self.sound.alloc(layout)
    }

    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: upheld by the caller.
        unsafe { self.sound.dealloc(block, layout) }
    }
}

#[test]
fn what_only_the_conformance_suite_shows_is_a_finding() {
    let plan = FuzzPlan { most_programs: 20, ..plan() };
    let error = check(&[Contender::of::<Stingy>()], &plan).unwrap_err();
    let CheckError::Found(finding) = error else { panic!("{error}") };
    assert!(matches!(finding.found_in, FoundIn::Conformance { .. }) && finding.events.is_empty(), "{finding}");
    assert!(finding.to_string().contains("in the conformance case \""), "{finding}");
}

#[test]
fn a_finding_names_the_options_that_a_replay_needs() {
    let finding = found::<Faulty<faulty::Overlap>>();
    assert_eq!(finding.replay_options(), "--allocator faulty --rounds 0");
    let page = heaprace_allocators::PageSize::from_bytes(4096).unwrap();
    let on = |limit_pages| Finding { heap: HeapShape { page, limit_pages }, ..finding.clone() };
    let options = "--allocator faulty --page-size 4096 --heap-limit 3pages --rounds 0";
    assert_eq!(on(3).replay_options(), options);
    assert_eq!(on(1 << 20).replay_options(), "--allocator faulty --page-size 4096 --rounds 0", "4 GiB is the default");
    let events: Vec<Event> = saved(&finding).open().unwrap().map(Result::unwrap).collect();
    assert_eq!(events, finding.events);
}

#[test]
fn an_interrupt_ends_it_within_a_second() {
    let plan = FuzzPlan { time: Duration::from_secs(600), ..FuzzPlan::default() };
    let interrupt = Arc::clone(&plan.interrupt);
    let begun = AtomicBool::new(false);
    let (report, since) = std::thread::scope(|scope| {
        let interrupter = scope.spawn(|| {
            while !begun.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
            }
            interrupt.store(true, Ordering::Relaxed);
            Instant::now()
        });
        let report = fuzz(&[Contender::named("talc").unwrap()], &plan, &mut |_| begun.store(true, Ordering::Relaxed));
        (report.unwrap(), interrupter.join().unwrap().elapsed())
    });
    assert!(report.interrupted && report.findings.is_empty(), "{report:?}");
    assert!(since < Duration::from_secs(1), "{since:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_signal_ends_the_command_and_its_child() {
    use std::process::{Command, Stdio};

    let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
    command.args(["fuzz", "--allocator", "talc", "--time", "10min"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut fuzzer = command.spawn().unwrap();
    let children = format!("/proc/{0}/task/{0}/children", fuzzer.id());
    let child = loop {
        assert_eq!(fuzzer.try_wait().unwrap(), None);
        // The list may be missing in a kernel, and then nothing can be said.
        let Ok(list) = std::fs::read_to_string(&children) else { break None };
        if let Some(child) = list.split_whitespace().next() {
            break Some(child.to_owned());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    // Not SIGINT, which shells have background jobs ignore, this test among them.
    // SAFETY: sends a signal to a child that has not been waited for.
    assert_eq!(unsafe { libc::kill(fuzzer.id() as libc::pid_t, libc::SIGTERM) }, 0);
    let since = Instant::now();
    let output = fuzzer.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(130), "{text}");
    assert!(text.contains("no fault found in talc") && since.elapsed() < Duration::from_secs(5), "{text}");
    assert!(child.is_none_or(|child| !std::path::Path::new(&format!("/proc/{child}")).exists()));
}
