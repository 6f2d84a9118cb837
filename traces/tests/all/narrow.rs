//! The estimate of a trace with pointers of 32 bits, held against the same programs recorded in WebAssembly.

use std::collections::{BTreeMap, BTreeSet};

use heaprace_traces::library::{named, twins};
use heaprace_traces::{Action, Event, LibraryEntry, Profile, Source, TraceError, algebra};

/// What a program asks for.
struct Asked {
    profile: Profile,
    /// How often each size is asked for, by allocations and reallocations.
    sizes: BTreeMap<usize, u32>,
}

impl Asked {
    fn of(events: impl Iterator<Item = Result<Event, TraceError>>) -> Self {
        let (mut profile, mut sizes) = (Profile::default(), BTreeMap::new());
        for event in events.map(Result::unwrap) {
            profile.add(&event);
            match event.action {
                Action::Alloc { layout, .. } => *sizes.entry(layout.size()).or_default() += 1,
                Action::Realloc { new_size, .. } => *sizes.entry(new_size).or_default() += 1,
                Action::Dealloc { .. } => {}
            }
        }
        Asked { profile, sizes }
    }

    /// The bytes that are asked for, and those live at the peak.
    fn bytes(&self) -> [u64; 2] {
        [self.profile.allocated_bytes, self.profile.peak_live_bytes]
    }

    /// The share of requests, in percent, that would need another size for both to ask for the same ones.
    fn apart(&self, other: &Self) -> f64 {
        let share = |asked: &Self, size: &usize| {
            f64::from(asked.sizes.get(size).copied().unwrap_or(0)) / f64::from(asked.sizes.values().sum::<u32>())
        };
        let all: BTreeSet<&usize> = self.sizes.keys().chain(other.sizes.keys()).collect();
        50.0 * all.into_iter().map(|size| (share(self, size) - share(other, size)).abs()).sum::<f64>()
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group)).collect();
    groups.join(",")
}

/// The three lines of a program in the table of docs/wasm.md.
fn lines(twin: &LibraryEntry) -> String {
    let native = Source::from(named(twin.name.trim_end_matches("-wasm")).unwrap());
    let wide = Asked::of(native.open().unwrap());
    let estimated = Asked::of(algebra::narrow(native.open().unwrap()));
    let truth = Asked::of(Source::locate(twin.name).unwrap().open().unwrap());
    // No field shrinks to less than its half, or grows.
    for ((least, is), most) in estimated.bytes().into_iter().zip(truth.bytes()).zip(wide.bytes()) {
        assert!(least <= is && is <= most, "{}: {least}, {is}, {most}", twin.name);
    }
    let [true_bytes, true_peak] = truth.bytes();
    let line = |what: &str, asked: &Asked| {
        let [bytes, peak] = asked.bytes();
        let (bytes_ratio, peak_ratio) = (bytes as f64 / true_bytes as f64, peak as f64 / true_peak as f64);
        let apart = asked.apart(&truth);
        format!(
            "| {what} | {} | {bytes_ratio:.2} | {} | {peak_ratio:.2} | {apart:.1} % |\n",
            grouped(bytes),
            grouped(peak)
        )
    };
    let last = format!("| in WebAssembly | {} | | {} | | |\n", grouped(true_bytes), grouped(true_peak));
    line(&format!("`{}`, 64 bits", native.name()), &wide) + &line("estimated", &estimated) + &last
}

#[test]
fn the_estimate_is_as_far_from_the_truth_as_the_document_says() {
    let table: String = twins().iter().map(lines).collect();
    assert!(include_str!("../../../docs/wasm.md").contains(&table), "the table there should be:\n{table}");
}
