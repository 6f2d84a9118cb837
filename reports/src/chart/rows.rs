//! The frame of charts with a row per name: names on the left, an axis below, and bars or points in the rows.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::Axis;
use super::canvas::{self, Drawn, EDGE, GRID, HAIRLINE, INK, LINE, SOFT, Sheet, TEXT, WIDTH};
use super::frame::{header_height, notes_height, paint_mapping, paint_notes, paint_subtitle};
use super::palette;

/// Room below the rows for tick labels and the axis title.
const BELOW: u32 = 124;

/// Space between the names, the plot and the values.
const GAP: i32 = 24;

/// Rows, laid out.
pub(super) struct Rows {
    /// What applies to the whole chart, below its heading.
    pub(super) subtitle: String,
    /// The names with their colours, from the top.
    pub(super) names: Vec<(String, RGBColor)>,
    /// Height of a row, in pixels.
    pub(super) row_height: u32,
    /// The longest text to the right of the plot, for its room; empty if there is none.
    pub(super) widest_value: String,
    /// The axis with its unit.
    pub(super) x_title: String,
    pub(super) x: Axis,
    /// Notes below the axis, a paragraph each.
    pub(super) notes: Vec<String>,
}

impl Rows {
    /// Height of the whole chart.
    pub(super) fn height(&self) -> u32 {
        self.bottom() as u32 + BELOW + notes_height(&self.notes)
    }

    /// The upper edge of the rows.
    pub(super) fn top(&self) -> i32 {
        header_height(&self.subtitle) as i32 + 56
    }

    /// The lower edge of the rows.
    pub(super) fn bottom(&self) -> i32 {
        self.top() + (self.row_height * self.names.len() as u32) as i32
    }

    /// The left edge of the plot.
    pub(super) fn left(&self) -> i32 {
        let widest = self.names.iter().map(|(name, _)| canvas::text_width(name, TEXT)).fold(0.0, f64::max);
        EDGE + widest.clamp(140.0, 600.0).ceil() as i32 + GAP
    }

    /// The right edge of the plot.
    pub(super) fn right(&self) -> i32 {
        let values = canvas::text_width(&self.widest_value, TEXT).ceil() as i32;
        WIDTH as i32 - EDGE - if values > 0 { values + GAP } else { 40 }
    }

    /// The left end of texts to the right of the plot.
    pub(super) fn value_left(&self) -> i32 {
        self.right() + GAP
    }

    /// The pixel of a value.
    pub(super) fn pixel(&self, value: f64) -> i32 {
        let share = (self.x.position(value) - self.x.range.start) / (self.x.range.end - self.x.range.start);
        self.left() + (share * f64::from(self.right() - self.left())).round() as i32
    }

    /// The middle of a row.
    pub(super) fn middle(&self, row: usize) -> i32 {
        self.top() + (self.row_height * row as u32 + self.row_height / 2) as i32
    }

    /// Draws everything except the heading, the names and the content of the rows.
    pub(super) fn paint(&self, sheet: &Sheet) -> Drawn {
        let (left, right, bottom) = (self.left(), self.right(), self.bottom());
        let x = self.x.clone().thinned(f64::from(right - left));
        for tick in &x.ticks {
            let at = self.pixel(x.value(tick.position));
            sheet.draw(&PathElement::new(vec![(at, self.top()), (at, bottom)], GRID.stroke_width(HAIRLINE)))?;
            sheet.draw(&PathElement::new(vec![(at, bottom), (at, bottom + 8)], SOFT.stroke_width(HAIRLINE)))?;
            canvas::text(sheet, &tick.label, (at, bottom + 36), TEXT, INK, HPos::Center)?;
        }
        sheet.draw(&PathElement::new(vec![(left, bottom), (right, bottom)], SOFT.stroke_width(HAIRLINE)))?;
        canvas::text(sheet, &self.x_title, (right, bottom + 36 + LINE), TEXT, INK, HPos::Right)?;
        paint_subtitle(sheet, &self.subtitle)?;
        paint_notes(sheet, &self.notes, bottom + BELOW as i32)?;
        paint_mapping(sheet, [left, right, self.top(), bottom], &self.x)
    }

    /// Writes the name of a row; the caller paints its content.
    pub(super) fn paint_name(&self, sheet: &Sheet, row: usize) -> Drawn {
        let (name, color) = &self.names[row];
        let text = canvas::fit(name, TEXT, f64::from(self.left() - GAP - EDGE));
        canvas::text(sheet, &text, (self.left() - GAP, self.middle(row)), TEXT, palette::ink(*color), HPos::Right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_between_the_names_and_the_texts_on_the_right() {
        let rows = Rows {
            subtitle: "sub".into(),
            names: vec![("talc".into(), INK), ("segregated".into(), INK)],
            row_height: 60,
            widest_value: "1.23".into(),
            x_title: "ratio".into(),
            x: Axis::log(0.5, 2.0, "", 6),
            notes: Vec::new(),
        };
        assert_eq!((rows.pixel(0.5), rows.pixel(2.0)), (rows.left(), rows.right()));
        assert_eq!(rows.pixel(1.0), (rows.left() + rows.right() + 1) / 2);
        assert_eq!(
            (rows.pixel(0.0), rows.pixel(9.0)),
            (rows.left(), rows.right()),
            "values beyond the ends lie on them"
        );
        let name = canvas::text_width("segregated", TEXT);
        assert_eq!(rows.left(), EDGE + name.ceil() as i32 + GAP);
        assert_eq!(canvas::fit("segregated", TEXT, f64::from(rows.left() - GAP - EDGE)), "segregated");
        assert!(f64::from(rows.value_left()) + canvas::text_width("1.23", TEXT) <= f64::from(WIDTH as i32 - EDGE));
        assert_eq!(rows.middle(1), rows.top() + 90);
        assert_eq!(rows.height(), rows.top() as u32 + 120 + 124 + 24);
    }
}
