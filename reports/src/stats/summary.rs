//! One figure per contender over many traces: the geometric mean of its ratios.
//!
//! The mean is geometric because ratios multiply: half and double average to 1, and the order of contenders is the same
//! with any baseline (Fleming and Wallace, CACM 29(3), 1986). All contenders are compared on the same traces, those
//! that every contender completed: otherwise a contender that fails on the hard traces would look good. Yardsticks and
//! the floor do not decide which traces count. Recorded and synthetic traces are never in one mean: [`by_origin`]
//! separates them.
//!
//! `over_traces` computes the mean and its interval.

use super::verdict::completed;
use super::{Regime, rounds_beside};
use crate::reasons::by_reason;
use crate::results::{Contender, Figure, Origin, ProgramKind, Results, Role};

/// What is compared over traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Time over the baseline's, formed within rounds.
    Time(Regime),
    /// Peak heap over peak live bytes: max H / max R.
    Footprint,
}

/// The traces that all compared contenders completed, and the contenders' ratios on them.
#[derive(Clone, Debug, PartialEq)]
pub struct Common {
    /// Names of the traces, in the order of the results.
    pub traces: Vec<String>,
    /// The contenders, in the order of their first appearance in the results.
    pub rows: Vec<ContenderRatios>,
    /// Traces that some contender did not complete: their names, with the contenders and the reason.
    pub traces_left_out: Vec<(String, String)>,
    /// Contenders that completed less than half of the traces, and why. Keeping them would exclude too many traces.
    pub contenders_left_out: Vec<(String, String)>,
}

/// A contender over the common traces.
#[derive(Clone, Debug, PartialEq)]
pub struct ContenderRatios {
    /// Its name.
    pub name: String,
    /// The ratios on each trace: one per round, or a single one if the figure is exact.
    pub ratios: Vec<Vec<f64>>,
}

/// Separates results by the origin of their traces, recorded ones first. Origins without results are omitted.
pub fn by_origin(all: &[Results]) -> Vec<(Origin, Vec<&Results>)> {
    let of = |origin| (origin, all.iter().filter(|results| results.trace.origin == origin).collect::<Vec<_>>());
    let groups = [Origin::Recorded, Origin::Unstated, Origin::Synthetic].map(of);
    groups.into_iter().filter(|(_, group)| !group.is_empty()).collect()
}

/// Separates results of recorded traces by who wrote the program, others first. Empty unless there are both kinds: a
/// part that is the whole says nothing new.
pub fn by_kind<'a>(group: &[&'a Results]) -> Vec<(ProgramKind, Vec<&'a Results>)> {
    let of = |kind| (kind, group.iter().copied().filter(|one| one.trace.kind == Some(kind)).collect::<Vec<_>>());
    let kinds = [ProgramKind::Program, ProgramKind::Driver].map(of);
    if kinds.iter().all(|(_, group)| !group.is_empty()) { kinds.into() } else { Vec::new() }
}

/// Finds the common traces of the contenders; [`Common`] lists what is left out. Times are compared with the
/// `baseline`. Yardsticks and the floor get no row, so they exclude no trace: [`Common::add_yardsticks`] adds them.
///
/// ```
/// use heaprace_reports::results::Results;
/// use heaprace_reports::stats::{Measure, Regime, by_origin, common};
///
/// fn show(all: &[Results]) {
///     for (origin, group) in by_origin(all) {
///         let common = common(&group, "dlmalloc", Measure::Time(Regime::Steady));
///         println!("{} {origin:?} traces", common.traces.len());
///         for (row, mean) in common.rows.iter().zip(common.geometric_means()) {
///             println!("{}: {:.2} times dlmalloc's time", row.name, mean.value);
///         }
///     }
/// }
/// ```
pub fn common(group: &[&Results], baseline: &str, measure: Measure) -> Common {
    common_of(group, baseline, measure, |row| row.role == Role::Contender)
}

/// The same for the contenders that this rule selects.
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
    // Without contenders, no trace counts as completed by all of them.
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
            .map(|(name, found)| ContenderRatios {
                name: (*name).to_owned(),
                ratios: kept.iter().filter_map(|&trace| found[trace].as_ref().ok().cloned()).collect(),
            })
            .collect(),
    }
}

/// The names of the contenders that take part, in the order of their first appearance in the results.
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

/// The ratios of a contender on one trace, or the reason why it has none.
fn ratios(results: &Results, name: &str, baseline: &str, measure: Measure) -> Result<Vec<f64>, String> {
    let row = results.contenders.iter().find(|row| row.name == name).ok_or("did not take part")?;
    completed(row)?;
    let ratios: Vec<f64> = match measure {
        Measure::Footprint => match &row.memory {
            Figure::Known(memory) => vec![memory.overhead_ratio],
            Figure::Unknown { unknown } => return Err(unknown.to_string()),
        },
        Measure::Time(regime) => match rounds_beside(results, row, baseline, regime) {
            Figure::Known((ours, theirs)) => {
                ours.iter().zip(theirs).map(|(&our, &their)| our as f64 / their as f64).collect()
            }
            Figure::Unknown { unknown } => return Err(unknown.to_string()),
        },
    };
    match ratios.iter().all(|ratio| ratio.is_finite() && *ratio > 0.0) {
        true => Ok(ratios),
        false => Err("has no finite ratio".to_owned()),
    }
}

impl Common {
    /// Adds rows for the yardsticks and the floor that have ratios on all common traces. The others are left out with
    /// the reason. Ablations have no mean. The arguments are those of [`common`].
    pub fn add_yardsticks(&mut self, group: &[&Results], baseline: &str, measure: Measure) {
        if self.traces.is_empty() {
            return;
        }
        for name in names(group, |row| matches!(row.role, Role::Baseline | Role::Floor)) {
            let found: Vec<_> = group.iter().map(|results| ratios(results, name, baseline, measure)).collect();
            let completed = found.iter().filter(|ratios| ratios.is_ok()).count();
            let on_common = group.iter().zip(found).filter(|(results, _)| self.traces.contains(&results.trace.name));
            match on_common.map(|(_, ratios)| ratios).collect() {
                Ok(ratios) => self.rows.push(ContenderRatios { name: name.to_owned(), ratios }),
                Err(reason) => {
                    self.contenders_left_out.push((name.to_owned(), too_few(completed, group.len(), &reason)))
                }
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::results::{Partial, Time};
    use crate::sample::{contender, on};

    /// A contender with these times per round, whose peak heap is `overhead` times peak live.
    pub(in crate::stats) fn timed(name: &str, steady_ns: &[u64], overhead: u64) -> Contender {
        let time = Time { ops: 10, fresh_ns: steady_ns.into(), steady_ns: steady_ns.into(), ..Time::default() };
        Contender { time: Figure::Known(time), ..contender(name).pages(16 * overhead).build() }
    }

    pub(in crate::stats) const STEADY: Measure = Measure::Time(Regime::Steady);

    pub(in crate::stats) fn find(all: &[Results], measure: Measure) -> Common {
        common(&all.iter().collect::<Vec<_>>(), "dlmalloc", measure)
    }

    #[test]
    fn only_traces_that_all_completed_count() {
        let invalid = contender("talc").invalid(17, "overlap").build();
        let out_of_memory = contender("talc").failed_requests(3).build();
        let partial = Partial { reason: "its time ran out".into(), events: 1, heap_bytes: 1, elapsed_ns: 1 };
        let slow = Contender { partial: Some(partial), ..timed("talc", &[9], 1) };
        let bad = [("invalid", invalid), ("full", out_of_memory), ("slow", slow)];
        let mut all: Vec<Results> = Vec::new();
        for trace in ["a", "b", "c"] {
            all.push(on(trace, vec![timed("dlmalloc", &[10], 2), timed("talc", &[5], 4)]));
        }
        for (trace, row) in bad {
            all.push(on(trace, vec![timed("dlmalloc", &[10], 2), row]));
        }
        for measure in [STEADY, Measure::Footprint] {
            let found = find(&all, measure);
            assert_eq!(found.traces, ["a", "b", "c"]);
            assert_eq!(found.rows.iter().map(|row| row.ratios.len()).collect::<Vec<_>>(), [3, 3]);
            let left_out = [
                ("invalid", "talc: failed verification"),
                ("full", "talc: requests failed"),
                ("slow", "talc: its time ran out"),
            ];
            assert_eq!(found.traces_left_out, left_out.map(|(trace, why)| (trace.to_owned(), why.to_owned())));
            assert!(found.contenders_left_out.is_empty());
        }
    }

    #[test]
    fn a_contender_that_completes_less_than_half_is_left_out() {
        let failing = || contender("talc").invalid(17, "overlap").build();
        let mut all: Vec<Results> =
            ["a", "b"].map(|trace| on(trace, vec![timed("dlmalloc", &[10], 2), failing()])).into();
        all.push(on("c", vec![timed("dlmalloc", &[10], 2), timed("talc", &[5], 2)]));
        let found = find(&all, STEADY);
        assert_eq!(found.traces, ["a", "b", "c"]);
        assert_eq!(found.rows.len(), 1);
        let reason = "completed 1 of 3 traces (failed verification)";
        assert_eq!(found.contenders_left_out, [("talc".to_owned(), reason.to_owned())]);
        // Exactly half is enough to stay; the trace is left out instead.
        let found = find(&all[1..], STEADY);
        assert_eq!((found.traces.len(), found.rows.len()), (1, 2));
    }

    /// bump completed two of three traces. As a yardstick it excludes no trace; as a contender it would.
    #[test]
    fn yardsticks_exclude_no_trace_and_can_be_added() {
        let bump = |row: Contender| Contender { role: Role::Baseline, ..row };
        let rows = |bump| vec![timed("dlmalloc", &[10], 2), timed("talc", &[5], 2), bump];
        let all = [
            on("a", rows(bump(timed("bump", &[5], 9)))),
            on("b", rows(bump(timed("bump", &[5], 9)))),
            on("c", rows(bump(contender("bump").failed_requests(1).build()))),
        ];
        for measure in [STEADY, Measure::Footprint] {
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
        assert_eq!(find(&all, STEADY).traces, ["a", "b"]);
    }

    #[test]
    fn without_the_baseline_there_is_nothing_to_compare() {
        let found = find(&[on("a", vec![timed("talc", &[5], 2)])], STEADY);
        assert!(found.rows.is_empty() && found.traces.is_empty() && found.traces_left_out.is_empty());
        assert_eq!(found.contenders_left_out, [("talc".to_owned(), "dlmalloc does not take part".to_owned())]);
        assert_eq!(found.geometric_means(), []);
        found.resample(|_| panic!("nothing to draw from"));
        assert_eq!(find(&[], STEADY).geometric_means(), []);
    }

    #[test]
    fn kinds_are_separated_if_there_are_both() {
        let mut all = [on("a", vec![]), on("b", vec![]), on("c", vec![])];
        (all[0].trace.kind, all[1].trace.kind) = (Some(ProgramKind::Driver), Some(ProgramKind::Program));
        let named = |all: &[Results]| -> Vec<_> {
            by_kind(&all.iter().collect::<Vec<_>>())
                .iter()
                .map(|(kind, group)| (*kind, group.iter().map(|one| one.trace.name.clone()).collect::<Vec<_>>()))
                .collect()
        };
        assert_eq!(
            named(&all),
            [(ProgramKind::Program, vec!["b".to_owned()]), (ProgramKind::Driver, vec!["a".to_owned()])]
        );
        all[1].trace.kind = None;
        assert_eq!(named(&all), []);
    }

    #[test]
    fn origins_are_separated() {
        let mut all = [on("a", vec![]), on("b", vec![]), on("c", vec![])];
        all[0].trace.origin = Origin::Synthetic;
        let groups = by_origin(&all);
        let groups: Vec<_> = groups
            .iter()
            .map(|(origin, group)| (*origin, group.iter().map(|one| one.trace.name.as_str()).collect::<Vec<_>>()))
            .collect();
        assert_eq!(groups, [(Origin::Recorded, vec!["b", "c"]), (Origin::Synthetic, vec!["a"])]);
    }
}
