//! Which designs are worth a replay, and whether a choice holds.

use std::cmp::Ordering;

use heaprace_allocators::family::{Design, SegregatedDesign};
use heaprace_reports::stats::geometric_mean;

use super::footprint::Footprint;

/// A design beside the flagship, over all traces of a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rated {
    /// The design.
    pub design: Design,
    /// Its peak over the flagship's: the geometric mean.
    pub peak: f64,
    /// Its estimated time over the flagship's: the geometric mean.
    pub time: f64,
}

/// What a design is chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// The smallest heap of all.
    Heap,
    /// The smallest heap of those that are about as fast as the flagship.
    HeapInTime,
    /// The fastest of those whose heap is not larger than the flagship's.
    Time,
    /// The smallest code of the segregated ones whose heap is at most a tenth larger than the flagship's.
    Code,
}

impl Strength {
    /// All, in the order of tables.
    pub const ALL: [Strength; 4] = [Strength::Heap, Strength::HeapInTime, Strength::Time, Strength::Code];

    fn admits(self, candidate: &Rated) -> bool {
        match self {
            Strength::Heap => true,
            Strength::HeapInTime => candidate.time <= ABOUT,
            Strength::Time => candidate.peak <= 1.0,
            Strength::Code => candidate.peak <= 1.1 && matches!(candidate.design, Design::Segregated(_)),
        }
    }

    /// The better one is less.
    fn order(self, a: &Rated, b: &Rated) -> Ordering {
        let (peak, time) = (order(a.peak, b.peak), order(a.time, b.time));
        match self {
            Strength::Heap | Strength::HeapInTime => peak.then(time),
            Strength::Time => time.then(peak),
            Strength::Code => code(&a.design).cmp(&code(&b.design)).then(peak).then(time),
        }
    }

    /// In words for a table.
    pub fn name(self) -> &'static str {
        match self {
            Strength::Heap => "smallest heap",
            Strength::HeapInTime => "smallest heap without more time",
            Strength::Time => "fastest without more heap",
            Strength::Code => "small code",
        }
    }
}

/// A design and what it is chosen for.
#[derive(Clone, Debug, PartialEq)]
pub struct Merit {
    /// The design.
    pub candidate: Rated,
    /// All that it is chosen for.
    pub strengths: Vec<Strength>,
}

/// What an estimate of time may be above the flagship's, for a design to count as about as fast: estimates are no better.
const ABOUT: f64 = 1.05;

/// The candidates of these footprints, one list for each trace, each with the same designs in the same order and the
/// flagship first. Designs that are given up on a trace are none.
fn candidates(traces: &[Vec<Footprint>]) -> Vec<Rated> {
    let designs = traces.iter().map(Vec::len).min().unwrap_or(0);
    let candidate = |index: usize| {
        let mut ratios = Vec::with_capacity(traces.len());
        for footprints in traces {
            let (own, flagship) = (footprints[index], footprints[0]);
            let peak = own.peak_pages? as f64 / flagship.peak_pages?.max(1) as f64;
            ratios.push((peak.max(f64::MIN_POSITIVE), own.ns_per_op.max(1e-9) / flagship.ns_per_op.max(1e-9)));
        }
        Some(Rated {
            design: traces[0][index].design,
            peak: geometric_mean(ratios.iter().map(|&(peak, _)| peak)),
            time: geometric_mean(ratios.iter().map(|&(_, time)| time)),
        })
    };
    (0..designs).filter_map(candidate).collect()
}

/// Designs of each strength whose times are taken again.
const LISTED: usize = 8;

/// The designs that come into question for [`front`], the flagship first: times of a single pass are too coarse to choose
/// between them.
pub fn shortlist(traces: &[Vec<Footprint>]) -> Vec<Design> {
    let all = candidates(traces);
    let mut listed = vec![Design::FLAGSHIP];
    for strength in Strength::ALL {
        let mut of: Vec<&Rated> = all.iter().filter(|one| strength.admits(one)).collect();
        of.sort_by(|a, b| strength.order(a, b));
        for candidate in of.into_iter().take(LISTED) {
            if !listed.contains(&candidate.design) {
                listed.push(candidate.design);
            }
        }
    }
    listed
}

/// Replaces times by those of another run of the same traces where they are less.
pub fn take_faster(traces: &mut [Vec<Footprint>], again: &[Vec<Footprint>]) {
    for (footprints, again) in traces.iter_mut().zip(again) {
        for one in footprints {
            if let Some(other) = again.iter().find(|other| other.design == one.design) {
                one.ns_per_op = one.ns_per_op.min(other.ns_per_op);
            }
        }
    }
}

/// The designs that are worth a replay: for each [`Strength`] the best one, each design once, and the flagship not at all.
/// A tie goes to the faster one, and then to the one that comes first in the search.
pub fn front(traces: &[Vec<Footprint>]) -> Vec<Merit> {
    let all = candidates(traces);
    let mut merits: Vec<Merit> = Vec::new();
    for strength in Strength::ALL {
        let best = all.iter().filter(|one| strength.admits(one)).min_by(|a, b| strength.order(a, b));
        let Some(candidate) = best.filter(|candidate| candidate.design != Design::FLAGSHIP) else { continue };
        match merits.iter_mut().find(|merit| merit.candidate.design == candidate.design) {
            Some(merit) => merit.strengths.push(strength),
            None => merits.push(Merit { candidate: *candidate, strengths: vec![strength] }),
        }
    }
    merits
}

/// How much code a design compiles to, as an order: what it leaves out is not compiled.
fn code(design: &Design) -> usize {
    match design {
        Design::Swept(_) => usize::MAX,
        Design::Segregated(design) => {
            let SegregatedDesign { keeps_large, splits, top_takes_frees, refill_blocks, .. } = *design;
            // By the bytes that each adds to a WebAssembly module: see the table in the crate's README.
            600 * usize::from(keeps_large)
                + 240 * usize::from(splits)
                + 70 * usize::from(top_takes_frees)
                + 170 * usize::from(refill_blocks > 1)
        }
    }
}

/// A choice by the first half of a trace, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeldOut {
    /// The design that has the smallest heap after half of the events, and of those the first one of the search: times would
    /// not repeat.
    pub design: Design,
    /// Its pages after half of the events, and the flagship's.
    pub half_pages: [u64; 2],
    /// Its pages at the end, and the flagship's; `None` if it was given up.
    pub end_pages: Option<[u64; 2]>,
}

impl HeldOut {
    /// What it saves on the first half: a part of the flagship's pages.
    pub fn half_gain(&self) -> f64 {
        gain(self.half_pages)
    }

    /// What it saves at the end; negative if it takes more.
    pub fn end_gain(&self) -> Option<f64> {
        self.end_pages.map(gain)
    }

    /// Whether at the end, at least half of what was saved on the first half is saved.
    pub fn carries_over(&self) -> bool {
        self.end_gain().is_some_and(|gain| gain >= self.half_gain() / 2.0)
    }
}

fn gain([own, flagship]: [u64; 2]) -> f64 {
    1.0 - own as f64 / flagship.max(1) as f64
}

/// Chooses by the first half of a trace, and judges by its end. `None` if nothing saves a page on the first half, or the
/// flagship has no footprint.
pub fn held_out(footprints: &[Footprint]) -> Option<HeldOut> {
    let flagship = footprints.first()?;
    let (half, end) = (flagship.half_pages?, flagship.peak_pages?);
    let chosen = footprints.iter().filter(|one| one.half_pages.is_some()).min_by_key(|one| one.half_pages)?;
    let chosen_half = chosen.half_pages.filter(|&pages| pages < half)?;
    Some(HeldOut {
        design: chosen.design,
        half_pages: [chosen_half, half],
        end_pages: chosen.peak_pages.map(|pages| [pages, end]),
    })
}

fn order(a: f64, b: f64) -> Ordering {
    a.total_cmp(&b)
}

#[cfg(test)]
mod tests {
    use heaprace_allocators::family::{Spacing, SweepAfter, SweptDesign};

    use super::*;

    fn swept(bins: usize) -> Design {
        Design::Swept(SweptDesign { bins, window_bytes: 8192, sweeps: SweepAfter::Part(2) })
    }

    fn one(design: Design, half_pages: u64, peak_pages: u64, ns_per_op: f64) -> Footprint {
        Footprint { design, half_pages: Some(half_pages), peak_pages: Some(peak_pages), ns_per_op }
    }

    #[test]
    fn each_strength_has_its_best_design() {
        let small =
            Design::Segregated(SegregatedDesign { classes: Spacing::FourSteps(40), ..SegregatedDesign::CLASSIC });
        let trace = vec![
            one(Design::FLAGSHIP, 50, 100, 10.0),
            one(swept(8), 50, 70, 30.0),
            one(swept(16), 50, 80, 10.2),
            one(swept(24), 50, 100, 5.0),
            one(small, 50, 109, 4.0),
            Footprint { peak_pages: None, ..one(swept(32), 50, 0, 1.0) },
        ];
        let chosen: Vec<_> =
            front(&[trace]).into_iter().map(|merit| (merit.candidate.design, merit.strengths)).collect();
        let expected = [
            (swept(8), vec![Strength::Heap]),
            (swept(16), vec![Strength::HeapInTime]),
            (swept(24), vec![Strength::Time]),
            (small, vec![Strength::Code]),
        ];
        assert_eq!(chosen, expected);
    }

    #[test]
    fn where_the_flagship_is_best_nothing_is_chosen() {
        let trace = vec![one(Design::FLAGSHIP, 50, 100, 10.0), one(swept(8), 50, 100, 11.0)];
        assert_eq!(front(&[trace]), []);
        assert_eq!(front(&[]), []);
    }

    #[test]
    fn over_several_traces_the_mean_decides_and_a_design_that_fails_on_one_is_none() {
        let first = vec![one(Design::FLAGSHIP, 5, 100, 10.0), one(swept(8), 5, 50, 10.0), one(swept(16), 5, 90, 10.0)];
        let second = vec![one(Design::FLAGSHIP, 5, 10, 10.0), one(swept(8), 5, 40, 10.0), one(swept(16), 5, 9, 10.0)];
        let merits = front(&[first.clone(), second.clone()]);
        assert_eq!(merits[0].candidate.design, swept(16));
        assert!((merits[0].candidate.peak - 0.9).abs() < 1e-9);
        let mut failed = second;
        failed[2].peak_pages = None;
        assert_eq!(front(&[first, failed]), [], "no other is better than the flagship");
    }

    #[test]
    fn a_choice_by_the_first_half_that_fails_on_the_second_does_not_carry_over() {
        let flagship = one(Design::FLAGSHIP, 100, 200, 10.0);
        let kept = held_out(&[flagship, one(swept(8), 80, 160, 10.0)]).unwrap();
        assert!(kept.carries_over() && (kept.half_gain() - 0.2).abs() < 1e-9);
        let lost = held_out(&[flagship, one(swept(8), 80, 199, 10.0)]).unwrap();
        assert!(!lost.carries_over());
        let given_up = held_out(&[flagship, Footprint { peak_pages: None, ..one(swept(8), 80, 0, 10.0) }]).unwrap();
        assert!(!given_up.carries_over() && given_up.end_gain().is_none());
        assert_eq!(held_out(&[flagship, one(swept(8), 100, 160, 10.0)]), None, "there was no choice");
    }
}
