//! Any bytes as a trace whose format is detected from its content: events, or one error, after which nothing follows.
#![no_main]

use heaprace_traces::Source;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut events) = Source::from_bytes("fuzz.trace", bytes.to_vec()).open() else { return };
    let _ = events.by_ref().find(Result::is_err);
    assert!(events.next().is_none(), "events after the end");
});
