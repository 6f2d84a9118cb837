//! Any bytes as a recording of another tool, of the format that the first byte names: events or one error, and nothing
//! after it.
#![no_main]

use heaprace_traces::Source;
use heaprace_traces::import::{Format, ImportOptions};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, recording)) = bytes.split_first() else { return };
    let format = Format::ALL[usize::from(first) % Format::ALL.len()];
    let options = ImportOptions { format: Some(format), ..ImportOptions::default() };
    let Ok(mut events) = Source::from_bytes("fuzz", recording.to_vec()).with_import(options).open() else { return };
    let _ = events.by_ref().find(Result::is_err);
    assert!(events.next().is_none(), "events after the end");
});
