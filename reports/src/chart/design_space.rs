//! A decision's effect: peak heap and steady time over the classic's, a row per trace.
//!
//! The axis is logarithmic because ratios multiply. Rows are sorted by peak heap, then by steady time, so that the
//! picture shows on how many traces the decision gains, and how much. The means are the rows at the top.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::Axis;
use super::canvas::{self, Drawn, GRID, HAIRLINE, INK, LINE, SOFT, Sheet, TEXT, Words};
use super::rows::Rows;
use super::{data, key, marks};
use crate::ReportError;
use crate::design_space::{Effect, MeanOver, Measured, OnTrace, Study, ratio_text};
use crate::numbers::count;
use crate::stats::{Estimate, Verdict};

/// Height of a row: the peak above the time.
const ROW: u32 = 54;

/// Half the distance between the two marks of a row.
const APART: i32 = 11;

/// Half the size of a mark.
const RADIUS: i32 = 10;

/// Okabe and Ito's blue and vermilion; the marks differ without colour, too.
const PEAK: RGBColor = RGBColor(0x00, 0x72, 0xB2);
const TIME: RGBColor = RGBColor(0xD5, 0x5E, 0x00);

/// The heading of the figures on the right.
const VALUES: &str = "peak / time";

/// A figure of a row, if known.
type Mark = Option<(Estimate, Verdict)>;

/// A row: its name, the peak and the steady time.
struct Row {
    name: String,
    peak: Mark,
    time: Mark,
}

/// Draws an effect of the study. Traces that lack a figure are named below the chart.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn design_space(study: &Study, effect: &Effect) -> Result<String, ReportError> {
    let (means, traces) = (means(effect), traces(effect));
    let notes = notes(effect);
    let words = words(study, effect, &notes);
    if traces.is_empty() {
        let mut message = vec!["There is nothing to draw.".to_owned()];
        message.extend(notes);
        return canvas::message(&words, &message);
    }
    let separator = means.len();
    let rows: Vec<Row> = means.into_iter().chain(traces).collect();
    let target = study.traces().first().map_or("", |results| &results.provenance.target);
    let x = axis(&rows);
    let frame = Rows {
        subtitle: format!("{}; below 1 is less; *: a program of others", canvas::platform(target)),
        names: rows.iter().map(|row| (row.name.clone(), INK)).collect(),
        row_height: ROW,
        widest_value: canvas::widest(rows.iter().map(values).chain([VALUES.to_owned()])),
        x_title: format!("ratio to {}, {}", study.classic, x.note),
        x,
        notes,
    };
    let key = ["peak heap", "steady time, 95 % interval", "the interval covers 1"];
    canvas::draw(&words, frame.height() + key::height(&key), |sheet| {
        canvas::heading(sheet, &words)?;
        frame.paint(sheet)?;
        canvas::text(sheet, VALUES, (frame.value_left(), frame.top() - LINE / 2), TEXT, SOFT, HPos::Left)?;
        let line =
            |from, to, ink: RGBColor, width| sheet.draw(&PathElement::new(vec![from, to], ink.stroke_width(width)));
        for index in 0..rows.len() {
            let edge = frame.top() + (ROW * index as u32) as i32;
            let (ink, width) = if index == separator { (SOFT, HAIRLINE + 1) } else { (GRID, HAIRLINE) };
            line((frame.left(), edge), (frame.right(), edge), ink, width)?;
        }
        let one = frame.pixel(1.0);
        line((one, frame.top()), (one, frame.bottom()), SOFT, 4)?;
        for (index, row) in rows.iter().enumerate() {
            frame.paint_name(sheet, index)?;
            sheet.tip(&sentence(row), || paint_row(sheet, &frame, row, frame.middle(index)))?;
            canvas::text(sheet, &values(row), (frame.value_left(), frame.middle(index)), TEXT, INK, HPos::Left)?;
        }
        key::paint(sheet, &key, frame.height() as i32, |index, [from, to]| {
            let middle = ((from.0 + to.0) / 2, (from.1 + to.1) / 2);
            match index {
                0 => diamond(sheet, middle),
                _ => marks::point(sheet, middle, RADIUS, TIME, index == 1),
            }
        })
    })
}

/// The rows of the chart as CSV, traces in the order of the results.
pub fn design_space_data(effect: &Effect) -> String {
    let row = |measured: &Measured, on: &OnTrace| {
        let interval = on.ratio.interval;
        [
            on.trace.clone(),
            effect.decision.allocator.clone(),
            measured.noun.to_owned(),
            on.ratio.value.to_string(),
            data::cell(interval.map(|one| one.low)),
            data::cell(interval.map(|one| one.high)),
        ]
    };
    let rows = effect.measured().iter().flat_map(|measured| measured.ratios.iter().map(move |on| row(measured, on)));
    data::table(["trace", "allocator", "figure", "ratio", "ratio_low", "ratio_high"], rows)
}

fn means(effect: &Effect) -> Vec<Row> {
    let mark = |mean: Option<MeanOver>| mean.map(|mean| (mean.ratio, mean.verdict));
    let (peak, time) = (effect.peak(), effect.steady());
    let row = |name: &str, peak, time| Row { name: name.to_owned(), peak: mark(peak), time: mark(time) };
    let rows = [row("mean", peak.all, time.all), row("mean of *", peak.others, time.others)];
    rows.into_iter().filter(|row| row.peak.is_some() || row.time.is_some()).collect()
}

/// A row for each trace that has a figure, smallest first.
fn traces(effect: &Effect) -> Vec<Row> {
    let (peaks, times) = (&effect.peak().ratios, &effect.steady().ratios);
    let of = |all: &[OnTrace], trace: &str| all.iter().find(|on| on.trace == trace).map(|on| (on.ratio, on.verdict));
    let without_peak = times.iter().filter(|on| of(peaks, &on.trace).is_none());
    let mut rows: Vec<Row> = (peaks.iter().chain(without_peak))
        .map(|on| Row {
            name: format!("{}{}", on.trace, if on.of_others { " *" } else { "" }),
            peak: of(peaks, &on.trace),
            time: of(times, &on.trace),
        })
        .collect();
    let value = |mark: Mark| mark.map_or(f64::INFINITY, |(ratio, _)| ratio.value);
    rows.sort_by(|one, other| {
        value(one.peak).total_cmp(&value(other.peak)).then(value(one.time).total_cmp(&value(other.time)))
    });
    rows
}

fn axis(rows: &[Row]) -> Axis {
    let marks = rows.iter().flat_map(|row| [row.peak, row.time]).flatten();
    let ends = marks.flat_map(|(ratio, _)| {
        [ratio.value, ratio.interval.map_or(1.0, |one| one.low), ratio.interval.map_or(1.0, |one| one.high)]
    });
    // 1 is always visible.
    let (low, high) = ends.fold((1.0_f64, 1.0_f64), |(low, high), end| (low.min(end), high.max(end)));
    Axis::log((low / 1.08).min(0.9), (high * 1.08).max(1.1), "", 6)
}

fn text(mark: Mark) -> String {
    mark.map_or("–".to_owned(), |(ratio, _)| ratio_text(ratio.value))
}

/// The text to the right of a row.
fn values(row: &Row) -> String {
    format!("{} / {}", text(row.peak), text(row.time))
}

fn sentence(row: &Row) -> String {
    let interval = row.time.and_then(|(ratio, _)| ratio.interval);
    let interval = interval.map(|one| format!(" ({} to {})", ratio_text(one.low), ratio_text(one.high)));
    format!(
        "{}: peak heap {}, steady time {}{}",
        row.name,
        text(row.peak),
        text(row.time),
        interval.unwrap_or_default()
    )
}

/// The traces that lack a figure, and why.
fn notes(effect: &Effect) -> Vec<String> {
    let figures = [effect.peak(), effect.steady()];
    let lacking = figures.into_iter().filter(|measured| !measured.left_out.is_empty());
    let note = |measured: &Measured| {
        let pairs = measured.left_out.iter().map(|(trace, reason)| (trace.as_str(), reason.clone()));
        let reasons =
            crate::reasons::by_reason(pairs).into_iter().map(|(traces, reason)| format!("{traces} ({reason})"));
        format!("no {}: {}", measured.noun, reasons.collect::<Vec<_>>().join("; "))
    };
    lacking.map(note).collect()
}

fn words(study: &Study, effect: &Effect, notes: &[String]) -> Words {
    let mean = |measured: &Measured| measured.all.map_or("unknown".to_owned(), |mean| ratio_text(mean.ratio.value));
    let mut description = format!(
        "{}: the peak heap and the steady time of {} over those of {} on {}. Geometric means: {} and {}.",
        effect.decision.name,
        effect.decision.allocator,
        study.classic,
        count(effect.peak().ratios.len() as u64, "trace"),
        mean(effect.peak()),
        mean(effect.steady())
    );
    notes.iter().for_each(|note| description += &format!(" {note}."));
    Words { subject: effect.decision.allocator.clone(), what: "against the classic", description }
}

fn paint_row(sheet: &Sheet, frame: &Rows, row: &Row, middle: i32) -> Drawn {
    if let Some((ratio, verdict)) = row.time {
        let y = middle + APART;
        if let Some(interval) = ratio.interval {
            marks::error_bar_across(sheet, (frame.pixel(interval.low), frame.pixel(interval.high)), y, TIME)?;
        }
        marks::point(sheet, (frame.pixel(ratio.value), y), RADIUS, TIME, verdict != Verdict::Inconclusive)?;
    }
    if let Some((ratio, _)) = row.peak {
        let y = middle - APART;
        if let Some(interval) = ratio.interval {
            marks::error_bar_across(sheet, (frame.pixel(interval.low), frame.pixel(interval.high)), y, PEAK)?;
        }
        diamond(sheet, (frame.pixel(ratio.value), y))?;
    }
    Ok(())
}

/// The mark of a peak.
fn diamond(sheet: &Sheet, (x, y): (i32, i32)) -> Drawn {
    let size = RADIUS + 2;
    sheet.draw(&Polygon::new(vec![(x - size, y), (x, y - size), (x + size, y), (x, y + size)], PEAK.filled()))
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::super::structure::{child, texts, tips, unreadable};
    use super::*;
    use crate::design_space::tests::{decisions, results};

    #[test]
    fn every_trace_is_a_row_that_says_its_figures() {
        let all = results();
        let study = Study::of(&all, "classic", None, decisions()).unwrap();
        let svg = design_space(&study, &study.effects[0]).unwrap();
        let svg = Document::parse(&svg).unwrap();
        assert_eq!(unreadable(&svg), [""; 0]);
        let names: Vec<String> = texts(&svg).into_iter().filter(|text| text.starts_with("trace-")).collect();
        assert_eq!(names, ["trace-1", "trace-3", "trace-5", "trace-0 *", "trace-2 *", "trace-4 *", "trace-6 *"]);
        let tips = tips(&svg);
        assert!(tips.contains(&"trace-1: peak heap 0.25, steady time 0.50 (0.50 to 0.50)".to_owned()), "{tips:?}");
        assert!(tips.iter().any(|tip| tip.starts_with("mean of *: peak heap 0.50")), "{tips:?}");
        assert!(texts(&svg).join(" ").contains("no steady time: trace-7 (lists: requests failed)"));
        assert!(child(&svg, "desc").contains("Geometric means: 0.37 and 0.50."), "{}", child(&svg, "desc"));
        let csv = design_space_data(&study.effects[0]);
        assert!(csv.lines().count() == 1 + 3 * 7 && csv.contains("\ntrace-1,lists,peak heap,0.25,,\n"), "{csv}");
    }

    #[test]
    fn a_missing_time_is_a_dash_with_its_reason_and_no_figure_is_a_message() {
        let all = results();
        let study = Study::of(&all, "classic", None, decisions()).unwrap();
        let svg = design_space(&study, &study.effects[2]).unwrap();
        let svg = Document::parse(&svg).unwrap();
        assert_eq!(unreadable(&svg), [""; 0]);
        assert!(texts(&svg).contains(&"1 / –".to_owned()), "{:?}", texts(&svg));
        assert!(texts(&svg).join(" ").contains("no steady time: trace-3 (same: it did not settle)"));
        let svg = design_space(&study, &study.effects[3]).unwrap();
        assert!(svg.contains("There is nothing to draw.") && svg.contains("absent does not take part"), "{svg}");
    }
}
