//! Good traces, in each shape in which they come.

use std::io::Write;
use std::path::PathBuf;

use heaprace_traces::csv::{Columns, CsvWriter};
use heaprace_traces::{Action, Event, Source};

/// Written by hand, with all that the format allows.
const GOOD: &str = include_str!("good.csv");

fn events(name: &str, bytes: impl Into<Vec<u8>>) -> Vec<Event> {
    Source::from_bytes(name, bytes.into()).open().unwrap().map(Result::unwrap).collect()
}

/// An event in few words, so that a list of them can be read.
fn short(event: &Event) -> String {
    let action = match event.action {
        Action::Alloc { layout, zeroed } => format!("alloc {}/{} {zeroed}", layout.size(), layout.align()),
        Action::Realloc { old, new_size } => format!("realloc {}/{} to {new_size}", old.size(), old.align()),
        Action::Dealloc { layout } => format!("dealloc {}/{}", layout.size(), layout.align()),
    };
    let (thread, time_ns) = (event.thread.unwrap(), event.time_ns.unwrap());
    format!("{}: {action}, thread {thread} at {time_ns}", event.id)
}

#[test]
fn the_good_trace_has_these_events() {
    assert_eq!(
        events("good.csv", GOOD).iter().map(short).collect::<Vec<_>>(),
        [
            "1: alloc 24/8 false, thread 0 at 0",
            "18446744073709551615: alloc 4096/4096 true, thread 1 at 10",
            "1: realloc 24/8 to 48, thread 0 at 10",
            "1: realloc 48/8 to 12, thread 1 at 25",
            "1: dealloc 12/8, thread 1 at 30",
            "1: alloc 1/1 false, thread 0 at 31",
            "18446744073709551615: dealloc 4096/4096, thread 0 at 40",
        ]
    );
}

#[test]
fn comments_before_the_header_are_the_provenance() {
    let reader = Source::from_bytes("good.csv", GOOD.as_bytes()).open().unwrap();
    assert_eq!(reader.provenance(), ["heaprace-trace: 1", "program: a person, with an editor", "", " indented #"]);
    assert_eq!(reader.columns(), Columns { thread: true, time_ns: true, written: false });
}

#[test]
fn line_ends_of_windows_change_nothing() {
    let crlf = GOOD.replace('\n', "\r\n");
    assert_eq!(events("good.csv", crlf.clone()), events("good.csv", GOOD));
    let reader = Source::from_bytes("good.csv", crlf.into_bytes()).open().unwrap();
    assert_eq!(reader.provenance()[1], "program: a person, with an editor");
}

#[test]
fn a_byte_order_mark_changes_nothing() {
    assert_eq!(events("good.csv", format!("\u{feff}{GOOD}")), events("good.csv", GOOD));
}

#[test]
fn zstd_is_read_transparently_in_several_frames_too() {
    let whole = zstd::encode_all(GOOD.as_bytes(), 3).unwrap();
    assert_eq!(events("good.csv.zst", whole.clone()), events("good.csv", GOOD));
    assert_eq!(events("good", whole), events("good.csv", GOOD));
    let (first, second) = GOOD.split_at(GOOD.len() / 2);
    let frames = [first, second].map(|part| zstd::encode_all(part.as_bytes(), 3).unwrap()).concat();
    assert_eq!(events("good.csv.zst", frames), events("good.csv", GOOD));
}

#[test]
fn files_are_read_as_bytes_are() {
    let folder = folder("reading");
    for (name, bytes) in
        [("good.csv", GOOD.as_bytes().to_vec()), ("good.csv.zst", zstd::encode_all(GOOD.as_bytes(), 3).unwrap())]
    {
        let path = folder.join(name);
        std::fs::File::create(&path).unwrap().write_all(&bytes).unwrap();
        let source = Source::locate(path.to_str().unwrap()).unwrap();
        assert_eq!((source.name(), source.display()), ("good", path.to_str().unwrap()));
        assert!(source.library_entry().is_none());
        let read: Vec<Event> = source.open().unwrap().map(Result::unwrap).collect();
        assert_eq!(read, events("good.csv", GOOD));
        assert_eq!(source.sha256().unwrap(), Source::from_bytes("good.csv", GOOD.as_bytes()).sha256().unwrap());
    }
}

/// A library trace is what the recorder wrote, so the writer must give the same bytes back.
#[test]
fn writing_a_library_trace_again_gives_the_same_bytes() {
    let source = Source::locate("serde-heavy").unwrap();
    let mut reader = source.open().unwrap();
    let mut writer = CsvWriter::new(Vec::new(), reader.columns(), reader.provenance()).unwrap();
    while let Some(event) = reader.next() {
        reader.comments().iter().for_each(|comment| writer.comment(comment).unwrap());
        writer.write(&event.unwrap()).unwrap();
    }
    reader.comments().iter().for_each(|comment| writer.comment(comment).unwrap());
    let copy = Source::from_bytes("copy.csv", writer.finish().unwrap());
    assert_eq!(copy.sha256().unwrap(), source.sha256().unwrap());
}

/// A folder for one test, in the build folder.
pub(crate) fn folder(test: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn every_format_has_a_limit_on_live_objects() {
    let plain = "op,id,size,align\nalloc,1,8,8\nalloc,2,8,8\ndealloc,1\nalloc,3,8,8\nalloc,4,8,8\n";
    let recorded = "7: malloc a000 8\n7: malloc b000 8\n7: free a000\n7: malloc c000 8\n7: malloc d000 8\n";
    let binary = {
        let checked = Source::from_bytes("plain.csv", plain.as_bytes()).open().unwrap();
        let mut writer: heaprace_traces::htrace::HtraceWriter<_> =
            heaprace_traces::htrace::HtraceWriter::new(Vec::new(), Columns::default(), &[""; 0]).unwrap();
        checked.for_each(|event| writer.write(&event.unwrap()).unwrap());
        writer.finish().unwrap()
    };
    for (name, bytes) in
        [("plain.csv", plain.as_bytes()), ("recorded.txt", recorded.as_bytes()), ("binary.htrace", &binary)]
    {
        let read = |most| {
            let source = Source::from_bytes(name, bytes.to_vec()).with_most_live_objects(most);
            source.open().unwrap().collect::<Result<Vec<_>, _>>()
        };
        assert_eq!(read(3).unwrap().len(), 5, "{name}");
        let error = read(2).unwrap_err().to_string();
        assert!(error.contains("(event 5): more than 2 objects are live at once"), "{name}: {error}");
    }
}
