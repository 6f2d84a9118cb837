//! Every trace of the library through every contender, cold and warm: `<trace>/cold/<contender>` and `<trace>/warm/<contender>`.
//!
//! A sample is the time of whole replays. Resetting the heap and making the contender are outside of it. Contenders that fail
//! verification are left out with a word on standard error.

use std::time::Duration;

use allocators::page_heap::{Guard, Reset, WASM32_PAGES};
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use replay::Program;
use replay::contender::{Contender, TouchPolicy};
use replay::lane::Lane;
use replay::leash::Leash;
use reports::results::Verification;
use traces::{Source, library};

fn traces(criterion: &mut Criterion) {
    for entry in library::entries() {
        let events = Source::from(entry).open().expect("the library's traces open");
        let program = Program::compile(events).expect("the library's traces compile");
        let contenders = sound_contenders(&program);
        for (temperature, reset) in [("cold", Reset::Cold), ("warm", Reset::Warm)] {
            let mut group = criterion.benchmark_group(format!("{}/{temperature}", entry.name));
            group.throughput(Throughput::Elements(program.events()));
            group.sampling_mode(SamplingMode::Flat).sample_size(20).measurement_time(Duration::from_secs(2));
            for contender in &contenders {
                // A lane of its own, so that its pages are warm from its own replays.
                let mut lane = Lane::new(&program, WASM32_PAGES, Guard::Batched).expect("a heap can be had");
                group.bench_function(BenchmarkId::from_parameter(contender.info.name), |bencher| {
                    bencher.iter_custom(|replays| {
                        let mut replay = || {
                            contender
                                .time(&mut lane, reset, TouchPolicy::None, Leash::LOOSE)
                                .expect("a heap can be reset")
                        };
                        (0..replays).map(|_| replay()).sum()
                    });
                });
            }
        }
    }
}

fn sound_contenders(program: &Program) -> Vec<Contender> {
    let mut lane = Lane::new(program, WASM32_PAGES, Guard::Trap).expect("a heap can be had");
    let mut contenders = Contender::all();
    contenders.retain(|contender| {
        let examination = (contender.examine)(&mut lane, true, &[], Leash::LOOSE).expect("a heap can be reset");
        let sound = match examination.verification {
            Verification::Failed { .. } => false,
            Verification::NotChecked { .. } => contender.info.role == allocators::Role::Floor,
            Verification::Passed => true,
        };
        if !sound {
            eprintln!("{} is left out: {:?}", contender.info.name, examination.verification);
        }
        sound
    });
    contenders
}

criterion_group!(benches, traces);
criterion_main!(benches);
