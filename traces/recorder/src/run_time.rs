//! How long a recorded program ran, and how much of that was the recorder: a comment after the last event.

use core::fmt;

const PREFIX: &str = "run: ";

/// The times of a recorded run, from the beginning of the recording to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunTime {
    /// Time that passed, in nanoseconds.
    pub wall_ns: u64,
    /// Processor time of all threads of the program, in nanoseconds. The recorder's own thread does not count.
    pub cpu_ns: u64,
    /// Estimate of what the program's threads spent recording, in nanoseconds, summed over the threads.
    pub recorder_ns: u64,
}

/// The comment: `run: wall_ns=N cpu_ns=N recorder_ns=N`.
impl fmt::Display for RunTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RunTime { wall_ns, cpu_ns, recorder_ns } = self;
        write!(f, "{PREFIX}wall_ns={wall_ns} cpu_ns={cpu_ns} recorder_ns={recorder_ns}")
    }
}

/// The times that a comment gives; `None` if it is another comment.
///
/// ```
/// use heaprace_recorder::run_time::{RunTime, run_time};
///
/// let times = RunTime { wall_ns: 5_000_000, cpu_ns: 4_000_000, recorder_ns: 300_000 };
/// assert_eq!(run_time(&times.to_string()), Some(times));
/// assert_eq!(run_time("mark: request 3"), None);
/// ```
pub fn run_time(comment: &str) -> Option<RunTime> {
    let mut times = comment.strip_prefix(PREFIX)?.split(' ');
    let mut time = |name: &str| {
        let digits = times.next()?.strip_prefix(name)?.strip_prefix('=')?;
        if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
    };
    let found = RunTime { wall_ns: time("wall_ns")?, cpu_ns: time("cpu_ns")?, recorder_ns: time("recorder_ns")? };
    times.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_comment_has_no_times() {
        for comment in [
            "",
            "run: ",
            "run: wall_ns=1 cpu_ns=2",
            "run: cpu_ns=2 wall_ns=1 recorder_ns=3",
            "run: wall_ns=1 cpu_ns=2 recorder_ns=3 more=4",
            "run: wall_ns=1 cpu_ns=-2 recorder_ns=3",
            "run: wall_ns=1 cpu_ns= recorder_ns=3",
            "run: wall_ns=1 cpu_ns=18446744073709551616 recorder_ns=3",
        ] {
            assert_eq!(run_time(comment), None, "{comment}");
        }
    }
}
