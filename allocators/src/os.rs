//! The only place that asks the host for memory: address space for the page heap, opened, emptied and given back.
//!
//! Linux is what Heaprace is tested on. The code for other Unix systems and for Windows is written from their documentation and has
//! **not been run**; reports of how it does are welcome.

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

    /// Takes address space that nothing can be read from or written to yet, and that no memory stands behind.
    pub(crate) fn reserve(bytes: usize) -> io::Result<NonNull<u8>> {
        // MAP_NORESERVE: a reservation far beyond the machine's memory is meant, and must not count against it.
        let flags = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE;
        // SAFETY: a new anonymous mapping at an address of the kernel's choice touches nothing that exists.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // Transparent huge pages would make 2 MiB resident at the first touched byte. A kernel without them says EINVAL: as well.
        #[cfg(target_os = "linux")]
        // SAFETY: the mapping is the one just made.
        unsafe {
            libc::madvise(start, bytes, libc::MADV_NOHUGEPAGE);
        }
        NonNull::new(start.cast()).ok_or_else(|| io::Error::other("the system mapped memory at address 0"))
    }

    /// Makes reserved memory readable and writable; it holds zeroes until it is written to.
    ///
    /// # Safety
    ///
    /// The bytes are whole host pages of one reservation.
    pub(crate) unsafe fn open(start: NonNull<u8>, bytes: usize) -> io::Result<()> {
        // SAFETY: the caller's.
        match unsafe { libc::mprotect(start.as_ptr().cast(), bytes, libc::PROT_READ | libc::PROT_WRITE) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Gives the memory behind open pages back and closes them: they are as just reserved.
    ///
    /// # Safety
    ///
    /// The bytes are whole host pages of one reservation, and nothing in them is used any more.
    pub(crate) unsafe fn close(start: NonNull<u8>, bytes: usize) -> io::Result<()> {
        // Linux guarantees that MADV_DONTNEED on private anonymous memory gives zeroes afterwards (MADV_FREE does not).
        #[cfg(target_os = "linux")]
        // SAFETY: the caller's.
        let failed = unsafe {
            libc::madvise(start.as_ptr().cast(), bytes, libc::MADV_DONTNEED) != 0
                || libc::mprotect(start.as_ptr().cast(), bytes, libc::PROT_NONE) != 0
        };
        // Elsewhere a new mapping over the old one does.
        #[cfg(not(target_os = "linux"))]
        // SAFETY: the caller's: what MAP_FIXED replaces is our own and unused.
        let failed = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE | libc::MAP_FIXED;
            libc::mmap(start.as_ptr().cast(), bytes, libc::PROT_NONE, flags, -1, 0) == libc::MAP_FAILED
        };
        if failed { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Bytes that the host has memory behind, or `None` where it does not tell.
    ///
    /// # Safety
    ///
    /// The bytes are whole host pages of one reservation.
    pub(crate) unsafe fn resident_bytes(start: NonNull<u8>, bytes: usize) -> Option<usize> {
        let page = host_page_bytes();
        let mut resident = vec![0; bytes.div_ceil(page)];
        // SAFETY: the caller's; the vector has a byte for each page.
        match unsafe { libc::mincore(start.as_ptr().cast(), bytes, resident.as_mut_ptr()) } {
            0 => Some(resident.iter().filter(|&&flags| flags & 1 != 0).count() * page),
            _ => None,
        }
    }

    /// Gives address space back.
    ///
    /// # Safety
    ///
    /// The bytes are one whole reservation, and nothing in it is used any more.
    pub(crate) unsafe fn release(start: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller's. A failure would leave address space behind, which harms nobody.
        unsafe { libc::munmap(start.as_ptr().cast(), bytes) };
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

    /// Takes address space that nothing can be read from or written to yet, and that no memory stands behind.
    pub(crate) fn reserve(bytes: usize) -> io::Result<NonNull<u8>> {
        // SAFETY: a new reservation at an address of the system's choice touches nothing that exists.
        let start = unsafe { VirtualAlloc(std::ptr::null(), bytes, MEM_RESERVE, PAGE_NOACCESS) };
        NonNull::new(start.cast()).ok_or_else(io::Error::last_os_error)
    }

    /// Makes reserved memory readable and writable; it holds zeroes until it is written to.
    ///
    /// # Safety
    ///
    /// The bytes are whole host pages of one reservation.
    pub(crate) unsafe fn open(start: NonNull<u8>, bytes: usize) -> io::Result<()> {
        // SAFETY: the caller's.
        let opened = unsafe { VirtualAlloc(start.as_ptr().cast(), bytes, MEM_COMMIT, PAGE_READWRITE) };
        if opened.is_null() { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Gives the memory behind open pages back and closes them: they are as just reserved.
    ///
    /// # Safety
    ///
    /// The bytes are whole host pages of one reservation, and nothing in them is used any more.
    pub(crate) unsafe fn close(start: NonNull<u8>, bytes: usize) -> io::Result<()> {
        // SAFETY: the caller's.
        match unsafe { VirtualFree(start.as_ptr().cast(), bytes, MEM_DECOMMIT) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    /// Bytes that the host has memory behind: not told on this system.
    ///
    /// # Safety
    ///
    /// None is needed; the other systems need some.
    pub(crate) unsafe fn resident_bytes(_start: NonNull<u8>, _bytes: usize) -> Option<usize> {
        None
    }

    /// Gives address space back.
    ///
    /// # Safety
    ///
    /// The bytes are one whole reservation, and nothing in it is used any more.
    pub(crate) unsafe fn release(start: NonNull<u8>, _bytes: usize) {
        // SAFETY: the caller's. A failure would leave address space behind, which harms nobody.
        unsafe { VirtualFree(start.as_ptr().cast(), 0, MEM_RELEASE) };
    }
}
