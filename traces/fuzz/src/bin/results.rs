//! Any text as results.json: results that are written are read back the same, and every output can be made of them.
#![no_main]

use heaprace_reports::results::Results;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(results) = Results::from_json(text) else { return };
    let json = results.to_json();
    let again = Results::from_json(&json).expect("what was written is read");
    assert_eq!(again.to_json(), json);
});
