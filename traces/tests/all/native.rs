//! Raw recordings, made by hand, as the preloaded library would write them.

use std::alloc::Layout;
use std::mem::offset_of;

use heaprace_recorder::fill::Fill;
use heaprace_recorder::raw::{HEADER_BYTES, Header, MAGIC, Record, VERSION, kind};
use heaprace_traces::native::Counts;
use heaprace_traces::{Action, Event, NativeRecording, TraceError};

const UNWRITTEN: Record = Record { kind: 0, address: 0, size: 0, align_log2: 0, fill: Fill::Unknown, thread: 0 };

fn record(kind: u64, address: u64, size: u64) -> Record {
    Record { kind, address, size, align_log2: 4, fill: Fill::Unknown, thread: 1 }
}

fn header() -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..16].copy_from_slice(&VERSION.to_ne_bytes());
    bytes[offset_of!(Header, program)..][..12].copy_from_slice(b"/usr/bin/prg");
    bytes
}

fn recording(records: &[Record]) -> Vec<u8> {
    let words = records.iter().flat_map(|record| record.to_words());
    [header(), words.flat_map(u64::to_ne_bytes).collect()].concat()
}

/// The events as lines, with what else there is.
fn read(records: &[Record]) -> (Vec<String>, Counts) {
    let bytes = recording(records);
    let mut recording = NativeRecording::new(&bytes[..], "test.raw").unwrap();
    let lines = recording.by_ref().map(|event| line(&event.unwrap())).collect();
    (lines, recording.counts())
}

fn line(event: &Event) -> String {
    let thread = event.thread.unwrap();
    let id = event.id;
    match event.action {
        Action::Alloc { layout, zeroed } => format!("+{id} {} {} {zeroed} @{thread}", layout.size(), layout.align()),
        Action::Realloc { old, new_size } => format!("~{id} {} {new_size} @{thread}", old.size()),
        Action::Dealloc { layout } => format!("-{id} {} @{thread}", layout.size()),
    }
}

#[test]
fn records_become_events_with_ids_and_thread_numbers() {
    let other = |record| Record { thread: 7, ..record };
    let (lines, counts) = read(&[
        other(record(kind::ALLOC, 0x10, 100)),
        record(kind::ALLOC_ZEROED, 0x20, 0),
        Record { align_log2: 12, ..record(kind::ALLOC, 0x1000, 10) },
        record(kind::REALLOC_BEGIN, 0x10, 0),
        // While the object moves, its old address is another one's.
        other(record(kind::ALLOC, 0x10, 5)),
        record(kind::REALLOC_END, 0x30, 300),
        record(kind::DEALLOC, 0x30, 0),
        other(record(kind::DEALLOC, 0x10, 0)),
    ]);
    let expected = [
        "+1 100 16 false @0",
        "+2 1 16 true @1",
        "+3 10 4096 false @1",
        "+4 5 16 false @0",
        "~1 100 300 @1",
        "-1 300 @1",
        "-4 5 @0",
    ];
    assert_eq!(lines, expected);
    assert_eq!((counts.lost, counts.ignored, counts.zero_sized, counts.threads), (0, 0, 1, 2));
}

#[test]
fn a_reallocation_that_fails_leaves_the_object_where_it_is() {
    let (lines, counts) = read(&[
        record(kind::ALLOC, 0x10, 100),
        record(kind::REALLOC_BEGIN, 0x10, 0),
        record(kind::REALLOC_FAILED, 0x10, 0),
        record(kind::DEALLOC, 0x10, 0),
    ]);
    assert_eq!(lines, ["+1 100 16 false @0", "-1 100 @0"]);
    assert_eq!((counts.lost, counts.ignored), (0, 0));
}

#[test]
fn what_is_older_than_the_recording_or_too_large_is_left_out_and_counted() {
    let large = u64::from(u32::MAX) + 1;
    let (lines, counts) = read(&[
        record(kind::DEALLOC, 0x10, 0),
        record(kind::REALLOC_BEGIN, 0x20, 0),
        record(kind::REALLOC_END, 0x30, 8),
        record(kind::ALLOC, 0x40, large),
        Record { align_log2: 32, ..record(kind::ALLOC, 0x60, 8) },
        record(kind::ALLOC, 0x50, 9),
        record(kind::REALLOC_BEGIN, 0x50, 0),
        record(kind::REALLOC_END, 0x50, large),
    ]);
    // As far as the trace goes, an object that becomes too large is gone.
    assert_eq!(lines, ["+1 9 16 false @0", "-1 9 @0"]);
    assert_eq!((counts.lost, counts.ignored), (0, 5));
}

#[test]
fn records_that_were_never_written_are_lost_but_not_those_after_the_end() {
    let (lines, counts) = read(&[
        record(kind::ALLOC, 0x10, 8),
        UNWRITTEN,
        UNWRITTEN,
        record(kind::DEALLOC, 0x10, 0),
        UNWRITTEN,
        UNWRITTEN,
        UNWRITTEN,
    ]);
    assert_eq!(lines, ["+1 8 16 false @0", "-1 8 @0"]);
    assert_eq!(counts.lost, 2);
}

#[test]
fn extents_follow_from_the_fill_and_the_tail_of_a_block() {
    let filled = |fill, record| Record { fill, ..record };
    let records = [
        filled(Fill::Pattern, record(kind::ALLOC, 0x10, 100)),
        filled(Fill::Zeroes, record(kind::ALLOC_ZEROED, 0x20, 100)),
        record(kind::ALLOC, 0x30, 100),
        filled(Fill::Pattern, record(kind::REALLOC_BEGIN, 0x10, 30)),
        filled(Fill::Kept, record(kind::REALLOC_END, 0x40, 104)),
        filled(Fill::Zeroes, record(kind::LEFT_LIVE, 0x20, 7)),
        filled(Fill::Pattern, record(kind::LEFT_LIVE, 0x30, 7)),
        filled(Fill::Pattern, record(kind::LEFT_LIVE, 0x40, 40)),
        filled(Fill::Pattern, record(kind::LEFT_LIVE, 0x99, 7)),
        filled(Fill::Pattern, record(kind::DEALLOC, 0x40, 112)),
        filled(Fill::Pattern, record(kind::DEALLOC, 0x30, 7)),
    ];
    let bytes = recording(&records);
    let mut recording = NativeRecording::new(&bytes[..], "test.raw").unwrap();
    let written: Vec<_> = recording.by_ref().map(|event| event.unwrap().written).collect();
    assert_eq!(written, [None, None, None, Some(30), Some(104), None]);
    assert!(recording.comments().eq(["left live: 2=7"]), "the others were freed later, or are not known");
    assert_eq!(recording.counts().lost, 0);
    assert!(!recording.columns().written, "the header decides");
}

#[test]
fn two_live_objects_never_share_an_address() {
    let (lines, counts) = read(&[
        record(kind::ALLOC, 0x10, 8),
        record(kind::ALLOC, 0x10, 9),
        record(kind::ALLOC, 0x20, 7),
        record(kind::REALLOC_BEGIN, 0x20, 0),
        record(kind::REALLOC_END, 0x10, 6),
    ]);
    let expected = ["+1 8 16 false @0", "-1 8 @0", "+2 9 16 false @0", "+3 7 16 false @0", "-2 9 @0", "~3 7 6 @0"];
    assert_eq!(lines, expected);
    assert_eq!(counts.lost, 2);
}

#[test]
fn a_reallocation_without_its_end_ends_the_object() {
    let (lines, counts) = read(&[
        record(kind::ALLOC, 0x10, 8),
        record(kind::ALLOC, 0x20, 9),
        record(kind::REALLOC_BEGIN, 0x10, 0),
        record(kind::REALLOC_BEGIN, 0x20, 0),
        record(kind::REALLOC_END, 0x20, 10),
        record(15, 0x20, 10),
    ]);
    assert_eq!(lines, ["+1 8 16 false @0", "+2 9 16 false @0", "-1 8 @0", "~2 9 10 @0"]);
    assert_eq!(counts.lost, 2, "the object that never arrived, and a record of no known kind");
}

#[test]
fn a_record_holds_the_largest_of_everything() {
    let largest = Record {
        kind: 15,
        address: (1 << 48) - 1,
        size: (1 << 40) - 1,
        align_log2: 63,
        fill: Fill::Zeroes,
        thread: (1 << 24) - 1,
    };
    assert_eq!(Record::from_words(largest.to_words()), largest);
    let cut = Record { size: u64::MAX, ..largest };
    assert_eq!(Record::from_words(cut.to_words()), largest);
}

#[test]
fn the_header_tells_the_program_and_why_the_file_did_not_grow() {
    let mut bytes = recording(&[record(kind::ALLOC, 0x10, 8)]);
    bytes[offset_of!(Header, lost)] = 3;
    bytes[offset_of!(Header, errno)] = 28;
    let recording = NativeRecording::new(&bytes[..], "test.raw").unwrap();
    assert_eq!(recording.program(), "prg");
    assert!(recording.provenance().contains(&"program: prg".to_owned()));
    assert_eq!((recording.counts().lost, recording.counts().full), (3, Some(28)));
}

#[test]
fn another_file_is_refused() {
    let good = header();
    let mut newer = good.clone();
    newer[8] += 1;
    for bytes in [&b""[..], &good[..100], &newer, &vec![0; HEADER_BYTES]] {
        let error = NativeRecording::new(bytes, "test.raw").unwrap_err();
        assert!(matches!(&error, TraceError::NotRaw { file } if file == "test.raw"), "{error}");
    }
    // Half a record at the end is none.
    let mut cut = recording(&[record(kind::ALLOC, 0x10, 8), record(kind::ALLOC, 0x20, 8)]);
    cut.truncate(cut.len() - 1);
    assert_eq!(NativeRecording::new(&cut[..], "test.raw").unwrap().count(), 1);
}

#[test]
fn the_layout_is_one_that_the_format_can_hold() {
    let bytes = recording(&[record(kind::ALLOC, 0x10, u64::from(u32::MAX))]);
    let event = NativeRecording::new(&bytes[..], "test.raw").unwrap().next().unwrap().unwrap();
    let layout = Layout::from_size_align(u32::MAX as usize, 16).unwrap();
    assert_eq!(event.action, Action::Alloc { layout, zeroed: false });
}
