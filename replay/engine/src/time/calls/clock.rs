//! The clock around single calls: the processor's own counter, if there is one that a program may read.
//!
//! Before and after a call, a fence makes the processor finish all earlier work, so that the two readings enclose all
//! work of the call and none of the harness's. The fences and the reading are the clock's cost: every figure contains
//! it, and it is measured.

use std::thread;
use std::time::{Duration, Instant};

use heaprace_reports::results::{Timer, TimerName};

pub(super) use counter::{begin, end};

/// Duration of a comparison with the system's clock, which is done twice.
const STRETCH: Duration = Duration::from_millis(20);

/// Maximum difference in rate between the two comparisons. A counter with a constant rate differs by less than 0.01 %.
const DRIFT: f64 = 0.01;

/// Readings for the median cost.
const READINGS: usize = 10_001;

/// A clock with known rate and cost.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    name: TimerName,
    ns_per_tick: f64,
    cost_ticks: u64,
    step_ticks: f64,
}

impl Clock {
    /// Measures the clock of this machine, for about 40 ms.
    ///
    /// # Errors
    ///
    /// In words for a table: the processor's counter does not run at a constant rate, so its ticks are not a time.
    pub fn calibrate() -> Result<Self, String> {
        let start = Instant::now();
        let points = [0, 1, 2].map(|stretch| {
            thread::sleep(STRETCH * u32::from(stretch > 0));
            point(start)
        });
        let mut costs: Vec<u64> = (0..READINGS).map(|_| between(begin(), end())).collect();
        costs.sort_unstable();
        Ok(Clock {
            name: counter::NAME,
            ns_per_tick: ns_per_tick(points)?,
            cost_ticks: costs[READINGS / 2],
            step_ticks: step_ticks(&costs),
        })
    }

    /// Converts ticks to nanoseconds.
    pub(super) fn ns(&self, ticks: u64) -> f64 {
        ticks as f64 * self.ns_per_tick
    }

    /// The description for results.
    pub fn timer(&self) -> Timer {
        Timer {
            name: self.name,
            ns_per_tick: self.ns_per_tick,
            cost_ns: self.ns(self.cost_ticks),
            step_ns: self.step_ticks * self.ns_per_tick,
        }
    }
}

/// Ticks between two readings; 0 if the thread has moved to a processor whose counter lags.
#[inline(always)]
pub(super) fn between(begin: u64, end: u64) -> u64 {
    end.saturating_sub(begin)
}

/// Nanoseconds since `start` and ticks at the same instant: of several attempts, the least interrupted.
fn point(start: Instant) -> (f64, u64) {
    let tries = (0..32).map(|_| {
        let (before, ns, after) = (end(), start.elapsed().as_nanos(), end());
        (between(before, after), (ns as f64, before + between(before, after) / 2))
    });
    tries.min_by_key(|&(gap, _)| gap).expect("there are tries").1
}

/// The rate over three points of both clocks, if the first and second half have the same rate.
fn ns_per_tick([first, middle, last]: [(f64, u64); 3]) -> Result<f64, String> {
    let rate = |from: (f64, u64), to: (f64, u64)| (to.0 - from.0) / between(from.1, to.1) as f64;
    let (early, late) = (rate(first, middle), rate(middle, last));
    if early.is_finite() && late.is_finite() && (early / late - 1.0).abs() <= DRIFT {
        return Ok(rate(first, last));
    }
    Err(format!("the clock {} does not run at one rate: {early} and {late} ns a tick", counter::NAME))
}

/// The step size of these sorted costs: the mean distance of those that are not rare. Some processors add many ticks at
/// once, such as all that fit into 10 ns. Two costs that differ by at most 2 ticks may be the same step, rounded.
fn step_ticks(costs: &[u64]) -> f64 {
    let often = costs.chunk_by(|one, next| one == next).filter(|same| same.len() * 1000 >= costs.len());
    let (mut steps, mut before) = (Vec::new(), None);
    for cost in often.map(|same| same[0]) {
        if before.is_none_or(|before| cost - before > 2) {
            steps.push(cost);
        }
        before = Some(cost);
    }
    match steps[..] {
        [first, .., last] => (last - first) as f64 / (steps.len() - 1) as f64,
        _ => 1.0,
    }
}

#[cfg(target_arch = "x86_64")]
mod counter {
    use std::arch::x86_64::{_mm_lfence, _rdtsc};

    use heaprace_reports::results::TimerName;

    pub(super) const NAME: TimerName = TimerName::Tsc;

    /// A reading after all earlier instructions and before all later ones.
    #[inline(always)]
    pub(in crate::time::calls) fn begin() -> u64 {
        // SAFETY: every processor of this architecture has both instructions.
        unsafe {
            _mm_lfence();
            let ticks = _rdtsc();
            _mm_lfence();
            ticks
        }
    }

    /// A reading after all earlier instructions.
    #[inline(always)]
    pub(in crate::time::calls) fn end() -> u64 {
        // SAFETY: as above.
        unsafe {
            _mm_lfence();
            _rdtsc()
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod counter {
    use std::arch::asm;

    use heaprace_reports::results::TimerName;

    pub(super) const NAME: TimerName = TimerName::Cntvct;

    /// A reading after all earlier instructions and before all later ones.
    #[inline(always)]
    pub(in crate::time::calls) fn begin() -> u64 {
        let ticks: u64;
        // SAFETY: the systems that Rust's standard library supports let programs read the virtual counter.
        unsafe { asm!("isb", "mrs {}, cntvct_el0", "isb", out(reg) ticks, options(nostack)) };
        ticks
    }

    /// A reading after all earlier instructions.
    #[inline(always)]
    pub(in crate::time::calls) fn end() -> u64 {
        let ticks: u64;
        // SAFETY: as above.
        unsafe { asm!("isb", "mrs {}, cntvct_el0", out(reg) ticks, options(nostack)) };
        ticks
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use monotonic as counter;

/// The system's clock, in nanoseconds, for processors without a known counter.
#[cfg(any(test, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod monotonic {
    use std::sync::OnceLock;

    use heaprace_reports::results::TimerName;
    use std::time::Instant;

    #[cfg_attr(test, allow(dead_code, reason = "there is another counter on most machines"))]
    pub(super) const NAME: TimerName = TimerName::Monotonic;

    /// Nanoseconds since the first reading.
    pub(in crate::time::calls) fn begin() -> u64 {
        static FIRST: OnceLock<Instant> = OnceLock::new();
        FIRST.get_or_init(Instant::now).elapsed().as_nanos() as u64
    }

    pub(in crate::time::calls) use begin as end;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_time() {
        let clock = Clock::calibrate().unwrap();
        // From 100 MHz to 20 GHz, and counters of 1 MHz.
        assert!((0.05..=1000.0).contains(&clock.ns_per_tick), "{clock:?}");
        assert!(clock.ns(clock.cost_ticks) < 10_000.0, "{clock:?}");
        // Both clocks see any interruption, because each of the two intervals is bounded by the other.
        let outer = Instant::now();
        let begin = begin();
        let inner = Instant::now();
        thread::sleep(Duration::from_millis(30));
        let inner = inner.elapsed();
        let ticks = between(begin, end());
        let outer = outer.elapsed();
        let (least, most) = (0.98 * inner.as_nanos() as f64, 1.02 * outer.as_nanos() as f64);
        assert!((least..=most).contains(&clock.ns(ticks)), "{} ns by ticks, {inner:?} to {outer:?}", clock.ns(ticks));
    }

    #[test]
    fn a_counter_that_changes_its_rate_or_stops_is_rejected() {
        let rate = ns_per_tick([(0.0, 1_000), (100.0, 1_200), (200.0, 1_399)]).unwrap();
        assert!((rate - 200.0 / 399.0).abs() < 1e-12);
        for ticks in [[1_000, 1_200, 1_300], [7, 7, 7], [0, 100, 100], [500, 400, 300]] {
            let points = [(0.0, ticks[0]), (100.0, ticks[1]), (200.0, ticks[2])];
            let reason = ns_per_tick(points).unwrap_err();
            assert!(reason.contains("does not run at one rate"), "{reason}");
        }
    }

    #[test]
    fn the_step_of_a_coarse_counter_is_found() {
        let costs = |counts: &[(u64, usize)]| -> Vec<u64> {
            counts.iter().flat_map(|&(cost, count)| std::iter::repeat_n(cost, count)).collect()
        };
        assert_eq!(step_ticks(&costs(&[(52, 6000), (78, 4000), (7_003, 1)])), 26.0);
        assert_eq!(step_ticks(&costs(&[(24, 100), (49, 2000), (73, 3000), (74, 100), (99, 20)])), 25.0, "of 24.5");
        assert_eq!(step_ticks(&costs(&[(30, 2000), (31, 500), (32, 3000), (34, 1000), (36, 100)])), 1.0);
        assert_eq!(step_ticks(&costs(&[(40, 10_000)])), 1.0, "nothing else is known");
    }

    #[test]
    fn the_clock_of_other_processors_goes_forward() {
        let begin = monotonic::begin();
        thread::sleep(Duration::from_millis(2));
        assert!(between(begin, monotonic::end()) >= 2_000_000);
        assert_eq!(between(5, 3), 0, "a lagging counter does not wrap around");
    }
}
