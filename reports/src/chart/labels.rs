//! Names next to the ends of lines, moved apart so that none covers another.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::canvas::{self, Drawn, EDGE, HAIRLINE, LINE, Sheet, TEXT, WIDTH};
use super::palette;

/// Space between the ends of the lines and the names, for the thin lines that connect them.
pub(super) const GAP: i32 = 56;

/// Space for a sample of a line before its name, as long as the longest pattern of dashes.
pub(super) const SAMPLE: i32 = 84;

/// A name, and the height at which its line ends, in pixels.
pub(super) struct Name<'a> {
    pub(super) text: &'a str,
    pub(super) color: RGBColor,
    pub(super) y: i32,
    /// Whether it is a contender's name.
    pub(super) is_contender: bool,
    /// The stroke and the dashes of its line, for a sample before the name: for lines that end close together, so that
    /// where they end does not show which is which.
    pub(super) sample: Option<(ShapeStyle, &'static str)>,
}

/// The room for names to the right of a plot.
pub(super) fn room<'a>(names: impl IntoIterator<Item = &'a str>) -> u32 {
    let widths = names.into_iter().map(|name| canvas::text_width(name, TEXT).ceil() as u32);
    widths.max().unwrap_or(0).clamp(140, 600)
}

/// Writes the names to the right of a plot that extends from `top` to `bottom` and ends at `right`.
pub(super) fn paint(sheet: &Sheet, names: &[Name], right: i32, (top, bottom): (u32, u32)) -> Drawn {
    // The lowest name keeps clear of the last tick's label, which reaches beyond the plot.
    let (low, high) = (f64::from(top), f64::from(bottom) - f64::from(LINE) / 2.0);
    let wished: Vec<f64> = names.iter().map(|name| f64::from(name.y)).collect();
    let room = f64::from(WIDTH as i32 - right - GAP - EDGE / 2);
    for (name, y) in names.iter().zip(spread(&wished, f64::from(LINE), low, high)) {
        let paint = || {
            let y = y.round() as i32;
            let leader = vec![(right + 4, name.y), (right + GAP - 8, y)];
            sheet.draw(&PathElement::new(leader, name.color.stroke_width(HAIRLINE)))?;
            let mut left = right + GAP;
            if let Some((stroke, dashes)) = name.sample {
                let sample = PathElement::new(vec![(left, y), (left + SAMPLE - 12, y)], stroke);
                sheet.dashed(dashes, || sheet.draw(&sample))?;
                left += SAMPLE;
            }
            let text = canvas::fit(name.text, TEXT, room - f64::from(left - right - GAP));
            canvas::text(sheet, &text, (left, y), TEXT, palette::ink(name.color), HPos::Left)
        };
        if name.is_contender { sheet.contender(name.text, paint)? } else { paint()? }
    }
    Ok(())
}

/// Places labels, each `gap` high, within `low` to `high`, in the order of their lines and as close to them as possible
/// (least squares). If there is not enough room for all, the gap shrinks.
///
/// Subtracting `index × gap` from each desired place turns "at least a gap apart" into "not decreasing". That is
/// isotonic regression, which pools neighbours that are out of order into their mean.
fn spread(wished: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let gap = gap.min((high - low) / wished.len().saturating_sub(1).max(1) as f64);
    let mut order: Vec<usize> = (0..wished.len()).collect();
    order.sort_by(|&one, &other| wished[one].total_cmp(&wished[other]));

    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (rank, &index) in order.iter().enumerate() {
        let mut pool = (wished[index] - rank as f64 * gap, 1);
        while let Some((mean, count)) = pools.pop_if(|(mean, _)| *mean > pool.0) {
            let total = mean * count as f64 + pool.0 * pool.1 as f64;
            pool = (total / (count + pool.1) as f64, count + pool.1);
        }
        pools.push(pool);
    }

    let highest = high - wished.len().saturating_sub(1) as f64 * gap;
    let levels = pools.into_iter().flat_map(|(mean, count)| std::iter::repeat_n(mean, count));
    let mut placed = vec![0.0; wished.len()];
    for (rank, (index, level)) in order.into_iter().zip(levels).enumerate() {
        placed[index] = level.min(highest).max(low) + rank as f64 * gap;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_with_room_stay_where_they_are() {
        assert_eq!(spread(&[50.0, 10.0, 30.0], 20.0, 0.0, 100.0), [50.0, 10.0, 30.0]);
        assert_eq!(spread(&[], 20.0, 0.0, 100.0), [0.0; 0]);
        assert_eq!(spread(&[7.0], 20.0, 0.0, 100.0), [7.0]);
    }

    #[test]
    fn equal_places_fan_out() {
        assert_eq!(spread(&[50.0, 50.0, 50.0], 10.0, 0.0, 100.0), [40.0, 50.0, 60.0]);
    }

    #[test]
    fn a_group_moves_as_little_as_possible_and_leaves_others_alone() {
        // 40 and 44 move by 3 each to be 10 apart; 90 is far enough away.
        assert_eq!(spread(&[44.0, 90.0, 40.0], 10.0, 0.0, 100.0), [47.0, 90.0, 37.0]);
    }

    #[test]
    fn labels_stay_within_the_ends() {
        assert_eq!(spread(&[-5.0, 99.0, 99.0], 10.0, 0.0, 100.0), [0.0, 90.0, 100.0]);
        assert_eq!(spread(&[0.0, 0.0], 10.0, 0.0, 100.0), [0.0, 10.0]);
    }

    #[test]
    fn too_many_labels_share_the_room() {
        assert_eq!(spread(&[50.0; 5], 40.0, 0.0, 100.0), [0.0, 25.0, 50.0, 75.0, 100.0]);
    }
}
