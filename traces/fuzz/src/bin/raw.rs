//! Any bytes as the records of the preloaded library, after a head that is right: the first byte decides whether there
//! are extents. The events are those of a valid trace.
#![no_main]

use core::mem::offset_of;

use heaprace_recorder::raw::{HEADER_BYTES, Header, MAGIC, RECORD_BYTES, VERSION};
use heaprace_traces::NativeRecording;
use heaprace_traces::csv::{CsvReader, CsvWriter};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&extents, records)) = bytes.split_first() else { return };
    let mut file = vec![0; HEADER_BYTES];
    let mut put = |place: usize, bytes: &[u8]| file[place..place + bytes.len()].copy_from_slice(bytes);
    put(offset_of!(Header, magic), &MAGIC);
    put(offset_of!(Header, version), &VERSION.to_ne_bytes());
    put(offset_of!(Header, claimed), &((records.len() / RECORD_BYTES) as u64).to_ne_bytes());
    put(offset_of!(Header, extents), &u64::from(extents % 2).to_ne_bytes());
    put(offset_of!(Header, program), b"a\nprogram\0");
    file.extend(records);
    let mut recording = NativeRecording::new(&file[..], "fuzz.raw").expect("the head is right");
    let columns = recording.columns();
    let events: Result<Vec<_>, _> = recording.by_ref().collect();
    let mut events = events.expect("memory does not fail");
    if !columns.written {
        events.iter_mut().for_each(|event| event.written = None);
    }
    if events.is_empty() {
        return;
    }
    let mut writer = CsvWriter::new(Vec::new(), columns, &recording.provenance()).expect("the provenance is text");
    events.iter().for_each(|event| writer.write(event).expect("memory takes all"));
    recording.comments().for_each(|comment| writer.comment(&comment).expect("comments are text"));
    let text = writer.finish().expect("memory takes all");
    let read: Result<Vec<_>, _> = CsvReader::new(&text[..], "fuzz.csv").expect("it opens").collect();
    assert_eq!(read.expect("it is a valid trace"), events);
});
