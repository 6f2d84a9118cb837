//! The objects of a trace, independent of any allocator: their sizes and lifetimes.
//!
//! Bars are the shares of power-of-two classes; the line accumulates them from the left, so that a median or a 90th
//! percentile can be read off. A lifetime is the number of bytes allocated in between, which is the same on every
//! machine. Objects that are never freed have no lifetime and a separate place. Neither chart can see whether small
//! objects live long: [`joint`](super::joint) shows that.

use plotters::prelude::*;

use super::axis::Axis;
use super::canvas::{self, Drawn, SOFT, Sheet, Words};
use super::classes::{Classes, Direction, in_words};
use super::data;
use super::frame::Frame;
use super::labels::{self, Name};
use crate::ReportError;
use crate::numbers::{count, grouped, short};
use crate::results::{Class, Distributions, Figure, Results};

/// The colours of the bars, and of those in a separate place: they belong to the trace, so they match no contender.
const BAR: RGBColor = RGBColor(0x8F, 0xA3, 0xB5);
const APART: RGBColor = RGBColor(0xC9, 0xD2, 0xDA);

/// The name of the cumulative line.
const CUMULATIVE: &str = "cumulative";

/// The content of one of the charts.
struct Shape {
    what: &'static str,
    x_title: &'static str,
    /// The noun for what is counted, in the singular.
    noun: &'static str,
    classes: Vec<Class>,
    /// The number without a value.
    never: u64,
    /// The subtitle.
    subtitle: String,
}

/// Draws the sizes that the trace requests: the share of requests in each size class.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn sizes(results: &Results) -> Result<String, ReportError> {
    draw(results, "requested sizes", size_shape)
}

/// Draws the lifetimes of the trace's objects: the share of objects in each class of lifetimes.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn lifetimes(results: &Results) -> Result<String, ReportError> {
    draw(results, "lifetimes", lifetime_shape)
}

/// The data of [`sizes`]: a row per class.
pub(super) fn sizes_data(results: &Results) -> String {
    let classes = results.trace.distributions.known().map_or(&[][..], |found| &found.request_sizes);
    let row = |class: &Class| [results.trace.name.clone(), class.from_bytes.to_string(), class.count.to_string()];
    data::table(["trace", "size_from_bytes", "requests"], classes.iter().map(row))
}

/// The data of [`lifetimes`]: a row per class. Objects that are never freed are a class without a lifetime.
pub(super) fn lifetimes_data(results: &Results) -> String {
    let mut rows = Vec::new();
    if let Figure::Known(found) = &results.trace.distributions {
        let never = never_freed(found);
        let freed = found.lifetimes.iter().map(|class| (Some(class.from_bytes), class.count));
        let all = freed.chain((never > 0).then_some((None, never)));
        rows.extend(all.map(|(from, count)| [results.trace.name.clone(), data::cell(from), count.to_string()]));
    }
    data::table(["trace", "lifetime_from_bytes", "objects"], rows)
}

/// Number of objects that are never freed.
pub(super) fn never_freed(found: &Distributions) -> u64 {
    found.never_freed_sizes.iter().map(|class| class.count).sum()
}

fn size_shape(results: &Results, found: &Distributions) -> Shape {
    Shape {
        what: "requested sizes",
        x_title: "requested size, log scale",
        noun: "request",
        classes: found.request_sizes.clone(),
        never: 0,
        subtitle: format!(
            "{}, {}",
            count(results.trace.allocs, "allocation"),
            count(results.trace.reallocs, "reallocation")
        ),
    }
}

fn lifetime_shape(_: &Results, found: &Distributions) -> Shape {
    let freed: u64 = found.lifetimes.iter().map(|class| class.count).sum();
    let never = never_freed(found);
    let all = match never {
        0 => format!("{}, all freed", count(freed, "object")),
        _ => format!("{}, {} of them never freed", count(freed + never, "object"), grouped(never)),
    };
    Shape {
        what: "lifetimes",
        x_title: "bytes allocated during the lifetime, log scale",
        noun: "object",
        classes: found.lifetimes.clone(),
        never,
        subtitle: all,
    }
}

impl Shape {
    fn total(&self) -> u64 {
        self.never + self.classes.iter().map(|class| class.count).sum::<u64>()
    }

    /// This count in per cent of the total.
    fn percent(&self, count: u64) -> f64 {
        count as f64 * 100.0 / self.total() as f64
    }

    fn words(&self, results: &Results) -> Words {
        let mut largest = self.classes.clone();
        largest.sort_by(|one, other| other.count.cmp(&one.count).then(one.from_bytes.cmp(&other.from_bytes)));
        let share = |class: &Class| format!("{} ({} %)", in_words(class.from_bytes), short(self.percent(class.count)));
        let top: Vec<String> = largest.iter().take(3).map(share).collect();
        let mut description = format!(
            "Histogram of the {} of the trace {} by powers of two. {}. The most frequent classes: {}.",
            self.what,
            results.trace.name,
            self.subtitle,
            top.join(", ")
        );
        if self.never > 0 {
            description += &format!(" Never freed: {} %.", short(self.percent(self.never)));
        }
        Words { subject: results.trace.name.clone(), what: self.what, description }
    }

    /// The corners of the cumulative line.
    fn cumulative(&self, classes: &Classes) -> Vec<(f64, f64)> {
        let mut sum = 0;
        let mut corners = Vec::new();
        for class in &self.classes {
            let span = classes.span(class.from_bytes);
            corners.push((span.start, self.percent(sum)));
            sum += class.count;
            corners.push((span.end, self.percent(sum)));
        }
        corners.push((classes.axis.range.end, self.percent(sum)));
        corners
    }
}

fn draw(
    results: &Results,
    what: &'static str,
    shape: impl FnOnce(&Results, &Distributions) -> Shape,
) -> Result<String, ReportError> {
    let nothing = |reason: String| {
        let description = format!("There is nothing to draw: {reason}.");
        let words = Words { subject: results.trace.name.clone(), what, description: description.clone() };
        canvas::message(&words, &[description])
    };
    let shape = match &results.trace.distributions {
        Figure::Known(found) => shape(results, found),
        Figure::Unknown { unknown } => return nothing(format!("the distribution is not known ({unknown})")),
    };
    if shape.total() == 0 {
        return nothing(format!("the trace has no {}s", shape.noun));
    }
    let words = shape.words(results);
    let froms = shape.classes.iter().map(|class| class.from_bytes);
    let classes = Classes::new(froms, if shape.never > 0 { "never" } else { "" }, Direction::Right(1100.0));
    let frame = Frame {
        subtitle: shape.subtitle.clone(),
        x_title: shape.x_title.into(),
        x: classes.axis.clone(),
        y_title: format!("share of {}s, %", shape.noun),
        y: Axis::linear(0.0, 100.0, "%"),
        name_room: labels::room([CUMULATIVE]),
        name_count: 1,
        notes: Vec::new(),
    };
    canvas::draw(&words, frame.height(), |sheet| {
        canvas::heading(sheet, &words)?;
        let mut plot = frame.paint(sheet)?;
        let bar = |span: std::ops::Range<f64>, count: u64, name: &str, color| -> Drawn {
            let percent = shape.percent(count);
            let corners = [frame.pixel(&plot, span.start, percent), frame.pixel(&plot, span.end, 0.0)];
            let tip = format!("{name}: {} ({} %)", crate::numbers::count(count, shape.noun), short(percent));
            paint_bar(sheet, corners, &tip, color)
        };
        for class in &shape.classes {
            bar(classes.span(class.from_bytes), class.count, &in_words(class.from_bytes), BAR)?;
        }
        if shape.never > 0 {
            bar(classes.never(), shape.never, "never freed", APART)?;
        }
        let line = shape.cumulative(&classes);
        let end = line.last().map_or(0.0, |corner| corner.1);
        plot.draw_series(LineSeries::new(line, SOFT.stroke_width(5)))?;
        let y = frame.pixel(&plot, 0.0, end).1;
        let name = Name { text: CUMULATIVE, color: SOFT, y, is_contender: false, sample: None };
        labels::paint(sheet, &[name], frame.right(&plot), (frame.top(), frame.bottom()))
    })
}

/// A bar with a small gap to its neighbours; a bar that is not empty is always visible.
fn paint_bar(sheet: &Sheet, [(left, top), (right, bottom)]: [(i32, i32); 2], tip: &str, color: RGBColor) -> Drawn {
    let corners = [(left + 2, top.min(bottom - 3)), ((right - 2).max(left + 4), bottom)];
    sheet.tip(tip, || sheet.draw(&Rectangle::new(corners, color.filled())))
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;
    use crate::chart::structure::{child, texts, tips, unreadable};
    use crate::sample;

    fn with(distributions: Distributions) -> Results {
        let mut results = sample::empty();
        results.trace.distributions = Figure::Known(distributions);
        results
    }

    fn classes<const N: usize>(classes: [(u64, u64); N]) -> Vec<Class> {
        classes.map(|(from_bytes, count)| Class { from_bytes, count }).into()
    }

    #[test]
    fn a_bar_is_a_class() {
        let svg = sizes(&sample::results()).unwrap();
        let svg = Document::parse(&svg).unwrap();
        let tips = tips(&svg);
        assert_eq!(tips.len(), 5);
        assert_eq!(tips[1], "16 B to below 32 B: 50,000 requests (45.5 %)");
        let bars: Vec<f64> = svg
            .descendants()
            .filter(|node| node.attribute("data-tip").is_some())
            .map(|group| group.children().find(|node| node.has_tag_name("rect")).unwrap())
            .map(|bar| bar.attribute("height").unwrap().parse().unwrap())
            .collect();
        assert!((bars[1] / bars[0] - 5.0 / 3.0).abs() < 0.02, "the height is proportional to the share: {bars:?}");
        let texts = texts(&svg);
        for text in ["serde-heavy: requested sizes", "90,000 allocations, 20,000 reallocations", "share of requests, %"]
        {
            assert!(texts.contains(&text.to_string()), "{text} in {texts:?}");
        }
        assert!(child(&svg, "desc").contains("most frequent classes: 16 B to below 32 B (45.5 %)"));
        assert_eq!(unreadable(&svg), [""; 0]);
    }

    #[test]
    fn objects_that_are_never_freed_have_a_separate_place() {
        let svg = lifetimes(&sample::results()).unwrap();
        let svg = Document::parse(&svg).unwrap();
        assert!(tips(&svg).contains(&"never freed: 500 objects (0.56 %)".to_string()), "{:?}", tips(&svg));
        assert!(texts(&svg).contains(&"never".to_string()) && texts(&svg).contains(&"0".to_string()));
        assert!(lifetimes_data(&sample::results()).ends_with("serde-heavy,1048576,1000\nserde-heavy,,500\n"));
        let all_freed = with(Distributions { lifetimes: classes([(8, 1)]), ..Distributions::default() });
        let svg = lifetimes(&all_freed).unwrap();
        let svg = Document::parse(&svg).unwrap();
        assert!(!texts(&svg).contains(&"never".to_string()));
        assert_eq!(unreadable(&svg), [""; 0], "with a single object");
    }

    #[test]
    fn the_line_accumulates_from_the_left() {
        let found = Distributions {
            lifetimes: classes([(0, 1), (8, 2), (64, 1)]),
            never_freed_sizes: classes([(8, 4)]),
            ..Distributions::default()
        };
        let shape = lifetime_shape(&sample::empty(), &found);
        let axis = Classes::new([0, 8, 64].into_iter(), "never", Direction::Right(1000.0));
        let ends: Vec<f64> = shape.cumulative(&axis).into_iter().map(|(_, percent)| percent).collect();
        assert_eq!(ends, [0.0, 12.5, 12.5, 37.5, 37.5, 50.0, 50.0], "half of them are never freed");
    }

    #[test]
    fn a_missing_distribution_is_reported() {
        let unknown = sizes(&sample::empty()).unwrap();
        assert!(unknown.contains("There is nothing to draw: the distribution is not known (not examined)."));
        let nothing = sizes(&with(Distributions::default())).unwrap();
        assert!(nothing.contains("There is nothing to draw: the trace has no requests."));
        assert_eq!(sizes_data(&sample::empty()), "trace,size_from_bytes,requests\n");
    }
}
