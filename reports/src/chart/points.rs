//! Points with names, intervals and the Pareto front between two axes on which less is better.

use std::borrow::Cow;

use plotters::prelude::*;

use super::axis::Axis;
use super::canvas::{Drawn, SOFT, Sheet};
use super::frame::{Frame, Plot};
use super::marks::{self, Along, End};
use super::scatter::{self, Label};
use crate::stats::{Estimate, Interval};

/// Radius of a point, in pixels.
const RADIUS: i32 = 14;

/// The note on arrows.
pub(super) const ARROWS: &str = "arrow: the interval goes on beyond the axis";

/// A point of a contender.
pub(super) struct Dot<'a> {
    pub(super) name: &'a str,
    /// What stands beside the point: the name, and perhaps a figure.
    pub(super) label: Cow<'a, str>,
    pub(super) color: RGBColor,
    /// Whether it could be shipped, and so be on the front. Others are rings.
    pub(super) ships: bool,
    pub(super) x: Estimate,
    pub(super) y: Estimate,
    pub(super) tip: String,
}

/// The points on the front, from the left: those for which no other is at least as good on both axes and better on one.
pub(super) fn front(dots: &[Dot]) -> Vec<usize> {
    let place = |index: usize| (dots[index].x.value, dots[index].y.value);
    let beats = |one: usize, other: usize| {
        let (one, other) = (place(one), place(other));
        one.0 <= other.0 && one.1 <= other.1 && one != other
    };
    let all: Vec<usize> = (0..dots.len()).filter(|&index| dots[index].ships).collect();
    let mut front: Vec<usize> =
        all.iter().copied().filter(|&index| !all.iter().any(|&one| beats(one, index))).collect();
    front.sort_by(|&one, &other| place(one).0.total_cmp(&place(other).0));
    front
}

/// Whether an interval leaves one of the axes.
pub(super) fn has_arrows(dots: &[Dot], x: &Axis, y: &Axis) -> bool {
    let leaves = |axis: &Axis, figure: &Estimate| {
        figure.interval.is_some_and(|one| !axis.contains(one.low) || !axis.contains(one.high))
    };
    dots.iter().any(|dot| leaves(x, &dot.x) || leaves(y, &dot.y))
}

/// Paints the front through these points, if there are any, and then all points with their names. `obstacles` are
/// further places that names should not cover.
pub(super) fn paint(
    sheet: &Sheet,
    frame: &Frame,
    plot: &Plot,
    dots: &[Dot],
    front: &[usize],
    obstacles: Vec<[i32; 4]>,
) -> Drawn {
    let corners = corners(frame, plot, dots, front);
    if !corners.is_empty() {
        let tip = "the front: no contender is better on both axes than a contender on it";
        sheet.group(vec![("class", "front".into())], Some(tip.into()), || {
            sheet.draw(&PathElement::new(corners.clone(), SOFT.stroke_width(4)))
        })?;
    }
    let bars: Vec<Vec<Bar>> = dots.iter().map(|dot| bars(frame, plot, dot)).collect();
    let covered = bars.iter().flatten().map(Bar::area).chain(corners.windows(2).map(|pair| around(pair[0], pair[1])));
    let obstacles: Vec<[i32; 4]> = covered.chain(obstacles).collect();
    let labels: Vec<Label> = dots.iter().map(|dot| Label { text: &dot.label, at: pixel(frame, plot, dot) }).collect();
    let (left, right) = frame.edges();
    let bounds = [left + 4, frame.top() as i32, right + 70, frame.bottom() as i32];
    let places = scatter::place(&labels, RADIUS, bounds, &obstacles);
    for (((dot, label), place), bars) in dots.iter().zip(&labels).zip(places).zip(&bars) {
        sheet.contender(dot.name, || {
            sheet.tip(&dot.tip, || {
                for bar in bars {
                    marks::error_bar(sheet, bar.direction, bar.ends, bar.beside, dot.color)?;
                }
                marks::point(sheet, label.at, RADIUS, dot.color, dot.ships)?;
                scatter::paint(sheet, label, &place, dot.color)
            })
        })?;
    }
    Ok(())
}

fn pixel(frame: &Frame, plot: &Plot, dot: &Dot) -> (i32, i32) {
    frame.pixel(plot, frame.x.position(dot.x.value), frame.y.position(dot.y.value))
}

/// The corners of the front, from the upper to the right edge of the plot.
fn corners(frame: &Frame, plot: &Plot, dots: &[Dot], front: &[usize]) -> Vec<(i32, i32)> {
    let mut corners: Vec<(i32, i32)> = Vec::new();
    for &index in front {
        let (x, y) = pixel(frame, plot, &dots[index]);
        let above = corners.last().map_or(frame.top() as i32, |&(_, y)| y);
        corners.extend([(x, above), (x, y)]);
    }
    if let Some(&(_, y)) = corners.last() {
        corners.push((frame.edges().1, y));
    }
    corners
}

/// An error bar, in pixels.
struct Bar {
    direction: Along,
    ends: [End; 2],
    beside: i32,
}

impl Bar {
    fn area(&self) -> [i32; 4] {
        let [from, to] = self.ends.map(|end| match end {
            End::Cap(at) | End::Arrow(at) => at,
        });
        match self.direction {
            Along::Across => around((from, self.beside), (to, self.beside)),
            Along::Upright => around((self.beside, from), (self.beside, to)),
        }
    }
}

fn bars(frame: &Frame, plot: &Plot, dot: &Dot) -> Vec<Bar> {
    let at = pixel(frame, plot, dot);
    let end =
        |axis: &Axis, value: f64, pixel: i32| if axis.contains(value) { End::Cap(pixel) } else { End::Arrow(pixel) };
    let across = |one: Interval| {
        let ends = [one.low, one.high].map(|value| end(&frame.x, value, frame.x_pixel(value)));
        Bar { direction: Along::Across, ends, beside: at.1 }
    };
    let upright = |one: Interval| {
        let height = |value: f64| frame.pixel(plot, frame.x.position(dot.x.value), frame.y.position(value)).1;
        // The higher value has the lower pixel.
        let ends = [one.high, one.low].map(|value| end(&frame.y, value, height(value)));
        Bar { direction: Along::Upright, ends, beside: at.0 }
    };
    dot.x.interval.map(across).into_iter().chain(dot.y.interval.map(upright)).collect()
}

fn around((x0, y0): (i32, i32), (x1, y1): (i32, i32)) -> [i32; 4] {
    [x0.min(x1) - 4, y0.min(y1) - 4, x0.max(x1) + 4, y0.max(y1) + 4]
}
