//! The replay's loop: decodes operations from a buffer that the host refills, and calls the allocator's module.
//!
//! An operation is two words of 32 bits, the same as in the native replay. The first holds, from the lowest bit, 5 bits
//! of the alignment's logarithm, 2 of the kind and 25 of the slot; the second is the size (of a realloc, the new one).
//! A realloc is followed by two further words: its old size, and 0.
//!
//! Failed requests are treated as in the native replay: later operations of that object are skipped, and if a realloc
//! fails, the old block is freed.

use core::ptr;

/// Operations' double words that the buffer holds.
const BUFFER_OPS: usize = 8192;

/// Bytes in a page.
const PAGE_BYTES: usize = 64 * 1024;

const ALLOC: u32 = 0;
const ALLOC_ZEROED: u32 = 1;
const DEALLOC: u32 = 2;

#[link(wasm_import_module = "allocator")]
unsafe extern "C" {
    fn alloc(size: u32, align: u32) -> u32;
    fn alloc_zeroed(size: u32, align: u32) -> u32;
    fn dealloc(block: u32, size: u32, align: u32);
    fn realloc(block: u32, old_size: u32, align: u32, new_size: u32) -> u32;
    fn touch(block: u32, from: u32, to: u32);
    fn pages() -> u32;
}

/// The operations to replay next.
static mut OPS: [[u32; 2]; BUFFER_OPS] = [[0; 2]; BUFFER_OPS];

/// For each of them: the allocator's answer, and the pages of its memory after it.
static mut ANSWERS: [[u32; 2]; BUFFER_OPS] = [[0; 2]; BUFFER_OPS];

/// The address of each slot's block, or 0, in pages of their own.
static mut SLOTS: *mut u32 = ptr::null_mut();

/// Failed requests since `prepare`.
static mut FAILED: u32 = 0;

/// Where the host writes operations.
#[unsafe(no_mangle)]
extern "C" fn ops() -> *mut [u32; 2] {
    (&raw mut OPS).cast()
}

/// Where the host finds answers.
#[unsafe(no_mangle)]
extern "C" fn answers() -> *mut [u32; 2] {
    (&raw mut ANSWERS).cast()
}

/// The number of double words that either holds.
#[unsafe(no_mangle)]
extern "C" fn capacity() -> usize {
    BUFFER_OPS
}

/// Makes room for slots, and forgets failed requests. Returns whether there is memory for it. Called once.
#[unsafe(no_mangle)]
extern "C" fn prepare(slots: usize) -> bool {
    let page = core::arch::wasm32::memory_grow::<0>((slots * size_of::<u32>()).div_ceil(PAGE_BYTES));
    // SAFETY: this module has one thread, and the pages are new.
    unsafe { SLOTS = ptr::with_exposed_provenance_mut(page.wrapping_mul(PAGE_BYTES)) };
    page != usize::MAX
}

/// Requests that failed so far.
#[unsafe(no_mangle)]
extern "C" fn failed() -> u32 {
    // SAFETY: this module has one thread.
    unsafe { FAILED }
}

/// Replays operations of the buffer, and writes nothing into blocks.
#[unsafe(no_mangle)]
extern "C" fn replay(count: usize) {
    run::<false, false>(count);
}

/// The same, with each new byte of a block written once.
#[unsafe(no_mangle)]
extern "C" fn replay_touching(count: usize) {
    run::<true, false>(count);
}

/// The same, with the answers written down.
#[unsafe(no_mangle)]
extern "C" fn replay_observed(count: usize) {
    run::<true, true>(count);
}

/// Replays the first `count` double words of the buffer.
#[inline(always)]
fn run<const TOUCHES: bool, const OBSERVES: bool>(count: usize) {
    // SAFETY: this module has one thread. The host has written `count` double words, at most as many as the buffer
    // holds, and every slot is among those that it prepared. A slot's block is live, or 0, and its operations carry its
    // layout.
    unsafe {
        let (ops, slots) = ((&raw const OPS).cast::<[u32; 2]>(), SLOTS);
        let mut at = 0;
        while at < count {
            let [bits, size] = *ops.add(at);
            let (align, kind) = (1_u32.rotate_left(bits), bits >> 5 & 3);
            let slot = slots.add((bits >> 7) as usize);
            let answers = (&raw mut ANSWERS).cast::<[u32; 2]>().add(at);
            at += 1;
            if kind == DEALLOC {
                if *slot != 0 {
                    dealloc(*slot, size, align);
                }
            } else if kind == ALLOC || kind == ALLOC_ZEROED {
                let block = if kind == ALLOC { alloc(size, align) } else { alloc_zeroed(size, align) };
                *slot = block;
                if block == 0 {
                    FAILED += 1;
                } else if TOUCHES {
                    touch(block, 0, size);
                }
            } else {
                let old_size = (*ops.add(at))[0];
                at += 1;
                if *slot != 0 {
                    let block = realloc(*slot, old_size, align, size);
                    if block == 0 {
                        FAILED += 1;
                        dealloc(*slot, old_size, align);
                    } else if TOUCHES && old_size < size {
                        touch(block, old_size, size);
                    }
                    *slot = block;
                }
            }
            if OBSERVES {
                *answers = [*slot, pages()];
            }
        }
    }
}
