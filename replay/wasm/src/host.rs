//! What an engine is asked, and what it answers.

use std::path::Path;
use std::time::Duration;

use heaprace_engine::time::sample::{FEWEST_LOOPS, MOST_LOOPS};
use heaprace_reports::results::Figure;
use heaprace_reports::wasm::Observation;
use serde::{Deserialize, Serialize};

use crate::fuel::FuelCosts;
use crate::recording::{Operation, Recording};
use crate::witness::BlockFault;

/// Why a figure of timing is missing: the budget.
const OUT_OF_TIME: &str = "the time budget ran out in the first replay";

/// One replay, or several in a row, of a trace through an allocator.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The file of the allocator's module.
    pub allocator: &'a Path,
    /// The file of the driver's module.
    pub driver: &'a Path,
    /// The trace.
    pub recording: &'a Recording,
    /// Whether to write every new byte of a block, as a program would.
    pub touch: bool,
    /// The most time that it may take.
    pub budget: Duration,
}

/// A replay of the whole trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimedLap {
    /// Its processor time, which does not run while another program has the processor.
    pub ns: u64,
    /// Pages that the allocator has added to its memory so far.
    pub pages: u64,
    /// Requests that failed.
    pub failed: u64,
}

/// Replays of the trace in one instance, one after the other, until they settle. What the trace leaves live is freed in
/// between.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimedLaps {
    /// The laps that are whole.
    pub laps: Vec<TimedLap>,
    /// Why there are no more, if they have not settled.
    pub ended: Option<Ended>,
}

/// Why laps ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The time budget.
    Budget,
    /// A request failed that had not failed in the first lap.
    Full,
}

impl TimedLaps {
    /// The time of the first replay, on fresh pages.
    pub fn fresh_ns(&self) -> Figure<u64> {
        match self.laps.first() {
            Some(lap) => Figure::Known(lap.ns),
            None => Figure::unknown(OUT_OF_TIME),
        }
    }

    /// The mean of the last two replays, once they repeat: a program that keeps running.
    pub fn steady_ns(&self) -> Figure<u64> {
        match (&self.laps[..], self.ended) {
            ([], _) => Figure::unknown(OUT_OF_TIME),
            ([.., one, other], _) if self.laps.len() >= FEWEST_LOOPS => Figure::Known((one.ns + other.ns) / 2),
            (laps, Some(Ended::Full)) => {
                Figure::unknown(format!("the heap limit was reached in loop {} of the trace", laps.len() + 1))
            }
            (laps, _) => Figure::unknown(format!("the time budget ran out in loop {} of the trace", laps.len() + 1)),
        }
    }
}

/// Why an engine has no figures.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The engine is not there, or does not work.
    #[error("{0}")]
    Engine(String),
    /// The allocator's module failed: a trap, for example.
    #[error("{0}")]
    Allocator(String),
    /// A block is not what was asked for.
    #[error("{0}")]
    Block(#[from] BlockFault),
    /// The recording cannot be read.
    #[error("the file with the trace's operations: {0}")]
    File(#[from] std::io::Error),
}

/// A way in which an engine compiles modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Its name.
    pub name: &'static str,
    /// What selects it.
    pub flags: &'static [&'static str],
}

/// Gets each operation of a replay, and the address of its object's block after it.
pub type Answered<'a> = &'a mut dyn FnMut(Operation, u32);

/// An engine.
pub trait Host {
    /// Its name and version.
    fn name(&self) -> &str;

    /// The ways in which it compiles modules, the fastest code first.
    fn tiers(&self) -> &[Tier];

    /// Replays the trace once, and checks every block, unless `checks` is off. `answered` gets each operation, and the
    /// address of its object's block afterwards.
    ///
    /// # Errors
    ///
    /// If the engine fails, the allocator traps, or a block is not what was asked for.
    fn observe(&self, job: Job<'_>, checks: bool, answered: Answered<'_>) -> Result<Observation, HostError>;

    /// Times replays in a new instance.
    ///
    /// # Errors
    ///
    /// If the engine fails, or the allocator traps.
    fn time(&self, job: Job<'_>, tier: Tier) -> Result<TimedLaps, HostError>;

    /// What each call of a replay costs in fuel; `None` if the engine has no such measure.
    fn fuel(&self, _job: Job<'_>) -> Option<Result<FuelCosts, HostError>> {
        None
    }
}

/// Whether the last two laps are alike in their time and in the pages that they added, as in the native lane.
pub fn have_settled(laps: &[TimedLap]) -> bool {
    let [.., first, second, third] = laps else { return false };
    let alike = |one: f64, other: f64, slack: f64| (one - other).abs() <= slack.max(ALIKE * one.max(other));
    let grown = |before: &TimedLap, after: &TimedLap| after.pages as f64 - before.pages as f64;
    alike(second.ns as f64, third.ns as f64, 0.0) && alike(grown(first, second), grown(second, third), 1.0)
}

/// The laps of a sample: at least and at most.
pub(crate) const LAPS: [usize; 2] = [FEWEST_LOOPS, MOST_LOOPS];

/// Two laps are alike if they differ by at most this share, as in the native lane.
pub(crate) const ALIKE: f64 = 0.05;

#[cfg(test)]
mod tests {
    use super::*;

    fn laps(times: &[u64], ended: Option<Ended>) -> TimedLaps {
        TimedLaps { laps: times.iter().map(|&ns| TimedLap { ns, pages: 1, failed: 0 }).collect(), ended }
    }

    #[test]
    fn the_first_lap_is_fresh_and_the_last_two_are_steady() {
        let whole = laps(&[10, 8, 6, 4], None);
        assert_eq!((whole.fresh_ns(), whole.steady_ns()), (Figure::Known(10), Figure::Known(5)));
    }

    #[test]
    fn what_ended_early_has_a_reason() {
        let full = laps(&[10, 8], Some(Ended::Full));
        assert_eq!(full.fresh_ns(), Figure::Known(10));
        assert_eq!(full.steady_ns(), Figure::unknown("the heap limit was reached in loop 3 of the trace"));
        let slow = laps(&[10], Some(Ended::Budget));
        assert_eq!(slow.steady_ns(), Figure::unknown("the time budget ran out in loop 2 of the trace"));
        assert_eq!(laps(&[], Some(Ended::Budget)).fresh_ns(), Figure::unknown(OUT_OF_TIME));
    }
}
