//! Any bytes as a CSV trace: events or one error, and what is read is carried by both formats.
#![no_main]

use heaprace_traces::csv::CsvReader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut reader) = CsvReader::new(bytes, "fuzz.csv") else { return };
    let whole = reader.by_ref().all(|event| event.is_ok());
    assert!(reader.next().is_none(), "events after the end");
    // Another format may be detected for the same bytes.
    match traces_fuzz::content("fuzz.csv", bytes) {
        Some(content) if whole => traces_fuzz::assert_carried(&content),
        _ => {}
    }
});
