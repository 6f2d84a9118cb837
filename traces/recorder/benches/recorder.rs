//! What the recorder adds to a program: the same program with and without it, side by side.
//!
//! Each run is a process of its own, with a pair of them one after the other: one on the system's allocator, one on the
//! recorder over it. What is compared is the wall time from the first of the work to where the trace is whole in its
//! file, so all that the recorder does is in it, on whichever thread. It is given by event of a thread, and has a
//! spread over the pairs.
//!
//! - `index` is a program like many: it makes words, and holds them in a map with the places where they stand.
//! - `bare` does nothing but allocate and free, so the recorder cannot hide any of its work. No program does that.

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use fastrand::Rng;
use heaprace_recorder::Recorder;

/// What a child does, where this is one: the work, its size, the threads, and whether it is recorded.
const CHILD: &str = "HEAPRACE_BENCH_CHILD";
const PAIRS: usize = 51;

/// The system's allocator, or the recorder over it. Both pay for the choice.
struct Switch;

static IS_RECORDED: AtomicBool = AtomicBool::new(false);
static RECORDER: Recorder = Recorder::on_demand();

#[global_allocator]
static ALLOCATOR: Switch = Switch;

// SAFETY: every call is passed on as it came. Blocks of one allocator may be given to the other, as the recorder's are
// the system's.
unsafe impl GlobalAlloc for Switch {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises.
        unsafe { if IS_RECORDED.load(Ordering::Relaxed) { RECORDER.alloc(layout) } else { System.alloc(layout) } }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let recorded = IS_RECORDED.load(Ordering::Relaxed);
        // SAFETY: the caller's promises.
        unsafe { if recorded { RECORDER.alloc_zeroed(layout) } else { System.alloc_zeroed(layout) } }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let recorded = IS_RECORDED.load(Ordering::Relaxed);
        // SAFETY: the caller's promises.
        unsafe { if recorded { RECORDER.dealloc(block, layout) } else { System.dealloc(block, layout) } }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let recorded = IS_RECORDED.load(Ordering::Relaxed);
        // SAFETY: the caller's promises.
        unsafe {
            if recorded { RECORDER.realloc(block, layout, new_size) } else { System.realloc(block, layout, new_size) }
        }
    }
}

/// Words and where they stand, until there are too many of them.
fn index(size: u32) {
    let mut random = Rng::with_seed(1);
    let mut places: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for place in 0..size {
        let word = format!("{:x}", random.u32(..) >> random.u32(16..32));
        places.entry(word).or_default().push(place);
        if places.len() == 10_000 {
            places.clear();
        }
    }
    black_box(places);
}

/// Blocks of a few sizes, 64 at a time.
fn bare(size: u32) {
    let mut random = Rng::with_seed(1);
    let mut blocks: [Vec<u8>; 64] = [const { Vec::new() }; 64];
    for turn in 0..size {
        blocks[turn as usize % 64] = black_box(Vec::with_capacity(16 << random.u32(0..4)));
    }
    black_box(blocks);
}

type Work = (&'static str, fn(u32), u32);
const WORKS: [Work; 2] = [("index", index, 400_000), ("bare", bare, 600_000)];

fn main() {
    match std::env::var(CHILD) {
        Ok(text) => run(&text),
        Err(_) if std::env::args().any(|argument| argument == "--test") => compare(1, 100),
        Err(_) => compare(PAIRS, 1),
    }
}

/// Does the work as a child, and prints the nanoseconds and the events.
fn run(text: &str) {
    let [name, size, threads, recorded] = text.split(' ').collect::<Vec<_>>()[..] else { panic!("{CHILD}={text}") };
    let (_, work, _) = WORKS.into_iter().find(|(other, ..)| *other == name).expect("the parent knows the works");
    let [size, threads] = [size, threads].map(|number| number.parse::<u32>().expect("the parent wrote it"));
    let start = Instant::now();
    IS_RECORDED.store(recorded == "true", Ordering::Relaxed);
    let others: Vec<_> = (1..threads).map(|_| thread::spawn(move || work(size))).collect();
    work(size);
    others.into_iter().for_each(|other| other.join().expect("no work panics"));
    let summary = RECORDER.finish();
    println!("{} {}", start.elapsed().as_nanos(), summary.events);
}

/// Runs pairs of children, and prints what the recorder adds.
fn compare(pairs: usize, fraction: u32) {
    println!("{:<8} {:>7} {:>11} {:>14} {:>15}", "work", "threads", "events", "ns an event", "ns added (quartiles)");
    for (name, _, size) in WORKS {
        for threads in [1, 2] {
            let (mut plain, mut added, mut all_events) = (Vec::new(), Vec::new(), 0);
            for pair in 0..pairs {
                let child = |recorded| child(&format!("{name} {} {threads} {recorded}", size / fraction));
                // Each comes first as often as the other, so that neither has the cooler processor.
                let ((without_ns, _), (with_ns, events)) = if pair % 2 == 0 {
                    let without = child(false);
                    (without, child(true))
                } else {
                    let with = child(true);
                    (child(false), with)
                };
                assert!(events > f64::from(size / fraction * threads), "{name}: {events} events");
                plain.push(without_ns * f64::from(threads) / events);
                added.push((with_ns - without_ns) * f64::from(threads) / events);
                all_events = events as u64;
            }
            let ([_, plain, _], [low, added, high]) = (quartiles(plain), quartiles(added));
            println!("{name:<8} {threads:>7} {all_events:>11} {plain:>14.1} {added:>11.1} ({low:.1} to {high:.1})");
        }
    }
}

/// What a child needed, in nanoseconds, and how many events it recorded.
fn child(text: &str) -> (f64, f64) {
    let trace = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("recorder-{}.htrace", std::process::id()));
    let program = std::env::current_exe().expect("this program is there");
    let output = Command::new(program).env(CHILD, text).env("HEAPRACE_TRACE", &trace).output().expect("it runs again");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    // Without the recorder there is none.
    let _ = std::fs::remove_file(trace);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let (ns, events) = said.trim().split_once(' ').expect("two numbers");
    (ns.parse().expect("a number"), events.parse().expect("a number"))
}

fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_unstable_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
}
