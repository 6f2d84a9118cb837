//! The state of the machine while contenders were timed: the basis of warnings.

use std::fs;
use std::time::Instant;

use crate::time::sample::Sample;

/// Observations made while contenders were timed.
#[derive(Clone, Debug, PartialEq)]
pub struct Conditions {
    /// Wall time of all timed replays together, including resetting the heap and creating the contender.
    pub wall_ns: u64,
    /// The same by the CPU clock, which stops while the thread is not running; `None` if the system has no such clock.
    pub processor_ns: Option<u64>,
    /// Time of all processors since the first round; `None` if the system does not report it.
    pub processors: Option<Ticks>,
    /// The smallest difference between two readings of the clock.
    pub clock_step_ns: u64,
    /// Why contenders were not pinned to a processor, if they should have been.
    pub not_pinned: Option<String>,
}

impl Conditions {
    /// The state before the first round.
    pub(crate) fn at_start() -> Self {
        Conditions {
            wall_ns: 0,
            processor_ns: Some(0),
            processors: None,
            clock_step_ns: clock_step_ns(),
            not_pinned: None,
        }
    }

    /// Adds one contender's part of a round.
    pub(crate) fn add(&mut self, sample: &Sample) {
        self.wall_ns += sample.all.wall_ns;
        self.processor_ns = self.processor_ns.zip(sample.all.processor_ns).map(|(sum, more)| sum + more);
    }
}

/// Time of all processors, in the kernel's ticks (usually 10 ms each).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticks {
    /// All time, including idle time.
    pub all: u64,
    /// Time that the hypervisor kept for itself or gave to others, while there was work to do here.
    pub stolen: u64,
}

impl Ticks {
    /// Ticks since the system was started.
    pub(crate) fn now() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal; guests' time is part of
    /// user and nice.
    fn parse(text: &str) -> Option<Self> {
        let figures = text.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
        let figures: Vec<u64> = figures.take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
        Some(Ticks { all: figures.iter().sum(), stolen: *figures.get(7)? })
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Ticks { all: self.all.saturating_sub(before.all), stolen: self.stolen.saturating_sub(before.stolen) }
    }
}

/// The smallest difference other than 0 between two successive readings of the clock: its step, or the cost of a
/// reading if the step is finer.
fn clock_step_ns() -> u64 {
    let step = |_| {
        let start = Instant::now();
        loop {
            let step = start.elapsed().as_nanos() as u64;
            if step > 0 {
                return step;
            }
        }
    };
    (0..1000).map(step).min().expect("there are many readings")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stolen_time_is_the_eighth_figure() {
        let text = "cpu  100 20 30 1000 5 0 7 40 99 98\ncpu0 1 2 3\n";
        let ticks = Ticks::parse(text).unwrap();
        assert_eq!(ticks, Ticks { all: 1202, stolen: 40 });
        assert_eq!(ticks.since(Ticks { all: 1200, stolen: 30 }), Ticks { all: 2, stolen: 10 });
        for text in ["", "cpu  1 2 3\n", "cpu  a b c d e f g h\n", "intr 1 2 3 4 5 6 7 8\n"] {
            assert_eq!(Ticks::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_clock_has_a_step() {
        // A clock with a step above a millisecond could not time any replay of the library.
        assert!((1..1_000_000).contains(&clock_step_ns()), "{}", clock_step_ns());
    }
}
