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
    let mut header = header();
    set(&mut header, offset_of!(Header, claimed), records.len() as u64);
    [header, words.flat_map(u64::to_ne_bytes).collect()].concat()
}

/// Sets a number of the header.
fn set(bytes: &mut [u8], offset: usize, number: u64) {
    bytes[offset..offset + 8].copy_from_slice(&number.to_ne_bytes());
}

/// Sets a text of the header.
fn set_text(bytes: &mut [u8], offset: usize, text: &[u8]) {
    bytes[offset..offset + text.len()].copy_from_slice(text);
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
        record(kind::REALLOC_FAILED, 0x20, 0),
        record(kind::REALLOC_BEGIN, 0x20, 0),
        record(kind::REALLOC_END, 0x30, large),
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
fn a_reallocation_of_what_is_older_than_the_recording_begins_an_object() {
    let (lines, counts) = read(&[
        record(kind::REALLOC_BEGIN, 0x20, 0),
        Record { align_log2: 5, ..record(kind::REALLOC_END, 0x30, 8) },
        record(kind::REALLOC_BEGIN, 0x30, 0),
        record(kind::REALLOC_END, 0x40, 80),
        // The record before the reallocation is missing.
        record(kind::REALLOC_END, 0x50, 7),
        record(kind::DEALLOC, 0x40, 0),
    ]);
    assert_eq!(lines, ["+1 8 32 false @0", "~1 8 80 @0", "+2 7 16 false @0", "-1 80 @0"]);
    assert_eq!((counts.lost, counts.ignored, counts.adopted), (0, 0, 2));
}

#[test]
fn a_child_begins_with_the_objects_of_its_parent() {
    let filled = Record { fill: Fill::Pattern, ..record(kind::ALLOC, 0x50, 9) };
    let bytes = recording(&[
        record(kind::ALLOC_ZEROED, 0x20, 7),
        Record { align_log2: 12, ..record(kind::ALLOC, 0x1000, 8) },
        filled,
        record(kind::DEALLOC, 0x20, 0),
        UNWRITTEN,
        record(kind::ALLOC, 0x20, 5),
    ]);
    let mut parent = NativeRecording::new(&bytes[..], "parent.raw").unwrap();
    assert!(parent.live_objects().is_empty());
    while parent.places() < 5 {
        assert!(parent.step(&mut |_| {}).unwrap());
    }
    let objects = parent.live_objects();
    assert_eq!(objects.iter().map(|object| object.address).collect::<Vec<_>>(), [0x1000, 0x50]);

    let other = |record| Record { thread: 3, ..record };
    let bytes = recording(&[
        UNWRITTEN,
        other(record(kind::REALLOC_BEGIN, 0x1000, 0)),
        other(record(kind::REALLOC_END, 0x2000, 80)),
        Record { fill: Fill::Pattern, ..record(kind::DEALLOC, 0x50, 4) },
    ]);
    let mut child = NativeRecording::new(&bytes[..], "child.raw").unwrap();
    child.inherit(objects);
    assert!(child.provenance().contains(&"inherited objects: 2".to_owned()));
    let events: Vec<Event> = child.by_ref().map(Result::unwrap).collect();
    let lines: Vec<String> = events.iter().map(line).collect();
    assert_eq!(lines, ["+1 8 4096 false @0", "+2 9 16 false @0", "~1 8 80 @0", "-2 9 @1"]);
    assert_eq!(events[3].written, Some(4), "the fill is inherited, too");
    assert_eq!((child.counts().lost, child.counts().ignored, child.places()), (1, 0, 4));
    assert_eq!(child.live_objects().len(), 1);
}

#[test]
fn a_child_without_records_has_the_objects_of_its_parent_too() {
    let bytes = recording(&[]);
    let mut child = NativeRecording::new(&bytes[..], "child.raw").unwrap();
    child.inherit(vec![record(kind::ALLOC, 0x10, 8)]);
    assert_eq!(child.by_ref().map(|event| line(&event.unwrap())).collect::<Vec<_>>(), ["+1 8 16 false @0"]);
    assert_eq!(child.live_objects().len(), 1);
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
fn after_a_failure_to_grow_all_empty_places_are_lost() {
    let mut bytes =
        recording(&[record(kind::ALLOC, 0x10, 8), UNWRITTEN, record(kind::ALLOC, 0x20, 8), UNWRITTEN, UNWRITTEN]);
    let lost = |bytes: &[u8]| {
        let mut recording = NativeRecording::new(bytes, "test.raw").unwrap();
        let events = recording.by_ref().map(Result::unwrap).count();
        (events, recording.counts().lost, recording.counts().full)
    };
    assert_eq!(lost(&bytes), (2, 1, None));
    set(&mut bytes, offset_of!(Header, errno), 28);
    assert_eq!(lost(&bytes), (2, 3, Some(28)));
    // The file ends before its last places.
    set(&mut bytes, offset_of!(Header, claimed), 1000);
    assert_eq!(lost(&bytes), (2, 998, Some(28)));
    set(&mut bytes, offset_of!(Header, claimed), u64::MAX);
    assert_eq!(lost(&bytes).1, u64::MAX - 2);
}

#[test]
fn places_after_the_claimed_ones_are_not_read() {
    let mut bytes = recording(&[record(kind::ALLOC, 0x10, 8), record(kind::ALLOC, 0x20, 8)]);
    set(&mut bytes, offset_of!(Header, claimed), 1);
    let mut recording = NativeRecording::new(&bytes[..], "test.raw").unwrap();
    assert_eq!((recording.by_ref().count(), recording.counts().lost), (1, 0));
    set(&mut bytes, offset_of!(Header, only_counted), 1);
    set(&mut bytes, offset_of!(Header, claimed), 37_090);
    let mut recording = NativeRecording::new(&bytes[..], "test.raw").unwrap();
    assert_eq!((recording.by_ref().count(), recording.counts().lost), (0, 0));
    assert_eq!(recording.header().claimed, 37_090);
}

#[test]
fn the_header_says_what_the_process_was() {
    let mut bytes = recording(&[record(kind::ALLOC, 0x10, 8)]);
    let recording = NativeRecording::new(&bytes[..], "test.raw").unwrap();
    assert_eq!(recording.header().name(), "prg");
    assert_eq!(
        (&recording.header().exec, &recording.header().allocator, recording.header().parent),
        (&None, &None, None)
    );
    assert!(recording.provenance().contains(&"program: prg".to_owned()));

    set(&mut bytes, offset_of!(Header, parent), 4711);
    set(&mut bytes, offset_of!(Header, parent) + 8, 1);
    set(&mut bytes, offset_of!(Header, parent) + 16, 90);
    set(&mut bytes, offset_of!(Header, private_bytes), 1 << 30);
    set_text(&mut bytes, offset_of!(Header, exec), b"./next");
    set_text(&mut bytes, offset_of!(Header, allocator), b"/usr/lib/libjemalloc.so.2");
    set_text(&mut bytes, offset_of!(Header, bypass), b"mallocx of libjemalloc.so.2");
    // A text that fills its place has no zero at its end.
    set_text(&mut bytes, offset_of!(Header, program), &[b'p'; 1024]);
    let recording = NativeRecording::new(&bytes[..], "test.raw").unwrap();
    let header = recording.header();
    assert_eq!(header.name(), "p".repeat(1024));
    assert_eq!(header.parent.map(|parent| (parent.process, parent.number, parent.claimed)), Some((4711, 1, 90)));
    assert_eq!(header.exec.as_deref(), Some("./next".as_ref()));
    assert_eq!(header.bypass.as_deref(), Some("mallocx of libjemalloc.so.2".as_ref()));
    assert_eq!(header.private_bytes, 1 << 30);
    assert!(recording.provenance().contains(&"allocator: libjemalloc.so.2".to_owned()));
}

/// Or a program named so makes a trace that claims to be synthetic.
#[test]
fn no_name_forges_a_line_of_the_provenance() {
    let mut bytes = recording(&[record(kind::ALLOC, 0x10, 8)]);
    let name = b"/usr/bin/ls\norigin: synthetic\rgenerator: none\x1b[2J\xff\xe2\x80\xa8x";
    set_text(&mut bytes, offset_of!(Header, program), name);
    set_text(&mut bytes, offset_of!(Header, allocator), name);
    let recording = NativeRecording::new(&bytes[..], "test.raw").unwrap();
    let escaped = r"ls\norigin: synthetic\rgenerator: none\u{1b}[2J\xff\u{2028}x";
    assert_eq!(recording.header().name(), escaped);
    let provenance = recording.provenance();
    assert!(
        provenance.contains(&format!("program: {escaped}")) && provenance.contains(&format!("allocator: {escaped}"))
    );
    assert!(provenance.iter().all(|line| !line.contains(char::is_control) && !line.starts_with("origin")));
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
    let mut recording = NativeRecording::new(&cut[..], "test.raw").unwrap();
    assert_eq!((recording.by_ref().count(), recording.counts().lost), (1, 1));
}

#[test]
fn the_layout_is_one_that_the_format_can_hold() {
    let bytes = recording(&[record(kind::ALLOC, 0x10, u64::from(u32::MAX))]);
    let event = NativeRecording::new(&bytes[..], "test.raw").unwrap().next().unwrap().unwrap();
    let layout = Layout::from_size_align(u32::MAX as usize, 16).unwrap();
    assert_eq!(event.action, Action::Alloc { layout, zeroed: false });
}
