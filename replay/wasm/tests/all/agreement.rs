//! The native lane on 64 KiB pages, and WebAssembly: our allocators place every block alike.

use std::alloc::Layout;
use std::ops::ControlFlow;
use std::ptr;

use heaprace_allocators::HeapAllocator;
use heaprace_allocators::contenders::segregated_bump::SegregatedBump;
use heaprace_allocators::contenders::swept_bump::SweptBump;
use heaprace_allocators::page_heap::{Guard, PageHeap};
use heaprace_engine::Program;
use heaprace_engine::engine::{Flow, LiveBlock, Observer, TouchNone, replay};
use heaprace_traces::Source;
use heaprace_wasm::recording::Recording;

use crate::common::{Bench, program};

/// Notes the address of each event's block: 0 for a dealloc.
#[derive(Default)]
struct Addresses(Vec<usize>);

impl Observer for Addresses {
    fn allocated(&mut self, _event: u64, block: LiveBlock, _layout: Layout, _zeroed: bool) -> Flow {
        self.0.push(block.as_ptr().addr());
        ControlFlow::Continue(())
    }

    fn deallocating(&mut self, _event: u64, _block: LiveBlock, _layout: Layout) -> Flow {
        self.0.push(0);
        ControlFlow::Continue(())
    }

    fn reallocated(&mut self, _: u64, _old: LiveBlock, _: Layout, new: LiveBlock, _: usize) -> Flow {
        self.0.push(new.as_ptr().addr());
        ControlFlow::Continue(())
    }
}

/// Addresses, and pages.
fn native<A: HeapAllocator>(program: &Program) -> (Vec<usize>, u64) {
    let heap = PageHeap::reserve(1 << 14, Guard::Batched).unwrap();
    let mut allocator = A::create(heap.handle());
    let mut slots = vec![ptr::null_mut(); program.slots()];
    let mut addresses = Addresses::default();
    let flow = replay::<A, _, TouchNone>(program, &mut slots, &mut allocator, &mut addresses).unwrap();
    assert!(flow.is_continue());
    (addresses.0, heap.handle().committed_pages() as u64)
}

fn agree<A: HeapAllocator>(bench: &Bench, program: &Program) {
    let name = A::INFO.name;
    let (native, native_pages) = native::<A>(program);
    let recording = Recording::of(program).unwrap();
    let seen = bench.observe(&bench.module(name), &recording).unwrap();
    let (first_native, first) = (native[0], seen.addresses[0]);
    assert_eq!(native.len(), seen.addresses.len(), "{name}");
    for (event, (&native, &wasm)) in (1..).zip(native.iter().zip(&seen.addresses)) {
        if native != 0 {
            let offsets = [native.wrapping_sub(first_native) as isize, wasm.wrapping_sub(first) as i32 as isize];
            assert_eq!(offsets[0], offsets[1], "{name}: event {event}, bytes from the first block");
        }
    }
    assert_eq!(native_pages, seen.pages, "{name}");
}

#[test]
fn our_allocators_place_every_block_as_natively() {
    let Some(bench) = Bench::set_up() else { return };
    for trace in ["serde-heavy", "repeated-growth"] {
        let program = Program::load(&Source::locate(trace).unwrap()).unwrap();
        agree::<SegregatedBump>(&bench, &program);
        agree::<SweptBump>(&bench, &program);
    }
}

/// A first request of nearly a page, exactly one, and a little more.
#[test]
fn a_first_request_takes_no_page_more_than_natively() {
    let Some(bench) = Bench::set_up() else { return };
    for size in [65_520, 65_521, 65_535, 65_536, 65_537] {
        let program = program(&format!("alloc,1,{size},8\n"));
        agree::<SegregatedBump>(&bench, &program);
        agree::<SweptBump>(&bench, &program);
    }
}
