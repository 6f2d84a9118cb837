//! Johnstone and Wilson's four measures of fragmentation, side by side: they answer different questions, and papers
//! differ in which they report.
//!
//! #1 is the mean over the run. #2 and #3 are taken at a single instant: the peak of live bytes, and the first peak of
//! committed bytes. #4 compares the two peaks, whenever they occur. A contender with a small #2 and a large #4 did well
//! at the program's peak, but took memory at another moment. The axis is logarithmic because the range from the best
//! contender to a leak spans a factor of a thousand.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::Axis;
use super::canvas::{self, Drawn, GRID, HAIRLINE, INK, LINE, SOFT, Sheet, TEXT, Words};
use super::contenders::{LeftOut, Shown, failing, join, not_shown, nothing, reasons, sort_out};
use super::frame::{notes_height, paint_notes};
use super::rows::Rows;
use super::{data, key};
use crate::ReportError;
use crate::numbers::short;
use crate::results::{Contender, Figure, Memory, Results};

/// The measures with their shapes, in the order of a row's lanes.
const MEASURES: [(&str, Shape); 4] = [
    ("#1 mean over the run", Shape::Circle),
    ("#2 at peak live", Shape::Square),
    ("#3 at peak heap", Shape::Diamond),
    ("#4 peak heap over peak live", Shape::Triangle),
];

/// Height of a measure's lane, and of the space between rows.
const LANE: i32 = 29;
const GAP: i32 = 16;

/// Half the size of a shape.
const RADIUS: i32 = 13;

/// Upper bound for the lower end of the axis, in per cent: values below it have no place on a logarithmic axis.
const FLOOR: f64 = 0.1;

const WHAT: &str = "Johnstone-Wilson measures";

#[derive(Clone, Copy)]
enum Shape {
    Circle,
    Square,
    Diamond,
    Triangle,
}

/// Draws the four measures of each contender, in per cent above live bytes.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn johnstone_wilson(results: &Results) -> Result<String, ReportError> {
    let (shown, left_out) = sort_out(results, memory);
    let words = words(results, &shown, &left_out);
    if shown.is_empty() {
        return nothing(&words, &left_out);
    }
    let x = axis(&shown);
    let notes = notes(&shown, &left_out);
    let rows = Rows {
        subtitle: format!("{}; committed over live bytes", canvas::platform(&results.provenance.target)),
        names: shown.iter().map(|one| (one.contender.name.clone(), one.style.color)).collect(),
        row_height: (4 * LANE + GAP) as u32,
        widest_value: canvas::widest(shown.iter().map(fourth)),
        x_title: format!("excess over live, {}", x.note),
        x,
        notes: Vec::new(),
    };
    let texts = MEASURES.map(|(text, _)| text);
    let key_top = (rows.height() - notes_height(&[])) as i32;
    let notes_top = key_top + key::height(&texts) as i32;
    canvas::draw(&words, notes_top as u32 + notes_height(&notes), |sheet| {
        canvas::heading(sheet, &words)?;
        rows.paint(sheet)?;
        canvas::text(sheet, "#4", (rows.value_left(), rows.top() - LINE / 2), TEXT, SOFT, HPos::Left)?;
        for (index, one) in shown.iter().enumerate() {
            sheet.contender(&one.contender.name, || paint_row(sheet, &rows, index, one))?;
        }
        key::paint(sheet, &texts, key_top, |index, [(left, top), (right, bottom)]| {
            paint_shape(sheet, MEASURES[index].1, ((left + right) / 2, (top + bottom) / 2), INK)
        })?;
        paint_notes(sheet, &notes, notes_top)
    })
}

/// The data: a row per contender and measure; an unknown measure has no value.
pub(super) fn data(results: &Results) -> String {
    let (shown, _) = sort_out(results, memory);
    let rows = shown.iter().flat_map(|one| {
        let row = move |(index, value): (usize, Option<f64>)| {
            [results.trace.name.clone(), one.contender.name.clone(), format!("{}", index + 1), data::cell(value)]
        };
        percents(one.figures).into_iter().enumerate().map(row)
    });
    data::table(["trace", "contender", "measure", "excess_percent"], rows)
}

fn memory(contender: &Contender) -> Result<&Memory, String> {
    match &contender.memory {
        Figure::Known(memory) => Ok(memory),
        Figure::Unknown { unknown } => Err(unknown.to_string()),
    }
}

/// The measures in the order of [`MEASURES`], in per cent.
fn percents(memory: &Memory) -> [Option<f64>; 4] {
    let over_time = &memory.johnstone_wilson;
    [
        over_time.mean_of_ratios_by_bytes_percent,
        over_time.at_peak_live_percent,
        over_time.at_peak_heap_percent,
        Some(memory.johnstone_wilson_4_percent).filter(|percent| percent.is_finite()),
    ]
}

fn fourth(one: &Shown<&Memory>) -> String {
    format!("{} %", short(one.figures.johnstone_wilson_4_percent))
}

/// From the smallest to the largest value, but not below [`FLOOR`].
fn axis(shown: &[Shown<&Memory>]) -> Axis {
    let all = || shown.iter().flat_map(|one| percents(one.figures)).flatten();
    let least = all().fold(f64::INFINITY, f64::min).max(FLOOR);
    let most = all().fold(least, f64::max);
    Axis::log(least / 1.3, most * 1.3, "%", 7)
}

fn words(results: &Results, shown: &[Shown<&Memory>], left_out: &[LeftOut]) -> Words {
    let mut description =
        format!("Johnstone and Wilson's measures of each contender on the trace {}, in per cent.", results.trace.name);
    if !shown.is_empty() {
        let figures = |one: &Shown<&Memory>| {
            let texts = percents(one.figures).map(|percent| percent.map_or("unknown".into(), short));
            format!("{} {}", one.contender.name, texts.join(", "))
        };
        let all: Vec<String> = shown.iter().map(figures).collect();
        description += &format!(" #1 to #4 are: {}.", all.join("; "));
    }
    if !left_out.is_empty() {
        description += &format!(" Not shown: {}.", reasons(left_out).join("; "));
    }
    Words { subject: results.trace.name.clone(), what: WHAT, description }
}

fn notes(shown: &[Shown<&Memory>], left_out: &[LeftOut]) -> Vec<String> {
    let low: Vec<&Shown<&Memory>> =
        shown.iter().filter(|one| percents(one.figures).into_iter().flatten().any(|percent| percent < FLOOR)).collect();
    let low = (!low.is_empty())
        .then(|| format!("at the left edge: below {FLOOR} % ({})", join(&low, |one| one.contender.name.clone())));
    low.into_iter().chain(failing(shown)).chain(not_shown(left_out)).collect()
}

fn paint_row(sheet: &Sheet, rows: &Rows, row: usize, one: &Shown<&Memory>) -> Drawn {
    rows.paint_name(sheet, row)?;
    let middle = rows.middle(row);
    if row > 0 {
        let y = middle - 2 * LANE - GAP / 2;
        sheet.draw(&PathElement::new(vec![(rows.left(), y), (rows.right(), y)], GRID.stroke_width(HAIRLINE)))?;
    }
    for (lane, (percent, (text, shape))) in percents(one.figures).into_iter().zip(MEASURES).enumerate() {
        let Some(percent) = percent else { continue };
        let place = (rows.pixel(percent), middle - 2 * LANE + LANE / 2 + LANE * lane as i32);
        let tip = format!("{}, {text}: {} %", one.contender.name, short(percent));
        sheet.tip(&tip, || paint_shape(sheet, shape, place, one.style.color))?;
    }
    canvas::text(sheet, &fourth(one), (rows.value_left(), middle), TEXT, INK, HPos::Left)
}

fn paint_shape(sheet: &Sheet, shape: Shape, (x, y): (i32, i32), color: RGBColor) -> Drawn {
    let r = RADIUS;
    let fill = color.filled();
    match shape {
        Shape::Circle => sheet.draw(&Circle::new((x, y), r - 1, fill)),
        Shape::Square => sheet.draw(&Rectangle::new([(x - r + 2, y - r + 2), (x + r - 2, y + r - 2)], fill)),
        Shape::Diamond => sheet.draw(&Polygon::new(vec![(x - r, y), (x, y - r), (x + r, y), (x, y + r)], fill)),
        Shape::Triangle => sheet.draw(&Polygon::new(vec![(x - r, y + r - 2), (x, y - r), (x + r, y + r - 2)], fill)),
    }
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;
    use crate::chart::structure::{child, of_contender, texts, tips, unreadable};
    use crate::sample::{self, contender};

    fn draw(contenders: Vec<Contender>) -> String {
        johnstone_wilson(&Results { contenders, ..sample::empty() }).unwrap()
    }

    /// A contender with all four measures.
    fn measured(name: &str, pages: u64) -> Contender {
        let mut row = contender(name).pages(pages).build();
        let Figure::Known(memory) = &mut row.memory else { panic!("the sample has memory figures") };
        memory.johnstone_wilson.mean_of_ratios_by_bytes_percent = Some(100.0);
        row
    }

    #[test]
    fn each_contender_has_four_shapes_and_its_headline() {
        let svg = draw(vec![measured("talc", 24), measured("bump", 7795)]);
        let svg = Document::parse(&svg).unwrap();
        for name in ["talc", "bump"] {
            assert_eq!(of_contender(&svg, name, "circle").len(), 1, "#1 of {name}");
            assert_eq!(of_contender(&svg, name, "rect").len(), 1, "#2 of {name}");
            assert_eq!(of_contender(&svg, name, "polygon").len(), 2, "#3 and #4 of {name}");
        }
        // 24 pages over 16 pages of live bytes.
        assert!(tips(&svg).contains(&"talc, #4 peak heap over peak live: 50.0 %".to_string()), "{:?}", tips(&svg));
        assert!(texts(&svg).contains(&"50.0 %".to_string()));
        assert!(child(&svg, "desc").contains("talc 100, 50.0, 150, 50.0"), "{}", child(&svg, "desc"));
        assert_eq!(unreadable(&svg), [""; 0]);
    }

    #[test]
    fn values_below_the_axis_are_noted() {
        let svg = draw(vec![contender("talc").pages(16).build(), contender("bump").pages(7795).build()]);
        let svg = Document::parse(&svg).unwrap();
        assert!(texts(&svg).contains(&"at the left edge: below 0.1 % (talc)".to_string()), "{:?}", texts(&svg));
        assert_eq!(of_contender(&svg, "talc", "rect").len(), 1, "it is drawn at the edge");
    }

    #[test]
    fn unknown_measures_have_no_shape() {
        let results = Results { contenders: vec![contender("talc").build()], ..sample::empty() };
        let svg = johnstone_wilson(&results).unwrap();
        let svg = Document::parse(&svg).unwrap();
        assert_eq!(of_contender(&svg, "talc", "circle").len(), 0);
        assert!(data(&results).contains("serde-heavy,talc,1,\n"));
        assert!(child(&svg, "desc").contains("talc unknown, 25.0, 125, 25.0"), "{}", child(&svg, "desc"));
    }

    #[test]
    fn contenders_left_out_or_that_did_less_are_named() {
        let svg = draw(vec![
            contender("talc").failed_requests(12).build(),
            contender("broken").invalid(17, "block 3 overlaps block 2").build(),
        ]);
        let svg = Document::parse(&svg).unwrap();
        for note in ["did less work because requests failed: talc (12)", "not shown: broken: failed verification"] {
            assert!(texts(&svg).contains(&note.to_string()), "{:?}", texts(&svg));
        }
        let nobody = draw(vec![contender("broken").invalid(17, "overlap").build()]);
        assert!(nobody.contains("There is nothing to draw.") && nobody.contains("broken: failed verification"));
        assert!(draw(vec![]).contains("No contender took part."));
    }
}
