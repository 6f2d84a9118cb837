//! Signals while a program is recorded: they are the program's, and `replay` goes on until the trace is written.
//!
//! The keyboard's reach the program by themselves, because it is in the same process group. All others are passed on to
//! it. A signal that `replay` ignores is ignored by the program, too.

use std::io;
use std::mem;
use std::process::{Child, ExitStatus};
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

const HELD: [libc::c_int; 4] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM];

/// The program, while it runs; otherwise 0.
static CHILD: AtomicI32 = AtomicI32::new(0);
/// Signals that wait for the program to start, a bit each.
static WAITING: AtomicU32 = AtomicU32::new(0);
/// Signals that came, whatever became of them.
static SEEN: AtomicU32 = AtomicU32::new(0);

/// Holds the signals until it is dropped. The program itself starts with the signals as they were.
pub(super) struct HeldSignals {
    before: Vec<(libc::c_int, libc::sigaction)>,
}

impl HeldSignals {
    pub(super) fn new() -> Self {
        let held = HELD.map(|signal| replace(signal, pass_on as *const () as usize));
        // A file size limit: the write fails, and that is reported.
        let limit = replace(libc::SIGXFSZ, nothing as *const () as usize);
        HeldSignals { before: held.into_iter().chain([limit]).flatten().collect() }
    }

    /// Waits until the program has ended. Signals are passed on to it until then.
    pub(super) fn wait(&self, mut child: Child) -> io::Result<ExitStatus> {
        let process = child.id() as libc::pid_t;
        CHILD.store(process, Ordering::SeqCst);
        send_waiting();
        // It keeps its number until it is waited for below, so no signal reaches another process.
        loop {
            // SAFETY: the kernel fills it, and zeroes are valid numbers.
            let mut info: libc::siginfo_t = unsafe { mem::zeroed() };
            // SAFETY: the place is ours.
            let waited = unsafe {
                libc::waitid(libc::P_PID, process as libc::id_t, &raw mut info, libc::WEXITED | libc::WNOWAIT)
            };
            if waited == 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                break;
            }
        }
        CHILD.store(0, Ordering::SeqCst);
        child.wait()
    }

    /// How many signals came so far.
    pub(super) fn seen(&self) -> u32 {
        SEEN.load(Ordering::Relaxed)
    }
}

impl Drop for HeldSignals {
    fn drop(&mut self) {
        for (signal, before) in &self.before {
            // SAFETY: sets back what was there.
            unsafe { libc::sigaction(*signal, before, ptr::null_mut()) };
        }
    }
}

/// Sets a handler, and returns what was there; `None` if the signal is ignored, which it stays.
fn replace(signal: libc::c_int, handler: usize) -> Option<(libc::c_int, libc::sigaction)> {
    // SAFETY: zeroes are valid numbers, and an empty set of signals.
    let (mut before, mut action): (libc::sigaction, libc::sigaction) = unsafe { (mem::zeroed(), mem::zeroed()) };
    action.sa_sigaction = handler;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
    // SAFETY: the places are ours. The handlers only do what a handler may do at any time; `exec` sets them back to the
    // default.
    unsafe {
        if libc::sigaction(signal, ptr::null(), &raw mut before) != 0 || before.sa_sigaction == libc::SIG_IGN {
            return None;
        }
        libc::sigaction(signal, &raw const action, ptr::null_mut());
    }
    Some((signal, before))
}

extern "C" fn nothing(_: libc::c_int, _: *mut libc::siginfo_t, _: *mut libc::c_void) {}

extern "C" fn pass_on(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    SEEN.fetch_add(1, Ordering::Relaxed);
    // SAFETY: the kernel gives a handler with `SA_SIGINFO` its information.
    let is_from_process = unsafe { (*info).si_code } <= 0;
    if is_from_process {
        WAITING.fetch_or(1 << signal, Ordering::SeqCst);
        send_waiting();
    }
}

/// Sends the signals that wait to the program, if it runs. A handler may call this.
fn send_waiting() {
    let child = CHILD.load(Ordering::SeqCst);
    if child <= 0 {
        return;
    }
    let waiting = WAITING.swap(0, Ordering::SeqCst);
    for signal in HELD.into_iter().filter(|signal| waiting & 1 << signal != 0) {
        // SAFETY: the place of this thread's `errno`; sending a signal may change it, and a handler must not. The child
        // has not been waited for, so the number is its own.
        unsafe {
            let errno = *libc::__errno_location();
            libc::kill(child, signal);
            *libc::__errno_location() = errno;
        }
    }
}
