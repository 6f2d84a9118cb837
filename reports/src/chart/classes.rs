//! Axes of classes by powers of two, for sizes and lifetimes, with separate places for 0 and for objects without a
//! value.

use std::ops::Range;

use super::axis::{Axis, Scale, Tick};
use super::canvas::{LINE, TEXT, text_width};
use crate::numbers;

/// Minimum number of classes on an axis; with fewer, the bars of a small trace would be as wide as the sheet.
const LEAST: f64 = 8.0;

/// Space between the power-of-two classes and the separate places, in classes.
const APART: f64 = 0.5;

/// An axis of classes.
pub(super) struct Classes {
    /// For frames: positions are binary logarithms, and the separate places lie beyond the ends.
    pub(super) axis: Axis,
    zero: Range<f64>,
    never: Range<f64>,
}

/// The direction of the axis: its labels are next to each other, or above each other.
#[derive(Clone, Copy)]
pub(super) enum Direction {
    /// To the right, on this many pixels.
    Right(f64),
    /// Upwards, on this many pixels.
    Up(f64),
}

impl Classes {
    /// An axis with room for the classes that start at these values, and for a place called `never` beyond them unless
    /// that is empty.
    pub(super) fn new(from_bytes: impl Iterator<Item = u64> + Clone, never: &str, direction: Direction) -> Self {
        let exponents = from_bytes.clone().filter(|&from| from > 0).map(|from| f64::from(from.ilog2()));
        let low = exponents.clone().fold(f64::INFINITY, f64::min);
        let low = if low.is_finite() { low } else { 0.0 };
        let high = exponents.fold(low, f64::max) + 1.0;
        // A small range is centred.
        let low = low.min(((low + high - LEAST) / 2.0).floor()).max(0.0);
        let high = high.max(low + LEAST);
        let has_zero = from_bytes.clone().any(|from| from == 0);
        let zero = low - APART - 1.0..low - APART;
        let last = high + APART..high + APART + 1.0;
        let range = if has_zero { zero.start } else { low }..if never.is_empty() { high } else { last.end };

        let position_pixels = match direction {
            Direction::Right(pixels) | Direction::Up(pixels) => pixels / (range.end - range.start),
        };
        let extent = |label: &str| match direction {
            Direction::Right(_) => (text_width(label, TEXT) + TEXT) / position_pixels,
            Direction::Up(_) => f64::from(LINE) / position_pixels,
        };
        let clear = |one: &Tick, other: &Tick| {
            (one.position - other.position).abs() >= (extent(&one.label) + extent(&other.label)) / 2.0
        };
        let mut apart = Vec::new();
        if has_zero {
            apart.push(Tick { position: (zero.start + zero.end) / 2.0, label: "0".into() });
        }
        if !never.is_empty() {
            apart.push(Tick { position: (last.start + last.end) / 2.0, label: never.into() });
        }
        // Steps of 1, 2 and 5 all divide the next unit (2 ** 10).
        let powers = |step: i32| {
            let multiples = (low as i32..=high as i32).filter(|power| power.rem_euclid(step) == 0);
            let tick = |power: i32| Tick { position: f64::from(power), label: numbers::bytes(1 << power.min(63)) };
            multiples.map(tick).filter(|tick| apart.iter().all(|other| clear(tick, other))).collect::<Vec<_>>()
        };
        let fits = |ticks: &Vec<Tick>| ticks.windows(2).all(|pair| clear(&pair[0], &pair[1]));
        let mut ticks = [1, 2, 5].into_iter().map(powers).find(fits).unwrap_or_else(|| powers(10));
        ticks.append(&mut apart);
        ticks.sort_by(|one, other| one.position.total_cmp(&other.position));
        let axis = Axis { scale: Scale::Log, range, ticks, note: "log scale".into(), kind: "" };
        Classes { axis, zero, never: last }
    }

    /// The positions of the class that starts at this value.
    pub(super) fn span(&self, from_bytes: u64) -> Range<f64> {
        match from_bytes {
            0 => self.zero.clone(),
            _ => f64::from(from_bytes.ilog2())..f64::from(from_bytes.ilog2()) + 1.0,
        }
    }

    /// The positions of objects without a value.
    pub(super) fn never(&self) -> Range<f64> {
        self.never.clone()
    }
}

/// A class in words: `0 B`, `16 B to below 32 B`.
pub(super) fn in_words(from_bytes: u64) -> String {
    match from_bytes {
        0 | 1 => numbers::bytes(from_bytes),
        _ => format!("{} to below {}", numbers::bytes(from_bytes), numbers::bytes(from_bytes.saturating_mul(2))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(classes: &Classes) -> String {
        classes.axis.ticks.iter().map(|tick| tick.label.clone()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn classes_adjoin_and_separate_places_lie_beyond_them() {
        let classes = Classes::new([0, 16, 32, 1 << 20].into_iter(), "never", Direction::Right(1300.0));
        assert_eq!((classes.span(16), classes.span(32)), (4.0..5.0, 5.0..6.0));
        assert!(classes.span(0).end < 4.0 && classes.never().start > 21.0);
        assert_eq!(classes.axis.range, classes.span(0).start..classes.never().end);
        assert_eq!(labels(&classes), "0 32 B 1 KiB 32 KiB never", "1 MiB would touch the next");
        let plain = Classes::new([16, 1 << 12].into_iter(), "", Direction::Right(1300.0));
        assert_eq!(plain.axis.range, 4.0..13.0);
        assert_eq!(labels(&plain), "16 B 64 B 256 B 1 KiB 4 KiB");
    }

    #[test]
    fn labels_are_apart_in_either_direction() {
        for direction in [Direction::Right(1200.0), Direction::Up(700.0)] {
            for high in 0..63 {
                let classes = Classes::new([0, 1, 1_u64 << high].into_iter(), "never", direction);
                let (Direction::Right(pixels) | Direction::Up(pixels)) = direction;
                let position_pixels = pixels / (classes.axis.range.end - classes.axis.range.start);
                for pair in classes.axis.ticks.windows(2) {
                    let distance = (pair[1].position - pair[0].position) * position_pixels;
                    let room = match direction {
                        Direction::Right(_) => {
                            (text_width(&pair[0].label, TEXT) + text_width(&pair[1].label, TEXT)) / 2.0
                        }
                        Direction::Up(_) => TEXT,
                    };
                    assert!(distance >= room, "{pair:?} are {distance} apart and need {room}");
                }
            }
        }
    }

    #[test]
    fn a_single_class_is_not_as_wide_as_the_sheet() {
        let classes = Classes::new([8].into_iter(), "", Direction::Right(1300.0));
        assert_eq!(classes.axis.range, 0.0..8.0);
        assert_eq!(Classes::new([0].into_iter(), "", Direction::Right(1300.0)).axis.range, -1.5..8.0);
        assert_eq!(in_words(0), "0 B");
        assert_eq!(in_words(1), "1 B");
        assert_eq!(in_words(512), "512 B to below 1 KiB");
    }
}
