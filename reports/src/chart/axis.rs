//! Axes: their ranges, ticks and labels.
//!
//! Values become positions (binary logarithms on a logarithmic axis), and plotters turns positions into pixels.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

use super::canvas::{self, TEXT};
use crate::numbers;

/// Maximum number of parts into which ticks divide an axis.
const MOST_PARTS: f64 = 8.5;

/// An axis with ticks at round numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) scale: Scale,
    /// Positions of the lower and upper end.
    pub(super) range: Range<f64>,
    pub(super) ticks: Vec<Tick>,
    /// Unit and scale for the axis title: `MiB`, `ns, log scale`.
    pub(super) note: String,
    /// The kind of axis that the HTML page shows a cursor on: `events`; empty for axes without a cursor.
    pub(super) kind: &'static str,
}

/// How values map to positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// The position is the value.
    Linear,
    /// The position is its binary logarithm.
    Log,
    /// The position is its inverse hyperbolic sine: linear near 0, logarithmic beyond 1 on both sides.
    Signed,
}

/// A tick.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) position: f64,
    pub(super) label: String,
}

impl Axis {
    /// An axis of bytes from 0 to a little above `most`, with ticks at multiples of a power of two, in the unit of the
    /// upper end.
    pub(super) fn bytes(most: u64) -> Self {
        let top = most.max(1) as f64 * 1.05;
        // There is no fraction of a byte.
        let step = (top / MOST_PARTS).log2().ceil().exp2().max(1.0);
        let (size, unit) = numbers::unit_for(top);
        Axis {
            scale: Scale::Linear,
            range: 0.0..top,
            ticks: ticks(multiples(step, 0.0, top), |bytes| trimmed(bytes / size as f64)),
            note: unit.into(),
            kind: "",
        }
    }

    /// An axis of bytes from a power of two at or below `least` to a little above `most`, with ticks at powers of two.
    pub(super) fn log_bytes(least: u64, most: u64) -> Self {
        let bottom = (least.max(1) as f64).log2().floor();
        let top = (most.max(2) as f64).log2() + 0.2;
        let fits = |step: &f64| (top - bottom) / step <= MOST_PARTS;
        // Steps of 2 ** 1, 2 and 5 all divide the next unit (2 ** 10).
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(fits).unwrap_or(10.0);
        let label = |position: f64| numbers::bytes(position.exp2().round() as u64);
        Axis {
            scale: Scale::Log,
            range: bottom..top,
            ticks: ticks(multiples(step, bottom, top), label),
            note: "log scale".into(),
            kind: "",
        }
    }

    /// An axis of events from 0 to `last`, with ticks at whole numbers.
    pub(super) fn events(last: u64) -> Self {
        let top = last.max(1) as f64;
        // There is no fraction of an event.
        let step = match round_step(top / 4.0).max(1.0) {
            2.5 => 5.0,
            step => step,
        };
        let label = |position: f64| match last {
            _ if position == 0.0 => "0".into(),
            5_000_000.. => format!("{} M", trimmed(position / 1e6)),
            _ => numbers::grouped(position as u64),
        };
        Axis {
            scale: Scale::Linear,
            range: 0.0..top,
            ticks: ticks(multiples(step, 0.0, top), label),
            note: String::new(),
            kind: "events",
        }
    }

    /// An axis of any unit that has room for `low` and `high`: per cent, ratios, ns, counts.
    pub(super) fn linear(low: f64, high: f64, unit: &str) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        let step = round_step((high - low) / 5.0);
        Axis {
            scale: Scale::Linear,
            range: low..high,
            ticks: ticks(multiples(step, low, high), trimmed),
            note: unit.into(),
            kind: "",
        }
    }

    /// A logarithmic axis of any unit, with room for `low` and `high` and at most `most_ticks` ticks: at 1, 2 and 5
    /// times each power of ten, at 1 and 3 times each, or at (every n-th) power only.
    pub(super) fn log(low: f64, high: f64, unit: &str, most_ticks: usize) -> Self {
        let low = if low.is_finite() && low > 0.0 { low } else { 1.0 };
        let high = if high.is_finite() && high > low { high } else { low * 2.0 };
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        let values = |factors: &[f64], every: i32| -> Vec<f64> {
            let powers = (first..=last).filter(|power| power.rem_euclid(every) == 0);
            let all = powers.flat_map(|power| factors.iter().map(move |factor| factor * 10_f64.powi(power)));
            all.filter(|&value| low * 0.9999 <= value && value <= high * 1.0001).collect()
        };
        let finest: [(&[f64], i32); 5] = [
            (&[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0], 1),
            (&[1.0, 2.0, 5.0], 1),
            (&[1.0, 3.0], 1),
            (&[1.0], 1),
            (&[1.0], 2),
        ];
        let choices = finest.map(|(factors, every)| values(factors, every));
        let fitting = choices.into_iter().find(|values| values.len() <= most_ticks);
        let values = match fitting {
            // On so short an axis, even steps work as well.
            Some(few) if few.len() < 3 && high < 10.0 * low => multiples(round_step((high - low) / 4.0), low, high),
            Some(values) => values,
            None => values(&[1.0], 3),
        };
        Axis {
            scale: Scale::Log,
            range: low.log2()..high.log2(),
            ticks: values.into_iter().map(|value| Tick { position: value.log2(), label: scaled(value) }).collect(),
            note: if unit.is_empty() { "log scale".into() } else { format!("{unit}, log scale") },
            kind: "",
        }
    }

    /// An axis of values on both sides of 0, linear near 0 and logarithmic beyond 1, with ticks at 0 and at 1 and 3 times
    /// each power of ten.
    pub(super) fn signed(low: f64, high: f64, unit: &str) -> Self {
        let (low, high) = (low.min(-1.0), high.max(1.0));
        let powers = (0..=12).map(|power| 10_f64.powi(power));
        let positive: Vec<f64> = powers.flat_map(|power| [power, 3.0 * power]).collect();
        let values = positive.iter().rev().map(|value| -value).chain([0.0]).chain(positive.iter().copied());
        let within = values.filter(|value| (low..=high).contains(value));
        let label = |value: f64| if value > 0.0 { format!("+{}", scaled(value)) } else { trimmed(value) };
        Axis {
            scale: Scale::Signed,
            range: low.asinh()..high.asinh(),
            ticks: within.map(|value| Tick { position: value.asinh(), label: label(value) }).collect(),
            note: unit.into(),
            kind: "",
        }
    }

    /// The same axis on this many pixels, extended so that the last `free` pixels are above all values.
    pub(super) fn with_headroom(mut self, free: f64, pixels: f64) -> Self {
        self.range.end += (self.range.end - self.range.start) * free / (pixels - free);
        self
    }

    /// The same axis with only every second, every fourth … tick, until labels fit next to each other on this many
    /// pixels.
    pub(super) fn thinned(mut self, width: f64) -> Self {
        let per_position = width / (self.range.end - self.range.start);
        while self.ticks.windows(2).any(|pair| are_crowded(&pair[0], &pair[1], per_position)) {
            let mut index = 0;
            self.ticks.retain(|_| {
                index += 1;
                index % 2 == 1
            });
        }
        self
    }

    /// The same axis without the ticks whose labels have no room after the one before, on this many pixels: for labels
    /// that get longer from tick to tick.
    pub(super) fn spaced(mut self, width: f64) -> Self {
        let per_position = width / (self.range.end - self.range.start);
        let mut kept: Vec<Tick> = Vec::new();
        for tick in self.ticks {
            if kept.last().is_none_or(|last| !are_crowded(last, &tick, per_position)) {
                kept.push(tick);
            }
        }
        self.ticks = kept;
        self
    }

    /// The position of a value; values beyond an end lie on that end.
    pub(super) fn position(&self, value: f64) -> f64 {
        let position = match self.scale {
            Scale::Linear => value,
            // Values without a logarithm lie on the lower end.
            Scale::Log if value > 0.0 => value.log2(),
            Scale::Log => self.range.start,
            Scale::Signed => value.asinh(),
        };
        position.clamp(self.range.start, self.range.end)
    }

    /// Whether a value has a place between the ends.
    pub(super) fn contains(&self, value: f64) -> bool {
        let has_position = self.scale != Scale::Log || value > 0.0;
        let room = (self.range.end - self.range.start) * 1e-9;
        let position = match self.scale {
            Scale::Linear => value,
            Scale::Log => value.log2(),
            Scale::Signed => value.asinh(),
        };
        has_position && (self.range.start - room..=self.range.end + room).contains(&position)
    }

    /// The value at a position.
    pub(super) fn value(&self, position: f64) -> f64 {
        match self.scale {
            Scale::Linear => position,
            Scale::Log => position.exp2(),
            Scale::Signed => position.sinh(),
        }
    }

    /// The axis in plotters' terms.
    pub(super) fn ticked(&self) -> Ticked {
        Ticked { range: self.range.clone(), ticks: self.ticks.iter().map(|tick| tick.position).collect() }
    }

    /// The label of the tick at this position.
    pub(super) fn label(&self, position: f64) -> String {
        let tick = self.ticks.iter().find(|tick| tick.position == position);
        tick.map(|tick| tick.label.clone()).unwrap_or_default()
    }
}

/// An axis for plotters with explicit ticks. (Plotters' own `with_key_points` cannot label floating-point axes.)
pub(super) struct Ticked {
    range: Range<f64>,
    ticks: Vec<f64>,
}

impl Ranged for Ticked {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (low, high): (i32, i32)) -> i32 {
        // Pixels are 32-bit integers, and values far beyond the axis would overflow them.
        let share = ((value - self.range.start) / (self.range.end - self.range.start)).clamp(-9.0, 9.0);
        low + (share * f64::from(high - low)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

fn ticks(positions: Vec<f64>, label: impl Fn(f64) -> String) -> Vec<Tick> {
    positions.into_iter().map(|position| Tick { position, label: label(position) }).collect()
}

/// The multiples of `step` from `low` to `high`.
fn multiples(step: f64, low: f64, high: f64) -> Vec<f64> {
    let first = (low / step - 1e-9).ceil();
    (0..).map(|index| (first + f64::from(index)) * step).take_while(|&tick| tick <= high + step * 1e-9).collect()
}

/// The smallest of 1, 2, 2.5, 5 and 10 times a power of ten that is at least `rough`.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0].into_iter().find(|factor| factor * power >= rough).unwrap_or(10.0);
    factor * power
}

/// The number without trailing zeros: `0.25`, `1.5`, `20`, `1,000`.
fn trimmed(value: f64) -> String {
    let text = numbers::fixed(value, 3);
    if !text.contains('.') || text.contains('e') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// The same with `k`, `M` or `G` for large numbers, because a logarithmic axis spans many magnitudes.
fn scaled(value: f64) -> String {
    match value {
        1e9.. => format!("{} G", trimmed(value / 1e9)),
        1e6.. => format!("{} M", trimmed(value / 1e6)),
        1e4.. => format!("{} k", trimmed(value / 1e3)),
        0.001.. => trimmed(value),
        _ => format!("{value:e}"),
    }
}

/// Whether the labels of two ticks are too close to each other, with this many pixels per unit of position.
fn are_crowded(one: &Tick, next: &Tick, per_position: f64) -> bool {
    let blank = canvas::text_width("m", TEXT) * 0.75;
    let room = |tick: &Tick| canvas::text_width(&tick.label, TEXT);
    (next.position - one.position) * per_position < (room(one) + room(next)) / 2.0 + blank
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> String {
        axis.ticks.iter().map(|tick| tick.label.clone()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn linear_bytes_have_ticks_that_are_round_in_the_unit_of_the_axis() {
        let mib = Axis::bytes(1_441_792); // 22 pages
        assert_eq!((labels(&mib).as_str(), mib.note.as_str()), ("0 0.25 0.5 0.75 1 1.25", "MiB"));
        let page = Axis::bytes(65_536);
        assert_eq!((labels(&page).as_str(), page.note.as_str()), ("0 8 16 24 32 40 48 56 64", "KiB"));
        assert_eq!(labels(&Axis::bytes(3)), "0 1 2 3");
        assert_eq!(labels(&Axis::bytes(0)), "0 1");
        assert!(mib.range.end > 1_441_792.0);
        assert_eq!(labels(&Axis::bytes(2000 << 20)), "0 0.25 0.5 0.75 1 1.25 1.5 1.75 2");
    }

    #[test]
    fn logarithmic_bytes_have_ticks_at_powers_of_two_that_meet_the_units() {
        let wide = Axis::log_bytes(300 << 10, 500 << 20);
        assert_eq!(labels(&wide), "256 KiB 1 MiB 4 MiB 16 MiB 64 MiB 256 MiB");
        assert_eq!(wide.note, "log scale");
        assert_eq!(labels(&Axis::log_bytes(1, 4 << 30)), "1 B 32 B 1 KiB 32 KiB 1 MiB 32 MiB 1 GiB");
        let (low, high) = (wide.position(1.0), wide.position((500 << 20) as f64));
        assert!(low == wide.range.start && high < wide.range.end, "values below the axis lie on its end");
        assert_eq!(wide.position((1 << 20) as f64), 20.0);
        assert_eq!(wide.value(20.0), (1 << 20) as f64);
    }

    #[test]
    fn events_are_whole() {
        assert_eq!(labels(&Axis::events(3)), "0 1 2 3");
        assert_eq!(labels(&Axis::events(12)), "0 5 10");
        assert_eq!(labels(&Axis::events(200_000)), "0 50,000 100,000 150,000 200,000");
        assert_eq!(labels(&Axis::events(10_000_000)), "0 2.5 M 5 M 7.5 M 10 M");
        assert_eq!(labels(&Axis::events(0)), "0 1");
    }

    #[test]
    fn any_unit_has_round_ticks() {
        assert_eq!(labels(&Axis::linear(0.0, 100.0, "%")), "0 20 40 60 80 100");
        assert_eq!(labels(&Axis::linear(-10.0, 12.0, "%")), "-10 -5 0 5 10");
        assert_eq!(labels(&Axis::linear(0.0, 0.0, "%")), "0 0.2 0.4 0.6 0.8 1", "an axis without extent has a length");
    }

    #[test]
    fn logarithmic_ticks_are_as_dense_as_there_is_room() {
        assert_eq!(labels(&Axis::log(0.4, 3.0, "", 6)), "0.5 1 2");
        assert_eq!(labels(&Axis::log(0.85, 1.43, "", 6)), "1 1.2 1.4");
        assert_eq!(labels(&Axis::log(0.4, 3.0, "", 9)), "0.4 0.5 0.7 1 1.5 2 3");
        assert_eq!(labels(&Axis::log(3.0, 2e6, "ns", 6)), "10 100 1,000 10 k 100 k 1 M");
        assert_eq!(labels(&Axis::log(1.0, 1e9, "ns", 6)), "1 100 10 k 1 M 100 M");
        assert_eq!(Axis::log(1.0, 2.0, "ns", 6).note, "ns, log scale");
        assert_eq!(labels(&Axis::log(0.125, 70.0, "", 4)), "1 10", "even steps would crowd at the upper end");
    }

    #[test]
    fn labels_fit_next_to_each_other() {
        assert_eq!(labels(&Axis::events(200_000).thinned(900.0)), "0 50,000 100,000 150,000 200,000");
        assert_eq!(labels(&Axis::events(200_000).thinned(600.0)), "0 100,000 200,000");
        assert_eq!(labels(&Axis::events(200_000).thinned(10.0)), "0");
    }

    #[test]
    fn a_logarithmic_axis_accepts_any_range() {
        for (low, high) in [(0.0, 0.0), (f64::NAN, f64::INFINITY), (5.0, 5.0), (-1.0, 3.0)] {
            let axis = Axis::log(low, high, "", 6);
            assert!(axis.range.start < axis.range.end, "{low} to {high}");
            assert!(axis.range.contains(&axis.position(0.0)), "{low} to {high}");
        }
    }
}
