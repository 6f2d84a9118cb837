//! Any text as the file of a cell, merged with a sweep whose other cells are missing.
#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use heaprace::field::Field;
use heaprace::sweep::{CellState, Sweep, merge};
use heaprace_reports::results::Results;
use libfuzzer_sys::fuzz_target;

const PLAN: &str = "traces = [\"repeated-growth\"]\nallocators = [\"dlmalloc\", \"talc\"]\n[settings]\nrounds = 0\n";

/// The sweep, and a folder of this process.
fn sweep() -> &'static (Sweep, PathBuf) {
    static SWEEP: OnceLock<(Sweep, PathBuf)> = OnceLock::new();
    SWEEP.get_or_init(|| {
        let sweep = Sweep::parse(PLAN, "plan.toml", Path::new(""), &Field::registered(), &traces_fuzz::build())
            .expect("the plan is right");
        let folder = std::env::temp_dir().join(format!("heaprace-fuzz-{}", std::process::id()));
        (sweep, folder)
    })
}

fuzz_target!(|text: &str| {
    let (sweep, folder) = sweep();
    let cells = sweep.cells();
    let cell = cells.iter().find(|cell| cell.subject() == "talc").expect("it is in the plan");
    let path = cell.path(folder);
    fs::create_dir_all(path.parent().expect("a cell is in a folder")).expect("there is room");
    fs::write(&path, text).expect("there is room");
    let state = cell.state(folder);
    let done = matches!(state, CellState::Done(_));
    for merged in merge(sweep, |other| if other.id() == cell.id() { state.clone() } else { CellState::Missing }) {
        assert_eq!(merged.results.is_some(), done);
        if let Some(results) = merged.results {
            Results::from_json(&results.to_json()).expect("what was merged is read");
        }
    }
});
