//! Serves the dynamic linker while it looks for the functions that serve all others: a little memory that is never
//! reused. The linker allocates then only to say what it does not find.

use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicUsize, Ordering};

const ARENA_BYTES: usize = 64 * 1024;
/// Every block has its size before it, in as many bytes as the alignment of all blocks.
const ALIGN: usize = 16;

#[repr(C, align(4096))]
struct Arena(UnsafeCell<[u8; ARENA_BYTES]>);

// SAFETY: every byte belongs to one block, and `used` gives it to one thread.
unsafe impl Sync for Arena {}

static ARENA: Arena = Arena(UnsafeCell::new([0; ARENA_BYTES]));
static USED: AtomicUsize = AtomicUsize::new(0);

/// Whether the block is one of the arena's.
#[inline(always)]
pub(crate) fn has(block: *mut c_void) -> bool {
    block.addr().wrapping_sub(ARENA.0.get().addr()) < ARENA_BYTES
}

pub(crate) unsafe extern "C" fn memalign(align: usize, size: usize) -> *mut c_void {
    let align = align.max(ALIGN);
    // The arena begins at a page, so a place is aligned as its distance is.
    let claim = |used: usize| {
        let start = used.checked_add(ALIGN)?.checked_next_multiple_of(align)?;
        let end = start.checked_add(size)?.checked_next_multiple_of(ALIGN)?;
        (end <= ARENA_BYTES && align <= 4096).then_some((start, end))
    };
    let used = USED.fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| claim(used).map(|(_, end)| end));
    let Some((start, _)) = used.ok().and_then(claim) else { return null_mut() };
    // SAFETY: the block and the bytes before it lie within the arena, and nobody else has them.
    unsafe {
        let block = ARENA.0.get().cast::<u8>().add(start);
        block.sub(ALIGN).cast::<usize>().write(size);
        block.cast()
    }
}

pub(crate) unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
    // SAFETY: needs no promise.
    unsafe { memalign(ALIGN, size) }
}

pub(crate) unsafe extern "C" fn page(size: usize) -> *mut c_void {
    // SAFETY: needs no promise.
    unsafe { memalign(4096, size) }
}

pub(crate) unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    // SAFETY: needs no promise. No byte of the arena was used before.
    count.checked_mul(size).map_or(null_mut(), |bytes| unsafe { memalign(ALIGN, bytes) })
}

pub(crate) unsafe extern "C" fn posix_memalign(result: *mut *mut c_void, align: usize, size: usize) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        *result = memalign(align, size);
        if (*result).is_null() { libc::ENOMEM } else { 0 }
    }
}

/// Only for blocks of the arena; for null, too.
pub(crate) unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: needs no promise.
    let new_block = unsafe { malloc(size) };
    if !new_block.is_null() && has(block) {
        // SAFETY: the blocks are the arena's, differ, and have these bytes.
        unsafe { move_to(block, new_block, size) };
    }
    new_block
}

/// Copies the bytes of a block of the arena, at most `most`.
///
/// # Safety
///
/// The first block is the arena's; the other one has room for `most` bytes, and is another one.
pub(crate) unsafe fn move_to(block: *mut c_void, new_block: *mut c_void, most: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let bytes = usable_size(block).min(most);
        core::ptr::copy_nonoverlapping(block.cast::<u8>(), new_block.cast(), bytes);
    }
}

pub(crate) unsafe extern "C" fn free(_: *mut c_void) {}

/// Only for blocks of the arena; for null, too.
pub(crate) unsafe extern "C" fn usable_size(block: *mut c_void) -> usize {
    if block.is_null() {
        return 0;
    }
    // SAFETY: the caller's promise: the block is the arena's, so its size is before it.
    unsafe { block.cast::<u8>().sub(ALIGN).cast::<usize>().read() }
}
