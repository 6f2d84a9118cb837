//! The metrics against a slow implementation taken directly from their definitions, on random traces.
//!
//! The definitions here share no code with the metrics: all states of a replay are recorded, with all live blocks of
//! each, and every figure is computed from that list.

use std::alloc::Layout;
use std::collections::BTreeMap;

use heaprace::Program;
use heaprace::contender::Contender;
use heaprace::engine::{Flow, LiveBlock, Observer, TouchNone, replay};
use heaprace::memory::metrics::{Figures, Setting, Watch};
use heaprace_allocators::contenders::segregated_bump::SegregatedBump;
use heaprace_allocators::page_heap::Guard;
use heaprace_allocators::{HeapAllocator, HeapRef, PageHeap};
use heaprace_reports::results::Memory;
use proptest::prelude::*;

use crate::{examine, program};

/// The state after an event.
#[derive(Clone, Debug, Default)]
struct Instant {
    requested: u64,
    heap: u64,
    /// Start and length of each live block.
    live: Vec<(u64, u64)>,
    /// The event that gave each of them its position and size.
    since: Vec<u64>,
}

impl Instant {
    fn live_bytes(&self) -> u64 {
        self.live.iter().map(|&(_, bytes)| bytes).sum()
    }
}

struct Diary {
    heap: HeapRef,
    /// Size and event, by address.
    blocks: BTreeMap<usize, (usize, u64)>,
    /// Bytes of successful allocations, plus the growth from successful reallocations.
    requested: u64,
    /// Failed allocations, failed reallocations, and events of absent objects.
    failures: [u64; 3],
    reallocs: Vec<(bool, u64)>,
    instants: Vec<Instant>,
}

impl Observer for Diary {
    fn allocated(&mut self, event: u64, block: LiveBlock, layout: Layout, _zeroed: bool) -> Flow {
        if block.is_null() {
            self.failures[0] += 1;
        } else {
            self.requested += layout.size() as u64;
            self.blocks.insert(block.as_ptr().addr(), (layout.size(), event));
        }
        Flow::Continue(())
    }

    fn deallocating(&mut self, _event: u64, block: LiveBlock, _layout: Layout) -> Flow {
        self.blocks.remove(&block.as_ptr().addr());
        Flow::Continue(())
    }

    fn reallocated(&mut self, event: u64, old: LiveBlock, layout: Layout, new: LiveBlock, new_size: usize) -> Flow {
        if new.is_null() {
            self.failures[1] += 1;
        } else {
            self.requested += new_size.saturating_sub(layout.size()) as u64;
            let before = self.blocks.remove(&old.as_ptr().addr()).expect("it is live");
            // A block with the same position and size keeps its event.
            let stays = old.as_ptr() == new.as_ptr() && before.0 == new_size;
            self.blocks.insert(new.as_ptr().addr(), (new_size, if stays { before.1 } else { event }));
            let in_place = old.as_ptr() == new.as_ptr();
            self.reallocs.push((in_place, layout.size().min(new_size) as u64));
        }
        Flow::Continue(())
    }

    fn absent(&mut self, _event: u64) -> Flow {
        self.failures[2] += 1;
        Flow::Continue(())
    }

    fn after<A: HeapAllocator>(&mut self, _event: u64, _allocator: &A) -> Flow {
        let base = self.heap.base().addr().get();
        self.instants.push(Instant {
            requested: self.requested,
            heap: self.heap.committed_bytes() as u64,
            live: self.blocks.iter().map(|(&start, &(bytes, _))| ((start - base) as u64, bytes as u64)).collect(),
            since: self.blocks.values().map(|&(_, since)| since).collect(),
        });
        Flow::Continue(())
    }
}

const PAGE: u64 = 65_536;

/// The first instant with the largest value of `of`.
fn first_peak(instants: &[Instant], of: impl Fn(&Instant) -> u64) -> Option<usize> {
    let peak = instants.iter().map(&of).max()?;
    instants.iter().position(|instant| of(instant) == peak).filter(|_| peak > 0)
}

fn live_in(instant: &Instant, from: u64, to: u64) -> u64 {
    let within = |&(start, bytes): &(u64, u64)| (start + bytes).min(to).saturating_sub(start.max(from));
    instant.live.iter().map(within).sum()
}

/// Compares every figure with its definition.
fn agree(memory: &Memory, trace_peak: u64, instants: &[Instant], reallocs: &[(bool, u64)]) {
    let live = |instant: &Instant| instant.live_bytes();
    let heap = |instant: &Instant| instant.heap;
    let max = |of: &dyn Fn(&Instant) -> u64| instants.iter().map(of).max().unwrap();
    let (peak_live, peak_heap) = (max(&live), max(&heap));
    assert_eq!(memory.peak_heap_bytes, peak_heap);
    assert_eq!(memory.peak_heap_event, first_peak(instants, heap).unwrap() as u64 + 1);
    assert_eq!(memory.overhead_ratio, peak_heap as f64 / peak_live as f64);
    let ends = instants.iter().flat_map(|instant| &instant.live).map(|&(start, bytes)| start + bytes);
    assert_eq!(memory.peak_span_bytes, ends.max().unwrap());

    // Means, from the first instant with 1 % of the trace's peak; a replay with failed requests may never reach it.
    let start = instants.iter().position(|instant| live(instant) * 100 >= trace_peak).unwrap_or(instants.len());
    let weights_by_bytes = instants
        .iter()
        .enumerate()
        .map(|(index, instant)| instant.requested - if index == 0 { 0 } else { instants[index - 1].requested });
    let weights: [Vec<u64>; 2] = [weights_by_bytes.collect(), vec![1; instants.len()]];
    let means = &memory.johnstone_wilson;
    let found = [
        (means.mean_of_ratios_by_bytes_percent, means.ratio_of_means_by_bytes_percent),
        (means.mean_of_ratios_by_events_percent, means.ratio_of_means_by_events_percent),
    ];
    for (weights, (of_ratios, of_means)) in weights.iter().zip(found) {
        let (mut ratios, mut weight, mut heaps, mut lives) = (0.0, 0.0, 0.0, 0.0);
        for (instant, &more) in instants.iter().zip(weights).skip(start) {
            if live(instant) > 0 {
                ratios += heap(instant) as f64 / live(instant) as f64 * more as f64;
                weight += more as f64;
            }
            heaps += heap(instant) as f64 * more as f64;
            lives += live(instant) as f64 * more as f64;
        }
        let close = |found: Option<f64>, expected: f64| {
            let Some(found) = found else { return assert!(expected.is_nan(), "no figure instead of {expected}") };
            assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{found} is not {expected}");
        };
        close(of_ratios, (ratios / weight - 1.0) * 100.0);
        close(of_means, (heaps / lives - 1.0) * 100.0);
    }
    let at_peaks = [first_peak(instants, live).unwrap(), first_peak(instants, heap).unwrap()];
    for (index, found) in at_peaks.into_iter().zip([means.at_peak_live_percent, means.at_peak_heap_percent]) {
        let instant = &instants[index];
        let ratio = heap(instant) as f64 / live(instant) as f64;
        assert_eq!(found, (live(instant) > 0).then_some((ratio - 1.0) * 100.0));
    }

    let moved: Vec<u64> = reallocs.iter().filter(|(in_place, _)| !in_place).map(|&(_, bytes)| bytes).collect();
    assert_eq!(
        (memory.reallocs.count, memory.reallocs.in_place),
        (reallocs.len() as u64, (reallocs.len() - moved.len()) as u64)
    );
    let copied = moved.iter().sum::<u64>();
    assert_eq!(memory.reallocs.copied_bytes, copied);
    let requested = instants.last().unwrap().requested;
    assert_eq!(memory.reallocs.copied_per_requested_byte, Some(copied as f64 / requested as f64));

    let found = [&memory.occupancy.at_peak_live, &memory.occupancy.at_peak_heap];
    for (index, found) in at_peaks.into_iter().zip(found) {
        let instant = &instants[index];
        let shares: Vec<u64> =
            (0..instant.heap / PAGE).map(|page| live_in(instant, page * PAGE, (page + 1) * PAGE)).collect();
        let count = |holds: &dyn Fn(u64) -> bool| shares.iter().filter(|&&bytes| holds(bytes)).count() as u64;
        assert_eq!(found.committed_pages, shares.len() as u64);
        assert_eq!(found.occupied_pages, count(&|bytes| bytes > 0));
        assert_eq!(found.pinned_pages, count(&|bytes| bytes > 0 && bytes * 10 < PAGE));
        assert_eq!(found.pages_by_tenth[0], count(&|bytes| bytes == 0));
        assert_eq!(found.pages_by_tenth[11], count(&|bytes| bytes == PAGE));
        assert_eq!(found.pages_by_tenth[5], count(&|bytes| (bytes * 10) / PAGE == 4));
        assert_eq!(found.pages_by_tenth.iter().sum::<u64>(), found.committed_pages);
    }
    let found = [&memory.fragmentation.at_peak_live, &memory.fragmentation.at_peak_heap];
    for (index, found) in at_peaks.into_iter().zip(found) {
        let so_far = instants[..=index].iter().flat_map(|instant| &instant.live).map(|&(start, bytes)| start + bytes);
        assert_eq!((found.live_bytes, found.span_bytes), (live(&instants[index]), so_far.max().unwrap_or(0)));
    }

    strips_agree(memory, at_peaks, instants);

    // With few events, the grid has a column and the timeline a point per event.
    assert_eq!(memory.timeline.len(), instants.len());
    for (point, instant) in memory.timeline.iter().zip(instants) {
        let occupied = (0..instant.heap / PAGE).filter(|page| live_in(instant, page * PAGE, (page + 1) * PAGE) > 0);
        assert_eq!(
            (point.live_bytes, point.committed_bytes, point.requested_bytes),
            (live(instant), heap(instant), instant.requested)
        );
        assert_eq!(point.occupied_pages, occupied.count() as u64);
    }
    let row = memory.grid.row_bytes;
    assert!(row.is_power_of_two() && row >= PAGE);
    let every = memory.grid.events_per_column as usize;
    for (column, rows) in memory.grid.live_permille.iter().enumerate() {
        let instant = &instants[((column + 1) * every - 1).min(instants.len() - 1)];
        for (number, &found) in rows.iter().enumerate() {
            let bytes = live_in(instant, number as u64 * row, (number as u64 + 1) * row);
            assert_eq!(u64::from(found), bytes * 1000 / row);
        }
    }
}

/// Compares the strips with a naive count of every part.
fn strips_agree(memory: &Memory, at_peaks: [usize; 2], instants: &[Instant]) {
    let expected = [("peak-live", at_peaks[0]), ("peak-heap", at_peaks[1]), ("end", instants.len() - 1)];
    assert_eq!(memory.strips.len(), expected.len());
    for (strip, (at, index)) in memory.strips.iter().zip(expected) {
        let (instant, event) = (&instants[index], index as u64 + 1);
        assert_eq!((strip.at.name(), strip.event, strip.committed_bytes), (at, event, instant.heap));
        let parts = instant.heap.div_ceil(strip.part_bytes) as usize;
        assert!(strip.part_bytes.is_power_of_two() && parts <= 256);
        let lengths = [strip.live_permille.len(), strip.most_size_up_to_bytes.len(), strip.mean_age_events.len()];
        assert_eq!(lengths, [parts; 3]);
        for part in 0..parts {
            let (from, to) = (part as u64 * strip.part_bytes, (part as u64 + 1) * strip.part_bytes);
            let bytes = live_in(instant, from, to);
            assert_eq!(u64::from(strip.live_permille[part]), (bytes * 1000).div_ceil(strip.part_bytes));
            // Each live object's size, age, and bytes in the part.
            let objects: Vec<(u64, u64, u64)> = (instant.live.iter().zip(&instant.since))
                .map(|(&(start, bytes), &since)| {
                    (bytes, event - since, (start + bytes).min(to).saturating_sub(start.max(from)))
                })
                .collect();
            let age: u64 = objects.iter().map(|(_, age, here)| age * here).sum();
            assert_eq!(strip.mean_age_events[part], age.checked_div(bytes));
            let of_class = |up_to: u64| -> u64 {
                objects.iter().filter(|(size, ..)| (up_to / 2 + 1..=up_to).contains(size)).map(|(.., here)| here).sum()
            };
            let classes = (0..20).map(|exponent| 1_u64 << exponent);
            let most = classes.clone().map(of_class).max().filter(|&most| most > 0);
            assert_eq!(
                strip.most_size_up_to_bytes[part],
                most.and_then(|most| classes.clone().find(|&one| of_class(one) == most))
            );
        }
    }
}

/// All states of one replay.
fn diary_of<A: HeapAllocator>(program: &Program, limit_pages: usize) -> Diary {
    let heap = PageHeap::reserve(limit_pages, Guard::Trap).unwrap();
    let mut slots = vec![std::ptr::null_mut(); program.slots()];
    let mut diary = Diary {
        heap: heap.handle(),
        blocks: BTreeMap::new(),
        requested: 0,
        failures: [0; 3],
        reallocs: Vec::new(),
        instants: Vec::new(),
    };
    let _ = replay::<A, _, TouchNone>(program, &mut slots, &mut A::create(heap.handle()), &mut diary).unwrap();
    diary
}

/// Compares a contender's figures with their definitions, and returns the [failures](Diary::failures) in its replay.
fn check<A: HeapAllocator>(name: &str, lines: &str, limit_pages: usize) -> [u64; 3] {
    let program = program(lines);
    let diary = diary_of::<A>(&program, limit_pages);
    let examination = examine(Contender::named(name).unwrap(), &program, limit_pages);
    match examination.memory.known() {
        Some(memory) => agree(memory, program.profile().peak_live_bytes, &diary.instants, &diary.reallocs),
        None => assert!(diary.instants.iter().all(|instant| instant.live.is_empty()), "{examination:?}"),
    }
    if diary.failures == [0; 3] {
        assert_eq!(diary.requested, program.profile().allocated_bytes, "without failures, everything requested");
    }
    diary.failures
}

/// Lines of a random trace: the object, the operation, and the size.
fn lines() -> impl Strategy<Value = String> {
    let size = prop_oneof![4 => 1..200_u64, 2 => 200..20_000_u64, 1 => 20_000..300_000_u64];
    let step = (0..8_usize, 0..4_u8, size, 0..10_u32);
    proptest::collection::vec(step, 1..200).prop_map(|steps| {
        let (mut live, mut lines) = ([false; 8], String::new());
        for (id, kind, size, align) in steps {
            match (live[id], kind) {
                (false, _) => lines += &format!("alloc,{id},{size},{}\n", 1 << align),
                (true, 0 | 1) => lines += &format!("realloc,{id},{size}\n"),
                (true, _) => lines += &format!("dealloc,{id}\n"),
            }
            live[id] = !(live[id] && kind > 1);
        }
        lines
    })
}

/// A random trace with failed requests on a heap of fewer than 45 pages: it contains an allocation and a reallocation
/// of 3 MB each, followed by further events of their objects.
fn lines_that_fail() -> impl Strategy<Value = String> {
    (lines(), any::<prop::sample::Index>()).prop_map(|(lines, index)| {
        let mut lines: Vec<&str> = lines.lines().collect();
        let at = index.index(lines.len() + 1);
        lines.splice(at..at, ["alloc,9,3000000,8", "realloc,9,3100000", "realloc,8,3000000", "realloc,8,10"]);
        format!("alloc,8,100,8\n{}\ndealloc,8\ndealloc,9\n", lines.join("\n"))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_metrics_match_their_definitions(lines in lines(), limit_pages in prop_oneof![Just(1024_usize), 1..12_usize]) {
        check::<SegregatedBump>("segregated-bump", &lines, limit_pages);
        check::<heaprace_allocators::contenders::dlmalloc::Dlmalloc>("dlmalloc", &lines, limit_pages);
        check::<heaprace_allocators::contenders::talc::Talc>("talc", &lines, limit_pages);
    }

    /// At least the four events of the two large objects after their failures concern absent objects.
    #[test]
    fn the_metrics_match_their_definitions_with_failed_requests(lines in lines_that_fail(), limit_pages in 4..12_usize) {
        let failures = [
            check::<SegregatedBump>("segregated-bump", &lines, limit_pages),
            check::<heaprace_allocators::contenders::dlmalloc::Dlmalloc>("dlmalloc", &lines, limit_pages),
            check::<heaprace_allocators::contenders::wasmalloc::Wasmalloc>("wasmalloc", &lines, limit_pages),
            check::<heaprace_allocators::contenders::talc::Talc>("talc", &lines, limit_pages),
        ];
        for [allocs, reallocs, absent] in failures {
            prop_assert!(allocs >= 1 && reallocs >= 1 && absent >= 4, "{failures:?}");
        }
    }
}

/// The comparison itself can fail: a metric that has missed one event is detected.
#[test]
#[should_panic(expected = "assertion")]
fn a_metric_that_misses_an_event_is_detected() {
    let whole = program("alloc,1,100,8\nalloc,2,70000,8\n");
    let part = examine(Contender::named("bump").unwrap(), &program("alloc,1,100,8\n"), 16);
    let diary = diary_of::<heaprace_allocators::contenders::bump::Bump>(&whole, 16);
    agree(part.memory.known().unwrap(), whole.profile().peak_live_bytes, &diary.instants, &diary.reallocs);
}

/// So is a clock of bytes that counts a failed request.
#[test]
fn a_clock_that_counts_failed_requests_is_detected() {
    let program = program("alloc,1,100,8\nalloc,2,70000,8\nrealloc,1,200\n");
    let examination = examine(Contender::named("bump").unwrap(), &program, 1);
    let mut diary = diary_of::<heaprace_allocators::contenders::bump::Bump>(&program, 1);
    assert_eq!(diary.failures, [1, 0, 0]);
    let compare = |instants: &[Instant]| {
        agree(examination.memory.known().unwrap(), program.profile().peak_live_bytes, instants, &diary.reallocs);
    };
    compare(&diary.instants);
    diary.instants[1..].iter_mut().for_each(|instant| instant.requested += 70_000);
    let instants = std::mem::take(&mut diary.instants);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| compare(&instants))).is_err());
}

/// The watch, with all metrics, does not change where blocks are placed.
#[test]
fn watching_changes_nothing() {
    let program = program("alloc,1,100,8\nrealloc,1,70000\nalloc,2,5,1\n");
    let heap = PageHeap::reserve(16, Guard::Trap).unwrap();
    let mut slots = vec![std::ptr::null_mut(); program.slots()];
    let setting = Setting { profile: *program.profile(), page_bytes: PAGE as usize };
    let mut watch = Watch::new(heap.handle(), Figures::new(&setting));
    let _ = replay::<_, _, TouchNone>(&program, &mut slots, &mut <SegregatedBump>::create(heap.handle()), &mut watch)
        .unwrap();
    let watched: Vec<_> = slots.iter().map(|block| block.addr() - heap.handle().base().addr().get()).collect();
    let other = PageHeap::reserve(16, Guard::Trap).unwrap();
    let _ = replay::<_, _, TouchNone>(&program, &mut slots, &mut <SegregatedBump>::create(other.handle()), &mut ())
        .unwrap();
    let alone: Vec<_> = slots.iter().map(|block| block.addr() - other.handle().base().addr().get()).collect();
    assert_eq!(watched, alone);
}
