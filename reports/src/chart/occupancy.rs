//! How full pages are when a contender's heap first reaches its peak: a histogram of pages for each contender.
//!
//! Pages on the right are full. Pages on the left are empty, or pinned: a few live bytes keep the whole page from being
//! returned, or reused for a large object. Only requested bytes count, so internal fragmentation and metadata count as
//! empty.

use plotters::prelude::*;

use super::axis::{Axis, Scale, Tick};
use super::canvas::{self, Drawn, SOFT, Sheet, Words};
use super::contenders::{LeftOut, Shown, failing, not_shown, nothing, reasons, sort_out};
use super::frame::{notes_height, paint_notes};
use super::panels::{self, Panels};
use super::{data, palette};
use crate::ReportError;
use crate::numbers::{count, grouped, short};
use crate::results::{Contender, Figure, Memory, OccupancyAt, Results};

/// Classes of pages: empty, one per started tenth, and full.
const CLASSES: usize = 12;

const WHAT: &str = "page occupancy at the peak";

/// Draws each contender's pages by how full they are when its heap first has the most pages.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn occupancy(results: &Results) -> Result<String, ReportError> {
    let (shown, left_out) = sort_out(results, memory);
    let words = words(results, &shown, &left_out);
    if shown.is_empty() {
        return nothing(&words, &left_out);
    }
    let notes: Vec<String> = failing(&shown).into_iter().chain(not_shown(&left_out)).collect();
    let page = crate::numbers::bytes(results.settings.page_bytes);
    let y = Axis { ticks: percent_ticks(), ..Axis::linear(0.0, 100.0, "%") };
    let titles: Vec<String> = shown.iter().flat_map(titles).collect();
    let panels = Panels {
        subtitle: format!("{}; pages of {page}", canvas::platform(&results.provenance.target)),
        columns: panels::columns(shown.len(), titles.iter().map(String::as_str), &y),
        count: shown.len(),
        title_lines: 2,
        x_title: "live bytes in a page".into(),
        x: classes_axis(),
        y_title: "share of the contender's pages, %".into(),
        y,
    };
    let notes_top = panels.bottom() + 16;
    canvas::draw(&words, notes_top as u32 + notes_height(&notes), |sheet| {
        canvas::heading(sheet, &words)?;
        panels.paint(sheet)?;
        for (index, one) in shown.iter().enumerate() {
            sheet.contender(&one.contender.name, || paint_panel(sheet, &panels, index, one))?;
        }
        paint_notes(sheet, &notes, notes_top)
    })
}

/// The data: a row per contender and class.
pub(super) fn data(results: &Results) -> String {
    let (shown, _) = sort_out(results, memory);
    let rows = shown.iter().flat_map(|one| {
        let at = at_peak(one);
        at.pages_by_tenth.iter().enumerate().map(move |(class, pages)| {
            let (trace, name) = (results.trace.name.clone(), one.contender.name.clone());
            [trace, name, at.event.to_string(), class_name(class), pages.to_string()]
        })
    });
    data::table(["trace", "contender", "event", "live_share", "pages"], rows)
}

fn memory(contender: &Contender) -> Result<&Memory, String> {
    match &contender.memory {
        Figure::Unknown { unknown } => Err(unknown.to_string()),
        Figure::Known(memory) => match &memory.occupancy.at_peak_heap {
            at if at.pages_by_tenth.len() == CLASSES && at.committed_pages > 0 => Ok(memory),
            _ => Err("its pages were not examined".into()),
        },
    }
}

fn at_peak<'a>(one: &Shown<'a, &'a Memory>) -> &'a OccupancyAt {
    &one.figures.occupancy.at_peak_heap
}

/// The name of a class: `empty`, `above 0 %`, `10 % to below 20 %`, `full`.
fn class_name(class: usize) -> String {
    match class {
        0 => "empty".into(),
        1 => "above 0 % to below 10 %".into(),
        11 => "full".into(),
        _ => format!("{} % to below {} %", (class - 1) * 10, class * 10),
    }
}

/// An axis of classes by index, with labels at the ends and in the middle.
fn classes_axis() -> Axis {
    let tick = |position, label: &str| Tick { position, label: label.into() };
    Axis {
        scale: Scale::Linear,
        range: 0.0..CLASSES as f64,
        ticks: vec![tick(0.5, "empty"), tick(6.0, "50 %"), tick(11.5, "full")],
        note: String::new(),
        kind: "",
    }
}

fn percent_ticks() -> Vec<Tick> {
    [0, 50, 100].map(|percent| Tick { position: f64::from(percent), label: percent.to_string() }).into()
}

fn words(results: &Results, shown: &[Shown<&Memory>], left_out: &[LeftOut]) -> Words {
    let mut description = format!(
        "Histograms of pages by the share of live bytes in them, on the trace {}, when each contender's heap first had the most pages.",
        results.trace.name
    );
    for one in shown {
        let at = at_peak(one);
        let full = at.pages_by_tenth.last().copied().unwrap_or(0);
        let empty = at.committed_pages.saturating_sub(at.occupied_pages);
        description += &format!(
            " {}: {}, {} of them full, {} empty, {} with live bytes in less than a tenth.",
            one.contender.name,
            count(at.committed_pages, "page"),
            grouped(full),
            grouped(empty),
            grouped(at.pinned_pages)
        );
    }
    if !left_out.is_empty() {
        description += &format!(" Not shown: {}.", reasons(left_out).join("; "));
    }
    Words { subject: results.trace.name.clone(), what: WHAT, description }
}

/// The titles above a panel.
fn titles(one: &Shown<&Memory>) -> [String; 2] {
    let at = at_peak(one);
    let live = match at.live_share {
        None => String::new(),
        Some(share) if share < 0.01 => ", < 1 % live".into(),
        Some(share) => format!(", {:.0} % live", share * 100.0),
    };
    [one.contender.name.clone(), count(at.committed_pages, "page") + &live]
}

fn paint_panel(sheet: &Sheet, panels: &Panels, index: usize, one: &Shown<&Memory>) -> Drawn {
    let at = at_peak(one);
    let [name, about] = titles(one);
    panels.paint_title(sheet, index, 0, &name, palette::ink(one.style.color))?;
    panels.paint_title(sheet, index, 1, &about, SOFT)?;
    let panel = panels.panel(index);
    for (class, &pages) in at.pages_by_tenth.iter().enumerate() {
        if pages == 0 {
            continue;
        }
        let percent = pages as f64 * 100.0 / at.committed_pages as f64;
        let (left, top) = panels.pixel(panel, class as f64, percent);
        let (right, bottom) = panels.pixel(panel, class as f64 + 1.0, 0.0);
        let tip =
            format!("{}, {}: {} ({} %)", one.contender.name, class_name(class), count(pages, "page"), short(percent));
        // A class with pages is visible, however few they are.
        let corners = [(left + 2, top.min(bottom - 4)), (right - 2, bottom)];
        sheet.tip(&tip, || sheet.draw(&Rectangle::new(corners, one.style.color.filled())))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;
    use crate::chart::structure::{child, of_contender, texts, tips, unreadable};
    use crate::sample::{self, contender};

    fn draw(contenders: Vec<Contender>) -> String {
        occupancy(&Results { contenders, ..sample::empty() }).unwrap()
    }

    #[test]
    fn each_contender_has_a_panel_of_its_pages() {
        let mut talc = contender("talc").pages(20).build();
        let Figure::Known(memory) = &mut talc.memory else { panic!("the sample has memory figures") };
        memory.occupancy.at_peak_heap.live_share = Some(0.62);
        let svg = draw(vec![talc, contender("bump").pages(8000).build()]);
        let svg = Document::parse(&svg).unwrap();
        // Of 20 pages, 10 are full, 5 are half empty and 5 are empty.
        assert_eq!(
            tips(&svg)[..3],
            [
                "talc, empty: 5 pages (25.0 %)",
                "talc, 40 % to below 50 %: 5 pages (25.0 %)",
                "talc, full: 10 pages (50.0 %)"
            ]
        );
        for name in ["talc", "bump"] {
            assert_eq!(of_contender(&svg, name, "rect").len(), 3, "{name}");
        }
        for about in ["20 pages, 62 % live", "8,000 pages"] {
            assert!(texts(&svg).contains(&about.to_string()), "{:?}", texts(&svg));
        }
        assert!(child(&svg, "desc").contains("talc: 20 pages, 10 of them full, 5 empty, 0 with live bytes in less"));
        assert_eq!(unreadable(&svg), [""; 0]);
    }

    #[test]
    fn a_class_with_few_pages_is_visible() {
        let mut talc = contender("talc").pages(8000).build();
        let Figure::Known(memory) = &mut talc.memory else { panic!("the sample has memory figures") };
        memory.occupancy.at_peak_heap.pages_by_tenth = vec![7999, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        let svg = draw(vec![talc]);
        let svg = Document::parse(&svg).unwrap();
        let heights: Vec<i32> = (of_contender(&svg, "talc", "rect").iter())
            .map(|bar| bar.attribute("height").unwrap().parse().unwrap())
            .collect();
        assert_eq!(heights.len(), 2);
        assert!(heights[1] >= 4, "{heights:?}");
    }

    #[test]
    fn the_classes_match_those_of_the_results() {
        let names: Vec<String> = (0..CLASSES).map(class_name).collect();
        assert_eq!(names[..3], ["empty", "above 0 % to below 10 %", "10 % to below 20 %"]);
        assert_eq!(names[10..], ["90 % to below 100 %", "full"]);
        let results = Results { contenders: vec![contender("talc").build()], ..sample::empty() };
        assert!(data(&results).ends_with("serde-heavy,talc,150000,full,10\n"));
    }

    #[test]
    fn contenders_not_shown_are_named() {
        let mut talc = contender("talc").build();
        let Figure::Known(memory) = &mut talc.memory else { panic!("the sample has memory figures") };
        memory.occupancy.at_peak_heap = OccupancyAt::default();
        assert!(draw(vec![talc, contender("bump").build()]).contains("not shown: talc: its pages were not examined"));
        assert!(draw(vec![]).contains("No contender took part."));
    }
}
