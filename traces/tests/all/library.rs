//! The library: its traces, workloads and README agree.

use std::path::Path;

use heaprace_traces::LibraryEntry;
use heaprace_traces::library::{Origin, entries, twins};

/// A line of the table in the workloads' README.
fn line(entry: &LibraryEntry) -> String {
    let thousands = |number: u64| {
        let digits = number.to_string();
        let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group)).collect();
        groups.join(",")
    };
    let (totals, about) = (&entry.about.totals, &entry.about.description);
    format!("| `{}` | {} | {} | {about} |\n", entry.name, thousands(totals.events), thousands(totals.peak_live_bytes))
}

#[test]
fn the_readme_has_of_each_trace_what_its_toml_says() {
    let table: String = entries().iter().map(line).collect();
    assert!(include_str!("../../workloads/README.md").contains(&table), "the table there should be:\n{table}");
    let table: String = twins().iter().map(line).collect();
    assert!(include_str!("../../workloads/README.md").contains(&table), "that of the twins should be:\n{table}");
}

#[test]
fn each_trace_has_a_workload() {
    let workloads = Path::new(env!("CARGO_MANIFEST_DIR")).join("workloads");
    for entry in entries() {
        let program = workloads.join("src/bin").join(entry.name).with_extension("rs").is_file();
        let script = workloads.join("native").join(entry.name).is_file();
        assert!(program != script, "{}: a program: {program}, a script: {script}", entry.name);
        let folder = if script { "traces/workloads/native/" } else { "traces/workloads/record " };
        assert!(entry.about.command.starts_with(&format!("{folder}{}", entry.name)), "{}", entry.about.command);
    }
    for twin in twins() {
        let native = twin.name.trim_end_matches("-wasm");
        assert!(workloads.join("src/bin").join(native).with_extension("rs").is_file(), "{}", twin.name);
        assert_eq!(twin.about.command, format!("traces/workloads/record {}", twin.name));
    }
}

/// Enough events for an allocator to settle in, and few enough for all to be replayed; and files that are cloned in a
/// moment.
#[test]
fn sizes_are_within_bounds() {
    for entry in entries().iter().chain(twins()).filter(|entry| entry.about.origin == Origin::Recorded) {
        assert!((20_000..=5_000_000).contains(&entry.about.totals.events), "{}", entry.name);
    }
    let bytes: usize = entries().iter().map(|entry| entry.htrace.len()).sum();
    assert!((1_000_000..=25_000_000).contains(&bytes), "{bytes}");
}
