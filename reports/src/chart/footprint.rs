//! Footprint over time: what each contender has committed from the page heap, next to what the program holds live.
//!
//! Committed bytes (H) only grow, in steps of pages; live bytes (R) rise and fall below. The gap between the two is the
//! cost of a contender, and a line that keeps rising over flat live bytes is a leak. The chart cannot see inside the
//! heap: neither where free space is nor whether it is still usable.
//!
//! If a heap grew only a few times, each growth is a dot. The recorded program's marks divide the run into phases.
//!
//! The axis is logarithmic if one contender takes far more than another; otherwise the small ones would all lie on the
//! bottom.

use plotters::prelude::*;

use super::axis::Axis;
use super::canvas::{self, Drawn, HAIRLINE, INK, SOFT, Sheet, Words};
use super::contenders::{LeftOut, Shown, join, not_shown, nothing, reasons, sort_out};
use super::data;
use super::frame::{self, Frame, Plot};
use super::labels::{self, Name};
use super::marks;
use super::phases;
use crate::ReportError;
use crate::numbers::{bytes, count, grouped};
use crate::results::{Contender, Figure, FootprintPoint, Memory, Results};

/// Largest ratio of peaks for a linear axis, which still shows the smallest peak.
const LINEAR_UP_TO: u64 = 8;

/// Maximum number of stretches with growth for dots, per contender.
const DOTS_UP_TO: usize = 24;

/// Fill and outline of the live bytes.
pub(super) const LIVE_FILL: RGBColor = RGBColor(0xE6, 0xE6, 0xE6);
const LIVE_LINE: RGBColor = RGBColor(0x8C, 0x8C, 0x8C);

/// Draws the committed bytes of every contender over the events of the trace, and the live bytes below them.
///
/// Contenders without memory figures, and those that failed verification, are left out and named below the chart. With
/// nothing to draw, the chart says so.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
///
/// ```
/// # fn keep(results: &heaprace_reports::results::Results) -> Result<(), heaprace_reports::ReportError> {
/// let svg = heaprace_reports::chart::footprint(results)?;
/// heaprace_reports::save("footprint.svg".as_ref(), svg.as_bytes())
/// # }
/// ```
pub fn footprint(results: &Results) -> Result<String, ReportError> {
    let (lines, left_out) = sort_out(results, memory);
    let words = words(results, &lines, &left_out);
    if lines.is_empty() {
        return nothing(&words, &left_out);
    }
    let live = live(&lines);
    let mut frame = frame(results, &lines, &live, &left_out);
    let trace = &results.trace;
    let phases = phases::phases(trace, |event| frame.x_pixel(event as f64), frame.edges().1);
    frame.notes.extend(phases::note(trace, &phases));
    canvas::draw(&words, frame.height(), |sheet| {
        canvas::heading(sheet, &words)?;
        let mut plot = frame.paint(sheet)?;
        paint_live(&mut plot, &frame.y, &live)?;
        phases::paint(sheet, &phases, (frame.top() as i32, frame.bottom() as i32))?;
        paint_committed(sheet, &mut plot, &frame, &lines)?;
        let names = names(&lines, &live, |bytes| frame.pixel(&plot, 0.0, frame.y.position(bytes as f64)).1);
        labels::paint(sheet, &names, frame.right(&plot), (frame.top(), frame.bottom()))
    })
}

/// The chart's data: a row per contender and stretch of events.
pub(super) fn data(results: &Results) -> String {
    let (lines, _) = sort_out(results, memory);
    let rows = lines.iter().flat_map(|line| {
        let row = |point: &FootprintPoint| {
            let figures = [point.event, point.live_bytes, point.committed_bytes, point.grow_events]
                .map(|figure| figure.to_string());
            let [event, live, committed, grows] = figures;
            [results.trace.name.clone(), line.contender.name.clone(), event, live, committed, grows]
        };
        line.figures.timeline.iter().map(row)
    });
    data::table(["trace", "contender", "event", "live_bytes", "committed_bytes", "grow_events"], rows)
}

/// A contender whose heap is drawn.
pub(super) type Line<'a> = Shown<'a, &'a Memory>;

/// The figures of a contender, if they have a course over time.
pub(super) fn memory(contender: &Contender) -> Result<&Memory, String> {
    match &contender.memory {
        Figure::Unknown { unknown } => Err(unknown.to_string()),
        Figure::Known(memory) if memory.timeline.len() < 2 => {
            Err(format!("only {} in time", count(memory.timeline.len() as u64, "point")))
        }
        Figure::Known(memory) => Ok(memory),
    }
}

fn words(results: &Results, lines: &[Line], left_out: &[LeftOut]) -> Words {
    let trace = &results.trace;
    let mut description = format!(
        "Bytes committed by each contender over {} of the trace {}. Live bytes peak at {} after event {}.",
        count(trace.events, "event"),
        trace.name,
        bytes(trace.peak_live_bytes),
        grouped(trace.peak_live_event)
    );
    if !lines.is_empty() {
        let peak = |line: &Line| format!("{} {}", line.contender.name, bytes(line.figures.peak_heap_bytes));
        description += &format!(" Peak heap: {}.", join(lines, peak));
    }
    if !left_out.is_empty() {
        description += &format!(" Not shown: {}.", reasons(left_out).join("; "));
    }
    Words { subject: trace.name.clone(), what: "committed heap over time", description }
}

/// The live bytes over time. They belong to the trace, but a contender that failed requests saw fewer, so another
/// contender is preferred.
pub(super) fn live(lines: &[Line]) -> Vec<FootprintPoint> {
    let complete = lines.iter().find(|line| line.figures.failed_requests == 0);
    complete.or(lines.first()).map(|line| line.figures.timeline.clone()).unwrap_or_default()
}

fn frame(results: &Results, lines: &[Line], live: &[FootprintPoint], left_out: &[LeftOut]) -> Frame {
    let trace = &results.trace;
    // The same trace has other figures on another word size, so the chart names the platform.
    let platform = canvas::platform(&results.provenance.target);
    let ends = lines.iter().filter_map(|line| line.figures.timeline.last()).map(|point| point.event);
    let mut y = axis_for(lines, live);
    if !trace.marks.is_empty() {
        y = y.with_headroom(phases::HEADROOM, f64::from(frame::PLOT));
    }
    Frame {
        subtitle: format!("{platform}; {}; peak live {}", count(trace.events, "event"), bytes(trace.peak_live_bytes)),
        x_title: "events replayed".into(),
        x: Axis::events(ends.max().unwrap_or(1).max(trace.events)),
        y_title: format!("committed heap, {}", y.note),
        y,
        name_room: labels::room(lines.iter().map(|line| line.contender.name.as_str())),
        name_count: lines.len() + 1,
        notes: notes(lines, left_out),
    }
}

fn paint_live(plot: &mut Plot, axis: &Axis, live: &[FootprintPoint]) -> Drawn {
    let live = steps(live, |point| axis.position(point.live_bytes as f64));
    plot.draw_series(AreaSeries::new(live.iter().copied(), axis.range.start, LIVE_FILL))?;
    plot.draw_series(LineSeries::new(live, LIVE_LINE.stroke_width(HAIRLINE)))?;
    Ok(())
}

fn paint_committed(sheet: &Sheet, plot: &mut Plot, frame: &Frame, lines: &[Line]) -> Drawn {
    let height = |bytes: u64| frame.y.position(bytes as f64);
    // Dashed lines come last, so that a line below shows through their gaps.
    for dashed in [false, true] {
        for line in lines.iter().filter(|line| line.style.dashes.is_empty() != dashed) {
            let committed = steps(&line.figures.timeline, |point| height(point.committed_bytes));
            line.paint(sheet, &tip(line), || {
                sheet.dashed(line.style.dashes, || {
                    plot.draw_series(LineSeries::new(committed, line.stroke()))?;
                    Ok(())
                })?;
                for (event, committed) in growth(line) {
                    let place = frame.pixel(plot, event as f64, height(committed));
                    marks::point(sheet, place, 8, line.style.color, true)?;
                }
                let Some((event, committed)) = first_failure(line) else { return Ok(()) };
                plot.draw_series([Cross::new((event as f64, height(committed)), 15, INK.stroke_width(5))])?;
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// The events at which a contender's heap grew, with the bytes committed; empty if there are too many to distinguish.
fn growth(line: &Line) -> Vec<(u64, u64)> {
    let timeline = &line.figures.timeline;
    let starts = [0].into_iter().chain(timeline.iter().map(|point| point.event));
    let grown = timeline.iter().zip(starts).filter(|(point, _)| point.grow_events > 0);
    let grown: Vec<_> = grown.map(|(point, start)| (start, point.committed_bytes)).collect();
    if grown.len() <= DOTS_UP_TO { grown } else { Vec::new() }
}

fn tip(line: &Line) -> String {
    let memory = line.figures;
    let calls = memory.grow_calls.known().map_or_else(|| "unknown calls".to_owned(), |&calls| count(calls, "call"));
    format!(
        "{}: at most {} committed, from event {} on; {calls} for pages",
        line.contender.name,
        bytes(memory.peak_heap_bytes),
        grouped(memory.peak_heap_event),
    )
}

/// The event of a contender's first failed request, and the bytes committed then.
fn first_failure(line: &Line) -> Option<(u64, u64)> {
    let event = line.figures.first_failure.as_ref()?.event;
    let then = line.figures.timeline.iter().find(|point| point.event >= event)?;
    Some((event, then.committed_bytes))
}

/// The names at the ends of the lines; `height_of` maps bytes to a height.
fn names<'a>(lines: &'a [Line], live: &[FootprintPoint], height_of: impl Fn(u64) -> i32) -> Vec<Name<'a>> {
    let end = |points: &[FootprintPoint], bytes: fn(&FootprintPoint) -> u64| height_of(points.last().map_or(0, bytes));
    let of_line = |line: &'a Line| {
        let y = end(&line.figures.timeline, |point| point.committed_bytes);
        Name { text: &line.contender.name, color: line.style.color, y, is_contender: true, sample: None }
    };
    let y = end(live, |point| point.live_bytes);
    let live = Name { text: "live", color: SOFT, y, is_contender: false, sample: None };
    lines.iter().map(of_line).chain([live]).collect()
}

/// Linear from 0 if the smallest peak is still visible next to the largest, else logarithmic.
fn axis_for(lines: &[Line], live: &[FootprintPoint]) -> Axis {
    let peaks = || lines.iter().map(|line| line.figures.peak_heap_bytes);
    let live_peak = live.iter().map(|point| point.live_bytes).max().unwrap_or(0);
    let (smallest, largest) = (peaks().min().unwrap_or(0), peaks().max().unwrap_or(0));
    if largest > smallest.saturating_mul(LINEAR_UP_TO) {
        // From the first page on, so that no committed byte lies below the axis; a few live bytes do.
        let committed = lines.iter().flat_map(|line| &line.figures.timeline).map(|point| point.committed_bytes);
        let first = committed.filter(|&bytes| bytes > 0).min().unwrap_or(1);
        Axis::log_bytes(first.min(live_peak), largest)
    } else {
        Axis::bytes(largest.max(live_peak))
    }
}

/// The corners of a line that holds each stretch's value over the whole stretch, without corners where nothing changes.
pub(super) fn steps(points: &[FootprintPoint], position: impl Fn(&FootprintPoint) -> f64) -> Vec<(f64, f64)> {
    let mut corners: Vec<(f64, f64)> = Vec::new();
    let mut start = 0.0;
    for point in points {
        let (end, value) = (point.event as f64, position(point));
        match corners.last_mut() {
            Some(last) if last.1 == value => last.0 = end,
            _ => corners.extend([(start, value), (end, value)]),
        }
        start = end;
    }
    corners
}

/// The notes below the chart: contenders that failed requests, and those that are not shown.
fn notes(lines: &[Line], left_out: &[LeftOut]) -> Vec<String> {
    let mut notes = Vec::new();
    let failing: Vec<&Line> = lines.iter().filter(|line| line.figures.failed_requests > 0).collect();
    if !failing.is_empty() {
        let failures =
            |line: &&Line| format!("{} ({} in all)", line.contender.name, grouped(line.figures.failed_requests));
        notes.push(format!("x: first request that failed: {}", join(&failing, failures)));
    }
    if lines.iter().any(|line| !growth(line).is_empty()) {
        notes.push(format!("dots: the heap grew; shown if it grew at most {DOTS_UP_TO} times"));
    }
    notes.extend(not_shown(left_out));
    notes
}

#[cfg(test)]
mod tests {
    use roxmltree::{Document, Node};

    use super::*;
    use crate::chart::canvas::{TEXT, WIDTH};
    use crate::chart::structure::{child, texts};
    use crate::results::Role;
    use crate::sample::{self, PAGE, contender};

    fn draw(contenders: Vec<Contender>) -> String {
        footprint(&Results { contenders, ..sample::empty() }).unwrap()
    }

    /// The lines of this colour except hairlines.
    fn lines_of<'a>(svg: &'a Document, color: &str) -> Vec<Node<'a, 'a>> {
        let is_line = |node: &Node| {
            node.attribute("stroke") == Some(color)
                && node.has_tag_name("polyline")
                && node.attribute("stroke-width") != Some("2")
        };
        svg.descendants().filter(is_line).collect()
    }

    #[test]
    fn has_a_line_a_name_and_a_dash_pattern_for_each_contender() {
        let svg = footprint(&sample::results()).unwrap();
        let svg = Document::parse(&svg).unwrap();
        let texts = texts(&svg);
        for (name, color, width, dashes) in [
            ("segregated-bump", "#D55E00", "7", None),
            ("segregated-bump-mv", "#E69F00", "4", Some("14 10")),
            ("dlmalloc", "#0072B2", "5", Some("36 12")),
            ("wee_alloc", "#CC79A7", "5", Some("30 9 6 9 6 9")),
            ("talc", "#009E73", "5", Some("30 9 6 9")),
            ("bump", "#882255", "4", Some("5 9")),
        ] {
            let [line] = lines_of(&svg, color)[..] else { panic!("one line for {name}") };
            assert_eq!(line.attribute("stroke-width"), Some(width), "{name}");
            let groups: Vec<Node> = line.ancestors().filter(|node| node.has_tag_name("g")).collect();
            assert_eq!(groups.iter().find_map(|group| group.attribute("stroke-dasharray")), dashes, "{name}");
            assert_eq!(groups.last().and_then(|group| group.attribute("data-contender")), Some(name));
            assert!(groups.iter().any(|group| group.attribute("data-tip").is_some_and(|tip| tip.starts_with(name))));
            assert_eq!(texts.iter().filter(|text| *text == name).count(), 1, "{name}");
        }
        for text in [
            "serde-heavy: committed heap over time",
            "events replayed",
            "live",
            "native, 64-bit; 200,000 events; peak live 1 MiB",
        ] {
            assert!(texts.iter().any(|found| found == text), "{text} in {texts:?}");
        }
    }

    #[test]
    fn describes_itself_to_screen_readers() {
        let svg = footprint(&sample::results()).unwrap();
        let svg = Document::parse(&svg).unwrap();
        assert_eq!(svg.root_element().attribute("role"), Some("img"));
        assert_eq!(svg.root_element().attribute("viewBox"), Some("0 0 1600 1052"));
        assert_eq!(child(&svg, "title"), "serde-heavy: committed heap over time");
        assert_eq!(
            child(&svg, "desc"),
            "Bytes committed by each contender over 200,000 events of the trace serde-heavy. Live bytes peak at 1 MiB after \
             event 150,000. Peak heap: bump 487 MiB, segregated-bump 3.25 MiB, segregated-bump-mv 4.38 MiB, dlmalloc \
             1.25 MiB, talc 1.38 MiB, wee_alloc 55.6 MiB. Not shown: null: hands out no memory."
        );
    }

    #[test]
    fn the_axis_is_linear_up_to_a_ratio_of_eight() {
        let title = |pages| {
            let svg = draw(vec![contender("talc").pages(20).build(), contender("wee_alloc").pages(pages).build()]);
            texts(&Document::parse(&svg).unwrap()).into_iter().find(|text| text.starts_with("committed heap,")).unwrap()
        };
        assert_eq!(title(160), "committed heap, MiB");
        assert_eq!(title(161), "committed heap, log scale");
    }

    #[test]
    fn failed_requests_are_crossed_and_noted() {
        let svg = draw(vec![contender("talc").build(), contender("wee_alloc").pages(92).failed_requests(12).build()]);
        let svg = Document::parse(&svg).unwrap();
        let strokes =
            svg.descendants().filter(|node| node.has_tag_name("line") && node.attribute("stroke-width") == Some("5"));
        assert_eq!(strokes.count(), 2, "two strokes of a cross");
        let refusing = contender("wee_alloc").pages(9200).failed_requests(1).build();
        let results = Results { contenders: vec![refusing], ..sample::empty() };
        let (lines, _) = sort_out(&results, memory);
        // Event 4,711 is in the stretch that ends at 4,800, which is 3.2 % of the rise to 9,200 pages.
        assert_eq!(first_failure(&lines[0]), Some((4711, 295 * PAGE)));
        assert!(texts(&svg).contains(&"x: first request that failed: wee_alloc (12 in all)".to_string()));
    }

    #[test]
    fn live_bytes_come_from_a_contender_that_served_all_requests() {
        let mut results = sample::empty();
        results.contenders = vec![contender("wee_alloc").failed_requests(12).build(), contender("talc").build()];
        let Figure::Known(refusing) = &mut results.contenders[0].memory else {
            panic!("the sample has memory figures")
        };
        refusing.timeline.iter_mut().for_each(|point| point.live_bytes = 0);
        let (lines, _) = sort_out(&results, memory);
        assert_eq!(live(&lines), lines[1].figures.timeline);
        assert_eq!(live(&lines[..1]), lines[0].figures.timeline, "better than none");
    }

    #[test]
    fn contenders_left_out_are_named() {
        let svg = draw(vec![
            contender("talc").build(),
            contender("broken").invalid(17, "block 3 overlaps block 2").build(),
            contender("mimalloc").without_memory("its own reserve").build(),
            contender("jemalloc").without_memory("its own reserve").build(),
            contender("null").role(Role::Floor).without_memory("hands out no memory").build(),
        ]);
        let svg = Document::parse(&svg).unwrap();
        for line in ["not shown: broken: failed verification; mimalloc, jemalloc: its own", "reserve"] {
            assert!(texts(&svg).contains(&line.to_string()), "{:?}", texts(&svg));
        }
        assert!(child(&svg, "desc").contains("null: hands out no memory"));
    }

    #[test]
    fn names_never_overlap_and_stay_within_the_sheet() {
        let names = (0..12).map(|index| format!("contender-{index:02}-twenty-two")).collect::<Vec<_>>();
        let svg = draw(names.iter().map(|name| contender(name).build()).collect());
        let svg = Document::parse(&svg).unwrap();
        let number = |node: &Node, name| node.attribute(name).unwrap().parse::<f64>().unwrap();
        let is_name = |node: &Node| node.text().is_some_and(|text| names.iter().any(|name| name == text.trim()));
        let mut heights: Vec<f64> = Vec::new();
        for node in svg.descendants().filter(|node| node.has_tag_name("text") && is_name(node)) {
            heights.push(number(&node, "y"));
            let end = number(&node, "x") + canvas::text_width(node.text().unwrap().trim(), TEXT);
            assert!(end <= f64::from(WIDTH), "{node:?} ends at {end}");
        }
        heights.sort_by(f64::total_cmp);
        assert_eq!(heights.len(), 12);
        assert!(heights.windows(2).all(|pair| pair[1] - pair[0] >= TEXT), "{heights:?}");
    }

    #[test]
    fn a_chart_with_nothing_to_draw_says_so() {
        let mut one_point = contender("talc").build();
        let Figure::Known(memory) = &mut one_point.memory else { panic!("the sample has memory figures") };
        memory.timeline.truncate(1);
        for (contenders, reason) in [
            (vec![], None),
            (vec![one_point], Some("talc: only 1 point in time")),
            (vec![contender("talc").without_memory("not accounted here").build()], Some("talc: not accounted here")),
        ] {
            let svg = draw(contenders);
            let svg = Document::parse(&svg).unwrap();
            let texts = texts(&svg);
            assert!(texts.contains(&"There is nothing to draw.".to_string()));
            assert!(reason.is_none_or(|reason| texts.contains(&reason.to_string())), "{texts:?}");
            assert!(!svg.descendants().any(|node| node.has_tag_name("polyline")));
        }
    }

    #[test]
    fn any_name_gives_well_formed_xml() {
        let name = "<b>&\"'\u{7}\u{1b}[31m 堆";
        let mut results = sample::empty();
        results.trace.name = name.into();
        results.contenders = vec![contender(name).build(), contender("x").without_memory(name).build()];
        let svg = footprint(&results).unwrap();
        let svg = Document::parse(&svg).unwrap();
        assert!(child(&svg, "title").starts_with("<b>&\"'\u{FFFD}\u{FFFD}[31m 堆"));
    }

    #[test]
    fn a_file_stays_small() {
        assert!(footprint(&sample::results()).unwrap().len() < 100_000);
    }

    #[test]
    fn steps_hold_each_value_over_its_stretch() {
        let point = |event, committed_bytes| FootprintPoint { event, committed_bytes, ..FootprintPoint::default() };
        let points = [point(10, PAGE), point(20, PAGE), point(30, 3 * PAGE), point(35, 3 * PAGE)];
        let pages = |point: &FootprintPoint| (point.committed_bytes / PAGE) as f64;
        assert_eq!(steps(&points, pages), [(0.0, 1.0), (20.0, 1.0), (20.0, 3.0), (35.0, 3.0)]);
        assert_eq!(steps(&points[..1], pages), [(0.0, 1.0), (10.0, 1.0)]);
        assert_eq!(steps(&[], pages), []);
    }
}
