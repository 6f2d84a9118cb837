//! Latency of single calls: time against the share of calls that take no longer, from one in two to the slowest.
//!
//! The axis of shares is logarithmic in the remainder (1 − p), so each further nine has the same room: the slow calls,
//! which a mean hides, take up most of the chart. All times include the clock's own cost, which is drawn as a line.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::{Axis, Scale, Tick};
use super::canvas::{self, Drawn, LINE, SOFT, Sheet, TEXT, Words};
use super::contenders::{LeftOut, Shown, not_shown, nothing, reasons, sort_out};
use super::data;
use super::frame::{Frame, PLOT, Plot};
use super::labels::{self, Name};
use crate::ReportError;
use crate::numbers::{count, short};
use crate::results::{Contender, Figure, Latency, Results};

/// The share of calls at which the axis begins.
const FROM: f64 = 0.5;

/// Draws a line per contender whose calls were timed individually. The others are left out and named.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn latency(results: &Results) -> Result<String, ReportError> {
    let (lines, left_out) = sort_out(results, curve);
    let words = words(results, &lines, &left_out);
    if lines.is_empty() {
        return nothing(&words, &left_out);
    }
    let frame = frame(results, &lines, &left_out);
    canvas::draw(&words, frame.height(), |sheet| {
        canvas::heading(sheet, &words)?;
        let mut plot = frame.paint(sheet)?;
        paint_timer(sheet, &frame, &plot, &lines)?;
        paint_lines(sheet, &mut plot, &frame, &lines)?;
        let end = |line: &Line| frame.pixel(&plot, 0.0, frame.y.position(line.figures.all.max_ns)).1;
        let name = |line| {
            let (text, sample) = (name_of(line), Some((line.stroke(), line.style.dashes)));
            Name { text, color: line.style.color, y: end(line), is_contender: true, sample }
        };
        let names: Vec<Name> = lines.iter().map(name).collect();
        labels::paint(sheet, &names, frame.right(&plot), (frame.top(), frame.bottom()))
    })
}

/// The chart's data: a row per contender and point of its curve.
pub(super) fn data(results: &Results) -> String {
    let (lines, _) = sort_out(results, curve);
    let rows = lines.iter().flat_map(|line| {
        let latency = line.figures;
        latency.curve.iter().map(|point| {
            [
                results.trace.name.clone(),
                line.contender.name.clone(),
                point.share.to_string(),
                point.ns.to_string(),
                latency.timer.cost_ns.to_string(),
            ]
        })
    });
    data::table(["trace", "contender", "share_of_calls", "time_ns", "timer_cost_ns"], rows)
}

/// A contender whose calls were timed.
type Line<'a> = Shown<'a, &'a Latency>;

fn name_of<'a>(line: &Line<'a>) -> &'a str {
    &line.contender.name
}

fn curve(contender: &Contender) -> Result<&Latency, String> {
    match &contender.latency {
        Figure::Unknown { unknown } => Err(unknown.to_string()),
        Figure::Known(latency) if latency.curve.len() < 2 => {
            Err(format!("its curve has only {}", count(latency.curve.len() as u64, "point")))
        }
        Figure::Known(latency) => Ok(latency),
    }
}

/// The percentiles of a contender in words.
fn figures(line: &Line) -> String {
    let all = &line.figures.all;
    let [p50, p99, p999, max] = [all.p50_ns, all.p99_ns, all.p999_ns, all.max_ns].map(duration);
    format!("{}: median {p50}, 99 % {p99}, 99.9 % {p999}, slowest {max}", line.contender.name)
}

/// A time with about three significant digits, in the largest unit that it reaches: `9.40 ns`, `60.0 ms`.
fn duration(ns: f64) -> String {
    let (size, unit) = [(1e9, "s"), (1e6, "ms"), (1e3, "µs")]
        .into_iter()
        // What is rounded up to the next unit is in it.
        .find(|(size, _)| ns >= size * 0.9995)
        .unwrap_or((1.0, "ns"));
    format!("{} {unit}", short(ns / size))
}

/// The same for a tick, without zeros after the decimal point: `1 µs`.
fn tick_label(ns: f64) -> String {
    let text = duration(ns);
    let Some((digits, unit)) = text.split_once(' ') else { return text };
    let digits = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
    format!("{digits} {unit}")
}

fn words(results: &Results, lines: &[Line], left_out: &[LeftOut]) -> Words {
    let mut description =
        format!("Percentiles of the time of single calls on the trace {}, with the clock's cost.", results.trace.name);
    if !lines.is_empty() {
        let all: Vec<String> = lines.iter().map(figures).collect();
        description += &format!(" {}.", all.join("; "));
    }
    if !left_out.is_empty() {
        description += &format!(" Not shown: {}.", reasons(left_out).join("; "));
    }
    Words { subject: results.trace.name.clone(), what: "latency of single calls", description }
}

fn frame(results: &Results, lines: &[Line], left_out: &[LeftOut]) -> Frame {
    let most = lines.iter().map(|line| line.figures.all.max_ns).fold(1.0, f64::max);
    let shown = lines.iter().flat_map(|line| corners(line));
    let least = shown.map(|(_, ns)| ns).filter(|&ns| ns > 0.0).fold(most, f64::min);
    let (low, high) = (least / 1.3, most * 1.3);
    // Every time includes the clock's cost, so no line lies below it: its name is there, which needs a share of the
    // axis.
    let name_share = f64::from(LINE + 8) / f64::from(PLOT);
    let beside = |cost: f64| ((cost.ln() - name_share * high.ln()) / (1.0 - name_share)).exp();
    let mut y = Axis::log(clock_cost(lines).map_or(low, |cost| low.min(beside(cost))), high, "", 9);
    y.ticks.iter_mut().for_each(|tick| tick.label = tick_label(tick.position.exp2()));
    let passes = lines.iter().map(|line| line.figures.passes).max().unwrap_or(0);
    let calls = lines.iter().map(|line| line.figures.all.count).max().unwrap_or(0);
    let frame = Frame {
        subtitle: format!(
            "{}; {} in {}, with page faults",
            canvas::platform(&results.provenance.target),
            count(calls, "call"),
            count(passes.into(), "fresh replay")
        ),
        x_title: "calls that take no longer, %".into(),
        x: share_axis(calls),
        y_title: format!("time per call, {}", y.note),
        y,
        name_room: labels::room(lines.iter().map(name_of)) + labels::SAMPLE as u32,
        name_count: lines.len(),
        notes: not_shown(left_out).into_iter().collect(),
    };
    let (left, right) = frame.edges();
    let x = frame.x.clone().spaced(f64::from(right - left));
    Frame { x, ..frame }
}

/// An axis of nines, from one call in two to the slowest of this many.
fn share_axis(calls: u64) -> Axis {
    let last = (calls.max(10) as f64).log10();
    let tick = |share: f64, label: String| Tick { position: nines(share), label };
    let nine = |power: i32| {
        let share = 1.0 - 10_f64.powi(-power);
        tick(share, format!("{:.*}", (power - 2).max(0) as usize, share * 100.0))
    };
    let ticks = [tick(FROM, "50".into())].into_iter().chain((1..=last as i32).map(nine)).collect();
    Axis { scale: Scale::Linear, range: nines(FROM)..last, ticks, note: String::new(), kind: "" }
}

/// The number of nines in a share: 1 for 90 %, 2 for 99 %.
fn nines(share: f64) -> f64 {
    -(1.0 - share).log10()
}

/// A line's corners, at nines and ns. The slowest of `n` calls is at 1 − 1/n, because 1 would be at infinity.
fn corners(line: &Line) -> Vec<(f64, f64)> {
    let last = (line.figures.all.count.max(10) as f64).log10();
    let curve = &line.figures.curve;
    let shown = curve.iter().filter(|point| point.share >= FROM);
    // Before its first point, a line has that point's time, because that many calls take no longer.
    let first = shown.clone().next().map(|point| (nines(FROM), point.ns));
    let rest = shown.map(|point| (nines(point.share).min(last), point.ns));
    first.into_iter().chain(rest).collect()
}

fn paint_lines(sheet: &Sheet, plot: &mut Plot, frame: &Frame, lines: &[Line]) -> Drawn {
    for line in lines {
        let tip = figures(line);
        let points: Vec<(f64, f64)> =
            corners(line).into_iter().map(|(nines, ns)| (frame.x.position(nines), frame.y.position(ns))).collect();
        line.paint(sheet, &tip, || {
            sheet.dashed(line.style.dashes, || {
                plot.draw_series(LineSeries::new(points, line.stroke()))?;
                Ok(())
            })
        })?;
    }
    Ok(())
}

/// The cost of reading the clock.
fn clock_cost(lines: &[Line]) -> Option<f64> {
    lines.iter().map(|line| line.figures.timer.cost_ns).filter(|&cost| cost > 0.0).reduce(f64::max)
}

/// Draws the clock's cost, which all times include.
fn paint_timer(sheet: &Sheet, frame: &Frame, plot: &Plot, lines: &[Line]) -> Drawn {
    let Some(cost) = clock_cost(lines) else { return Ok(()) };
    let (left, right) = frame.edges();
    let y = frame.pixel(plot, frame.x.range.start, frame.y.position(cost)).1;
    let text = format!("clock {} ns", short(cost));
    sheet.tip(&format!("reading the clock takes {} ns, which every time includes", short(cost)), || {
        sheet.dashed("24 10", || sheet.draw(&PathElement::new(vec![(left, y), (right, y)], SOFT.stroke_width(4))))?;
        canvas::text(sheet, &text, (right - 8, y + 4 + LINE / 2), TEXT, SOFT, HPos::Right)
    })
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;
    use crate::chart::structure::{child, of_contender, texts};
    use crate::sample::{self, contender};

    #[test]
    fn has_a_line_and_a_name_for_each_and_the_clock() {
        let svg = latency(&sample::results()).unwrap();
        let svg = Document::parse(&svg).unwrap();
        for name in ["null", "segregated-bump", "dlmalloc", "talc", "wee_alloc", "bump"] {
            // The line, the line that connects it to its name, and its sample before the name.
            assert_eq!(of_contender(&svg, name, "polyline").len(), 3, "{name}");
            assert_eq!(of_contender(&svg, name, "text").len(), 1, "{name}");
        }
        for text in [
            "50",
            "90",
            "99",
            "99.9",
            "99.99",
            "10 ns",
            "1 µs",
            "time per call, log scale",
            "clock 12.5 ns",
            "native, 64-bit; 200,000 calls in 3 fresh replays, with page faults",
        ] {
            assert!(texts(&svg).iter().any(|found| found == text), "{text} in {:?}", texts(&svg));
        }
        assert!(child(&svg, "desc").contains("talc: median 9.40 ns, 99 % 28.2 ns, 99.9 % 282 ns, slowest 8.46 µs"));
    }

    /// Ten lines that end within a few ns of each other: each name has its own row, and the sample shows which line it is.
    #[test]
    fn each_of_ten_names_has_a_sample_of_its_line() {
        let names =
            ["talc", "dlmalloc", "wee_alloc", "rlsf", "mimalloc", "jemalloc", "lol_alloc", "wasmalloc", "bump", "a"];
        let alike = |at: usize| contender(names[at]).steady_ns(100 + at as u64).build();
        let svg = latency(&Results { contenders: (0..10).map(alike).collect(), ..sample::empty() }).unwrap();
        let svg = Document::parse(&svg).unwrap();
        let mut heights = Vec::new();
        for name in names {
            let lines = of_contender(&svg, name, "polyline");
            let dashes = |node: &roxmltree::Node| {
                let groups = node.ancestors();
                groups.filter_map(|group| group.attribute("stroke-dasharray")).map(str::to_owned).next()
            };
            let of_width = |at: usize| (lines[at].attribute("stroke-width"), dashes(&lines[at]));
            // In the order of painting: the line, the hairline that connects it to its name, and the sample.
            assert_eq!(of_width(0), of_width(2), "{name}");
            assert_eq!(of_width(1), (Some("2"), None), "{name}");
            let text = of_contender(&svg, name, "text")[0];
            heights.push(text.attribute("y").unwrap().parse::<f64>().unwrap());
        }
        heights.sort_by(f64::total_cmp);
        assert!(heights.windows(2).all(|pair| pair[1] - pair[0] >= f64::from(LINE) - 1.0), "{heights:?}");
    }

    #[test]
    fn times_are_in_the_largest_unit_that_they_reach() {
        assert_eq!(
            [0.5, 9.4, 999.4, 999.9, 6.0e7, 2e9].map(duration),
            ["0.50 ns", "9.40 ns", "999 ns", "1.00 µs", "60.0 ms", "2.00 s"]
        );
        assert_eq!(
            [3.0, 100.0, 1e3, 1e5, 3e9, 1.5e3].map(tick_label),
            ["3 ns", "100 ns", "1 µs", "100 µs", "3 s", "1.5 µs"]
        );
    }

    #[test]
    fn each_nine_has_the_same_room() {
        let axis = share_axis(1_000_000);
        let labels: Vec<&str> = axis.ticks.iter().map(|tick| tick.label.as_str()).collect();
        assert_eq!(labels, ["50", "90", "99", "99.9", "99.99", "99.999", "99.9999"]);
        let gaps: Vec<f64> = axis.ticks[1..].windows(2).map(|pair| pair[1].position - pair[0].position).collect();
        assert!(gaps.iter().all(|gap| (gap - 1.0).abs() < 1e-6), "{gaps:?}");
        assert!(axis.range.contains(&nines(0.9)) && axis.range.end == 6.0);
    }

    #[test]
    fn a_line_begins_at_the_median_and_ends_with_the_slowest_call() {
        let results = Results { contenders: vec![contender("talc").steady_ns(100).build()], ..sample::empty() };
        let (lines, _) = sort_out(&results, curve);
        let corners = corners(&lines[0]);
        assert_eq!(corners[0], (nines(0.5), 10.0));
        assert_eq!(*corners.last().unwrap(), (200_000_f64.log10(), 9000.0), "a share of 1 has no finite place");
        assert!(corners.iter().all(|(nines, _)| nines.is_finite()));
    }

    #[test]
    fn a_chart_with_nothing_to_draw_says_so() {
        let mut one_point = contender("talc").build();
        let Figure::Known(latency) = &mut one_point.latency else { panic!("the sample has latencies") };
        latency.curve.truncate(1);
        let contenders = vec![one_point, contender("bump").without_time("not asked for").build()];
        let svg = super::latency(&Results { contenders, ..sample::empty() }).unwrap();
        let svg = Document::parse(&svg).unwrap();
        assert_eq!(
            texts(&svg)[1..],
            ["There is nothing to draw.", "talc: its curve has only 1 point", "bump: not asked for"]
        );
    }
}
