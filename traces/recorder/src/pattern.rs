//! Fills the bytes of blocks before a program gets them, and looks at them before it gives them back.
//!
//! The preloaded library of `replay record` runs this code within `malloc`: it does not allocate, takes no lock, does
//! not panic, and leaves `errno` as it is.

use crate::fill::{Fill, Tail};

/// The byte that new blocks are filled with. It occurs in no UTF-8 text, and numbers rarely end with it: as the highest
/// byte of an integer it is a number of a large amount, and as that of a float one near 10^±258.
pub const PATTERN: u8 = 0xf5;

/// Blocks from this size on are not written if the system can empty them: filling a large reservation would make all of
/// its pages resident.
const LARGE_BYTES: usize = 256 * 1024;

/// The largest page of the machines that this runs on.
const PAGE_BYTES: usize = 64 * 1024;

/// Fills new bytes, and says with what.
///
/// If they are many and `is_private`, the system takes their pages away instead. Then they hold zeroes, and are
/// resident only once the program writes them.
///
/// # Safety
///
/// The bytes are valid for writes, and nobody relies on what they hold. They may be `is_private` only if they lie in
/// private anonymous memory, as those of the system's allocator do.
#[inline]
pub unsafe fn fill(start: *mut u8, bytes: usize, is_private: bool) -> Fill {
    // SAFETY: the caller's promise.
    if bytes >= LARGE_BYTES && is_private && unsafe { empty(start, bytes) } {
        return Fill::Zeroes;
    }
    // SAFETY: the caller's promise.
    unsafe { start.write_bytes(PATTERN, bytes) };
    Fill::Pattern
}

/// Makes bytes zeroes, and their whole pages absent. `false`, and nothing has changed, if the system does not.
///
/// # Safety
///
/// As for [`fill`] with private bytes, of which there are at least two pages.
#[cfg(target_os = "linux")]
#[cold]
#[inline(never)]
unsafe fn empty(start: *mut u8, bytes: usize) -> bool {
    let head = start.addr().wrapping_neg() % PAGE_BYTES;
    let tail = start.addr().wrapping_add(bytes) % PAGE_BYTES;
    let pages = bytes - head - tail;
    // SAFETY: the address is always this thread's own `errno`.
    let errno = unsafe { *libc::__errno_location() };
    // SAFETY: the pages lie within the bytes, whose content nobody needs. Private anonymous pages are zeroes after this
    // call. It fails if they are locked.
    let emptied = unsafe { libc::madvise(start.add(head).cast(), pages, libc::MADV_DONTNEED) } == 0;
    // SAFETY: as above; the bytes before and after the pages are among those of the caller's promise.
    unsafe {
        *libc::__errno_location() = errno;
        if emptied {
            start.write_bytes(0, head);
            start.add(head + pages).write_bytes(0, tail);
        }
    }
    emptied
}

/// Does nothing: only Linux promises zeroes.
///
/// # Safety
///
/// None is needed.
#[cfg(not(target_os = "linux"))]
unsafe fn empty(_: *mut u8, _: usize) -> bool {
    let _ = PAGE_BYTES;
    false
}

/// The run of zeroes or [`PATTERN`] at the end of a block. Its last byte decides between the two; if it is neither, the
/// run is empty.
///
/// # Safety
///
/// The bytes are valid for reads.
#[inline]
pub unsafe fn tail(start: *const u8, bytes: usize) -> Tail {
    const WORD_BYTES: usize = size_of::<u64>();
    // The program may have copied bytes into the block that the compiler regards as uninitialised. It cannot know what
    // a volatile read gives.
    // SAFETY: for a place before `bytes`, the caller's promise.
    let byte = |place: usize| unsafe { start.add(place).read_volatile() };
    // SAFETY: for a place such that the word lies before `bytes` and is aligned, the caller's promise.
    let word = |place: usize| unsafe { start.add(place).cast::<u64>().read_volatile() };
    let (fill, value) = match bytes {
        0 => (Fill::Pattern, PATTERN),
        _ if byte(bytes - 1) == 0 => (Fill::Zeroes, 0),
        _ => (Fill::Pattern, PATTERN),
    };
    let (mut from, wanted) = (bytes, u64::from_ne_bytes([value; WORD_BYTES]));
    loop {
        let is_aligned = start.addr().wrapping_add(from).is_multiple_of(WORD_BYTES);
        if is_aligned && from >= WORD_BYTES && word(from - WORD_BYTES) == wanted {
            from -= WORD_BYTES;
        } else if from > 0 && byte(from - 1) == value {
            from -= 1;
        } else {
            return Tail { fill, from: from as u64 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail_of(bytes: &[u8]) -> Tail {
        // SAFETY: the bytes are those of the slice.
        unsafe { tail(bytes.as_ptr(), bytes.len()) }
    }

    #[test]
    fn the_run_at_the_end_is_found_to_the_byte() {
        for (value, fill) in [(0, Fill::Zeroes), (PATTERN, Fill::Pattern)] {
            for length in 0..70 {
                for start in 0..9 {
                    let mut bytes = [value; 80];
                    bytes[..start + length].fill(7);
                    let found = tail_of(&bytes[start..]);
                    assert_eq!(found, Tail { fill, from: length as u64 }, "{length} after {start}");
                }
            }
        }
        assert_eq!(tail_of(&[]).from, 0);
        assert_eq!(tail_of(&[7; 100]), Tail { fill: Fill::Pattern, from: 100 });
        assert_eq!(tail_of(&[PATTERN, 0, 0]), Tail { fill: Fill::Zeroes, from: 1 });
    }

    #[test]
    fn what_is_filled_is_unwritten_whatever_its_size_and_place() {
        let mut bytes = vec![7_u8; 3 * LARGE_BYTES];
        for (start, length, is_private) in
            [(1, 100, true), (3, LARGE_BYTES, true), (0, 2 * LARGE_BYTES, true), (5, 2 * LARGE_BYTES, false)]
        {
            bytes.fill(7);
            // SAFETY: the bytes are those of the vector. The system's allocator has them from private memory.
            let fill = unsafe { fill(bytes[start..].as_mut_ptr(), length, is_private) };
            assert_eq!(tail_of(&bytes[start..start + length]), Tail { fill, from: 0 });
            assert!(bytes[..start].iter().chain(&bytes[start + length..]).all(|&byte| byte == 7), "beyond the bytes");
            let is_emptied = cfg!(target_os = "linux") && is_private && length >= LARGE_BYTES;
            assert_eq!(fill, if is_emptied { Fill::Zeroes } else { Fill::Pattern });
        }
    }
}
