//! Names next to points, placed so that none covers another name or a point, with a thin line to those that had to move
//! away.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::canvas::{self, Drawn, HAIRLINE, LINE, Sheet, TEXT};
use super::palette;

/// Distances from the edge of its point at which a name is tried, in pixels.
const DISTANCES: [i32; 6] = [8, 40, 80, 130, 190, 260];

/// Directions in which a name is tried, as fractions of the distance.
const DIRECTIONS: [(f64, f64); 8] =
    [(1.0, 0.0), (-1.0, 0.0), (0.7, -0.7), (0.7, 0.7), (-0.7, -0.7), (-0.7, 0.7), (0.0, -1.0), (0.0, 1.0)];

/// A name and its point, in pixels.
pub(super) struct Label<'a> {
    pub(super) text: &'a str,
    pub(super) at: (i32, i32),
}

/// The place of a name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    area: Area,
    /// Whether a line must connect it to its point.
    leader: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Area {
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
}

impl Area {
    fn around((x, y): (i32, i32), radius: i32) -> Self {
        Area { left: x - radius, top: y - radius, right: x + radius, bottom: y + radius }
    }

    /// The number of pixels that two areas share.
    fn shared(&self, other: &Area) -> i64 {
        let across = self.right.min(other.right) - self.left.max(other.left);
        let up = self.bottom.min(other.bottom) - self.top.max(other.top);
        i64::from(across.max(0)) * i64::from(up.max(0))
    }

    fn size(&self) -> i64 {
        i64::from(self.right - self.left) * i64::from(self.bottom - self.top)
    }
}

/// Finds a place for each name within the bounds: the nearest that covers no point, no obstacle and no name placed
/// before, else the place that covers least. Bounds and obstacles are given as left, upper, right and lower edge.
pub(super) fn place(labels: &[Label], radius: i32, bounds: [i32; 4], obstacles: &[[i32; 4]]) -> Vec<Place> {
    let area = |[left, top, right, bottom]: [i32; 4]| Area { left, top, right, bottom };
    let bounds = area(bounds);
    let points = labels.iter().map(|label| Area::around(label.at, radius + 4));
    let points: Vec<Area> = points.chain(obstacles.iter().copied().map(area)).collect();
    let mut placed: Vec<Place> = Vec::new();
    for label in labels {
        let covered = |place: &Place| {
            let names = placed.iter().map(|other| other.area.shared(&place.area)).sum::<i64>();
            let points = points.iter().map(|point| point.shared(&place.area)).sum::<i64>();
            let outside = place.area.size() - place.area.shared(&bounds);
            // It would be cut off outside.
            names + points + 4 * outside
        };
        let candidates = candidates(label, radius);
        let best = candidates.iter().min_by_key(|place| covered(place)).expect("there are directions");
        let first_free = candidates.iter().find(|place| covered(place) == 0);
        placed.push(*first_free.unwrap_or(best));
    }
    placed
}

/// The places to try, nearest first.
fn candidates(label: &Label, radius: i32) -> Vec<Place> {
    let (width, height) = (canvas::text_width(label.text, TEXT) as i32, LINE - 4);
    let mut places = Vec::new();
    for distance in DISTANCES {
        for (across, up) in DIRECTIONS {
            let reach = f64::from(radius + distance);
            // The middle of the side that faces the point.
            let (x, y) = (label.at.0 + (across * reach) as i32, label.at.1 + (up * reach) as i32);
            let left = match across {
                0.0 => x - width / 2,
                _ if across > 0.0 => x,
                _ => x - width,
            };
            let top = match up {
                0.0 => y - height / 2,
                _ if up > 0.0 => y,
                _ => y - height,
            };
            let area = Area { left, top, right: left + width, bottom: top + height };
            places.push(Place { area, leader: distance > DISTANCES[0] });
        }
    }
    places
}

/// Writes a name at its place.
pub(super) fn paint(sheet: &Sheet, label: &Label, place: &Place, color: RGBColor) -> Drawn {
    let Area { left, top, right, bottom } = place.area;
    if place.leader {
        let near = (label.at.0.clamp(left, right), label.at.1.clamp(top + 6, bottom - 6));
        sheet.draw(&PathElement::new(vec![label.at, near], color.stroke_width(HAIRLINE)))?;
    }
    // The room is for wide letters; narrow text stays on the side of the point.
    let (x, side) = match label.at.0 {
        at if at <= left => (left, HPos::Left),
        at if at >= right => (right, HPos::Right),
        _ => ((left + right) / 2, HPos::Center),
    };
    canvas::text(sheet, label.text, (x, (top + bottom) / 2), TEXT, palette::ink(color), side)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: [i32; 4] = [0, 0, 1600, 900];

    #[test]
    fn a_single_name_is_on_the_right_if_there_is_room() {
        let [place] = place(&[Label { text: "talc", at: (800, 400) }], 10, BOUNDS, &[])[..] else {
            panic!("one place")
        };
        let width = canvas::text_width("talc", TEXT) as i32;
        assert_eq!(place.area, Area { left: 818, top: 378, right: 818 + width, bottom: 422 });
        assert!(!place.leader);
        let [place] = super::place(&[Label { text: "talc", at: (1560, 400) }], 10, BOUNDS, &[])[..] else {
            panic!("one place")
        };
        assert_eq!(place.area.right, 1542);
    }

    #[test]
    fn names_cover_neither_names_nor_points() {
        let texts =
            ["dlmalloc", "talc", "segregated-bump", "segregated-bump-mv", "wee_alloc", "bump", "rlsf", "lol_alloc"];
        let at = |index: usize| (700 + 12 * index as i32, 400 + 9 * (index as i32 % 3));
        let labels: Vec<Label> = texts.iter().enumerate().map(|(index, text)| Label { text, at: at(index) }).collect();
        let places = place(&labels, 14, BOUNDS, &[]);
        for (index, one) in places.iter().enumerate() {
            assert!(places[..index].iter().all(|other| other.area.shared(&one.area) == 0), "{}", texts[index]);
            assert!(labels.iter().all(|label| Area::around(label.at, 14).shared(&one.area) == 0), "{}", texts[index]);
        }
    }

    #[test]
    fn names_keep_clear_of_obstacles() {
        let bar = [500, 396, 1000, 404];
        let [place] = place(&[Label { text: "talc", at: (800, 400) }], 10, BOUNDS, &[bar])[..] else {
            panic!("one place")
        };
        assert_eq!(place.area.shared(&Area { left: 500, top: 396, right: 1000, bottom: 404 }), 0, "{place:?}");
    }

    #[test]
    fn names_get_a_place_even_without_room() {
        let labels: Vec<Label> = (0..40).map(|_| Label { text: "a long name, and no room", at: (50, 50) }).collect();
        assert_eq!(place(&labels, 14, [0, 0, 100, 100], &[]).len(), 40);
    }
}
