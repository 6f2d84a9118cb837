//! Time against memory: how long an operation takes and how much heap it costs, with the Pareto front.
//!
//! Time is that of the whole replay, less the harness's own time within each round if it is known. Memory is exact: the
//! peak of the heap over the peak of live bytes. No contender beats a contender on the front in both at once, by
//! medians. Yardsticks and ablations are shown, but are not part of the front because they are not meant to ship.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::{Axis, Scale};
use super::canvas::{self, Drawn, LINE, SOFT, Sheet, TEXT, Words};
use super::contenders::{LeftOut, Shown, join, not_shown, nothing, reasons, sort_out};
use super::data;
use super::frame::Frame;
use super::points::{self, Dot};
use crate::ReportError;
use crate::growth;
use crate::numbers::{bytes, short};
use crate::results::{Contender, Figure, Results, Role};
use crate::stats::{Estimate, Regime, floor, gross_ns_per_op, net_ns_per_op, of_one_run};
use crate::times;

/// Largest ratio of times for a linear axis, which still shows the shortest.
const LINEAR_UP_TO: f64 = 8.0;

/// Draws peak heap over peak live against fresh ns per operation: a program that starts, with page faults.
///
/// Contenders that lack either figure are left out and named.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn pareto_fresh(results: &Results) -> Result<String, ReportError> {
    draw(results, Regime::Fresh)
}

/// The same for steady times: a program that runs on.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn pareto_steady(results: &Results) -> Result<String, ReportError> {
    draw(results, Regime::Steady)
}

/// The data of [`pareto_fresh`]: a row per contender.
pub(super) fn fresh_data(results: &Results) -> String {
    table(results, Regime::Fresh)
}

/// The data of [`pareto_steady`].
pub(super) fn steady_data(results: &Results) -> String {
    table(results, Regime::Steady)
}

/// The figures of a point.
#[derive(Clone, Copy, Debug)]
struct Costs {
    time_ns: Estimate,
    /// Peak heap over peak live.
    overhead: f64,
    peak_heap_bytes: u64,
}

type Point<'a> = Shown<'a, Costs>;

/// What the times are.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Clock {
    regime: Regime,
    /// Whether the harness's own time is subtracted.
    net: bool,
}

impl Clock {
    /// Net if the floor is known.
    fn of(results: &Results, regime: Regime) -> Self {
        let timed =
            |floor: &Contender| floor.time.known().is_some_and(|time| time.ops > 0 && !regime.samples(time).is_empty());
        Clock { regime, net: floor(results).is_some_and(timed) }
    }

    fn time(self, results: &Results, contender: &Contender) -> Figure<Estimate> {
        if self.net {
            return net_ns_per_op(results, contender, self.regime);
        }
        gross_ns_per_op(contender, self.regime)
    }

    fn name(self) -> &'static str {
        if self.net { "net" } else { "gross" }
    }
}

fn costs(results: &Results, clock: Clock, contender: &Contender) -> Result<Costs, String> {
    let memory = match &contender.memory {
        Figure::Known(memory) => memory,
        Figure::Unknown { unknown } => return Err(unknown.to_string()),
    };
    if !memory.overhead_ratio.is_finite() || memory.overhead_ratio <= 0.0 {
        return Err("nothing was ever live".into());
    }
    match clock.time(results, contender) {
        Figure::Known(time_ns) => {
            Ok(Costs { time_ns, overhead: memory.overhead_ratio, peak_heap_bytes: memory.peak_heap_bytes })
        }
        Figure::Unknown { unknown } => Err(unknown.to_string()),
    }
}

fn draw(results: &Results, regime: Regime) -> Result<String, ReportError> {
    let clock = Clock::of(results, regime);
    let (points, left_out) = sort_out(results, |contender| costs(results, clock, contender));
    let words = words(results, clock, &points, &left_out);
    if points.is_empty() {
        return nothing(&words, &left_out);
    }
    let frame = frame(results, clock, &points, &left_out);
    canvas::draw(&words, frame.height(), |sheet| {
        canvas::heading(sheet, &words)?;
        let plot = frame.paint(sheet)?;
        let bound = bound(results).map(|bound| (bound, frame.pixel(&plot, 0.0, frame.y.position(bound)).1));
        paint_lines(sheet, &frame, bound, clock)?;
        let around = bound.into_iter().flat_map(|(_, y)| around_bound(&frame, y)).collect();
        let front = front(&points, clock).unwrap_or_default();
        points::paint(sheet, &frame, &plot, &dots(&points, clock), &front, around)
    })
}

fn table(results: &Results, regime: Regime) -> String {
    let clock = Clock::of(results, regime);
    let (points, _) = sort_out(results, |contender| costs(results, clock, contender));
    let on_front = front(&points, clock);
    let rows = points.iter().enumerate().map(|(index, point)| {
        let Costs { time_ns, overhead, peak_heap_bytes } = point.figures;
        [
            results.trace.name.clone(),
            point.contender.name.clone(),
            clock.regime.name().into(),
            clock.name().into(),
            time_ns.value.to_string(),
            data::cell(time_ns.interval.map(|interval| interval.low)),
            data::cell(time_ns.interval.map(|interval| interval.high)),
            overhead.to_string(),
            peak_heap_bytes.to_string(),
            data::cell(on_front.as_ref().map(|front| front.contains(&index))),
        ]
    });
    let header = [
        "trace",
        "contender",
        "regime",
        "time",
        "time_ns_per_op",
        "time_low_ns_per_op",
        "time_high_ns_per_op",
        "peak_heap_per_peak_live",
        "peak_heap_bytes",
        "on_front",
    ];
    data::table(header, rows)
}

/// The points on the front, from the fastest to the smallest. `None` if their times come from several runs, and so are
/// not comparable.
fn front(points: &[Point], clock: Clock) -> Option<Vec<usize>> {
    let ships = points.iter().map(|point| point.contender).filter(|contender| contender.role == Role::Contender);
    of_one_run(ships).then(|| points::front(&dots(points, clock)))
}

fn words(results: &Results, clock: Clock, points: &[Point], left_out: &[LeftOut]) -> Words {
    let what = match clock.regime {
        Regime::Steady => "memory against steady time",
        Regime::Rewound => "memory against time on a rewound heap",
        Regime::Fresh => "memory against fresh time",
    };
    let mut description = format!(
        "Peak heap over peak live against {} nanoseconds per operation for {}, on the trace {}; {}.",
        clock.name(),
        times::timed(clock.regime),
        results.trace.name,
        times::written(results)
    );
    if !points.is_empty() {
        let place = |point: &Point| {
            let costs = &point.figures;
            format!("{} {} ns and {} times", point.contender.name, short(costs.time_ns.value), short(costs.overhead))
        };
        description += &format!(" {}.", join(points, place));
        let front = front(points, clock).unwrap_or_default();
        if !front.is_empty() {
            let names = join(&front, |&index| points[index].contender.name.clone());
            let but = growth::but(&front.iter().map(|&index| points[index].contender).collect::<Vec<_>>());
            description += &format!(" On the front: {names}{but}.");
        }
    }
    if !left_out.is_empty() {
        description += &format!(" Not shown: {}.", reasons(left_out).join("; "));
    }
    Words { subject: results.trace.name.clone(), what, description }
}

fn frame(results: &Results, clock: Clock, points: &[Point], left_out: &[LeftOut]) -> Frame {
    let x = time_axis(points);
    let overheads = || points.iter().map(|point| point.figures.overhead);
    let bound = bound(results).unwrap_or(1.0);
    let low = overheads().fold(bound, f64::min);
    let high = overheads().fold(low, f64::max);
    // Room for the bound's text below it.
    let y = Axis::log(low / (high / low).powf(0.1).max(1.2), high * (high / low).powf(0.08).max(1.15), "", 8);
    let mut notes = Vec::new();
    if let (true, Some(floor)) = (clock.net, floor(results)) {
        let gross = gross_ns_per_op(floor, clock.regime);
        let gross = gross.known().map_or_else(String::new, |gross| format!(" {} ns", short(gross.value)));
        notes.push(format!("net: less the time of the harness{gross}, so 0 is the floor"));
    }
    notes.push(match front(points, clock) {
        Some(_) => "step line: the front, by medians; bars: 95 % intervals".into(),
        None => "no front, because times come from several runs; bars: 95 % intervals".into(),
    });
    if points::has_arrows(&dots(points, clock), &x, &y) {
        notes.push(points::ARROWS.into());
    }
    if points.iter().any(|point| point.contender.role != Role::Contender) {
        notes.push("ring: a yardstick or an ablation, which is not part of the front".into());
    }
    notes.extend(growth::note(points.iter().map(|point| point.contender)));
    notes.extend(not_shown(left_out));
    Frame {
        subtitle: format!(
            "{}; {}; {}; lower left is better",
            canvas::platform(&results.provenance.target),
            times::program(clock.regime),
            times::written(results)
        ),
        x_title: times::heading(
            &format!(
                "{}, {} ns per operation{}",
                clock.regime.name(),
                clock.name(),
                if x.scale == Scale::Log { ", log scale" } else { "" }
            ),
            &results.settings,
        ),
        x,
        y_title: format!("peak heap / peak live, {}", y.note),
        y,
        name_room: 0,
        name_count: 0,
        notes,
    }
}

/// Linear from 0, the floor, if the shortest time is still visible; else logarithmic.
fn time_axis(points: &[Point]) -> Axis {
    let times = || points.iter().map(|point| point.figures.time_ns);
    let least = times().map(|time| time.value).fold(f64::INFINITY, f64::min);
    let most = times().map(|time| time.interval.map_or(time.value, |interval| interval.high)).fold(0.0, f64::max);
    if least > 0.0 && most > least * LINEAR_UP_TO {
        let lowest = times().filter_map(|time| time.interval).map(|interval| interval.low).filter(|&low| low > 0.0);
        let lowest = lowest.fold(least, f64::min);
        Axis::log(lowest / 1.3, most * 1.2, "", 8)
    } else {
        // A net time may be below the floor.
        let lowest =
            times().filter_map(|time| time.interval).map(|interval| interval.low).fold(least.min(0.0), f64::min);
        Axis::linear(lowest.min(0.0) * 1.1, most.max(0.1) * 1.1, "")
    }
}

/// The span of the clairvoyant placement over peak live.
fn bound(results: &Results) -> Option<f64> {
    let bounds = results.bounds.known()?;
    let ratio = bounds.clairvoyant_bytes as f64 / results.trace.peak_live_bytes as f64;
    (ratio.is_finite() && ratio > 0.0).then_some(ratio)
}

/// The text above the line of the bound, at its right end.
const BOUND: &str = "clairvoyant placement";

/// The lines of the bound, given with its height in pixels, and of the floor.
fn paint_lines(sheet: &Sheet, frame: &Frame, bound: Option<(f64, i32)>, clock: Clock) -> Drawn {
    let (left, right) = frame.edges();
    if let Some((bound, y)) = bound {
        sheet.tip(&format!("{BOUND}: {} times peak live", short(bound)), || {
            sheet
                .dashed("24 10", || sheet.draw(&PathElement::new(vec![(left, y), (right, y)], SOFT.stroke_width(4))))?;
            canvas::text(sheet, BOUND, (right, y + LINE / 2 + 2), TEXT, SOFT, HPos::Right)
        })?;
    }
    // On a logarithmic axis, the floor of net times would be infinitely far to the left.
    if clock.net && frame.x.scale == Scale::Linear {
        let x = frame.x_pixel(0.0);
        let (top, bottom) = (frame.top() as i32, frame.bottom() as i32);
        sheet.tip("the floor: the harness without an allocator", || {
            sheet.draw(&PathElement::new(vec![(x, top), (x, bottom)], SOFT.stroke_width(4)))
        })?;
    }
    Ok(())
}

/// Where the line of the bound and its text are.
fn around_bound(frame: &Frame, y: i32) -> [[i32; 4]; 2] {
    let (left, right) = frame.edges();
    let text = canvas::text_width(BOUND, TEXT) as i32;
    [[left, y - 4, right, y + 4], [right - text, y, right, y + LINE]]
}

fn dots<'a>(points: &'a [Point], clock: Clock) -> Vec<Dot<'a>> {
    let dot = |point: &'a Point| {
        let costs = &point.figures;
        let interval = costs.time_ns.interval;
        let spread = interval.map(|one| format!(" ({} to {})", short(one.low), short(one.high))).unwrap_or_default();
        let tip = format!(
            "{}: {}{spread} ns per operation {}, peak heap {}, {} times peak live",
            point.contender.name,
            short(costs.time_ns.value),
            clock.name(),
            bytes(costs.peak_heap_bytes),
            short(costs.overhead)
        );
        Dot {
            name: &point.contender.name,
            label: point.contender.name.as_str().into(),
            color: point.style.color,
            ships: point.contender.role == Role::Contender,
            x: costs.time_ns,
            y: Estimate { value: costs.overhead, interval: None },
            tip,
        }
    };
    points.iter().map(dot).collect()
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;
    use crate::chart::structure::{child, of_contender, texts};
    use crate::sample::{self, contender};

    fn with(contenders: Vec<Contender>) -> Results {
        Results { contenders, ..sample::empty() }
    }

    fn points(results: &Results) -> Vec<Point<'_>> {
        let clock = Clock::of(results, Regime::Steady);
        sort_out(results, |contender| costs(results, clock, contender)).0
    }

    fn front_of(results: &Results) -> Vec<&str> {
        let points = points(results);
        let clock = Clock::of(results, Regime::Steady);
        front(&points, clock).unwrap().into_iter().map(|index| points[index].contender.name.as_str()).collect()
    }

    #[test]
    fn no_contender_on_the_front_is_beaten_in_both() {
        let results = with(vec![
            contender("fast").steady_ns(50).pages(60).build(),
            contender("small").steady_ns(90).pages(20).build(),
            contender("between").steady_ns(70).pages(40).build(),
            contender("beaten").steady_ns(71).pages(41).build(),
            contender("as small but slower").steady_ns(95).pages(20).build(),
            contender("yardstick").role(Role::Baseline).steady_ns(10).pages(10).build(),
            contender("ablation").role(Role::Ablation).steady_ns(10).pages(10).build(),
        ]);
        assert_eq!(front_of(&results), ["fast", "between", "small"]);
        let twins = with(vec![contender("a").build(), contender("b").build()]);
        assert_eq!(front_of(&twins), ["a", "b"], "neither beats the other");
    }

    #[test]
    fn times_of_several_runs_have_no_front() {
        let results = sample::of_several_runs();
        assert_eq!(front(&points(&results), Clock::of(&results, Regime::Steady)), None);
        let svg = pareto_steady(&results).unwrap();
        assert!(!svg.contains("class=\"front\"") && !svg.contains("On the front"), "{svg}");
        assert!(svg.contains("no front, because times come from several runs"), "{svg}");
        assert!(steady_data(&results).lines().skip(1).all(|line| line.ends_with(',')));
    }

    #[test]
    fn has_a_point_with_an_interval_and_a_name_for_each() {
        let svg = pareto_steady(&sample::results()).unwrap();
        let svg = Document::parse(&svg).unwrap();
        for name in ["segregated-bump", "segregated-bump-mv", "dlmalloc", "talc", "wee_alloc", "bump"] {
            assert_eq!(of_contender(&svg, name, "circle").len(), 2, "{name}: the point and its margin");
            assert!(of_contender(&svg, name, "polyline").len() >= 3, "{name}: interval with caps");
            assert_eq!(of_contender(&svg, name, "text").len(), 1, "{name}");
        }
        let front = svg.descendants().find(|node| node.attribute("class") == Some("front")).unwrap();
        assert_eq!(front.children().filter(|node| node.has_tag_name("polyline")).count(), 1);
        for text in ["clairvoyant placement", "net: less the time of the harness 3.60 ns, so 0 is the floor"] {
            assert!(texts(&svg).iter().any(|found| found == text), "{text} in {:?}", texts(&svg));
        }
        assert!(
            child(&svg, "desc")
                .ends_with("On the front: segregated-bump, talc, dlmalloc, but segregated-bump grows by 40 pages each time the work repeats. Not shown: null: hands out no memory."),
            "{}",
            child(&svg, "desc")
        );
    }

    #[test]
    fn times_are_gross_without_a_floor() {
        let results = with(vec![contender("talc").steady_ns(90).build()]);
        let svg = pareto_steady(&results).unwrap();
        assert!(svg.contains("\nsteady, gross ns per operation\n"), "{svg}");
        let mut alone = results.clone();
        alone.settings.touch = crate::results::TouchPolicy::None;
        let svg = pareto_steady(&alone).unwrap();
        assert!(svg.contains("\nsteady, gross ns per operation, allocator code alone\n"), "{svg}");
        assert!(steady_data(&results).contains(",steady,gross,"));
        assert!(fresh_data(&sample::results()).contains(",fresh,net,"));
    }

    #[test]
    fn the_axis_is_linear_from_the_floor_up_to_a_ratio_of_eight() {
        let axis = |slow| {
            let results = with(vec![contender("a").steady_ns(100).build(), contender("b").steady_ns(slow).build()]);
            time_axis(&points(&results))
        };
        assert_eq!((axis(770).scale, axis(770).range.start), (Scale::Linear, 0.0));
        assert_eq!(axis(850).scale, Scale::Log);
    }

    /// In two of seven rounds it was faster than the floor: the net time has no lower end on a logarithmic axis.
    #[test]
    fn an_interval_that_leaves_a_logarithmic_axis_has_an_arrow_there_and_a_cap_elsewhere() {
        let floor =
            contender("null").role(Role::Floor).rounds_ns(&[50; 7]).without_memory("hands out no memory").build();
        let row = |name: &str, ns: &[u64]| contender(name).rounds_ns(ns).build();
        let of = |quick: [u64; 7]| with(vec![floor.clone(), row("quick", &quick), row("slow", &[2000; 7])]);
        let leaves = pareto_steady(&of([10, 12, 70, 70, 70, 71, 72])).unwrap();
        let svg = Document::parse(&leaves).unwrap();
        let arrows = |name: &str| {
            let marks = of_contender(&svg, name, "polyline");
            marks.iter().filter(|mark| mark.parent().unwrap().attribute("class") == Some("arrow")).count()
        };
        assert_eq!((arrows("quick"), arrows("slow")), (1, 0));
        assert!(texts(&svg).iter().any(|text| text == points::ARROWS), "{:?}", texts(&svg));
        let inside = pareto_steady(&of([69, 70, 70, 70, 70, 71, 72])).unwrap();
        assert!(!inside.contains("arrow"), "{inside}");
    }

    #[test]
    fn times_below_the_floor_are_shown_as_they_are() {
        let floor = contender("null").role(Role::Floor).steady_ns(50).without_memory("hands out no memory").build();
        let results =
            with(vec![floor, contender("bump").steady_ns(40).build(), contender("talc").steady_ns(90).build()]);
        let axis = time_axis(&points(&results));
        assert!(axis.scale == Scale::Linear && axis.range.start < -1.0, "{axis:?}");
    }
}
