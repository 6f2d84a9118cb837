//! Writes the synthetic trace `repeated-growth`: one buffer that grows by doubling from 1 KiB to 128 KiB, is freed, and again, 500
//! times. No program is recorded; the events are made here.
//!
//! It is what every request of a service does that builds its response in one vector, and nothing else, so that what an allocator
//! does with it shows on its own.

use std::alloc::Layout;
use std::fs::File;

use heaprace_traces::csv::{Columns, CsvWriter};
use heaprace_traces::{Action, Event};

const ROUNDS: u64 = 500;
const FIRST_BYTES: usize = 1024;
const LAST_BYTES: usize = 128 * 1024;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::var("HEAPRACE_TRACE").unwrap_or_else(|_| "repeated-growth.csv".to_owned());
    let provenance = ["program: repeated-growth", "origin: synthetic"];
    let mut trace = CsvWriter::new(File::create(path)?, Columns::default(), &provenance)?;
    for id in 0..ROUNDS {
        let mut write = |action| trace.write(&Event { action, id, thread: None, time_ns: None, written: None });
        let mut layout = Layout::from_size_align(FIRST_BYTES, 1)?;
        write(Action::Alloc { layout, zeroed: false })?;
        while layout.size() < LAST_BYTES {
            let new_size = layout.size() * 2;
            write(Action::Realloc { old: layout, new_size })?;
            layout = Layout::from_size_align(new_size, 1)?;
        }
        write(Action::Dealloc { layout })?;
    }
    trace.finish()?;
    Ok(())
}
