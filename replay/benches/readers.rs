//! How fast traces are read: `<trace>/<way>`, all on the same trace, in events a second.
//!
//! `csv-record` is a bare loop over the lines with the `csv` crate, which no reader of CSV can beat by much. All inputs lie uncompressed in
//! memory, but for what the binary format compresses itself.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use replay::Program;
use traces::binary::{Block, Blocks, Reader, Writer};
use traces::{Source, csv, library};

fn readers(criterion: &mut Criterion) {
    for entry in library::entries() {
        let events = Source::from(entry).open().expect("the library's traces open");
        let (columns, provenance) = (events.columns(), events.provenance().to_vec());
        let mut text = csv::Writer::new(Vec::new(), columns, &provenance).expect("memory can be written");
        let mut bytes = Writer::new(Vec::new(), columns, &provenance).expect("memory can be written");
        let mut count = 0;
        for event in events {
            let event = event.expect("the library's traces are sound");
            text.write(&event).expect("memory can be written");
            bytes.write(&event).expect("memory can be written");
            count += 1;
        }
        let text = text.finish().expect("memory can be written");
        let bytes = bytes.finish().expect("memory can be written");
        let (csv_bytes, binary_bytes) = (text.len() as f64 / count as f64, bytes.len() as f64 / count as f64);
        eprintln!("{}: {count} events, bytes an event: CSV {csv_bytes:.2}, htrace {binary_bytes:.3}", entry.name);
        let binary = Source::from_bytes("bench.htrace", bytes.clone());

        let mut group = criterion.benchmark_group(entry.name);
        group.throughput(Throughput::Elements(count)).sample_size(20);
        group.bench_function("csv-record", |bencher| {
            bencher.iter(|| {
                let mut reader = ::csv::ReaderBuilder::new().flexible(true).quoting(false).from_reader(&text[..]);
                let mut record = ::csv::ByteRecord::new();
                let mut lines = 0;
                while reader.read_byte_record(&mut record).expect("it is CSV") {
                    lines += 1;
                }
                lines
            });
        });
        group.bench_function("csv-events", |bencher| {
            bencher.iter(|| csv::Reader::new(&text[..], "bench.csv").expect("it is a trace").count());
        });
        group.bench_function("htrace-blocks", |bencher| {
            bencher.iter(|| each_block(&bytes, |block| block.len() as u64));
        });
        group.bench_function("htrace-requests", |bencher| {
            let sum =
                |block: &Block| block.requests().fold(0, |sum, request| sum ^ request.id ^ u64::from(request.size));
            bencher.iter(|| each_block(&bytes, sum));
        });
        group.bench_function("htrace-events", |bencher| {
            bencher.iter(|| Reader::new(&bytes[..], "bench.htrace").expect("it is a trace").count());
        });
        group.bench_function("htrace-program", |bencher| {
            bencher.iter(|| Program::load(black_box(&binary)).expect("it is a trace").events());
        });
    }
}

fn each_block(bytes: &[u8], of: impl Fn(&Block) -> u64) -> u64 {
    let mut blocks = Blocks::new(bytes, "bench.htrace").expect("it is a trace");
    let (mut block, mut sum) = (Block::default(), 0);
    while blocks.read(&mut block).expect("it is a trace") {
        sum ^= black_box(of(&block));
    }
    sum
}

criterion_group!(benches, readers);
criterion_main!(benches);
