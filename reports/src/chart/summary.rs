//! One figure per contender over all traces, with each trace's own point visible: a mean that hides its traces could
//! hide anything.
//!
//! The rule for which traces count, and the interval, are those of [`stats::summary`](crate::stats::common). The axis
//! is logarithmic because ratios multiply: half and double are equally far from 1, and the geometric mean is the visual
//! mean of the points.

use std::collections::BTreeSet;

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::Axis;
use super::canvas::{self, Drawn, GRID, HAIRLINE, INK, LINE, SOFT, Sheet, TEXT, Words};
use super::marks::{error_bar_across, point};
use super::rows::Rows;
use super::{data, palette};
use crate::ReportError;
use crate::growth;
use crate::numbers::{count, fixed, short};
use crate::ranking;
use crate::reasons::by_reason;
use crate::results::{Origin, Results, Role};
use crate::stats::{
    Common, ContenderRatios, Estimate, Measure, Regime, by_origin, common, floor, median, trust_in_mean,
};
use crate::times;

/// The heading of the figures on the right.
const MEAN: &str = "mean";

/// Why there is no mean.
pub(super) const NEEDS_TWO: &str = "A summary needs two traces of one origin that all contenders completed.";

/// Height of a row: the traces above, the mean below.
const ROW: u32 = 92;

/// A summary, worked out.
struct Summary<'a> {
    measure: Measure,
    baseline: &'a str,
    origin: Origin,
    first: &'a Results,
    group: Vec<&'a Results>,
    common: Common,
    /// The means of the rows, and the order of the rows by mean.
    means: Vec<Estimate>,
    order: Vec<usize>,
    /// Traces of other origins.
    others: Vec<(Origin, Vec<&'a str>)>,
}

/// Draws each contender's fresh time over the baseline's, for each trace and the mean: programs that start.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn fresh_summary(all: &[Results]) -> Result<String, ReportError> {
    draw(all, Measure::Time(Regime::Fresh))
}

/// The same for steady times: programs that run on.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn steady_summary(all: &[Results]) -> Result<String, ReportError> {
    draw(all, Measure::Time(Regime::Steady))
}

/// Draws each contender's peak heap over the peak of live bytes, for each trace and the mean.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn heap_summary(all: &[Results]) -> Result<String, ReportError> {
    draw(all, Measure::Footprint)
}

pub(super) fn fresh_data(all: &[Results]) -> String {
    table(all, Measure::Time(Regime::Fresh))
}

pub(super) fn steady_data(all: &[Results]) -> String {
    table(all, Measure::Time(Regime::Steady))
}

pub(super) fn heap_data(all: &[Results]) -> String {
    table(all, Measure::Footprint)
}

/// The data: a row per contender and trace, and a row without a trace for the contender's mean.
fn table(all: &[Results], measure: Measure) -> String {
    let mut rows = Vec::new();
    if let Ok(summary) = Summary::of(all, measure) {
        for (row, mean) in summary.rows() {
            let points = summary.common.traces.iter().zip(&row.ratios);
            rows.extend(points.map(|(trace, rounds)| {
                [trace.clone(), row.name.clone(), data::cell(median(rounds)), String::new(), String::new()]
            }));
            let (low, high) = (mean.interval.map(|interval| interval.low), mean.interval.map(|interval| interval.high));
            rows.push([String::new(), row.name.clone(), mean.value.to_string(), data::cell(low), data::cell(high)]);
        }
    }
    data::table(["trace", "contender", "ratio", "ratio_low", "ratio_high"], rows)
}

fn draw(all: &[Results], measure: Measure) -> Result<String, ReportError> {
    let what = what(measure);
    let nothing = |reasons: Vec<String>| {
        let description = format!("There is nothing to draw. {}", reasons.join(" "));
        let words = Words { subject: "all traces".into(), what, description };
        canvas::message(&words, &[vec!["There is nothing to draw.".into()], reasons].concat())
    };
    let summary = match Summary::of(all, measure) {
        Ok(summary) => summary,
        Err(reason) => return nothing(vec![reason]),
    };
    let notes = summary.notes();
    if summary.common.traces.len() < 2 {
        let few = NEEDS_TWO.to_string();
        return nothing([vec![few], notes].concat());
    }
    let words = summary.words(&notes);
    let x = summary.axis();
    let rows = Rows {
        subtitle: format!(
            "{}; {}over {} {}; ring: a trace; dot: the mean with its 95 % interval",
            canvas::platform(&summary.first.provenance.target),
            match measure {
                Measure::Time(regime) => {
                    format!("{}; {}; ", times::program(regime), times::written_in(summary.group.iter().copied()))
                }
                Measure::Footprint => String::new(),
            },
            summary.common.traces.len(),
            origin_name(summary.origin)
        ),
        names: summary.rows().map(|(row, _)| (row.name.clone(), palette::style_of(&row.name).color)).collect(),
        row_height: ROW,
        widest_value: canvas::widest(summary.means.iter().map(|mean| ratio_text(mean.value)).chain([MEAN.into()])),
        x_title: match measure {
            Measure::Footprint => format!("peak heap over peak live, {}", x.note),
            Measure::Time(_) => {
                times::heading(&format!("time over that of {}, {}", summary.baseline, x.note), &summary.first.settings)
            }
        },
        x,
        notes,
    };
    canvas::draw(&words, rows.height(), |sheet| {
        canvas::heading(sheet, &words)?;
        rows.paint(sheet)?;
        canvas::text(sheet, MEAN, (rows.value_left(), rows.top() - LINE / 2), TEXT, SOFT, HPos::Left)?;
        let one = rows.pixel(1.0);
        sheet.draw(&PathElement::new(vec![(one, rows.top()), (one, rows.bottom())], SOFT.stroke_width(4)))?;
        for (index, (row, mean)) in summary.rows().enumerate() {
            sheet.contender(&row.name, || paint_row(sheet, &rows, index, (row, mean), &summary.common.traces))?;
        }
        Ok(())
    })
}

/// A ratio, with three decimals if two would leave one digit.
pub(super) fn ratio_text(ratio: f64) -> String {
    if ratio < 0.0995 { fixed(ratio, 3) } else { short(ratio) }
}

fn what(measure: Measure) -> &'static str {
    match measure {
        Measure::Time(Regime::Fresh) => "fresh time, geometric means",
        Measure::Time(Regime::Steady) => "steady time, geometric means",
        Measure::Time(Regime::Rewound) => "time on a rewound heap, geometric means",
        Measure::Footprint => "peak heap, geometric means",
    }
}

fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::Recorded => "recorded traces",
        Origin::Unstated => "traces of unstated origin",
        Origin::Synthetic => "synthetic traces",
    }
}

impl<'a> Summary<'a> {
    /// The summary of the recorded traces if there are any, else of those of unstated origin, else of the synthetic
    /// ones: they never share a mean. The error is a sentence that says why there is none.
    fn of(all: &'a [Results], measure: Measure) -> Result<Self, String> {
        let mut groups = by_origin(all).into_iter();
        let (origin, group) = groups.next().ok_or("No trace was replayed.")?;
        ranking::check(group.iter().copied()).map_err(|error| format!("There is no mean: {error}."))?;
        let first: &Results = group[0];
        let baseline = first.settings.baseline.as_str();
        let mut common = common(&group, baseline, measure);
        common.add_yardsticks(&group, baseline, measure);
        let means = common.geometric_means();
        let mut order: Vec<usize> = (0..means.len()).collect();
        order.sort_by(|&one, &other| means[one].value.total_cmp(&means[other].value));
        let names = |group: Vec<&'a Results>| group.iter().map(|results| results.trace.name.as_str()).collect();
        let others = groups.map(|(origin, group)| (origin, names(group))).collect();
        Ok(Summary { measure, baseline, origin, first, group, common, means, order, others })
    }

    /// The rows with their means, smallest first.
    fn rows(&self) -> impl Iterator<Item = (&ContenderRatios, &Estimate)> {
        self.order.iter().map(|&index| (&self.common.rows[index], &self.means[index]))
    }

    fn axis(&self) -> Axis {
        let points = self.common.rows.iter().flat_map(|row| &row.ratios).filter_map(|rounds| median(rounds));
        let ends =
            self.means.iter().filter_map(|mean| mean.interval).flat_map(|interval| [interval.low, interval.high]);
        // 1 is always visible.
        let (low, high) =
            points.chain(ends).fold((1.0_f64, 1.0_f64), |(low, high), ratio| (low.min(ratio), high.max(ratio)));
        Axis::log(low / 1.1, high * 1.1, "", 7)
    }

    fn words(&self, notes: &[String]) -> Words {
        let figures = self.rows().map(|(row, mean)| match mean.interval {
            Some(interval) => {
                format!(
                    "{} {} ({} to {})",
                    row.name,
                    ratio_text(mean.value),
                    ratio_text(interval.low),
                    ratio_text(interval.high)
                )
            }
            None => format!("{} {}", row.name, ratio_text(mean.value)),
        });
        let quantity = match self.measure {
            Measure::Footprint => "peak heap over peak live bytes".to_string(),
            Measure::Time(regime) => {
                let written = times::written_in(self.group.iter().copied());
                format!("{} time over that of {} ({}; {written})", regime.name(), self.baseline, times::timed(regime))
            }
        };
        let mut description = format!(
            "Geometric means of the {quantity}, over {} {}, with 95 % intervals: {}. The traces: {}.",
            self.common.traces.len(),
            origin_name(self.origin),
            figures.collect::<Vec<_>>().join(", "),
            self.common.traces.join(", ")
        );
        for note in notes {
            description += &format!(" {note}.");
        }
        Words { subject: "all traces".into(), what: what(self.measure), description }
    }

    /// What the mean leaves out, and why.
    fn notes(&self) -> Vec<String> {
        let pairs = |list: &[(String, String)]| {
            let pairs: Vec<_> = list.iter().map(|(name, reason)| (name.as_str(), reason.clone())).collect();
            by_reason(pairs).into_iter().map(|(names, reason)| format!("{names} ({reason})")).collect::<Vec<_>>()
        };
        let mut notes = Vec::new();
        // The floor usually has no heap, which needs no note.
        let is_floor = |name: &str| floor(self.first).is_some_and(|row| row.name == name);
        let mut missed: Vec<_> =
            self.common.contenders_left_out.iter().filter(|(name, _)| !is_floor(name)).cloned().collect();
        let ablations = self.group.iter().flat_map(|results| &results.contenders);
        let ablations = ablations.filter(|row| row.role == Role::Ablation).map(|row| row.name.as_str());
        let ablations: BTreeSet<&str> = ablations.collect();
        missed.extend(ablations.into_iter().map(|name| (name.to_owned(), "ablations have no mean".to_owned())));
        let contenders = pairs(&missed);
        if !contenders.is_empty() {
            notes.push(format!("not shown: {}", contenders.join("; ")));
        }
        let traces = pairs(&self.common.traces_left_out);
        if !traces.is_empty() {
            let number = count(self.common.traces_left_out.len() as u64, "trace");
            notes.push(format!("left out because not all contenders completed them, {number}: {}", traces.join("; ")));
        }
        let counted = self.group.iter().copied().filter(|results| self.common.traces.contains(&results.trace.name));
        notes.extend(growth::note_over_traces(&counted.collect::<Vec<_>>()));
        // Without a mean there is no interval to qualify.
        notes.extend(trust_in_mean(self.common.traces.len()).map(|note| note.trim_end_matches('.').to_owned()));
        for (origin, names) in &self.others {
            notes.push(format!("left out because they are {}: {}", origin_name(*origin), names.join(", ")));
        }
        notes
    }
}

fn paint_row(
    sheet: &Sheet,
    rows: &Rows,
    index: usize,
    (row, mean): (&ContenderRatios, &Estimate),
    traces: &[String],
) -> Drawn {
    rows.paint_name(sheet, index)?;
    let color = palette::style_of(&row.name).color;
    let middle = rows.middle(index);
    if index > 0 {
        let edge = middle - ROW as i32 / 2;
        sheet.draw(&PathElement::new(vec![(rows.left(), edge), (rows.right(), edge)], GRID.stroke_width(HAIRLINE)))?;
    }
    for (place, (trace, rounds)) in traces.iter().zip(&row.ratios).enumerate() {
        let Some(ratio) = median(rounds) else { continue };
        // Three heights, so that equal points are visible as several.
        let y = middle - 30 + 14 * (place % 3) as i32;
        sheet.tip(&format!("{}, {trace}: {}", row.name, ratio_text(ratio)), || {
            sheet.draw(&Circle::new((rows.pixel(ratio), y), 9, color.stroke_width(3)))
        })?;
    }
    let (value, y) = (ratio_text(mean.value), middle + 28);
    let interval =
        mean.interval.map(|interval| format!(", {} to {}", ratio_text(interval.low), ratio_text(interval.high)));
    sheet.tip(&format!("{}, geometric mean: {value}{}", row.name, interval.unwrap_or_default()), || {
        if let Some(interval) = mean.interval {
            error_bar_across(sheet, (rows.pixel(interval.low), rows.pixel(interval.high)), y, color)?;
        }
        point(sheet, (rows.pixel(mean.value), y), 13, color, true)
    })?;
    canvas::text(sheet, &value, (rows.value_left(), middle), TEXT, INK, HPos::Left)
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;
    use crate::chart::ALL_TRACES;
    use crate::chart::structure::{child, of_contender, texts, tips, unreadable};
    use crate::results::Contender;
    use crate::sample::{self, contender};

    fn on(trace: &str, contenders: Vec<Contender>) -> Results {
        let mut results = Results { contenders, ..sample::empty() };
        results.trace.name = trace.into();
        results.trace.sha256 = format!("sha of {trace}");
        results
    }

    fn rows(steady_ns: u64, pages: u64) -> Vec<Contender> {
        vec![
            contender("null").role(Role::Floor).steady_ns(10).without_memory("hands out no memory").build(),
            contender("dlmalloc").steady_ns(100).pages(32).build(),
            contender("talc").steady_ns(steady_ns).pages(pages).build(),
        ]
    }

    fn set() -> Vec<Results> {
        let mut set = vec![on("one", rows(50, 32)), on("two", rows(200, 128)), on("made-up", rows(900, 999))];
        set[2].trace.origin = Origin::Synthetic;
        set
    }

    #[test]
    fn each_contender_has_its_traces_and_their_mean() {
        let svg = steady_summary(&set()).unwrap();
        let svg = Document::parse(&svg).unwrap();
        for tip in ["talc, one: 0.50", "talc, two: 2.00"] {
            assert!(tips(&svg).contains(&tip.to_string()), "{tip} in {:?}", tips(&svg));
        }
        assert!(tips(&svg).iter().any(|tip| tip.starts_with("talc, geometric mean: 1.00, ")), "{:?}", tips(&svg));
        // Two rings, and the dot of the mean with the white disc below it.
        assert_eq!(of_contender(&svg, "talc", "circle").len(), 4);
        assert!(child(&svg, "desc").contains("over 2 recorded traces"), "{}", child(&svg, "desc"));
        assert!(
            texts(&svg).contains(&"left out because they are synthetic traces: made-up".to_string()),
            "{:?}",
            texts(&svg)
        );
        assert!(texts(&svg).contains(&"time over that of dlmalloc, log scale".to_string()));
        assert_eq!(unreadable(&svg), [""; 0]);
    }

    #[test]
    fn the_smallest_mean_comes_first() {
        let svg = heap_summary(&set()).unwrap();
        let svg = Document::parse(&svg).unwrap();
        let names: Vec<String> = texts(&svg).into_iter().filter(|text| text == "talc" || text == "dlmalloc").collect();
        assert_eq!(names, ["dlmalloc", "talc"]);
        assert!(texts(&svg).contains(&"4.00".to_string()), "the mean of 2 and 8: {:?}", texts(&svg));
        assert!(!texts(&svg).iter().any(|text| text.contains("null")), "the floor needs no note");
    }

    #[test]
    fn what_is_left_out_is_named() {
        let mut set = set();
        set.push(on("three", vec![contender("dlmalloc").build(), contender("talc").invalid(17, "overlap").build()]));
        for results in &mut set {
            results.contenders.push(contender("broken").without_time("too slow").invalid(1, "overlap").build());
        }
        let svg = steady_summary(&set).unwrap();
        let svg = Document::parse(&svg).unwrap();
        let words = texts(&svg).join(" ");
        assert!(words.contains("not shown: broken (failed verification)"), "{words}");
        assert!(
            words.contains(
                "left out because not all contenders completed them, 1 trace: three (talc: failed verification)"
            ),
            "{words}"
        );
    }

    #[test]
    fn yardsticks_exclude_no_trace_and_are_shown_if_they_completed_all() {
        let mut set = set();
        let bump = |pages| contender("bump").role(Role::Baseline).pages(pages);
        set[0].contenders.push(bump(99).build());
        set[1].contenders.push(bump(99).build());
        assert!(heap_data(&set).contains("\ntwo,bump,"));
        set[1].contenders[3] = bump(99).failed_requests(1).build();
        assert!(heap_data(&set).contains("\ntwo,talc,8,,\n") && !heap_data(&set).contains("bump"));
        let svg = heap_summary(&set).unwrap();
        assert!(svg.contains("not shown: bump (completed 1 of 2 traces (requests failed))"));
        assert!(
            svg.contains("Over 2 traces the 95 % interval of a mean is a rough guide"),
            "the interval has its caveat"
        );
    }

    #[test]
    fn an_ablation_has_no_row_and_growing_contenders_are_named() {
        let mut set = set();
        for results in &mut set {
            results.contenders.push(contender("variant").role(Role::Ablation).steady_ns(1).grows_by(9).build());
        }
        set[0].contenders[2] = contender("talc").steady_ns(50).grows_by(3).build();
        let svg = steady_summary(&set).unwrap();
        let svg = Document::parse(&svg).unwrap();
        assert!(of_contender(&svg, "variant", "circle").is_empty());
        let words = texts(&svg).join(" ");
        assert!(words.contains("not shown: variant (ablations have no mean)"), "{words}");
        assert!(words.contains("each time the work repeats, talc grows on 1 of 2 traces"), "{words}");
        assert!(words.contains("a program that runs on; every new byte written; over 2 recorded traces"), "{words}");
    }

    #[test]
    fn results_that_must_not_be_mixed_have_no_mean() {
        let mut set = vec![on("one", rows(50, 32)), on("one", rows(50, 32)), on("two", rows(50, 32))];
        set[1].settings.page_bytes = 4096;
        let words = |set: &[Results]| {
            let svg = heap_summary(set).unwrap();
            texts(&Document::parse(&svg).unwrap()).join(" ")
        };
        assert!(words(&set).contains("There is no mean: page sizes of one and one differ"), "{}", words(&set));
        assert!(words(&set[1..]).contains("There is no mean: page sizes of one and two differ (4096 and 65536)"));
        assert_eq!(heap_data(&set).lines().count(), 1);
    }

    #[test]
    fn one_trace_has_no_summary() {
        let set = set();
        let svg = steady_summary(&set[..1]).unwrap();
        assert!(svg.contains("There is nothing to draw.") && svg.contains("A summary needs two traces"));
        let mixed = [set[0].clone(), set[2].clone()];
        assert!(steady_summary(&mixed).unwrap().contains("left out because they are synthetic traces: made-up"));
        let untimed: Vec<Results> = ["one", "two"]
            .map(|trace| on(trace, vec![contender("talc").without_time("timing was switched off").build()]))
            .into();
        assert!(steady_summary(&untimed).unwrap().contains("talc (timing was switched off)"));
    }

    #[test]
    fn the_data_has_the_traces_and_the_mean() {
        let data = heap_data(&set());
        assert!(
            data.starts_with(
                "trace,contender,ratio,ratio_low,ratio_high\none,dlmalloc,2,,\ntwo,dlmalloc,2,,\n,dlmalloc,"
            ),
            "{data}"
        );
        assert_eq!(data.lines().count(), 1 + 2 * 3);
        assert_eq!(heap_data(&[]), "trace,contender,ratio,ratio_low,ratio_high\n");
    }

    #[test]
    fn every_chart_over_traces_accepts_any_results() {
        let mut odd = set();
        odd[0].trace.name = "<b>&\"'\u{7}".into();
        odd[1].contenders[2].name = "an-allocator-with-a-name-that-is-longer-still-than-this".into();
        let twelve: Vec<Results> = (0..30)
            .map(|trace| {
                on(
                    &format!("trace-number-{trace}"),
                    (0..12).map(|row| contender(&format!("contender-{row}")).pages(20 + row).build()).collect(),
                )
            })
            .collect();
        for chart in ALL_TRACES {
            assert!(chart.data_file_name().ends_with(".csv"));
            for set in [&set()[..], &odd, &twelve, &[]] {
                let svg = (chart.draw)(set).unwrap();
                let svg = Document::parse(&svg).unwrap();
                assert_eq!(unreadable(&svg), [""; 0], "{}", chart.file_name);
                assert!(!child(&svg, "desc").is_empty());
                (chart.data)(set);
            }
        }
    }
}
