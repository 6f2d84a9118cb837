//! Signals: those that would end the process give the scribe the time to finish, and those that the program waits for never reach it.

/// Runs `work`, in which no signal reaches this thread, nor ever the threads that it starts: a signal that the program waits for in
/// one of its own threads must not be handled by one of ours.
#[cfg(unix)]
pub(super) fn blocked<T>(work: impl FnOnce() -> T) -> T {
    use core::mem::MaybeUninit;
    let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: the sets are ours; the first is filled before it is read, and the second by the call that has it.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
    }
    let result = work();
    // SAFETY: the set is what the call above has filled.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), core::ptr::null_mut()) };
    result
}

/// Runs `work`.
#[cfg(not(unix))]
pub(super) fn blocked<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[cfg(unix)]
pub(super) use unix::finish_before_deadly_ones;

/// Does nothing.
#[cfg(not(unix))]
pub(super) fn finish_before_deadly_ones() {}

#[cfg(unix)]
mod unix {
    use core::ffi::c_int;
    use core::mem;
    use std::thread;
    use std::time::Duration;

    use super::super::gate::{self, Phase};
    use super::super::scribe;

    /// What ends a process that is asked to end, or that ends itself. A fault (`SIGSEGV` and its like) is not among them: the standard
    /// library has its own handler for that, and memory that is damaged should not be worked with.
    const DEADLY: [c_int; 4] = [libc::SIGABRT, libc::SIGHUP, libc::SIGINT, libc::SIGTERM];
    /// A signal may come where the scribe cannot go on, because this thread has a lock that it needs. Then the end of the trace is lost.
    const MOST_POLLS: u32 = 3000;
    const POLL: Duration = Duration::from_millis(1);

    /// Has the trace finished before a signal ends the process. Where the program handles a signal itself, or ignores it, it is left
    /// to the program.
    pub(in super::super) fn finish_before_deadly_ones() {
        for signal in DEADLY {
            // SAFETY: the action is ours, and zeroes are one; the handler keeps to what a handler may do.
            unsafe {
                if disposition(signal) == libc::SIG_DFL {
                    let mut action: libc::sigaction = mem::zeroed();
                    action.sa_sigaction = handler();
                    action.sa_flags = libc::SA_ONSTACK | libc::SA_RESTART;
                    libc::sigaction(signal, &raw const action, core::ptr::null_mut());
                }
            }
        }
    }

    fn handler() -> libc::sighandler_t {
        finish_and_die as extern "C" fn(c_int) as libc::sighandler_t
    }

    fn disposition(signal: c_int) -> libc::sighandler_t {
        // SAFETY: the action is ours, and zeroes are one; nothing is changed.
        unsafe {
            let mut action: libc::sigaction = mem::zeroed();
            libc::sigaction(signal, core::ptr::null(), &raw mut action);
            action.sa_sigaction
        }
    }

    extern "C" fn finish_and_die(signal: c_int) {
        // Libraries that install a handler call the one before. Then it is theirs to decide what the signal does.
        if disposition(signal) != handler() {
            return;
        }
        if matches!(gate::phase(), Phase::Open | Phase::Stopped | Phase::Ended) && gate::is_attended() {
            gate::set(Phase::Ended);
            scribe::end();
            let mut polls = 0;
            while !scribe::is_done() && polls < MOST_POLLS {
                // It sleeps with a call that a handler may make, and allocates nothing.
                thread::sleep(POLL);
                polls += 1;
            }
        }
        // SAFETY: the default is what this handler took the place of. The signal arrives when the handler returns.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
    }
}
