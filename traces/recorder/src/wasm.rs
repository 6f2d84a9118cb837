//! The recorder in WebAssembly: a global allocator that passes every call on and tells the host of it.
//!
//! The host is a page or Node with `record.js`, which `replay record --wasm` also runs: it turns events into a trace.
//! Each event is one call of an imported function. A buffer of records in the module's own memory would be quicker, but
//! it would move the heap after it, and someone would have to fetch its rest when the program ends or traps. The call
//! takes no memory: every block has the address that it has without the recorder. What a call costs is time, and a
//! trace has none.

use core::alloc::{GlobalAlloc, Layout};
use std::alloc::System;

use crate::op::Op;

/// Comes after the numbers of [`Op`]: a mark, whose name is the bytes of the block.
const MARK: u32 = Op::Dealloc as u32 + 1;

#[link(wasm_import_module = "heaprace")]
unsafe extern "C" {
    /// Tells the host of an event: what was done, the address of the block, its size and alignment in bytes, and of a
    /// reallocation also the address that the block had before. What an event does not have is 0.
    safe fn event(op: u32, block: usize, size: usize, align: usize, old: usize);
}

/// A global allocator for a program in WebAssembly that tells the host what the program asks for, and lets `A` do it.
///
/// ```ignore
/// #[global_allocator]
/// static ALLOCATOR: heaprace_recorder::WasmRecorder = heaprace_recorder::WasmRecorder::new();
/// ```
///
/// `cargo build --target wasm32-unknown-unknown` makes a module that imports the function `heaprace.event`, and
/// `replay record --wasm MODULE` runs its `main` (or what a library exports as `run`) and writes the trace. A program
/// that needs more of its host, such as a page with `wasm-bindgen`, is recorded there, with `record.js`.
///
/// - **Events.** Allocations, reallocations and deallocations, with size, alignment and zeroing. A call that fails is
///   no event. [`mark`](crate::mark) puts a name between events.
/// - **Extent.** From the first call to the last. Nothing is held back, so a program that traps has a trace up to there.
/// - **Memory.** None: blocks have the addresses that they have without the recorder.
/// - **Without a host** that has the function, a module with the recorder does not start. A module that ships should not
///   have it: choose it by a feature of your crate.
#[derive(Clone, Copy, Debug, Default)]
pub struct WasmRecorder<A = System> {
    inner: A,
}

impl WasmRecorder {
    /// A recorder over the standard library's allocator, which is dlmalloc.
    pub const fn new() -> Self {
        WasmRecorder { inner: System }
    }

    /// The same recorder over another allocator.
    ///
    /// ```ignore
    /// static ALLOCATOR: WasmRecorder<MyAllocator> = WasmRecorder::new().over(MyAllocator::new());
    /// ```
    pub const fn over<A: GlobalAlloc>(self, inner: A) -> WasmRecorder<A> {
        WasmRecorder { inner }
    }
}

/// Puts a mark between the last event and the next one: a name for what begins there, such as `request 3`, which charts
/// can show.
///
/// It is the comment `mark: NAME` of the trace, with blanks for control characters, cut after 1,000 characters. A module
/// needs no recorder to call it, but a host that has the function.
pub fn mark(name: &str) {
    event(MARK, name.as_ptr().addr(), name.len(), 1, 0);
}

/// Tells of a block.
#[inline]
fn tell(op: Op, block: *mut u8, layout: Layout) {
    event(op as u32, block.addr(), layout.size(), layout.align(), 0);
}

// SAFETY: every call is passed on to `A` unchanged, and so is its result. The host's function gets numbers only; it
// neither writes to the memory nor calls the module.
unsafe impl<A: GlobalAlloc> GlobalAlloc for WasmRecorder<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that the inner allocator needs.
        let block = unsafe { self.inner.alloc(layout) };
        if !block.is_null() {
            tell(Op::Alloc, block, layout);
        }
        block
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that the inner allocator needs.
        let block = unsafe { self.inner.alloc_zeroed(layout) };
        if !block.is_null() {
            tell(Op::AllocZeroed, block, layout);
        }
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        tell(Op::Dealloc, block, layout);
        // SAFETY: the caller's promises are those that the inner allocator needs.
        unsafe { self.inner.dealloc(block, layout) };
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's promises are those that the inner allocator needs.
        let new_block = unsafe { self.inner.realloc(block, layout, new_size) };
        if !new_block.is_null() {
            event(Op::Realloc as u32, new_block.addr(), new_size, layout.align(), block.addr());
        }
        new_block
    }
}
