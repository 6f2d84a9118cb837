//! What an allocator costs as a WebAssembly module: the bytes that it adds to a module, the pages that it adds to the memory,
//! and its time, beside its name.
//!
//! Both axes are exact. On the front are allocators that no other beats in both; times decide among them.

use std::borrow::Cow;

use super::axis::Axis;
use super::canvas::{self, Words};
use super::frame::Frame;
use super::points::{self, Dot};
use super::{data, palette};
use crate::ReportError;
use crate::numbers::{count, fixed, grouped, short, signed};
use crate::reasons::by_reason;
use crate::results::{Results, Role};
use crate::stats::Estimate;
use crate::wasm::{Spread, TierTimes, WasmResults, WasmRow};

/// An allocator with both figures.
struct Point<'r> {
    row: &'r WasmRow,
    added_bytes: i64,
    pages: u64,
    /// Nanoseconds per event beyond the floor.
    net_ns: Option<Spread>,
}

/// Draws bytes that each allocator adds to a module against pages that it adds to the memory.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn module_size(results: &Results) -> Result<String, ReportError> {
    let (points, left_out) = points(results);
    let words = words(results, &points, &left_out);
    let (Some(wasm), false) = (&results.wasm, points.is_empty()) else {
        return canvas::message(&words, &["There is nothing to draw.".into(), nothing(results, &left_out)]);
    };
    let frame = frame(wasm, &points, &left_out);
    canvas::draw(&words, frame.height(), |sheet| {
        canvas::heading(sheet, &words)?;
        let plot = frame.paint(sheet)?;
        let dots = dots(wasm, &points);
        points::paint(sheet, &frame, &plot, &dots, &points::front(&dots), Vec::new())
    })
}

/// The data of [`module_size`]: a row per allocator.
pub(super) fn data(results: &Results) -> String {
    let (points, _) = points(results);
    let dots = results.wasm.as_ref().map_or(Vec::new(), |wasm| dots(wasm, &points));
    let front = points::front(&dots);
    let tier = results.wasm.as_ref().and_then(tier).map(TierTimes::name);
    let rows = points.iter().enumerate().map(|(index, point)| {
        let interval = point.net_ns.and_then(|spread| spread.interval);
        [
            results.trace.name.clone(),
            point.row.name.clone(),
            point.added_bytes.to_string(),
            point.pages.to_string(),
            data::cell(point.net_ns.and(tier.clone())),
            data::cell(point.net_ns.map(|spread| spread.median)),
            data::cell(interval.map(|[low, _]| low)),
            data::cell(interval.map(|[_, high]| high)),
            front.contains(&index).to_string(),
        ]
    });
    let header = [
        "trace",
        "contender",
        "added_bytes",
        "added_pages",
        "engine",
        "net_ns_per_op",
        "net_low_ns_per_op",
        "net_high_ns_per_op",
        "on_front",
    ];
    data::table(header, rows)
}

/// The allocators with both figures, and those without, with the reasons.
fn points(results: &Results) -> (Vec<Point<'_>>, Vec<(&str, String)>) {
    let (mut points, mut left_out) = (Vec::new(), Vec::new());
    for row in results.wasm.iter().flat_map(WasmResults::allocators) {
        let figures = (row.sizes.known().map(|sizes| sizes.z.whole_bytes), row.memory.known());
        match figures {
            (Some(_), Some(memory)) if memory.failed_requests > 0 => {
                left_out.push((row.name.as_str(), "requests failed".to_owned()));
            }
            (Some(added_bytes), Some(memory)) if added_bytes > 0 && memory.grown_pages > 0 => {
                let timed = row.times.iter().find(|tier| tier.is_timed());
                let net_ns = timed.and_then(|tier| steady_or_fresh(tier)?.net_ns_per_op.known().copied());
                points.push(Point { row, added_bytes, pages: memory.grown_pages, net_ns });
            }
            // A logarithmic axis has no 0.
            (Some(_), Some(_)) => left_out.push((row.name.as_str(), "adds no byte or no page".to_owned())),
            (None, _) => left_out.push((row.name.as_str(), reason(row.sizes.reason()))),
            (_, None) => left_out.push((row.name.as_str(), reason(row.memory.reason()))),
        }
    }
    (points, left_out)
}

fn reason(reason: Option<&crate::results::Reason>) -> String {
    reason.map(ToString::to_string).unwrap_or_default()
}

/// The time of a program that runs on; if there is none, of one that starts.
fn steady_or_fresh(tier: &TierTimes) -> Option<&crate::wasm::WasmTime> {
    tier.steady.known().or(tier.fresh.known())
}

/// The first tier in which an allocator was timed.
fn tier(wasm: &WasmResults) -> Option<&TierTimes> {
    wasm.allocators().flat_map(|row| &row.times).find(|tier| tier.is_timed())
}

fn dots<'r>(wasm: &'r WasmResults, points: &[Point<'r>]) -> Vec<Dot<'r>> {
    let exact = |value: f64| Estimate { value, interval: None };
    let dot = |point: &Point<'r>| {
        let time = point.net_ns.map(|spread| format!("{} ns", nanoseconds(spread.median)));
        let label = time
            .map_or(Cow::Borrowed(point.row.name.as_str()), |time| Cow::Owned(format!("{}, {time}", point.row.name)));
        let interval = point.net_ns.and_then(|spread| spread.interval);
        let spread = interval.map(|[low, high]| format!(" ({} to {})", short(low), short(high))).unwrap_or_default();
        let time = point.net_ns.zip(tier(wasm)).map(|(net_ns, tier)| {
            format!(", {}{spread} ns per event beyond the floor in {}", short(net_ns.median), tier.name())
        });
        let tip = format!(
            "{}: {} bytes, {}{}",
            point.row.name,
            signed(point.added_bytes),
            count(point.pages, "page"),
            time.unwrap_or_default()
        );
        Dot {
            name: &point.row.name,
            label,
            color: palette::style_of(&point.row.name).color,
            ships: point.row.role == Role::Contender,
            x: exact(point.added_bytes as f64),
            y: exact(point.pages as f64),
            tip,
        }
    };
    points.iter().map(dot).collect()
}

/// Short enough to stand beside a name.
fn nanoseconds(ns: f64) -> String {
    if ns.abs() < 10.0 { fixed(ns, 1) } else { grouped_rounded(ns) }
}

fn grouped_rounded(ns: f64) -> String {
    let sign = if ns < 0.0 { "-" } else { "" };
    format!("{sign}{}", grouped(ns.abs().round() as u64))
}

fn frame(wasm: &WasmResults, points: &[Point], left_out: &[(&str, String)]) -> Frame {
    let axis = |figures: &mut dyn Iterator<Item = f64>| {
        let (low, high) = figures.fold((f64::INFINITY, 0.0_f64), |(low, high), one| (low.min(one), high.max(one)));
        Axis::log(low / 1.6, high * 1.6, "", 8)
    };
    let x = axis(&mut points.iter().map(|point| point.added_bytes as f64));
    let y = axis(&mut points.iter().map(|point| point.pages as f64));
    let mut notes = vec!["step line: the front; both axes are exact".to_owned()];
    if let Some(tier) = tier(wasm) {
        let which = if points.iter().any(|point| point.row.times.iter().any(|tier| tier.steady.known().is_some())) {
            "steady"
        } else {
            "fresh"
        };
        notes.push(format!("beside names: {which} ns per event beyond the floor, median, in {}", tier.name()));
    }
    if points.iter().any(|point| point.row.role != Role::Contender) {
        notes.push("ring: a yardstick or an ablation, which is not part of the front".into());
    }
    let left_out = by_reason(left_out.iter().map(|(name, reason)| (*name, reason.clone())));
    let left_out: Vec<String> = left_out.into_iter().map(|(names, reason)| format!("{names}: {reason}")).collect();
    if !left_out.is_empty() {
        notes.push(format!("not shown: {}", left_out.join("; ")));
    }
    Frame {
        subtitle: "WebAssembly, 32-bit; lower left is better".into(),
        x_title: format!("bytes that it adds to a module at opt-level z, {}", x.note),
        y_title: format!("pages of 64 KiB that it adds, {}", y.note),
        x,
        y,
        name_room: 0,
        name_count: 0,
        notes,
    }
}

fn words(results: &Results, points: &[Point], left_out: &[(&str, String)]) -> Words {
    let mut description = format!(
        "Bytes that each allocator adds to a WebAssembly module against pages that it adds to the memory, on the trace {}.",
        results.trace.name
    );
    match &results.wasm {
        Some(wasm) if !points.is_empty() => {
            let dots = dots(wasm, points);
            let tips: Vec<&str> = dots.iter().map(|dot| dot.tip.as_str()).collect();
            description += &format!(" {}.", tips.join("; "));
            let front: Vec<&str> = points::front(&dots).into_iter().map(|index| dots[index].name).collect();
            description += &format!(" On the front: {}.", front.join(", "));
        }
        _ => description += &format!(" There is nothing to draw. {}", nothing(results, left_out)),
    }
    Words { subject: results.trace.name.clone(), what: "size of a module against its pages", description }
}

/// Why there is nothing.
fn nothing(results: &Results, left_out: &[(&str, String)]) -> String {
    match left_out.first() {
        Some((name, reason)) => format!("{name}: {reason}."),
        None => format!("It was not replayed in WebAssembly: 'replay wasm {}' does.", results.trace.name),
    }
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;
    use crate::chart::structure::{child, of_contender, texts};
    use crate::sample;

    #[test]
    fn each_allocator_has_a_point_with_its_time_and_ablations_are_not_on_the_front() {
        let results = Results { wasm: Some(sample::wasm()), ..sample::empty() };
        let svg = module_size(&results).unwrap();
        let svg = Document::parse(&svg).unwrap();
        for name in ["dlmalloc", "talc", "tiny"] {
            assert_eq!(of_contender(&svg, name, "circle").len(), 2, "{name}: the point and its margin");
        }
        assert!(texts(&svg).iter().any(|text| text == "talc, 16 ns"), "{:?}", texts(&svg));
        let description = child(&svg, "desc");
        assert!(description.ends_with("On the front: tiny, talc, dlmalloc."), "{description}");
        let data = data(&results);
        let rows: Vec<&str> = data.lines().skip(1).filter(|row| row.ends_with(",true")).collect();
        assert_eq!(rows.len(), 3, "{data}");
    }

    #[test]
    fn without_the_lane_it_says_how_to_get_it() {
        let svg = module_size(&sample::results()).unwrap();
        assert!(
            svg.contains("&apos;replay wasm serde-heavy&apos;") || svg.contains("'replay wasm serde-heavy'"),
            "{svg}"
        );
        assert_eq!(data(&sample::results()).lines().count(), 1);
    }
}
