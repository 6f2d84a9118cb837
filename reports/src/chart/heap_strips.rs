//! The heap at three moments: a strip for each, from the heap's base to its end, that shows the live objects in each
//! part.
//!
//! Each part of a strip with live objects has a bar: its height is the live share of the part, its colour the size
//! class with most of the live bytes. Small objects that pin large stretches of the heap become visible. Each
//! contender's strips are scaled to its own peak heap, so a small heap shows as much detail as a large one; the sizes
//! are on the right. Memory that is not committed yet is left out.

use std::ops::Range;

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::canvas::{self, Drawn, EDGE, HAIRLINE, INK, LINE, SOFT, Sheet, TEXT, WIDTH, Words};
use super::contenders::{LeftOut, Shown, not_shown, nothing, reasons, sort_out};
use super::frame::{header_height, notes_height, paint_notes, paint_subtitle};
use super::{data, heat, key, palette};
use crate::ReportError;
use crate::numbers::{bytes, grouped};
use crate::results::{Contender, Figure, Memory, Results, Strip};

/// Heights in pixels: of a strip, of a strip with the space below, and of the space between contenders.
const STRIP: i32 = 48;
const STEP: i32 = 56;
const GAP: i32 = 20;

/// Where the strips begin and end, between the names of the moments and the sizes.
const LEFT: i32 = EDGE + 240;
const RIGHT: i32 = WIDTH as i32 - EDGE - 220;

/// Strips per contender.
const MOMENTS: i32 = 3;

/// The largest size of each colour except the last: our own bins, and coarser classes above.
const UP_TO_BYTES: [u64; 6] = [16, 32, 64, 128, 1024, 32_768];
const CLASSES: [&str; 7] = ["up to 16 B", "32 B", "64 B", "128 B", "1 KiB", "32 KiB", "larger"];

/// Draws the strips. Contenders without them are left out and named.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn heap_strips(results: &Results) -> Result<String, ReportError> {
    let (rows, left_out) = sort_out(results, with_strips);
    let words = words(results, &rows, &left_out);
    if rows.is_empty() {
        return nothing(&words, &left_out);
    }
    let subtitle =
        format!("{}; objects by size; address from the heap's base", canvas::platform(&results.provenance.target));
    let mut notes = vec![
        "height: live share of the part; colour: size class of most of its live bytes".to_string(),
        "length: share of the contender's own peak heap; its size is on the right".to_string(),
    ];
    notes.extend(not_shown(&left_out));
    let keys = header_height(&subtitle) as i32 + 24;
    let top = keys + key::height(&CLASSES) as i32 + 8;
    let block = LINE + MOMENTS * STEP + GAP;
    let bottom = top + block * rows.len() as i32;
    canvas::draw(&words, bottom as u32 + notes_height(&notes), |sheet| {
        canvas::heading(sheet, &words)?;
        paint_subtitle(sheet, &subtitle)?;
        key::paint(sheet, &CLASSES, keys, |index, corners| {
            sheet.draw(&Rectangle::new(corners, heat::shade(index + 1).filled()))
        })?;
        for (index, row) in rows.iter().enumerate() {
            sheet.contender(&row.contender.name, || paint_block(sheet, row, top + block * index as i32))?;
        }
        paint_notes(sheet, &notes, bottom)
    })
}

/// The chart's data: a row per contender, moment and part of its heap. Size and age are empty if nothing is live.
pub(super) fn data(results: &Results) -> String {
    let (rows, _) = sort_out(results, with_strips);
    let cells = rows.iter().flat_map(|row| {
        row.figures.strips.iter().flat_map(move |strip| {
            strip.live_permille.iter().enumerate().map(move |(index, permille)| {
                let of_part = |list: &[Option<u64>]| data::cell(list.get(index).copied().flatten());
                [
                    results.trace.name.clone(),
                    row.contender.name.clone(),
                    strip.at.name().to_owned(),
                    strip.event.to_string(),
                    strip.committed_bytes.to_string(),
                    (index as u64).saturating_mul(strip.part_bytes).to_string(),
                    strip.part_bytes.to_string(),
                    permille.to_string(),
                    of_part(&strip.most_size_up_to_bytes),
                    of_part(&strip.mean_age_events),
                ]
            })
        })
    });
    let header = [
        "trace",
        "contender",
        "moment",
        "event",
        "heap_bytes",
        "address_bytes",
        "length_bytes",
        "live_permille",
        "most_size_up_to_bytes",
        "mean_age_events",
    ];
    data::table(header, cells)
}

fn with_strips(contender: &Contender) -> Result<&Memory, String> {
    match &contender.memory {
        Figure::Unknown { unknown } => Err(unknown.to_string()),
        Figure::Known(memory) if memory.strips.is_empty() => Err("the place of its objects is not known".into()),
        Figure::Known(memory) => Ok(memory),
    }
}

/// The name of a strip's moment.
fn moment(strip: &Strip) -> String {
    strip.at.name().replace('-', " ")
}

fn words(results: &Results, rows: &[Shown<&Memory>], left_out: &[LeftOut]) -> Words {
    let mut description = format!(
        "The live objects in each part of each contender's heap at the peak of live bytes, at the peak of the heap and at the \
         end of the trace {}: how much is live, and the size class of most of it.",
        results.trace.name
    );
    if !rows.is_empty() {
        let row = |row: &Shown<&Memory>| {
            let sizes: Vec<_> = row
                .figures
                .strips
                .iter()
                .map(|strip| format!("{} {}", moment(strip), bytes(strip.committed_bytes)))
                .collect();
            format!("{}: {}", row.contender.name, sizes.join(", "))
        };
        description += &format!(" Heap of {}.", rows.iter().map(row).collect::<Vec<_>>().join("; "));
    }
    if !left_out.is_empty() {
        description += &format!(" Not shown: {}.", reasons(left_out).join("; "));
    }
    Words { subject: results.trace.name.clone(), what: "the heap at three moments", description }
}

fn paint_block(sheet: &Sheet, row: &Shown<&Memory>, top: i32) -> Drawn {
    let name = canvas::fit(&row.contender.name, TEXT, f64::from(RIGHT - EDGE));
    canvas::text(sheet, &name, (EDGE, top + LINE / 2), TEXT, palette::ink(row.style.color), HPos::Left)?;
    for (index, strip) in (0..MOMENTS).zip(&row.figures.strips) {
        let tip = format!(
            "{}, {}, after event {}: heap {}",
            row.contender.name,
            moment(strip),
            grouped(strip.event),
            bytes(strip.committed_bytes)
        );
        sheet.tip(&tip, || paint_strip(sheet, row, strip, top + LINE + STEP * index))?;
    }
    Ok(())
}

fn paint_strip(sheet: &Sheet, row: &Shown<&Memory>, strip: &Strip, top: i32) -> Drawn {
    let (bottom, middle) = (top + STRIP, top + STRIP / 2);
    let peak = row.figures.peak_heap_bytes.max(1);
    let pixel = |address: u64| {
        let share = address as f64 / peak as f64;
        LEFT + (share.min(1.0) * f64::from(RIGHT - LEFT)).round() as i32
    };
    canvas::text(sheet, &moment(strip), (LEFT - 16, middle), TEXT, SOFT, HPos::Right)?;
    let end = pixel(strip.committed_bytes);
    sheet.draw(&Rectangle::new([(LEFT, top), (end, bottom)], heat::EMPTY.filled()))?;
    let bars = bars(strip).into_iter().map(|bar| {
        // A small share stays visible.
        let height = (i32::from(bar.permille.min(1000)) * STRIP / 1000).max(4);
        let place = |part: u64| pixel(part.saturating_mul(strip.part_bytes));
        let (left, right) = (place(bar.parts.start), place(bar.parts.end).min(end));
        ([left, bottom - height, right.max(left + 1), bottom], bar.class + 1)
    });
    heat::paint_tiles(sheet, &bars.collect::<Vec<_>>())?;
    let outline = vec![(LEFT, top), (end, top), (end, bottom), (LEFT, bottom), (LEFT, top)];
    sheet.draw(&PathElement::new(outline, row.style.color.stroke_width(HAIRLINE)))?;
    canvas::text(sheet, &bytes(strip.committed_bytes), (RIGHT + 20, middle), TEXT, INK, HPos::Left)
}

/// Adjacent parts that look the same.
#[derive(Debug, PartialEq, Eq)]
struct Bar {
    parts: Range<u64>,
    /// The live share of the parts.
    permille: u16,
    /// Index of their size class.
    class: usize,
}

fn bars(strip: &Strip) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Vec::new();
    for ((part, &permille), up_to) in (0..).zip(&strip.live_permille).zip(&strip.most_size_up_to_bytes) {
        let Some(up_to) = *up_to else { continue };
        let class = UP_TO_BYTES.iter().position(|&limit| up_to <= limit).unwrap_or(UP_TO_BYTES.len());
        match bars.last_mut() {
            Some(last) if last.parts.end == part && (last.permille, last.class) == (permille, class) => {
                last.parts.end += 1;
            }
            _ => bars.push(Bar { parts: part..part + 1, permille, class }),
        }
    }
    bars
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

    /// The results with this change to wee_alloc's strips.
    fn with(change: impl Fn(&mut Vec<Strip>)) -> Results {
        let mut results = results();
        let Figure::Known(memory) = &mut results.contenders[1].memory else { panic!("it is known") };
        change(&mut memory.strips);
        results
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
    fn a_strip_ends_where_the_heap_ended_at_that_moment() {
        let early = with(|strips| strips[0].committed_bytes = 40 * sample::PAGE);
        let svg = heap_strips(&early).unwrap();
        let svg = Document::parse(&svg).unwrap();
        let outline = of_contender(&svg, "wee_alloc", "polyline")[0].attribute("points").unwrap().to_string();
        let end = LEFT + (f64::from(RIGHT - LEFT) / 5.0).round() as i32;
        assert!(outline.contains(&format!(" {end},")), "{outline}");
    }

    #[test]
    fn a_bar_is_as_high_as_its_part_is_full_and_coloured_by_size() {
        let one = with(|strips| {
            strips.truncate(1);
            let Strip { live_permille: live, most_size_up_to_bytes: sizes, .. } = &mut strips[0];
            live.fill(0);
            sizes.fill(None);
            // Two equal parts, a fuller part of the same class, and an almost empty part of large objects.
            live[3..7].copy_from_slice(&[500, 500, 1000, 1]);
            sizes[3..7].copy_from_slice(&[Some(16), Some(8), Some(16), Some(1 << 20)]);
        });
        let bar = |parts, permille, class| Bar { parts, permille, class };
        assert_eq!(
            bars(&one.contenders[1].memory.known().unwrap().strips[0]),
            [bar(3..5, 500, 0), bar(5..6, 1000, 0), bar(6..7, 1, 6)]
        );
        let svg = heap_strips(&one).unwrap();
        let svg = Document::parse(&svg).unwrap();
        let fill = |class: usize| palette::hex(heat::shade(class + 1));
        let small = of_contender(&svg, "wee_alloc", "path");
        let small: Vec<_> = small.iter().filter(|path| path.attribute("fill") == Some(&fill(0))).collect();
        assert_eq!(small.len(), 1);
        assert!(small[0].attribute("d").unwrap().contains(&format!("v{}", STRIP / 2)), "half: {:?}", small[0]);
        let rects = of_contender(&svg, "wee_alloc", "rect");
        let large = rects.iter().find(|rect| rect.attribute("fill") == Some(&fill(6))).unwrap();
        assert_eq!(large.attribute("height"), Some("4"), "a small share stays visible");
    }

    #[test]
    fn data_has_the_parts_at_each_moment() {
        let data = data(&results());
        // 20 and 50 parts, at three moments.
        assert_eq!(data.lines().count(), 1 + 3 * (20 + 50));
        assert!(data.contains("serde-heavy,talc,end,200000,1310720,1245184,65536,950,256,19000\n"), "{data}");
        assert!(data.contains("serde-heavy,talc,end,200000,1310720,1179648,65536,0,,\n"), "{data}");
    }

    #[test]
    fn a_contender_without_strips_is_named() {
        let svg = heap_strips(&Results { contenders: vec![], ..results() }).unwrap();
        assert!(canvas::message_of(&svg).is_some());
        let svg = heap_strips(&with(Vec::clear)).unwrap();
        assert!(svg.contains("not shown: wee_alloc: the place of its objects is not known"), "{svg}");
    }
}
