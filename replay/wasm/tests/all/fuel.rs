//! Fuel repeats.

use heaprace_wasm::host::Host;
use heaprace_wasm::wasmtime::Wasmtime;

use crate::common::{Bench, recording};

#[test]
fn fuel_is_the_same_in_two_runs_and_bulk_bytes_are_not_in_it() {
    let Some(bench) = Bench::set_up() else { return };
    let module = bench.module("talc");
    let of = |events: &str| {
        let recording = recording(events);
        Wasmtime::default().fuel(bench.job(&module, &recording)).unwrap().unwrap()
    };
    // talc itself fills a table when it gets its first page.
    let (plain, zeroed, more) = (of("alloc,1,1000,8\n"), of("alloc_zeroed,1,1000,8\n"), of("alloc_zeroed,1,1007,8\n"));
    assert_eq!((zeroed.bulk_bytes - plain.bulk_bytes, more.bulk_bytes - plain.bulk_bytes), (1000, 1007));
    assert_eq!((zeroed.total, &zeroed), (more.total, &of("alloc_zeroed,1,1000,8\n")));
    let moved = of("alloc,1,1000,8\nalloc,2,8,8\nrealloc,1,4000\n");
    assert_eq!(moved.bulk_bytes - plain.bulk_bytes, 1000);
}

#[test]
fn every_call_of_memory_grow_is_counted() {
    let Some(bench) = Bench::set_up() else { return };
    let (recording, module) = (recording("alloc,1,100000,8\nalloc,2,100000,8\nalloc,3,10,8\n"), bench.module("talc"));
    let seen = Wasmtime::default().observe(bench.job(&module, &recording), true, &mut |_, _| {}).unwrap();
    assert_eq!(seen.grow_calls.known(), Some(&2), "{seen:?}");
    assert_eq!(seen.growing_events, 2);
    let in_node = bench.observe(&module, &recording).unwrap();
    assert_eq!(in_node.pages, seen.grown_pages);
}
