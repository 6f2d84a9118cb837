//! Contenders ranked over a set of traces, with the confidence in their ranks.
//!
//! The figure is the geometric mean of ratios to the baseline over the traces that all contenders completed (see
//! [`Common`](crate::stats::Common)), with the same interval as on the page of a report. Ranks are recomputed in each
//! resample of the traces and of the rounds within them, which all contenders share; their intervals are the middle
//! 95 %. A rank from 1 to 3 means that other programs of the same kind could have given any of these ranks.

use crate::growth;
use crate::numbers::{count, fixed};
use crate::reasons::by_reason;
use crate::results::{Origin, ProgramKind, Results, Role};
use crate::stats::{Interval, Measure, RESAMPLES, Regime, by_kind, by_origin, common_of, trust_in_mean};
use crate::table::model::{Table, TableColumn};
use crate::table::terminal::{self, UNKNOWN};
use crate::table::wrap;
use crate::times;

pub use crate::stats::{RankingError, check};

/// The measures that contenders are ranked by, each with its name as in exports.
pub const MEASURES: [(&str, Measure); 3] = [
    ("fresh_ns_per_op", Measure::Time(Regime::Fresh)),
    ("steady_ns_per_op", Measure::Time(Regime::Steady)),
    ("peak_heap_bytes", Measure::Footprint),
];

/// Resamples outside of an interval on either side.
const OUTSIDE: usize = RESAMPLES / 40;

/// A ranking of contenders over traces of one origin.
pub struct Ranking {
    /// The name of its measure, as in [`MEASURES`].
    pub metric: &'static str,
    /// The traces that count.
    pub traces: Vec<String>,
    /// The contenders, best first.
    pub rows: Vec<Ranked>,
    /// Traces that do not count, and why.
    pub traces_left_out: Vec<(String, String)>,
    /// Contenders that do not take part, and why.
    pub contenders_left_out: Vec<(String, String)>,
}

/// A contender in the ranking.
pub struct Ranked {
    /// Its name.
    pub name: String,
    /// The geometric mean of its ratios to the baseline.
    pub ratio: f64,
    /// The 95 % interval of that mean; `None` for a single trace with a single figure.
    pub interval: Option<Interval>,
    /// Its rank: 1 plus the number of contenders with a smaller mean.
    pub rank: usize,
    /// The best and the worst of its ranks in the middle 95 % of the resamples.
    pub ranks: Option<(usize, usize)>,
}

/// Ranks the contenders of a group of results that passed [`check`] and whose traces share an origin. Yardsticks,
/// ablations and the floor do not take part, except for the baseline of the ratios.
pub fn rank(group: &[&Results], baseline: &str, (metric, measure): (&'static str, Measure)) -> Ranking {
    let common = common_of(group, baseline, measure, |row| row.role == Role::Contender || row.name == baseline);
    let (traces_left_out, mut contenders_left_out) =
        (common.traces_left_out.clone(), common.contenders_left_out.clone());
    let names: Vec<&str> = common.rows.iter().map(|row| row.name.as_str()).collect();
    let Some(reference) = names.iter().position(|&name| name == baseline).filter(|_| !common.traces.is_empty()) else {
        if contenders_left_out.is_empty() && !names.is_empty() {
            contenders_left_out.push((names.join(", "), "no trace was completed by all of them".to_owned()));
        }
        return Ranking { metric, traces: Vec::new(), rows: Vec::new(), traces_left_out, contenders_left_out };
    };
    let means: Vec<f64> = common.geometric_means().iter().map(|mean| mean.value).collect();
    let ratios = common.ratios_to(reference);
    let mut ranks = vec![Vec::with_capacity(RESAMPLES); names.len()];
    common.resample(|means| {
        for (ranks, &mean) in ranks.iter_mut().zip(means) {
            ranks.push(rank_of(mean, means));
        }
    });
    let spread = common.rows.iter().any(|row| row.ratios.len() > 1 || row.ratios.iter().any(|rounds| rounds.len() > 1));
    let mut rows: Vec<Ranked> = (names.iter().enumerate())
        .map(|(row, &name)| Ranked {
            name: name.to_owned(),
            ratio: ratios[row].value,
            interval: ratios[row].interval,
            rank: rank_of(means[row], &means),
            ranks: spread.then(|| middle(&mut ranks[row])),
        })
        .collect();
    rows.sort_by(|one, other| one.ratio.total_cmp(&other.ratio));
    Ranking { metric, traces: common.traces.clone(), rows, traces_left_out, contenders_left_out }
}

/// 1 plus the number of smaller means.
fn rank_of(mean: f64, means: &[f64]) -> usize {
    1 + means.iter().filter(|&&other| other < mean).count()
}

/// The ends of the middle 95 %.
fn middle(resampled: &mut [usize]) -> (usize, usize) {
    resampled.sort_unstable();
    (resampled[OUTSIDE], resampled[resampled.len() - 1 - OUTSIDE])
}

/// Rankings of all results by these measures, as text at most `width` columns wide: recorded traces first, never mixed
/// with synthetic ones.
pub fn text(all: &[Results], baseline: &str, measures: &[(&'static str, Measure)], width: usize) -> String {
    let mut text = String::new();
    let origins = by_origin(all);
    // Each origin, and after it its kinds of programs, which the reader compares with the whole.
    let groups = origins.iter().flat_map(|(origin, group)| {
        let whole: (fn(u64) -> String, _) = (of_origin(*origin), group.clone());
        std::iter::once(whole).chain(by_kind(group).into_iter().map(|(kind, part)| (of_kind(kind), part)))
    });
    for (traces, group) in groups {
        for &measure in measures {
            let ranking = rank(&group, baseline, measure);
            text += &one(&ranking, &group, traces, baseline, width);
            text.push('\n');
        }
    }
    let legend = [
        format!(
            "Ratios are geometric means over traces, each against {baseline} on the same trace, and for times within the \
             same rounds. Their 95 % intervals are over traces; those of ranks come from a bootstrap over traces and rounds."
        ),
        "A rank interval from 1 to 3 means that other traces of the same kind could have given any of these ranks."
            .to_owned(),
    ];
    let written = (!all.is_empty()).then(|| format!("Times: {}.", times::written_in(all)));
    for line in legend.iter().chain(&written).flat_map(|line| wrap(line, width, 2)) {
        text += &line;
        text.push('\n');
    }
    text
}

/// Says how many traces of this origin there are.
fn of_origin(origin: Origin) -> fn(u64) -> String {
    match origin {
        Origin::Recorded => |number| count(number, "recorded trace"),
        Origin::Synthetic => |number| count(number, "synthetic trace"),
        Origin::Unstated => |number| count(number, "trace") + " of unstated origin",
    }
}

/// Says how many recorded traces of this kind of program there are.
pub(crate) fn of_kind(kind: ProgramKind) -> fn(u64) -> String {
    match kind {
        ProgramKind::Program => |number| count(number, "program") + " of others",
        ProgramKind::Driver => |number| count(number, "driver") + " written for the library",
    }
}

fn one(ranking: &Ranking, group: &[&Results], traces: fn(u64) -> String, baseline: &str, width: usize) -> String {
    let traces = traces(ranking.traces.len() as u64);
    let mut lines = wrap(&format!("{} over {traces}", ranking.metric), width, 2);
    if !ranking.rows.is_empty() {
        let headings = [&format!("× {baseline}"), "95 % CI", "rank", "95 % CI"].map(TableColumn::plain);
        let mut table = Table::new("allocator", headings.into());
        for row in &ranking.rows {
            let interval = |interval: Interval| format!("{}–{}", fixed(interval.low, 2), fixed(interval.high, 2));
            let ranks = |(low, high)| if low == high { format!("{low}") } else { format!("{low}–{high}") };
            let cells = [
                fixed(row.ratio, 2),
                row.interval.map_or(UNKNOWN.into(), interval),
                row.rank.to_string(),
                row.ranks.map_or(UNKNOWN.into(), ranks),
            ];
            table.words("", row.name.clone(), cells);
        }
        lines.extend(terminal::plain(&table).lines().map(str::to_owned));
    }
    match ranking.traces.len() {
        1 => {
            lines.extend(wrap("One trace says nothing about others: the intervals are over its rounds only.", width, 2))
        }
        several => lines.extend(trust_in_mean(several).iter().flat_map(|trust| wrap(trust, width, 2))),
    }
    let counted: Vec<&Results> =
        group.iter().copied().filter(|results| ranking.traces.contains(&results.trace.name)).collect();
    let grows = growth::note_over_traces(&counted);
    lines.extend(grows.iter().flat_map(|note| wrap(note, width, 2)));
    let left_out = |what: &str, pairs: &[(String, String)]| {
        let groups = by_reason(pairs.iter().map(|(name, reason)| (name.as_str(), reason.clone())));
        groups.into_iter().map(|(names, reason)| format!("{what} left out: {names} ({reason})")).collect::<Vec<_>>()
    };
    for line in left_out("traces", &ranking.traces_left_out)
        .into_iter()
        .chain(left_out("allocators", &ranking.contenders_left_out))
    {
        lines.extend(wrap(&line, width, 2));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Contender;
    use crate::sample::{contender, on};
    use crate::stats::common;

    fn timed(name: &str, tenths: u64, pages: u64) -> Contender {
        contender(name).fresh_ns(tenths).steady_ns(tenths).pages(pages).build()
    }

    fn ranked(all: &[Results], measure: usize) -> Ranking {
        check(all).unwrap();
        rank(&all.iter().collect::<Vec<_>>(), "dlmalloc", MEASURES[measure])
    }

    /// A contender with its rank and the rank's interval.
    type Found<'a> = (&'a str, usize, Option<(usize, usize)>);

    fn found(ranking: &Ranking) -> Vec<Found<'_>> {
        ranking.rows.iter().map(|row| (row.name.as_str(), row.rank, row.ranks)).collect()
    }

    /// talc is faster than dlmalloc everywhere; wee_alloc is by far the fastest on one trace of three and slower on the
    /// other two.
    #[test]
    fn ranks_are_as_certain_as_the_traces_agree() {
        let of = |trace, wee| {
            on(trace, vec![timed("dlmalloc", 1000, 20), timed("wee_alloc", wee, 60), timed("talc", 500, 40)])
        };
        let all = [of("a", 100), of("b", 2000), of("c", 2000)];
        let time = ranked(&all, 1);
        assert_eq!(
            found(&time),
            [("talc", 1, Some((1, 2))), ("wee_alloc", 2, Some((1, 3))), ("dlmalloc", 3, Some((2, 3)))]
        );
        assert!((time.rows[0].ratio - 0.5).abs() < 1e-9, "{}", time.rows[0].ratio);
        let interval = time.rows[1].interval.unwrap();
        assert!(interval.low < 0.1 && interval.high > 2.0, "three traces that disagree show nothing: {interval:?}");
        let page = common(&all.iter().collect::<Vec<_>>(), "dlmalloc", MEASURES[1].1).geometric_means();
        assert_eq!(Some(interval), page[1].interval, "the same as on the page");
        let baseline = time.rows[2].interval.unwrap();
        assert_eq!((baseline.low, baseline.high), (1.0, 1.0), "itself, in every resample");
        let memory = ranked(&all, 2);
        assert_eq!(
            found(&memory),
            [("dlmalloc", 1, Some((1, 1))), ("talc", 2, Some((2, 2))), ("wee_alloc", 3, Some((3, 3)))]
        );
        assert!((memory.rows[2].ratio - 3.0).abs() < 1e-9);
    }

    #[test]
    fn equals_share_their_rank() {
        let all = [on("a", vec![timed("dlmalloc", 100, 20), timed("talc", 100, 20), timed("wee_alloc", 200, 21)])];
        assert_eq!(found(&ranked(&all, 2)), [("dlmalloc", 1, None), ("talc", 1, None), ("wee_alloc", 3, None)]);
        assert_eq!(ranked(&all, 1).rows[0].ranks, Some((1, 1)), "rounds vary, but equally for both");
    }

    #[test]
    fn yardsticks_do_not_take_part_and_exclude_no_trace() {
        let bump = || contender("bump").role(Role::Baseline).failed_requests(1).build();
        let all = ["a", "b"].map(|trace| on(trace, vec![timed("dlmalloc", 100, 20), bump(), timed("talc", 100, 20)]));
        let ranking = ranked(&all, 2);
        assert_eq!((ranking.traces.len(), ranking.rows.len()), (2, 2));
        let to_bump = rank(&all.iter().collect::<Vec<_>>(), "bump", MEASURES[2]);
        assert!(to_bump.rows.is_empty() && to_bump.contenders_left_out[0].0 == "bump", "it completed nothing");
    }

    #[test]
    fn results_that_must_not_be_mixed_are_rejected() {
        let one = on("a", vec![]);
        let twice = check(&[one.clone(), one.clone()]).unwrap_err().to_string();
        assert_eq!(twice, "a occurs more than once: pass each trace once, from one run");
        let mut other = on("b", vec![]);
        other.settings.page_bytes = 4096;
        let mixed = check(&[one.clone(), other.clone()]).unwrap_err().to_string();
        assert_eq!(mixed, "page sizes of a and b differ (65536 and 4096): do not mix them");
        other = on("b", vec![]);
        other.trace.sha256 = one.trace.sha256.clone();
        assert!(check(&[one.clone(), other]).is_err(), "one trace with two names");
        assert_eq!(check(&[one, on("b", vec![])]), Ok(()));
    }

    #[test]
    fn text_keeps_origins_apart_and_says_what_is_left_out() {
        let of = |trace, wee| on(trace, vec![timed("dlmalloc", 1000, 20), timed("wee_alloc", wee, 60)]);
        let mut all = vec![of("a", 500), of("b", 500), of("c", 4000)];
        all[2].trace.origin = Origin::Synthetic;
        all.push(on("d", vec![timed("dlmalloc", 1000, 20), contender("wee_alloc").failed_requests(2).build()]));
        let text = text(&all, "dlmalloc", &MEASURES[1..], 80);
        let expected = "\
steady_ns_per_op over 2 recorded traces
allocator  × dlmalloc    95 % CI  rank  95 % CI
────────────────────────────────────────────────
wee_alloc        0.50  0.50–0.50     1        1
dlmalloc         1.00  1.00–1.00     2        2
Over 2 traces the 95 % interval of a mean is a rough guide: in simulations it
  misses 11 % of means if ratios are skewed, and 11 % if one program in seven is
  unlike the others.
traces left out: d (wee_alloc: requests failed)

peak_heap_bytes over 2 recorded traces
";
        assert!(text.starts_with(expected), "{text}");
        assert!(
            text.contains("\nsteady_ns_per_op over 1 synthetic trace\n") && text.contains("One trace says nothing"),
            "{text}"
        );
        assert!(text.lines().all(|line| line.chars().count() <= 80));
        let ten = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"].map(|trace| of(trace, 500));
        assert!(!super::text(&ten, "dlmalloc", &MEASURES, 80).contains("a rough guide"));
        assert!(super::text(&ten[1..], "dlmalloc", &MEASURES, 80).contains("Over 9 traces the 95 %"));
    }

    #[test]
    fn programs_of_others_and_drivers_are_ranked_together_and_apart() {
        let of = |trace, kind, wee| {
            let mut results = on(trace, vec![timed("dlmalloc", 1000, 20), timed("wee_alloc", wee, 60)]);
            results.trace.kind = Some(kind);
            results
        };
        let all = [
            of("a", ProgramKind::Driver, 500),
            of("b", ProgramKind::Program, 2000),
            of("c", ProgramKind::Program, 2000),
        ];
        let text = text(&all, "dlmalloc", &MEASURES[1..2], 80);
        let heads: Vec<_> = text.lines().filter(|line| line.contains(" over ") && !line.starts_with(' ')).collect();
        assert_eq!(
            heads[..3],
            [
                "steady_ns_per_op over 3 recorded traces",
                "steady_ns_per_op over 2 programs of others",
                "steady_ns_per_op over 1 driver written for the library"
            ]
        );
        let ratios: Vec<_> = text.lines().filter(|line| line.starts_with("wee_alloc")).collect();
        let expected = ["1.26", "2.00", "0.50"];
        assert!(ratios.iter().zip(expected).all(|(row, ratio)| row.contains(ratio)), "{ratios:?}");
    }

    #[test]
    fn growth_is_noted_and_an_ablation_has_no_rank() {
        let variant = || contender("variant").role(Role::Ablation).fresh_ns(1).pages(1).grows_by(7).build();
        let grows = || contender("grows").fresh_ns(5).pages(10).grows_by(3).build();
        let all = ["a", "b"].map(|trace| on(trace, vec![timed("dlmalloc", 1000, 20), variant(), grows()]));
        let text = text(&all, "dlmalloc", &MEASURES, 100);
        assert!(!text.contains("variant"), "{text}");
        assert_eq!(text.matches("\neach time the work repeats, grows grows on 2 of 2 traces\n").count(), 3, "{text}");
        assert!(text.contains("\nTimes: every new byte written.\n"), "{text}");
    }
}
