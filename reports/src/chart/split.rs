//! The split of the heap at its peak: what a contender's memory consists of when it is largest.
//!
//! Two contenders with the same peak may differ in everything else: one holds free blocks that the program's next phase
//! can use, another lost them to internal fragmentation. Each bar is the whole heap of its contender, because heaps may
//! differ by a factor of twenty; its size is at the end of the bar. What a contender does not report is shown as
//! unreported.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::axis::Axis;
use super::canvas::{self, Drawn, INK, SOFT, Sheet, TEXT, Words};
use super::contenders::{LeftOut, Shown, failing, not_shown, nothing, reasons, sort_out};
use super::frame::{notes_height, paint_notes};
use super::rows::Rows;
use super::{data, key};
use crate::ReportError;
use crate::numbers::{bytes, short};
use crate::results::{Contender, Figure, Moment, PartKind, Results, Split};

/// The kinds of parts in the order of a bar: what the program requested, what came with it, what is free, what is lost.
const KINDS: [(PartKind, &str, Fill); 7] = [
    (PartKind::Requested, "requested", Fill::Solid(RGBColor(0x1B, 0x3B, 0x5A), WHITE)),
    (PartKind::Rounding, "internal fragmentation", Fill::Solid(RGBColor(0x86, 0xA8, 0xC9), INK)),
    (PartKind::Metadata, "metadata", Fill::Upright),
    (PartKind::Free, "free", Fill::Solid(RGBColor(0xD0, 0xE1, 0xF0), INK)),
    (PartKind::Tail, "never used yet", Fill::Solid(WHITE, INK)),
    (PartKind::Lost, "lost", Fill::Level),
    (PartKind::Unknown, "not reported", Fill::Dots),
];

/// Height of a row and of its bar.
const ROW: u32 = 84;
const BAR: i32 = 56;

/// A kind is in the key if it has at least this share of some bar, in per cent.
const SEEN: f64 = 0.3;

const WHAT: &str = "the heap at its peak";

/// The fill of a kind, distinguishable from its neighbours without colour.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fill {
    /// A single colour; the second is that of the text on it.
    Solid(RGBColor, RGBColor),
    /// Vertical lines.
    Upright,
    /// Horizontal lines.
    Level,
    /// Sparse dots.
    Dots,
}

/// Draws the parts of each contender's heap when it first reaches its peak.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn split(results: &Results) -> Result<String, ReportError> {
    let (shown, left_out) = sort_out(results, at_peak);
    let words = words(results, &shown, &left_out);
    if shown.is_empty() {
        return nothing(&words, &left_out);
    }
    let notes: Vec<String> = failing(&shown).into_iter().chain(not_shown(&left_out)).collect();
    let rows = Rows {
        subtitle: format!(
            "{}; when the heap first has the most pages; peak live {}",
            canvas::platform(&results.provenance.target),
            bytes(results.trace.peak_live_bytes)
        ),
        names: shown.iter().map(|one| (one.contender.name.clone(), one.style.color)).collect(),
        row_height: ROW,
        widest_value: canvas::widest(shown.iter().map(|one| bytes(one.figures.committed_bytes))),
        x_title: "share of the contender's own heap, %".into(),
        x: Axis::linear(0.0, 100.0, "%"),
        notes: Vec::new(),
    };
    let kinds: Vec<_> = KINDS
        .iter()
        .filter(|(kind, _, _)| shown.iter().any(|one| percent(one.figures, sum(one.figures, *kind)) >= SEEN))
        .collect();
    let texts: Vec<&str> = kinds.iter().map(|(_, text, _)| *text).collect();
    let key_top = (rows.height() - notes_height(&[])) as i32;
    let notes_top = key_top + key::height(&texts) as i32;
    canvas::draw(&words, notes_top as u32 + notes_height(&notes), |sheet| {
        canvas::heading(sheet, &words)?;
        rows.paint(sheet)?;
        for (index, one) in shown.iter().enumerate() {
            sheet.contender(&one.contender.name, || paint_row(sheet, &rows, index, one))?;
        }
        key::paint(sheet, &texts, key_top, |index, corners| paint_fill(sheet, kinds[index].2, corners))?;
        paint_notes(sheet, &notes, notes_top)
    })
}

/// The data: a row per part, by the contender's names.
pub(super) fn data(results: &Results) -> String {
    let (shown, _) = sort_out(results, at_peak);
    let rows = shown.iter().flat_map(|one| {
        one.figures.parts.iter().map(|part| {
            [
                results.trace.name.clone(),
                one.contender.name.clone(),
                one.figures.event.to_string(),
                format!("{:?}", part.kind).to_lowercase(),
                part.name.clone(),
                part.bytes.to_string(),
            ]
        })
    });
    data::table(["trace", "contender", "event", "kind", "part", "bytes"], rows)
}

/// The split of a contender's heap at its peak.
fn at_peak(contender: &Contender) -> Result<&Split, String> {
    match &contender.memory {
        Figure::Unknown { unknown } => Err(unknown.to_string()),
        Figure::Known(memory) => {
            let split = memory.splits.iter().find(|split| split.at == Moment::PeakHeap && split.committed_bytes > 0);
            split.ok_or_else(|| "it has no split of its heap".to_string())
        }
    }
}

/// The bytes of all parts of a kind.
fn sum(split: &Split, kind: PartKind) -> u64 {
    split.parts.iter().filter(|part| part.kind == kind).map(|part| part.bytes).sum()
}

fn percent(split: &Split, bytes: u64) -> f64 {
    bytes as f64 * 100.0 / split.committed_bytes as f64
}

fn words(results: &Results, shown: &[Shown<&Split>], left_out: &[LeftOut]) -> Words {
    let mut description = format!(
        "What each contender's heap on the trace {} consists of when it first has the most pages.",
        results.trace.name
    );
    for one in shown {
        let parts = KINDS.iter().map(|(kind, text, _)| (sum(one.figures, *kind), text)).filter(|(bytes, _)| *bytes > 0);
        let texts: Vec<String> =
            parts.map(|(bytes, text)| format!("{text} {} %", short(percent(one.figures, bytes)))).collect();
        let whole = bytes(one.figures.committed_bytes);
        description += &format!(" {}, {whole}: {}.", one.contender.name, texts.join(", "));
    }
    if !left_out.is_empty() {
        description += &format!(" Not shown: {}.", reasons(left_out).join("; "));
    }
    Words { subject: results.trace.name.clone(), what: WHAT, description }
}

fn paint_row(sheet: &Sheet, rows: &Rows, row: usize, one: &Shown<&Split>) -> Drawn {
    rows.paint_name(sheet, row)?;
    let middle = rows.middle(row);
    let mut before = 0;
    for (kind, text, fill) in KINDS {
        let size = sum(one.figures, kind);
        if size == 0 {
            continue;
        }
        let share = percent(one.figures, size);
        let (left, right) = (rows.pixel(percent(one.figures, before)), rows.pixel(percent(one.figures, before + size)));
        before += size;
        let tip = format!("{}, {text}: {} ({} %)", one.contender.name, bytes(size), short(share));
        sheet.tip(&tip, || {
            paint_fill(sheet, fill, [(left, middle - BAR / 2), (right, middle + BAR / 2)])?;
            paint_share(sheet, fill, &format!("{share:.0} %"), (left, right), middle)
        })?;
    }
    canvas::text(sheet, &bytes(one.figures.committed_bytes), (rows.value_left(), middle), TEXT, INK, HPos::Left)
}

/// Writes a share into its part of the bar, if it fits.
fn paint_share(sheet: &Sheet, fill: Fill, text: &str, (left, right): (i32, i32), middle: i32) -> Drawn {
    let width = canvas::text_width(text, TEXT) as i32;
    if right - left < width + 16 {
        return Ok(());
    }
    let centre = (left + right) / 2;
    let ink = match fill {
        Fill::Solid(_, ink) => ink,
        _ => {
            // Text would be unreadable on lines.
            let ground = [(centre - width / 2, middle - 22), (centre + width / 2, middle + 22)];
            sheet.draw(&Rectangle::new(ground, WHITE.filled()))?;
            INK
        }
    };
    canvas::text(sheet, text, (centre, middle), TEXT, ink, HPos::Center)
}

/// Fills a rectangle and draws its outline.
fn paint_fill(sheet: &Sheet, fill: Fill, corners: [(i32, i32); 2]) -> Drawn {
    let ground = match fill {
        Fill::Solid(color, _) => color,
        _ => WHITE,
    };
    sheet.draw(&Rectangle::new(corners, ground.filled()))?;
    for Stripe { from, to, style, dashes } in stripes(fill, corners) {
        sheet.dashed(dashes, || sheet.draw(&PathElement::new(vec![from, to], style)))?;
    }
    sheet.draw(&Rectangle::new(corners, INK.stroke_width(2)))
}

/// A line of a hatch. If it is dashed, one line is many strokes or dots, which keeps the file small.
struct Stripe {
    from: (i32, i32),
    to: (i32, i32),
    style: ShapeStyle,
    dashes: &'static str,
}

/// The lines that fill a rectangle.
fn stripes(fill: Fill, [(left, top), (right, bottom)]: [(i32, i32); 2]) -> Vec<Stripe> {
    let level = |indent: i32, y: i32, color: RGBColor, width: u32, dashes: &'static str| Stripe {
        from: ((left + indent).min(right), y),
        to: (right, y),
        style: color.stroke_width(width),
        dashes,
    };
    let (height, middle) = (bottom - top, (top + bottom) / 2);
    match fill {
        Fill::Solid(..) => Vec::new(),
        Fill::Upright => vec![level(4, middle, INK, height.unsigned_abs(), "4 8")],
        Fill::Level => (top + 6..bottom - 2).step_by(11).map(|y| level(0, y, INK, 4, "")).collect(),
        Fill::Dots => [(1, 6), (3, 18), (5, 6)]
            .map(|(sixths, indent)| level(indent, top + height * sixths / 6, SOFT, 5, "5 19"))
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;
    use crate::chart::structure::{child, texts, tips, unreadable};
    use crate::sample::{self, PAGE, contender};

    fn draw(contenders: Vec<Contender>) -> String {
        split(&Results { contenders, ..sample::empty() }).unwrap()
    }

    #[test]
    fn a_bar_is_all_of_the_heap() {
        // 16 pages are live; of the other 16, half are free and half are not reported.
        let svg = draw(vec![contender("talc").pages(32).build(), contender("bump").pages(3200).build()]);
        let svg = Document::parse(&svg).unwrap();
        let tips = tips(&svg);
        assert_eq!(
            tips[..3],
            ["talc, requested: 1 MiB (50.0 %)", "talc, free: 512 KiB (25.0 %)", "talc, not reported: 512 KiB (25.0 %)"]
        );
        let bars = |name: &str| -> Vec<(i32, i32)> {
            let number = |node: &roxmltree::Node, name| node.attribute(name).unwrap().parse::<i32>().unwrap();
            let of_it = |tip: &str| tip.starts_with(&format!("{name}, "));
            let groups = svg.descendants().filter(|node| node.attribute("data-tip").is_some_and(of_it));
            let bars = groups.map(|group| group.children().find(|node| node.has_tag_name("rect")).unwrap());
            bars.map(|bar| (number(&bar, "x"), number(&bar, "x") + number(&bar, "width"))).collect()
        };
        let (talc, bump) = (bars("talc"), bars("bump"));
        assert_eq!(
            (talc[0].0, talc[2].1),
            (bump[0].0, bump[2].1),
            "equal width, although it is a hundred times larger"
        );
        assert!(talc.windows(2).all(|pair| (pair[0].1 - pair[1].0).abs() <= 1), "no gaps: {talc:?}");
        let texts = texts(&svg);
        for text in ["2 MiB", "200 MiB", "requested", "free", "not reported", "50 %"] {
            assert!(texts.contains(&text.to_string()), "{text} in {texts:?}");
        }
        assert!(!texts.contains(&"lost".to_string()), "the key has only what is visible");
        assert!(child(&svg, "desc").contains("talc, 2 MiB: requested 50.0 %, free 25.0 %, not reported 25.0 %."));
        assert_eq!(unreadable(&svg), [""; 0]);
    }

    #[test]
    fn every_kind_has_a_fill_of_its_own() {
        for (index, (kind, text, fill)) in KINDS.iter().enumerate() {
            for (other, other_text, other_fill) in &KINDS[..index] {
                assert!(kind != other && text != other_text && fill != other_fill, "{text} and {other_text}");
            }
        }
    }

    #[test]
    fn lines_stay_within_their_rectangle() {
        for corners in [[(100, 10), (300, 66)], [(100, 10), (112, 66)], [(5, 5), (6, 6)]] {
            let [(left, top), (right, bottom)] = corners;
            for (_, text, fill) in KINDS {
                let stripes = stripes(fill, corners);
                for (x, y) in stripes.iter().flat_map(|stripe| [stripe.from, stripe.to]) {
                    assert!(
                        (left..=right).contains(&x) && (top..=bottom).contains(&y),
                        "{text}: {x}, {y} in {corners:?}"
                    );
                }
                let is_solid = matches!(fill, Fill::Solid(..));
                assert!(bottom - top < 20 || stripes.is_empty() == is_solid, "{text}");
            }
        }
    }

    #[test]
    fn the_data_has_the_parts_by_the_names_of_the_contender() {
        let results = Results { contenders: vec![contender("talc").pages(32).build()], ..sample::empty() };
        let data = data(&results);
        assert!(data.starts_with("trace,contender,event,kind,part,bytes\n"), "{data}");
        assert!(data.contains("serde-heavy,talc,150000,free,bin of 16,262144\n"), "{data}");
        let sum: u64 = data.lines().skip(1).map(|row| row.rsplit(',').next().unwrap().parse::<u64>().unwrap()).sum();
        assert_eq!(sum, 32 * PAGE);
    }

    #[test]
    fn contenders_without_a_split_are_named() {
        let mut talc = contender("talc").build();
        let Figure::Known(memory) = &mut talc.memory else { panic!("the sample has memory figures") };
        memory.splits.clear();
        let svg = draw(vec![contender("bump").failed_requests(3).build(), talc]);
        assert!(svg.contains("not shown: talc: it has no split of its heap"));
        assert!(svg.contains("did less work because requests failed: bump (3)"));
        assert!(draw(vec![]).contains("No contender took part."));
    }
}
