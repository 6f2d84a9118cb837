//! The number of the calling thread.
//!
//! `pthread_self` is not unique: a later thread gets the same value. A `thread_local!` is no alternative: in a shared
//! library, `__tls_get_addr` looks it up, which allocates if libraries have been loaded since, and so would call itself
//! for ever. The initial-exec model needs no such call, a preloaded library may use it, and stable Rust can ask for it
//! only in assembler. The number has neither initialisation nor destructor, so it is there from the first instruction
//! of a thread to its last.

use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicU32, Ordering};

/// The number of a muted thread.
const MUTED: u32 = u32::MAX;
/// The largest number that fits into a record. All later threads share it.
const MOST: u32 = (1 << 24) - 1;

// One word for each thread, zero at first.
global_asm!(
    ".pushsection .tbss.heaprace_thread,\"awT\",%nobits",
    ".p2align 2",
    ".globl heaprace_thread",
    ".hidden heaprace_thread",
    ".type heaprace_thread, %object",
    ".size heaprace_thread, 4",
    "heaprace_thread:",
    ".zero 4",
    ".popsection",
);

/// Numbers assigned so far. A fork does not wipe it: the child's threads must not take the number of the thread that
/// forked.
static GIVEN: AtomicU32 = AtomicU32::new(0);

/// The number of this thread, from 1; `None` while it is muted.
#[inline(always)]
pub(crate) fn number() -> Option<u32> {
    let number = get();
    if number.wrapping_sub(1) < MOST { Some(number) } else { first(number) }
}

/// Runs `work` without recording what this thread does in it.
pub(crate) fn muted<T>(work: impl FnOnce() -> T) -> T {
    let number = get();
    set(MUTED);
    let result = work();
    set(number);
    result
}

#[cold]
fn first(number: u32) -> Option<u32> {
    if number == MUTED {
        return None;
    }
    let number = GIVEN.fetch_add(1, Ordering::Relaxed).wrapping_add(1).min(MOST);
    set(number);
    Some(number)
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn get() -> u32 {
    let number: u32;
    // SAFETY: reads this thread's own word, which is there as long as the thread is.
    unsafe {
        asm!(
            "mov {offset}, qword ptr [rip + heaprace_thread@GOTTPOFF]",
            "mov {number:e}, dword ptr fs:[{offset}]",
            offset = out(reg) _,
            number = lateout(reg) number,
            options(nostack, readonly, preserves_flags),
        );
    }
    number
}

#[cfg(target_arch = "x86_64")]
fn set(number: u32) {
    // SAFETY: writes this thread's own word, which nothing but `get` and `set` touches.
    unsafe {
        asm!(
            "mov {offset}, qword ptr [rip + heaprace_thread@GOTTPOFF]",
            "mov dword ptr fs:[{offset}], {number:e}",
            offset = out(reg) _,
            number = in(reg) number,
            options(nostack, preserves_flags),
        );
    }
}

#[cfg(target_arch = "aarch64")]
#[inline(always)]
fn get() -> u32 {
    let number: u32;
    // SAFETY: reads this thread's own word, which is there as long as the thread is.
    unsafe {
        asm!(
            "mrs {base}, tpidr_el0",
            "adrp {offset}, :gottprel:heaprace_thread",
            "ldr {offset}, [{offset}, :gottprel_lo12:heaprace_thread]",
            "ldr {number:w}, [{base}, {offset}]",
            base = out(reg) _,
            offset = out(reg) _,
            number = lateout(reg) number,
            options(nostack, readonly, preserves_flags),
        );
    }
    number
}

#[cfg(target_arch = "aarch64")]
fn set(number: u32) {
    // SAFETY: writes this thread's own word, which nothing but `get` and `set` touches.
    unsafe {
        asm!(
            "mrs {base}, tpidr_el0",
            "adrp {offset}, :gottprel:heaprace_thread",
            "ldr {offset}, [{offset}, :gottprel_lo12:heaprace_thread]",
            "str {number:w}, [{base}, {offset}]",
            base = out(reg) _,
            offset = out(reg) _,
            number = in(reg) number,
            options(nostack, preserves_flags),
        );
    }
}
