//! Size against lifetime: whether it is the small objects that die young, and what the long-lived ones are.
//!
//! A tile is a class of both by powers of two, and the darker it is, the more objects are in it, in steps of ten times. Objects that are never
//! freed have no lifetime and lie apart, above all that have one. It cannot see when they lived: two groups in one tile may never have met.

use plotters::prelude::*;

use super::canvas::{self, Drawn, SOFT, Sheet, Words};
use super::classes::{Classes, Direction, in_words};
use super::frame::{Frame, notes_height};
use super::histograms::never_freed;
use super::{data, key};
use crate::ReportError;
use crate::numbers::{count, grouped, short};
use crate::results::{Distributions, Figure, Results};

/// The shades, from the least share in per cent that has each, lightest first. In grey they are in the same order.
const SHADES: [(f64, RGBColor, &str); 5] = [
    (0.0, RGBColor(0xD3, 0xE0, 0xEC), "< 0.01 %"),
    (0.01, RGBColor(0xA3, 0xBF, 0xD9), "< 0.1 %"),
    (0.1, RGBColor(0x68, 0x95, 0xBF), "< 1 %"),
    (1.0, RGBColor(0x2F, 0x64, 0x96), "< 10 %"),
    (10.0, RGBColor(0x0B, 0x2A, 0x4A), "10 % or more"),
];

/// A tile has a tooltip from this share on, in per cent: on all of them they would be most of the file.
const TOLD: f64 = 1.0;

const WHAT: &str = "size and lifetime of objects";

/// A tile: the first values of its classes, without a lifetime for objects that were never freed, and its objects.
type Tile = (u64, Option<u64>, u64);

/// Draws how many objects of each class of sizes have each class of lifetimes.
///
/// # Errors
///
/// [`ReportError::Draw`] where plotters could not draw.
pub fn joint(results: &Results) -> Result<String, ReportError> {
    let found = match &results.trace.distributions {
        Figure::Known(found) => found,
        Figure::Unknown { unknown } => return nothing(results, &format!("the distribution is not known ({unknown})")),
    };
    let tiles = tiles(found);
    let total: u64 = tiles.iter().map(|tile| tile.2).sum();
    if total == 0 {
        return nothing(results, "the trace has no object");
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
        // All tiles of a shade after each other, so that they are one path.
        for (index, (_, color, _)) in SHADES.iter().enumerate() {
            for tile in tiles.iter().filter(|tile| shade(percent(tile.2, total)) == index) {
                let (x, y) = (sizes.span(tile.0), tile.1.map_or(lifetimes.never(), |from| lifetimes.span(from)));
                let corners = [frame.pixel(&plot, x.start, y.end), frame.pixel(&plot, x.end, y.start)];
                paint_tile(sheet, corners, *color, told(tile, total).as_deref())?;
            }
        }
        key::paint(sheet, &texts, (frame.height() - notes_height(&[])) as i32, |index, corners| {
            sheet.draw(&Rectangle::new(corners, SHADES[index].1.filled()))?;
            sheet.draw(&Rectangle::new(corners, SOFT.stroke_width(1)))
        })
    })
}

/// The data: a row a tile; objects that were never freed have no lifetime.
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
        "Heat map of the objects of the trace {}: size when freed to the right, lifetime in bytes allocated upwards. Of {}, most are: {}.",
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

/// The tooltip of a tile, where it has one.
fn told(tile: &Tile, total: u64) -> Option<String> {
    (percent(tile.2, total) >= TOLD).then(|| in_full(tile, total))
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
    fn a_tile_is_as_dark_as_it_is_frequent() {
        let svg = joint(&sample::results()).unwrap();
        let svg = Document::parse(&svg).unwrap();
        // Of 90,000 objects, 40,000 are the most in a tile, and 500 the least.
        let tips = tips(&svg);
        assert!(
            tips.contains(&"16 B to below 32 B, lifetime 64 B to below 128 B: 40,000 (44.4 %)".to_string()),
            "{tips:?}"
        );
        assert_eq!(tips.len(), 6, "all but the one below 1 %, which is of objects that were never freed: {tips:?}");
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
    fn shades_are_steps_of_ten_times() {
        let shades = [0.0, 0.009, 0.01, 0.5, 1.0, 9.9, 10.0, 100.0].map(shade);
        assert_eq!(shades, [0, 0, 1, 2, 3, 3, 4, 4]);
    }

    #[test]
    fn what_is_not_known_is_said() {
        let unknown = joint(&sample::empty()).unwrap();
        assert!(unknown.contains("There is nothing to draw: the distribution is not known (not looked at)."));
        let mut none = sample::empty();
        none.trace.distributions = Figure::Known(Distributions::default());
        assert!(joint(&none).unwrap().contains("the trace has no object"));
        assert_eq!(data(&none), "trace,size_from_bytes,lifetime_from_bytes,objects\n");
    }

    #[test]
    fn objects_that_were_never_freed_have_no_lifetime_in_the_data() {
        let data = data(&sample::results());
        assert!(data.contains("serde-heavy,16,64,40000\n") && data.ends_with("serde-heavy,128,,500\n"), "{data}");
    }
}
