//! Axes of bytes and of events: their range, their ticks and what stands at each.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

use crate::numbers;

/// Parts that the ticks cut an axis of bytes into, at most.
const MOST_PARTS: f64 = 8.5;

/// An axis of bytes, linear from 0 or logarithmic, with ticks at round numbers of binary units.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ByteAxis {
    pub(super) scale: Scale,
    /// Positions of the lower and the upper end.
    pub(super) range: Range<f64>,
    /// Positions of the ticks.
    pub(super) ticks: Vec<f64>,
}

/// How bytes become positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// The position is the number of bytes.
    Linear,
    /// The position is its binary logarithm.
    Log,
}

impl ByteAxis {
    /// An axis from 0 to a little above `most`, with ticks at multiples of a power of two.
    pub(super) fn linear(most: u64) -> Self {
        let top = most.max(1) as f64 * 1.05;
        // Less than a byte does not exist.
        let step = (top / MOST_PARTS).log2().ceil().exp2().max(1.0);
        let ticks = (0..).map(|index| f64::from(index) * step).take_while(|&tick| tick <= top).collect();
        ByteAxis { scale: Scale::Linear, range: 0.0..top, ticks }
    }

    /// An axis from a power of two at or below `least` to a little above `most`, with ticks at powers of two.
    pub(super) fn log(least: u64, most: u64) -> Self {
        let bottom = (least.max(1) as f64).log2().floor();
        let top = (most.max(2) as f64).log2() + 0.2;
        let fits = |step: &i32| (top - bottom) / f64::from(*step) <= MOST_PARTS;
        // Steps of 2 ** 1, 2 and 5 all reach the next unit (2 ** 10) in whole steps.
        let step = [1, 2, 5, 10].into_iter().find(fits).unwrap_or(10);
        let first = (bottom / f64::from(step)).ceil() as i32 * step;
        let ticks = (0..).map(|index| f64::from(first + index * step)).take_while(|&tick| tick <= top).collect();
        ByteAxis { scale: Scale::Log, range: bottom..top, ticks }
    }

    /// Where these bytes are on the axis; below its lower end they lie on it.
    pub(super) fn position(&self, bytes: u64) -> f64 {
        match self.scale {
            Scale::Linear => bytes as f64,
            Scale::Log => (bytes.max(1) as f64).log2().max(self.range.start),
        }
    }

    /// What stands at a tick.
    pub(super) fn label(&self, position: f64) -> String {
        match self.scale {
            // All ticks in one unit, that of the upper end, which stands in the axis's title.
            Scale::Linear => trimmed(position / numbers::unit_for(self.range.end).0 as f64),
            Scale::Log => numbers::bytes(position.exp2().round() as u64),
        }
    }

    /// What the title says of the unit and the scale.
    pub(super) fn note(&self) -> &'static str {
        match self.scale {
            Scale::Linear => numbers::unit_for(self.range.end).1,
            Scale::Log => "log scale",
        }
    }
}

/// An axis for plotters that has its ticks where it is told. (Plotters' own `with_key_points` cannot label floating-point axes.)
pub(super) struct Ticked {
    pub(super) range: Range<f64>,
    pub(super) ticks: Vec<f64>,
}

impl Ranged for Ticked {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (low, high): (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        low + (share * f64::from(high - low)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

/// Ticks at whole round numbers of events from 0 to `last`.
pub(super) fn event_ticks(last: u64) -> Vec<f64> {
    let step = round_step(last as f64 / 5.0).max(1.0).ceil();
    (0..).map(|index| f64::from(index) * step).take_while(|&tick| tick <= last as f64).collect()
}

/// What stands at a tick of events: `200,000`, and `2.5 M` where all are of millions.
pub(super) fn event_label(position: f64, last: u64) -> String {
    match last {
        _ if position == 0.0 => "0".into(),
        5_000_000.. => format!("{} M", trimmed(position / 1e6)),
        _ => numbers::grouped(position as u64),
    }
}

/// The smallest of 1, 2, 2.5, 5 and 10 times a power of ten that is at least `rough`.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0].into_iter().find(|factor| factor * power >= rough).unwrap_or(10.0);
    factor * power
}

/// The number without zeros at its end: `0.25`, `1.5`, `20`, `1,000`.
fn trimmed(value: f64) -> String {
    let text = numbers::fixed(value, 3);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &ByteAxis) -> Vec<String> {
        axis.ticks.iter().map(|&tick| axis.label(tick)).collect()
    }

    #[test]
    fn linear_ticks_are_round_in_the_unit_of_the_axis() {
        let mib = ByteAxis::linear(1_441_792); // 22 pages
        assert_eq!((labels(&mib).join(" ").as_str(), mib.note()), ("0 0.25 0.5 0.75 1 1.25", "MiB"));
        let page = ByteAxis::linear(65_536);
        assert_eq!((labels(&page).join(" ").as_str(), page.note()), ("0 8 16 24 32 40 48 56 64", "KiB"));
        assert_eq!(labels(&ByteAxis::linear(3)), ["0", "1", "2", "3"]);
        assert_eq!(labels(&ByteAxis::linear(0)), ["0", "1"]);
        assert!(mib.range.end > 1_441_792.0);
    }

    #[test]
    fn log_ticks_are_powers_of_two_that_meet_the_units() {
        let wide = ByteAxis::log(300 << 10, 500 << 20);
        assert_eq!(labels(&wide).join(" "), "256 KiB 1 MiB 4 MiB 16 MiB 64 MiB 256 MiB");
        assert_eq!(wide.note(), "log scale");
        let wider = ByteAxis::log(1, 4 << 30);
        assert_eq!(labels(&wider).join(" "), "1 B 32 B 1 KiB 32 KiB 1 MiB 32 MiB 1 GiB");
        let (low, high) = (wide.position(1), wide.position(500 << 20));
        assert!(low == wide.range.start && high < wide.range.end, "what is below the axis lies on its end");
        assert_eq!(wide.position(1 << 20), 20.0);
    }

    #[test]
    fn events_are_whole() {
        assert_eq!(event_ticks(3), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(event_ticks(12), [0.0, 3.0, 6.0, 9.0, 12.0]);
        assert_eq!(event_ticks(200_000), [0.0, 50_000.0, 100_000.0, 150_000.0, 200_000.0]);
        assert_eq!(event_label(50_000.0, 200_000), "50,000");
        assert_eq!(event_label(2_500_000.0, 10_000_000), "2.5 M");
        assert_eq!(event_label(0.0, 10_000_000), "0");
    }
}
