//! The processor's own counter, through Linux's `perf_event_open`: instructions of this thread in user mode.
//!
//! Many virtual machines do not expose the counter; the system then reports an error.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd};

/// `PERF_TYPE_HARDWARE` and its `PERF_COUNT_HW_INSTRUCTIONS`.
const INSTRUCTIONS: (u32, u64) = (0, 1);

/// Starts stopped, is never multiplexed with other counters (pinned), and excludes the kernel and the hypervisor.
const FLAGS: u64 = DISABLED | PINNED | EXCLUDE_KERNEL | EXCLUDE_HYPERVISOR;
const DISABLED: u64 = 1 << 0;
const PINNED: u64 = 1 << 2;
const EXCLUDE_KERNEL: u64 = 1 << 5;
const EXCLUDE_HYPERVISOR: u64 = 1 << 6;

const ENABLE: u32 = 0;
const DISABLE: u32 = 1;
const RESET: u32 = 3;

/// The first version of the kernel's `perf_event_attr`, which every later kernel accepts.
#[repr(C)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_kind: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    breakpoint_kind: u32,
    breakpoint_address: u64,
}

/// A counter of this thread.
#[derive(Debug)]
pub(super) struct Counter(File);

impl Counter {
    /// The counter of instructions.
    ///
    /// # Errors
    ///
    /// In words for a table: there is no counter, or this program may not use it.
    pub(super) fn instructions() -> Result<Self, String> {
        Self::open(INSTRUCTIONS).map_err(|error| match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENODEV | libc::EOPNOTSUPP) => "this machine has none".to_owned(),
            Some(libc::EACCES | libc::EPERM) => {
                "this program may not read it: see /proc/sys/kernel/perf_event_paranoid".to_owned()
            }
            _ => format!("perf_event_open: {error}"),
        })
    }

    fn open((kind, config): (u32, u64)) -> io::Result<Self> {
        let attributes = Attributes {
            kind,
            size: size_of::<Attributes>() as u32,
            config,
            sample_period: 0,
            sample_kind: 0,
            read_format: 0,
            flags: FLAGS,
            wakeup_events: 0,
            breakpoint_kind: 0,
            breakpoint_address: 0,
        };
        // This thread, on any processor, in no group, and not inherited by programs started later.
        let (thread, processor, group, close_on_exec) = (0, -1, -1, 1 << 3);
        // SAFETY: the kernel reads as many bytes as the structure declares, and writes none.
        let file = unsafe {
            libc::syscall(libc::SYS_perf_event_open, &raw const attributes, thread, processor, group, close_on_exec)
        };
        match i32::try_from(file) {
            // SAFETY: the kernel has just created this descriptor for this call alone.
            Ok(file @ 0..) => Ok(Counter(unsafe { File::from_raw_fd(file) })),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// The count added by `work`.
    ///
    /// # Errors
    ///
    /// In words for a table: the system's error, or that all counters of the processor were taken.
    pub(super) fn count(&mut self, work: &mut dyn FnMut()) -> Result<u64, String> {
        self.try_count(work).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => "perf_event: all counters of the processor were taken".to_owned(),
            _ => format!("perf_event: {error}"),
        })
    }

    fn try_count(&mut self, work: &mut dyn FnMut()) -> io::Result<u64> {
        self.control(RESET)?;
        self.control(ENABLE)?;
        work();
        self.control(DISABLE)?;
        let mut count = [0; size_of::<u64>()];
        self.0.read_exact(&mut count)?;
        Ok(u64::from_ne_bytes(count))
    }

    fn control(&self, request: u32) -> io::Result<()> {
        // SAFETY: these requests take no pointer.
        match unsafe { libc::ioctl(self.0.as_raw_fd(), libc::_IO(u32::from(b'$'), request), 0) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `PERF_TYPE_SOFTWARE` and its `PERF_COUNT_SW_TASK_CLOCK`: nanoseconds, which the kernel counts without any
    /// hardware.
    const TASK_CLOCK: (u32, u64) = (1, 1);

    fn work() {
        for number in 0..1_000_000_u32 {
            std::hint::black_box(number);
        }
    }

    #[test]
    fn a_counter_counts_the_work_and_restarts_at_zero() {
        // The same calls with the kernel's own clock, because most machines that run tests have no counter of
        // instructions.
        let mut counter = match Counter::open(TASK_CLOCK) {
            Ok(counter) => counter,
            Err(error) => return println!("skipped: perf_event_open gives this program nothing: {error}"),
        };
        let (long, short) =
            (counter.count(&mut || (0..20).for_each(|_| work())).unwrap(), counter.count(&mut work).unwrap());
        assert!(0 < short && short < long, "{short} ns once, {long} ns twenty times");
        assert!(long < 60_000_000_000, "{long} ns");
    }

    #[test]
    fn instructions_match_the_loop_or_the_system_gives_a_reason() {
        match Counter::instructions() {
            Ok(mut counter) => {
                let count = counter.count(&mut work).unwrap();
                assert!((1_000_000..50_000_000).contains(&count), "{count} instructions in a million rounds");
            }
            Err(reason) => {
                println!("skipped: no counter of instructions: {reason}");
                assert!(!reason.is_empty());
            }
        }
    }

    #[test]
    fn an_unknown_counter_is_an_error() {
        assert!(Counter::open((u32::MAX, 0)).is_err());
    }
}
