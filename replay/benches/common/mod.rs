//! Shared by the benches: traces in both formats, programs of few events, and the format of figures.

// Every bench is a crate of its own, and uses some of it.
#![allow(dead_code)]

use std::hint::black_box;

use heaprace::Program;
use heaprace_reports::stats::Estimate;
use heaprace_traces::htrace::{Block, Blocks, HtraceWriter};
use heaprace_traces::{Action, Event, Source, csv};

/// The events of a trace as text and in the binary format.
pub(crate) fn text_and_binary(source: &Source) -> [Vec<u8>; 2] {
    let events = source.open().expect("the library's traces open");
    let (columns, provenance) = (events.columns(), events.provenance().to_vec());
    let mut text = csv::CsvWriter::new(Vec::new(), columns, &provenance).expect("memory can be written");
    let mut binary = HtraceWriter::new(Vec::new(), columns, &provenance).expect("memory can be written");
    for event in events {
        let event = event.expect("the library's traces are sound");
        text.write(&event).expect("memory can be written");
        binary.write(&event).expect("memory can be written");
    }
    [text.finish().expect("memory can be written"), binary.finish().expect("memory can be written")]
}

/// Decodes the blocks of a binary trace, and combines a number of each.
pub(crate) fn each_block(binary: &[u8], of: impl Fn(&Block) -> u64) -> u64 {
    let mut blocks = Blocks::new(binary, "bench.htrace").expect("it is a trace");
    let (mut block, mut sum) = (Block::default(), 0);
    while blocks.read(&mut block).expect("it is a trace") {
        sum ^= black_box(of(&block));
    }
    sum
}

/// A number of all requests of a block.
pub(crate) fn of_requests(block: &Block) -> u64 {
    block.requests().fold(0, |sum, request| sum ^ request.id ^ u64::from(request.size))
}

/// The program of these actions on the objects of these ids.
pub(crate) fn compile(actions: impl IntoIterator<Item = (u64, Action)>) -> Program {
    let events =
        actions.into_iter().map(|(id, action)| Ok(Event { action, id, thread: None, time_ns: None, written: None }));
    Program::compile(events).expect("the program is sound")
}

/// A figure with its interval: `1.05 [1.04, 1.06]`.
pub(crate) fn shown(estimate: Estimate, decimals: usize) -> String {
    let value = format!("{:.decimals$}", estimate.value);
    estimate.interval.map_or(value.clone(), |interval| {
        format!("{value} [{:.decimals$}, {:.decimals$}]", interval.low, interval.high)
    })
}
