//! Peaks on the library's traces, exact to the page. They change only on purpose, when a contender, its adapter or a
//! trace changes.

use heaprace::Program;
use heaprace::contender::Contender;
use heaprace::lane::Lane;
use heaprace::limits::Limits;
use heaprace_allocators::page_heap::{Guard, WASM32_PAGES};
use heaprace_allocators::{PAGE_BYTES, Purpose};
use heaprace_reports::results::Verification;
use heaprace_traces::{LibraryEntry, Source, library};

/// The contenders, in the order of the columns below.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
const CONTENDERS: [&str; 11] = [
    "swept-bump",
    "segregated-bump",
    "dlmalloc",
    "wasmalloc",
    "wee_alloc",
    "talc",
    "rlsf",
    "bump",
    "segregated-bump-mv",
    "talc-claim",
    "talc-default-binning",
];

/// Contenders without peaks here. Two would take most of the test's time: they walk lists of free memory, in every call
/// or in every free, for minutes on traces with much of it. The peaks of a pool are often no more than its size.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
const LEFT_OUT: [&str; 3] = ["linked_list_allocator", "buddy_system_allocator", "good_memory_allocator"];

/// Whether a contender has no peaks here. Of the segregated bump family, the classic and one ablation do: all together
/// would double the time, and share their code.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn is_left_out(name: &str) -> bool {
    LEFT_OUT.contains(&name) || name.starts_with("segregated-bump-") && name != "segregated-bump-mv"
}

/// The pages at the peak, for each trace of the library.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
const PEAK_PAGES: &[(&str, [u64; CONTENDERS.len()])] = &[
    ("serde-heavy", [89, 450, 92, 102, 403, 94, 98, 646, 522, 94, 94]),
    ("rust-parse", [72, 210, 73, 122, 310, 74, 77, 299, 239, 78, 74]),
    ("regex-match", [61, 1455, 65, 210, 1442, 68, 85, 1803, 1890, 68, 68]),
    ("markdown-html", [17, 841, 17, 65, 208, 18, 20, 881, 859, 19, 19]),
    ("template-serverless", [5, 428, 4, 40, 307, 4, 4, 506, 439, 4, 4]),
    ("http-router", [14, 292, 12, 41, 817, 14, 13, 355, 306, 14, 13]),
    ("script-interpreter", [8, 330, 7, 37, 433, 7, 8, 467, 459, 8, 8]),
    ("wasm-interpreter", [7, 1460, 9, 37, 902, 6, 9, 1482, 1478, 6, 6]),
    ("image-decode", [70, 8443, 75, 258, 6572, 84, 71, 9686, 9681, 77, 77]),
    ("gzip-responses", [20, 5903, 19, 58, 4327, 21, 20, 6016, 5938, 28, 21]),
    ("btree-database", [140, 1069, 143, 196, 947, 139, 138, 1364, 1340, 182, 146]),
    ("cache-drift", [114, 1578, 95, 173, 4245, 102, 96, 3473, 4413, 136, 98]),
    ("text-editor", [14, 188, 13, 45, 487, 18, 14, 240, 211, 19, 18]),
    ("ecs-game", [8, 238, 8, 52, 59, 9, 8, 333, 243, 9, 9]),
    ("path-finder", [24, 2111, 24, 45, 1409, 25, 25, 2258, 2149, 24, 25]),
    ("thread-pipeline", [36, 107, 39, 64, 498, 49, 43, 166, 110, 49, 43]),
    ("sqlite-ledger", [19, 1298, 18, 52, 851, 19, 18, 1564, 1312, 19, 19]),
    ("git-log", [99, 3044, 94, 154, 1529, 95, 94, 3077, 3046, 95, 94]),
    ("python-simulation", [32, 93, 33, 63, 228, 35, 38, 287, 95, 35, 35]),
    ("jq-report", [97, 306, 96, 129, 180, 98, 114, 334, 308, 100, 98]),
    ("c-compiler", [68, 1311, 61, 122, 657, 80, 86, 1471, 1332, 99, 77]),
    ("lua-lint", [137, 296, 151, 183, 416, 163, 163, 401, 335, 163, 163]),
    ("javascript-parser", [22, 79, 24, 65, 126, 26, 26, 134, 372, 26, 25]),
    ("perl-manual", [113, 275, 115, 183, 348, 117, 120, 429, 335, 117, 117]),
    ("ruby-page", [144, 596, 147, 210, 552, 150, 157, 728, 703, 150, 150]),
    ("xslt-slides", [489, 619, 510, 622, 761, 525, 567, 766, 649, 526, 525]),
    ("pdf-text", [32, 419, 32, 70, 487, 33, 34, 491, 419, 33, 33]),
    ("ghostscript-text", [135, 699, 127, 194, 733, 127, 129, 810, 699, 129, 128]),
    ("graph-layout", [16, 108, 15, 52, 155, 15, 16, 168, 108, 15, 15]),
    ("chip-synthesis", [131, 315, 130, 173, 365, 133, 142, 484, 315, 136, 133]),
    ("tour-solver", [33, 2260, 31, 70, 727, 31, 31, 2260, 2260, 31, 31]),
    ("cpp-check", [40, 144, 40, 65, 124, 41, 43, 276, 144, 42, 42]),
    ("vim-colours", [52, 5141, 56, 105, 2451, 58, 60, 5243, 5141, 58, 58]),
    ("api-reference", [98, 5669, 104, 145, 4362, 122, 123, 5704, 5670, 122, 105]),
    ("web-server", [5, 3674, 5, 24, 88, 5, 6, 3675, 3674, 5, 5]),
    ("image-strip", [321, 1084, 357, 461, 867, 372, 355, 1096, 1084, 373, 359]),
    ("ripgrep-search", [10, 215, 10, 54, 268, 10, 10, 241, 223, 10, 10]),
    ("toml-lint", [9, 28, 9, 48, 44, 10, 11, 57, 30, 10, 10]),
    ("repeated-growth", [3, 1000, 3, 8, 1044, 3, 3, 1993, 1993, 6, 3]),
];

/// Contenders that fail requests however large the heap is: wee_alloc does not serve large blocks that are aligned to
/// more than it aligns by itself.
const FAILS: [(&str, &str); 1] = [("wee_alloc", "image-strip")];

#[test]
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn peaks_are_exact_and_the_same_in_every_run() {
    let mut found: Vec<(&str, Vec<u64>)> = Vec::new();
    // Two halves in parallel, with alternating traces, because the largest traces take a while.
    std::thread::scope(|scope| {
        let halves = [0, 1]
            .map(|first| scope.spawn(move || library::entries().iter().skip(first).step_by(2).map(peaks_of).collect()));
        let [even, odd]: [Vec<_>; 2] = halves.map(|half| half.join().unwrap());
        let mut odd = odd.into_iter();
        found.extend(even.into_iter().flat_map(|trace| std::iter::once(trace).chain(odd.next())));
    });
    let expected: Vec<_> = PEAK_PAGES.iter().map(|&(trace, peaks)| (trace, peaks.to_vec())).collect();
    assert_eq!(found, expected, "found: {found:?}");
}

/// A trace's name and its peaks, in the order of [`CONTENDERS`].
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn peaks_of(entry: &LibraryEntry) -> (&'static str, Vec<u64>) {
    let program = Program::compile(Source::locate(entry.name).unwrap().open().unwrap()).unwrap();
    let (mut names, mut peaks) = (Vec::new(), Vec::new());
    for contender in Contender::all() {
        if contender.info.purpose == Purpose::Floor || is_left_out(contender.info.name) {
            continue;
        }
        // One lane for two runs and a separate one for the third: the earlier contents must not matter.
        let mut lane = Lane::new(&program, WASM32_PAGES, Guard::Trap).unwrap();
        let mut other = Lane::new(&program, WASM32_PAGES, Guard::Batched).unwrap();
        let [first, again, elsewhere] = [
            (contender.examine)(&mut lane, true, &[], Limits::NONE),
            (contender.examine)(&mut lane, false, &[], Limits::NONE),
            (contender.examine)(&mut other, false, &[], Limits::NONE),
        ]
        .map(Result::unwrap);
        assert_eq!(first.verification, Verification::Passed, "{} on {}", contender.info.name, entry.name);
        assert_eq!(first.memory, again.memory);
        assert_eq!(first.memory, elsewhere.memory);
        let memory = first.memory.known().unwrap();
        // The minimum heap is between the live bytes, below which no replay completes, and the peak, at which this
        // replay completes, unless the contender fails without a limit, too.
        let live_pages = program.profile().peak_live_bytes.div_ceil(PAGE_BYTES as u64);
        assert!(memory.peak_heap_pages >= live_pages);
        let at_peak = (contender.first_failure)(&mut other, memory.peak_heap_pages as usize, Limits::NONE).unwrap();
        assert_eq!(at_peak, memory.first_failure.as_ref().map(|failure| failure.event));
        assert!(at_peak.is_none() || FAILS.contains(&(contender.info.name, entry.name)));
        assert!((contender.first_failure)(&mut other, live_pages as usize - 1, Limits::NONE).unwrap().is_some());
        // The flagship with decisions that are looked up.
        if contender.info.name == "custom" {
            assert_eq!(peaks.first(), Some(&memory.peak_heap_pages), "{}", entry.name);
            continue;
        }
        peaks.push(memory.peak_heap_pages);
        names.push(contender.info.name);
    }
    assert_eq!(names, CONTENDERS);
    (entry.name, peaks)
}
