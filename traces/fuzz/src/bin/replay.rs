//! Any bytes as a trace or recording: what is read is compiled and replayed through all contenders on a small heap. Their
//! blocks must be sound, and their figures the same for a program that is streamed.
#![no_main]

use heaprace::Program;
use heaprace::contender::Contender;
use heaprace::lane::{Examination, Lane};
use heaprace::limits::Limits;
use heaprace_allocators::page_heap::Guard;
use heaprace_reports::results::Verification;
use heaprace_traces::Source;
use libfuzzer_sys::fuzz_target;

/// 4 MiB of 64 KiB pages.
const HEAP_PAGES: usize = 64;
/// A longer trace is not replayed.
const MOST_EVENTS: usize = 2000;

fn examine(program: &Program) -> Vec<Examination> {
    let mut lane = Lane::new(program, HEAP_PAGES, Guard::Trap).expect("there is room for a small heap");
    let examine = |contender: &Contender| (contender.examine)(&mut lane, true, &[], Limits::NONE);
    Contender::all().iter().map(examine).collect::<Result<_, _>>().expect("no limit, and the trace does not change")
}

fuzz_target!(|bytes: &[u8]| {
    let source = Source::from_bytes("fuzz.trace", bytes.to_vec());
    let Ok(events) = source.open() else { return };
    if events.take(MOST_EVENTS + 1).filter(Result::is_ok).count() > MOST_EVENTS {
        return;
    }
    let (Ok(held), Ok(streamed)) = (Program::load(&source), Program::load_holding(&source, 0)) else { return };
    if held.events() == 0 {
        return;
    }
    let examinations = examine(&held);
    for (contender, examination) in Contender::all().iter().zip(&examinations) {
        let failed = matches!(examination.verification, Verification::Failed { .. });
        assert!(!failed, "{}: {:?}", contender.info.name, examination.verification);
    }
    assert_eq!(examine(&streamed), examinations);
});
