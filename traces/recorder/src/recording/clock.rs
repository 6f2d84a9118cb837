//! Measures how long the program runs while it is recorded.

#[cfg(target_os = "linux")]
pub(super) use linux::{exclude_this_thread, start, stop, total_ns};

#[cfg(target_os = "linux")]
mod linux {
    use core::mem::MaybeUninit;
    use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};

    static IS_RUNNING: AtomicBool = AtomicBool::new(false);
    /// The clock of the scribe's processor time.
    static SCRIBE: AtomicI32 = AtomicI32::new(libc::CLOCK_PROCESS_CPUTIME_ID);
    /// The wall time and the processor time when the clock was started, and the sums before that.
    static STARTED: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];
    static SUMS: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

    fn read_ns(clock: libc::clockid_t) -> u64 {
        let mut time = MaybeUninit::<libc::timespec>::zeroed();
        // SAFETY: the place is ours, and zeroes are a time. A clock that does not exist leaves it as it is.
        let time = unsafe {
            libc::clock_gettime(clock, time.as_mut_ptr());
            time.assume_init()
        };
        (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
    }

    fn now_ns() -> [u64; 2] {
        let scribe_ns = read_ns(SCRIBE.load(Ordering::Relaxed));
        [read_ns(libc::CLOCK_MONOTONIC), read_ns(libc::CLOCK_PROCESS_CPUTIME_ID).wrapping_sub(scribe_ns)]
    }

    /// Makes this thread the one whose processor time is not the program's.
    pub(in super::super) fn exclude_this_thread() {
        let mut clock = 0;
        // SAFETY: the thread is this one, and the place is ours.
        if unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut clock) } == 0 {
            SCRIBE.store(clock, Ordering::Relaxed);
        }
    }

    /// The program is recorded from here on.
    pub(in super::super) fn start() {
        STARTED.iter().zip(now_ns()).for_each(|(started, now)| started.store(now, Ordering::Relaxed));
        IS_RUNNING.store(true, Ordering::Release);
    }

    /// The program is recorded up to here. A signal handler may call this.
    pub(in super::super) fn stop() {
        if IS_RUNNING.swap(false, Ordering::AcqRel) {
            for ((sum, started), now) in SUMS.iter().zip(&STARTED).zip(now_ns()) {
                sum.fetch_add(now.saturating_sub(started.load(Ordering::Relaxed)), Ordering::Relaxed);
            }
        }
    }

    /// The wall time and the processor time between all starts and stops.
    pub(in super::super) fn total_ns() -> Option<[u64; 2]> {
        Some([0, 1].map(|which| SUMS[which].load(Ordering::Relaxed)))
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) use other::{exclude_this_thread, start, stop, total_ns};

/// Measures nothing.
#[cfg(not(target_os = "linux"))]
mod other {
    pub(in super::super) fn exclude_this_thread() {}

    pub(in super::super) fn start() {}

    pub(in super::super) fn stop() {}

    pub(in super::super) fn total_ns() -> Option<[u64; 2]> {
        None
    }
}
