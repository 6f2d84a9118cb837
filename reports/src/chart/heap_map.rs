//! The heap map: where each contender's heap has live bytes over the run, in small panels with equal scales.
//!
//! Addresses run upwards from the heap's base, events to the right. Grey is committed with nothing live, yellow is
//! nearly empty, blue is full: in a heap that stays yellow, few objects keep many pages. The line is the end of
//! committed memory. The map cannot see inside a tile, or what comes and goes within a column: each column shows the
//! moment at its end.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::Axis;
use super::canvas::{self, Drawn, EDGE, GRID, HAIRLINE, INK, LINE, SOFT, Sheet, TEXT, WIDTH, Words};
use super::contenders::{LeftOut, Shown, join, not_shown, nothing, reasons, sort_out};
use super::frame::{header_height, notes_height, paint_mapping, paint_notes, paint_subtitle};
use super::{data, heat, palette};
use crate::ReportError;
use crate::numbers::{bytes, count};
use crate::results::{Contender, Figure, Memory, Results};

/// Space between panels, in pixels, and above each panel for its name.
const GAP: i32 = 28;
const NAME: i32 = LINE + 8;

/// Maximum number of tiles across a panel: more cannot be distinguished on paper.
const MOST_COLUMNS: usize = 64;

/// Minimum height of a tile, in pixels.
const LEAST_HEIGHT: i32 = 6;

/// Draws the map. Contenders without memory figures are left out and named.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn heap_map(results: &Results) -> Result<String, ReportError> {
    let (panels, left_out) = sort_out(results, memory);
    let words = words(results, &panels, &left_out);
    if panels.is_empty() {
        return nothing(&words, &left_out);
    }
    let layout = Layout::of(results, &panels, &left_out);
    canvas::draw(&words, layout.height(), |sheet| {
        canvas::heading(sheet, &words)?;
        paint_subtitle(sheet, &layout.subtitle)?;
        heat::paint_key(sheet, layout.key())?;
        let title = format!("address in the heap, {}", layout.y.note);
        canvas::text(sheet, &title, (EDGE, layout.key() + heat::KEY as i32 + LINE / 2), TEXT, INK, HPos::Left)?;
        for (index, panel) in panels.iter().enumerate() {
            let area = layout.panel(index);
            paint_axes(sheet, &layout, &area)?;
            panel.paint(sheet, &tip(panel), || paint_panel(sheet, &layout, &area, panel))?;
        }
        let bottom = layout.panels_bottom();
        canvas::text(sheet, "events replayed", (WIDTH as i32 - EDGE, bottom + 84), TEXT, INK, HPos::Right)?;
        paint_notes(sheet, &layout.notes, bottom + 120)
    })
}

/// The chart's data: a row per contender, column and row of its grid with anything live.
pub(super) fn data(results: &Results) -> String {
    let (panels, _) = sort_out(results, memory);
    let rows = panels.iter().flat_map(|panel| {
        let grid = &panel.figures.grid;
        let columns = grid.live_permille.iter().enumerate();
        columns.flat_map(move |(column, rows)| {
            let event = (column as u64 + 1).saturating_mul(grid.events_per_column).min(results.trace.events);
            rows.iter().enumerate().filter(|(_, permille)| **permille > 0).map(move |(row, permille)| {
                [
                    results.trace.name.clone(),
                    panel.contender.name.clone(),
                    event.to_string(),
                    (row as u64).saturating_mul(grid.row_bytes).to_string(),
                    grid.row_bytes.to_string(),
                    permille.to_string(),
                ]
            })
        })
    });
    data::table(["trace", "contender", "event", "address_bytes", "length_bytes", "live_permille"], rows)
}

type Panel<'a> = Shown<'a, &'a Memory>;

/// The figures of a contender that has a grid.
fn memory(contender: &Contender) -> Result<&Memory, String> {
    match &contender.memory {
        Figure::Unknown { unknown } => Err(unknown.to_string()),
        Figure::Known(memory) if memory.grid.live_permille.is_empty() => {
            Err("the place of its live bytes is not known".into())
        }
        Figure::Known(memory) => Ok(memory),
    }
}

fn tip(panel: &Panel) -> String {
    let memory = panel.figures;
    let share = memory.occupancy.at_peak_heap.live_share;
    let share = share.map(|share| format!(", {:.0} % of it live at that moment", share * 100.0)).unwrap_or_default();
    format!("{}: peak heap {}{share}", panel.contender.name, bytes(memory.peak_heap_bytes))
}

fn words(results: &Results, panels: &[Panel], left_out: &[LeftOut]) -> Words {
    let mut description = format!(
        "Where each contender's heap has live bytes, over {} of the trace {}.",
        count(results.trace.events, "event"),
        results.trace.name
    );
    if !panels.is_empty() {
        description += &format!(" {}.", join(panels, tip));
    }
    if !left_out.is_empty() {
        description += &format!(" Not shown: {}.", reasons(left_out).join("; "));
    }
    Words { subject: results.trace.name.clone(), what: "heap map", description }
}

/// The layout of the chart.
struct Layout {
    subtitle: String,
    x: Axis,
    y: Axis,
    columns: usize,
    count: usize,
    left: i32,
    panel: (i32, i32),
    notes: Vec<String>,
}

/// A panel's plot, in pixels, and whether the axes have labels next to it.
struct Area {
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
    labels_left: bool,
    labels_below: bool,
}

impl Layout {
    fn of(results: &Results, panels: &[Panel], left_out: &[LeftOut]) -> Self {
        let most = panels.iter().map(|panel| heat::spanned(panel.figures)).max().unwrap_or(1);
        let arrange = |columns: usize| {
            let height = [640, 420, 300][columns - 1];
            let y = sparse(Axis::bytes(most), f64::from(height));
            let room = y.ticks.iter().map(|tick| canvas::text_width(&tick.label, TEXT) as i32).max().unwrap_or(0);
            let left = EDGE + room + 20;
            let width = (WIDTH as i32 - EDGE - left - GAP * (columns as i32 - 1)) / columns as i32;
            (columns, y, left, (width, height))
        };
        let names = panels.iter().map(|panel| canvas::text_width(&panel.contender.name, TEXT));
        let widest = names.fold(0.0, f64::max);
        let (columns, y, left, panel) = match panels.len() {
            1 => arrange(1),
            2..=4 => arrange(2),
            _ if f64::from(arrange(3).3.0) < widest => arrange(2),
            _ => arrange(3),
        };
        let x = Axis::events(results.trace.events);
        let mut notes = vec!["line: end of committed memory; all panels have the same scales".to_string()];
        notes.extend(not_shown(left_out));
        Layout {
            subtitle: format!(
                "{}; {}; peak live {}",
                canvas::platform(&results.provenance.target),
                count(results.trace.events, "event"),
                bytes(results.trace.peak_live_bytes)
            ),
            x,
            y,
            columns,
            count: panels.len(),
            left,
            panel,
            notes,
        }
    }

    fn key(&self) -> i32 {
        header_height(&self.subtitle) as i32 + 40
    }

    fn panels_top(&self) -> i32 {
        self.key() + heat::KEY as i32 + LINE + 8
    }

    fn panels_bottom(&self) -> i32 {
        let rows = self.count.div_ceil(self.columns) as i32;
        self.panels_top() + rows * (NAME + self.panel.1 + GAP) - GAP
    }

    fn height(&self) -> u32 {
        self.panels_bottom() as u32 + 120 + notes_height(&self.notes)
    }

    fn panel(&self, index: usize) -> Area {
        let (row, column) = ((index / self.columns) as i32, (index % self.columns) as i32);
        let left = self.left + column * (self.panel.0 + GAP);
        let top = self.panels_top() + row * (NAME + self.panel.1 + GAP) + NAME;
        Area {
            left,
            top,
            right: left + self.panel.0,
            bottom: top + self.panel.1,
            labels_left: column == 0,
            labels_below: index + self.columns >= self.count,
        }
    }

    fn x_pixel(&self, area: &Area, event: f64) -> i32 {
        area.left + (self.x.position(event) / self.x.range.end * f64::from(area.right - area.left)).round() as i32
    }

    fn y_pixel(&self, area: &Area, address: f64) -> i32 {
        area.bottom - (self.y.position(address) / self.y.range.end * f64::from(area.bottom - area.top)).round() as i32
    }
}

/// The axis with fewer ticks, until their labels fit above each other on this many pixels.
fn sparse(mut axis: Axis, pixels: f64) -> Axis {
    while axis.ticks.len() > 2 && pixels / axis.ticks.len() as f64 <= f64::from(LINE) * 1.2 {
        let mut index = 0;
        axis.ticks.retain(|_| {
            index += 1;
            index % 2 == 1
        });
    }
    axis
}

fn paint_axes(sheet: &Sheet, layout: &Layout, area: &Area) -> Drawn {
    for tick in &layout.y.ticks {
        let y = layout.y_pixel(area, tick.position);
        sheet.draw(&PathElement::new(vec![(area.left, y), (area.right, y)], GRID.stroke_width(HAIRLINE)))?;
        if area.labels_left {
            canvas::text(sheet, &tick.label, (area.left - 16, y), TEXT, INK, HPos::Right)?;
        }
    }
    let frame = vec![(area.left, area.top), (area.left, area.bottom), (area.right, area.bottom)];
    sheet.draw(&PathElement::new(frame, SOFT.stroke_width(HAIRLINE)))?;
    if area.labels_below {
        let last = area.right == layout.panel(layout.columns - 1).right;
        for tick in &layout.x.clone().thinned(f64::from(area.right - area.left)).ticks {
            let x = layout.x_pixel(area, tick.position);
            // It would run into the first label of the next panel.
            let end = x + canvas::text_width(&tick.label, TEXT) as i32 / 2;
            if end > area.right + if last { EDGE } else { -GAP / 4 } {
                continue;
            }
            sheet.draw(&PathElement::new(vec![(x, area.bottom), (x, area.bottom + 8)], SOFT.stroke_width(HAIRLINE)))?;
            canvas::text(sheet, &tick.label, (x, area.bottom + 36), TEXT, INK, HPos::Center)?;
        }
    }
    paint_mapping(sheet, [area.left, area.right, area.top, area.bottom], &layout.x)
}

fn paint_panel(sheet: &Sheet, layout: &Layout, area: &Area, panel: &Panel) -> Drawn {
    let name = canvas::fit(&panel.contender.name, TEXT, f64::from(area.right - area.left));
    canvas::text(sheet, &name, (area.left, area.top - NAME / 2), TEXT, palette::ink(panel.style.color), HPos::Left)?;

    let committed = committed(layout, area, panel.figures);
    let below = [(committed.last().map_or(area.left, |last| last.0), area.bottom), (area.left, area.bottom)];
    let outline: Vec<(i32, i32)> = committed.iter().copied().chain(below).collect();
    sheet.draw(&Polygon::new(outline, heat::EMPTY.filled()))?;
    heat::paint_tiles(sheet, &tiles(layout, area, panel.figures))?;
    sheet.draw(&PathElement::new(committed, panel.style.color.stroke_width(4)))
}

/// The corners of the end of committed memory, in pixels.
fn committed(layout: &Layout, area: &Area, memory: &Memory) -> Vec<(i32, i32)> {
    let mut corners: Vec<(i32, i32)> = vec![];
    let mut start = area.left;
    for point in &memory.timeline {
        let (end, y) = (layout.x_pixel(area, point.event as f64), layout.y_pixel(area, point.committed_bytes as f64));
        match corners.last_mut() {
            Some(last) if last.1 == y => last.0 = end,
            _ => corners.extend([(start, y), (end, y)]),
        }
        start = end;
    }
    corners
}

/// The tiles with anything live. Neighbours in a row with the same level are one tile.
fn tiles(layout: &Layout, area: &Area, memory: &Memory) -> Vec<([i32; 4], usize)> {
    let grid = &memory.grid;
    let columns = grid.live_permille.len();
    let rows = grid.live_permille.iter().map(Vec::len).max().unwrap_or(0);
    // Columns and rows that would be too narrow to see are merged.
    let columns_joined = columns.div_ceil(MOST_COLUMNS).max(1);
    let row_pixels = grid.row_bytes as f64 / layout.y.range.end * f64::from(area.bottom - area.top);
    let rows_joined = (f64::from(LEAST_HEIGHT) / row_pixels).ceil().clamp(1.0, rows.max(1) as f64) as usize;
    let mut tiles: Vec<([i32; 4], usize)> = Vec::new();
    for row in (0..rows).step_by(rows_joined) {
        let address = |row: usize| layout.y_pixel(area, row as f64 * grid.row_bytes as f64);
        let (bottom, top) = (address(row), address((row + rows_joined).min(rows)));
        for first in (0..columns).step_by(columns_joined) {
            let end = (first + columns_joined).min(columns);
            let Some(level) = heat::level(mean(&grid.live_permille[end - 1], row, rows_joined)) else { continue };
            let edge = |columns: usize| layout.x_pixel(area, columns as f64 * grid.events_per_column as f64);
            let (left, right) = (edge(first), edge(end));
            match tiles.last_mut() {
                Some(([_, at, last_right, _], last)) if *last == level && *at == top && *last_right == left => {
                    *last_right = right;
                }
                _ => tiles.push(([left, top.min(bottom - LEAST_HEIGHT / 2), right, bottom], level)),
            }
        }
    }
    tiles
}

/// The mean over these rows of a column, rounded up so that small values do not become 0.
fn mean(column: &[u16], row: usize, rows: usize) -> u16 {
    let joined: u32 = column.iter().skip(row).take(rows).map(|&permille| u32::from(permille)).sum();
    joined.div_ceil(rows as u32) as u16
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;
    use crate::chart::structure::{child, of_contender, texts};
    use crate::sample::{self, contender};

    fn draw(contenders: Vec<Contender>) -> String {
        heap_map(&Results { contenders, ..sample::empty() }).unwrap()
    }

    #[test]
    fn has_a_panel_on_the_same_scales_for_each() {
        let svg = draw(vec![contender("talc").pages(20).build(), contender("dlmalloc").pages(40).build()]);
        let svg = Document::parse(&svg).unwrap();
        for name in ["talc", "dlmalloc"] {
            assert_eq!(of_contender(&svg, name, "text").len(), 1, "{name}");
            assert_eq!(of_contender(&svg, name, "polygon").len(), 1, "{name}: committed memory");
            assert_eq!(of_contender(&svg, name, "polyline").len(), 1, "{name}: its end");
            // Levels: paths of many tiles, or a rectangle for a single tile.
            let levels = of_contender(&svg, name, "path").len() + of_contender(&svg, name, "rect").len();
            assert!((7..=8).contains(&levels), "{name}: {levels}");
        }
        let plots: Vec<_> = svg.descendants().filter(|node| node.attribute("class") == Some("plot")).collect();
        assert_eq!(plots.len(), 2);
        let width = |index: usize| {
            let pixel = |name| plots[index].attribute(name).unwrap().parse::<i32>().unwrap();
            pixel("data-x1") - pixel("data-x0")
        };
        assert_eq!(width(0), width(1));
        assert!(plots.iter().all(|plot| plot.attribute("data-axis") == Some("events")));
        assert!(child(&svg, "desc").contains("talc: peak heap 1.25 MiB"));
        assert!(texts(&svg).contains(&"address in the heap, MiB".to_string()));
    }

    #[test]
    fn neighbours_with_the_same_level_are_one_tile_and_small_values_stay_visible() {
        let results = Results { contenders: vec![contender("talc").pages(20).build()], ..sample::empty() };
        let (panels, left_out) = sort_out(&results, memory);
        let layout = Layout::of(&results, &panels, &left_out);
        let mut memory = panels[0].figures.clone();
        memory.grid.live_permille = vec![vec![0, 1, 1000], vec![0, 1, 500]];
        memory.grid.events_per_column = 100_000;
        let area = layout.panel(0);
        let tiles = tiles(&layout, &area, &memory);
        let levels: Vec<usize> = tiles.iter().map(|(_, level)| *level).collect();
        assert_eq!(levels, [0, 7, 3]);
        let [left, _, right, _] = tiles[0].0;
        assert_eq!((left, right), (area.left, area.right), "both columns");
        assert_eq!(mean(&[1, 0, 0, 7], 0, 3), 1);
        assert_eq!(mean(&[1, 0, 0, 7], 3, 3), 3, "rows beyond the end are empty");
    }

    #[test]
    fn without_a_grid_there_is_nothing_to_draw() {
        let mut talc = contender("talc").build();
        let Figure::Known(memory) = &mut talc.memory else { panic!("the sample has memory figures") };
        memory.grid.live_permille.clear();
        let svg = draw(vec![talc]);
        let svg = Document::parse(&svg).unwrap();
        assert_eq!(texts(&svg)[1..], ["There is nothing to draw.", "talc: the place of its live bytes is not known"]);
    }

    #[test]
    fn a_file_stays_small() {
        assert!(heap_map(&sample::results()).unwrap().len() < 100_000);
    }
}
