//! Marks that charts share: error bars and points.

use plotters::prelude::*;

use super::canvas::{Drawn, Sheet};

/// Half the length of an error bar's cap.
const CAP: i32 = 10;

/// Length of an arrow's head along its bar.
const ARROW: i32 = 16;

/// Width of an error bar's line.
const WIDTH: u32 = 4;

/// A horizontal error bar, in pixels.
pub(super) fn error_bar_across(sheet: &Sheet, (from, to): (i32, i32), y: i32, color: RGBColor) -> Drawn {
    lines(sheet, color, [((from, y), (to, y)), ((from, y - CAP), (from, y + CAP)), ((to, y - CAP), (to, y + CAP))])
}

/// An end of an error bar, in pixels along the bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum End {
    /// The interval ends here.
    Cap(i32),
    /// The interval goes on beyond the axis, which ends here.
    Arrow(i32),
}

/// Which way an error bar runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Along {
    Across,
    Upright,
}

/// An error bar beside this pixel of the other axis. The first end points to lower pixels, the last to higher ones.
pub(super) fn error_bar(sheet: &Sheet, direction: Along, ends: [End; 2], beside: i32, color: RGBColor) -> Drawn {
    let place = |along: i32, off: i32| match direction {
        Along::Across => (along, beside + off),
        Along::Upright => (beside + off, along),
    };
    let at = |end: End| match end {
        End::Cap(at) | End::Arrow(at) => at,
    };
    let line = |from, to| sheet.draw(&PathElement::new(vec![from, to], color.stroke_width(WIDTH)));
    line(place(at(ends[0]), 0), place(at(ends[1]), 0))?;
    for (end, inward) in ends.into_iter().zip([ARROW, -ARROW]) {
        match end {
            End::Cap(at) => line(place(at, -CAP), place(at, CAP))?,
            End::Arrow(at) => {
                let head = vec![place(at + inward, -CAP), place(at, 0), place(at + inward, CAP)];
                sheet.group(vec![("class", "arrow".into())], None, || {
                    sheet.draw(&PathElement::new(head, color.stroke_width(WIDTH)))
                })?;
            }
        }
    }
    Ok(())
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
