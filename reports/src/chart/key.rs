//! A key: the meaning of each shade, shape or hatch of a chart, in lines of its own.

use plotters::style::text_anchor::HPos;

use super::canvas::{self, Drawn, EDGE, INK, LINE, Sheet, TEXT, WIDTH};

/// Size of a swatch, and the space between it and its text.
const SWATCH: (i32, i32) = (60, 34);
const GAP: i32 = 14;

/// Space between entries.
const BETWEEN: i32 = 44;

/// The height of a key with these texts, in pixels; 0 without texts.
pub(super) fn height(texts: &[impl AsRef<str>]) -> u32 {
    places(texts).last().map_or(0, |&(_, line)| ((line + 1) * LINE + GAP) as u32)
}

/// Paints the key, with its first line at this height. `swatch` paints the sample before a text; it gets the text's
/// index and two corners.
pub(super) fn paint(
    sheet: &Sheet,
    texts: &[impl AsRef<str>],
    top: i32,
    mut swatch: impl FnMut(usize, [(i32, i32); 2]) -> Drawn,
) -> Drawn {
    for (index, ((x, line), text)) in places(texts).into_iter().zip(texts).enumerate() {
        let middle = top + line * LINE + LINE / 2;
        swatch(index, [(x, middle - SWATCH.1 / 2), (x + SWATCH.0, middle + SWATCH.1 / 2)])?;
        let room = f64::from(WIDTH as i32 - EDGE - x - SWATCH.0 - GAP);
        let text = canvas::fit(text.as_ref(), TEXT, room);
        canvas::text(sheet, &text, (x + SWATCH.0 + GAP, middle), TEXT, INK, HPos::Left)?;
    }
    Ok(())
}

/// The start and line of each entry: each line has as many entries as fit.
fn places(texts: &[impl AsRef<str>]) -> Vec<(i32, i32)> {
    let (mut x, mut line) = (EDGE, 0);
    let place = |text| {
        let width = SWATCH.0 + GAP + canvas::text_width(text, TEXT) as i32;
        if x > EDGE && x + width > WIDTH as i32 - EDGE {
            (x, line) = (EDGE, line + 1);
        }
        let place = (x, line);
        x += width + BETWEEN;
        place
    };
    texts.iter().map(AsRef::as_ref).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_fill_lines_and_never_overlap() {
        let texts = ["twenty characters ok"; 5];
        let width = SWATCH.0 + GAP + canvas::text_width(texts[0], TEXT) as i32 + BETWEEN;
        assert_eq!(
            places(&texts),
            [(EDGE, 0), (EDGE + width, 0), (EDGE, 1), (EDGE + width, 1), (EDGE, 2)],
            "two in a line of 1,600 pixels"
        );
        assert_eq!(height(&texts), 3 * LINE as u32 + 14);
        assert_eq!(height(&[""; 0]), 0);
        assert_eq!(places(&["m".repeat(100)]), [(EDGE, 0)], "it stays in the first line, where it is cut");
    }
}
