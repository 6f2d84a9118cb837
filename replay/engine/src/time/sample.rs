//! One contender's part of a timing round: the trace once on a heap of its own, and looped on another.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use heaprace_allocators::contenders::null::Null;
use heaprace_reports::results::Figure;
use serde::{Deserialize, Serialize};

use crate::contender::{Contender, TouchPolicy};
use crate::engine::TouchNone;
use crate::lane::{self, Lane, LaneError, Lap};
use crate::limits::{Limits, Stop};
use crate::time::processor;

/// A time by two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clocked {
    /// Wall time.
    pub wall_ns: u64,
    /// The same by the thread's CPU clock, which stops while the thread is not running; `None` if there is no such
    /// clock.
    pub processor_ns: Option<u64>,
}

/// One contender's part of a round: the trace is replayed once on fresh pages, which are given back, and looped on one
/// heap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// A replay on fresh zeroed pages, and giving them back: a program that starts, and ends.
    pub fresh: Clocked,
    /// The mean of the last two loops: a program that keeps running. Or the reason why there is none.
    pub steady: Figure<Clocked>,
    /// Everything, including resetting the heap, creating the contender, and freeing the objects that the trace leaves
    /// live.
    pub all: Clocked,
}

/// Minimum loops of the trace in a sample: the first is the program that starts, the second reuses the memory that the
/// first freed, and two are timed.
pub const FEWEST_LOOPS: usize = 4;

/// Maximum loops of the trace in a sample.
pub const MOST_LOOPS: usize = 8;

/// Two loops are alike if their times, or their growth in pages, differ by at most this share.
const ALIKE: f64 = 0.05;

impl Sample {
    /// Times one contender. Call [`warm_up`] before the first.
    ///
    /// # Errors
    ///
    /// Those of [`Lane::laps`].
    pub fn take(
        lane: &mut Lane<'_>,
        contender: &Contender,
        touch: TouchPolicy,
        limits: Limits<'_>,
    ) -> Result<Self, LaneError> {
        let (start, processor) = (Instant::now(), processor::thread_time());
        let fresh = contender.fresh_lap(lane, touch, limits)?;
        let mut laps: Vec<Lap> = Vec::with_capacity(MOST_LOOPS);
        let mut full = None;
        let looped = contender.laps(lane, touch, limits, &mut |lap| {
            // If a grow fails in the first loop, the contender has found another way; otherwise it would not be timed.
            if !laps.is_empty() && lap.refused_grows > 0 {
                full = Some(laps.len() + 1);
                return ControlFlow::Break(());
            }
            laps.push(lap);
            match laps.len() {
                ..FEWEST_LOOPS => ControlFlow::Continue(()),
                MOST_LOOPS.. => ControlFlow::Break(()),
                _ if has_settled(&laps) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        });
        let over_memory = match looped {
            // The first loop is whole, so a program that only starts and ends has its time.
            Err(LaneError::Stopped(stop @ Stop::Memory { .. })) if !laps.is_empty() => Some(stop),
            looped => looped.map(|()| None)?,
        };
        let steady = match (over_memory, full) {
            (Some(stop), _) => Figure::unknown(stop.reason()),
            (None, Some(loop_number)) if laps.len() < FEWEST_LOOPS => Figure::unknown(lane::limit_reached(loop_number)),
            _ => Figure::Known(mean(&laps[laps.len() - 2..])),
        };
        let processor = processor::thread_time().zip(processor).map(|(now, before)| now - before);
        Ok(Sample { fresh: mean(&[fresh]), steady, all: clocked(start.elapsed(), processor) })
    }
}

fn clocked(wall: Duration, processor: Option<Duration>) -> Clocked {
    let ns = |time: Duration| time.as_nanos() as u64;
    Clocked { wall_ns: ns(wall), processor_ns: processor.map(ns) }
}

/// The mean of at least one lap.
fn mean(laps: &[Lap]) -> Clocked {
    let count = laps.len() as u32;
    let processor: Option<Duration> = laps.iter().map(|lap| lap.processor).sum();
    clocked(laps.iter().map(|lap| lap.wall).sum::<Duration>() / count, processor.map(|sum| sum / count))
}

/// Whether the last two laps are alike in their times and in the number of pages they added. A heap that grows by the
/// same amount in each loop has settled too: it will continue like that.
fn has_settled(laps: &[Lap]) -> bool {
    let [.., first, second, third] = laps else { return false };
    let alike = |one: f64, other: f64, slack: f64| (one - other).abs() <= slack.max(ALIKE * one.max(other));
    let grown = |before: &Lap, after: &Lap| (after.heap_pages - before.heap_pages) as f64;
    alike(second.wall.as_secs_f64(), third.wall.as_secs_f64(), 0.0)
        && alike(grown(first, second), grown(second, third), 1.0)
}

/// Makes the program's operations and slots resident by an untimed replay: otherwise the first contender would pay for
/// the harness's own page faults.
///
/// # Errors
///
/// Those of [`Lane::laps`].
pub fn warm_up(lane: &mut Lane<'_>, limits: Limits<'_>) -> Result<(), LaneError> {
    lane.laps::<Null, TouchNone>(limits, &mut |_| ControlFlow::Break(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clocked(wall_ns: u64, processor_ns: u64) -> Clocked {
        Clocked { wall_ns, processor_ns: Some(processor_ns) }
    }

    fn lap(wall_ms: u64, heap_pages: u64) -> Lap {
        Lap {
            wall: Duration::from_millis(wall_ms),
            processor: Some(Duration::from_millis(1)),
            heap_pages,
            refused_grows: 0,
        }
    }

    #[test]
    fn a_heap_with_constant_growth_per_loop_has_settled() {
        assert!(!has_settled(&[lap(10, 5), lap(10, 5)]), "two loops show no trend");
        assert!(has_settled(&[lap(20, 50), lap(10, 50), lap(10, 50)]));
        assert!(has_settled(&[lap(20, 50), lap(100, 90), lap(104, 130)]), "4 % longer, with the same growth");
        assert!(!has_settled(&[lap(20, 50), lap(100, 90), lap(110, 130)]), "10 % longer");
        assert!(!has_settled(&[lap(20, 50), lap(100, 90), lap(100, 100)]), "10 pages after 40");
        assert!(has_settled(&[lap(20, 50), lap(100, 51), lap(100, 51)]), "a heap grows by at least one page");
    }

    #[test]
    fn a_mean_is_of_both_clocks() {
        assert_eq!(mean(&[lap(10, 5), lap(20, 5)]), clocked(15_000_000, 1_000_000));
        let without = Lap { processor: None, ..lap(20, 5) };
        assert_eq!(mean(&[lap(10, 5), without]).processor_ns, None);
    }

    /// A real contender, in this process: a bump allocator runs out of pages in the second or third loop.
    #[test]
    fn a_sample_loops_the_trace_until_it_settles_or_the_heap_is_full() {
        let text = "op,id,size,align\nalloc,1,100000,8\ndealloc,1\n";
        let reader = heaprace_traces::CsvReader::new(text.as_bytes(), "test.csv").unwrap();
        let program = crate::Program::compile(reader).unwrap();
        let sample = |name: &str, pages| {
            let mut lane = Lane::new(&program, pages, heaprace_allocators::page_heap::Guard::Batched).unwrap();
            let contender = Contender::named(name).unwrap();
            Sample::take(&mut lane, &contender, TouchPolicy::All, Limits::NONE).unwrap()
        };
        assert!(sample("dlmalloc", 4).steady.known().is_some());
        assert!(sample("bump", 64).steady.known().is_some());
        assert_eq!(sample("bump", 4).steady, Figure::unknown("the heap limit was reached in loop 3 of the trace"));
        assert!(sample("bump", 4).fresh.wall_ns > 0);
    }
}
