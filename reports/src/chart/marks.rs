//! Marks that charts share: error bars and points.

use plotters::prelude::*;

use super::canvas::{Drawn, Sheet};

/// Half the length of an error bar's cap.
const CAP: i32 = 10;

/// Width of an error bar's line.
const WIDTH: u32 = 4;

/// A horizontal error bar, in pixels.
pub(super) fn error_bar_across(sheet: &Sheet, (from, to): (i32, i32), y: i32, color: RGBColor) -> Drawn {
    lines(sheet, color, [((from, y), (to, y)), ((from, y - CAP), (from, y + CAP)), ((to, y - CAP), (to, y + CAP))])
}

fn lines(sheet: &Sheet, color: RGBColor, ends: [((i32, i32), (i32, i32)); 3]) -> Drawn {
    ends.into_iter().try_for_each(|(from, to)| sheet.draw(&PathElement::new(vec![from, to], color.stroke_width(WIDTH))))
}

/// A point: filled, or a ring if it counts for less.
pub(super) fn point(sheet: &Sheet, place: (i32, i32), radius: i32, color: RGBColor, filled: bool) -> Drawn {
    // A white disc first, so that nothing shows through the ring and neighbours stay separate.
    sheet.draw(&Circle::new(place, radius + 3, WHITE.filled()))?;
    let style = if filled { color.filled() } else { color.stroke_width(WIDTH + 1) };
    sheet.draw(&Circle::new(place, if filled { radius } else { radius - 2 }, style))
}
