//! What replays write into blocks, against a slow model taken directly from the definition.
//!
//! A contender of this test hands out zeroed blocks and looks at each one when the block is resized or freed, and at the
//! end: what is not zero has been written.

use std::alloc::Layout;
use std::collections::BTreeMap;
use std::ops::Range;

use heaprace::Program;
use heaprace::engine::{Touch, TouchAll, TouchFirst, TouchNone, TouchWritten, replay};
use heaprace_allocators::contenders::segregated_bump::SegregatedBump;
use heaprace_allocators::page_heap::Guard;
use heaprace_allocators::{HeapAllocator, HeapRef, Info, PageHeap, Purpose};
use heaprace_traces::{Action, Event};
use proptest::prelude::*;

/// Bytes after each block that nobody may write.
const MARGIN_BYTES: usize = 32;

/// What was written into the block of a request, or `None` if the answer was null.
type Written = Vec<Option<Range<usize>>>;

/// A contender that notes what is written into its blocks.
struct Ledger {
    inner: SegregatedBump,
    /// Requests that are answered with null, counted from 0.
    refused: Vec<usize>,
    written: Written,
    /// The request and size of each live block.
    live: BTreeMap<*mut u8, (usize, Layout)>,
}

fn padded(layout: Layout) -> Layout {
    Layout::from_size_align(layout.size() + MARGIN_BYTES, layout.align()).unwrap()
}

impl Ledger {
    fn answer(&mut self, layout: Layout) -> *mut u8 {
        let request = self.written.len();
        self.written.push(None);
        if self.refused.contains(&request) {
            return std::ptr::null_mut();
        }
        let block = self.inner.alloc(padded(layout));
        assert!(!block.is_null(), "the heap is large enough");
        // SAFETY: the block has this size.
        unsafe { block.write_bytes(0, padded(layout).size()) };
        self.live.insert(block, (request, layout));
        block
    }

    fn look(&mut self, block: *mut u8) {
        let (request, layout) = self.live[&block];
        // SAFETY: the block is live, and all of it has been zeroed.
        let bytes = unsafe { std::slice::from_raw_parts(block, padded(layout).size()) };
        let from = bytes.iter().position(|&byte| byte != 0);
        let to = bytes.iter().rposition(|&byte| byte != 0);
        let range = from.zip(to).map_or(0..0, |(from, last)| from..last + 1);
        assert!(range.end <= layout.size(), "a write after the end of a block");
        assert!(bytes[range.clone()].iter().all(|&byte| byte != 0), "a gap between writes");
        self.written[request] = Some(range);
    }

    fn finish(mut self) -> Written {
        for block in self.live.keys().copied().collect::<Vec<_>>() {
            self.look(block);
        }
        self.written
    }
}

// SAFETY: its blocks are those of another contender. A realloc does not keep their bytes, which its role allows.
unsafe impl HeapAllocator for Ledger {
    const INFO: Info = Info {
        name: "ledger",
        crate_name: env!("CARGO_PKG_NAME"),
        version: "0",
        purpose: Purpose::Floor,
        groups: &[],
        summary: "notes writes",
        refuses: None,
    };

    fn create(heap: HeapRef) -> Self {
        let inner = SegregatedBump::create(heap);
        Ledger { inner, refused: Vec::new(), written: Vec::new(), live: BTreeMap::new() }
    }

    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        self.answer(layout)
    }

    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        self.look(block);
        self.live.remove(&block);
        // SAFETY: a live block of this padded layout.
        unsafe { self.inner.dealloc(block, padded(layout)) };
    }

    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        self.look(block);
        let moved = self.answer(Layout::from_size_align(new_size, layout.align()).unwrap());
        if !moved.is_null() {
            // SAFETY: upheld by the caller.
            unsafe { self.dealloc(block, layout) };
        }
        moved
    }
}

/// What a replay of these events writes, if these requests are refused.
fn observed<T: Touch>(events: &[Event], refused: &[usize]) -> Written {
    observed_of::<T>(&Program::compile(events.iter().copied().map(Ok)).unwrap(), refused)
}

/// What a replay of this program writes.
fn observed_of<T: Touch>(program: &Program, refused: &[usize]) -> Written {
    let heap = PageHeap::reserve(1024, Guard::Trap).unwrap();
    let mut slots = vec![std::ptr::null_mut(); program.slots()];
    let mut ledger = Ledger { refused: refused.to_vec(), ..Ledger::create(heap.handle()) };
    let _ = replay::<_, _, T>(program, &mut slots, &mut ledger, &mut ()).unwrap();
    ledger.finish()
}

/// An object of the model: its size, how far it is written, and whether it is absent.
struct Object {
    size: usize,
    written: usize,
    is_absent: bool,
}

/// What a replay has to write: for each request the bytes up to the extent that the object's next event states, and all
/// new bytes if it states none.
fn expected(events: &[Event], refused: &[usize]) -> Written {
    let (mut objects, mut written) = (BTreeMap::<u64, Object>::new(), Written::new());
    for (index, event) in events.iter().enumerate() {
        let (old_size, kept, size) = match event.action {
            Action::Dealloc { .. } => {
                objects.remove(&event.id);
                continue;
            }
            Action::Alloc { layout, .. } => (0, 0, layout.size()),
            Action::Realloc { new_size, .. } => {
                let object = &objects[&event.id];
                if object.is_absent {
                    continue;
                }
                (object.size, object.written.min(new_size), new_size)
            }
        };
        let next = events[index + 1..].iter().find(|next| next.id == event.id);
        let range = match next.and_then(|next| next.written) {
            Some(extent) => kept..(extent as usize).min(size).max(kept),
            None => old_size.min(size)..size,
        };
        let is_absent = refused.contains(&written.len());
        objects.insert(event.id, Object { size, written: range.end, is_absent });
        written.push((!is_absent).then_some(if range.is_empty() { 0..0 } else { range }));
    }
    written
}

/// A step of a random trace: object, kind, size, logarithm of the alignment, and extent (in thousandths of the size).
type Step = (usize, u8, usize, u32, Option<u32>);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let size = prop_oneof![4 => 1..100_usize, 1 => 100..5000_usize];
    let extent = prop_oneof![1 => Just(None), 1 => Just(Some(1000)), 4 => (0..=1000_u32).prop_map(Some)];
    proptest::collection::vec((0..6_usize, 0..5_u8, size, 0..6_u32, extent), 1..120)
}

fn events_of(steps: &[Step]) -> Vec<Event> {
    let mut live = [None::<Layout>; 6];
    let of = |layout: Layout, extent: Option<u32>| extent.map(|extent| (layout.size() as u32 * extent).div_ceil(1000));
    let step = |&(object, kind, size, align_log2, extent): &Step| {
        let (action, written) = match (live[object], kind) {
            (None, _) => {
                let layout = Layout::from_size_align(size, 1 << align_log2).unwrap();
                live[object] = Some(layout);
                (Action::Alloc { layout, zeroed: kind == 0 }, None)
            }
            (Some(old), 0..=2) => {
                live[object] = Some(Layout::from_size_align(size, old.align()).unwrap());
                (Action::Realloc { old, new_size: size }, of(old, extent))
            }
            (Some(layout), _) => {
                live[object] = None;
                (Action::Dealloc { layout }, of(layout, extent))
            }
        };
        Event { action, id: object as u64, thread: None, time_ns: None, written }
    };
    steps.iter().map(step).collect()
}

fn without_extents(events: &[Event]) -> Vec<Event> {
    events.iter().map(|event| Event { written: None, ..*event }).collect()
}

proptest! {
    #[test]
    fn a_replay_writes_just_what_the_program_wrote(
        steps in steps(),
        refused in proptest::collection::vec(0..60_usize, 0..6),
    ) {
        let events = events_of(&steps);
        prop_assert_eq!(observed::<TouchWritten>(&events, &refused), expected(&events, &refused));
    }

    #[test]
    fn without_extents_a_replay_writes_every_new_byte(
        steps in steps(),
        refused in proptest::collection::vec(0..60_usize, 0..6),
    ) {
        let events = without_extents(&events_of(&steps));
        let all = observed::<TouchAll>(&events, &refused);
        prop_assert_eq!(&observed::<TouchWritten>(&events, &refused), &all);
        prop_assert_eq!(expected(&events, &refused), all);
    }

    #[test]
    fn other_policies_ignore_extents(steps in steps(), refused in proptest::collection::vec(0..60_usize, 0..6)) {
        let events = events_of(&steps);
        let plain = without_extents(&events);
        prop_assert_eq!(observed::<TouchAll>(&events, &refused), observed::<TouchAll>(&plain, &refused));
        prop_assert_eq!(observed::<TouchFirst>(&events, &refused), observed::<TouchFirst>(&plain, &refused));
        let nothing = observed::<TouchNone>(&events, &refused);
        prop_assert!(nothing.into_iter().flatten().all(|written| written.is_empty()));
    }

    #[test]
    fn another_extent_is_another_write(steps in steps(), which in any::<proptest::sample::Index>()) {
        // What proves that the comparison above can fail: one extent off by one shows, unless its byte is written anyway.
        let events = events_of(&steps);
        let mut changed = events.clone();
        let known: Vec<_> = (0..events.len()).filter(|&index| events[index].written.is_some()).collect();
        prop_assume!(!known.is_empty());
        let index = known[which.index(known.len())];
        changed[index].written = changed[index].written.map(|written| written.checked_sub(1).unwrap_or(1));
        let is_other = expected(&events, &[]) != expected(&changed, &[]);
        prop_assert_eq!(observed::<TouchWritten>(&changed, &[]) != expected(&events, &[]), is_other);
    }
}

/// An event on the object of this id.
fn event(id: u64, action: Action, written: Option<u32>) -> Event {
    Event { action, id, thread: None, time_ns: None, written }
}

#[test]
fn each_block_is_written_as_far_as_its_next_event_states() {
    let layout = |size| Layout::from_size_align(size, 8).unwrap();
    let events = [
        event(1, Action::Alloc { layout: layout(100), zeroed: false }, None),
        event(2, Action::Alloc { layout: layout(50), zeroed: true }, None),
        // 40 of 100 bytes, then 130 of 200, then nothing more, then what is kept and 5 bytes more, then all.
        event(1, Action::Realloc { old: layout(100), new_size: 200 }, Some(40)),
        event(1, Action::Realloc { old: layout(200), new_size: 300 }, Some(130)),
        event(2, Action::Dealloc { layout: layout(50) }, Some(0)),
        event(1, Action::Realloc { old: layout(300), new_size: 20 }, Some(130)),
        event(1, Action::Realloc { old: layout(20), new_size: 60 }, Some(20)),
        event(3, Action::Alloc { layout: layout(7), zeroed: false }, None),
        event(1, Action::Realloc { old: layout(60), new_size: 90 }, Some(25)),
        event(1, Action::Dealloc { layout: layout(90) }, None),
    ];
    let written = [0..40, 0..0, 40..130, 0..0, 0..0, 20..25, 0..7, 60..90].map(Some);
    assert_eq!(observed::<TouchWritten>(&events, &[]), written);
    assert_eq!(expected(&events, &[]), written);
    let coverage = Program::compile(events.map(Ok)).unwrap().coverage().unwrap();
    assert_eq!((coverage.blocks, coverage.known_blocks), (8, 6));
    assert_eq!(coverage.written_bytes, 40 + 90 + 5 + 7 + 30);
}

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn a_recording_is_replayed_as_its_program_wrote() {
    use crate::record::{build_library, program, scratch};

    build_library();
    let folder = scratch("touch");
    // The same program twice: the binary trace is read the short way, through its blocks.
    for file in ["trace.htrace", "trace.csv"] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_replay"))
            .args(["record", "--extents", "--output", file, "--"])
            .args([program().to_str().unwrap(), "sequence"])
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let source = heaprace_traces::Source::locate(folder.join(file).to_str().unwrap()).unwrap();
        let events: Vec<_> = source.open().unwrap().map(Result::unwrap).collect();
        let program = Program::load(&source).unwrap();
        assert_eq!(observed_of::<TouchWritten>(&program, &[]), expected(&events, &[]), "{file}");
        let coverage = program.coverage().unwrap();
        assert!(
            coverage.known_blocks > 0 && coverage.written_bytes < program.profile().allocated_bytes,
            "{coverage:?}"
        );
    }
}
