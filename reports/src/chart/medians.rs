//! Where the traces lie: the median size of what each requests, and the median lifetime of what it frees.
//!
//! Programs of others and drivers that were written for the library differ in their marks, so that a reader sees
//! whether the drivers cover what programs do, and where there is no trace at all. A median is interpolated within its
//! power-of-two class, so it is right to a fraction of a class.

use plotters::prelude::*;

use super::axis::Axis;
use super::canvas::{self, Drawn, SOFT, Sheet, Words};
use super::frame::{Frame, Plot};
use super::scatter::{self, Label};
use super::{data, marks};
use crate::ReportError;
use crate::numbers::{bytes, count};
use crate::results::{Class, Figure, Origin, ProgramKind, Results};

/// Radius of a point, in pixels.
const RADIUS: i32 = 12;

/// Okabe and Ito's blue and vermilion; the marks differ without colour, too.
const PROGRAM: RGBColor = RGBColor(0x00, 0x72, 0xB2);
const DRIVER: RGBColor = RGBColor(0xD5, 0x5E, 0x00);

/// A trace with its medians.
struct Point<'a> {
    results: &'a Results,
    size_bytes: f64,
    lifetime_bytes: f64,
}

/// Draws a point for each trace: the median of the requested sizes, and the median of the lifetimes of freed objects.
///
/// Traces whose distributions are not known, and those that free nothing, are left out and named.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn medians(all: &[Results]) -> Result<String, ReportError> {
    let (mut points, left_out) = points(all);
    // Names are placed in this order: those at the left, where traces are close together, find room first.
    points.sort_by(|one, other| one.size_bytes.total_cmp(&other.size_bytes));
    let notes = notes(&left_out);
    let words = words(&points, &notes);
    if points.is_empty() {
        let mut message = vec!["There is nothing to draw.".to_string()];
        message.extend(notes);
        return canvas::message(&words, &message);
    }
    let frame = frame(&points, notes);
    canvas::draw(&words, frame.height(), |sheet| {
        canvas::heading(sheet, &words)?;
        let plot = frame.paint(sheet)?;
        paint(sheet, &frame, &plot, &points)
    })
}

/// The data: a row per trace.
pub(super) fn data(all: &[Results]) -> String {
    let rows = points(all).0.into_iter().map(|point| {
        let trace = &point.results.trace;
        [
            trace.name.clone(),
            trace.origin.name().into(),
            trace.kind.map_or(String::new(), |kind| kind.name().into()),
            point.size_bytes.round().to_string(),
            point.lifetime_bytes.round().to_string(),
        ]
    });
    data::table(["trace", "origin", "kind", "median_size_bytes", "median_lifetime_bytes"], rows)
}

/// The traces that have both medians, and the names of the others.
fn points(all: &[Results]) -> (Vec<Point<'_>>, Vec<&str>) {
    let (mut points, mut left_out) = (Vec::new(), Vec::new());
    for results in all {
        let medians = match &results.trace.distributions {
            Figure::Known(found) => median(&found.request_sizes).zip(median(&found.lifetimes)),
            Figure::Unknown { .. } => None,
        };
        match medians {
            Some((size_bytes, lifetime_bytes)) => points.push(Point { results, size_bytes, lifetime_bytes }),
            None => left_out.push(results.trace.name.as_str()),
        }
    }
    (points, left_out)
}

/// The median of what is counted in classes, each of which ends at twice its first value. The values of a class are
/// taken to be spread evenly over its logarithm.
fn median(classes: &[Class]) -> Option<f64> {
    let half = classes.iter().map(|class| class.count as f64).sum::<f64>() / 2.0;
    let mut below = 0.0;
    for class in classes {
        let count = class.count as f64;
        if count > 0.0 && below + count >= half {
            let share = (half - below) / count;
            // Nothing was allocated during a lifetime of 0 bytes; a logarithmic axis has no such place.
            return Some(if class.from_bytes == 0 { 1.0 } else { class.from_bytes as f64 * share.exp2() });
        }
        below += count;
    }
    None
}

fn frame(points: &[Point], notes: Vec<String>) -> Frame {
    let axis = |of: fn(&Point) -> f64| {
        let values = || points.iter().map(of);
        let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(1.0, f64::max));
        Axis::log_bytes((least / 1.5) as u64, (most * 1.5) as u64)
    };
    let has = |kind| points.iter().any(|point| point.results.trace.kind == Some(kind));
    let mut key: Vec<&str> = Vec::new();
    key.extend(has(ProgramKind::Program).then_some("disc: a program of others"));
    key.extend(has(ProgramKind::Driver).then_some("ring: a driver written for the library"));
    key.extend(points.iter().any(|point| point.results.trace.kind.is_none()).then_some("grey: another trace"));
    Frame {
        subtitle: key.join("; "),
        x_title: "median requested size, log scale".into(),
        x: axis(|point| point.size_bytes),
        y_title: "median lifetime: bytes allocated meanwhile, log scale".into(),
        y: axis(|point| point.lifetime_bytes),
        name_room: 0,
        // A plot as high as a list of the names has room for them all.
        name_count: points.len(),
        notes,
    }
}

fn notes(left_out: &[&str]) -> Vec<String> {
    let mut notes = vec!["medians over requests and over freed objects, interpolated within powers of two".to_owned()];
    if !left_out.is_empty() {
        notes.push(format!("not shown, without known medians: {}", left_out.join(", ")));
    }
    notes
}

fn words(points: &[Point], notes: &[String]) -> Words {
    let figures: Vec<String> = points.iter().map(sentence).collect();
    let mut description = format!(
        "The median size and the median lifetime, in bytes allocated meanwhile, of {}. {}.",
        count(points.len() as u64, "trace"),
        figures.join(". ")
    );
    notes.iter().for_each(|note| description += &format!(" {note}."));
    Words { subject: "all traces".into(), what: "median size and lifetime", description }
}

fn sentence(point: &Point) -> String {
    let trace = &point.results.trace;
    let kind = match (trace.kind, trace.origin) {
        (Some(ProgramKind::Program), _) => ", a program of others",
        (Some(ProgramKind::Driver), _) => ", a driver",
        (None, Origin::Synthetic) => ", synthetic",
        (None, _) => "",
    };
    let [size, lifetime] = [point.size_bytes, point.lifetime_bytes].map(|value| bytes(value.round() as u64));
    format!("{}{kind}: size {size}, lifetime {lifetime}", trace.name)
}

fn paint(sheet: &Sheet, frame: &Frame, plot: &Plot, points: &[Point]) -> Drawn {
    let at =
        |point: &Point| frame.pixel(plot, frame.x.position(point.size_bytes), frame.y.position(point.lifetime_bytes));
    let labels: Vec<Label> =
        points.iter().map(|point| Label { text: &point.results.trace.name, at: at(point) }).collect();
    let (left, right) = frame.edges();
    let bounds = [left + 4, frame.top() as i32, right + 70, frame.bottom() as i32];
    let places = scatter::place(&labels, RADIUS, bounds, &[]);
    for (point, (label, place)) in points.iter().zip(labels.iter().zip(places)) {
        let (color, filled) = match point.results.trace.kind {
            Some(ProgramKind::Program) => (PROGRAM, true),
            Some(ProgramKind::Driver) => (DRIVER, false),
            None => (SOFT, true),
        };
        sheet.tip(&sentence(point), || {
            marks::point(sheet, label.at, RADIUS, color, filled)?;
            scatter::paint(sheet, label, &place, color)
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;
    use crate::chart::structure::{texts, tips};
    use crate::sample;

    fn class(from_bytes: u64, count: u64) -> Class {
        Class { from_bytes, count }
    }

    fn of(name: &str, kind: Option<ProgramKind>) -> Results {
        let mut results = sample::results();
        (results.trace.name, results.trace.kind) = (name.into(), kind);
        results
    }

    #[test]
    fn a_median_is_interpolated_within_its_class() {
        let middle = median(&[class(16, 4)]).unwrap();
        assert!((middle - 16.0 * 2_f64.sqrt()).abs() < 1e-9, "{middle}");
        assert_eq!(median(&[class(16, 2), class(1024, 2)]), Some(32.0), "the end of the first class");
        assert_eq!(median(&[class(8, 0), class(64, 1), class(128, 3)]).map(f64::floor), Some(161.0));
        assert_eq!(median(&[class(0, 9), class(1, 1)]), Some(1.0));
        assert_eq!((median(&[]), median(&[class(8, 0)])), (None, None));
    }

    #[test]
    fn each_trace_has_a_point_and_its_name_and_one_without_medians_is_named() {
        let mut all =
            vec![of("other's", Some(ProgramKind::Program)), of("ours", Some(ProgramKind::Driver)), of("a file", None)];
        all.push(of("unread", None));
        all[3].trace.distributions = Figure::unknown("not examined");
        let svg = medians(&all).unwrap();
        let svg = Document::parse(&svg).unwrap();
        let texts = texts(&svg);
        for name in ["other's", "ours", "a file"] {
            assert!(texts.iter().any(|text| text == name), "{name} in {texts:?}");
        }
        assert!(texts.iter().any(|text| text.contains("not shown, without known medians: unread")), "{texts:?}");
        assert_eq!(tips(&svg).len(), 3);
        assert_eq!(data(&all).lines().count(), 4);
        assert!(medians(&all[3..]).unwrap().contains("There is nothing to draw."));
    }
}
