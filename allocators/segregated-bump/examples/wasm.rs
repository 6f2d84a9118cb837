//! A WebAssembly module that allocates with `SweptBump`:
//!
//! `cargo build --release --example wasm --target wasm32-unknown-unknown`
//!
//! On other targets it is a library of the same function, with the target's allocator.

#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

use alloc::vec::Vec;

/// What a module without the standard library has to bring.
#[cfg(target_family = "wasm")]
mod module {
    use segregated_bump::page_source::WasmPages;
    use segregated_bump::{SingleThreaded, SweptBump};

    #[global_allocator]
    static ALLOCATOR: SingleThreaded<SweptBump<WasmPages>> =
        // SAFETY: this module has one thread.
        unsafe { SingleThreaded::new(SweptBump::new(WasmPages)) };

    #[panic_handler]
    fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
        core::arch::wasm32::unreachable()
    }
}

/// The number of primes below a number, by a sieve on the heap.
#[unsafe(no_mangle)]
pub extern "C" fn primes_below(end: u32) -> u32 {
    let end = end as usize;
    let mut is_composite: Vec<bool> = Vec::new();
    is_composite.resize(end, false);
    let mut primes = 0;
    for number in 2..end {
        if !is_composite[number] {
            primes += 1;
            (number * 2..end).step_by(number).for_each(|multiple| is_composite[multiple] = true);
        }
    }
    primes
}
