//! Footprint over time on every trace: small multiples that show whether a leak belongs to one trace or to the
//! contender.
//!
//! All panels have the same axes, so they can be compared: horizontally the share of the trace's events, vertically the
//! committed bytes over the trace's peak live, where 1 at the peak would be perfect. Recorded and synthetic traces are
//! next to each other, and labelled.

use plotters::prelude::*;

use super::axis::{Axis, Scale, Tick};
use super::canvas::{self, Drawn, INK, SOFT, Sheet, Words};
use super::contenders::{LeftOut, sort_out};
use super::footprint::{LIVE_FILL, Line, live, memory, steps};
use super::frame::{notes_height, paint_notes};
use super::panels::{self, Panel, Panels};
use super::{data, key, palette};
use crate::ReportError;
use crate::numbers::{bytes, count, short};
use crate::reasons::names_by_reason;
use crate::results::{FootprintPoint, Origin, Results, Role};

/// The lower end of the axis: smaller ratios are not drawn.
const LEAST: f64 = 0.125;

/// Width in pixels within which points are merged.
const COLUMN: i32 = 4;

const WHAT: &str = "committed heap over time";

/// A trace, with its lines.
struct Shape<'a> {
    results: &'a Results,
    lines: Vec<Line<'a>>,
    left_out: Vec<LeftOut<'a>>,
    live: Vec<FootprintPoint>,
}

impl<'a> Shape<'a> {
    fn of(results: &'a Results) -> Self {
        let (lines, left_out) = sort_out(results, memory);
        Shape { results, live: live(&lines), lines, left_out }
    }

    fn is_drawn(&self) -> bool {
        !self.lines.is_empty() && self.results.trace.peak_live_bytes > 0
    }
}

/// Draws the committed bytes over time of every contender on every trace.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn footprints(all: &[Results]) -> Result<String, ReportError> {
    let shapes: Vec<Shape> = all.iter().map(Shape::of).collect();
    let notes = notes(&shapes);
    let shapes: Vec<Shape> = shapes.into_iter().filter(Shape::is_drawn).collect();
    let words = words(&shapes, &notes);
    if shapes.is_empty() {
        let mut message = vec!["There is nothing to draw.".to_string()];
        message.extend(notes);
        return canvas::message(&words, &message);
    }
    let panels = panels(&shapes);
    let names = names(&shapes);
    let texts: Vec<&str> = names.iter().copied().chain(["live"]).collect();
    let key_top = panels.bottom() + 16;
    let notes_top = key_top + key::height(&texts) as i32;
    canvas::draw(&words, notes_top as u32 + notes_height(&notes), |sheet| {
        canvas::heading(sheet, &words)?;
        panels.paint(sheet)?;
        for (index, shape) in shapes.iter().enumerate() {
            paint_panel(sheet, &panels, index, shape)?;
        }
        key::paint(sheet, &texts, key_top, |index, corners| paint_swatch(sheet, names.get(index).copied(), corners))?;
        paint_notes(sheet, &notes, notes_top)
    })
}

/// The data: a row for each change of a contender's committed bytes, and for its last event.
pub(super) fn data(all: &[Results]) -> String {
    let rows = all.iter().flat_map(|results| {
        let (lines, _) = sort_out(results, memory);
        lines.into_iter().flat_map(move |line| {
            changes(&line.figures.timeline).into_iter().map(move |point| {
                let figures = [point.event, results.trace.events, point.committed_bytes, results.trace.peak_live_bytes];
                let [event, events, committed, peak] = figures.map(|figure| figure.to_string());
                [results.trace.name.clone(), line.contender.name.clone(), event, events, committed, peak]
            })
        })
    });
    data::table(["trace", "contender", "event", "events", "committed_bytes", "peak_live_bytes"], rows)
}

/// The points at which the committed bytes differ from the previous point, and the last point.
fn changes(timeline: &[FootprintPoint]) -> Vec<&FootprintPoint> {
    let before = std::iter::once(None).chain(timeline.iter().map(|point| Some(point.committed_bytes)));
    let after = timeline.iter().skip(1).map(Some).chain([None]);
    let changes = timeline.iter().zip(before).zip(after);
    let kept = changes.filter(|((point, before), after)| *before != Some(point.committed_bytes) || after.is_none());
    kept.map(|((point, _), _)| point).collect()
}

/// The names of all contenders that appear in some panel, each once.
fn names<'a>(shapes: &[Shape<'a>]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for line in shapes.iter().flat_map(|shape| &shape.lines) {
        if !names.contains(&line.contender.name.as_str()) {
            names.push(&line.contender.name);
        }
    }
    names
}

/// Bytes over the trace's peak live.
fn over_peak(results: &Results, bytes: u64) -> f64 {
    bytes as f64 / results.trace.peak_live_bytes as f64
}

fn panels(shapes: &[Shape]) -> Panels {
    let peaks = |shape: &Shape| {
        let peak = shape.lines.iter().map(|line| line.figures.peak_heap_bytes).max().unwrap_or(0);
        over_peak(shape.results, peak)
    };
    let most = shapes.iter().map(peaks).fold(1.0, f64::max);
    let y = Axis::log(LEAST, most * 1.1, "", 4);
    let titles: Vec<String> = shapes.iter().flat_map(titles).collect();
    let tick = |percent: f64, label: &str| Tick { position: percent, label: label.into() };
    let platform = shapes.first().map(|shape| canvas::platform(&shape.results.provenance.target));
    Panels {
        subtitle: format!(
            "{}; {}, each with its peak of live bytes, which is the line at 1",
            platform.unwrap_or_default(),
            count(shapes.len() as u64, "trace")
        ),
        columns: panels::columns(shapes.len(), titles.iter().map(String::as_str), &y),
        count: shapes.len(),
        title_lines: 2,
        x_title: "events replayed".into(),
        x: Axis {
            scale: Scale::Linear,
            range: 0.0..100.0,
            ticks: vec![tick(0.0, "0"), tick(50.0, "50 %"), tick(100.0, "100 %")],
            note: String::new(),
            kind: "",
        },
        y_title: "committed heap over peak live, log scale".into(),
        y,
    }
}

/// The titles above a panel.
fn titles(shape: &Shape) -> [String; 2] {
    let trace = &shape.results.trace;
    let origin = if trace.origin == Origin::Synthetic { ", synthetic" } else { "" };
    [trace.name.clone(), bytes(trace.peak_live_bytes) + origin]
}

fn words(shapes: &[Shape], notes: &[String]) -> Words {
    let mut description = "Small multiples of the bytes that each contender has committed over the events of each trace, over the trace's peak \
                           of live bytes. Peaks:"
        .to_string();
    for shape in shapes {
        let peak = |line: &Line| {
            format!("{} {}", line.contender.name, short(over_peak(shape.results, line.figures.peak_heap_bytes)))
        };
        let peaks: Vec<String> = shape.lines.iter().map(peak).collect();
        description += &format!(" {}: {}.", shape.results.trace.name, peaks.join(", "));
    }
    for note in notes {
        description += &format!(" {note}.");
    }
    Words { subject: "all traces".into(), what: WHAT, description }
}

/// The contenders that are not shown, with their traces, and those that did less work.
fn notes(shapes: &[Shape]) -> Vec<String> {
    let missing = shapes.iter().flat_map(|shape| {
        let missed = shape.left_out.iter().filter(|one| one.contender.role != Role::Floor);
        missed.map(|one| (shape.results.trace.name.as_str(), format!("{}: {}", one.contender.name, one.reason)))
    });
    let less = shapes.iter().flat_map(|shape| {
        let failing = shape.lines.iter().filter(|line| line.figures.failed_requests > 0);
        failing.map(|line| (shape.results.trace.name.as_str(), line.contender.name.clone()))
    });
    let on = |traces: &[&str]| match traces.len() {
        all if all == shapes.len() && all > 1 => "on all traces".to_string(),
        _ => format!("on {}", traces.join(", ")),
    };
    let missing =
        names_by_reason(missing).into_iter().map(|(traces, what)| format!("not shown {}: {what}", on(&traces)));
    let less = names_by_reason(less)
        .into_iter()
        .map(|(traces, name)| format!("{name} did less work because requests failed {}", on(&traces)));
    missing.chain(less).collect()
}

fn paint_panel(sheet: &Sheet, panels: &Panels, index: usize, shape: &Shape) -> Drawn {
    let [name, about] = titles(shape);
    panels.paint_title(sheet, index, 0, &name, INK)?;
    panels.paint_title(sheet, index, 1, &about, SOFT)?;
    let panel = panels.panel(index);
    let line = |points: &[FootprintPoint], bytes: fn(&FootprintPoint) -> u64| {
        let corners = steps(points, |point| over_peak(shape.results, bytes(point)));
        let percent = 100.0 / shape.results.trace.events.max(1) as f64;
        thinned(corners.into_iter().map(|(event, ratio)| panels.pixel(panel, event * percent, ratio)))
    };
    let live = line(&shape.live, |point| point.live_bytes);
    sheet.draw(&Polygon::new(grounded(live, panel), LIVE_FILL.filled()))?;
    let perfect = panels.pixel(panel, 0.0, 1.0).1;
    sheet.draw(&PathElement::new(vec![(panel.left, perfect), (panel.right, perfect)], SOFT.stroke_width(2)))?;
    for one in &shape.lines {
        let committed = line(&one.figures.timeline, |point| point.committed_bytes);
        let peak = short(over_peak(shape.results, one.figures.peak_heap_bytes));
        one.paint(sheet, &format!("{}, {}: {peak} times the peak of live bytes", name, one.contender.name), || {
            let style = one.style.color.stroke_width(if one.style.dashes.is_empty() { 5 } else { 4 });
            sheet.dashed(one.style.dashes, || sheet.draw(&PathElement::new(committed, style)))
        })?;
    }
    Ok(())
}

/// A swatch of the key; without a name, the live bytes.
fn paint_swatch(sheet: &Sheet, name: Option<&str>, [(left, top), (right, bottom)]: [(i32, i32); 2]) -> Drawn {
    let Some(name) = name else {
        return sheet.draw(&Rectangle::new([(left, top), (right, bottom)], LIVE_FILL.filled()));
    };
    let style = palette::style_of(name);
    let middle = (top + bottom) / 2;
    sheet.contender(name, || {
        sheet.dashed(style.dashes, || {
            let line = vec![(left, middle), (right, middle)];
            sheet.draw(&PathElement::new(line, style.color.stroke_width(6)))
        })
    })
}

/// The points without those that are invisible: per few columns of pixels only the first, highest, lowest and last
/// remain, and of three at the same height the middle one is dropped.
fn thinned(points: impl Iterator<Item = (i32, i32)>) -> Vec<(i32, i32)> {
    let mut columns: Vec<(i32, Vec<i32>)> = Vec::new();
    for (x, y) in points {
        match columns.last_mut() {
            Some((column, ys)) if x - *column < COLUMN => ys.push(y),
            _ => columns.push((x, vec![y])),
        }
    }
    let mut kept: Vec<(i32, i32)> = Vec::new();
    for (x, ys) in columns {
        for y in [ys.first(), ys.iter().min(), ys.iter().max(), ys.last()].into_iter().flatten() {
            match kept[..] {
                [.., last] if last == (x, *y) => continue,
                [.., one, other] if one.1 == *y && other.1 == *y => kept.pop(),
                _ => None,
            };
            kept.push((x, *y));
        }
    }
    kept
}

/// The line as the upper edge of an area that extends to the bottom of the panel.
fn grounded(line: Vec<(i32, i32)>, panel: Panel) -> Vec<(i32, i32)> {
    let ends = [line.last(), line.first()].into_iter().flatten().map(|&(x, _)| (x, panel.bottom)).collect::<Vec<_>>();
    line.into_iter().chain(ends).collect()
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;
    use crate::chart::structure::{child, of_contender, texts, unreadable};
    use crate::results::Contender;
    use crate::sample::{self, contender};

    fn on(trace: &str, contenders: Vec<Contender>) -> Results {
        let mut results = Results { contenders, ..sample::empty() };
        results.trace.name = trace.into();
        results
    }

    #[test]
    fn each_trace_has_a_panel_with_a_line_for_each_contender() {
        let rows = || vec![contender("talc").build(), contender("bump").pages(7795).build()];
        let mut all = vec![on("one", rows()), on("two", rows()), on("three", rows()), on("four", rows())];
        all[3].trace.origin = Origin::Synthetic;
        let svg = footprints(&all).unwrap();
        let svg = Document::parse(&svg).unwrap();
        // One more is in the key.
        assert_eq!(of_contender(&svg, "talc", "polyline").len(), 5);
        assert_eq!(of_contender(&svg, "bump", "polyline").len(), 5);
        let texts = texts(&svg);
        for text in ["one", "four", "1 MiB", "1 MiB, synthetic", "all traces: committed heap over time", "talc", "live"]
        {
            assert!(texts.contains(&text.to_string()), "{text} in {texts:?}");
        }
        assert!(child(&svg, "desc").contains("two: talc 1.25, bump 487."), "{}", child(&svg, "desc"));
        assert_eq!(unreadable(&svg), [""; 0]);
    }

    #[test]
    fn missing_contenders_are_named_once_with_their_traces() {
        let failing = || contender("talc").invalid(17, "overlap").build();
        let rows = |more: Contender| vec![contender("bump").build(), more];
        let all = [
            on("one", rows(failing())),
            on("two", rows(failing())),
            on("three", rows(contender("talc").failed_requests(3).build())),
        ];
        let svg = footprints(&all).unwrap();
        let svg = Document::parse(&svg).unwrap();
        for note in
            ["not shown on one, two: talc: failed verification", "talc did less work because requests failed on three"]
        {
            assert!(texts(&svg).contains(&note.to_string()), "{:?}", texts(&svg));
        }
        let svg = footprints(&all[..2]).unwrap();
        assert!(svg.contains("not shown on all traces: talc: failed verification"));
        let svg = footprints(&[on("a, b", rows(failing())), on("c", rows(contender("talc").build()))]).unwrap();
        assert!(svg.contains("not shown on a, b: talc: failed verification"), "a name with a comma is one trace");
    }

    #[test]
    fn a_chart_with_nothing_to_draw_says_so() {
        assert!(footprints(&[]).unwrap().contains("There is nothing to draw."));
        let svg = footprints(&[on("one", vec![contender("talc").without_memory("no heap").build()])]).unwrap();
        assert!(svg.contains("There is nothing to draw.") && svg.contains("talc: no heap"), "{svg}");
    }

    #[test]
    fn lines_keep_their_extremes_and_lose_invisible_points() {
        let flat = (0..100).map(|x| (x, 7));
        assert_eq!(thinned(flat), [(0, 7), (96, 7)]);
        let peak = [(0, 9), (1, 9), (2, 3), (3, 9), (20, 9), (40, 9)];
        assert_eq!(thinned(peak.into_iter()), [(0, 9), (0, 3), (0, 9), (40, 9)]);
    }

    #[test]
    fn the_data_has_a_row_for_each_change() {
        let point = |event, committed_bytes| FootprintPoint { event, committed_bytes, ..FootprintPoint::default() };
        let timeline = [point(1, 10), point(2, 10), point(3, 20), point(4, 20), point(5, 20)];
        let events: Vec<u64> = changes(&timeline).iter().map(|point| point.event).collect();
        assert_eq!(events, [1, 3, 5]);
        assert!(changes(&[]).is_empty());
        let data = data(&[on("one", vec![contender("talc").build()])]);
        assert_eq!(data.lines().next(), Some("trace,contender,event,events,committed_bytes,peak_live_bytes"));
        assert!(data.ends_with("one,talc,200000,200000,1310720,1048576\n"), "{data}");
    }
}
