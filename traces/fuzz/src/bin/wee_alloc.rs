//! Any bytes as a recording of this format.
#![no_main]

use heaprace_traces::import::Format;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| traces_fuzz::import(Format::WeeAlloc, bytes));
