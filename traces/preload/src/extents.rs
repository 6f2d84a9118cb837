//! Fills blocks and looks at them, if the recording has extents.
//!
//! `free` does not know the size that the program asked for, so a block is filled, and looked at, as far as it is
//! usable: glibc rounds up by up to 24 bytes, or to a page. A program may use those bytes only once it has asked for
//! their number, and may not rely on what they hold. The reader of the recording knows the size.

use core::ffi::c_void;

use heaprace_recorder::fill::{Fill, Tail};
use heaprace_recorder::pattern;

use crate::log;
use crate::next::{self, UsableSize};

/// How to learn the usable size of a block, if extents are recorded.
#[inline(always)]
fn usable_size() -> Option<UsableSize> {
    log::begun_with_extents().then(next::usable_size)
}

/// Fills a block after its first `kept` bytes.
///
/// # Safety
///
/// The block is live, and the program does not have it yet. After `kept` bytes, nobody relies on what it holds.
#[inline(always)]
pub(crate) unsafe fn fill(block: *mut c_void, kept: usize) -> Fill {
    let Some(usable_size) = usable_size() else { return Fill::Unknown };
    // SAFETY: the block is live.
    match unsafe { usable_size(block) }.checked_sub(kept) {
        None | Some(0) => Fill::Kept,
        // SAFETY: the block has these bytes. glibc has its memory from private anonymous mappings.
        Some(bytes) => unsafe { pattern::fill(block.cast::<u8>().add(kept), bytes, next::is_c_library()) },
    }
}

/// Fills a block of zeroes to its end.
///
/// # Safety
///
/// The block is live, has `size` zeroes, and the program does not have it yet.
#[inline(always)]
pub(crate) unsafe fn fill_zeroed(block: *mut c_void, size: usize) -> Fill {
    let Some(usable_size) = usable_size() else { return Fill::Unknown };
    // SAFETY: the block is live, so it has these bytes.
    unsafe {
        let rest = usable_size(block).saturating_sub(size);
        block.cast::<u8>().add(size).write_bytes(0, rest);
    }
    Fill::Zeroes
}

/// The tail of a block and its usable size; 0 if no extents are recorded.
///
/// # Safety
///
/// The block is live.
#[inline(always)]
pub(crate) unsafe fn tail(block: *mut c_void) -> (Tail, usize) {
    let Some(usable_size) = usable_size() else { return (Tail::UNKNOWN, 0) };
    // SAFETY: the block is live, and can be read as far as it is usable.
    unsafe {
        let bytes = usable_size(block);
        (pattern::tail(block.cast(), bytes), bytes)
    }
}
