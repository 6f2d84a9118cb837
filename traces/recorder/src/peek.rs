//! Looks at a block that another thread may free at any moment.
//!
//! At the end of a program, nobody holds its other threads. The system copies the bytes, and fails where there are none
//! any more; a plain read would end the program by a signal. Like [`pattern`], this code allocates nothing and does not
//! panic.

use crate::fill::Tail;
use crate::pattern;

/// The tail of a block, read through `buffer`; unknown if it cannot be read, and on other systems than Linux.
pub fn tail(address: usize, bytes: usize, buffer: &mut [u8]) -> Tail {
    let (mut end, mut fill) = (bytes, None);
    while end > 0 {
        let start = end.saturating_sub(buffer.len());
        let Some(part) = buffer.get_mut(..end - start).filter(|part| !part.is_empty()) else { return Tail::UNKNOWN };
        if !copy(address.wrapping_add(start), part) {
            return Tail::UNKNOWN;
        }
        // SAFETY: the bytes are those of the slice.
        let found = unsafe { pattern::tail(part.as_ptr(), part.len()) };
        if *fill.get_or_insert(found.fill) != found.fill {
            break;
        }
        end = start + found.from as usize;
        if found.from > 0 {
            break;
        }
    }
    Tail { fill: fill.unwrap_or(crate::fill::Fill::Pattern), from: end as u64 }
}

/// Copies bytes of this process, if they are there.
#[cfg(target_os = "linux")]
fn copy(address: usize, into: &mut [u8]) -> bool {
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = libc::iovec { iov_base: core::ptr::without_provenance_mut(address), iov_len: into.len() };
    // SAFETY: asks for a number.
    let process = unsafe { libc::getpid() };
    // SAFETY: the call writes to the slice only, and fails if the other bytes cannot be read.
    let copied = unsafe { libc::process_vm_readv(process, &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(copied) == Ok(into.len())
}

/// Copies nothing.
#[cfg(not(target_os = "linux"))]
fn copy(_: usize, _: &mut [u8]) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::fill::Fill;
    use crate::pattern::PATTERN;

    #[test]
    fn the_tail_is_the_same_as_by_plain_reads_whatever_the_buffer() {
        for (value, other) in [(0, 7), (PATTERN, 7), (PATTERN, 0), (0, PATTERN), (7, 7)] {
            for written in [0, 1, 63, 64, 65, 128, 200, 999, 1000] {
                let mut block = vec![value; 1000];
                block[..written].fill(other);
                // SAFETY: the bytes are those of the vector.
                let expected = unsafe { pattern::tail(block.as_ptr(), block.len()) };
                for length in [1, 64, 100, 4096] {
                    assert_eq!(tail(block.as_ptr().addr(), block.len(), &mut vec![0; length]), expected);
                }
            }
        }
        assert_eq!(tail(0, 0, &mut [0]), Tail { fill: Fill::Pattern, from: 0 });
    }

    #[test]
    fn where_nothing_is_nothing_is_known() {
        assert_eq!(tail(8, 100, &mut [0; 64]), Tail::UNKNOWN);
        assert_eq!(tail(usize::MAX - 10, 100, &mut [0; 64]), Tail::UNKNOWN);
        assert_eq!(tail(8, 100, &mut []), Tail::UNKNOWN);
    }
}
