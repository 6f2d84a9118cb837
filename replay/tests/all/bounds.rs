//! The bounds of the library's traces: the clairvoyant placement is sound, not below its lower bound, and close to it.

use heaprace::Program;
use heaprace::contender::Contender;
use heaprace::lane::Lane;
use heaprace::limits::Limits;
use heaprace::memory::bounds::{self, Robson};
use heaprace_allocators::page_heap::{Guard, WASM32_PAGES};
use heaprace_reports::results::Bounds;
use heaprace_traces::{LibraryEntry, Source, library};

/// Maximum allocations of a trace tested here: larger traces take too long unoptimised. `cargo bench --bench bounds`
/// has them all.
const MOST_ALLOCS: u64 = 150_000;

/// The bounds of a trace, and its most live bytes as stated in its `.toml`.
fn bounds_of(entry: &'static LibraryEntry) -> (&'static str, u64, Bounds) {
    let program = Program::load(&Source::from(entry)).unwrap();
    let bounds = bounds::of(&program).unwrap_or_else(|error| panic!("{}: {error}", entry.name));
    (entry.name, entry.about.totals.peak_live_bytes, bounds)
}

#[test]
fn the_clairvoyant_placement_is_sound_and_near_the_most_live_bytes() {
    let small: Vec<_> =
        library::entries().iter().filter(|entry| entry.about.totals.allocs <= MOST_ALLOCS).map(bounds_of).collect();
    assert!(small.len() >= 8, "{} traces are too few to judge", small.len());
    for (name, live, bounds) in &small {
        assert_eq!(bounds.max_live_bytes, *live, "{name}");
        assert!(bounds.max_live_aligned_bytes >= *live, "{name}: {bounds:?}");
        assert!(bounds.clairvoyant_bytes >= *live, "{name}: {bounds:?}");
        let robson = Robson::of(*live, bounds.max_size_bytes);
        assert_eq!((bounds.robson_bytes, bounds.robson_first_fit_bytes), (robson.forced_bytes, robson.first_fit_bytes));
        assert!(bounds.robson_bytes > bounds.clairvoyant_bytes || bounds.max_size_bytes == *live, "{name}: {bounds:?}");
    }
    for (name, _, bounds) in &small {
        let program = Program::load(&Source::locate(name).unwrap()).unwrap();
        let mut lane = Lane::new(&program, WASM32_PAGES, Guard::Batched).unwrap();
        for contender in Contender::all() {
            let examination = (contender.examine)(&mut lane, false, &[], Limits::NONE).unwrap();
            if let Some(memory) = examination.memory.known().filter(|memory| memory.failed_requests == 0) {
                let span = memory.peak_span_bytes;
                assert!(span >= bounds.clairvoyant_bytes, "{name}: {} beats it with {span}", contender.info.name);
            }
        }
    }
    let near = small.iter().filter(|(_, live, bounds)| bounds.clairvoyant_bytes * 100 <= live * 105).count();
    assert!(near * 4 >= small.len() * 3, "only {near} of {} are within 5 %: {small:#?}", small.len());
}
