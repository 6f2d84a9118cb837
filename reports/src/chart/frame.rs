//! The frame of charts that have events to the right and bytes upwards: axes, grid, titles and the notes below.

use plotters::chart::ChartContext;
use plotters::coord::cartesian::Cartesian2d;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::{self, ByteAxis, Ticked};
use super::canvas::{self, Drawn, EDGE, Failure, GRID, HAIRLINE, INK, SOFT, Sheet, TEXT, WIDTH};
use super::labels;

/// Upper and lower edge of the plot, in pixels.
pub(super) const TOP: u32 = 200;
pub(super) const BOTTOM: u32 = 900;

/// Room below the plot for the ticks' labels, and for these and the axis's title.
const TICKS: u32 = 60;
const BELOW: u32 = 110;

/// Height of a line of notes, and size of its text.
const NOTE_LINE: u32 = 42;
const NOTE: f64 = TEXT * 0.9;

/// A plot that series can be drawn on, whose positions are events and those of a [`ByteAxis`].
pub(super) type EventPlot<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<Ticked, Ticked>>;

/// A frame, laid out.
pub(super) struct Frame {
    /// What the bytes are: `committed heap`.
    pub(super) quantity: &'static str,
    /// What is true of the whole chart, below its heading.
    pub(super) subtitle: String,
    /// Where the axis of events ends; it begins at 0.
    pub(super) last_event: u64,
    pub(super) bytes: ByteAxis,
    /// Room for names to the right of the plot.
    pub(super) name_room: u32,
    /// Lines of notes below the plot.
    pub(super) notes: Vec<String>,
}

impl Frame {
    /// Height of the whole chart.
    pub(super) fn height(&self) -> u32 {
        BOTTOM + BELOW + self.notes.len() as u32 * NOTE_LINE + EDGE as u32
    }

    /// Draws everything but the heading and the series.
    pub(super) fn paint<'a>(&self, sheet: &Sheet<'a>) -> Result<EventPlot<'a>, Failure> {
        let tick_labels = self.bytes.ticks.iter().map(|&tick| self.bytes.label(tick));
        let tick_room = tick_labels.map(|label| canvas::text_width(&label, TEXT) as u32).max().unwrap_or(0) + 28;
        let mut plot = ChartBuilder::on(sheet)
            .margin_top(TOP)
            .margin_left(EDGE)
            .margin_right(self.name_room + labels::GAP as u32 + EDGE as u32)
            .margin_bottom(self.height() - BOTTOM - TICKS)
            .y_label_area_size(tick_room)
            .x_label_area_size(TICKS)
            .build_cartesian_2d(
                Ticked { range: 0.0..self.last_event as f64, ticks: axis::event_ticks(self.last_event) },
                Ticked { range: self.bytes.range.clone(), ticks: self.bytes.ticks.clone() },
            )?;
        plot.configure_mesh()
            .disable_x_mesh()
            .max_light_lines(0)
            .bold_line_style(GRID.stroke_width(HAIRLINE))
            .axis_style(SOFT.stroke_width(HAIRLINE))
            .set_all_tick_mark_size(8)
            .label_style(canvas::font(TEXT).into_text_style(sheet).color(&INK))
            .x_label_formatter(&|&event| axis::event_label(event, self.last_event))
            .y_label_formatter(&|&position| self.bytes.label(position))
            .draw()?;
        self.paint_texts(sheet, self.right(&plot))?;
        Ok(plot)
    }

    fn paint_texts(&self, sheet: &Sheet, right: i32) -> Drawn {
        canvas::text(sheet, &self.subtitle, (EDGE, 98), TEXT, SOFT, HPos::Left)?;
        let axis_title = format!("{}, {}", self.quantity, self.bytes.note());
        canvas::text(sheet, &axis_title, (EDGE, 160), TEXT, INK, HPos::Left)?;
        canvas::text(sheet, "events replayed", (right, BOTTOM as i32 + 84), TEXT, INK, HPos::Right)?;
        for (index, note) in self.notes.iter().enumerate() {
            let y = (BOTTOM + BELOW + 24 + index as u32 * NOTE_LINE) as i32;
            canvas::text(sheet, note, (EDGE, y), NOTE, SOFT, HPos::Left)?;
        }
        Ok(())
    }

    /// The pixel where the axis of events ends.
    pub(super) fn right(&self, plot: &EventPlot) -> i32 {
        plot.backend_coord(&(self.last_event as f64, self.bytes.range.start)).0
    }

    /// The pixel of a position on the axis of bytes.
    pub(super) fn height_of(&self, plot: &EventPlot, position: f64) -> i32 {
        plot.backend_coord(&(0.0, position)).1
    }
}

/// Breaks notes into the lines that [`Frame::notes`] wants.
pub(super) fn note_lines(notes: &[String]) -> Vec<String> {
    notes.iter().flat_map(|note| canvas::wrap(note, NOTE, f64::from(WIDTH as i32 - 2 * EDGE))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::canvas::Words;

    #[test]
    fn the_plot_lies_where_the_sizes_say() {
        let frame = Frame {
            quantity: "heap",
            subtitle: "sub".into(),
            last_event: 10,
            bytes: ByteAxis::linear(1000),
            name_room: 200,
            notes: vec!["first note".into(), "second note".into()],
        };
        let words = Words { subject: "s".into(), what: "w", description: String::new() };
        let svg = canvas::draw(&words, frame.height(), |sheet| {
            let plot = frame.paint(sheet)?;
            // The last pixels that belong to the plot.
            assert_eq!(frame.right(&plot), WIDTH as i32 - 200 - labels::GAP - EDGE - 1);
            assert_eq!(frame.height_of(&plot, 0.0), BOTTOM as i32 - 1);
            assert_eq!(frame.height_of(&plot, frame.bytes.range.end), TOP as i32);
            Ok(())
        });
        let svg = svg.unwrap();
        assert_eq!(frame.height(), 900 + 110 + 2 * 42 + 24);
        for text in ["\nsub\n", "\nheap, KiB\n", "\nevents replayed\n", "\nfirst note\n", "\nsecond note\n", "\n10\n"] {
            assert!(svg.contains(text), "{text:?} in {svg}");
        }
    }
}
