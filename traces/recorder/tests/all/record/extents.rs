//! How much of its blocks a recorded program has written.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::mpsc;
use std::thread;

use heaprace_recorder::pattern::PATTERN;
use heaprace_recorder::{Action, Event, Recorder};

use super::{ALIGN, block_sizes, recorded};
use crate::WITH_EXTENTS;

/// Over another allocator, as far as the recorder knows.
static OVER: Recorder<System> = Recorder::on_demand().with_extents().over(System);

/// A block of this recorder, of which the program writes bytes when it wants.
struct Written<'a> {
    recorder: &'a dyn GlobalAlloc,
    start: *mut u8,
    layout: Layout,
}

// SAFETY: a block belongs to its holder; the allocator is one for all threads.
unsafe impl Send for Written<'_> {}

impl<'a> Written<'a> {
    fn new(recorder: &'a dyn GlobalAlloc, size: usize, zeroed: bool) -> Self {
        let layout = Layout::from_size_align(size, ALIGN).unwrap();
        // SAFETY: the size is not 0.
        let start = unsafe { if zeroed { recorder.alloc_zeroed(layout) } else { recorder.alloc(layout) } };
        assert!(!start.is_null());
        Written { recorder, start, layout }
    }

    fn resize(&mut self, size: usize) {
        // SAFETY: the block is live and has this layout; the size is not 0.
        self.start = unsafe { self.recorder.realloc(self.start, self.layout, size) };
        assert!(!self.start.is_null());
        self.layout = Layout::from_size_align(size, ALIGN).unwrap();
    }

    fn write(&mut self, from: usize, value: u8, bytes: usize) {
        assert!(from + bytes <= self.layout.size());
        // SAFETY: the bytes are within the block.
        unsafe { self.start.add(from).write_bytes(value, bytes) };
    }

    fn holds(&self, from: usize, value: u8, bytes: usize) -> bool {
        // SAFETY: the bytes are within the block and were written.
        (from..from + bytes).all(|place| unsafe { self.start.add(place).read() } == value)
    }
}

impl Drop for Written<'_> {
    fn drop(&mut self) {
        // SAFETY: the block is live and has this layout.
        unsafe { self.recorder.dealloc(self.start, self.layout) }
    }
}

/// Allocates, writes the first bytes, and frees.
fn once(recorder: &dyn GlobalAlloc, size: usize, zeroed: bool, written: usize) {
    Written::new(recorder, size, zeroed).write(0, 7, written);
}

/// Sizes and extents at the ends of blocks, of the one thread or of all.
fn extents(events: &[Event]) -> Vec<(usize, Option<u32>)> {
    let ended = |event: &Event| match event.action {
        Action::Realloc { old: layout, .. } | Action::Dealloc { layout } if layout.align() == ALIGN => {
            Some((layout.size(), event.written))
        }
        _ => None,
    };
    events.iter().filter_map(ended).collect()
}

pub(super) fn small() {
    for written in [10, 0, 100, 1, 99] {
        once(&WITH_EXTENTS, 100, false, written);
        once(&WITH_EXTENTS, 100, true, written);
    }
    // Bytes before the last one count, and what the program writes may look like the fill.
    Written::new(&WITH_EXTENTS, 100, false).write(49, 7, 1);
    Written::new(&WITH_EXTENTS, 100, false).write(0, 0, 30);
    Written::new(&WITH_EXTENTS, 100, false).write(0, PATTERN, 30);
    Written::new(&WITH_EXTENTS, 100, true).write(0, 0, 30);
    Written::new(&WITH_EXTENTS, 100, true).write(0, PATTERN, 30);
}

#[test]
fn a_block_has_the_bytes_that_the_program_wrote() {
    let each = [10, 0, 100, 1, 99].into_iter().flat_map(|written| [written, written]);
    let expected: Vec<_> = each.chain([50, 30, 0, 0, 30]).map(|written| (100, Some(written))).collect();
    assert_eq!(extents(&recorded("extents_small")), expected);
}

pub(super) fn vectors() {
    // As a vector grows: full, and twice as large.
    let mut block = Written::new(&WITH_EXTENTS, 16, false);
    for size in [16, 32, 64] {
        block.write(size / 2, 0, size / 2);
        block.resize(2 * size);
        assert!(block.holds(size / 2, 0, size / 2));
    }
    block.write(64, 1, 6);
    drop(block);
    // What is grown twice without a write, and then shrinks into its written part and grows again.
    let mut block = Written::new(&WITH_EXTENTS, 16, false);
    block.write(0, 9, 5);
    for size in [1000, 2000, 3, 30, 60] {
        block.resize(size);
        assert!(block.holds(0, 9, size.min(5).min(3)));
    }
    drop(block);
    // A zeroed block that grows full, and one that does not.
    for written in [20, 19] {
        let mut block = Written::new(&WITH_EXTENTS, 20, true);
        block.write(0, 1, written);
        block.resize(40);
        assert!(block.holds(0, 1, written) && block.holds(written, 0, 20 - written));
    }
}

#[test]
fn an_extent_goes_on_through_reallocations() {
    let of = |ends: &[(usize, u32)]| ends.iter().map(|&(size, written)| (size, Some(written))).collect::<Vec<_>>();
    let mut expected = of(&[(16, 16), (32, 32), (64, 64), (128, 70)]);
    expected.extend(of(&[(16, 5), (1000, 5), (2000, 5), (3, 3), (30, 3), (60, 3)]));
    expected.extend(of(&[(20, 20), (40, 20), (20, 19)]));
    expected.push((40, None));
    assert_eq!(extents(&recorded("extents_vectors")), expected);
}

const LARGE: usize = 64 << 20;
/// Smaller, because the system zeroes aligned blocks, and copies them to reallocate them, byte by byte.
const GROWN: usize = 4 << 20;

pub(super) fn large() {
    once(&WITH_EXTENTS, LARGE, false, 1_000_003);
    once(&WITH_EXTENTS, LARGE, false, 0);
    once(&WITH_EXTENTS, GROWN, true, 1_000_003);
    let mut block = Written::new(&WITH_EXTENTS, 300_000, false);
    block.write(0, 7, 300_000);
    block.resize(GROWN);
    assert!(block.holds(0, 7, 300_000));
    block.resize(2 * GROWN);
    block.write(2 * GROWN - 1, 7, 1);
    block.resize(1000);
    assert!(block.holds(0, 7, 1000));
    drop(block);
    // A block that was written and freed comes back with something in it.
    once(&WITH_EXTENTS, 500_000, false, 500_000);
    once(&WITH_EXTENTS, 500_000, false, 12);
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let peak_kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(peak_kib < 40_000, "{peak_kib} KiB");
    }
}

#[test]
fn a_large_block_is_resident_only_where_the_program_writes() {
    let known = |size, written| (size, Some(written));
    let once = [known(LARGE, 1_000_003), known(LARGE, 0), known(GROWN, 1_000_003)];
    let chain = [known(300_000, 300_000), known(GROWN, 300_000), known(2 * GROWN, 2 * GROWN as u32), known(1000, 1000)];
    let again = [known(500_000, 500_000), known(500_000, 12)];
    assert_eq!(extents(&recorded("extents_large")), [&once[..], &chain, &again].concat());
}

pub(super) fn over_another() {
    once(&OVER, 100, false, 10);
    once(&OVER, 1 << 20, false, 10);
    once(&OVER, 1 << 20, true, 10);
}

#[test]
fn over_another_allocator_large_blocks_are_filled_by_hand() {
    let expected = [100, 1 << 20, 1 << 20].map(|size| (size, Some(10)));
    assert_eq!(extents(&recorded("extents_over_another")), expected);
}

const THREADS: usize = 4;
const OBJECTS: usize = 5000;

pub(super) fn threads() {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| mpsc::channel::<Written<'_>>()).unzip();
    thread::scope(|scope| {
        for (number, receiver) in receivers.into_iter().enumerate() {
            let to_neighbour = senders[(number + 1) % THREADS].clone();
            scope.spawn(move || {
                for object in 0..OBJECTS {
                    // The size says how much is written: a third when it is sent, and two thirds when it is freed.
                    let mut block = Written::new(&WITH_EXTENTS, 3 * (1 + object % 700), object % 2 == 0);
                    block.write(0, 7, block.layout.size() / 3);
                    to_neighbour.send(block).unwrap();
                    let mut block = receiver.recv().unwrap();
                    block.write(0, 8, block.layout.size() * 2 / 3);
                }
            });
        }
    });
}

#[test]
fn blocks_that_go_from_thread_to_thread_keep_their_extents() {
    let found = extents(&recorded("extents_threads"));
    assert_eq!(found.len(), THREADS * OBJECTS);
    assert!(found.iter().all(|&(size, written)| written == Some(size as u32 * 2 / 3)));
}

pub(super) fn of_the_program() {
    let kept: Vec<u8> = Vec::with_capacity(98_765);
    let mut text = String::with_capacity(56_789);
    text.push_str("ten bytes.");
    assert!(kept.is_empty() && text.len() == 10);
}

#[test]
fn collections_have_the_extents_of_what_they_hold() {
    let events = recorded("extents_of_the_program");
    for (capacity, length) in [(98_765, 0), (56_789, 10)] {
        let is = |event: &&Event| matches!(event.action, Action::Dealloc { layout } if layout.size() == capacity);
        assert_eq!(events.iter().find(is).unwrap().written, Some(length));
    }
    assert_eq!(block_sizes(&events), [0; 0]);
}

pub(super) fn left_live() {
    for (size, written) in [(100, 10), (200, 200), (LARGE, 70_000)] {
        let mut block = Written::new(&WITH_EXTENTS, size, false);
        block.write(0, 7, written);
        std::mem::forget(block);
    }
    drop(Written::new(&WITH_EXTENTS, 300, false));
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_left_live_has_its_extents_after_the_last_event() {
    let trace = super::trace_path("extents_left_live");
    let output = super::child("extents_left_live", &trace);
    assert!(output.status.success(), "{output:?}");
    let mut events = heaprace_traces::Source::locate(trace.to_str().unwrap()).unwrap().open().unwrap();
    let mut live = std::collections::HashMap::new();
    for event in events.by_ref().map(Result::unwrap) {
        match event.action {
            Action::Alloc { layout, .. } => live.insert(event.id, (layout.align(), layout.size())),
            Action::Realloc { old, new_size } => live.insert(event.id, (old.align(), new_size)),
            Action::Dealloc { .. } => live.remove(&event.id),
        };
    }
    let comments = events.comments();
    let noted: Vec<_> = comments.iter().filter_map(|comment| heaprace_traces::left_live(comment)).flatten().collect();
    assert!(noted.iter().all(|(id, written)| live[id].1 >= *written as usize));
    assert_eq!(noted.len(), live.len(), "all of them, those of the program's runtime too");
    let ours = noted.iter().filter(|(id, _)| live[id].0 == ALIGN).map(|(id, written)| (live[id].1, *written));
    assert_eq!(ours.collect::<Vec<_>>(), [(100, 10), (200, 200), (LARGE, 70_000)]);
}

#[test]
fn without_extents_nobody_looks() {
    assert!(recorded("four_threads").iter().all(|event| event.written.is_none()));
}
