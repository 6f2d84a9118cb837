//! The signals that end a process: before they do, the scribe gets the time to finish the trace.

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

    /// The signals that ask a process to end, and that of its own abort. A fault such as `SIGSEGV` is not among them:
    /// the standard library has its own handler for it, and the memory may be damaged.
    const DEADLY: [c_int; 4] = [libc::SIGABRT, libc::SIGHUP, libc::SIGINT, libc::SIGTERM];
    /// How often the handler looks for the end. A signal may interrupt a thread that has a lock which the scribe needs;
    /// then the end of the trace is lost.
    const MOST_POLLS: u32 = 3000;
    const POLL: Duration = Duration::from_millis(1);

    /// Has the trace finished before a signal ends the process. A signal that the program handles or ignores is left to
    /// the program.
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
        // Libraries that install a handler call the previous one. Then they decide what the signal does.
        if disposition(signal) != handler() {
            return;
        }
        if matches!(gate::phase(), Phase::Open | Phase::Stopped | Phase::Ended) && gate::is_attended() {
            gate::set(Phase::Ended);
            scribe::end();
            let mut polls = 0;
            while !scribe::is_done() && polls < MOST_POLLS {
                // This sleep is a call that a handler may make, and allocates nothing.
                thread::sleep(POLL);
                polls += 1;
            }
        }
        // SAFETY: this handler replaced the default. The signal arrives when the handler returns.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
    }
}
