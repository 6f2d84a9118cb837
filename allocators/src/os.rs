//! The only place that requests memory from the host: it reserves, opens, empties and releases address space for the
//! page heap.
//!
//! Heaprace is tested on Linux. The code for other Unix systems and for Windows follows their documentation and has
//! **not been run**; reports are welcome.

use std::io;
use std::ptr::NonNull;

#[cfg(unix)]
pub(crate) use unix::*;
#[cfg(windows)]
pub(crate) use windows::*;

#[cfg(unix)]
mod unix {
    use super::*;

    /// Bytes in one page of the host.
    pub(crate) fn host_page_bytes() -> usize {
        // SAFETY: a pure query.
        let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        usize::try_from(bytes).unwrap_or(4096)
    }

    /// Reserves `bytes` bytes of address space at a multiple of `align`. They are not accessible yet, and use no
    /// memory.
    ///
    /// `bytes` is a multiple of the host's page size, `align` is a power of two and at least that size, and their sum
    /// fits into a `usize`.
    pub(crate) fn reserve(bytes: usize, align: usize) -> io::Result<NonNull<u8>> {
        // If a limit on address space (`ulimit -v`) leaves no room for the surplus, there may still be room for the
        // bytes alone.
        let start = reserve_with_surplus(bytes, align).or_else(|_| reserve_by_hints(bytes, align))?;
        // Transparent huge pages would make 2 MiB resident at the first touched byte. A kernel without them answers
        // EINVAL, which is harmless.
        #[cfg(target_os = "linux")]
        // SAFETY: this is the mapping just made.
        unsafe {
            libc::madvise(start.as_ptr().cast(), bytes, libc::MADV_NOHUGEPAGE);
        }
        Ok(start)
    }

    /// Reserves `align` bytes too many, which guarantees an aligned address among them, and releases the rest on both
    /// sides.
    pub(super) fn reserve_with_surplus(bytes: usize, align: usize) -> io::Result<NonNull<u8>> {
        let surplus = align - host_page_bytes();
        let taken = map(0, bytes + surplus)?;
        let before = taken.addr().get().wrapping_neg() % align;
        // SAFETY: `before` is at most the surplus, so all three pieces are whole host pages of the mapping just made.
        unsafe {
            let start = taken.add(before);
            release(taken, before);
            release(start.add(bytes), surplus - before);
            Ok(start)
        }
    }

    /// Reserves exactly `bytes` at an address suggested to the kernel. Candidates are the multiples of `align` nearest
    /// to the address that the kernel would choose itself, above and below it, because some systems fill the address
    /// space from its lower end and others from its upper end.
    pub(super) fn reserve_by_hints(bytes: usize, align: usize) -> io::Result<NonNull<u8>> {
        const CANDIDATES: usize = 1024;
        let mut start = map(0, bytes)?;
        let near = start.addr().get() & !(align - 1);
        let distances = (0..CANDIDATES / 2).map(|distance| distance * align);
        let mut candidates =
            distances.flat_map(|distance| [near.checked_sub(distance), near.checked_add(distance + align)]);
        while !start.addr().get().is_multiple_of(align) {
            // SAFETY: this is the mapping just made, which is still unused.
            unsafe { release(start, bytes) };
            let Some(candidate) = candidates.next() else {
                return Err(io::Error::other(format!("no free address among {CANDIDATES} multiples of {align}")));
            };
            start = map(candidate.unwrap_or(0), bytes)?;
        }
        Ok(start)
    }

    /// Maps address space alone, at `hint` if that is free, otherwise wherever the kernel chooses.
    fn map(hint: usize, bytes: usize) -> io::Result<NonNull<u8>> {
        // MAP_NORESERVE: reserving far more than the machine's memory is intended, and must not count against it.
        let flags = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE;
        let hint = std::ptr::without_provenance_mut(hint);
        // SAFETY: without MAP_FIXED, a new anonymous mapping replaces no existing one.
        let start = unsafe { libc::mmap(hint, bytes, libc::PROT_NONE, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(start.cast()).ok_or_else(|| io::Error::other("the system mapped memory at address 0"))
    }

    /// Makes reserved memory readable and writable; it holds zeroes until it is written to.
    ///
    /// # Safety
    ///
    /// The bytes are whole host pages of one reservation.
    pub(crate) unsafe fn open(start: NonNull<u8>, bytes: usize) -> io::Result<()> {
        // SAFETY: upheld by the caller.
        match unsafe { libc::mprotect(start.as_ptr().cast(), bytes, libc::PROT_READ | libc::PROT_WRITE) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Returns the memory of open pages to the system and closes them: they are as if just reserved.
    ///
    /// # Safety
    ///
    /// The bytes are whole host pages of one reservation, and nothing in them is in use any more.
    pub(crate) unsafe fn close(start: NonNull<u8>, bytes: usize) -> io::Result<()> {
        // Linux guarantees that private anonymous memory reads as zeroes after MADV_DONTNEED (not after MADV_FREE).
        #[cfg(target_os = "linux")]
        // SAFETY: upheld by the caller.
        let failed = unsafe {
            libc::madvise(start.as_ptr().cast(), bytes, libc::MADV_DONTNEED) != 0
                || libc::mprotect(start.as_ptr().cast(), bytes, libc::PROT_NONE) != 0
        };
        // Elsewhere a new mapping over the old one has the same effect.
        #[cfg(not(target_os = "linux"))]
        // SAFETY: upheld by the caller: MAP_FIXED replaces our own, unused memory.
        let failed = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE | libc::MAP_FIXED;
            libc::mmap(start.as_ptr().cast(), bytes, libc::PROT_NONE, flags, -1, 0) == libc::MAP_FAILED
        };
        if failed { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Bytes resident in the host's memory, or `None` if unknown.
    ///
    /// # Safety
    ///
    /// The bytes are whole host pages of one reservation.
    pub(crate) unsafe fn resident_bytes(start: NonNull<u8>, bytes: usize) -> Option<usize> {
        let page = host_page_bytes();
        let mut resident = vec![0; bytes.div_ceil(page)];
        // SAFETY: upheld by the caller; the vector has a byte for each page.
        match unsafe { libc::mincore(start.as_ptr().cast(), bytes, resident.as_mut_ptr()) } {
            0 => Some(resident.iter().filter(|&&flags| flags & 1 != 0).count() * page),
            _ => None,
        }
    }

    /// Releases address space.
    ///
    /// # Safety
    ///
    /// The bytes are whole host pages of one reservation (or none), and nothing in them is in use any more.
    pub(crate) unsafe fn release(start: NonNull<u8>, bytes: usize) {
        if bytes > 0 {
            // SAFETY: upheld by the caller. A failure only leaves the address space reserved, which is harmless.
            unsafe { libc::munmap(start.as_ptr().cast(), bytes) };
        }
    }
}

#[cfg(windows)]
mod windows {
    use super::*;
    use windows_sys::Win32::System::Memory::{
        MEM_COMMIT, MEM_DECOMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_NOACCESS, PAGE_READWRITE, VirtualAlloc, VirtualFree,
    };

    /// Bytes in one page of the host.
    pub(crate) fn host_page_bytes() -> usize {
        4096
    }

    /// Reserves `bytes` bytes of address space at a multiple of `align`. They are not accessible yet, and use no
    /// memory.
    ///
    /// `align` is a power of two of at least 64 KiB, the system's granularity of reservations, and the sum of both fits
    /// into a `usize`.
    pub(crate) fn reserve(bytes: usize, align: usize) -> io::Result<NonNull<u8>> {
        const ATTEMPTS: usize = 16;
        // A reservation cannot be released in part. So this finds an address with a larger reservation, releases it,
        // and reserves that address again without the surplus. Another thread may take it in between, hence several
        // attempts.
        let attempt = || {
            let taken = map(0, bytes + align)?;
            let start = taken.addr().get().next_multiple_of(align);
            // SAFETY: this is the reservation just made, which is still unused.
            unsafe { release(taken, bytes + align) };
            map(start, bytes)
        };
        (1..ATTEMPTS).find_map(|_| attempt().ok()).map_or_else(attempt, Ok)
    }

    /// A reservation at this address, or wherever the system chooses if it is 0.
    fn map(address: usize, bytes: usize) -> io::Result<NonNull<u8>> {
        let address = std::ptr::without_provenance(address);
        // SAFETY: a new reservation overlaps nothing that exists: the system rejects an address that is taken.
        let start = unsafe { VirtualAlloc(address, bytes, MEM_RESERVE, PAGE_NOACCESS) };
        NonNull::new(start.cast()).ok_or_else(io::Error::last_os_error)
    }

    /// Makes reserved memory readable and writable; it holds zeroes until it is written to.
    ///
    /// # Safety
    ///
    /// The bytes are whole host pages of one reservation.
    pub(crate) unsafe fn open(start: NonNull<u8>, bytes: usize) -> io::Result<()> {
        // SAFETY: upheld by the caller.
        let opened = unsafe { VirtualAlloc(start.as_ptr().cast(), bytes, MEM_COMMIT, PAGE_READWRITE) };
        if opened.is_null() { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Returns the memory of open pages to the system and closes them: they are as if just reserved.
    ///
    /// # Safety
    ///
    /// The bytes are whole host pages of one reservation, and nothing in them is in use any more.
    pub(crate) unsafe fn close(start: NonNull<u8>, bytes: usize) -> io::Result<()> {
        // SAFETY: upheld by the caller.
        match unsafe { VirtualFree(start.as_ptr().cast(), bytes, MEM_DECOMMIT) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    /// Bytes resident in the host's memory: unknown on this system.
    ///
    /// # Safety
    ///
    /// No requirements here; the other systems have some.
    pub(crate) unsafe fn resident_bytes(_start: NonNull<u8>, _bytes: usize) -> Option<usize> {
        None
    }

    /// Releases address space.
    ///
    /// # Safety
    ///
    /// The bytes are one whole reservation, and nothing in it is in use any more.
    pub(crate) unsafe fn release(start: NonNull<u8>, _bytes: usize) {
        // SAFETY: upheld by the caller. A failure only leaves the address space reserved, which is harmless.
        unsafe { VirtualFree(start.as_ptr().cast(), 0, MEM_RELEASE) };
    }
}

#[cfg(all(test, unix, target_pointer_width = "64"))]
mod tests {
    use super::*;

    const ALIGN: usize = 1 << 32;

    #[test]
    fn both_ways_to_reserve_give_aligned_space_that_opens_to_its_last_byte() {
        for reserve in [unix::reserve_with_surplus, unix::reserve_by_hints] {
            let bytes = 4 * host_page_bytes();
            let starts: Vec<_> = (0..5).map(|_| reserve(bytes, ALIGN).unwrap()).collect();
            for (index, &start) in starts.iter().enumerate() {
                assert!(start.addr().get().is_multiple_of(ALIGN) && !starts[..index].contains(&start));
                // SAFETY: these are whole host pages of one reservation, without another user.
                unsafe {
                    open(start, bytes).unwrap();
                    assert_eq!(start.add(bytes - 1).read(), 0);
                    start.write_bytes(1, bytes);
                    assert_eq!(start.add(bytes - 1).read(), 1);
                }
            }
            for start in starts {
                // SAFETY: this is one whole reservation, not in use any more.
                unsafe { release(start, bytes) };
            }
        }
    }
}
