//! A colour scale that keeps its order in grey, with tiles painted in it and a key: how full a part of the heap is, for
//! the heap map.
//!
//! The colours are those of cividis (Nuñez, Anderton and Renslow 2018), lightest where least is live. Their lightness
//! changes in even steps, so they keep their order in grey. They run from yellow to blue, which people with red-green
//! colour blindness can distinguish.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::canvas::{self, Drawn, EDGE, INK, LINE, SOFT, Sheet, TEXT, WIDTH};
use crate::results::Memory;

/// From almost nothing live to almost everything.
const LEVELS: [RGBColor; 8] = [
    RGBColor(0xF8, 0xE0, 0x4A),
    RGBColor(0xD6, 0xC1, 0x5F),
    RGBColor(0xB4, 0xA7, 0x6E),
    RGBColor(0x95, 0x8F, 0x78),
    RGBColor(0x78, 0x78, 0x78),
    RGBColor(0x57, 0x5F, 0x6D),
    RGBColor(0x34, 0x47, 0x6C),
    RGBColor(0x00, 0x28, 0x5E),
];

/// Committed, with nothing live.
pub(super) const EMPTY: RGBColor = RGBColor(0xEE, 0xEE, 0xEE);

/// Height of the key, in pixels.
pub(super) const KEY: u32 = 100;

/// The level of a share in thousandths; `None` if nothing is live.
pub(super) fn level(permille: u16) -> Option<usize> {
    (permille > 0).then(|| (usize::from(permille) * LEVELS.len() / 1001).min(LEVELS.len() - 1))
}

/// The colour of a level.
pub(super) fn shade(level: usize) -> RGBColor {
    LEVELS[level.min(LEVELS.len() - 1)]
}

/// The bytes of address space that the grid covers, up to the end of the heap.
pub(super) fn spanned(memory: &Memory) -> u64 {
    let rows = memory.grid.live_permille.iter().map(Vec::len).max().unwrap_or(0) as u64;
    rows.saturating_mul(memory.grid.row_bytes).max(memory.peak_heap_bytes)
}

/// Paints tiles, each (left, top, right, bottom) in pixels, with its level. Tiles of one level are consecutive: `svg`
/// merges them into one path.
pub(super) fn paint_tiles(sheet: &Sheet, tiles: &[([i32; 4], usize)]) -> Drawn {
    for (level, color) in LEVELS.iter().enumerate() {
        for ([left, top, right, bottom], _) in tiles.iter().filter(|(_, of)| *of == level) {
            sheet.draw(&Rectangle::new([(*left, *top), (*right, *bottom)], color.filled()))?;
        }
    }
    Ok(())
}

/// Paints the key, with its upper edge at this height.
pub(super) fn paint_key(sheet: &Sheet, top: i32) -> Drawn {
    const BOX: i32 = 84;
    canvas::text(sheet, "live bytes", (EDGE, top + LINE / 2), TEXT, INK, HPos::Left)?;
    let none = EDGE + 260;
    let first = none + 2 * BOX;
    let lefts = [none].into_iter().chain((0..).map(|index| first + BOX * index));
    for (left, color) in lefts.zip([EMPTY].iter().chain(&LEVELS)) {
        sheet.draw(&Rectangle::new([(left, top + 6), (left + BOX, top + LINE - 6)], color.filled()))?;
    }
    let full = first + BOX * LEVELS.len() as i32;
    for (x, text) in [(none + BOX / 2, "none"), (first, "0 %"), ((first + full) / 2, "50 %"), (full, "100 %")] {
        canvas::text(sheet, text, (x, top + LINE + 18), TEXT, SOFT, HPos::Center)?;
    }
    debug_assert!(full < WIDTH as i32 - EDGE);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_evenly_apart_in_lightness() {
        let lightness = |RGBColor(red, green, blue): &RGBColor| {
            let linear = |byte: &u8| match f64::from(*byte) / 255.0 {
                share if share <= 0.04045 => share / 12.92,
                share => ((share + 0.055) / 1.055).powf(2.4),
            };
            // CIE 1976, for relative luminances above 0.9 %.
            116.0 * (0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)).cbrt() - 16.0
        };
        let steps: Vec<f64> = LEVELS.windows(2).map(|pair| lightness(&pair[0]) - lightness(&pair[1])).collect();
        assert!(steps.iter().all(|step| (8.0..=13.5).contains(step)), "{steps:.1?}");
        assert!(lightness(&EMPTY) > lightness(&LEVELS[0]) + 3.0, "empty is lighter than the first level");
    }

    #[test]
    fn a_small_share_has_a_level() {
        assert_eq!(
            [0, 1, 125, 126, 500, 501, 875, 1000].map(level),
            [None, Some(0), Some(0), Some(1), Some(3), Some(4), Some(6), Some(7)]
        );
    }
}
