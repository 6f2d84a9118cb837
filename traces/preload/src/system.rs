//! System calls that `malloc` may make on any thread at any time.
//!
//! The C library's `open`, `read`, `close` and `fallocate` are cancellation points: they end a thread that is to be
//! cancelled, in the midst of `malloc`. `syscall` is none.

use core::ffi::{CStr, c_int, c_long};

use heaprace_c_functions::errno;

/// Bytes in a page of the largest size that machines of this kind have, so that a range of such pages has whole pages
/// for itself.
pub(crate) const LARGEST_PAGE_BYTES: usize = if cfg!(target_arch = "x86_64") { 4096 } else { 65_536 };

/// Opens a file; its descriptor, or the `errno`.
pub(crate) fn open(path: &CStr, flags: c_int) -> Result<c_int, c_int> {
    let flags = flags | libc::O_CLOEXEC | libc::O_NOFOLLOW;
    // SAFETY: the path ends in a zero.
    let file = unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags, 0o600) };
    checked(file).map(|file| file as c_int)
}

/// Reads into the buffer, and returns how much; 0 at the end, or after an error.
pub(crate) fn read(file: c_int, buffer: &mut [u8]) -> usize {
    // SAFETY: the buffer is as long as is said.
    let read = unsafe { libc::syscall(libc::SYS_read, file, buffer.as_mut_ptr(), buffer.len()) };
    usize::try_from(read).unwrap_or(0)
}

/// Closes a file.
pub(crate) fn close(file: c_int) {
    // SAFETY: the caller's file, which nobody else knows.
    unsafe { libc::syscall(libc::SYS_close, file) };
}

/// Removes a file.
pub(crate) fn remove(path: &CStr) {
    // SAFETY: the path ends in a zero.
    unsafe { libc::syscall(libc::SYS_unlinkat, libc::AT_FDCWD, path.as_ptr(), 0) };
}

/// Makes a file this long.
pub(crate) fn truncate(file: c_int, bytes: usize) -> Result<(), c_int> {
    // SAFETY: numbers only.
    checked(unsafe { libc::syscall(libc::SYS_ftruncate, file, bytes) }).map(drop)
}

/// Reserves disk space for the file's first bytes.
pub(crate) fn allocate(file: c_int, bytes: usize) -> Result<(), c_int> {
    // SAFETY: numbers only.
    checked(unsafe { libc::syscall(libc::SYS_fallocate, file, 0, 0_usize, bytes) }).map(drop)
}

fn checked(result: c_long) -> Result<c_long, c_int> {
    if result < 0 { Err(errno()) } else { Ok(result) }
}

/// Runs `work` with all signals of this thread held back, those that cancel threads among them: no handler runs in it,
/// and nothing ends the thread while it has a lock. `errno` is as before.
pub(crate) fn without_signals<T>(work: impl FnOnce() -> T) -> T {
    const SET_BYTES: usize = size_of::<u64>();
    let errno = errno();
    let (all, mut before) = (u64::MAX, 0_u64);
    // SAFETY: the kernel's sets of signals have 64 bits here, and both are ours. The C library's function leaves out
    // the signals that cancel threads.
    unsafe {
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const all, &raw mut before, SET_BYTES);
    }
    let result = work();
    // SAFETY: as above.
    unsafe {
        let none = core::ptr::null_mut::<u64>();
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const before, none, SET_BYTES);
    }
    heaprace_c_functions::set_errno(errno);
    result
}

/// Lets another thread run.
pub(crate) fn yield_now() {
    // SAFETY: takes nothing.
    unsafe { libc::sched_yield() };
}
