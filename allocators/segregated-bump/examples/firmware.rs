//! A program whose heap is a static region of 32 KiB, as in firmware: `cargo run --example firmware`
//!
//! What differs on a device is what the platform's crates bring: `#![no_std]`, the entry point and the panic handler. The
//! region may also be what a linker script leaves between two symbols.

use core::mem::MaybeUninit;
use core::ptr::NonNull;
use std::collections::BTreeMap;

use segregated_bump::page_source::Region;
use segregated_bump::{SingleThreaded, SweptBump};

/// Bytes of the heap.
const HEAP_BYTES: usize = 32 * 1024;

static mut HEAP: [MaybeUninit<u8>; HEAP_BYTES] = [MaybeUninit::uninit(); HEAP_BYTES];

#[global_allocator]
static ALLOCATOR: SingleThreaded<SweptBump<Region>> = {
    // SAFETY: this is the only mention of the heap, and a static's address is not null.
    let region = unsafe { Region::from_raw(NonNull::new_unchecked((&raw mut HEAP).cast()), HEAP_BYTES) };
    // SAFETY: the program has one thread, and no signal handler allocates.
    unsafe { SingleThreaded::new(SweptBump::new(region)) }
};

fn main() {
    // Far more than the heap in all, but never at once.
    let mut readings: BTreeMap<u32, Vec<u16>> = BTreeMap::new();
    for second in 0..10_000_u32 {
        readings.insert(second, (0..40 + second % 60).map(|sample| (sample * second) as u16).collect());
        if readings.len() > 100 {
            readings.pop_first();
        }
    }
    let samples: usize = readings.values().map(Vec::len).sum();
    println!("{} seconds with {samples} samples in {HEAP_BYTES} bytes", readings.len());

    // Memory that is not there is an error, not the end.
    let mut log: Vec<u8> = Vec::new();
    assert!(log.try_reserve(HEAP_BYTES).is_err());
}
