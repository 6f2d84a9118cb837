//! The heap at three moments: a strip for each, from the heap's base to its end, coloured by how full its parts are.
//!
//! Each contender's strips are as long as its own peak heap, so that a small heap shows as much as a large one; the sizes stand at right. What
//! is not committed yet is left out. The parts are the tiles of the heap map's column that ends with or after the moment.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::canvas::{self, Drawn, EDGE, HAIRLINE, INK, LINE, SOFT, Sheet, TEXT, WIDTH, Words};
use super::contenders::{LeftOut, Shown, not_shown, reasons, sort_out};
use super::frame::{header_height, notes_height, paint_notes, paint_subtitle};
use super::heap_map::memory;
use super::{data, heat, palette};
use crate::ReportError;
use crate::numbers::{bytes, grouped};
use crate::results::{Memory, Results};

/// Heights of a strip, of it with the space below, and of the space between contenders, in pixels.
const STRIP: i32 = 40;
const STEP: i32 = LINE + 4;
const GAP: i32 = 20;

/// Where the strips begin and end, between the moments' names and the sizes.
const LEFT: i32 = EDGE + 240;
const RIGHT: i32 = WIDTH as i32 - EDGE - 220;

/// Draws the strips. Contenders without memory figures are left out and named.
///
/// # Errors
///
/// [`ReportError::Draw`] where plotters could not draw.
pub fn heap_strips(results: &Results) -> Result<String, ReportError> {
    let (rows, left_out) = sort_out(results, memory);
    let words = words(results, &rows, &left_out);
    if rows.is_empty() {
        let mut message = vec!["There is nothing to draw.".to_string()];
        message.extend(reasons(&left_out));
        return canvas::message(&words, &message);
    }
    let subtitle =
        format!("{}; address from the heap's base to the right", canvas::platform(&results.provenance.target));
    let mut notes = vec![
        "length: share of the contender's own peak heap; its size at right".to_string(),
        "colours: as of the next 128th of the run that is complete".to_string(),
    ];
    notes.extend(not_shown(&left_out));
    let key = header_height(&subtitle) as i32 + 40;
    let top = key + heat::KEY as i32 + 8;
    let block = LINE + 3 * STEP + GAP;
    let bottom = top + block * rows.len() as i32;
    canvas::draw(&words, bottom as u32 + notes_height(&notes), |sheet| {
        canvas::heading(sheet, &words)?;
        paint_subtitle(sheet, &subtitle)?;
        heat::paint_key(sheet, key)?;
        for (index, row) in rows.iter().enumerate() {
            sheet.contender(&row.contender.name, || paint_block(sheet, row, results, top + block * index as i32))?;
        }
        paint_notes(sheet, &notes, bottom)
    })
}

/// The chart's data: a row for each contender, moment and part of its heap.
pub(super) fn data(results: &Results) -> String {
    let (rows, _) = sort_out(results, memory);
    let cells = rows.iter().flat_map(|row| {
        moments(row.figures, results).into_iter().flat_map(move |moment| {
            let grid = &row.figures.grid;
            let column = heat::column_at(grid, moment.event).unwrap_or_default();
            column.iter().enumerate().map(move |(index, permille)| {
                [
                    results.trace.name.clone(),
                    row.contender.name.clone(),
                    moment.name.into(),
                    moment.event.to_string(),
                    moment.heap_bytes.to_string(),
                    (index as u64 * grid.row_bytes).to_string(),
                    grid.row_bytes.to_string(),
                    permille.to_string(),
                ]
            })
        })
    });
    let header =
        ["trace", "contender", "moment", "event", "heap_bytes", "address_bytes", "length_bytes", "live_permille"];
    data::table(header, cells)
}

/// A moment of a contender's run.
struct Moment {
    name: &'static str,
    event: u64,
    heap_bytes: u64,
}

fn moments(memory: &Memory, results: &Results) -> [Moment; 3] {
    let committed = |event: u64| {
        let then = memory.timeline.iter().find(|point| point.event >= event).or(memory.timeline.last());
        then.map_or(memory.peak_heap_bytes, |point| point.committed_bytes)
    };
    let moment = |name, event| Moment { name, event, heap_bytes: committed(event) };
    [
        moment("peak live", results.trace.peak_live_event),
        moment("peak heap", memory.peak_heap_event),
        moment("end", results.trace.events),
    ]
}

fn words(results: &Results, rows: &[Shown<&Memory>], left_out: &[LeftOut]) -> Words {
    let mut description = format!(
        "How full the parts of each contender's heap are at the peak of live bytes, at the peak of the heap and at the end of the trace {}.",
        results.trace.name
    );
    if !rows.is_empty() {
        let row = |row: &Shown<&Memory>| {
            let sizes =
                moments(row.figures, results).map(|moment| format!("{} {}", moment.name, bytes(moment.heap_bytes)));
            format!("{}: {}", row.contender.name, sizes.join(", "))
        };
        description += &format!(" Heap of {}.", rows.iter().map(row).collect::<Vec<_>>().join("; "));
    }
    if !left_out.is_empty() {
        description += &format!(" Not shown: {}.", reasons(left_out).join("; "));
    }
    Words { subject: results.trace.name.clone(), what: "the heap at three moments", description }
}

fn paint_block(sheet: &Sheet, row: &Shown<&Memory>, results: &Results, top: i32) -> Drawn {
    let name = canvas::fit(&row.contender.name, TEXT, f64::from(RIGHT - EDGE));
    canvas::text(sheet, &name, (EDGE, top + LINE / 2), TEXT, palette::ink(row.style.color), HPos::Left)?;
    for (index, moment) in moments(row.figures, results).iter().enumerate() {
        let tip = format!(
            "{}, {}, after event {}: heap {}",
            row.contender.name,
            moment.name,
            grouped(moment.event),
            bytes(moment.heap_bytes)
        );
        let top = top + LINE + STEP * index as i32;
        sheet.tip(&tip, || paint_strip(sheet, row, moment, top))?;
    }
    Ok(())
}

fn paint_strip(sheet: &Sheet, row: &Shown<&Memory>, moment: &Moment, top: i32) -> Drawn {
    let memory = row.figures;
    let (bottom, middle) = (top + STRIP, top + STRIP / 2);
    let pixel = |address: u64| {
        let share = address as f64 / memory.peak_heap_bytes.max(1) as f64;
        LEFT + (share.min(1.0) * f64::from(RIGHT - LEFT)).round() as i32
    };
    canvas::text(sheet, moment.name, (LEFT - 16, middle), TEXT, SOFT, HPos::Right)?;
    let end = pixel(moment.heap_bytes);
    sheet.draw(&Rectangle::new([(LEFT, top), (end, bottom)], heat::EMPTY.filled()))?;
    let column = heat::column_at(&memory.grid, moment.event).unwrap_or_default();
    let tile = |(index, permille): (usize, &u16)| {
        let (from, to) = (index as u64 * memory.grid.row_bytes, (index as u64 + 1) * memory.grid.row_bytes);
        // The heap may have grown between the moment and the column's end.
        let (left, right) = (pixel(from), pixel(to).min(end));
        heat::level(*permille).filter(|_| left < right).map(|level| ([left, top, right, bottom], level))
    };
    let tiles: Vec<_> = column.iter().enumerate().filter_map(tile).collect();
    heat::paint_tiles(sheet, &tiles)?;
    let outline = vec![(LEFT, top), (end, top), (end, bottom), (LEFT, bottom), (LEFT, top)];
    sheet.draw(&PathElement::new(outline, row.style.color.stroke_width(HAIRLINE)))?;
    canvas::text(sheet, &bytes(moment.heap_bytes), (RIGHT + 20, middle), TEXT, INK, HPos::Left)
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;
    use crate::chart::structure::{child, of_contender, texts, tips};
    use crate::sample::{self, contender};

    fn results() -> Results {
        let contenders = vec![contender("talc").pages(20).build(), contender("wee_alloc").pages(200).build()];
        Results { contenders, ..sample::empty() }
    }

    #[test]
    fn has_three_strips_for_each() {
        let svg = heap_strips(&results()).unwrap();
        let svg = Document::parse(&svg).unwrap();
        for name in ["talc", "wee_alloc"] {
            assert_eq!(of_contender(&svg, name, "polyline").len(), 3, "{name}: outlines");
            // The name, three moments and three sizes.
            assert_eq!(of_contender(&svg, name, "text").len(), 7, "{name}");
        }
        assert_eq!(texts(&svg).iter().filter(|text| *text == "peak live").count(), 2);
        assert!(tips(&svg).contains(&"talc, end, after event 200,000: heap 1.25 MiB".to_string()), "{:?}", tips(&svg));
        assert!(child(&svg, "desc").contains("talc: peak live 1.25 MiB, peak heap 1.25 MiB, end 1.25 MiB"));
    }

    #[test]
    fn a_strip_ends_where_the_heap_did_at_the_moment() {
        let results = results();
        let memory = results.contenders[1].memory.known().unwrap();
        let mut early = results.clone();
        early.trace.peak_live_event = 30_000;
        let [live, peak, end] = moments(memory, &early);
        // After a fifth of the rise to 200 pages.
        assert_eq!(live.heap_bytes, 40 * sample::PAGE);
        assert_eq!((peak.heap_bytes, end.heap_bytes), (200 * sample::PAGE, 200 * sample::PAGE));
        let svg = heap_strips(&early).unwrap();
        let svg = Document::parse(&svg).unwrap();
        let outline = of_contender(&svg, "wee_alloc", "polyline")[0].attribute("points").unwrap().to_string();
        let end = LEFT + (f64::from(RIGHT - LEFT) / 5.0).round() as i32;
        assert!(outline.contains(&format!(" {end},")), "{outline}");
    }

    #[test]
    fn data_has_the_parts_at_each_moment() {
        let data = data(&results());
        // Of 20 and of 50 rows, at three moments.
        assert_eq!(data.lines().count(), 1 + 3 * (20 + 50));
        assert!(data.contains("serde-heavy,talc,end,200000,1310720,1245184,65536,950\n"), "{data}");
    }
}
