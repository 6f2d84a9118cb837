//! What is kept for each thread: its number, and which block a function below is about to record.
//!
//! `pthread_self` is not unique: a later thread gets the same value. A `thread_local!` is no alternative: in a shared
//! library, `__tls_get_addr` looks it up, which allocates if libraries have been loaded since, and so would call itself
//! for ever. The initial-exec model needs no such call, a preloaded library may use it, and stable Rust can ask for it
//! only in assembler. The words have neither initialisation nor destructor, so they are there from the first
//! instruction of a thread to its last.

use core::arch::{asm, global_asm};
use core::cell::Cell;
use core::sync::atomic::{AtomicU32, Ordering};

/// The words of a thread, zeroes at first.
#[repr(C)]
pub(crate) struct Thread {
    number: Cell<u32>,
    muted: Cell<u32>,
    /// The last block that was recorded as allocated.
    pub(crate) allocated: Cell<usize>,
    /// The block whose end is recorded already, while the function that frees it runs; 0 if there is none.
    pub(crate) ending: Cell<usize>,
    /// Records of this process before the fork that this thread is in.
    pub(crate) at_fork: Cell<u64>,
}

global_asm!(
    ".pushsection .tbss.heaprace_thread,\"awT\",%nobits",
    ".p2align 4",
    ".globl heaprace_thread",
    ".hidden heaprace_thread",
    ".type heaprace_thread, %object",
    ".size heaprace_thread, 32",
    "heaprace_thread:",
    ".zero 32",
    ".popsection",
);
const _: () = assert!(size_of::<Thread>() == 32);

/// The largest number that fits into a record. All later threads share it.
const MOST: u32 = (1 << 24) - 1;

/// Numbers assigned so far. A fork does not wipe it: the child's threads must not take the number of the thread that
/// forked.
static GIVEN: AtomicU32 = AtomicU32::new(0);

/// The calling thread.
#[inline(always)]
pub(crate) fn this() -> &'static Thread {
    // SAFETY: the words are the calling thread's, as long as it runs, and are zeroes at first, which all fields allow.
    unsafe { &*address() }
}

/// The number of this thread, from 1.
#[inline(always)]
pub(crate) fn number() -> u32 {
    let number = this().number.get();
    if number == 0 { first() } else { number }
}

/// Whether this thread is not to be recorded.
#[inline(always)]
pub(crate) fn is_muted() -> bool {
    this().muted.get() != 0
}

/// Runs `work` without recording what this thread does in it.
pub(crate) fn muted<T>(work: impl FnOnce() -> T) -> T {
    let before = this().muted.replace(1);
    let result = work();
    this().muted.set(before);
    result
}

#[cold]
fn first() -> u32 {
    let number = GIVEN.fetch_add(1, Ordering::Relaxed).wrapping_add(1).min(MOST);
    this().number.set(number);
    number
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn address() -> *const Thread {
    let address: *const Thread;
    // SAFETY: adds the place of the words within a thread's block to that block's address, which is its first word.
    unsafe {
        asm!(
            "mov {address}, qword ptr fs:[0]",
            "add {address}, qword ptr [rip + heaprace_thread@GOTTPOFF]",
            address = out(reg) address,
            options(pure, nomem, nostack),
        );
    }
    address
}

#[cfg(target_arch = "aarch64")]
#[inline(always)]
fn address() -> *const Thread {
    let address: *const Thread;
    // SAFETY: adds the place of the words within a thread's block to that block's address.
    unsafe {
        asm!(
            "mrs {address}, tpidr_el0",
            "adrp {offset}, :gottprel:heaprace_thread",
            "ldr {offset}, [{offset}, :gottprel_lo12:heaprace_thread]",
            "add {address}, {address}, {offset}",
            address = out(reg) address,
            offset = out(reg) _,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    address
}
