//! Any text as the plan of a sweep of library traces: cells with distinct names, or an error with a line.
#![no_main]

use std::collections::HashSet;
use std::path::Path;

use heaprace::field::Field;
use heaprace::sweep::{Cell, CellState, Sweep, merge};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // No file is to be opened.
    if text.contains('/') {
        return;
    }
    let Ok(sweep) = Sweep::parse(text, "plan.toml", Path::new("/nowhere"), &Field::registered(), &traces_fuzz::build())
    else {
        return;
    };
    let cells = sweep.cells();
    let names: HashSet<&str> = cells.iter().map(Cell::id).collect();
    assert_eq!(names.len(), cells.len(), "two cells have one name");
    assert!(merge(&sweep, |_| CellState::Missing).iter().all(|merged| merged.results.is_none()));
});
