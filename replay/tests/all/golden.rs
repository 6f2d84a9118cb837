//! Peaks on the library's traces, exact to the page. They change when a contender, its adapter or a trace does, and then on purpose.

use allocators::PAGE_BYTES;
use allocators::page_heap::{Guard, WASM32_PAGES};
use replay::Program;
use replay::contender::Contender;
use replay::lane::Lane;
use replay::leash::Leash;
use reports::results::Verification;
use traces::{LibraryEntry, Source, library};

/// The contenders, in the order of the columns below.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
const CONTENDERS: [&str; 6] = ["segregated-bump", "segregated-bump-mv", "dlmalloc", "wee_alloc", "talc", "bump"];

/// The pages at the peak, for each trace of the library.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
const PEAK_PAGES: &[(&str, [u64; CONTENDERS.len()])] = &[
    ("serde-heavy", [450, 522, 92, 403, 94, 646]),
    ("rust-parse", [210, 239, 73, 310, 74, 299]),
    ("regex-match", [1455, 1890, 65, 1442, 68, 1803]),
    ("markdown-html", [841, 859, 17, 208, 18, 881]),
    ("template-serverless", [428, 439, 4, 307, 4, 506]),
    ("http-router", [292, 306, 12, 817, 14, 355]),
    ("script-interpreter", [330, 459, 7, 433, 7, 467]),
    ("wasm-interpreter", [1460, 1478, 6, 902, 9, 1482]),
    ("image-decode", [8443, 9681, 75, 6572, 84, 9686]),
    ("gzip-responses", [5903, 5938, 19, 4327, 21, 6016]),
    ("btree-database", [1069, 1340, 143, 951, 139, 1364]),
    ("cache-drift", [1578, 4413, 95, 4245, 102, 3473]),
    ("text-editor", [188, 211, 13, 487, 18, 240]),
    ("ecs-game", [238, 243, 8, 59, 9, 333]),
    ("path-finder", [2111, 2149, 24, 1409, 25, 2258]),
    ("thread-pipeline", [104, 110, 39, 499, 49, 166]),
    ("sqlite-ledger", [1298, 1312, 18, 851, 19, 1564]),
    ("git-log", [3033, 3035, 95, 1532, 97, 3066]),
    ("python-simulation", [93, 95, 33, 228, 35, 287]),
    ("jq-report", [306, 308, 96, 180, 98, 334]),
    ("c-compiler", [1311, 1332, 61, 658, 84, 1471]),
    ("repeated-growth", [1000, 1993, 3, 1044, 3, 1993]),
];

#[test]
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn peaks_are_exact_and_the_same_in_every_run() {
    let mut found: Vec<(&str, Vec<u64>)> = Vec::new();
    // Two halves side by side, every other trace each: the largest of them take a while.
    std::thread::scope(|scope| {
        let halves = [0, 1]
            .map(|first| scope.spawn(move || library::entries().iter().skip(first).step_by(2).map(peaks_of).collect()));
        let [even, odd]: [Vec<_>; 2] = halves.map(|half| half.join().unwrap());
        let mut odd = odd.into_iter();
        found.extend(even.into_iter().flat_map(|trace| std::iter::once(trace).chain(odd.next())));
    });
    let expected: Vec<_> = PEAK_PAGES.iter().map(|&(trace, peaks)| (trace, peaks.to_vec())).collect();
    assert_eq!(found, expected, "as it is now: {found:?}");
}

/// A trace's name and its peaks, in the order of [`CONTENDERS`].
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn peaks_of(entry: &LibraryEntry) -> (&'static str, Vec<u64>) {
    let program = Program::compile(Source::locate(entry.name).unwrap().open().unwrap()).unwrap();
    let (mut names, mut peaks) = (Vec::new(), Vec::new());
    for contender in Contender::all().into_iter().filter(|contender| contender.info.role != allocators::Role::Floor) {
        // One lane for both runs, and one of its own for the third: what was there before must not matter.
        let mut lane = Lane::new(&program, WASM32_PAGES, Guard::Trap).unwrap();
        let mut other = Lane::new(&program, WASM32_PAGES, Guard::Batched).unwrap();
        let [first, again, elsewhere] = [
            (contender.examine)(&mut lane, true, &[], Leash::LOOSE),
            (contender.examine)(&mut lane, false, &[], Leash::LOOSE),
            (contender.examine)(&mut other, false, &[], Leash::LOOSE),
        ]
        .map(Result::unwrap);
        assert_eq!(first.verification, Verification::Passed, "{} on {}", contender.info.name, entry.name);
        assert_eq!(first.memory, again.memory);
        assert_eq!(first.memory, elsewhere.memory);
        let memory = first.memory.known().unwrap();
        // The minimum heap lies between what is live, below which no replay completes, and the peak, with which this one does.
        let live_pages = program.profile().peak_live_bytes.div_ceil(PAGE_BYTES as u64);
        assert!(memory.peak_heap_pages >= live_pages);
        assert_eq!((contender.first_failure)(&mut other, memory.peak_heap_pages as usize, Leash::LOOSE).unwrap(), None);
        assert!((contender.first_failure)(&mut other, live_pages as usize - 1, Leash::LOOSE).unwrap().is_some());
        peaks.push(memory.peak_heap_pages);
        names.push(contender.info.name);
    }
    assert_eq!(names, CONTENDERS);
    (entry.name, peaks)
}
