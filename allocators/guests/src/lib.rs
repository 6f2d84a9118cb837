//! A WebAssembly module: one allocator with its calls as exports, or the driver that replays a trace through them.
//!
//! The feature names the module. All modules of allocators have the same exports, so that the size of one without an
//! allocator (`none`) can be subtracted, and the driver takes any of them. The driver is a module of its own, with a
//! memory of its own: what it needs never shows in the allocator's pages.

#![no_std]
#![cfg(target_family = "wasm")]

#[cfg(not(feature = "driver"))]
mod contender;
#[cfg(feature = "driver")]
mod driver;
#[cfg(not(feature = "driver"))]
mod exports;

/// Without a message: texts and their formatting would be most of a small module.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
