//! Any bytes as a trace or recording whose format is detected from its content: what is read is carried by both formats.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some(content) = traces_fuzz::content("fuzz.trace", bytes) {
        traces_fuzz::assert_carried(&content);
    }
});
