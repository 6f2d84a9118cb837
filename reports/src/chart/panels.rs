//! The frame of small multiples: equal panels in a grid, so that the eye compares shapes and reads one pair of axes.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::Axis;
use super::canvas::{self, Drawn, EDGE, GRID, HAIRLINE, INK, LINE, SOFT, Sheet, TEXT, WIDTH};
use super::frame::{header_height, paint_subtitle};

/// Space between panels.
const GAP: i32 = 40;

/// The part of it that a title leaves free.
const TITLE_GAP: i32 = 12;

/// Height of a panel's plot.
const PLOT: i32 = 190;

/// Room for the labels of the ticks below a panel.
const BELOW: i32 = 72;

/// A grid of panels, laid out.
pub(super) struct Panels {
    /// What applies to the whole chart, below its heading.
    pub(super) subtitle: String,
    pub(super) columns: usize,
    pub(super) count: usize,
    /// Lines of text above each panel.
    pub(super) title_lines: i32,
    /// The horizontal and vertical quantity of all panels, with units.
    pub(super) x_title: String,
    pub(super) x: Axis,
    pub(super) y_title: String,
    pub(super) y: Axis,
}

/// The plot of one panel, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Panel {
    pub(super) left: i32,
    pub(super) right: i32,
    pub(super) top: i32,
    pub(super) bottom: i32,
}

/// The number of columns for this many panels, some with these titles above them: as many as fit, at most three.
pub(super) fn columns<'a>(count: usize, titles: impl Iterator<Item = &'a str>, y: &Axis) -> usize {
    let widest = titles.map(|title| canvas::text_width(title, TEXT)).fold(0.0, f64::max);
    let fits = |columns: &usize| widest <= f64::from(width(tick_room(y), *columns) + GAP - TITLE_GAP);
    [3, 2].into_iter().find(fits).unwrap_or(1).min(count.max(1))
}

/// Room for the vertical axis's tick labels, left of the first column.
fn tick_room(y: &Axis) -> i32 {
    y.ticks.iter().map(|tick| canvas::text_width(&tick.label, TEXT) as i32).max().unwrap_or(0) + 16
}

/// The width of a panel's plot, with this much room on the left.
fn width(tick_room: i32, columns: usize) -> i32 {
    let columns = columns as i32;
    (WIDTH as i32 - 2 * EDGE - tick_room - GAP * (columns - 1)) / columns
}

impl Panels {
    fn first_top(&self) -> i32 {
        header_height(&self.subtitle) as i32 + 96
    }

    fn panel_height(&self) -> i32 {
        self.title_lines * LINE + PLOT + BELOW
    }

    /// The lower end of the grid, including the title of the horizontal axes.
    pub(super) fn bottom(&self) -> i32 {
        self.first_top() + self.panel_height() * self.count.div_ceil(self.columns) as i32 + LINE
    }

    /// The plot of a panel; panels are numbered row by row.
    pub(super) fn panel(&self, index: usize) -> Panel {
        let (ticks, width) = (tick_room(&self.y), width(tick_room(&self.y), self.columns));
        let left = EDGE + ticks + (width + GAP) * (index % self.columns) as i32;
        let top = self.first_top() + self.panel_height() * (index / self.columns) as i32 + self.title_lines * LINE;
        Panel { left, right: left + width, top, bottom: top + PLOT }
    }

    /// The pixel of a pair of values in a panel.
    pub(super) fn pixel(&self, panel: Panel, x: f64, y: f64) -> (i32, i32) {
        let share =
            |axis: &Axis, value: f64| (axis.position(value) - axis.range.start) / (axis.range.end - axis.range.start);
        let across = share(&self.x, x) * f64::from(panel.right - panel.left);
        let up = share(&self.y, y) * f64::from(panel.bottom - panel.top);
        (panel.left + across.round() as i32, panel.bottom - up.round() as i32)
    }

    /// Draws what panels share: axes, grid, subtitle.
    pub(super) fn paint(&self, sheet: &Sheet) -> Drawn {
        paint_subtitle(sheet, &self.subtitle)?;
        canvas::text(sheet, &self.y_title, (EDGE, self.first_top() - 38), TEXT, INK, HPos::Left)?;
        let right = WIDTH as i32 - EDGE;
        canvas::text(sheet, &self.x_title, (right, self.bottom() - LINE / 2), TEXT, INK, HPos::Right)?;
        (0..self.count).try_for_each(|index| self.paint_axes(sheet, index))
    }

    fn paint_axes(&self, sheet: &Sheet, index: usize) -> Drawn {
        let panel = self.panel(index);
        for tick in &self.y.ticks {
            let y = self.pixel(panel, 0.0, self.y.value(tick.position)).1;
            let ends = vec![(panel.left, y), (panel.right, y)];
            sheet.draw(&PathElement::new(ends, GRID.stroke_width(HAIRLINE)))?;
            if index.is_multiple_of(self.columns) {
                canvas::text(sheet, &tick.label, (panel.left - 12, y), TEXT, INK, HPos::Right)?;
            }
        }
        for tick in &self.x.ticks {
            let x = self.pixel(panel, self.x.value(tick.position), 0.0).0;
            let mark = vec![(x, panel.bottom), (x, panel.bottom + 8)];
            sheet.draw(&PathElement::new(mark, SOFT.stroke_width(HAIRLINE)))?;
            // Labels at the ends stay within the panel.
            let half = canvas::text_width(&tick.label, TEXT) as i32 / 2;
            let (place, side) = match x {
                x if x - half < panel.left => (panel.left, HPos::Left),
                x if x + half > panel.right => (panel.right, HPos::Right),
                x => (x, HPos::Center),
            };
            canvas::text(sheet, &tick.label, (place, panel.bottom + 32), TEXT, INK, side)?;
        }
        let axis = vec![(panel.left, panel.bottom), (panel.right, panel.bottom)];
        sheet.draw(&PathElement::new(axis, SOFT.stroke_width(HAIRLINE)))
    }

    /// Writes a line above a panel; the first is line 0.
    pub(super) fn paint_title(&self, sheet: &Sheet, index: usize, line: i32, text: &str, ink: RGBColor) -> Drawn {
        let panel = self.panel(index);
        let y = panel.top - self.title_lines * LINE + line * LINE + LINE / 2 - 8;
        let text = canvas::fit(text, TEXT, f64::from(panel.right - panel.left + GAP - TITLE_GAP));
        canvas::text(sheet, &text, (panel.left, y), TEXT, ink, HPos::Left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panels(count: usize, columns: usize) -> Panels {
        Panels {
            subtitle: "sub".into(),
            columns,
            count,
            title_lines: 1,
            x_title: "x".into(),
            x: Axis::linear(0.0, 100.0, "%"),
            y_title: "y".into(),
            y: Axis::linear(0.0, 100.0, "%"),
        }
    }

    #[test]
    fn panels_are_equal_and_within_the_sheet() {
        let panels = panels(5, 3);
        let all: Vec<Panel> = (0..5).map(|index| panels.panel(index)).collect();
        let width = all[0].right - all[0].left;
        assert!(all.iter().all(|panel| panel.right - panel.left == width && panel.bottom - panel.top == PLOT));
        assert!(all[2].right <= WIDTH as i32 - EDGE && all[4].bottom + BELOW < panels.bottom());
        assert!(all[1].left - all[0].right == GAP && all[3].top > all[0].bottom + BELOW);
        assert_eq!(panels.pixel(all[1], 0.0, 0.0), (all[1].left, all[1].bottom));
        assert_eq!(panels.pixel(all[1], 100.0, 100.0), (all[1].right, all[1].top));
    }

    #[test]
    fn there_are_as_many_columns_as_titles_allow() {
        let y = Axis::linear(0.0, 100.0, "%");
        assert_eq!(columns(3, ["talc", "dlmalloc", "bump"].into_iter(), &y), 3);
        assert_eq!(columns(12, ["buddy_system_allocator"; 12].into_iter(), &y), 2);
        assert_eq!(columns(3, ["a name that is far too long for two columns of it"; 3].into_iter(), &y), 1);
        assert_eq!(columns(2, ["talc", "bump"].into_iter(), &y), 2);
    }
}
