//! Memory figures of tiny traces, against values computed by hand.

use heaprace_allocators::page_heap::Guard;
use heaprace_allocators::{PageHeap, PageSize};
use std::alloc::Layout;

use heaprace::contender::Contender;
use heaprace::lane::Lane;
use heaprace::limits::Limits;
use heaprace::memory::metrics::Instant;
use heaprace_allocators::contenders::bump::Bump;
use heaprace_allocators::{HeapAllocator, HeapRef, Info};
use heaprace_reports::results::{Figure, FootprintPoint, Memory, Moment, PartKind};

use crate::{examine, program};

fn memory(name: &str, lines: &str) -> Memory {
    let examination = examine(Contender::named(name).unwrap(), &program(lines), 1024);
    examination.memory.known().unwrap_or_else(|| panic!("{examination:?}")).clone()
}

#[test]
fn a_bump_pointer_counts_every_byte() {
    // 100,000 + 100,000 bytes are 4 pages of 65,536. The second object moves when it grows: 160,000 more make 360,000,
    // 6 pages.
    let memory = memory(
        "bump",
        "alloc,1,100000,16\nalloc,2,100000,16\ndealloc,1\nrealloc,2,160000\nrealloc,2,50000\ndealloc,2\n",
    );
    assert_eq!((memory.peak_heap_pages, memory.peak_heap_bytes, memory.peak_heap_event), (6, 6 * 65_536, 4));
    // The peak is after the second event: 200,000 bytes.
    assert_eq!(memory.overhead_ratio, 393_216.0 / 200_000.0);
    assert_eq!(memory.johnstone_wilson_4_percent, 193_216.0 / 200_000.0 * 100.0);
    assert_eq!((memory.grow_calls, memory.failed_requests, memory.first_failure), (Figure::Known(3), 0, None));
    let points: Vec<_> =
        memory.timeline.iter().map(|point| (point.event, point.live_bytes, point.committed_bytes / 65_536)).collect();
    assert_eq!(points, [(1, 100_000, 2), (2, 200_000, 4), (3, 100_000, 4), (4, 160_000, 6), (5, 50_000, 6), (6, 0, 6)]);
}

#[test]
fn the_peak_is_the_event_that_first_reaches_it() {
    let memory = memory("bump", "alloc,1,10,1\nalloc,2,65536,1\nalloc,3,10,1\ndealloc,2\nalloc,4,100,1\n");
    assert_eq!((memory.peak_heap_pages, memory.peak_heap_event), (2, 2));
}

#[test]
fn long_traces_keep_their_peaks_in_a_timeline_of_bounded_length() {
    // One spike of a million bytes among 5,000 small events: a sample at regular events would miss it.
    let mut lines: String = (0..1234).map(|id| format!("alloc,{id},8,8\ndealloc,{id}\n")).collect();
    lines += "alloc,9999,1000000,8\ndealloc,9999\n";
    lines.extend((2000..3267).map(|id| format!("alloc,{id},8,8\ndealloc,{id}\n")));
    let memory = memory("segregated-bump", &lines);
    let events = 2 * (1234 + 1 + 1267);
    assert_eq!(events, 5004);
    // 6 events per point: 834 points.
    assert_eq!(memory.timeline.len(), 834);
    assert_eq!(memory.timeline.iter().map(|point| point.live_bytes).max(), Some(1_000_000));
    let last = FootprintPoint {
        event: 5004,
        requested_bytes: 2501 * 8 + 1_000_000,
        live_bytes: 8,
        // First the smallest class, once; then a million bytes after it.
        span_bytes: 16 + 1_000_000,
        committed_bytes: memory.peak_heap_bytes,
        occupied_pages: 1,
        grow_events: 0,
    };
    assert_eq!(memory.timeline.last(), Some(&last));
    assert!(
        memory.timeline.is_sorted_by(|one, next| one.event < next.event && one.committed_bytes <= next.committed_bytes)
    );
}

/// Warm-up: one byte is live in a page of 65,536, then the heap is full. A naive mean from the first event on is
/// dominated by states with hardly any live bytes.
#[test]
fn means_exclude_the_warm_up() {
    // 100 objects of one byte, then 6,000,000 bytes in 92 pages: 1 % of the peak is 60,001 bytes, which only the last
    // event reaches.
    let mut lines: String = (0..100).map(|id| format!("alloc,{id},1,1\n")).collect();
    lines += "alloc,100,6000000,1\n";
    let memory = memory("bump", &lines);
    let live = 6_000_100.0;
    let exact = (92.0 * 65_536.0 / live - 1.0) * 100.0;
    let means = memory.johnstone_wilson;
    assert_eq!(means.mean_of_ratios_by_events_percent, Some(exact));
    assert_eq!(means.mean_of_ratios_by_bytes_percent, Some(exact));
    assert_eq!(means.ratio_of_means_by_events_percent, Some(exact));
    assert!(exact < 1.0);
    // The sum of 65,536 / n for n up to 100, over 101 events: the result without the rule.
    let naive: f64 = (1..=100).map(|n| 65_536.0 / f64::from(n)).sum::<f64>() / 101.0 * 100.0;
    assert!(naive > 100_000.0 * exact);
}

/// The plateau: a heap never shrinks, so the last instant of max H says nothing about the allocator. #3 uses the first.
#[test]
fn the_first_instant_of_a_plateau_counts() {
    // 4 pages are full after event 2; then all bytes but one are freed, and the heap stays.
    let memory = memory("bump", "alloc,1,131072,1\nalloc,2,131071,1\nalloc,3,1,1\ndealloc,1\ndealloc,2\n");
    let means = memory.johnstone_wilson;
    assert_eq!(means.at_peak_heap_percent, Some((262_144.0 / 262_143.0 - 1.0) * 100.0), "and not 26,214,300 %");
    assert_eq!(means.at_peak_live_percent, Some(0.0));
    assert_eq!(memory.johnstone_wilson_4_percent, 0.0);
    // By events: 2 pages over 2 pages, 4 over 4 less a byte, 4 over 4, 4 over 2, 4 over a byte.
    let ratios = [1.0, 262_144.0 / 262_143.0, 1.0, 262_144.0 / 131_072.0, 262_144.0];
    assert_eq!(means.mean_of_ratios_by_events_percent, Some((ratios.iter().sum::<f64>() / 5.0 - 1.0) * 100.0));
    // By bytes requested, deallocations weigh nothing.
    let weighed = (131_072.0 + ratios[1] * 131_071.0 + 1.0) / 262_144.0;
    assert_eq!(means.mean_of_ratios_by_bytes_percent, Some((weighed - 1.0) * 100.0));
    let live = 131_072.0 + 262_143.0 + 262_144.0 + 131_072.0 + 1.0;
    let committed = (2.0 + 4.0 * 4.0) * 65_536.0;
    assert_eq!(means.ratio_of_means_by_events_percent, Some((committed / live - 1.0) * 100.0));
}

#[test]
fn reallocs_are_in_place_or_copy() {
    // The first object grows in place at the bump pointer, the second shrinks in place, the third is buried and must
    // move its 200 bytes, and the fourth moves 40 bytes to a smaller class.
    let lines = "alloc,1,150,8\nrealloc,1,300\nrealloc,1,200\nalloc,2,128,8\nrealloc,1,400\nrealloc,2,40\n";
    let reallocs = memory("segregated-bump", lines).reallocs;
    assert_eq!((reallocs.count, reallocs.in_place, reallocs.copied_bytes), (4, 2, 240));
    assert_eq!(reallocs.in_place_share, Some(0.5));
    // 150 + 150 + 128 + 200 bytes were requested.
    assert_eq!(reallocs.copied_per_requested_byte, Some(240.0 / 628.0));
    let none = memory("bump", "alloc,1,1,1\n").reallocs;
    assert_eq!((none.count, none.in_place_share), (0, None), "no reallocs, so no share");
}

/// Failed requests do not advance the clock of bytes: only 60,000 bytes, then 20,000, then 10,000 more by a
/// reallocation are ever received.
#[test]
fn a_failed_request_does_not_advance_the_clock_of_bytes() {
    let lines = "alloc,1,60000,1\n\
        alloc,2,100000,1\nrealloc,1,90000\nrealloc,1,200000\ndealloc,2\n\
        alloc,3,20000,1\nrealloc,3,30000\ndealloc,1\nrealloc,3,5000\n";
    // Two pages are 131,072 bytes. Event 2 would end at 160,000, and event 3, which moves, at 150,000: both fail, and
    // object 1 is freed. Events 4, 5 and 8 concern absent objects. Event 6 ends at 80,000, and event 7 moves to 80,000
    // to 110,000.
    let examination = examine(Contender::named("bump").unwrap(), &program(lines), 2);
    let memory = examination.memory.known().unwrap();
    let first = memory.first_failure.as_ref().unwrap();
    assert_eq!((memory.failed_requests, first.event, first.live_bytes), (2, 2, 60_000));
    let points: Vec<_> = (memory.timeline.iter())
        .map(|point| (point.requested_bytes, point.live_bytes, point.committed_bytes / 65_536))
        .collect();
    let expected = [
        (60_000, 60_000, 1),
        (60_000, 60_000, 1),
        (60_000, 0, 1),
        (60_000, 0, 1),
        (60_000, 0, 1),
        (80_000, 20_000, 2),
        (90_000, 30_000, 2),
        (90_000, 30_000, 2),
        (90_000, 5_000, 2),
    ];
    assert_eq!(points, expected);
    // Of 90,000 bytes, 60,000 came at 1 page, 20,000 and 10,000 at 2. The failed requests would have weighed 100,000
    // more at 1 page.
    let (one, two) = (65_536.0, 131_072.0);
    let near = |found: Option<f64>, ratio: f64| {
        let (found, expected) = (found.unwrap(), (ratio - 1.0) * 100.0);
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    };
    let means = memory.johnstone_wilson;
    near(means.mean_of_ratios_by_bytes_percent, (one + two + two / 3.0) / 90_000.0);
    near(means.ratio_of_means_by_bytes_percent, (one * 6.0 + two * 3.0) / (60_000.0 * 6.0 + 20_000.0 * 2.0 + 30_000.0));
    // Every event counts by events; nothing is live in events 3 to 5, so they have no ratio.
    let ratios = 2.0 * one / 60_000.0 + two / 20_000.0 + 2.0 * two / 30_000.0 + two / 5000.0;
    near(means.mean_of_ratios_by_events_percent, ratios / 6.0);
    near(means.ratio_of_means_by_events_percent, (5.0 * one + 4.0 * two) / 205_000.0);
    // 20,000 bytes were copied for the 90,000 received.
    assert_eq!((memory.reallocs.count, memory.reallocs.in_place), (2, 1));
    assert_eq!(memory.reallocs.copied_per_requested_byte, Some(20_000.0 / 90_000.0));
}

/// A program with many failed requests: they must not make its heap look a hundred times worse.
#[test]
fn failed_requests_do_not_move_the_mean_by_bytes() {
    // 60,000 bytes, of which 600 remain: then a heap of 1 page has no room for 70,000 more.
    let given = "alloc,1,60000,1\nrealloc,1,600\n";
    let failing: String =
        (2..102).map(|id| format!("alloc,{id},70000,1\nrealloc,{id},140000\ndealloc,{id}\n")).collect();
    let mean = |lines: &str| {
        let memory = examine(Contender::named("bump").unwrap(), &program(lines), 1).memory;
        let memory = memory.known().unwrap();
        (memory.failed_requests, memory.johnstone_wilson.mean_of_ratios_by_bytes_percent)
    };
    let expected = Some((65_536.0 / 60_000.0 - 1.0) * 100.0);
    assert_eq!(mean(given), (0, expected));
    assert_eq!(mean(&(given.to_owned() + &failing)), (100, expected), "and not 10,731 %");
}

#[test]
fn pages_are_counted_by_how_full_they_are() {
    // 4 pages at the peak: full, full, one third, and a byte. Then the objects in the first two are freed.
    let lines = "alloc,1,131072,1\nalloc,2,21846,1\nalloc,3,43690,1\nalloc,4,1,1\ndealloc,3\ndealloc,1\n";
    let memory = memory("bump", lines);
    let at = &memory.occupancy.at_peak_heap;
    assert_eq!((at.event, at.committed_pages, at.occupied_pages, at.pinned_pages), (4, 4, 4, 1));
    assert_eq!(at.pages_by_tenth, [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3]);
    assert_eq!(at.live_share, Some(196_609.0 / 262_144.0));
    let occupied: Vec<_> = memory.timeline.iter().map(|point| point.occupied_pages).collect();
    assert_eq!(occupied, [2, 3, 3, 4, 4, 2]);
    // The grid has a row per page and a column per event, because there are few.
    assert_eq!(memory.grid.row_bytes, 65_536);
    assert_eq!(memory.grid.live_permille[4], [1000, 1000, 333, 0]);
    assert_eq!(memory.grid.live_permille[5], [0, 0, 333, 0]);
}

#[test]
fn every_figure_follows_the_page_size() {
    // 10,000 bytes on pages of 4,096: two are full, and 1,808 bytes, 44 %, are in the third.
    let (program, page) = (program("alloc,1,10000,8\n"), PageSize::from_bytes(4096).unwrap());
    let mut lane = Lane::on(&program, PageHeap::reserve_sized(page, 16, Guard::Trap).unwrap());
    let examination = (Contender::named("bump").unwrap().examine)(&mut lane, true, &[], Limits::NONE).unwrap();
    let memory = examination.memory.known().unwrap();
    assert_eq!((memory.peak_heap_pages, memory.peak_heap_bytes, memory.overhead_ratio), (3, 12_288, 1.2288));
    assert_eq!(memory.timeline.iter().map(|point| point.committed_bytes).collect::<Vec<_>>(), [12_288]);
    assert_eq!(memory.occupancy.at_peak_heap.pages_by_tenth, [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2]);
    assert_eq!((memory.grid.row_bytes, &memory.grid.live_permille[0][..]), (4096, &[1000, 1000, 441][..]));
    assert!(memory.splits.iter().all(|split| split.committed_bytes == 12_288));
}

#[test]
fn internal_fragmentation_and_gaps_are_distinguished() {
    // 20 bytes are granted 32, 100 are granted 128; then the first is freed.
    let lines = "alloc,1,20,1\nalloc,2,100,1\ndealloc,1\n";
    let at = memory("segregated-bump", lines).fragmentation.at_peak_live;
    assert_eq!((at.event, at.live_bytes, at.granted_bytes, at.span_bytes), (2, 120, Some(160), 132));
    assert_eq!(at.internal_share, Some(40.0 / 160.0));
    assert_eq!(at.gap_share, Some(12.0 / 132.0));
    assert_eq!(memory("wee_alloc", lines).fragmentation.at_peak_live.granted_bytes, None, "unknown, which is not 0");
}

#[test]
fn every_byte_of_our_heap_is_accounted_for() {
    // A freed block in each of two bins, a large block that is lost, and padding before an alignment of 256: the blocks
    // of 16 and 32 bytes end at 48, so 208 bytes are skipped; then 112 more after 144 (rounded up from 130).
    let lines =
        "alloc,1,10,1\nalloc,2,30,1\nalloc,3,256,256\nalloc,4,130,1\nalloc,5,1,256\ndealloc,1\ndealloc,2\ndealloc,4\n";
    let memory = memory("segregated-bump", lines);
    let split = memory.splits.iter().find(|split| split.at == Moment::End).unwrap();
    let parts: Vec<_> = split.parts.iter().map(|part| (part.name.as_str(), part.bytes)).collect();
    assert_eq!(
        parts,
        [
            ("requested", 257),
            ("rounding", 15),
            ("bin of 16 bytes", 16),
            ("bin of 32 bytes", 32),
            ("bin of 64 bytes", 0),
            ("bin of 128 bytes", 0),
            ("after the bump pointer", 65_536 - 784),
            ("freed, in no bin", 144),
            ("padding for alignment", 208 + 112),
        ]
    );
    assert_eq!(split.parts.iter().map(|part| part.bytes).sum::<u64>(), split.committed_bytes);
}

#[test]
fn objects_left_live_are_freed_afterwards() {
    let lines = "alloc,1,100000,8\nalloc,2,100000,8\ndealloc,1\n";
    let retention = memory("dlmalloc", lines).retention;
    assert_eq!(
        (retention.end_heap_bytes, retention.freed_heap_bytes),
        (262_144, 262_144),
        "none of these heaps shrinks"
    );
    if let Some(&resident) = retention.end_resident_bytes.known() {
        assert!((200_000..=262_144).contains(&resident), "{resident}");
        assert_eq!(retention.freed_resident_bytes.known(), Some(&resident));
    }
}

#[test]
fn snapshots_show_where_objects_are_and_since_when() {
    let program = program("alloc,1,20,1\nalloc,2,200,1\nalloc,3,5,1\nrealloc,1,30\nrealloc,2,400\ndealloc,3\n");
    let mut lane = heaprace::lane::Lane::new(&program, 16, heaprace_allocators::page_heap::Guard::Trap).unwrap();
    let at = [Instant::At(Moment::PeakLive), Instant::At(Moment::End), Instant::Event(3), Instant::Event(99)];
    let contender = Contender::named("segregated-bump").unwrap();
    let snapshots = (contender.examine)(&mut lane, false, &at, Limits::NONE).unwrap().snapshots;
    let found: Vec<_> = snapshots
        .iter()
        .map(|snapshot| {
            let objects = snapshot.objects.iter();
            let places: Vec<_> =
                objects.map(|object| (object.offset_bytes, object.size_bytes, object.since_event)).collect();
            (snapshot.instant, snapshot.event, places)
        })
        .collect();
    // Object 1 stays in its class of 32 bytes; object 2 (208 bytes) is buried under object 3 when it grows, and moves
    // after it.
    assert_eq!(
        found,
        [
            (Instant::Event(3), 3, vec![(0, 20, 1), (32, 200, 2), (240, 5, 3)]),
            (Instant::At(Moment::PeakLive), 5, vec![(0, 30, 4), (240, 5, 3), (256, 400, 5)]),
            (Instant::At(Moment::End), 6, vec![(0, 30, 4), (256, 400, 5)]),
        ],
        "an event that never occurs has no snapshot"
    );
}

#[test]
fn strips_show_the_heap_at_the_peaks_and_at_the_end() {
    // A part is 256 bytes of a page. Growth moves the large object, to two and a half parts.
    let memory = memory("bump", "alloc,1,16,8\nalloc,2,100,8\nrealloc,2,600\ndealloc,1\nalloc,3,8,8\n");
    let strips: Vec<_> = memory.strips.iter().map(|strip| (strip.at.name(), strip.event, strip.part_bytes)).collect();
    assert_eq!(strips, [("peak-live", 3, 256), ("peak-heap", 1, 256), ("end", 5, 256)]);
    let [live, heap, end] = [0, 1, 2].map(|index| &memory.strips[index]);
    assert_eq!((live.live_permille.len(), live.committed_bytes), (256, 65_536));
    assert_eq!(heap.live_permille[..2], [63, 0]);
    assert_eq!(heap.most_size_up_to_bytes[..2], [Some(16), None]);
    assert_eq!(heap.mean_age_events[..2], [Some(0), None]);
    assert_eq!(end.most_size_up_to_bytes[..4], [Some(1024), Some(1024), Some(1024), None], "{end:?}");
    assert_eq!(end.mean_age_events[..2], [Some(2), Some(2)], "since the reallocation");
}

#[test]
fn a_realloc_to_the_same_size_does_not_change_an_objects_age() {
    let memory = memory("segregated-bump", "alloc,1,100,8\nrealloc,1,100\nrealloc,1,101\nalloc,2,8,8\nrealloc,1,101\n");
    let ages: Vec<_> = memory.strips.iter().map(|strip| (strip.at.name(), strip.mean_age_events[0])).collect();
    // 101 bytes live since event 3, and the other object since event 4: a mean age of 1.93 events at the end.
    assert_eq!(ages, [("peak-live", Some(0)), ("peak-heap", Some(0)), ("end", Some(1))]);
    let alone = self::memory("segregated-bump", "alloc,1,100,8\nrealloc,1,100\n");
    assert_eq!(alone.strips[2].mean_age_events[0], Some(1));
}

#[test]
fn tags_are_distinguished_from_unknown_bytes() {
    for name in ["dlmalloc", "talc"] {
        let memory = memory(name, "alloc,1,24,8\nalloc,2,1000,8\nalloc,3,40,8\ndealloc,3\n");
        let split = memory.splits.iter().find(|split| split.at == Moment::End).unwrap();
        let bytes = |kind| split.parts.iter().filter(|part| part.kind == kind).map(|part| part.bytes).sum::<u64>();
        assert_eq!((bytes(PartKind::Requested), bytes(PartKind::Metadata)), (1024, 2 * 8), "{name}: {split:?}");
        assert!(bytes(PartKind::Unknown) > 0 && bytes(PartKind::Free) == 0, "{name}: {split:?}");
        assert_eq!(split.parts.iter().map(|part| part.bytes).sum::<u64>(), split.committed_bytes);
    }
}

/// bump, which claims to account for every byte, but omits those after its pointer.
struct Forgetful(Bump);

// SAFETY: every block is bump's.
unsafe impl HeapAllocator for Forgetful {
    const INFO: Info = Info { name: "forgetful", ..Bump::INFO };
    const KNOWS_ALL_IDLE: bool = true;

    fn create(heap: HeapRef) -> Self {
        Forgetful(Bump::create(heap))
    }

    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: upheld by the caller.
        unsafe { self.0.dealloc(block, layout) }
    }

    unsafe fn usable_bytes(&self, _block: *mut u8, layout: Layout) -> Option<usize> {
        Some(layout.size())
    }
}

#[test]
#[should_panic(expected = "the parts of forgetful are not its heap")]
fn a_split_that_does_not_add_up_to_the_heap_panics() {
    examine(Contender::of::<Forgetful>(), &program("alloc,1,10,1\n"), 16);
}

/// Six blocks of 8,000 B, of which three are freed: neighbours, or every other one.
#[test]
fn the_largest_gap_tells_three_free_neighbours_from_every_other_block() {
    let at_end = |name: &str, freed: [u32; 3]| {
        let blocks: String = (1..=6).map(|id| format!("alloc,{id},8000,8\n")).collect();
        let frees: String = freed.iter().map(|id| format!("dealloc,{id}\n")).collect();
        let program = program(&(blocks + &frees));
        let heap = PageHeap::reserve_sized(PageSize::from_bytes(256).unwrap(), 1024, Guard::Trap).unwrap();
        let contender = Contender::named(name).unwrap();
        let examination = (contender.examine)(&mut Lane::on(&program, heap), true, &[], Limits::NONE).unwrap();
        examination.memory.known().unwrap().gaps.unwrap().at_end
    };
    // bump has no headers, and its heap ends with the last block.
    let (neighbours, every_other) = (at_end("bump", [3, 4, 5]), at_end("bump", [1, 3, 5]));
    assert_eq!((neighbours.event, neighbours.largest_gap_bytes, every_other.largest_gap_bytes), (9, 24_000, 8_000));
    assert_eq!(neighbours.free_bytes, every_other.free_bytes);
    assert!(neighbours.external_share.unwrap() < 0.01 && every_other.external_share.unwrap() > 0.65);
    assert_eq!(neighbours.largest_request_bytes, 1024 * 256 - 48_128 + 128, "what the heap may still grow by");
    for name in ["dlmalloc", "talc"] {
        let (neighbours, every_other) = (at_end(name, [3, 4, 5]), at_end(name, [1, 3, 5]));
        assert!(neighbours.largest_gap_bytes >= 24_000, "{name}: {neighbours:?}");
        assert!(neighbours.external_share.unwrap() < every_other.external_share.unwrap(), "{name}");
    }
}
