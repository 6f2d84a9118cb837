//! The processor of a thread: pinning, CPU time, and the number of threads.

use std::time::Duration;

/// The last processor that this process may run on. The first ones serve more interrupts.
///
/// # Errors
///
/// The reason why it is unknown, in words for a table.
pub fn last_allowed() -> Result<usize, String> {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_getaffinity};
        let allowed = sched_getaffinity(None).map_err(|error| format!("sched_getaffinity: {error}"))?;
        (0..CpuSet::MAX_CPU).rev().find(|&cpu| allowed.is_set(cpu)).ok_or_else(|| "no processor is allowed".to_owned())
    }
    #[cfg(not(target_os = "linux"))]
    Err("only Linux can pin a process here".to_owned())
}

/// Pins this thread, and threads that it starts from now on, to one processor.
///
/// # Errors
///
/// The reason why it cannot be pinned, in words for a table.
///
/// ```
/// # if cfg!(target_os = "linux") {
/// use heaprace_engine::time::processor;
///
/// let last = processor::last_allowed()?;
/// std::thread::spawn(move || processor::pin_to(last)).join().expect("it does not panic")?;
/// # }
/// # Ok::<(), String>(())
/// ```
pub fn pin_to(cpu: usize) -> Result<(), String> {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_setaffinity};
        if cpu >= CpuSet::MAX_CPU {
            return Err(format!("there is no processor {cpu}: they are numbered up to {}", CpuSet::MAX_CPU - 1));
        }
        let mut one = CpuSet::new();
        one.set(cpu);
        sched_setaffinity(None, &one).map_err(|error| format!("cannot be pinned to processor {cpu}: {error}"))
    }
    #[cfg(not(target_os = "linux"))]
    Err(format!("cannot be pinned to processor {cpu}: only Linux can pin a process here"))
}

/// CPU time of this thread; `None` if the system does not report it. Wall time beyond it was spent waiting for a
/// processor.
pub fn thread_time() -> Option<Duration> {
    #[cfg(unix)]
    {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // Uses the C library's call: rustix reads the vDSO itself, and crashes under valgrind, which hides it. SAFETY:
        // the clock is written to a local variable.
        let answer = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
        (answer == 0).then(|| Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
    }
    #[cfg(not(unix))]
    None
}

/// Checks that this process has had a single thread from its start until now.
///
/// Once a thread is created, glibc's mutexes, and with them its allocator and every contender with a lock, take a
/// slower path for the rest of the process, even after that thread has ended: `__libc_single_threaded` records this. If
/// the C library has no such variable, the current threads are counted.
///
/// # Errors
///
/// The process has or had more threads, in words for a table.
pub fn has_had_one_thread() -> Result<(), String> {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: the name is a C string.
        let flag = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__libc_single_threaded".as_ptr()) };
        // SAFETY: glibc's variable of this name is a char, written when the first thread is created.
        if !flag.is_null() && unsafe { flag.cast::<u8>().read_volatile() } == 0 {
            return Err("the process has had a second thread, after which locks are dearer".to_owned());
        }
    }
    #[cfg(target_os = "linux")]
    // Without /proc nothing can be counted.
    if std::fs::read_dir("/proc/self/task").is_ok_and(|tasks| tasks.count() > 1) {
        return Err("the process has a second thread".to_owned());
    }
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// A test process has threads. That a child has none shows whenever a child answers.
    #[test]
    fn a_second_thread_is_detected_after_it_has_ended() {
        std::thread::spawn(|| {}).join().unwrap();
        assert!(has_had_one_thread().unwrap_err().contains("second thread"));
    }

    #[test]
    fn a_pinned_thread_stays_on_its_processor() {
        let last = last_allowed().unwrap();
        let only = std::thread::spawn(move || {
            pin_to(last).unwrap();
            let allowed = rustix::thread::sched_getaffinity(None).unwrap();
            (allowed.count(), allowed.is_set(last))
        });
        assert_eq!(only.join().unwrap(), (1, true));
    }

    #[test]
    fn an_invalid_processor_number_is_an_error() {
        for cpu in [1023, 1024, usize::MAX] {
            let error = std::thread::spawn(move || pin_to(cpu)).join().unwrap().unwrap_err();
            assert!(error.contains(&cpu.to_string()), "{error}");
        }
    }

    #[test]
    fn a_sleeping_thread_takes_no_cpu_time() {
        let before = thread_time().unwrap();
        std::thread::sleep(Duration::from_millis(50));
        let slept = thread_time().unwrap() - before;
        assert!(slept < Duration::from_millis(25), "{slept:?}");
    }
}
