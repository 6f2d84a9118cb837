//! Predicted against real: one dot a program and contender. A dot on the diagonal is a prediction that came true.
//!
//! Both axes show how much longer the program takes than on the baseline, in per cent of its time. They are linear
//! within 1 % and logarithmic beyond it, because differences range from a tenth of a per cent to many times the
//! program's time, on both sides of 0.

use plotters::prelude::*;

use super::axis::Axis;
use super::canvas::{self, Drawn, HAIRLINE, SOFT, Sheet, Words};
use super::frame::Frame;
use super::palette::style_of;
use super::scatter::{self, Label};
use super::{data, key, marks};
use crate::ReportError;
use crate::validation::{MOST_FACTOR, Pair, Score};

/// Names of programs that have room.
const MOST_NAMES: usize = 5;

/// Radius of a dot, in pixels.
const RADIUS: i32 = 10;

/// Draws the pairs.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn validation(pairs: &[Pair]) -> Result<String, ReportError> {
    let score = Score::of(pairs);
    let words = Words {
        subject: "validation".into(),
        what: "predicted against real",
        description: format!(
            "How much longer programs take than on the baseline: predicted by replays, against measured. Of {} pairs of a \
             program and a contender, the runs decide {}; the sign is right in {} of these.",
            score.pairs, score.decided, score.right
        ),
    };
    if pairs.is_empty() {
        return canvas::message(&words, &["There are no pairs.".to_owned()]);
    }
    let contenders = contenders(pairs);
    let frame = frame(pairs, &score);
    let height = frame.height() + key::height(&contenders);
    canvas::draw(&words, height, |sheet| {
        canvas::heading(sheet, &words)?;
        let plot = frame.paint(sheet)?;
        let pixel = |x: f64, y: f64| frame.pixel(&plot, frame.x.position(x), frame.y.position(y));
        // From the lower left to the upper right: where predictions come true, and the factor on both sides of it.
        let ends = (frame.x.value(frame.x.range.start), frame.x.value(frame.x.range.end));
        let steps = || {
            (0..=200).map(|step| (ends.0.asinh() + (ends.1.asinh() - ends.0.asinh()) * f64::from(step) / 200.0).sinh())
        };
        for (factor, width) in [(1.0, 4), (MOST_FACTOR, HAIRLINE), (1.0 / MOST_FACTOR, HAIRLINE)] {
            let within = steps().filter(|x| (ends.0..=ends.1).contains(&(x * factor)));
            let line: Vec<_> = within.map(|x| pixel(x, x * factor)).collect();
            sheet.draw(&PathElement::new(line, SOFT.stroke_width(width)))?;
        }
        // Undecided ones first, so that they cover nothing.
        let mut order: Vec<&Pair> = pairs.iter().collect();
        order.sort_by_key(|pair| pair.is_decided());
        for pair in order {
            let at = pixel(pair.real_share() * 100.0, pair.predicted_share() * 100.0);
            let color = style_of(&pair.contender).color;
            let tip = format!(
                "{} on {}: {:+.1} % real, {:+.1} % predicted",
                pair.program,
                pair.contender,
                pair.real_share() * 100.0,
                pair.predicted_share() * 100.0
            );
            sheet.contender(&pair.contender, || {
                sheet.tip(&tip, || marks::point(sheet, at, RADIUS, color, pair.is_decided()))
            })?;
        }
        worst(sheet, &frame, pairs, &pixel)?;
        key::paint(sheet, &contenders, frame.height() as i32, |index, [from, to]| {
            let middle = ((from.0 + to.0) / 2, (from.1 + to.1) / 2);
            marks::point(sheet, middle, RADIUS + 2, style_of(contenders[index]).color, true)
        })
    })
}

/// The rows of the chart as CSV.
pub fn validation_data(pairs: &[Pair]) -> String {
    let rows = pairs.iter().map(|pair| {
        let interval = pair.real_ns.interval;
        [
            pair.program.clone(),
            pair.contender.clone(),
            pair.program_ns.to_string(),
            pair.real_ns.value.to_string(),
            data::cell(interval.map(|interval| interval.low)),
            data::cell(interval.map(|interval| interval.high)),
            pair.predicted_ns.value.to_string(),
            pair.real_pages.0.to_string(),
            pair.real_pages.1.to_string(),
            pair.predicted_pages.to_string(),
            pair.real_faults.to_string(),
        ]
    });
    let header = [
        "program",
        "contender",
        "program_ns",
        "real_difference_ns",
        "real_low_ns",
        "real_high_ns",
        "predicted_difference_ns",
        "real_peak_pages_least",
        "real_peak_pages_most",
        "predicted_peak_pages",
        "real_page_fault_difference",
    ];
    data::table(header, rows)
}

fn contenders(pairs: &[Pair]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for pair in pairs {
        if !names.contains(&pair.contender.as_str()) {
            names.push(&pair.contender);
        }
    }
    names
}

fn frame(pairs: &[Pair], score: &Score) -> Frame {
    let shares = pairs.iter().flat_map(|pair| [pair.real_share() * 100.0, pair.predicted_share() * 100.0]);
    let (low, high) = shares.fold((0.0_f64, 0.0_f64), |(low, high), share| (low.min(share), high.max(share)));
    let axis = Axis::signed(low * 1.4, high * 1.4, "%");
    let mut notes = vec![
        format!("thick line: predictions that come true; thin lines: off by a factor of {MOST_FACTOR}"),
        "ring: the 95 % interval of the runs includes 0".to_owned(),
    ];
    if let Some(error) = score.error {
        notes.push(format!("median error where the runs decide: {:.0} %", error * 100.0));
    }
    Frame {
        subtitle: format!(
            "how much longer a program takes than on dlmalloc: the sign is right in {} of {} pairs that the runs decide",
            score.right, score.decided
        ),
        x_title: "real, % of the program's CPU time".into(),
        x: axis.clone(),
        y_title: "predicted by a replay, % of the program's CPU time".into(),
        y: axis,
        name_room: 0,
        name_count: 0,
        notes,
    }
}

/// Names the programs of the worst predictions of large differences, each once.
fn worst(sheet: &Sheet, frame: &Frame, pairs: &[Pair], pixel: &dyn Fn(f64, f64) -> (i32, i32)) -> Drawn {
    let mut large: Vec<&Pair> = pairs.iter().filter(|pair| pair.is_large() && pair.factor() > MOST_FACTOR).collect();
    large.sort_by(|one, other| other.factor().total_cmp(&one.factor()));
    let mut named: Vec<&Pair> = Vec::new();
    for pair in large {
        if named.iter().all(|other| other.program != pair.program) && named.len() < MOST_NAMES {
            named.push(pair);
        }
    }
    let at = |pair: &Pair| pixel(pair.real_share() * 100.0, pair.predicted_share() * 100.0);
    let labels: Vec<Label> = named.iter().map(|pair| Label { text: &pair.program, at: at(pair) }).collect();
    let dots: Vec<[i32; 4]> = pairs
        .iter()
        .map(|pair| {
            let (x, y) = at(pair);
            [x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS]
        })
        .collect();
    let (left, right) = frame.edges();
    let bounds = [left, frame.top() as i32, right, frame.bottom() as i32];
    let places = scatter::place(&labels, RADIUS, bounds, &dots);
    labels.iter().zip(&places).try_for_each(|(label, place)| scatter::paint(sheet, label, place, SOFT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::tests::pair;

    #[test]
    fn every_pair_is_a_dot_that_says_what_it_is() {
        let pairs = [pair("talc", [9.0, 10.0, 11.0], 12.0), pair("wasmalloc", [-4.0, -3.0, -2.0], 1.0)];
        let svg = validation(&pairs).unwrap();
        roxmltree::Document::parse(&svg).unwrap();
        for text in
            ["program on talc: +10.0 % real, +12.0 % predicted", "data-contender=\"wasmalloc\"", "is right in 1 of"]
        {
            assert!(svg.contains(text), "{text} in {svg}");
        }
        assert!(validation(&[]).unwrap().contains("There are no pairs."));
        let csv = validation_data(&pairs);
        assert!(
            csv.lines().count() == 3
                && csv.contains("\nprogram,talc,100000000,10000000,9000000,11000000,12000000,3,3,3,0"),
            "{csv}"
        );
    }
}
