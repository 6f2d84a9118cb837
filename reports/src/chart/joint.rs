//! Size against lifetime: whether small objects die young, and what the long-lived objects are.
//!
//! A tile is a class of both size and lifetime by powers of two. The darker it is, the more objects are in it, in steps
//! of a factor of ten. Objects that are never freed have no lifetime and a separate place above all others. The chart
//! cannot see when objects lived: two groups in one tile may never coexist.

use plotters::prelude::*;

use super::canvas::{self, Drawn, SOFT, Sheet, Words};
use super::classes::{Classes, Direction, in_words};
use super::frame::{Frame, notes_height};
use super::histograms::never_freed;
use super::{data, key};
use crate::ReportError;
use crate::numbers::{count, grouped, short};
use crate::results::{Distributions, Figure, Results};

/// The shades, lightest first, each with the smallest share in per cent that has it. Their order is the same in grey.
const SHADES: [(f64, RGBColor, &str); 5] = [
    (0.0, RGBColor(0xD3, 0xE0, 0xEC), "< 0.01 %"),
    (0.01, RGBColor(0xA3, 0xBF, 0xD9), "< 0.1 %"),
    (0.1, RGBColor(0x68, 0x95, 0xBF), "< 1 %"),
    (1.0, RGBColor(0x2F, 0x64, 0x96), "< 10 %"),
    (10.0, RGBColor(0x0B, 0x2A, 0x4A), "10 % or more"),
];

/// Tiles have a tooltip from this share on, in per cent: tooltips on all tiles would dominate the file size.
const TOOLTIP_FROM: f64 = 1.0;

const WHAT: &str = "size and lifetime of objects";

/// A tile: the first values of its classes, without a lifetime for objects that are never freed, and its number of
/// objects.
type Tile = (u64, Option<u64>, u64);

/// Draws the number of objects in each class of size and lifetime.
///
/// # Errors
///
/// [`ReportError::Draw`] if plotters fails to draw.
pub fn joint(results: &Results) -> Result<String, ReportError> {
    let found = match &results.trace.distributions {
        Figure::Known(found) => found,
        Figure::Unknown { unknown } => return nothing(results, &format!("the distribution is not known ({unknown})")),
    };
    let tiles = tiles(found);
    let total: u64 = tiles.iter().map(|tile| tile.2).sum();
    if total == 0 {
        return nothing(results, "the trace has no objects");
    }
    let words = words(results, &tiles, total);
    let never = if never_freed(found) > 0 { "never" } else { "" };
    let sizes = Classes::new(tiles.iter().map(|tile| tile.0), "", Direction::Right(1250.0));
    let lifetimes = Classes::new(tiles.iter().filter_map(|tile| tile.1), never, Direction::Up(700.0));
    let frame = Frame {
        subtitle: subtitle(found),
        x_title: "size when freed, log scale".into(),
        x: sizes.axis.clone(),
        y_title: "bytes allocated during the lifetime, log scale".into(),
        y: lifetimes.axis.clone(),
        name_room: 0,
        name_count: 1,
        notes: Vec::new(),
    };
    let texts = SHADES.map(|(_, _, text)| text);
    canvas::draw(&words, frame.height() + key::height(&texts), |sheet| {
        canvas::heading(sheet, &words)?;
        let plot = frame.paint(sheet)?;
        // All tiles of a shade are consecutive, so that they become one path.
        for (index, (_, color, _)) in SHADES.iter().enumerate() {
            for tile in tiles.iter().filter(|tile| shade(percent(tile.2, total)) == index) {
                let (x, y) = (sizes.span(tile.0), tile.1.map_or(lifetimes.never(), |from| lifetimes.span(from)));
                let corners = [frame.pixel(&plot, x.start, y.end), frame.pixel(&plot, x.end, y.start)];
                paint_tile(sheet, corners, *color, tooltip(tile, total).as_deref())?;
            }
        }
        key::paint(sheet, &texts, (frame.height() - notes_height(&[])) as i32, |index, corners| {
            sheet.draw(&Rectangle::new(corners, SHADES[index].1.filled()))?;
            sheet.draw(&Rectangle::new(corners, SOFT.stroke_width(1)))
        })
    })
}

/// The data: a row per tile; objects that are never freed have no lifetime.
pub(super) fn data(results: &Results) -> String {
    let tiles = results.trace.distributions.known().map_or(Vec::new(), tiles);
    let row = |&(size, lifetime, objects): &Tile| {
        [results.trace.name.clone(), size.to_string(), data::cell(lifetime), objects.to_string()]
    };
    data::table(["trace", "size_from_bytes", "lifetime_from_bytes", "objects"], tiles.iter().map(row))
}

fn tiles(found: &Distributions) -> Vec<Tile> {
    let freed = found.sizes_by_lifetime.iter();
    let freed = freed.map(|class| (class.size_from_bytes, Some(class.lifetime_from_bytes), class.count));
    freed.chain(found.never_freed_sizes.iter().map(|class| (class.from_bytes, None, class.count))).collect()
}

fn percent(count: u64, total: u64) -> f64 {
    count as f64 * 100.0 / total as f64
}

/// The index of the shade of a share in per cent.
fn shade(percent: f64) -> usize {
    SHADES.iter().rposition(|&(least, _, _)| percent >= least).unwrap_or(0)
}

fn nothing(results: &Results, reason: &str) -> Result<String, ReportError> {
    let description = format!("There is nothing to draw: {reason}.");
    let words = Words { subject: results.trace.name.clone(), what: WHAT, description: description.clone() };
    canvas::message(&words, &[description])
}

fn subtitle(found: &Distributions) -> String {
    let freed: u64 = found.lifetimes.iter().map(|class| class.count).sum();
    match never_freed(found) {
        0 => format!("{}, all freed; their share by shade", count(freed, "object")),
        never => {
            let all = count(freed + never, "object");
            format!("{all}, {} of them never freed; their share by shade", grouped(never))
        }
    }
}

fn words(results: &Results, tiles: &[Tile], total: u64) -> Words {
    let mut largest: Vec<&Tile> = tiles.iter().collect();
    largest.sort_by_key(|tile| (std::cmp::Reverse(tile.2), tile.0, tile.1));
    let top: Vec<String> = largest.iter().take(3).map(|tile| in_full(tile, total)).collect();
    let description = format!(
        "Heat map of the objects of the trace {}: size when freed horizontally, lifetime in bytes allocated vertically. Of {}, most are: {}.",
        results.trace.name,
        count(total, "object"),
        top.join("; ")
    );
    Words { subject: results.trace.name.clone(), what: WHAT, description }
}

/// A tile in words.
fn in_full(&(size, lifetime, objects): &Tile, total: u64) -> String {
    let lifetime = lifetime.map_or("never freed".into(), |from| format!("lifetime {}", in_words(from)));
    format!("{}, {lifetime}: {} ({} %)", in_words(size), grouped(objects), short(percent(objects, total)))
}

/// The tooltip of a tile, if it has one.
fn tooltip(tile: &Tile, total: u64) -> Option<String> {
    (percent(tile.2, total) >= TOOLTIP_FROM).then(|| in_full(tile, total))
}

fn paint_tile(sheet: &Sheet, corners: [(i32, i32); 2], color: RGBColor, tip: Option<&str>) -> Drawn {
    let [(left, top), (right, bottom)] = corners;
    let tile = || sheet.draw(&Rectangle::new([(left, top), (right - 1, bottom - 1)], color.filled()));
    tip.map_or_else(tile, |tip| sheet.tip(tip, tile))
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;
    use crate::chart::palette::hex;
    use crate::chart::structure::{child, texts, tips, unreadable};
    use crate::sample;

    #[test]
    fn frequent_tiles_are_darker() {
        let svg = joint(&sample::results()).unwrap();
        let svg = Document::parse(&svg).unwrap();
        // Of 90,000 objects, the largest tile has 40,000 and the smallest 500.
        let tips = tips(&svg);
        assert!(
            tips.contains(&"16 B to below 32 B, lifetime 64 B to below 128 B: 40,000 (44.4 %)".to_string()),
            "{tips:?}"
        );
        assert_eq!(tips.len(), 6, "all but the tile below 1 %, which has the objects that are never freed: {tips:?}");
        let color_of = |tip: &str| {
            let group =
                svg.descendants().find(|node| node.attribute("data-tip").is_some_and(|text| text.contains(tip)));
            let tile = group.unwrap().children().find(|node| node.has_tag_name("rect")).unwrap();
            tile.attribute("fill").unwrap().to_string()
        };
        assert_eq!(color_of("40,000"), hex(SHADES[4].1));
        assert_eq!(color_of("1,000 (1.11 %)"), hex(SHADES[3].1));
        assert!(texts(&svg).contains(&"never".to_string()));
        assert!(child(&svg, "desc").contains("Of 90,000 objects, most are: 16 B to below 32 B, lifetime 64 B"));
        assert_eq!(unreadable(&svg), [""; 0]);
    }

    #[test]
    fn shades_are_steps_of_a_factor_of_ten() {
        let shades = [0.0, 0.009, 0.01, 0.5, 1.0, 9.9, 10.0, 100.0].map(shade);
        assert_eq!(shades, [0, 0, 1, 2, 3, 3, 4, 4]);
    }

    #[test]
    fn a_missing_distribution_is_reported() {
        let unknown = joint(&sample::empty()).unwrap();
        assert!(unknown.contains("There is nothing to draw: the distribution is not known (not examined)."));
        let mut none = sample::empty();
        none.trace.distributions = Figure::Known(Distributions::default());
        assert!(joint(&none).unwrap().contains("the trace has no objects"));
        assert_eq!(data(&none), "trace,size_from_bytes,lifetime_from_bytes,objects\n");
    }

    #[test]
    fn objects_that_are_never_freed_have_no_lifetime_in_the_data() {
        let data = data(&sample::results());
        assert!(data.contains("serde-heavy,16,64,40000\n") && data.ends_with("serde-heavy,128,,500\n"), "{data}");
    }
}
