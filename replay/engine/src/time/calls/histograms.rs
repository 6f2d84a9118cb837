//! Ticks of all calls, by kind of request and by size class, in histograms of bounded size.

use hdrhistogram::Histogram;
use heaprace_reports::results::{CallKind, ClassLatency, CurvePoint, Percentiles};

use super::clock::Clock;
use super::size_class::{CLASSES, UP_TO_BYTES, class_of};

const KINDS: [CallKind; 4] = [CallKind::Alloc, CallKind::AllocZeroed, CallKind::Realloc, CallKind::Dealloc];

/// Significant digits: each range of ticks is represented by its upper end, less than 1 % above any value in it. Below
/// 256 ticks, each value has its own range.
const DIGITS: u8 = 2;

/// Longer calls count as this: a quarter of an hour at 1 GHz, longer than any interrupt.
const MOST_TICKS: u64 = 1 << 40;

/// Points of the curve per halving of the share of slower calls.
const POINTS_PER_HALVING: u32 = 5;

/// A histogram for each kind and class: about 35 KiB each, whatever the number of calls.
#[derive(Debug)]
pub(super) struct Histograms {
    of: Vec<Calls>,
}

impl Histograms {
    pub(super) fn new() -> Self {
        Histograms { of: (0..KINDS.len() * CLASSES).map(|_| Calls::new()).collect() }
    }

    #[inline(always)]
    pub(super) fn record(&mut self, kind: CallKind, bytes: u64, ticks: u64) {
        self.of[kind as usize * CLASSES + class_of(bytes)].record(ticks);
    }

    /// Percentiles of each class that has calls.
    pub(super) fn by_class(&self, clock: &Clock) -> Vec<ClassLatency> {
        let classes = KINDS.into_iter().flat_map(|kind| {
            let bounds = UP_TO_BYTES.into_iter().map(Some).chain([None]);
            bounds.map(move |up_to_bytes| (kind, up_to_bytes))
        });
        let with_calls = classes.zip(&self.of).filter(|(_, calls)| !calls.histogram.is_empty());
        with_calls
            .map(|((kind, up_to_bytes), calls)| ClassLatency {
                kind,
                up_to_bytes,
                percentiles: calls.percentiles(clock),
            })
            .collect()
    }

    /// Percentiles and curve of all calls together.
    pub(super) fn all(&self, clock: &Clock) -> (Percentiles, Vec<CurvePoint>) {
        let mut all = Calls::new();
        self.of.iter().for_each(|calls| all.add(calls));
        (all.percentiles(clock), all.curve(clock))
    }
}

#[derive(Debug)]
struct Calls {
    histogram: Histogram<u64>,
    /// The exact maximum.
    max_ticks: u64,
}

impl Calls {
    fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, MOST_TICKS, DIGITS).expect("the bounds are sound");
        Calls { histogram, max_ticks: 0 }
    }

    #[inline(always)]
    fn record(&mut self, ticks: u64) {
        self.histogram.saturating_record(ticks);
        self.max_ticks = self.max_ticks.max(ticks);
    }

    fn add(&mut self, other: &Calls) {
        self.histogram.add(&other.histogram).expect("both have the same bounds");
        self.max_ticks = self.max_ticks.max(other.max_ticks);
    }

    /// The time of `ticks` or, if a range reaches beyond it, of the slowest call.
    fn ns(&self, ticks: u64, clock: &Clock) -> f64 {
        clock.ns(ticks.min(self.max_ticks))
    }

    fn percentiles(&self, clock: &Clock) -> Percentiles {
        let quantile = |quantile| self.ns(self.histogram.value_at_quantile(quantile), clock);
        Percentiles {
            count: self.histogram.len(),
            p50_ns: quantile(0.5),
            p90_ns: quantile(0.9),
            p99_ns: quantile(0.99),
            p999_ns: quantile(0.999),
            max_ns: clock.ns(self.max_ticks),
        }
    }

    fn curve(&self, clock: &Clock) -> Vec<CurvePoint> {
        let mut points: Vec<CurvePoint> = Vec::new();
        for step in self.histogram.iter_quantiles(POINTS_PER_HALVING) {
            let point = CurvePoint { share: step.quantile(), ns: self.ns(step.value_iterated_to(), clock) };
            match points.last_mut() {
                // Several steps may end in one range, and the last two in that of the slowest call.
                Some(last) if last.ns >= point.ns => last.share = point.share,
                _ => points.push(point),
            }
        }
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ticks of every order of magnitude, with the kind and size of their calls.
    fn calls(count: u64) -> Vec<(CallKind, u64, u64)> {
        let mut random = fastrand::Rng::with_seed(7);
        let mut call = |_| {
            let most = random.u32(1..24);
            let ticks = random.u64(20..60) << random.u32(0..most);
            (KINDS[random.usize(0..4)], random.u64(1..50) << random.u32(0..18), ticks)
        };
        (0..count).map(&mut call).collect()
    }

    /// At most one per cent above the naively computed value, and never below it.
    fn check(found: &Percentiles, mut ticks: Vec<u64>, clock: &Clock) {
        ticks.sort_unstable();
        assert_eq!(found.count, ticks.len() as u64);
        assert_eq!(found.max_ns, clock.ns(ticks[ticks.len() - 1]), "exactly");
        let shares = [(0.5, found.p50_ns), (0.9, found.p90_ns), (0.99, found.p99_ns), (0.999, found.p999_ns)];
        for (share, ns) in shares {
            let rank = (share * ticks.len() as f64).ceil() as usize;
            let naive = clock.ns(ticks[rank - 1]);
            assert!((naive..=1.01 * naive).contains(&ns), "{share} of {}: {ns}, naively {naive}", ticks.len());
        }
    }

    #[test]
    fn percentiles_match_a_sort() {
        let clock = Clock::calibrate().unwrap();
        for count in [1, 2, 9, 1_000, 30_000] {
            let calls = calls(count);
            let mut histograms = Histograms::new();
            calls.iter().for_each(|&(kind, bytes, ticks)| histograms.record(kind, bytes, ticks));
            let all = |_: &&(CallKind, u64, u64)| true;
            let ticks_of = |which: &dyn Fn(&&(CallKind, u64, u64)) -> bool| {
                calls.iter().filter(which).map(|&(_, _, ticks)| ticks).collect::<Vec<_>>()
            };
            check(&histograms.all(&clock).0, ticks_of(&all), &clock);
            let by_class = histograms.by_class(&clock);
            assert_eq!(by_class.iter().map(|class| class.percentiles.count).sum::<u64>(), count);
            for found in by_class {
                let bound = |bytes| UP_TO_BYTES.get(class_of(bytes)).copied();
                let ticks = ticks_of(&|&&(kind, bytes, _)| kind == found.kind && bound(bytes) == found.up_to_bytes);
                check(&found.percentiles, ticks, &clock);
            }
        }
    }

    #[test]
    fn the_curve_matches_the_distribution() {
        let clock = Clock::calibrate().unwrap();
        let mut histograms = Histograms::new();
        let calls = calls(30_000);
        calls.iter().for_each(|&(kind, bytes, ticks)| histograms.record(kind, bytes, ticks));
        let curve = histograms.all(&clock).1;
        assert!((20..200).contains(&curve.len()), "{} points", curve.len());
        assert!(curve.is_sorted_by(|one, next| one.share < next.share && one.ns < next.ns), "{curve:?}");
        for point in &curve {
            let no_longer = calls.iter().filter(|call| clock.ns(call.2) <= point.ns).count();
            assert_eq!(point.share, no_longer as f64 / calls.len() as f64, "{point:?}");
        }
        let slowest = calls.iter().map(|call| call.2).max().unwrap();
        assert_eq!(curve.last(), Some(&CurvePoint { share: 1.0, ns: clock.ns(slowest) }));
    }

    #[test]
    fn a_call_above_the_maximum_is_counted() {
        let clock = Clock::calibrate().unwrap();
        let mut histograms = Histograms::new();
        histograms.record(CallKind::Alloc, 1, 0);
        histograms.record(CallKind::Alloc, 1, u64::MAX);
        let (all, curve) = histograms.all(&clock);
        assert_eq!((all.count, all.max_ns, all.p50_ns), (2, clock.ns(u64::MAX), 0.0));
        assert_eq!(curve[0], CurvePoint { share: 0.5, ns: 0.0 });
    }
}
