//! The recorder, on this very program: a test runs it again as a child that does one thing and nothing else, and reads the trace.
//!
//! What the child does is a test too, but an ignored one. Without `HEAPRACE_TRACE` it records nothing and passes.

use std::alloc::{GlobalAlloc, Layout};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Barrier, mpsc};
use std::thread;

use traces::{Action, Event, Profile, Recorder, Source};

use crate::ALLOCATOR;
use crate::reading::folder;

/// Sizes and an alignment that nothing else in the program asks for.
const SIZE: usize = 54_321;
const GROWN: usize = 65_432;
const SHRUNK: usize = 43_210;
const ALIGN: usize = 256;

const THREADS: usize = 4;
const OBJECTS: usize = 500;

/// Runs one of the ignored tests below in a child that records into `trace`.
fn child(test: &str, trace: &Path) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
        .env("HEAPRACE_TRACE", trace)
        .output()
        .unwrap()
}

/// The events of a child that ends as it should.
fn recorded(test: &str) -> Vec<Event> {
    let trace = trace_path(test);
    let output = child(test, &trace);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    read(&trace)
}

fn trace_path(test: &str) -> PathBuf {
    folder("record").join(test.replace("::", "-")).with_extension("csv")
}

fn read(trace: &Path) -> Vec<Event> {
    Source::locate(trace.to_str().unwrap()).unwrap().open().unwrap().map(Result::unwrap).collect()
}

/// A block of the program's own making, freed when it is dropped.
struct Block {
    start: *mut u8,
    layout: Layout,
}

// SAFETY: a block belongs to whoever has it; the allocator takes blocks from every thread.
unsafe impl Send for Block {}

impl Block {
    fn new(size: usize, zeroed: bool) -> Self {
        let layout = Layout::from_size_align(size, ALIGN).unwrap();
        // SAFETY: the size is not 0.
        let start = unsafe { if zeroed { ALLOCATOR.alloc_zeroed(layout) } else { ALLOCATOR.alloc(layout) } };
        assert!(!start.is_null() && start.addr().is_multiple_of(ALIGN));
        Block { start, layout }
    }

    fn resize(&mut self, size: usize) {
        // SAFETY: the block is live and has this layout; the size is not 0.
        self.start = unsafe { ALLOCATOR.realloc(self.start, self.layout, size) };
        assert!(!self.start.is_null());
        self.layout = Layout::from_size_align(size, ALIGN).unwrap();
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the block is live and has this layout.
        unsafe { ALLOCATOR.dealloc(self.start, self.layout) }
    }
}

#[test]
#[ignore = "runs as a child"]
fn four_threads() {
    let barrier = Barrier::new(THREADS);
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| mpsc::channel::<Block>()).unzip();
    thread::scope(|scope| {
        let barrier = &barrier;
        for (number, receiver) in receivers.into_iter().enumerate() {
            // Each thread frees what its neighbour allocates.
            let to_neighbour = senders[(number + 1) % THREADS].clone();
            scope.spawn(move || {
                barrier.wait();
                for object in 0..OBJECTS {
                    let mut block = Block::new(SIZE, object % 2 == 1);
                    block.resize(GROWN);
                    block.resize(SHRUNK);
                    to_neighbour.send(block).unwrap();
                    drop(receiver.recv().unwrap());
                }
            });
        }
    });
}

#[test]
fn all_that_four_threads_do_is_recorded() {
    let events = recorded("record::four_threads");
    let mut profile = Profile::default();
    let (mut lives, mut cross_thread_frees) = (HashMap::new(), 0);
    let (mut allocs, mut zeroed_allocs, mut grown, mut shrunk, mut deallocs) = (0, 0, 0, 0, 0);
    for event in &events {
        profile.add(event);
        let thread = event.thread.expect("the recorder names the thread");
        match event.action {
            Action::Alloc { layout, zeroed } if layout.align() == ALIGN => {
                assert_eq!(layout.size(), SIZE);
                lives.insert(event.id, thread);
                allocs += 1;
                zeroed_allocs += usize::from(zeroed);
            }
            Action::Realloc { old, new_size: GROWN } if old.align() == ALIGN => {
                assert_eq!(old.size(), SIZE);
                grown += 1;
            }
            Action::Realloc { old, new_size } if old.align() == ALIGN => {
                assert_eq!((old.size(), new_size), (GROWN, SHRUNK));
                shrunk += 1;
            }
            Action::Dealloc { layout } if layout.align() == ALIGN => {
                assert_eq!(layout.size(), SHRUNK);
                cross_thread_frees += usize::from(lives.remove(&event.id) != Some(thread));
                deallocs += 1;
            }
            _ => {}
        }
    }
    let all = THREADS * OBJECTS;
    assert_eq!((allocs, zeroed_allocs, grown, shrunk, deallocs), (all, all / 2, all, all, all));
    assert_eq!(cross_thread_frees, all, "each thread frees what another one allocated");
    assert!(profile.peak_live_bytes >= SHRUNK as u64);
    let mut threads: Vec<u32> = events.iter().filter_map(|event| event.thread).collect();
    threads.sort_unstable();
    threads.dedup();
    assert!(threads.len() >= THREADS && threads.iter().copied().eq(0..threads.len() as u32), "{threads:?}");
}

#[test]
fn the_provenance_names_the_program_but_no_folder_and_no_argument() {
    let trace = trace_path("provenance");
    assert!(child("record::four_threads", &trace).status.success());
    let reader = Source::locate(trace.to_str().unwrap()).unwrap().open().unwrap();
    let provenance = reader.provenance().join("\n");
    assert!(provenance.contains("\nprogram: all"), "{provenance}");
    assert!(!provenance.contains(['/', '\\']) && !provenance.contains("exact"), "{provenance}");
}

#[test]
#[ignore = "runs as a child"]
fn aborts() {
    // More than the recorder gathers before it writes.
    for _ in 0..10_000 {
        drop(Block::new(SIZE, false));
    }
    if std::env::var_os("HEAPRACE_TRACE").is_some() {
        std::process::abort();
    }
}

#[test]
fn a_program_that_aborts_leaves_a_readable_trace() {
    let trace = trace_path("aborts");
    let output = child("record::aborts", &trace);
    assert!(!output.status.success());
    let events = read(&trace);
    assert!(events.len() > 10_000, "{} events", events.len());
}

#[test]
#[ignore = "runs as a child"]
fn finishes() {
    drop(Block::new(SIZE, false));
    let summary = ALLOCATOR.finish();
    drop(Block::new(GROWN, false));
    assert_eq!(ALLOCATOR.finish(), summary);
    if std::env::var_os("HEAPRACE_TRACE").is_some() {
        println!("{} events", summary.events);
    }
}

#[test]
fn a_recording_can_be_finished_before_the_end() {
    let trace = trace_path("finishes");
    let output = child("record::finishes", &trace);
    assert!(output.status.success(), "{output:?}");
    let events = read(&trace);
    let said = format!("{} events", events.len());
    assert!(String::from_utf8_lossy(&output.stdout).contains(&said), "{output:?} does not say {said}");
    let sizes = |size| {
        let is = |event: &&Event| matches!(event.action, Action::Alloc { layout, .. } if layout.size() == size);
        events.iter().filter(is).count()
    };
    assert_eq!((sizes(SIZE), sizes(GROWN)), (1, 0));
}

#[cfg(unix)]
#[test]
#[ignore = "runs as a child"]
fn forks() {
    // SAFETY: the child of the fork allocates, frees and exits; it takes no lock that another thread may hold.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        for _ in 0..10_000 {
            drop(Block::new(GROWN, false));
        }
        assert_eq!(ALLOCATOR.finish().events, 0);
        // SAFETY: exits, with what the process has registered for its exit.
        unsafe { libc::exit(7) };
    }
    let mut status = 0;
    // SAFETY: waits for the child that was just made; the status is ours.
    unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!(libc::WEXITSTATUS(status), 7);
    drop(Block::new(SIZE, false));
}

#[cfg(unix)]
#[test]
fn the_child_of_a_fork_is_not_in_the_trace() {
    let events = recorded("record::forks");
    let of_align: Vec<_> = events
        .iter()
        .filter_map(|event| match event.action {
            Action::Alloc { layout, .. } if layout.align() == ALIGN => Some(layout.size()),
            _ => None,
        })
        .collect();
    assert_eq!(of_align, [SIZE]);
}

/// An allocator that gives the same address for everything, so that a test decides what happens. Nobody touches its blocks.
struct Fake;

const FAILS: usize = 666;
const TOO_LARGE: usize = 5 << 30;

// SAFETY: the blocks are addresses only; whoever asks for them here does not touch them.
unsafe impl GlobalAlloc for Fake {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        std::ptr::without_provenance_mut(ALIGN)
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}

    unsafe fn realloc(&self, block: *mut u8, _: Layout, new_size: usize) -> *mut u8 {
        if new_size == FAILS { std::ptr::null_mut() } else { block }
    }
}

#[cfg(target_pointer_width = "64")]
#[test]
#[ignore = "runs as a child"]
fn odd_calls() {
    static FAKE: Recorder<Fake> = Recorder::on_demand().over(Fake);
    let layout = |size| Layout::from_size_align(size, ALIGN).unwrap();
    // SAFETY: the sizes are not 0, no block is touched, and each is freed with its layout.
    unsafe {
        // A reallocation that fails leaves the object as it was; one to more than a trace can hold takes it out of the trace.
        let block = FAKE.alloc(layout(1));
        FAKE.realloc(block, layout(1), FAILS);
        FAKE.realloc(block, layout(1), 2);
        FAKE.realloc(block, layout(2), TOO_LARGE);
        FAKE.dealloc(block, layout(TOO_LARGE));
        FAKE.dealloc(FAKE.alloc(layout(TOO_LARGE)), layout(TOO_LARGE));
        // An object that is freed past the recorder ends where its address is given out again.
        FAKE.alloc(layout(3));
        FAKE.dealloc(FAKE.alloc(layout(4)), layout(4));
    }
    if std::env::var_os("HEAPRACE_TRACE").is_some() {
        assert_eq!(FAKE.finish().ignored, 5);
    }
}

#[cfg(target_pointer_width = "64")]
#[test]
fn odd_calls_leave_a_trace_that_can_be_read() {
    let events = recorded("record::odd_calls");
    let layout = |size| Layout::from_size_align(size, ALIGN).unwrap();
    let alloc = |size| Action::Alloc { layout: layout(size), zeroed: false };
    let dealloc = |size| Action::Dealloc { layout: layout(size) };
    let odd: Vec<Action> = events
        .iter()
        .map(|event| event.action)
        .filter(|action| match action {
            Action::Alloc { layout, .. } | Action::Realloc { old: layout, .. } | Action::Dealloc { layout } => {
                layout.align() == ALIGN
            }
        })
        .collect();
    let realloc = Action::Realloc { old: layout(1), new_size: 2 };
    assert_eq!(odd, [alloc(1), realloc, dealloc(2), alloc(3), dealloc(3), alloc(4), dealloc(4)]);
}

#[test]
fn where_nothing_can_be_written_the_program_runs_and_says_so_once() {
    let trace = folder("record").join("no-such-folder").join("trace.csv");
    let output = child("record::four_threads", &trace);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with(&format!("heaprace: {} cannot be written: ", trace.display())), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_recording_and_not_the_program() {
    let output = child("record::four_threads", Path::new("/dev/full"));
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("heaprace: /dev/full cannot be written further: "), "{said}");
}

#[test]
fn an_empty_variable_turns_the_recorder_off() {
    let output = child("record::four_threads", Path::new(""));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
