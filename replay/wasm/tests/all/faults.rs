//! Faults that users of an allocator have reported: the lane shows them.

use heaprace_engine::Program;
use heaprace_traces::Source;
use heaprace_wasm::guests::UNSOUND;
use heaprace_wasm::host::HostError;
use heaprace_wasm::recording::Recording;

use crate::common::{Bench, recording};

/// Pages that each allocator has after a trace.
fn pages<const N: usize>(bench: &Bench, guests: [&str; N], recording: &Recording) -> [u64; N] {
    guests.map(|guest| {
        let seen = bench.observe(&bench.module(guest), recording).unwrap_or_else(|error| panic!("{guest}: {error}"));
        assert_eq!(seen.failed, 0, "{guest}");
        seen.pages
    })
}

/// wee_alloc's issue 106 as it was reported: two large blocks, freed in the order in which they were allocated.
fn two_large_blocks(rounds: usize) -> Recording {
    let round = |id: usize| {
        let (one, other) = (2 * id, 2 * id + 1);
        format!("alloc,{one},340784,4\nalloc,{other},320000,4\ndealloc,{one}\ndealloc,{other}\n")
    };
    recording(&(0..rounds).map(round).collect::<String>())
}

#[test]
fn wee_alloc_grows_for_ever() {
    let Some(bench) = Bench::set_up() else { return };
    let guests = ["wee_alloc", "talc", "dlmalloc", "swept-bump"];
    let [few, many] = [10, 100].map(|rounds| pages(&bench, guests, &two_large_blocks(rounds)));
    assert_eq!(few[1..], many[1..], "the others do not grow");
    assert!(many[0] > 4 * few[0], "{few:?}, {many:?}");
    // The library's smallest trace of it: one buffer that doubles, and is freed, again and again.
    let program = Program::load(&Source::locate("repeated-growth").unwrap()).unwrap();
    let [wee, others @ ..] = pages(&bench, guests, &Recording::of(&program).unwrap());
    assert!(wee > 500 && others.iter().all(|&pages| pages <= 4), "{wee}, {others:?}");
}

/// talc's issue 51: a buffer that grows by a page at a time, and the last one is freed. A heap for each growth cannot be
/// joined with those before it.
fn ratchet(steps: usize) -> Recording {
    let mut events = String::new();
    for step in 1..=steps {
        events += &format!("alloc,{step},{},8\n", step << 16);
        if step > 1 {
            events += &format!("dealloc,{}\n", step - 1);
        }
    }
    recording(&events)
}

#[test]
fn talc_with_a_heap_for_each_growth_takes_ten_times_the_pages() {
    let Some(bench) = Bench::set_up() else { return };
    let [claim, extend] = pages(&bench, ["talc-claim", "talc"], &ratchet(57));
    assert!(claim >= 9 * extend, "{claim}, {extend}");
}

/// lite-alloc with its feature `realloc`: a block that grew in place to 100 bytes is freed as one of 128.
#[test]
fn lite_alloc_with_realloc_hands_out_memory_twice() {
    let Some(bench) = Bench::set_up() else { return };
    let trace = recording("alloc,1,16,8\nrealloc,1,100\nalloc,2,16,8\ndealloc,1\nalloc,3,128,8\n");
    let error = bench.observe(&bench.module(UNSOUND), &trace).err().unwrap();
    assert!(matches!(error, HostError::Block(_)) && error.to_string().starts_with("event 5"), "{error}");
    assert_eq!(bench.observe(&bench.module("lite-alloc"), &trace).unwrap().failed, 0);
}
