//! The frame of charts with two axes: axes, grid, titles, and the notes below.

use plotters::chart::ChartContext;
use plotters::coord::cartesian::Cartesian2d;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::{Axis, Scale, Ticked};
use super::canvas::{self, Drawn, EDGE, Failure, GRID, HAIRLINE, INK, LINE, SOFT, Sheet, TEXT, WIDTH};
use super::labels;

/// The height of the subtitle's first line.
const SUBTITLE: i32 = 104;

/// Minimum height of the plot, in pixels.
pub(super) const PLOT: u32 = 700;

/// Room below the plot for tick labels alone, and together with the axis title.
const TICKS: u32 = 66;
const BELOW: u32 = 124;

/// A plot for series, at positions of the two [`Axis`].
pub(super) type Plot<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<Ticked, Ticked>>;

/// A frame, laid out.
pub(super) struct Frame {
    /// What applies to the whole chart, below its heading.
    pub(super) subtitle: String,
    /// The horizontal axis with its unit: `events replayed`.
    pub(super) x_title: String,
    pub(super) x: Axis,
    /// The vertical axis with its unit: `committed heap, MiB`.
    pub(super) y_title: String,
    pub(super) y: Axis,
    /// The room for the names to the right of the plot ([`labels::room`]), and their number.
    pub(super) name_room: u32,
    pub(super) name_count: usize,
    /// Notes below the plot, a paragraph each.
    pub(super) notes: Vec<String>,
}

impl Frame {
    /// Height of the whole chart.
    pub(super) fn height(&self) -> u32 {
        self.bottom() + BELOW + notes_height(&self.notes)
    }

    /// The upper edge of the plot, in pixels.
    pub(super) fn top(&self) -> u32 {
        header_height(&self.subtitle) + 100
    }

    /// The lower edge of the plot, in pixels.
    pub(super) fn bottom(&self) -> u32 {
        self.top() + PLOT.max((self.name_count as u32 + 1) * LINE as u32)
    }

    /// The first and last pixel of the plot, from the left.
    pub(super) fn edges(&self) -> (i32, i32) {
        let tick_room = self.y.ticks.iter().map(|tick| canvas::text_width(&tick.label, TEXT) as i32).max();
        // The label of the last tick reaches beyond the plot.
        let name_room = (self.name_room as i32 + labels::GAP).max(80);
        (EDGE + tick_room.unwrap_or(0) + 28, WIDTH as i32 - name_room - EDGE - 1)
    }

    /// The pixel of a value on the horizontal axis, before there is a plot to ask.
    pub(super) fn x_pixel(&self, value: f64) -> i32 {
        let (left, right) = self.edges();
        let share = (self.x.position(value) - self.x.range.start) / (self.x.range.end - self.x.range.start);
        left + (share * f64::from(right - left)).round() as i32
    }

    /// Draws everything except the heading and the series.
    pub(super) fn paint<'a>(&self, sheet: &Sheet<'a>) -> Result<Plot<'a>, Failure> {
        let (left, right) = self.edges();
        let x = self.x.clone().thinned(f64::from(right - left));
        let mut plot = ChartBuilder::on(sheet)
            .margin_top(self.top())
            .margin_left(EDGE)
            .margin_right(WIDTH as i32 - right - 1)
            // A chart may have a key further below.
            .margin_bottom(sheet.dim_in_pixel().1 - self.bottom() - TICKS)
            .y_label_area_size(left - EDGE)
            .x_label_area_size(TICKS)
            .build_cartesian_2d(x.ticked(), self.y.ticked())?;
        let mut mesh = plot.configure_mesh();
        if self.x.kind == "events" {
            mesh.disable_x_mesh();
        }
        mesh.max_light_lines(0)
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.stroke_width(HAIRLINE))
            .axis_style(SOFT.stroke_width(HAIRLINE))
            .set_all_tick_mark_size(8)
            .label_style(canvas::font(TEXT).into_text_style(&**sheet).color(&INK))
            .x_label_formatter(&|&position| x.label(position))
            .y_label_formatter(&|&position| self.y.label(position))
            .draw()?;
        let right = self.right(&plot);
        paint_subtitle(sheet, &self.subtitle)?;
        canvas::text(sheet, &self.y_title, (EDGE, self.top() as i32 - 44), TEXT, INK, HPos::Left)?;
        canvas::text(sheet, &self.x_title, (right, self.bottom() as i32 + 92), TEXT, INK, HPos::Right)?;
        paint_notes(sheet, &self.notes, (self.bottom() + BELOW) as i32)?;
        let (low, high) = (self.pixel(&plot, self.x.range.start, self.y.range.start), (right, self.top() as i32));
        paint_mapping(sheet, [low.0, high.0, high.1, low.1], &self.x)?;
        Ok(plot)
    }

    /// The pixel of a pair of positions.
    pub(super) fn pixel(&self, plot: &Plot, x: f64, y: f64) -> (i32, i32) {
        plot.backend_coord(&(x, y))
    }

    /// The pixel at which the horizontal axis ends.
    pub(super) fn right(&self, plot: &Plot) -> i32 {
        self.pixel(plot, self.x.range.end, self.y.range.start).0
    }
}

/// Height of the heading and of the lines of the subtitle.
pub(super) fn header_height(subtitle: &str) -> u32 {
    (SUBTITLE + LINE * subtitle_lines(subtitle).len() as i32 - LINE) as u32
}

fn subtitle_lines(subtitle: &str) -> Vec<String> {
    canvas::wrap(subtitle, TEXT, f64::from(WIDTH as i32 - 2 * EDGE))
}

/// Paints the subtitle: what applies to the whole chart, below its heading.
pub(super) fn paint_subtitle(sheet: &Sheet, subtitle: &str) -> Drawn {
    for (index, line) in subtitle_lines(subtitle).iter().enumerate() {
        canvas::text(sheet, line, (EDGE, SUBTITLE + LINE * index as i32), TEXT, SOFT, HPos::Left)?;
    }
    Ok(())
}

/// Height of notes below a plot, with the edge below them.
pub(super) fn notes_height(notes: &[String]) -> u32 {
    (note_lines(notes).len() as i32 * LINE + EDGE) as u32
}

/// Writes the notes, with the first line starting at this height.
pub(super) fn paint_notes(sheet: &Sheet, notes: &[String], top: i32) -> Drawn {
    for (index, line) in note_lines(notes).iter().enumerate() {
        canvas::text(sheet, line, (EDGE, top + LINE / 2 + LINE * index as i32), TEXT, SOFT, HPos::Left)?;
    }
    Ok(())
}

fn note_lines(notes: &[String]) -> Vec<String> {
    notes.iter().flat_map(|note| canvas::wrap(note, TEXT, f64::from(WIDTH as i32 - 2 * EDGE))).collect()
}

/// Gives a page the mapping from pixels of the plot to values: an empty group with the pixels of its left, right, upper
/// and lower edge, and the values at the left and right. With `data-axis="events"`, the plot shares its time cursor
/// with the trace's other charts.
pub(super) fn paint_mapping(sheet: &Sheet, [x0, x1, y0, y1]: [i32; 4], x: &Axis) -> Drawn {
    let scale = match x.scale {
        Scale::Linear => "linear",
        Scale::Log => "log",
        Scale::Signed => "signed",
    };
    let mut attributes = vec![
        ("class", "plot".to_string()),
        ("data-x0", x0.to_string()),
        ("data-x1", x1.to_string()),
        ("data-y0", y0.to_string()),
        ("data-y1", y1.to_string()),
        ("data-from", x.value(x.range.start).to_string()),
        ("data-to", x.value(x.range.end).to_string()),
        ("data-scale", scale.to_string()),
    ];
    if !x.kind.is_empty() {
        attributes.push(("data-axis", x.kind.to_string()));
    }
    sheet.group(attributes, None, || Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::canvas::Words;

    fn frame() -> Frame {
        Frame {
            subtitle: "sub".into(),
            x_title: "events replayed".into(),
            x: Axis::events(10),
            y_title: "heap, KiB".into(),
            y: Axis::bytes(1000),
            name_room: 200,
            name_count: 1,
            notes: vec!["first note".into(), "second note".into()],
        }
    }

    #[test]
    fn the_plot_has_the_computed_place() {
        let frame = frame();
        let words = Words { subject: "s".into(), what: "w", description: String::new() };
        let svg = canvas::draw(&words, frame.height(), |sheet| {
            let plot = frame.paint(sheet)?;
            // The last pixels of the plot.
            assert_eq!(frame.right(&plot), WIDTH as i32 - 200 - labels::GAP - EDGE - 1);
            assert_eq!((frame.x_pixel(0.0), frame.x_pixel(10.0)), frame.edges());
            assert_eq!((frame.x_pixel(0.0), frame.x_pixel(10.0)), (frame.pixel(&plot, 0.0, 0.0).0, frame.right(&plot)));
            assert_eq!(frame.pixel(&plot, 0.0, 0.0).1, frame.bottom() as i32 - 1);
            assert_eq!(frame.pixel(&plot, 0.0, frame.y.range.end).1, frame.top() as i32);
            Ok(())
        });
        let svg = svg.unwrap();
        assert_eq!((frame.top(), frame.bottom()), (204, 904));
        assert_eq!(frame.height(), 904 + 124 + 2 * 48 + 24);
        for text in ["\nsub\n", "\nheap, KiB\n", "\nevents replayed\n", "\nfirst note\n", "\nsecond note\n", "\n10\n"] {
            assert!(svg.contains(text), "{text:?} in {svg}");
        }
        let mapping = "data-x1=\"1319\" data-y0=\"204\" data-y1=\"903\" data-from=\"0\" data-to=\"10\" data-scale=\"linear\" data-axis=\"events\">";
        assert!(svg.contains(mapping), "{svg}");
    }

    #[test]
    fn many_names_and_long_subtitles_make_it_taller() {
        let tall = Frame { name_count: 19, subtitle: "word ".repeat(20), ..frame() };
        assert_eq!((tall.top(), tall.bottom()), (204 + 48, 204 + 48 + 20 * 48));
    }
}
