//! The minimum heap: the smallest number of pages in which a contender completes the whole trace.
//!
//! Formula: the smallest N such that no request fails in a replay on a heap of at most N pages. Unit: pages, also given
//! in bytes and as a ratio to max R. Range: from max R, rounded up to pages, to the contender's peak heap. A contender
//! that gives up at the first failed grow needs exactly its peak. A contender that then finds room elsewhere, or
//! requests less, can complete with fewer pages.
//!
//! Completion is **not monotone** in the limit: with more room a contender may place objects, or reserve memory ahead,
//! so that a later request fails. The bisection between the two bounds is therefore followed by two scans, and
//! everything is repeated from any smaller limit that completes, until there is none:
//! - the [`NEIGHBOURS`] limits just below the result, which cover a jump in one or two requests;
//! - [`COARSE_LIMITS`] equidistant limits from the lower bound up to those neighbours, which find any completing range
//!   at least that distance long.
//!
//! Finally the [`NEIGHBOURS`] limits just above are tried, to show whether more memory than the minimum always
//! suffices. The result contains every limit that was tried. Blind spot: shorter ranges far below the result are
//! missed, so the figure is an upper bound of the true minimum if completion is not monotone.
//!
//! A try ends at the first failed request, and checks nothing: the contender is already verified. All tries use the
//! same heap, which is reset to fresh pages in between.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use heaprace_allocators::page_heap::Guard;
use heaprace_allocators::{PageHeap, PageSize};
use heaprace_reports::results::{Figure, LimitTried, MinHeap, Reason};

use crate::contender::Contender;
use crate::lane::{Lane, LaneError};
use crate::limits::Limits;
use crate::program::Program;

/// Limits tried on either side of the result.
pub const NEIGHBOURS: usize = 16;

/// Maximum limits tried between the lower bound and the neighbours below the result.
pub const COARSE_LIMITS: usize = 16;

/// A contender whose minimum heap is searched for.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// The contender.
    pub contender: Contender,
    /// Its peak pages without a limit: with this many it completes.
    pub peak_pages: usize,
}

/// The current step of a search.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The index of the candidate.
    pub candidate: usize,
    /// The limit to try next, in pages; `None` if the candidate is done.
    pub limit_pages: Option<usize>,
}

/// Finds the minimum heaps of `candidates` on `threads` threads, and reports every step. The result has the order of
/// the candidates, and does not depend on the number of threads. A search that a limit ends has only a reason.
///
/// # Errors
///
/// If a heap cannot be reserved, or the trace cannot be read again.
pub fn find(
    program: &Program,
    page: PageSize,
    candidates: &[Candidate],
    threads: NonZeroUsize,
    limits: Limits<'_>,
    mut show: impl FnMut(Step),
) -> Result<Vec<Figure<MinHeap>>, LaneError> {
    let next = AtomicUsize::new(0);
    let threads = threads.get().min(candidates.len()).min(most_at_once(page, candidates, limits));
    let (steps, shown) = mpsc::channel();
    let mut found: Vec<(usize, Result<Figure<MinHeap>, LaneError>)> = thread::scope(|scope| {
        let worker = |steps: mpsc::Sender<Step>| {
            let mut found = Vec::new();
            loop {
                let candidate = next.fetch_add(1, Ordering::Relaxed);
                let Some(&Candidate { contender, peak_pages }) = candidates.get(candidate) else { return found };
                // A send fails only if the receiver is gone.
                let report = |limit_pages| {
                    let _ = steps.send(Step { candidate, limit_pages });
                };
                let figure =
                    find_one(program, page, contender, peak_pages, limits.started(), |limit| report(Some(limit)));
                let figure = match figure {
                    Err(LaneError::Stopped(stop)) => Ok(Figure::unknown(stop.reason())),
                    figure => figure,
                };
                found.push((candidate, figure));
                report(None);
            }
        };
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let steps = steps.clone();
                scope.spawn(move || worker(steps))
            })
            .collect();
        drop(steps);
        shown.iter().for_each(&mut show);
        workers.into_iter().flat_map(|worker| worker.join().expect("a search does not panic")).collect()
    });
    found.sort_by_key(|&(candidate, _)| candidate);
    found.into_iter().map(|(_, figure)| figure).collect()
}

/// The number of searches whose heaps fit into the memory budget together, whichever they are; at least 1.
fn most_at_once(page: PageSize, candidates: &[Candidate], limits: Limits<'_>) -> usize {
    let Some(budget) = limits.memory() else { return candidates.len() };
    let mut peaks: Vec<usize> = candidates.iter().map(|candidate| candidate.peak_pages * page.bytes()).collect();
    peaks.sort_unstable_by_key(|&bytes| std::cmp::Reverse(bytes));
    let sums = peaks.iter().scan(0_usize, |sum, &bytes| {
        *sum = sum.saturating_add(bytes);
        Some(*sum)
    });
    sums.take_while(|&sum| sum <= budget.total_bytes()).count().max(1)
}

fn find_one(
    program: &Program,
    page: PageSize,
    contender: Contender,
    peak_pages: usize,
    limits: Limits<'_>,
    mut trying: impl FnMut(usize),
) -> Result<Figure<MinHeap>, LaneError> {
    let max_live_bytes = program.profile().peak_live_bytes;
    let Some(lower) =
        usize::try_from(max_live_bytes).ok().map(|bytes| page.pages_for(bytes)).filter(|&lower| lower > 0)
    else {
        return Ok(Figure::unknown(Reason::NothingLive));
    };
    if peak_pages < lower {
        return Ok(Figure::unknown(Reason::MoreLiveThanHeap));
    }
    let heap = PageHeap::reserve_within(page, peak_pages, Guard::Batched, limits.memory())?;
    let mut lane = Lane::on(program, heap);
    let (pages, tried) = search(lower, peak_pages, |limit| {
        trying(limit);
        (contender.first_failure)(&mut lane, limit, limits)
    })?;
    let bytes = (pages * page.bytes()) as u64;
    Ok(Figure::Known(MinHeap {
        pages: pages as u64,
        bytes,
        ratio_to_max_live: bytes as f64 / max_live_bytes as f64,
        failed_above: tried.range(pages..).filter(|(_, failure)| failure.is_some()).count() as u64,
        limits_tried: (tried.into_iter())
            .map(|(limit, first_failure_event)| LimitTried { pages: limit as u64, first_failure_event })
            .collect(),
    }))
}

/// Limits, and the event at which the replay failed, if it did.
type Tried = BTreeMap<usize, Option<u64>>;

/// The smallest limit from `lower` (at least 1) to `peak` known to complete, and every limit tried. `first_failure` is
/// called at most once for each limit, and never for `peak`, which is known to complete.
fn search<E>(
    lower: usize,
    peak: usize,
    mut first_failure: impl FnMut(usize) -> Result<Option<u64>, E>,
) -> Result<(usize, Tried), E> {
    let mut tried = Tried::new();
    let mut completes = |limit: usize| -> Result<bool, E> {
        if limit >= peak {
            return Ok(true);
        }
        let failure = match tried.entry(limit) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(unknown) => *unknown.insert(first_failure(limit)?),
        };
        Ok(failure.is_none())
    };
    let mut smallest = peak;
    loop {
        // No limit below the lower bound completes.
        let mut fails = lower - 1;
        while smallest - fails > 1 {
            let middle = fails + (smallest - fails) / 2;
            if completes(middle)? {
                smallest = middle;
            } else {
                fails = middle;
            }
        }
        let neighbours = smallest.saturating_sub(NEIGHBOURS).max(lower);
        let mut below = None;
        for limit in
            (lower..neighbours).step_by((neighbours - lower).div_ceil(COARSE_LIMITS).max(1)).chain(neighbours..smallest)
        {
            if completes(limit)? {
                below = Some(limit);
                break;
            }
        }
        match below {
            Some(limit) => smallest = limit,
            None => break,
        }
    }
    for limit in smallest + 1..peak.min(smallest + 1 + NEIGHBOURS) {
        completes(limit)?;
    }
    Ok((smallest, tried))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// Searches limits that complete exactly if `completes` holds.
    fn found(lower: usize, peak: usize, completes: impl Fn(usize) -> bool) -> (usize, Tried) {
        let mut limits = Vec::new();
        let (smallest, tried) = search(lower, peak, |limit| {
            limits.push(limit);
            Ok::<_, Infallible>((!completes(limit)).then_some(1))
        })
        .unwrap();
        assert!(limits.iter().all(|&limit| (lower..peak).contains(&limit)), "{limits:?}");
        assert_eq!(limits.len(), tried.len(), "no limit is tried twice");
        (smallest, tried)
    }

    #[test]
    fn the_minimum_is_exact_if_completion_is_monotone() {
        for (lower, peak) in [(1, 1), (1, 2), (5, 5), (5, 6), (7, 40), (1, 1000), (990, 1000)] {
            for minimum in lower..=peak {
                let (smallest, tried) = found(lower, peak, |limit| limit >= minimum);
                assert_eq!(smallest, minimum);
                assert!(tried.len() <= 10 + 2 * NEIGHBOURS + 2 * COARSE_LIMITS, "{} tries", tried.len());
            }
        }
    }

    #[test]
    fn equal_bounds_need_no_try() {
        assert_eq!(found(12, 12, |_| false), (12, Tried::new()));
    }

    /// The result of the bisection alone.
    fn bisected(lower: usize, peak: usize, completes: impl Fn(usize) -> bool) -> usize {
        let (mut fails, mut smallest) = (lower - 1, peak);
        while smallest - fails > 1 {
            let middle = fails + (smallest - fails) / 2;
            *(if completes(middle) { &mut smallest } else { &mut fails }) = middle;
        }
        smallest
    }

    #[test]
    fn a_completing_range_below_a_failing_one_is_found() {
        // Complete from `first` on, except in a gap.
        for (lower, peak, first, gap) in
            [(10, 25, 10, 15..25), (100, 250, 100, 150..250), (100, 1000, 300, 400..1000), (1, 60, 55, 56..60)]
        {
            let completes = |limit| limit >= first && !gap.contains(&limit);
            assert_eq!(bisected(lower, peak, completes), peak, "the bisection alone is wrong");
            let (smallest, tried) = found(lower, peak, completes);
            assert_eq!(smallest, first, "{lower} to {peak}");
            assert!(tried.range(first..).any(|(_, failure)| failure.is_some()), "the gap is known: {tried:?}");
        }
    }

    #[test]
    fn single_limits_are_found_among_the_neighbours() {
        for lucky in 84..100 {
            assert_eq!(found(1, 100, |limit| limit == lucky).0, lucky);
        }
        // And from there, the neighbours of that one.
        assert_eq!(found(1, 100, |limit| matches!(limit, 90 | 75)).0, 75);
    }

    #[test]
    fn failures_above_the_minimum_are_tried() {
        let (smallest, tried) = found(1, 1000, |limit| limit >= 500 && limit != 507);
        assert_eq!((smallest, tried[&507]), (500, Some(1)));
    }
}
