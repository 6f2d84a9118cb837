//! The speed of reading traces, and of compiling them to programs: `readers/<trace>/<way>`, in events per second.
//!
//! `csv-record` is a bare loop over the lines with the `csv` crate, which no reader of CSV can beat by much. All inputs
//! are uncompressed in memory, apart from the binary format's own compression.

mod common;

use std::hint::black_box;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use heaprace::Program;
use heaprace::bench;
use heaprace_traces::htrace::HtraceReader;
use heaprace_traces::library::LibraryEntry;
use heaprace_traces::{Source, csv};

/// The same trace in both formats.
struct Inputs {
    csv: Vec<u8>,
    csv_source: Source,
    htrace: Vec<u8>,
    htrace_source: Source,
}

/// The name and the function. It returns a number that depends on everything it has read.
type Way = (&'static str, fn(&Inputs) -> u64);

const WAYS: [Way; 7] = [
    ("csv-record", |inputs| {
        let mut reader = ::csv::ReaderBuilder::new().flexible(true).quoting(false).from_reader(&inputs.csv[..]);
        let mut record = ::csv::ByteRecord::new();
        let mut lines = 0;
        while reader.read_byte_record(&mut record).expect("it is CSV") {
            lines += 1;
        }
        lines
    }),
    ("csv-events", |inputs| csv::CsvReader::new(&inputs.csv[..], "bench.csv").expect("it is a trace").count() as u64),
    ("csv-program", |inputs| Program::load(&inputs.csv_source).expect("it is a trace").events()),
    ("htrace-blocks", |inputs| common::each_block(&inputs.htrace, |block| block.len() as u64)),
    ("htrace-requests", |inputs| common::each_block(&inputs.htrace, common::of_requests)),
    ("htrace-events", |inputs| {
        HtraceReader::new(&inputs.htrace[..], "bench.htrace").expect("it is a trace").count() as u64
    }),
    ("htrace-program", |inputs| Program::load(&inputs.htrace_source).expect("it is a trace").events()),
];

impl Inputs {
    fn of(entry: &'static LibraryEntry) -> Self {
        let [csv, htrace] = common::text_and_binary(&Source::from(entry));
        Inputs {
            csv_source: Source::from_bytes("bench.csv", csv.clone()),
            csv,
            htrace_source: Source::from_bytes("bench.htrace", htrace.clone()),
            htrace,
        }
    }
}

fn readers(criterion: &mut Criterion) {
    for entry in bench::entries() {
        if !WAYS.iter().any(|(way, _)| bench::is_selected(&format!("readers/{}/{way}", entry.name))) {
            continue;
        }
        let (inputs, events) = (Inputs::of(entry), entry.about.totals.events);
        let [csv_bytes, htrace_bytes] = [&inputs.csv, &inputs.htrace].map(|bytes| bytes.len() as f64 / events as f64);
        eprintln!("{}: {events} events, bytes per event: CSV {csv_bytes:.2}, htrace {htrace_bytes:.3}", entry.name);
        let mut group = criterion.benchmark_group(format!("readers/{}", entry.name));
        group.sampling_mode(SamplingMode::Flat);
        group.throughput(Throughput::Elements(events));
        for (way, read) in WAYS {
            group.bench_function(way, |bencher| bencher.iter(|| read(black_box(&inputs))));
        }
    }
}

criterion_group!(name = benches; config = bench::criterion(); targets = readers);
criterion_main!(benches);
