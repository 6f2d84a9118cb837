//! The time of each contender over the baseline's: a bar from 1 to the ratio, fresh and steady, with its 95 % interval.
//!
//! A ratio is formed within each round, so that what slows a round down cancels out; its median and interval are over
//! the rounds. If the interval contains 1, the comparison is inconclusive, and the bar is hollow. Both times include
//! the harness, so the ratio of the allocators alone is further from 1.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::Axis;
use super::canvas::{self, Drawn, HAIRLINE, INK, LINE, Sheet, TEXT, Words};
use super::contenders::{LeftOut, Shown, join, not_shown, not_winning, reasons, sort_out};
use super::rows::Rows;
use super::summary::ratio_text;
use super::{data, marks};
use crate::ReportError;
use crate::growth;
use crate::numbers::count;
use crate::reasons::by_reason;
use crate::results::{Contender, Figure, Results, Role};
use crate::stats::{Ratio, Regime, Verdict, ratio_beside};
use crate::times;

/// Height of a bar, and of a contender's row of two bars.
const BAR: i32 = 26;
const ROW: u32 = 2 * LINE as u32 + 24;

/// The text for the baseline, which has no ratio.
const BASELINE: &str = "baseline";

/// Draws the ratio of each contender's time to the baseline's, on a logarithmic axis.
///
/// The baseline is the line at 1. Contenders without timings, or without rounds in common with the baseline, are left
/// out and named.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn ratios(results: &Results) -> Result<String, ReportError> {
    let (rows, left_out) = sort_out(results, |contender| figures(results, contender));
    let words = words(results, &rows, &left_out);
    if rows.iter().all(|row| row.figures.is_empty()) {
        let mut message = vec!["There is nothing to compare.".to_string()];
        message.extend(reasons(&left_out));
        return canvas::message(&words, &message);
    }
    let frame = frame(results, &rows, &left_out);
    canvas::draw(&words, frame.height(), |sheet| {
        canvas::heading(sheet, &words)?;
        frame.paint(sheet)?;
        for (index, row) in rows.iter().enumerate() {
            let tip = format!("{}: {}", row.contender.name, sentence(&row.figures));
            row.paint(sheet, &tip, || {
                frame.paint_name(sheet, index)?;
                paint_bars(sheet, &frame, row, frame.middle(index))
            })?;
        }
        let one = frame.pixel(1.0);
        sheet.draw(&PathElement::new(vec![(one, frame.top()), (one, frame.bottom())], INK.stroke_width(HAIRLINE + 1)))
    })
}

/// The chart's data: a row per contender and regime.
pub(super) fn data(results: &Results) -> String {
    let (rows, _) = sort_out(results, |contender| figures(results, contender));
    let cells = rows.iter().flat_map(|row| {
        row.figures.iter().map(|(regime, ratio)| {
            let interval = ratio.estimate.interval;
            [
                results.trace.name.clone(),
                row.contender.name.clone(),
                results.settings.baseline.clone(),
                regime.name().into(),
                ratio.estimate.value.to_string(),
                data::cell(interval.map(|interval| interval.low)),
                data::cell(interval.map(|interval| interval.high)),
                verdict(ratio.verdict).into(),
            ]
        })
    });
    let header =
        ["trace", "contender", "baseline", "regime", "time_ratio", "time_ratio_low", "time_ratio_high", "verdict"];
    data::table(header, cells)
}

/// A contender with its ratios; only the baseline has none.
type Row<'a> = Shown<'a, Vec<(Regime, Ratio)>>;

fn figures(results: &Results, contender: &Contender) -> Result<Vec<(Regime, Ratio)>, String> {
    if contender.role == Role::Floor {
        return Err("the floor is not an allocator".into());
    }
    if contender.name == results.settings.baseline {
        return match &contender.time {
            Figure::Known(_) => Ok(Vec::new()),
            Figure::Unknown { unknown } => Err(unknown.to_string()),
        };
    }
    let mut ratios = Vec::new();
    let mut reason = String::new();
    for regime in Regime::ALL {
        match ratio_beside(results, contender, &results.settings.baseline, regime) {
            Figure::Known(ratio) => ratios.push((regime, ratio)),
            Figure::Unknown { unknown } => reason = unknown.to_string(),
        }
    }
    if ratios.is_empty() { Err(reason) } else { Ok(ratios) }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Faster => "faster",
        Verdict::Slower => "slower",
        Verdict::Inconclusive => "inconclusive",
    }
}

/// A contender's ratios in words: `fresh 1.49 (1.45 to 1.53), slower; steady 0.74 (0.72 to 0.76), faster`.
fn sentence(ratios: &[(Regime, Ratio)]) -> String {
    if ratios.is_empty() {
        return "the baseline".into();
    }
    let part = |(regime, ratio): &(Regime, Ratio)| {
        let interval = ratio.estimate.interval;
        let interval = interval
            .map(|interval| format!(" ({} to {})", ratio_text(interval.low), ratio_text(interval.high)))
            .unwrap_or_default();
        format!("{} {}{interval}, {}", regime.name(), ratio_text(ratio.estimate.value), verdict(ratio.verdict))
    };
    ratios.iter().map(part).collect::<Vec<_>>().join("; ")
}

fn words(results: &Results, rows: &[Row], left_out: &[LeftOut]) -> Words {
    let baseline = &results.settings.baseline;
    let mut description = format!(
        "The time of each contender over that of {baseline} on the trace {}, with 95 % intervals; {}.",
        results.trace.name,
        times::written(results)
    );
    if !rows.is_empty() {
        description +=
            &format!(" {}.", join(rows, |row| format!("{}: {}", row.contender.name, sentence(&row.figures))));
    }
    if !left_out.is_empty() {
        description += &format!(" Not shown: {}.", reasons(left_out).join("; "));
    }
    Words { subject: results.trace.name.clone(), what: "time against the baseline", description }
}

fn frame(results: &Results, rows: &[Row], left_out: &[LeftOut]) -> Rows {
    let baseline = &results.settings.baseline;
    let ends = rows.iter().flat_map(|row| &row.figures).flat_map(|(_, ratio)| {
        let interval = ratio.estimate.interval;
        [ratio.estimate.value, interval.map_or(1.0, |one| one.low), interval.map_or(1.0, |one| one.high)]
    });
    let (low, high) = ends.fold((1.0_f64, 1.0_f64), |(low, high), end| (low.min(end), high.max(end)));
    let x = Axis::log((low * 0.92).min(0.9), (high * 1.08).max(1.1), "", 6);
    let values = rows.iter().flat_map(|row| &row.figures).map(|(regime, ratio)| value(*regime, ratio));
    let mut notes = Vec::new();
    if rows.iter().flat_map(|row| &row.figures).any(|(_, ratio)| ratio.verdict == Verdict::Inconclusive) {
        notes.push("hollow: inconclusive, because the 95 % interval contains 1".to_string());
    }
    notes.push(format!("fresh: {}; steady: {}", times::program(Regime::Fresh), times::program(Regime::Steady)));
    notes.extend(not_winning(rows));
    notes.extend(growth::note(rows.iter().map(|row| row.contender)));
    notes.extend(one_alone(results, rows));
    notes.extend(not_shown(left_out));
    Rows {
        subtitle: format!(
            "{}; {}; {}; 95 % intervals; left of 1 is faster",
            canvas::platform(&results.provenance.target),
            times::written(results),
            count(u64::from(results.settings.rounds), "round")
        ),
        names: rows.iter().map(|row| (row.contender.name.clone(), row.style.color)).collect(),
        row_height: ROW,
        widest_value: canvas::widest(values.chain([BASELINE.into()])),
        x_title: times::heading(&format!("time / time of {baseline}, {}", x.note), &results.settings),
        x,
        notes,
    }
}

/// Why some contenders have one bar instead of two.
fn one_alone(results: &Results, rows: &[Row]) -> Vec<String> {
    let missing = rows.iter().filter(|row| row.figures.len() == 1).flat_map(|row| {
        Regime::ALL.into_iter().filter_map(|regime| {
            match ratio_beside(results, row.contender, &results.settings.baseline, regime) {
                Figure::Known(_) => None,
                Figure::Unknown { unknown } => {
                    Some((row.contender.name.as_str(), format!("no {} ratio: {unknown}", regime.name())))
                }
            }
        })
    });
    by_reason(missing).into_iter().map(|(names, reason)| format!("{names}: {reason}")).collect()
}

/// The text to the right of a bar.
fn value(regime: Regime, ratio: &Ratio) -> String {
    format!("{} {}", regime.name(), ratio_text(ratio.estimate.value))
}

/// The bars of a contender around the middle of its row, fresh above steady.
fn paint_bars(sheet: &Sheet, frame: &Rows, row: &Row, middle: i32) -> Drawn {
    if row.figures.is_empty() {
        return canvas::text(sheet, BASELINE, (frame.value_left(), middle), TEXT, INK, HPos::Left);
    }
    for (regime, ratio) in &row.figures {
        let y = middle + if *regime == Regime::Fresh { -LINE / 2 } else { LINE / 2 };
        let (one, end) = (frame.pixel(1.0), frame.pixel(ratio.estimate.value));
        let corners = [(one.min(end), y - BAR / 2), (one.max(end), y + BAR / 2)];
        let color = row.style.color;
        if ratio.verdict == Verdict::Inconclusive {
            sheet.draw(&Rectangle::new(corners, WHITE.filled()))?;
            // An outline of four lines, because plotters cannot set the line width of SVG rectangles.
            let [(left, top), (right, bottom)] = corners;
            let outline = vec![(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
            sheet.draw(&PathElement::new(outline, color.stroke_width(4)))?;
        } else {
            sheet.draw(&Rectangle::new(corners, color.filled()))?;
        }
        if let Some(interval) = ratio.estimate.interval {
            marks::error_bar_across(sheet, (frame.pixel(interval.low), frame.pixel(interval.high)), y, INK)?;
        }
        canvas::text(sheet, &value(*regime, ratio), (frame.value_left(), y), TEXT, INK, HPos::Left)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;
    use crate::chart::structure::{child, of_contender, texts, tips};
    use crate::sample::{self, contender};

    fn draw(contenders: Vec<Contender>) -> String {
        ratios(&Results { contenders, ..sample::empty() }).unwrap()
    }

    #[test]
    fn has_two_bars_with_intervals_for_each_but_the_baseline_and_the_floor() {
        let svg = ratios(&sample::results()).unwrap();
        let svg = Document::parse(&svg).unwrap();
        for name in ["segregated-bump", "segregated-bump-mv", "talc", "wee_alloc", "bump"] {
            let bars = of_contender(&svg, name, "path");
            let rects = of_contender(&svg, name, "rect");
            assert_eq!(bars.len() + rects.len(), 2, "{name}");
            // Line and caps of two intervals.
            assert_eq!(of_contender(&svg, name, "polyline").len(), 6, "{name}");
        }
        assert!(of_contender(&svg, "dlmalloc", "rect").is_empty());
        assert!(of_contender(&svg, "null", "text").is_empty());
        for text in ["dlmalloc", "baseline", "fresh 1.48", "steady 0.74", "time / time of dlmalloc, log scale"] {
            assert!(texts(&svg).iter().any(|found| found == text), "{text} in {:?}", texts(&svg));
        }
        assert!(tips(&svg).iter().any(|tip| tip.starts_with("talc: fresh 0.75")), "{:?}", tips(&svg));
    }

    #[test]
    fn inconclusive_bars_are_hollow() {
        let baseline = || contender("dlmalloc").fresh_ns(100).steady_ns(100).build();
        // As fast as the baseline in every round: the interval is 1 to 1.
        let svg = draw(vec![baseline(), contender("talc").fresh_ns(100).steady_ns(200).build()]);
        let svg = Document::parse(&svg).unwrap();
        let fills: Vec<_> =
            of_contender(&svg, "talc", "rect").iter().map(|bar| bar.attribute("fill").unwrap().to_string()).collect();
        assert_eq!(fills, ["#FFFFFF", "#009E73"]);
        let note = "hollow: inconclusive, because the 95 % interval contains 1".to_string();
        assert!(texts(&svg).contains(&note));
        let svg = draw(vec![baseline(), contender("talc").fresh_ns(300).steady_ns(200).build()]);
        assert!(!texts(&Document::parse(&svg).unwrap()).contains(&note));
    }

    #[test]
    fn ratios_have_room_and_digits_however_large_or_small_they_are() {
        let svg = draw(vec![
            contender("dlmalloc").fresh_ns(100).steady_ns(100_000).build(),
            contender("huge").fresh_ns(10_000_000).steady_ns(400).build(),
        ]);
        let svg = Document::parse(&svg).unwrap();
        for text in ["fresh 100,000", "steady 0.004"] {
            let node =
                svg.descendants().find(|node| node.has_tag_name("text") && node.text().map(str::trim) == Some(text));
            let left: f64 =
                node.unwrap_or_else(|| panic!("{text}: {:?}", texts(&svg))).attribute("x").unwrap().parse().unwrap();
            assert!(left + canvas::text_width(text, TEXT) <= f64::from(canvas::WIDTH), "{text} at {left}");
        }
    }

    #[test]
    fn one_round_has_no_interval_and_no_verdict() {
        let svg = draw(vec![
            contender("dlmalloc").rounds(1).build(),
            contender("talc").fresh_ns(300).steady_ns(200).rounds(1).build(),
        ]);
        let svg = Document::parse(&svg).unwrap();
        assert_eq!(of_contender(&svg, "talc", "polyline").len(), 2, "outlines, but no interval");
        assert!(
            child(&svg, "desc").contains("talc: fresh 30.0, inconclusive; steady 20.0, inconclusive"),
            "{}",
            child(&svg, "desc")
        );
    }

    #[test]
    fn without_a_baseline_there_is_nothing_to_compare() {
        let svg = draw(vec![contender("talc").build(), contender("bump").without_time("not asked for").build()]);
        let svg = Document::parse(&svg).unwrap();
        assert_eq!(
            texts(&svg)[1..],
            ["There is nothing to compare.", "talc: dlmalloc does not take part", "bump: not asked for"]
        );
    }

    #[test]
    fn data_has_ratio_interval_and_verdict() {
        let data = data(&sample::results());
        let mut lines = data.lines();
        assert_eq!(
            lines.next(),
            Some("trace,contender,baseline,regime,time_ratio,time_ratio_low,time_ratio_high,verdict")
        );
        assert_eq!(lines.clone().count(), 10);
        assert!(lines.any(|line| line == "serde-heavy,talc,dlmalloc,fresh,0.752,0.752,0.752,faster"), "{data}");
    }
}
