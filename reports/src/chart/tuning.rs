//! What a search through our family has found: heap against time, both over the flagship's.

use std::borrow::Cow;

use super::axis::Axis;
use super::canvas::{self, Words};
use super::frame::Frame;
use super::palette;
use super::points::{self, Dot};
use crate::ReportError;
use crate::numbers::{count, fixed};
use crate::stats::{Estimate, Interval};
use crate::table::answer;
use crate::tuning::{TimeRatio, Tuning};

/// Draws the members of a search: the heap of each over the flagship's, and its time for a program that runs on.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn tuning(tuning: &Tuning) -> Result<String, ReportError> {
    let points: Vec<(usize, f64, TimeRatio)> = (0..tuning.rows.len())
        .filter_map(|row| Some((row, tuning.peak(row)?, tuning.time(row, |on| &on.steady)?)))
        .collect();
    let words = words(tuning, &points);
    if points.is_empty() {
        return canvas::message(&words, &["There is nothing to draw: no member has both a heap and a time.".into()]);
    }
    let dots: Vec<Dot> = points.iter().map(|point| dot(tuning, point)).collect();
    let frame = frame(tuning, &dots);
    canvas::draw(&words, frame.height(), |sheet| {
        canvas::heading(sheet, &words)?;
        let plot = frame.paint(sheet)?;
        points::paint(sheet, &frame, &plot, &dots, &points::front(&dots), Vec::new())
    })
}

fn dot<'t>(tuning: &'t Tuning, &(row, peak, time): &(usize, f64, TimeRatio)) -> Dot<'t> {
    let design = tuning.rows[row].design.as_str();
    Dot {
        name: design,
        label: Cow::Owned(if row == 0 { design.to_owned() } else { format!("{row}") }),
        color: palette::style_of(design).color,
        ships: true,
        x: time.estimate(),
        y: Estimate { value: peak, interval: None },
        tip: format!("{row}: {design}: {} × the heap, {} × the time", fixed(peak, 2), fixed(time.value, 2)),
    }
}

fn frame(tuning: &Tuning, dots: &[Dot]) -> Frame {
    let axis = |ends: &mut dyn Iterator<Item = f64>| {
        let (low, high) = ends.fold((1.0_f64, 1.0_f64), |(low, high), one| (low.min(one), high.max(one)));
        Axis::log(low / 1.1, high * 1.1, "", 8)
    };
    let x = axis(&mut dots.iter().flat_map(|dot| {
        let Interval { low, high } = dot.x.interval.unwrap_or(Interval { low: dot.x.value, high: dot.x.value });
        [low, high]
    }));
    let y = axis(&mut dots.iter().map(|dot| dot.y.value));
    let mut notes =
        vec!["step line: the front; lower left is better; pages are exact, times have 95 % intervals".to_owned()];
    notes.extend(tuning.rows.iter().enumerate().skip(1).map(|(number, row)| format!("{number}: {}", row.design)));
    Frame {
        subtitle: format!("{} tried; {} replayed", count(tuning.tried, "member"), tuning.rows.len()),
        x_title: format!("steady time, × swept-bump's, {}", x.note),
        y_title: format!("peak heap, × swept-bump's, {}", y.note),
        x,
        y,
        name_room: 0,
        name_count: 0,
        notes,
    }
}

fn words(tuning: &Tuning, points: &[(usize, f64, TimeRatio)]) -> Words {
    let figures = points.iter().map(|&(row, peak, time)| {
        format!("{}: {} × the heap, {} × the time", tuning.rows[row].design, fixed(peak, 2), fixed(time.value, 2))
    });
    let description = format!("{} {}.", answer(tuning), figures.collect::<Vec<_>>().join("; "));
    Words { subject: tuning.chosen_on.join(", "), what: "members against swept-bump", description }
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;
    use crate::chart::structure::{child, of_contender, texts};
    use crate::results::Figure;
    use crate::sample;

    #[test]
    fn each_member_has_a_point_and_its_number_and_the_notes_have_its_decisions() {
        let svg = tuning(&sample::tuning()).unwrap();
        let svg = Document::parse(&svg).unwrap();
        for name in ["swept-bump", "swept-bump:bins=32"] {
            assert_eq!(of_contender(&svg, name, "circle").len(), 2, "{name}: the point and its margin");
        }
        assert!(texts(&svg).iter().any(|text| text == "1: swept-bump:bins=32"), "{:?}", texts(&svg));
        assert!(child(&svg, "desc").contains("Take swept-bump:bins=32"));
    }

    #[test]
    fn without_times_it_says_that_there_is_nothing() {
        let mut found = sample::tuning();
        found.rows.iter_mut().for_each(|row| row.traces[0].steady = Figure::unknown("no rounds"));
        assert!(tuning(&found).unwrap().contains("nothing to draw"));
    }
}
