//! A search through our own family of allocators for the member that suits a program: what was found, and what it is worth.
//!
//! Peaks are exact: predicted by the search, and verified by a replay that checks every block. Times are of replays, over
//! those of the flagship: either both are compiled, or both have their decisions looked up at run time.

use serde::{Deserialize, Serialize};

use crate::ReportError;
use crate::results::{Figure, Provenance, fault};
use crate::stats::{Estimate, Interval, Ratio, geometric_mean};

/// What a member has to save, of the heap or of the time, to be worth a change: a tenth.
pub const WORTH: f64 = 0.1;

/// The file with the document, in the folder of a search.
pub const TUNING_FILE: &str = "tune.json";

/// What a search has found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tuning {
    /// Version of this document.
    pub tuning_version: u64,
    /// Where, when and with what it was measured.
    pub provenance: Provenance,
    /// Bytes in a page of the heap.
    pub page_bytes: u64,
    /// The traces that members were chosen on.
    pub chosen_on: Vec<String>,
    /// Further traces that they were judged on.
    pub judged_on: Vec<String>,
    /// Members that were tried.
    pub tried: u64,
    /// Whether times are of compiled members. Else their decisions are looked up, and so are those of the flagship.
    pub are_compiled: bool,
    /// The flagship, and then the members that are worth a replay.
    pub rows: Vec<TunedRow>,
    /// For each trace that members were chosen on, and whose first half has a better member than the flagship: what became of
    /// it.
    pub held_out: Vec<HeldOutChoice>,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TunedRow {
    /// Its decisions, as the variable `HEAPRACE_MEMBER` takes them.
    pub design: String,
    /// What it was chosen for, in words. Nothing for the flagship.
    pub chosen_for: Vec<String>,
    /// Bytes that it adds to a WebAssembly module at opt-level z.
    pub module_bytes: Figure<i64>,
    /// Its figures on each trace: those that it was chosen on, then those that it was judged on.
    pub traces: Vec<TunedOnTrace>,
}

/// A member on a trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TunedOnTrace {
    /// The trace.
    pub trace: String,
    /// Pages of its heap, by the search; `None` if it was given up.
    pub predicted_pages: Option<u64>,
    /// The same, by a replay that checks every block.
    pub pages: Figure<u64>,
    /// Its time over the flagship's, where each replay starts with an empty heap.
    pub fresh: Figure<TimeRatio>,
    /// The same for a program that runs on.
    pub steady: Figure<TimeRatio>,
    /// Its slowest call: the fastest of several passes, in nanoseconds.
    pub worst_call_ns: Figure<f64>,
}

/// A time over another, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeRatio {
    /// The median over rounds.
    pub value: f64,
    /// Its interval, if there are rounds enough.
    pub interval: Option<[f64; 2]>,
}

/// A choice by the first half of a trace, judged by all of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOutChoice {
    /// The trace.
    pub trace: String,
    /// The member with the smallest heap on the first half.
    pub design: String,
    /// Its pages on the first half, and the flagship's.
    pub half_pages: [u64; 2],
    /// Its pages on the whole trace, and the flagship's; `None` if its heap became more than three times as large.
    pub end_pages: Option<[u64; 2]>,
    /// Whether at least half of what was saved on the first half is saved in the end.
    pub carries_over: bool,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Advice {
    /// Take this row: by the parts of the flagship's heap and time.
    Take {
        /// Its index.
        row: usize,
        /// Its heap over the flagship's, over the traces that it was chosen on.
        peak: f64,
        /// Its time over the flagship's, for a program that runs on; `None` if no time was taken.
        time: Option<TimeRatio>,
        /// Traces that it was judged on, where it saves less than half as much of the heap.
        fails_on: Vec<String>,
    },
    /// No member saves a tenth of the heap or of the time without a loss in the other.
    Keep,
    /// No time was taken, or some replay failed.
    Unknown,
}

impl From<&Ratio> for TimeRatio {
    fn from(ratio: &Ratio) -> Self {
        let Estimate { value, interval } = ratio.estimate;
        TimeRatio { value, interval: interval.map(|Interval { low, high }| [low, high]) }
    }
}

impl TimeRatio {
    /// The ratio of two ratios to the same reference, from different runs: intervals are combined as independent errors.
    pub fn of(own: &Ratio, flagship: &Ratio) -> Self {
        let value = own.estimate.value / flagship.estimate.value;
        let interval = own.estimate.interval.zip(flagship.estimate.interval).map(|(own_interval, other)| {
            let part = |interval: Interval, value: f64| [(value / interval.low).ln(), (interval.high / value).ln()];
            let [own_low, own_high] = part(own_interval, own.estimate.value);
            let [other_low, other_high] = part(other, flagship.estimate.value);
            [value / own_low.hypot(other_high).exp(), value * own_high.hypot(other_low).exp()]
        });
        TimeRatio { value, interval }
    }

    /// For a chart.
    pub(crate) fn estimate(self) -> Estimate {
        Estimate { value: self.value, interval: self.interval.map(|[low, high]| Interval { low, high }) }
    }

    fn over(ratios: &[TimeRatio]) -> TimeRatio {
        let value = geometric_mean(ratios.iter().map(|ratio| ratio.value));
        let intervals: Option<Vec<[f64; 2]>> = ratios.iter().map(|ratio| ratio.interval).collect();
        let interval = intervals.filter(|intervals| !intervals.is_empty()).map(|intervals| {
            let spread = |end: usize| {
                let parts =
                    intervals.iter().zip(ratios).map(|(interval, ratio)| (interval[end] / ratio.value).ln().powi(2));
                (parts.sum::<f64>().sqrt() / ratios.len() as f64).exp()
            };
            [value / spread(0), value * spread(1)]
        });
        TimeRatio { value, interval }
    }

    /// Whether it is more than the flagship differs from itself by.
    fn is_a_loss(self, flagship: TimeRatio) -> bool {
        let floor = flagship.interval.map_or(flagship.value, |[_, high]| high).max(1.0);
        self.interval.map_or(self.value, |[low, _]| low) > floor
    }

    /// The part that is saved, if it is more than the flagship differs from itself by. 0 if it is not, or there is no interval.
    fn saved(self, flagship: TimeRatio) -> f64 {
        let floor = flagship.interval.map_or(flagship.value, |[low, _]| low).min(1.0);
        let is_shown = self.interval.is_some_and(|[_, high]| high < floor);
        if is_shown { 1.0 - self.value / floor } else { 0.0 }
    }
}

impl Tuning {
    /// The version that is written.
    pub const VERSION: u64 = 1;

    /// The document, as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain data always serialises") + "\n"
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    ///
    /// If it is not such a document.
    pub fn from_json(json: &str) -> Result<Self, ReportError> {
        let document: serde_json::Value =
            serde_json::from_str(json).map_err(|cause| ReportError::NotResults { cause })?;
        serde_path_to_error::deserialize(&document).map_err(|error| ReportError::Field { fault: fault(&error) })
    }

    /// A row's heap over the flagship's, over the traces that members were chosen on. `None` if a replay failed.
    pub fn peak(&self, row: usize) -> Option<f64> {
        let ratios = (0..self.chosen_on.len()).map(|trace| self.peak_on(row, trace));
        Some(geometric_mean(ratios.collect::<Option<Vec<f64>>>()?))
    }

    fn peak_on(&self, row: usize, trace: usize) -> Option<f64> {
        let pages = |row: usize| self.rows.get(row)?.traces.get(trace)?.pages.known().copied();
        Some(pages(row)? as f64 / pages(0)?.max(1) as f64)
    }

    /// A row's time over the flagship's, over the same traces. `None` if it was not taken on one of them.
    pub fn time(&self, row: usize, which: impl Fn(&TunedOnTrace) -> &Figure<TimeRatio>) -> Option<TimeRatio> {
        let traces = self.rows.get(row)?.traces.iter().take(self.chosen_on.len());
        let ratios: Option<Vec<TimeRatio>> = traces.map(|on| which(on).known().copied()).collect();
        ratios.filter(|ratios| !ratios.is_empty()).map(|ratios| TimeRatio::over(&ratios))
    }

    /// What to do: the row that saves most of the heap or of the time, if that is a [tenth](WORTH) and costs nothing of the
    /// other. A time that is lost must be shown by its interval; one that is saved, too. The first row is the flagship, beside
    /// another copy of the same code: what these two differ by is the floor of all differences.
    pub fn advice(&self) -> Advice {
        if self.rows.iter().flat_map(|row| &row.traces).all(|on| on.steady.known().is_none()) {
            return self.advice_by_heap();
        }
        let floors = [self.time(0, |on| &on.fresh), self.time(0, |on| &on.steady)];
        let [Some(fresh_floor), Some(steady_floor)] = floors else { return Advice::Unknown };
        let mut best: Option<(f64, Advice)> = None;
        let mut all_known = true;
        for row in 1..self.rows.len() {
            let times = [self.time(row, |on| &on.fresh), self.time(row, |on| &on.steady)];
            let (Some(peak), [Some(fresh), Some(steady)]) = (self.peak(row), times) else {
                all_known = false;
                continue;
            };
            if fresh.is_a_loss(fresh_floor) || steady.is_a_loss(steady_floor) || peak > 1.0 {
                continue;
            }
            let saved_time = steady.saved(steady_floor);
            let saved = (1.0 - peak).max(saved_time);
            if saved >= WORTH - 1e-9 && best.as_ref().is_none_or(|(least, _)| saved > *least) {
                let fails_on = self.fails_on(row, if saved_time > 1.0 - peak { 1.0 } else { peak });
                best = Some((saved, Advice::Take { row, peak, time: Some(steady), fails_on }));
            }
        }
        match best {
            Some((_, advice)) => advice,
            None if all_known => Advice::Keep,
            None => Advice::Unknown,
        }
    }

    /// The same where no time was taken: the row with the smallest heap.
    fn advice_by_heap(&self) -> Advice {
        let peaks = (1..self.rows.len()).filter_map(|row| Some((row, self.peak(row)?)));
        match peaks.min_by(|a, b| a.1.total_cmp(&b.1)) {
            Some((row, peak)) if 1.0 - peak >= WORTH - 1e-9 => {
                Advice::Take { row, peak, time: None, fails_on: self.fails_on(row, peak) }
            }
            _ => Advice::Unknown,
        }
    }

    /// The traces that members were judged on, and where this one saves less than half of the heap that it saves on those that
    /// it was chosen on, which it takes to `peak`.
    fn fails_on(&self, row: usize, peak: f64) -> Vec<String> {
        let fails = |trace: usize| self.peak_on(row, trace).is_none_or(|on| on > (1.0 + peak) / 2.0 + 1e-9);
        let judged = self.judged_on.iter().enumerate();
        judged.filter(|(index, _)| fails(self.chosen_on.len() + index)).map(|(_, trace)| trace.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::stats::Verdict;

    fn ratio(value: f64, low: f64, high: f64) -> Ratio {
        let interval = Some(Interval { low, high });
        Ratio { estimate: Estimate { value, interval }, verdict: Verdict::Inconclusive }
    }

    #[test]
    fn a_ratio_of_ratios_has_the_errors_of_both() {
        let own = ratio(1.1, 1.0, 1.21);
        let same = TimeRatio::of(&own, &own);
        assert_eq!(same.value, 1.0);
        let [low, high] = same.interval.unwrap();
        // An error of 10 % each is one of 14.4 % together.
        assert!((high - 1.1_f64.powf(2.0_f64.sqrt())).abs() < 1e-9 && (low * high - 1.0).abs() < 1e-9, "{low} {high}");
        let alone = Ratio { estimate: Estimate { value: 1.0, interval: None }, ..own };
        assert_eq!(TimeRatio::of(&own, &alone).interval, None);
    }

    #[test]
    fn the_document_is_read_as_it_is_written() {
        let tuning = sample::tuning();
        assert_eq!(Tuning::from_json(&tuning.to_json()).unwrap(), tuning);
        assert!(Tuning::from_json("{}").is_err());
    }

    #[test]
    fn advice_is_what_saves_a_tenth_without_a_loss() {
        let tuning = sample::tuning();
        assert!(matches!(tuning.advice(), Advice::Take { row: 1, peak, .. } if (peak - 0.8).abs() < 1e-9));
        let with = |change: &dyn Fn(&mut TunedOnTrace)| {
            let mut tuning = sample::tuning();
            change(&mut tuning.rows[1].traces[0]);
            tuning.advice()
        };
        let slower = Figure::Known(TimeRatio { value: 1.1, interval: Some([1.05, 1.2]) });
        assert_eq!(with(&|on| on.steady = slower.clone()), Advice::Keep);
        assert_eq!(with(&|on| on.fresh = slower.clone()), Advice::Keep);
        let perhaps = Figure::Known(TimeRatio { value: 1.1, interval: Some([0.99, 1.2]) });
        assert!(matches!(with(&|on| on.steady = perhaps.clone()), Advice::Take { .. }));
        assert_eq!(with(&|on| on.pages = Figure::Known(91)), Advice::Keep);
        assert!(matches!(with(&|on| on.pages = Figure::Known(90)), Advice::Take { .. }), "a tenth");
        assert_eq!(with(&|on| on.pages = Figure::unknown("it failed")), Advice::Unknown);
        // No more than the flagship differs from itself.
        let floor = Figure::Known(TimeRatio { value: 1.05, interval: Some([1.01, 1.06]) });
        let mut noisy = sample::tuning();
        (noisy.rows[0].traces[0].steady, noisy.rows[1].traces[0].steady) = (floor, slower.clone());
        assert!(matches!(noisy.advice(), Advice::Take { .. }));
        let faster = Figure::Known(TimeRatio { value: 0.85, interval: Some([0.8, 0.92]) });
        let as_large = |on: &mut TunedOnTrace| (on.pages, on.steady) = (Figure::Known(100), faster.clone());
        assert!(matches!(with(&as_large), Advice::Take { .. }));
        let larger = |on: &mut TunedOnTrace| (on.pages, on.steady) = (Figure::Known(101), faster.clone());
        assert_eq!(with(&larger), Advice::Keep);
    }

    #[test]
    fn without_times_the_heap_alone_decides() {
        let mut tuning = sample::tuning();
        let untimed = |on: &mut TunedOnTrace| (on.fresh, on.steady) = (Figure::unknown("no"), Figure::unknown("no"));
        tuning.rows.iter_mut().for_each(|row| untimed(&mut row.traces[0]));
        assert!(matches!(tuning.advice(), Advice::Take { row: 1, time: None, .. }));
        tuning.rows[1].traces[0].pages = Figure::Known(95);
        assert_eq!(tuning.advice(), Advice::Unknown);
    }

    #[test]
    fn a_member_that_is_no_better_on_another_trace_fails_there() {
        let mut tuning = sample::tuning();
        tuning.judged_on = vec!["other".to_owned()];
        for (row, pages) in [(0, 50), (1, 50)] {
            let on = TunedOnTrace {
                trace: "other".to_owned(),
                pages: Figure::Known(pages),
                ..tuning.rows[row].traces[0].clone()
            };
            tuning.rows[row].traces.push(on);
        }
        assert!(matches!(tuning.advice(), Advice::Take { fails_on, .. } if fails_on == ["other"]));
        tuning.rows[1].traces[1].pages = Figure::Known(46);
        assert!(matches!(tuning.advice(), Advice::Take { fails_on, .. } if fails_on == ["other"]), "8 % of 20");
        tuning.rows[1].traces[1].pages = Figure::Known(45);
        assert!(matches!(tuning.advice(), Advice::Take { fails_on, .. } if fails_on.is_empty()));
    }
}
