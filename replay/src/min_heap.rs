//! The minimum heap: the smallest number of pages in which a contender completes the whole trace.
//!
//! Formula: the smallest N such that a replay on a heap of at most N pages answers no request with null. Unit: pages, also in bytes and
//! as a ratio to max R. Range: from max R, rounded up to pages, to the contender's peak heap. A contender that gives up as soon as it is
//! refused a page needs exactly its peak; one that then finds room elsewhere, or asks for less, can do with fewer.
//!
//! Completion is **not monotone** in the limit: with more room a contender may place objects, or reserve memory ahead, so that a later
//! request no longer fits. So the bisection between the two bounds is followed by two scans, and the whole is repeated from wherever one
//! of them finds a smaller limit that completes, until none does:
//! - of the [`NEIGHBOURS`] limits right below the result, where a step in one request or two shows;
//! - of [`COARSE_LIMITS`] limits at equal distances from the lower bound up to those neighbours, so that a stretch which completes is found
//!   wherever it lies if it is at least that distance long.
//!
//! At last the [`NEIGHBOURS`] limits right above are tried, too, to tell whether more memory than the minimum always does. The result
//! holds every limit that was tried. Blind spot: a shorter stretch far below the result is missed, so the figure is an upper bound of the
//! true minimum where completion is not monotone.
//!
//! A try ends at the first request that fails, and checks nothing: the contender has been verified before. Tries follow one another on the
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
use crate::leash::Leash;
use crate::program::Program;

/// Limits that are tried on either side of the result.
pub const NEIGHBOURS: usize = 16;

/// Limits that are tried between the lower bound and the neighbours below the result, at most.
pub const COARSE_LIMITS: usize = 16;

/// A contender whose minimum heap is to be found.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// The contender.
    pub contender: Contender,
    /// Pages that it had at its peak when the heap was no limit: with as many it completes.
    pub peak_pages: usize,
}

/// What a search is at.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The candidate, as an index.
    pub candidate: usize,
    /// The limit that is tried next, in pages; `None` where the candidate is done.
    pub limit_pages: Option<usize>,
}

/// Finds the minimum heaps of `candidates` on so many threads, and shows every step. The result has the candidates' order, and does not
/// depend on the number of threads. A search that the leash ends has no result, but its reason.
///
/// # Errors
///
/// Where a heap cannot be had, or the trace not be read again.
pub fn find(
    program: &Program,
    page: PageSize,
    candidates: &[Candidate],
    threads: NonZeroUsize,
    leash: Leash<'_>,
    mut show: impl FnMut(Step),
) -> Result<Vec<Figure<MinHeap>>, LaneError> {
    let next = AtomicUsize::new(0);
    let (steps, shown) = mpsc::channel();
    let mut found: Vec<(usize, Result<Figure<MinHeap>, LaneError>)> = thread::scope(|scope| {
        let worker = |steps: mpsc::Sender<Step>| {
            let mut found = Vec::new();
            loop {
                let candidate = next.fetch_add(1, Ordering::Relaxed);
                let Some(&Candidate { contender, peak_pages }) = candidates.get(candidate) else { return found };
                // A send fails only where nobody listens any more.
                let tell = |limit_pages| {
                    let _ = steps.send(Step { candidate, limit_pages });
                };
                let figure = find_one(program, page, contender, peak_pages, leash.started(), |limit| tell(Some(limit)));
                let figure = match figure {
                    Err(LaneError::Stopped(stop)) => Ok(Figure::unknown(stop.reason())),
                    figure => figure,
                };
                found.push((candidate, figure));
                tell(None);
            }
        };
        let workers: Vec<_> = (0..threads.get().min(candidates.len()))
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

fn find_one(
    program: &Program,
    page: PageSize,
    contender: Contender,
    peak_pages: usize,
    leash: Leash<'_>,
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
    let mut lane = Lane::on(program, PageHeap::reserve_sized(page, peak_pages, Guard::Batched)?);
    let (pages, tried) = search(lower, peak_pages, |limit| {
        trying(limit);
        (contender.first_failure)(&mut lane, limit, leash)
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

/// The smallest limit from `lower` (at least 1) to `peak` that is found to complete, and every limit that was tried. `first_failure` is asked for each of
/// them at most once; for `peak` it is not, as that completes.
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
        // Below the lower bound, nothing completes.
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

    /// Searches where exactly the limits for which `completes` holds complete.
    fn found(lower: usize, peak: usize, completes: impl Fn(usize) -> bool) -> (usize, Tried) {
        let mut asked = Vec::new();
        let (smallest, tried) = search(lower, peak, |limit| {
            asked.push(limit);
            Ok::<_, Infallible>((!completes(limit)).then_some(1))
        })
        .unwrap();
        assert!(asked.iter().all(|&limit| (lower..peak).contains(&limit)), "{asked:?}");
        assert_eq!(asked.len(), tried.len(), "no limit is tried twice");
        (smallest, tried)
    }

    #[test]
    fn where_completion_is_monotone_the_minimum_is_exact() {
        for (lower, peak) in [(1, 1), (1, 2), (5, 5), (5, 6), (7, 40), (1, 1000), (990, 1000)] {
            for minimum in lower..=peak {
                let (smallest, tried) = found(lower, peak, |limit| limit >= minimum);
                assert_eq!(smallest, minimum);
                assert!(tried.len() <= 10 + 2 * NEIGHBOURS + 2 * COARSE_LIMITS, "{} tries", tried.len());
            }
        }
    }

    #[test]
    fn nothing_between_the_bounds_needs_no_try() {
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
    fn a_stretch_that_completes_below_one_that_fails_is_found() {
        // Complete from `first` on, but for a gap.
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
        // And from there on, the neighbours of that one.
        assert_eq!(found(1, 100, |limit| matches!(limit, 90 | 75)).0, 75);
    }

    #[test]
    fn what_fails_above_the_minimum_is_tried() {
        let (smallest, tried) = found(1, 1000, |limit| limit >= 500 && limit != 507);
        assert_eq!((smallest, tried[&507]), (500, Some(1)));
    }
}
