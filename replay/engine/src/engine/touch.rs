//! What the replay writes into new memory.

use std::hint::black_box;

use heaprace_allocators::shadow;

/// What the replay writes into new memory, as the recorded program would have done.
pub trait Touch {
    /// Whether the bytes to write are those that the trace knows the program wrote, instead of all new bytes.
    const FOLLOWS_EXTENTS: bool = false;

    /// Writes into the bytes `from..to` of a block: all of a new block or the new part of a grown one, or the bytes that
    /// the program wrote.
    ///
    /// # Safety
    ///
    /// The block is live and has `to` bytes, and `from` is at most `to`.
    unsafe fn touch(block: *mut u8, from: usize, to: usize);
}

/// Writes nothing, so that only the allocator's code is timed.
#[derive(Debug)]
pub struct TouchNone;

/// Writes the first new byte.
#[derive(Debug)]
pub struct TouchFirst;

/// Writes every new byte once, like a program that requests only what it needs.
#[derive(Debug)]
pub struct TouchAll;

/// Writes the bytes that the program wrote, as far as the trace knows them: each once, when the block is new or resized.
/// If the trace does not know them, it writes every new byte.
#[derive(Debug)]
pub struct TouchWritten;

/// Writes the bytes that verification writes: all of a block, but only [parts](shadow::parts) of a huge one.
#[derive(Debug)]
pub struct TouchParts;

impl Touch for TouchParts {
    #[inline(always)]
    unsafe fn touch(block: *mut u8, from: usize, to: usize) {
        for part in shadow::parts(to).filter(|part| part.end > from) {
            // SAFETY: upheld by the caller: parts are in the block.
            unsafe { TouchAll::touch(block, part.start.max(from), part.end) };
        }
    }
}

impl Touch for TouchNone {
    #[inline(always)]
    unsafe fn touch(_block: *mut u8, _from: usize, _to: usize) {}
}

impl Touch for TouchFirst {
    #[inline(always)]
    unsafe fn touch(block: *mut u8, from: usize, _to: usize) {
        // SAFETY: upheld by the caller: without extents, there is at least one new byte. Volatile, because the compiler would otherwise
        // drop a write that is never read.
        unsafe { block.add(from).write_volatile(1) };
    }
}

impl Touch for TouchAll {
    #[inline(always)]
    unsafe fn touch(block: *mut u8, from: usize, to: usize) {
        // SAFETY: upheld by the caller.
        unsafe { block.add(from).write_bytes(1, to - from) };
        // Keeps the compiler from dropping the writes.
        black_box(block);
    }
}

impl Touch for TouchWritten {
    const FOLLOWS_EXTENTS: bool = true;

    #[inline(always)]
    unsafe fn touch(block: *mut u8, from: usize, to: usize) {
        // SAFETY: upheld by the caller.
        unsafe { TouchAll::touch(block, from, to) };
    }
}
