//! Starts a thread that the recorded program does not notice.

use std::io;
#[cfg(not(unix))]
use std::thread;

/// Starts a thread that does `work`. It bypasses the standard library, whose list of threads would otherwise begin with
/// ours: what it allocates for that list would be missing from the program's own allocations. No signal reaches the
/// thread: a signal that the program waits for in one of its own threads must not be handled by ours.
#[cfg(unix)]
pub(super) fn spawn<F: FnOnce() + Send>(work: Box<F>) -> io::Result<()> {
    use core::ffi::c_void;
    use core::mem::MaybeUninit;
    extern "C" fn run<F: FnOnce()>(work: *mut c_void) -> *mut c_void {
        // SAFETY: the pointer is that of the box below, which nobody else has.
        let work = unsafe { Box::from_raw(work.cast::<F>()) };
        work();
        core::ptr::null_mut()
    }
    let work = Box::into_raw(work);
    let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    let mut thread = MaybeUninit::uninit();
    // SAFETY: the sets are ours; the first is filled before it is read, and the second by the call that returns the old
    // one. A thread inherits the mask of the one that starts it. The place of the thread is ours, the attributes are
    // the default ones, and the function takes this pointer.
    let error = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
        let error = libc::pthread_create(thread.as_mut_ptr(), core::ptr::null(), run::<F>, work.cast());
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), core::ptr::null_mut());
        error
    };
    if error != 0 {
        // SAFETY: no thread was created, so this is the only pointer.
        drop(unsafe { Box::from_raw(work) });
        return Err(io::Error::from_raw_os_error(error));
    }
    // SAFETY: the thread was created, which has filled the place; nobody joins it.
    unsafe { libc::pthread_detach(thread.assume_init()) };
    Ok(())
}

/// Starts a thread that does `work`.
#[cfg(not(unix))]
pub(super) fn spawn<F: FnOnce() + Send + 'static>(work: Box<F>) -> io::Result<()> {
    thread::Builder::new().spawn(work).map(drop)
}
