//! One figure for a contender over many traces: the geometric mean of its ratios.
//!
//! The geometric one, as ratios multiply: half and double make 1, and the order of the contenders is the same whoever is the baseline
//! (Fleming and Wallace, CACM 29(3), 1986). All contenders are taken on the same traces, those that each of them completed: whoever fails
//! on the hard ones would look good by it otherwise. Yardsticks and the floor do not decide which traces count. Recorded and synthetic traces are never in one mean: [`by_origin`] parts them.
//!
//! The interval is a bootstrap in two stages, over the traces and over the rounds of each: it tells how much the mean depends on which
//! traces are in the set, as well as the machine's noise. What it cannot see: programs that are like none of the traces.

use super::rng::SplitMix64;
use super::{Estimate, RESAMPLES, Temperature, median, percentile_interval, rounds_beside};
use crate::reasons::by_reason;
use crate::results::{Contender, Figure, Origin, Results, Role, Verification};

/// What is compared over traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Time over the baseline's, formed within rounds.
    Time(Temperature),
    /// Peak heap over peak live bytes: max H / max R.
    Footprint,
}

/// The traces that all of the compared contenders completed, and their ratios on them.
#[derive(Clone, Debug, PartialEq)]
pub struct Common {
    /// Names of the traces, in the order of the results.
    pub traces: Vec<String>,
    /// The contenders, in the order in which the results have them first.
    pub rows: Vec<Row>,
    /// Traces that some contender did not complete: their names, with who and why.
    pub traces_left_out: Vec<(String, String)>,
    /// Contenders that did not complete even half of the traces, and why not. They would have cost the others too many.
    pub contenders_left_out: Vec<(String, String)>,
}

/// A contender over the common traces.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// For each trace its ratios: one a round, or a single one where the figure is exact.
    pub ratios: Vec<Vec<f64>>,
}

/// Parts results by where their traces come from, recorded ones first; origins without results are left out.
pub fn by_origin(all: &[Results]) -> Vec<(Origin, Vec<&Results>)> {
    let of = |origin| (origin, all.iter().filter(|results| results.trace.origin == origin).collect::<Vec<_>>());
    let groups = [Origin::Recorded, Origin::Unstated, Origin::Synthetic].map(of);
    groups.into_iter().filter(|(_, group)| !group.is_empty()).collect()
}

/// Finds the common traces of the contenders: see [`Common`] for who is left out. `baseline` is whom times are compared with. Yardsticks and
/// the floor are in no row, so that they cost the contenders no trace: [`Common::add_yardsticks`] puts them beside.
///
/// ```
/// use reports::results::Results;
/// use reports::stats::{Measure, Temperature, by_origin, common};
///
/// fn show(all: &[Results]) {
///     for (origin, group) in by_origin(all) {
///         let common = common(&group, "dlmalloc", Measure::Time(Temperature::Warm));
///         println!("{} {origin:?} traces", common.traces.len());
///         for (row, mean) in common.rows.iter().zip(common.geometric_means(1)) {
///             println!("{}: {:.2} times dlmalloc's time", row.name, mean.value);
///         }
///     }
/// }
/// ```
pub fn common(group: &[&Results], baseline: &str, measure: Measure) -> Common {
    common_of(group, baseline, measure, |row| row.role == Role::Contender)
}

/// The same of those who take part by this rule.
pub(crate) fn common_of(
    group: &[&Results],
    baseline: &str,
    measure: Measure,
    takes_part: impl Fn(&Contender) -> bool,
) -> Common {
    let names = names(group, takes_part);
    let mut compared = Vec::new();
    let mut contenders_left_out = Vec::new();
    for name in names {
        let found: Vec<_> = group.iter().map(|results| ratios(results, name, baseline, measure)).collect();
        let completed = found.iter().filter(|ratios| ratios.is_ok()).count();
        match found.iter().find_map(|ratios| ratios.as_ref().err()) {
            Some(reason) if completed * 2 < group.len() => {
                contenders_left_out.push((name.to_owned(), too_few(completed, group.len(), reason)));
            }
            _ => compared.push((name, found)),
        }
    }
    // Without contenders no trace was completed by all of them.
    let complete = |trace: &usize| !compared.is_empty() && compared.iter().all(|(_, found)| found[*trace].is_ok());
    let (kept, dropped): (Vec<usize>, Vec<usize>) = (0..group.len()).partition(complete);
    let missing = |&trace: &usize| {
        let pairs = compared.iter().filter_map(|(name, found)| Some((*name, found[trace].as_ref().err()?.clone())));
        let reasons = by_reason(pairs).into_iter().map(|(names, reason)| format!("{names}: {reason}"));
        (group[trace].trace.name.clone(), reasons.collect::<Vec<_>>().join("; "))
    };
    Common {
        traces: kept.iter().map(|&trace| group[trace].trace.name.clone()).collect(),
        traces_left_out: if compared.is_empty() { Vec::new() } else { dropped.iter().map(missing).collect() },
        contenders_left_out,
        rows: (compared.iter())
            .map(|(name, found)| Row {
                name: (*name).to_owned(),
                ratios: kept.iter().filter_map(|&trace| found[trace].as_ref().ok().cloned()).collect(),
            })
            .collect(),
    }
}

/// The names of those who take part, in the order in which the results have them first.
fn names<'a>(group: &[&'a Results], takes_part: impl Fn(&Contender) -> bool) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for row in group.iter().flat_map(|results| &results.contenders).filter(|row| takes_part(row)) {
        if !names.contains(&row.name.as_str()) {
            names.push(&row.name);
        }
    }
    names
}

fn too_few(completed: usize, traces: usize, reason: &str) -> String {
    match completed {
        0 => reason.to_owned(),
        _ => format!("completed {completed} of {traces} traces ({reason})"),
    }
}

/// The ratios of a contender on one trace, or why it has none.
fn ratios(results: &Results, name: &str, baseline: &str, measure: Measure) -> Result<Vec<f64>, String> {
    let row = results.contenders.iter().find(|row| row.name == name).ok_or("did not take part")?;
    completed(row)?;
    let ratios: Vec<f64> = match measure {
        Measure::Footprint => match &row.memory {
            Figure::Known(memory) => vec![memory.overhead_ratio],
            Figure::Unknown { unknown } => return Err(unknown.clone()),
        },
        Measure::Time(temperature) => match rounds_beside(results, row, baseline, temperature) {
            Figure::Known((ours, theirs)) => {
                ours.iter().zip(theirs).map(|(&our, &their)| our as f64 / their as f64).collect()
            }
            Figure::Unknown { unknown } => return Err(unknown),
        },
    };
    match ratios.iter().all(|ratio| ratio.is_finite() && *ratio > 0.0) {
        true => Ok(ratios),
        false => Err("has a ratio to nothing".to_owned()),
    }
}

/// Whether a contender did the whole work of a trace, and did it right; else why not.
fn completed(row: &Contender) -> Result<(), String> {
    if let Verification::Failed { .. } = row.verification {
        return Err("failed verification".to_owned());
    }
    if let Some(partial) = &row.partial {
        return Err(partial.reason.clone());
    }
    match &row.memory {
        Figure::Known(memory) if memory.failed_requests > 0 => Err("requests failed".to_owned()),
        _ => Ok(()),
    }
}

impl Common {
    /// Adds rows for the yardsticks and the floor that have ratios on all of the common traces; the others are left out with the reason. The
    /// arguments are those of [`common`].
    pub fn add_yardsticks(&mut self, group: &[&Results], baseline: &str, measure: Measure) {
        if self.traces.is_empty() {
            return;
        }
        for name in names(group, |row| row.role != Role::Contender) {
            let found: Vec<_> = group.iter().map(|results| ratios(results, name, baseline, measure)).collect();
            let completed = found.iter().filter(|ratios| ratios.is_ok()).count();
            let on_common = group.iter().zip(found).filter(|(results, _)| self.traces.contains(&results.trace.name));
            match on_common.map(|(_, ratios)| ratios).collect() {
                Ok(ratios) => self.rows.push(Row { name: name.to_owned(), ratios }),
                Err(reason) => {
                    self.contenders_left_out.push((name.to_owned(), too_few(completed, group.len(), &reason)))
                }
            }
        }
    }

    /// The geometric mean of each row over the traces, each trace counting with the median of its rounds. The interval is over traces and
    /// rounds; there is none where there is one trace with one ratio. Without traces there are no means.
    pub fn geometric_means(&self, seed: u64) -> Vec<Estimate> {
        if self.traces.is_empty() {
            return Vec::new();
        }
        let mut resampled = vec![Vec::with_capacity(RESAMPLES); self.rows.len()];
        self.resample(seed, |means| resampled.iter_mut().zip(means).for_each(|(all, &mean)| all.push(mean)));
        let spread = |row: &Row| row.ratios.len() > 1 || row.ratios.iter().any(|rounds| rounds.len() > 1);
        let estimate = |(row, means): (&Row, Vec<f64>)| Estimate {
            value: geometric_mean(row.ratios.iter().filter_map(|rounds| median(rounds))),
            interval: spread(row).then(|| percentile_interval(means)),
        };
        self.rows.iter().zip(resampled).map(estimate).collect()
    }

    /// How many times the geometric mean of one row each row has, formed within each resample: what the traces in the set did to both cancels.
    /// Empty without traces, or where there is no such row.
    pub fn ratios_to(&self, row: usize, seed: u64) -> Vec<Estimate> {
        if self.traces.is_empty() || row >= self.rows.len() {
            return Vec::new();
        }
        let mut resampled = vec![Vec::with_capacity(RESAMPLES); self.rows.len()];
        self.resample(seed, |means| {
            resampled.iter_mut().zip(means).for_each(|(all, mean)| all.push(mean / means[row]));
        });
        let mean = |row: &Row| geometric_mean(row.ratios.iter().filter_map(|rounds| median(rounds)));
        let reference = mean(&self.rows[row]);
        let spread =
            self.traces.len() > 1 || self.rows.iter().flat_map(|row| &row.ratios).any(|rounds| rounds.len() > 1);
        let estimate = |(row, ratios): (&Row, Vec<f64>)| Estimate {
            value: mean(row) / reference,
            interval: spread.then(|| percentile_interval(ratios)),
        };
        self.rows.iter().zip(resampled).map(estimate).collect()
    }

    /// Gives `each` the geometric means of all rows in each of [`RESAMPLES`] resamples of the traces and of the rounds within them.
    ///
    /// All rows see the same traces and the same rounds in a resample, so that they may be compared within it: how often one of them is the
    /// first is what may be said of a rank. Without traces there are no resamples.
    pub fn resample(&self, seed: u64, mut each: impl FnMut(&[f64])) {
        if self.traces.is_empty() {
            return;
        }
        let mut rng = SplitMix64::new(seed);
        let most_rounds = self.rows.iter().flat_map(|row| &row.ratios).map(Vec::len).max().unwrap_or(0);
        let mut draws = vec![0; most_rounds];
        let mut rounds = Vec::with_capacity(most_rounds);
        let mut means = vec![0.0; self.rows.len()];
        for _ in 0..RESAMPLES {
            means.fill(0.0);
            for _ in &self.traces {
                let trace = rng.index(self.traces.len());
                // An exact figure has no rounds to draw from.
                if most_rounds > 1 {
                    draws.fill_with(|| rng.next());
                }
                for (row, mean) in self.rows.iter().zip(&mut means) {
                    let ratios = &row.ratios[trace];
                    rounds.clear();
                    rounds.extend(draws[..ratios.len()].iter().map(|&draw| ratios[scaled(draw, ratios.len())]));
                    *mean += median(&rounds).expect("a kept trace has ratios").ln();
                }
            }
            means.iter_mut().for_each(|mean| *mean = (*mean / self.traces.len() as f64).exp());
            each(&means);
        }
    }
}

/// The index below `len` that a random number stands for: the same for rows of equally many rounds, and so of the same rounds.
fn scaled(draw: u64, len: usize) -> usize {
    ((u128::from(draw) * len as u128) >> 64) as usize
}

/// The geometric mean of numbers above 0; not a number of nothing.
///
/// ```
/// assert!((reports::stats::geometric_mean([0.5, 2.0, 8.0]) - 2.0).abs() < 1e-12);
/// ```
pub fn geometric_mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, count) = values.into_iter().fold((0.0, 0), |(sum, count), value| (sum + value.ln(), count + 1));
    (sum / f64::from(count)).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Partial, Time};
    use crate::sample::{self, contender};
    use crate::stats::Interval;

    /// A contender whose rounds took so long, and whose peak heap is so many times the peak live bytes.
    fn timed(name: &str, warm_ns: &[u64], overhead: u64) -> Contender {
        let time = Time { ops: 10, cold_ns: warm_ns.into(), warm_ns: warm_ns.into(), companions: Vec::new() };
        Contender { time: Figure::Known(time), ..contender(name).pages(16 * overhead).build() }
    }

    fn on(trace: &str, contenders: Vec<Contender>) -> Results {
        let mut results = Results { contenders, ..sample::empty() };
        results.trace.name = trace.into();
        results
    }

    const WARM: Measure = Measure::Time(Temperature::Warm);

    fn find(all: &[Results], measure: Measure) -> Common {
        common(&all.iter().collect::<Vec<_>>(), "dlmalloc", measure)
    }

    #[test]
    fn means_are_geometric_and_of_ratios_within_rounds() {
        let all = [
            on("one", vec![timed("dlmalloc", &[10, 20, 30], 2), timed("talc", &[20, 40, 60], 8)]),
            on("two", vec![timed("dlmalloc", &[10, 20, 30], 2), timed("talc", &[5, 10, 90], 2)]),
        ];
        let time = find(&all, WARM);
        assert_eq!(time.rows[1].ratios, [[2.0, 2.0, 2.0], [0.5, 0.5, 3.0]]);
        let means: Vec<f64> = time.geometric_means(1).iter().map(|mean| mean.value).collect();
        assert_eq!(means, [1.0, 1.0], "the median of the second trace is 0.5, and 2 × 0.5 is 1");
        let heap = find(&all, Measure::Footprint).geometric_means(1);
        assert!((heap[1].value - 4.0).abs() < 1e-12 && (heap[0].value - 2.0).abs() < 1e-12, "{heap:?}");
    }

    /// One trace needs ten times what the other does, of anybody; between the two contenders it is always 2.
    #[test]
    fn what_the_traces_do_to_all_cancels_in_a_ratio_of_means() {
        let all = [
            on("small", vec![timed("a", &[10, 10], 1), timed("b", &[10, 10], 2)]),
            on("large", vec![timed("a", &[10, 10], 10), timed("b", &[10, 10], 20)]),
        ];
        let heap = find(&all, Measure::Footprint);
        let mean = heap.geometric_means(1)[1].interval.unwrap();
        assert!(mean.high > 5.0 * mean.low, "the mean depends on which traces there are: {mean:?}");
        let ratio = heap.ratios_to(0, 1)[1];
        let interval = ratio.interval.unwrap();
        assert!([ratio.value, interval.low, interval.high].iter().all(|end| (end - 2.0).abs() < 1e-9), "{ratio:?}");
        assert!(heap.ratios_to(2, 1).is_empty(), "there is no third row");
    }

    #[test]
    fn only_traces_that_all_completed_count() {
        let invalid = contender("talc").invalid(17, "overlap").build();
        let out_of_memory = contender("talc").failed_requests(3).build();
        let partial = Partial { reason: "its time was over".into(), events: 1, heap_bytes: 1, elapsed_ns: 1 };
        let slow = Contender { partial: Some(partial), ..timed("talc", &[9], 1) };
        let bad = [("invalid", invalid), ("full", out_of_memory), ("slow", slow)];
        let mut all: Vec<Results> = Vec::new();
        for trace in ["a", "b", "c"] {
            all.push(on(trace, vec![timed("dlmalloc", &[10], 2), timed("talc", &[5], 4)]));
        }
        for (trace, row) in bad {
            all.push(on(trace, vec![timed("dlmalloc", &[10], 2), row]));
        }
        for measure in [WARM, Measure::Footprint] {
            let found = find(&all, measure);
            assert_eq!(found.traces, ["a", "b", "c"]);
            assert_eq!(found.rows.iter().map(|row| row.ratios.len()).collect::<Vec<_>>(), [3, 3]);
            let left_out = [
                ("invalid", "talc: failed verification"),
                ("full", "talc: requests failed"),
                ("slow", "talc: its time was over"),
            ];
            assert_eq!(found.traces_left_out, left_out.map(|(trace, why)| (trace.to_owned(), why.to_owned())));
            assert!(found.contenders_left_out.is_empty());
        }
    }

    #[test]
    fn who_completes_less_than_half_goes_itself() {
        let failing = || contender("talc").invalid(17, "overlap").build();
        let mut all: Vec<Results> =
            ["a", "b"].map(|trace| on(trace, vec![timed("dlmalloc", &[10], 2), failing()])).into();
        all.push(on("c", vec![timed("dlmalloc", &[10], 2), timed("talc", &[5], 2)]));
        let found = find(&all, WARM);
        assert_eq!(found.traces, ["a", "b", "c"]);
        assert_eq!(found.rows.len(), 1);
        let reason = "completed 1 of 3 traces (failed verification)";
        assert_eq!(found.contenders_left_out, [("talc".to_owned(), reason.to_owned())]);
        // Exactly half is enough to stay, and then the trace goes.
        let found = find(&all[1..], WARM);
        assert_eq!((found.traces.len(), found.rows.len()), (1, 2));
    }

    /// bump completed two of three traces. As a yardstick it costs the others none; as a contender it would.
    #[test]
    fn yardsticks_cost_no_trace_and_stand_beside() {
        let bump = |row: Contender| Contender { role: Role::Baseline, ..row };
        let rows = |bump| vec![timed("dlmalloc", &[10], 2), timed("talc", &[5], 2), bump];
        let all = [
            on("a", rows(bump(timed("bump", &[5], 9)))),
            on("b", rows(bump(timed("bump", &[5], 9)))),
            on("c", rows(bump(contender("bump").failed_requests(1).build()))),
        ];
        for measure in [WARM, Measure::Footprint] {
            let mut found = find(&all, measure);
            assert_eq!((found.traces.len(), found.rows.len(), found.contenders_left_out.len()), (3, 2, 0));
            found.add_yardsticks(&all.iter().collect::<Vec<_>>(), "dlmalloc", measure);
            let reason = ("bump".to_owned(), "completed 2 of 3 traces (requests failed)".to_owned());
            assert_eq!((found.rows.len(), found.contenders_left_out), (2, vec![reason]));
            let all = &all[..2];
            let mut found = find(all, measure);
            found.add_yardsticks(&all.iter().collect::<Vec<_>>(), "dlmalloc", measure);
            assert_eq!((found.rows[2].name.as_str(), found.rows[2].ratios.len()), ("bump", 2));
        }
        let mut all = all;
        all.iter_mut().for_each(|results| results.contenders[2].role = Role::Contender);
        assert_eq!(find(&all, WARM).traces, ["a", "b"]);
    }

    #[test]
    fn without_the_baseline_there_is_nothing_to_compare() {
        let found = find(&[on("a", vec![timed("talc", &[5], 2)])], WARM);
        assert!(found.rows.is_empty() && found.traces.is_empty() && found.traces_left_out.is_empty());
        assert_eq!(found.contenders_left_out, [("talc".to_owned(), "dlmalloc does not take part".to_owned())]);
        assert_eq!(found.geometric_means(1), []);
        found.resample(1, |_| panic!("nothing to draw from"));
        assert_eq!(find(&[], WARM).geometric_means(1), []);
    }

    #[test]
    fn origins_are_parted() {
        let mut all = [on("a", vec![]), on("b", vec![]), on("c", vec![])];
        all[0].trace.origin = Origin::Synthetic;
        let groups = by_origin(&all);
        let groups: Vec<_> = groups
            .iter()
            .map(|(origin, group)| (*origin, group.iter().map(|one| one.trace.name.as_str()).collect::<Vec<_>>()))
            .collect();
        assert_eq!(groups, [(Origin::Recorded, vec!["b", "c"]), (Origin::Synthetic, vec!["a"])]);
    }

    /// Two traces whose ratios are 1 and 4: a resample has both (a mean of 2) half of the time, else one of them twice.
    #[test]
    fn the_interval_is_over_traces() {
        let all = [
            on("one", vec![timed("dlmalloc", &[10], 2), timed("talc", &[10], 2)]),
            on("two", vec![timed("dlmalloc", &[10], 2), timed("talc", &[40], 2)]),
        ];
        let found = find(&all, WARM);
        let mut counts = [0, 0, 0];
        found.resample(3, |means| counts[means[1].log2().round() as usize] += 1);
        assert_eq!(counts.iter().sum::<usize>(), RESAMPLES);
        // Six standard deviations of a count with probability a quarter or a half are at most 300.
        assert!(counts[0].abs_diff(2500) < 300 && counts[1].abs_diff(5000) < 300, "{counts:?}");
        let interval = found.geometric_means(3)[1].interval.unwrap();
        assert!((interval.low - 1.0).abs() < 1e-12 && (interval.high - 4.0).abs() < 1e-12);
        assert_eq!(found.geometric_means(3), found.geometric_means(3), "the seed decides");
    }

    /// One trace of seven rounds: the interval of the median, which goes from the second smallest to the second largest.
    #[test]
    fn the_interval_is_over_rounds_too() {
        let all = [on("one", vec![timed("dlmalloc", &[10; 7], 2), timed("talc", &[10, 20, 30, 40, 50, 60, 70], 2)])];
        let mean = find(&all, WARM).geometric_means(1)[1];
        let Some(Interval { low, high }) = mean.interval else { panic!("seven rounds have a spread") };
        assert!((mean.value - 4.0).abs() < 1e-9 && (low - 2.0).abs() < 1e-9 && (high - 6.0).abs() < 1e-9, "{mean:?}");
        let exact = find(&all, Measure::Footprint).geometric_means(1)[1];
        assert_eq!(exact.interval, None, "one exact figure has no spread");
    }

    /// The same rounds for all: whoever takes twice another's time in every round does so in every resample.
    #[test]
    fn rows_are_compared_within_a_resample() {
        let times: Vec<u64> = (1..20).map(|round| round * round).collect();
        let twice: Vec<u64> = times.iter().map(|time| 2 * time).collect();
        let rows = || vec![timed("dlmalloc", &[10; 19], 2), timed("talc", &times, 2), timed("bump", &twice, 2)];
        let found = find(&[on("one", rows()), on("two", rows())], WARM);
        found.resample(7, |means| assert!((means[2] / means[1] - 2.0).abs() < 1e-9, "{means:?}"));
    }
}
