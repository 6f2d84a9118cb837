//! What each decision of allocator design costs and gains: allocators that differ in one decision, against the classic.
//!
//! A [`Study`] compares each of them with the classic on every recorded trace: peak heap, fresh time and steady time, as
//! ratios. Means, intervals and the traces that count are those of [`stats`](crate::stats), for one pair at a time, so
//! that an allocator that fails on a trace costs no other pair that trace.

mod page;

use crate::growth::OverTraces;
use crate::numbers::{decimals, fixed};
use crate::results::{Contender, Origin, ProgramKind, Reason, Results, Role};
use crate::stats::{
    Common, Estimate, Measure, ROUNDS_FOR_95, RankingError, Regime, Verdict, by_kind, by_origin, check, common_of,
};

pub use page::page;

/// What is compared, with its name within a sentence.
const MEASURES: [(Measure, &str); 3] = [
    (Measure::Footprint, "peak heap"),
    (Measure::Time(Regime::Fresh), "fresh time"),
    (Measure::Time(Regime::Steady), "steady time"),
];

/// A decision, and the allocator that makes it otherwise than the classic.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The allocator.
    pub allocator: String,
    /// The decision, in a few words that can be a heading.
    pub name: String,
    /// The constant or type of the code, as Markdown; `None` if it is more than that.
    pub constant: Option<String>,
    /// Who decides so, in a sentence.
    pub field: String,
    /// What else the allocator does otherwise, in a sentence; `None` if it differs in this decision only.
    pub several: Option<String>,
    /// Bytes that the allocator adds to a WebAssembly module, if measured.
    pub module_bytes: Option<u64>,
}

/// Decisions, measured against the classic over recorded traces.
#[derive(Clone, Debug)]
pub struct Study<'r> {
    /// The classic.
    pub classic: &'r str,
    /// Bytes that the classic adds to a WebAssembly module, if measured.
    pub classic_bytes: Option<u64>,
    /// The effects, in the order of the decisions.
    pub effects: Vec<Effect>,
    /// The recorded traces.
    group: Vec<&'r Results>,
    /// Names of other traces, which are in no mean.
    other_traces: Vec<&'r str>,
    /// Ablations of other allocators, or without a description.
    not_compared: Vec<&'r str>,
}

/// A decision with what it costs and gains.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// The decision.
    pub decision: Decision,
    /// The ratios to the classic: peak heap, fresh time, steady time.
    measured: [Measured; 3],
    /// On how many traces the heap goes on growing if the work repeats: this allocator's, and the classic's.
    growing: [OverTraces; 2],
}

/// A figure over the classic's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    /// What it is, within a sentence.
    pub(crate) noun: &'static str,
    /// The traces on which both have the figure.
    pub(crate) ratios: Vec<OnTrace>,
    /// The other traces, and why they are in no mean of this pair.
    pub(crate) left_out: Vec<(String, String)>,
    /// The mean over all traces; `None` if there is no trace.
    pub(crate) all: Option<MeanOver>,
    /// The mean over programs that others wrote; `None` unless there are both kinds of programs.
    pub(crate) others: Option<MeanOver>,
}

/// A ratio on one trace.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OnTrace {
    pub(crate) trace: String,
    /// Whether others wrote the program.
    pub(crate) of_others: bool,
    /// For times with an interval over the rounds; a peak is exact.
    pub(crate) ratio: Estimate,
    pub(crate) verdict: Verdict,
}

/// A geometric mean of ratios.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct MeanOver {
    pub(crate) traces: usize,
    pub(crate) ratio: Estimate,
    /// Inconclusive over fewer traces than [`ROUNDS_FOR_95`].
    pub(crate) verdict: Verdict,
}

impl<'r> Study<'r> {
    /// Compares the allocator of each decision with the classic on the recorded traces of these results.
    ///
    /// # Errors
    ///
    /// [`RankingError`] if the recorded traces must not share a mean.
    pub fn of(
        all: &'r [Results],
        classic: &'r str,
        classic_bytes: Option<u64>,
        decisions: Vec<Decision>,
    ) -> Result<Self, RankingError> {
        let is_recorded = |results: &Results| results.trace.origin == Origin::Recorded;
        let (recorded, others): (Vec<_>, Vec<_>) =
            by_origin(all).into_iter().flat_map(|(_, group)| group).partition(|results| is_recorded(results));
        check(recorded.iter().copied())?;
        let mut not_compared: Vec<&str> = Vec::new();
        for row in recorded.iter().flat_map(|results| &results.contenders).filter(|row| row.role == Role::Ablation) {
            let is_known = decisions.iter().any(|decision| decision.allocator == row.name);
            if !is_known && row.name != classic && !not_compared.contains(&row.name.as_str()) {
                not_compared.push(&row.name);
            }
        }
        let effects = decisions.into_iter().map(|decision| Effect::of(&recorded, classic, decision)).collect();
        let other_traces = others.into_iter().map(|results| results.trace.name.as_str()).collect();
        Ok(Study { classic, classic_bytes, effects, group: recorded, other_traces, not_compared })
    }

    /// The recorded traces.
    pub(crate) fn traces(&self) -> &[&'r Results] {
        &self.group
    }
}

impl Effect {
    fn of(group: &[&Results], classic: &str, decision: Decision) -> Self {
        let measured = MEASURES.map(|(measure, noun)| measure_pair(group, classic, &decision.allocator, measure, noun));
        let growing = [decision.allocator.as_str(), classic].map(|name| OverTraces::of(name, group));
        Effect { decision, measured, growing }
    }

    pub(crate) fn measured(&self) -> &[Measured] {
        &self.measured
    }

    pub(crate) fn peak(&self) -> &Measured {
        &self.measured[0]
    }

    pub(crate) fn steady(&self) -> &Measured {
        &self.measured[2]
    }
}

/// The ratios of an allocator's figure to the classic's, on each trace and their means.
fn measure_pair(group: &[&Results], classic: &str, allocator: &str, measure: Measure, noun: &'static str) -> Measured {
    let is_either = |row: &Contender| row.name == allocator || row.name == classic;
    let common = |group: &[&Results]| common_of(group, classic, measure, is_either);
    let (mut ratios, mut kept, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    for &results in group {
        let trace = results.trace.name.clone();
        let found = common(&[results]);
        match ratio(&found, classic, allocator) {
            Ok(ratio) => {
                let rounds = found.rows.iter().flat_map(|row| &row.ratios).map(Vec::len).min().unwrap_or(0);
                let of_others = results.trace.kind == Some(ProgramKind::Program);
                ratios.push(OnTrace { trace, of_others, ratio, verdict: verdict(ratio, rounds) });
                kept.push(results);
            }
            Err(reason) => left_out.push((trace, reason)),
        }
    }
    let mean = |group: &[&Results]| {
        let found = common(group);
        let ratio = ratio(&found, classic, allocator).ok()?;
        Some(MeanOver { traces: found.traces.len(), ratio, verdict: verdict(ratio, found.traces.len()) })
    };
    let others = by_kind(&kept).into_iter().find(|(kind, _)| *kind == ProgramKind::Program);
    Measured { noun, ratios, left_out, all: mean(&kept), others: others.and_then(|(_, group)| mean(&group)) }
}

/// The allocator's mean over the classic's, or why there is none.
fn ratio(found: &Common, classic: &str, allocator: &str) -> Result<Estimate, String> {
    let row = |name: &str| found.rows.iter().position(|row| row.name == name);
    if let (Some(ours), Some(theirs)) = (row(allocator), row(classic))
        && let Some(ratio) = found.ratios_to(theirs).get(ours)
    {
        return Ok(*ratio);
    }
    let contenders = found.contenders_left_out.iter().map(|(name, reason)| format!("{name}: {reason}"));
    let traces = found.traces_left_out.iter().map(|(_, reason)| reason.clone());
    let reasons: Vec<String> = contenders.chain(traces).collect();
    if !reasons.is_empty() {
        return Err(reasons.join("; "));
    }
    let missing = if row(classic).is_none() { classic } else { allocator };
    Err(Reason::NotTakingPart { other: missing.to_owned() }.to_string())
}

/// The verdict of a ratio over this many rounds or traces.
fn verdict(ratio: Estimate, samples: usize) -> Verdict {
    Verdict::of(ratio.interval.filter(|_| samples >= ROUNDS_FOR_95))
}

/// A ratio with as many digits as tell it from 1, up to four decimals: `0.18`, `0.997`, `0.9996`, and `1` if it is
/// exactly that.
pub(crate) fn ratio_text(ratio: f64) -> String {
    let places = match (ratio - 1.0).abs() {
        0.0 => 0,
        ..0.002 => 4,
        ..0.05 => 3,
        _ if ratio < 0.0095 => 4,
        _ if ratio < 0.0995 => 3,
        _ => decimals(ratio),
    };
    fixed(ratio, places)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::results::{Figure, Time};
    use crate::sample::{contender, on};

    /// Six rounds with a spread of 2 %, of this many ns.
    fn rounds(ns: u64) -> Vec<u64> {
        [98, 99, 100, 100, 101, 102].iter().map(|percent| percent * ns).collect()
    }

    fn timed(name: &str, pages: u64, fresh: u64, steady: u64) -> Contender {
        let time = Time { ops: 1, fresh_ns: rounds(fresh), steady_ns: rounds(steady), ..Time::default() };
        let role = if name == "classic" { Role::Contender } else { Role::Ablation };
        Contender { time: Figure::Known(time), ..contender(name).role(role).pages(pages).build() }
    }

    /// Eight traces, every second one of a program of others. `lists` has half or a quarter of the classic's pages, and
    /// fails on the last trace; `step` has twice them; `same` is like the classic.
    pub(crate) fn results() -> Vec<Results> {
        let trace = |index: u64| {
            let lists = match index {
                7 => contender("lists").role(Role::Ablation).failed_requests(1).build(),
                _ => timed("lists", 100 / if index.is_multiple_of(2) { 2 } else { 4 }, 100, 50),
            };
            let mut same = timed("same", 100, 98 + 4 * (index % 2), 100);
            if let (3, Figure::Known(time)) = (index, &mut same.time) {
                (time.steady_ns, time.no_steady) = (Vec::new(), Some("it did not settle".into()));
            }
            let rows = vec![timed("classic", 100, 100, 100), lists, timed("step", 200, 110 + index, 100), same];
            let mut results = on(&format!("trace-{index}"), rows);
            let kind = if index.is_multiple_of(2) { ProgramKind::Program } else { ProgramKind::Driver };
            results.trace.kind = Some(kind);
            results
        };
        (0..8).map(trace).collect()
    }

    pub(crate) fn decisions() -> Vec<Decision> {
        let decision = |allocator: &str, name: &str| Decision {
            allocator: allocator.into(),
            name: name.into(),
            constant: Some(format!("`{allocator}`")),
            field: "Some do so.".into(),
            several: None,
            module_bytes: None,
        };
        let mut all = vec![
            decision("lists", "Blocks are kept"),
            decision("step", "Blocks are rounded"),
            decision("same", "Nothing happens"),
            decision("absent", "Not measured"),
        ];
        all[0].module_bytes = Some(1434);
        all
    }

    fn study(all: &[Results]) -> Study<'_> {
        Study::of(all, "classic", Some(844), decisions()).unwrap()
    }

    #[test]
    fn means_are_of_the_traces_that_both_completed() {
        let all = results();
        let study = study(&all);
        let lists = &study.effects[0];
        let peak = lists.peak();
        let (mean, others) = (peak.all.unwrap(), peak.others.unwrap());
        // Four traces of programs with 1/2, three of drivers with 1/4: 2^(-(4 + 6) / 7).
        assert!((mean.ratio.value.log2() + 10.0 / 7.0).abs() < 1e-9, "{mean:?}");
        assert_eq!((mean.traces, mean.verdict), (7, Verdict::Faster));
        assert_eq!((others.traces, others.ratio.value), (4, 0.5));
        assert_eq!(others.verdict, Verdict::Inconclusive, "four traces are too few");
        assert_eq!(peak.left_out, [("trace-7".to_owned(), "lists: requests failed".to_owned())]);
        assert_eq!(peak.ratios.iter().filter(|on| on.of_others).count(), 4);
        let steady = lists.steady().all.unwrap();
        assert!((steady.ratio.value - 0.5).abs() < 1e-9 && steady.verdict == Verdict::Faster, "{steady:?}");
        // The failure costs no other pair the trace.
        let step = study.effects[1].peak().all.unwrap();
        assert_eq!((step.traces, step.ratio.value, step.verdict), (8, 2.0, Verdict::Slower));
    }

    /// The same means as those of a ranking over the same traces: there is one definition.
    #[test]
    fn means_are_those_of_a_ranking() {
        let mut all = results();
        all.iter_mut().flat_map(|results| &mut results.contenders).for_each(|row| row.role = Role::Contender);
        all.iter_mut()
            .for_each(|results| results.contenders.retain(|row| ["classic", "step"].contains(&row.name.as_str())));
        let group: Vec<&Results> = all.iter().collect();
        for ((measure, _), found) in MEASURES.iter().zip(&study(&all).effects[1].measured) {
            let ranking = crate::ranking::rank(&group, "classic", ("", *measure));
            let row = ranking.rows.iter().find(|row| row.name == "step").unwrap();
            let mean = found.all.unwrap().ratio;
            assert_eq!((mean.value, mean.interval), (row.ratio, row.interval));
        }
    }

    #[test]
    fn a_missing_time_is_left_out_with_its_reason() {
        let all = results();
        let study = study(&all);
        let same = &study.effects[2];
        let reason = ("trace-3".to_owned(), "same: it did not settle".to_owned());
        assert_eq!(same.steady().left_out, [reason]);
        assert_eq!((same.steady().all.unwrap().traces, same.peak().all.unwrap().traces), (7, 8));
        assert_eq!(same.peak().all.unwrap().verdict, Verdict::Inconclusive);
        let absent = &study.effects[3].measured[1];
        assert!(absent.all.is_none() && absent.others.is_none() && absent.ratios.is_empty());
        assert_eq!(absent.left_out[0].1, "absent does not take part");
    }

    #[test]
    fn faulty_results_are_refused_or_left_out() {
        let mut all = results();
        all[1].contenders[0] = contender("classic").invalid(7, "overlap").build();
        let found = study(&all);
        let step = found.effects[1].peak();
        assert_eq!(step.left_out, [("trace-1".to_owned(), "classic: failed verification".to_owned())]);
        assert_eq!(step.all.unwrap().traces, 7);
        all.push(all[0].clone());
        let twice = Study::of(&all, "classic", None, decisions());
        assert!(matches!(twice, Err(RankingError::Twice { trace }) if trace == "trace-0"));
        // A synthetic trace is in no mean.
        let last = all.last_mut().unwrap();
        (last.trace.origin, last.trace.name) = (Origin::Synthetic, "made-up".into());
        let found = study(&all);
        assert_eq!((found.other_traces.as_slice(), found.effects[1].peak().all.unwrap().traces), (&["made-up"][..], 7));
    }

    #[test]
    fn a_ratio_has_the_digits_that_tell_it_from_1() {
        for (ratio, text) in [
            (1.0, "1"),
            (0.9996, "0.9996"),
            (0.997, "0.997"),
            (1.0412, "1.041"),
            (0.925, "0.93"),
            (0.18, "0.18"),
            (0.0961, "0.096"),
            (0.00169, "0.0017"),
            (13.53, "13.5"),
        ] {
            assert_eq!(ratio_text(ratio), text);
        }
    }
}
