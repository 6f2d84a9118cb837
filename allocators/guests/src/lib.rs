//! A module: one allocator with its calls as exports, or the driver that replays a trace through them.
//!
//! The feature names the module. All modules of allocators have the same exports, so that the size of one without an
//! allocator (`none`) can be subtracted, and the driver takes any of them. The driver is a module of its own, with a
//! memory of its own: what it needs never shows in the allocator's pages.
//!
//! For a target without a system, the same package is a library of firmware: an allocator over a region of memory. It
//! is only compiled, for its size.

#![no_std]

#[cfg(all(target_family = "wasm", not(feature = "driver")))]
mod contender;
#[cfg(all(target_family = "wasm", feature = "driver"))]
mod driver;
#[cfg(target_os = "none")]
mod firmware;
#[cfg(feature = "none")]
mod nothing;

#[cfg(all(target_family = "wasm", not(feature = "driver")))]
heaprace_guest::export!(contender::ALLOCATOR);
#[cfg(target_os = "none")]
heaprace_guest::export!(firmware::ALLOCATOR);

#[cfg(all(target_family = "wasm", feature = "driver"))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    heaprace_guest::trap()
}
