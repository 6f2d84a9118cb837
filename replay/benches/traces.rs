//! Every trace of the library through every contender: `replay/<trace>/fresh/<contender>`, a program that starts, and
//! `replay/<trace>/steady/<contender>`, a program that keeps running. Every new byte is written.
//!
//! A sample is the time of whole replays, excluding resetting the heap and creating the contender. Contenders that fail
//! verification are skipped with a note on standard error.

mod common;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use heaprace::Program;
use heaprace::contender::{Contender, TouchPolicy};
use heaprace::lane::Lane;
use heaprace::limits::Limits;
use heaprace_allocators::page_heap::{Guard, WASM32_PAGES};
use heaprace_reports::results::Verification;
use heaprace_reports::stats::Regime;
use heaprace_traces::Source;

fn traces(criterion: &mut Criterion) {
    for entry in common::entries() {
        let mut contenders = Contender::all();
        contenders.retain(|contender| {
            let selected = |name| common::is_selected(&format!("replay/{}/{name}/{}", entry.name, contender.info.name));
            Regime::ALL.iter().any(|regime| selected(regime.name()))
        });
        if contenders.is_empty() {
            continue;
        }
        let program = Program::load(&Source::from(entry)).expect("the library's traces are sound");
        retain_sound(&mut contenders, &program);
        for regime in Regime::ALL {
            let mut group = criterion.benchmark_group(format!("replay/{}/{}", entry.name, regime.name()));
            group.sampling_mode(SamplingMode::Flat);
            group.throughput(Throughput::Elements(program.events()));
            for contender in &contenders {
                let mut lane = Lane::new(&program, WASM32_PAGES, Guard::Batched).expect("a heap can be reserved");
                group.bench_function(BenchmarkId::from_parameter(contender.info.name), |bencher| {
                    bencher
                        .iter_custom(|replays| common::time(contender, &mut lane, TouchPolicy::All, regime, replays));
                });
            }
        }
    }
}

/// Removes the contenders whose blocks are not sound.
fn retain_sound(contenders: &mut Vec<Contender>, program: &Program) {
    let mut lane = Lane::new(program, WASM32_PAGES, Guard::Trap).expect("a heap can be reserved");
    contenders.retain(|contender| {
        let examination = (contender.examine)(&mut lane, true, &[], Limits::NONE).expect("a heap can be reset");
        let sound = match examination.verification {
            Verification::Failed { .. } => false,
            Verification::NotChecked { .. } => contender.info.purpose == heaprace_allocators::Purpose::Floor,
            Verification::Passed => true,
        };
        if !sound {
            eprintln!("{} is skipped: {:?}", contender.info.name, examination.verification);
        }
        sound
    });
}

criterion_group!(name = benches; config = common::criterion(); targets = traces);
criterion_main!(benches);
