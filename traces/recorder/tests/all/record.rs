//! The recorder, on this very program: a test runs it again as a child that does one thing and nothing else, and reads
//! the trace.

mod ends;
mod extents;
mod files;

use std::alloc::{GlobalAlloc, Layout};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Barrier, mpsc};
use std::thread;

use heaprace_recorder::{Action, Event, Recorder};
use heaprace_traces::{Profile, Source};

use crate::ALLOCATOR;

/// Sizes and an alignment that nothing else in the program asks for.
const SIZE: usize = 54_321;
const GROWN: usize = 65_432;
const SHRUNK: usize = 43_210;
const ALIGN: usize = 256;

const THREADS: usize = 4;
/// Enough that a thread fills its buffer, and has to wait for room.
const OBJECTS: usize = 12_000;

/// Names what a child does. Where it is not set, this is no child.
const CHILD: &str = "HEAPRACE_TEST_CHILD";

/// What a child can do, by name.
const CHILDREN: &[(&str, fn())] = &[
    ("four_threads", four_threads),
    ("aborts", ends::aborts),
    ("finishes", finishes),
    ("is_started", files::is_started),
    ("starts_another", files::starts_another),
    #[cfg(unix)]
    ("forks", forks),
    #[cfg(target_pointer_width = "64")]
    ("odd_calls", odd_calls),
    ("exits", ends::exits),
    ("extents_of_the_program", extents::of_the_program),
    ("extents_left_live", extents::left_live),
    ("extents_large", extents::large),
    ("extents_over_another", extents::over_another),
    ("extents_small", extents::small),
    ("extents_threads", extents::threads),
    ("extents_vectors", extents::vectors),
    ("regions", regions),
    ("marks", marks),
    ("short_threads", short_threads),
    ("sleeps", sleeps),
    ("unread", ends::unread),
    ("many", ends::many),
];

/// In a child, this is the one test that runs. Otherwise it tests that each name is there once.
#[test]
fn a_child_does_what_it_is_told() {
    let child = std::env::var(CHILD);
    let named = |name: &str| CHILDREN.iter().filter(|(other, _)| *other == name).collect::<Vec<_>>();
    match child {
        Ok(name) => named(&name).first().expect("there is such a child").1(),
        Err(_) => assert!(CHILDREN.iter().all(|(name, _)| named(name).len() == 1)),
    }
}

/// A child that is about to run, and will record into `trace`.
fn command(child: &str, trace: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "record::a_child_does_what_it_is_told", "--nocapture", "--test-threads=1"])
        .env("HEAPRACE_TRACE", trace)
        .env(CHILD, child);
    command
}

/// Runs a child that records into `trace`.
fn child(name: &str, trace: &Path) -> Output {
    command(name, trace).output().unwrap()
}

/// The events of a child that ends as it should.
fn recorded(name: &str) -> Vec<Event> {
    let trace = trace_path(name);
    let output = child(name, &trace);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    read(&trace)
}

fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("record");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn trace_path(name: &str) -> PathBuf {
    folder().join(name).with_extension("htrace")
}

fn read(trace: &Path) -> Vec<Event> {
    Source::locate(trace.to_str().unwrap()).unwrap().open().unwrap().map(Result::unwrap).collect()
}

/// The sizes of the objects that a [`Block`] was made for, in order.
fn block_sizes(events: &[Event]) -> Vec<usize> {
    let size = |event: &Event| match event.action {
        Action::Alloc { layout, .. } if layout.align() == ALIGN => Some(layout.size()),
        _ => None,
    };
    events.iter().filter_map(size).collect()
}

/// A block of the program's own making, freed when it is dropped.
struct Block {
    start: *mut u8,
    layout: Layout,
}

// SAFETY: a block belongs to its holder; the allocator takes blocks from every thread.
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
    let events = recorded("four_threads");
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
    assert!(child("four_threads", &trace).status.success());
    let reader = Source::locate(trace.to_str().unwrap()).unwrap().open().unwrap();
    let provenance = reader.provenance().join("\n");
    assert!(provenance.contains("\nprogram: all"), "{provenance}");
    assert!(!provenance.contains(['/', '\\']) && !provenance.contains("exact"), "{provenance}");
}

fn regions() {
    static REGIONS: Recorder = Recorder::on_demand().stopped();
    // Whatever this program's own recorder has begun: a process has one recording.
    REGIONS.stop();
    let mut before = Block::new(1, false);
    let freed_within = Block::new(2, false);
    REGIONS.start();
    REGIONS.start();
    let within = Block::new(3, false);
    drop(freed_within);
    before.resize(4);
    drop(before);
    REGIONS.stop();
    REGIONS.stop();
    let between = Block::new(5, false);
    drop(within);
    REGIONS.start();
    drop(between);
    drop(Block::new(6, false));
    REGIONS.stop();
    drop(Block::new(7, false));
    let ignored = REGIONS.finish().ignored;
    assert!(ignored >= 2, "{ignored}");
    REGIONS.start();
    drop(Block::new(8, false));
}

#[test]
fn only_regions_are_recorded_and_what_is_live_at_their_end_is_left_live() {
    let of_align: Vec<Action> = recorded("regions").iter().map(|event| event.action).filter(is_of_block).collect();
    let layout = |size| Layout::from_size_align(size, ALIGN).unwrap();
    let alloc = |size| Action::Alloc { layout: layout(size), zeroed: false };
    let dealloc = |size| Action::Dealloc { layout: layout(size) };
    // The reallocation of an older block begins an object.
    assert_eq!(of_align, [alloc(3), alloc(4), dealloc(4), alloc(6), dealloc(6)]);
}

fn marks() {
    heaprace_recorder::mark("first\nalloc,1,1,1");
    drop(Block::new(1, false));
    heaprace_recorder::mark("second");
    ALLOCATOR.stop();
    heaprace_recorder::mark("not recorded");
    ALLOCATOR.start();
    // Each mark has its place, also that of another thread.
    thread::spawn(|| heaprace_recorder::mark("third")).join().unwrap();
    drop(Block::new(2, false));
    heaprace_recorder::mark("last");
}

#[test]
fn marks_stand_between_the_events_in_both_formats() {
    for ending in ["htrace", "csv"] {
        let trace = trace_path("marks").with_extension(ending);
        let output = child("marks", &trace);
        assert!(output.status.success(), "{output:?}");
        let is_binary = std::fs::read(&trace).unwrap().starts_with(b"\x89HTRACE\n");
        assert_eq!(is_binary, ending == "htrace");
        let mut events = Source::locate(trace.to_str().unwrap()).unwrap().open().unwrap();
        let mut found = Vec::new();
        loop {
            let event = events.next().map(Result::unwrap);
            found.extend(events.comments().iter().filter(|comment| comment.starts_with("mark: ")).cloned());
            match event.map(|event| event.action) {
                Some(Action::Alloc { layout, .. }) if layout.align() == ALIGN => found.push(layout.size().to_string()),
                Some(_) => {}
                None => break,
            }
        }
        let expected = ["mark: first alloc,1,1,1", "1", "mark: second", "mark: third", "2", "mark: last"];
        assert_eq!(found, expected);
    }
}

fn sleeps() {
    thread::sleep(std::time::Duration::from_millis(60));
    ALLOCATOR.stop();
    thread::sleep(std::time::Duration::from_millis(400));
    ALLOCATOR.start();
    (0..1000).for_each(|_| drop(Block::new(SIZE, false)));
}

#[cfg(target_os = "linux")]
#[test]
fn a_trace_ends_with_the_times_of_its_regions_unless_extents_are_recorded() {
    let times_of = |name: &str| {
        let trace = trace_path(name).with_extension("csv");
        assert!(child(name, &trace).status.success());
        let mut events = Source::locate(trace.to_str().unwrap()).unwrap().open().unwrap();
        let count = events.by_ref().count() as u64;
        (count, events.comments().iter().find_map(|comment| heaprace_traces::run_time(comment)))
    };
    let (events, times) = times_of("sleeps");
    let times = times.expect("there is a comment");
    assert!((60_000_000..400_000_000).contains(&times.wall_ns), "{times:?}");
    assert!(times.cpu_ns < times.wall_ns, "{times:?}: sleep takes no processor");
    assert!((events..1_000_000 * events).contains(&times.recorder_ns), "{times:?}, {events} events");
    assert_eq!(times_of("extents_left_live").1, None);
}

fn short_threads() {
    for _ in 0..300 {
        thread::spawn(|| drop(Block::new(SIZE, false))).join().unwrap();
    }
    // A buffer for each of them would be some 200 MiB; they take one after the other.
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let peak_kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(peak_kib < 60_000, "{peak_kib} KiB");
    }
}

#[test]
fn threads_that_have_ended_leave_their_buffers_to_others() {
    let events = recorded("short_threads");
    assert_eq!(block_sizes(&events), [SIZE; 300]);
    let threads: std::collections::HashSet<_> = events.iter().map(|event| event.thread).collect();
    assert!(threads.len() > 300, "{}", threads.len());
}

fn finishes() {
    drop(Block::new(SIZE, false));
    let summary = ALLOCATOR.finish();
    drop(Block::new(GROWN, false));
    assert_eq!(ALLOCATOR.finish(), summary);
    println!("{} events", summary.events);
}

#[test]
fn a_recording_can_be_finished_before_the_end() {
    let trace = trace_path("finishes");
    let output = child("finishes", &trace);
    assert!(output.status.success(), "{output:?}");
    let events = read(&trace);
    let said = format!("{} events", events.len());
    assert!(String::from_utf8_lossy(&output.stdout).contains(&said), "{output:?} does not say {said}");
    assert_eq!(block_sizes(&events), [SIZE]);
}

#[cfg(unix)]
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
    let events = recorded("forks");
    assert_eq!(block_sizes(&events), [SIZE]);
}

/// An allocator that gives the same address for everything, so that a test decides what happens. Nobody touches its
/// blocks.
struct Fake;

/// Whether it is about a [`Block`], or what has the same alignment.
fn is_of_block(action: &Action) -> bool {
    match action {
        Action::Alloc { layout, .. } | Action::Realloc { old: layout, .. } | Action::Dealloc { layout } => {
            layout.align() == ALIGN
        }
    }
}

const FAILS: usize = 666;
const TOO_LARGE: usize = 5 << 30;

// SAFETY: the blocks are addresses only; the tests do not touch them.
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
fn odd_calls() {
    static FAKE: Recorder<Fake> = Recorder::on_demand().over(Fake);
    let layout = |size| Layout::from_size_align(size, ALIGN).unwrap();
    // SAFETY: the sizes are not 0, no block is touched, and each is freed with its layout.
    unsafe {
        // A reallocation that fails leaves the object as it was; one to more than a trace can hold takes it out of the
        // trace.
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
    assert_eq!(FAKE.finish().ignored, 5);
}

#[cfg(target_pointer_width = "64")]
#[test]
fn odd_calls_leave_a_trace_that_can_be_read() {
    let events = recorded("odd_calls");
    let layout = |size| Layout::from_size_align(size, ALIGN).unwrap();
    let alloc = |size| Action::Alloc { layout: layout(size), zeroed: false };
    let dealloc = |size| Action::Dealloc { layout: layout(size) };
    let odd: Vec<Action> = events.iter().map(|event| event.action).filter(is_of_block).collect();
    let realloc = Action::Realloc { old: layout(1), new_size: 2 };
    assert_eq!(odd, [alloc(1), realloc, dealloc(2), alloc(3), dealloc(3), alloc(4), dealloc(4)]);
}

#[test]
fn where_nothing_can_be_written_the_program_runs_and_says_so_once() {
    let trace = folder().join("no-such-folder").join("trace.csv");
    let output = child("four_threads", &trace);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with(&format!("heaprace: {} cannot be written: ", trace.display())), "{said}");
}

#[test]
fn a_compressed_format_is_an_error_that_names_the_others() {
    let trace = trace_path("compressed").with_extension("csv.zst");
    let output = child("four_threads", &trace);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("let the name end in .htrace or .csv; the program runs unrecorded"), "{said}");
    assert!(!trace.exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_recording_and_not_the_program() {
    let output = child("four_threads", Path::new("/dev/full"));
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("heaprace: /dev/full cannot be written: "), "{said}");
}

#[test]
fn an_empty_variable_turns_the_recorder_off() {
    let output = child("four_threads", Path::new(""));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
