//! Memory figures of tiny traces, against values worked out by hand.

use replay::contender::Contender;
use reports::results::{FootprintPoint, Memory};

use crate::{examine, program};

fn memory(name: &str, lines: &str) -> Memory {
    let examination = examine(Contender::named(name).unwrap(), &program(lines), 1024);
    examination.memory.known().unwrap_or_else(|| panic!("{examination:?}")).clone()
}

#[test]
fn a_bump_pointer_counts_every_byte() {
    // 100,000 + 100,000 bytes are 4 pages of 65,536; the second object moves when it grows: 160,000 more make 360,000, 6 pages.
    let memory = memory(
        "bump",
        "alloc,1,100000,16\nalloc,2,100000,16\ndealloc,1\nrealloc,2,160000\nrealloc,2,50000\ndealloc,2\n",
    );
    assert_eq!((memory.peak_heap_pages, memory.peak_heap_bytes, memory.peak_heap_event), (6, 6 * 65_536, 4));
    // Most was live after the second event: 200,000 bytes.
    assert_eq!(memory.overhead_ratio, 393_216.0 / 200_000.0);
    assert_eq!(memory.johnstone_wilson_4_percent, 193_216.0 / 200_000.0 * 100.0);
    assert_eq!((memory.grow_calls, memory.failed_requests, memory.first_failure), (3, 0, None));
    let points: Vec<_> =
        memory.timeline.iter().map(|point| (point.event, point.live_bytes, point.committed_bytes / 65_536)).collect();
    assert_eq!(points, [(1, 100_000, 2), (2, 200_000, 4), (3, 100_000, 4), (4, 160_000, 6), (5, 50_000, 6), (6, 0, 6)]);
}

#[test]
fn the_peak_is_where_it_is_first_reached() {
    let memory = memory("bump", "alloc,1,10,1\nalloc,2,65536,1\nalloc,3,10,1\ndealloc,2\nalloc,4,100,1\n");
    assert_eq!((memory.peak_heap_pages, memory.peak_heap_event), (2, 2));
}

#[test]
fn long_traces_keep_their_peaks_in_a_timeline_of_bounded_length() {
    // One spike of a million bytes in 5,000 events of nothing much: a sample every so often would miss it.
    let mut lines: String = (0..1234).map(|id| format!("alloc,{id},8,8\ndealloc,{id}\n")).collect();
    lines += "alloc,9999,1000000,8\ndealloc,9999\n";
    lines.extend((2000..3267).map(|id| format!("alloc,{id},8,8\ndealloc,{id}\n")));
    let memory = memory("segregated-bump", &lines);
    let events = 2 * (1234 + 1 + 1267);
    assert_eq!(events, 5004);
    // 6 events a point: 834 points.
    assert_eq!(memory.timeline.len(), 834);
    assert_eq!(memory.timeline.iter().map(|point| point.live_bytes).max(), Some(1_000_000));
    let last = FootprintPoint { event: 5004, live_bytes: 8, committed_bytes: memory.peak_heap_bytes };
    assert_eq!(memory.timeline.last(), Some(&last));
    assert!(
        memory.timeline.is_sorted_by(|one, next| one.event < next.event && one.committed_bytes <= next.committed_bytes)
    );
}
