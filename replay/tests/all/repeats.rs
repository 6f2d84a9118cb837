//! Memory figures repeat to the bit, in every process and at every address, through the whole command: with alignments
//! from 64 KiB to 2 GiB.

use std::collections::BTreeMap;
use std::process::Command;

use heaprace::field::Field;
use heaprace_allocators::Group;
use serde_json::Value;

use crate::trace_file;

/// Processes that must agree.
const RUNS: usize = 4;

/// An object of every alignment. Some of them grow, which moves them, and shrink; most are freed, and others of the
/// same alignments take their places.
fn lines() -> String {
    let mut lines = "alloc,0,100,8\n".to_owned();
    lines.extend((16..=31).map(|log2| format!("alloc,{log2},{},{}\n", 100 + log2, 1_u64 << log2)));
    lines.extend([16, 20, 24].map(|id| format!("realloc,{id},70000\n")));
    lines.extend([16, 20, 24].map(|id| format!("realloc,{id},50\n")));
    lines.extend((16..=25).map(|id| format!("dealloc,{id}\n")));
    lines.extend((16..=25).map(|log2| format!("alloc_zeroed,{},200,{}\n", 100 + log2, 1_u64 << log2)));
    lines
}

/// The results of one process for all contenders.
fn contenders(trace: &str) -> Value {
    let arguments = ["--heap-limit", "4GiB", "--rounds", "0", "--skip-bounds", "--format", "json", "--trace", trace];
    let output = Command::new(env!("CARGO_BIN_EXE_replay")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut document: Value = serde_json::from_slice(&output.stdout).unwrap();
    document["contenders"].take()
}

/// Every figure and every other leaf value, by its path.
fn leaves(value: &Value) -> BTreeMap<String, &Value> {
    fn walk<'v>(path: String, value: &'v Value, leaves: &mut BTreeMap<String, &'v Value>) {
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(key, value)| walk(format!("{path}.{key}"), value, leaves));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, item)| walk(format!("{path}[{index}]"), item, leaves));
            }
            leaf => {
                leaves.insert(path, leaf);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk("contenders".to_owned(), value, &mut found);
    found
}

/// The paths at which the two differ.
fn differences(one: &Value, other: &Value) -> Vec<String> {
    let (one, other) = (leaves(one), leaves(other));
    let places = one.keys().chain(other.keys().filter(|place| !one.contains_key(*place)));
    places
        .filter(|place| one.get(*place) != other.get(*place))
        .map(|place| format!("{place}: {:?}, {:?}", one.get(place), other.get(place)))
        .collect()
}

#[test]
fn every_figure_is_the_same_in_every_process_for_all_alignments() {
    let trace = trace_file("alignments-to-2-gib.csv", &lines());
    let path = trace.path().unwrap().to_str().unwrap();
    let runs: Vec<Value> = (0..RUNS).map(|_| contenders(path)).collect();
    let rows = runs[0].as_array().unwrap();
    assert_eq!(rows.len(), Field::registered().members(Group::Default).len());
    for row in rows.iter().filter(|row| row["role"] != "floor") {
        assert!(row["verification"]["outcome"] == "passed" && row["memory"]["peak_heap_pages"].is_u64(), "{row}");
    }
    for (index, run) in runs.iter().enumerate().skip(1) {
        let differences = differences(&runs[0], run);
        assert!(differences.is_empty(), "run 1 and run {}: {differences:#?}", index + 1);
        assert_eq!(&runs[0], run);
    }

    // The figures are also those of a heap that begins at a multiple of 2 GiB. The object with that alignment is at its
    // start, and bump puts everything else above it, each at the next multiple of its alignment: the last object, of
    // 200 bytes, is 64 MiB higher.
    let bump = &rows.iter().find(|row| row["name"] == "bump").unwrap()["memory"];
    assert_eq!(bump["failed_requests"], 0);
    assert_eq!(bump["peak_span_bytes"], (1_u64 << 31) + (64 << 20) + 200);
    assert_eq!(bump["peak_heap_pages"], (2048 + 64) * 16 + 1);
}

/// The comparison can fail: any single figure that changes, disappears or appears is detected, and named.
#[test]
fn a_figure_that_does_not_repeat_is_detected() {
    let document = |pages: u64, strips: &[u64]| serde_json::json!([{"memory": {"pages": pages, "strips": strips}}]);
    let one = document(7, &[1, 2]);
    assert!(differences(&one, &one.clone()).is_empty());
    let differ = |other: &Value, place: &str| {
        let found = differences(&one, other);
        assert!(matches!(&found[..], [only] if only.starts_with(place)), "{found:?}");
    };
    differ(&document(8, &[1, 2]), "contenders[0].memory.pages: ");
    differ(&document(7, &[1, 3]), "contenders[0].memory.strips[1]: ");
    differ(&document(7, &[1]), "contenders[0].memory.strips[1]: ");
    differ(&document(7, &[1, 2, 3]), "contenders[0].memory.strips[2]: ");
}
