//! Colours of charts on a dark page. Charts are drawn for white paper; where the reader's system is dark, the page's style sheet gives each
//! colour another one: greys are turned round, and hues are lightened until they stand out.

use std::collections::{BTreeMap, BTreeSet};

use plotters::style::RGBColor;

use super::svg;
use crate::chart::palette::{contrast, hex, style_of};
use crate::results::Results;

/// The paper of a dark page; page.css has the same.
const DARK_PAPER: RGBColor = RGBColor(0x17, 0x1B, 0x21);

/// Contrast that marks and texts must have, by WCAG 2.
const MARK: f64 = 3.0;
const TEXT: f64 = 4.5;

/// The style sheet for these charts and contenders.
pub(super) fn style(charts: &[String], results: &[Results]) -> String {
    let names: BTreeSet<&str> =
        results.iter().flat_map(|one| &one.contenders).map(|contender| contender.name.as_str()).collect();
    let mut light = String::new();
    let mut dark = String::new();
    for name in names {
        let color = style_of(name).color;
        let selector = format!("[data-swatch=\"{}\"]", css_string(name));
        light += &format!("{selector}{{--swatch:{}}}\n", hex(color));
        dark += &format!("{selector}{{--swatch:{}}}\n", hex(lightened(color, MARK)));
    }
    // A colour that both writes and marks must be readable as text, too.
    let mut colors: BTreeMap<(&str, String), bool> = BTreeMap::new();
    for (kind, color, is_text) in charts.iter().flat_map(|chart| svg::colors(chart)) {
        *colors.entry((kind, color)).or_default() |= is_text;
    }
    for ((kind, color), is_text) in colors {
        let Some(before) = parse(&color) else { continue };
        let after = on_dark(before, is_text);
        if after != before {
            dark += &format!(".chart [{kind}=\"{color}\"]{{{kind}:{}}}\n", hex(after));
        }
    }
    format!("{light}@media screen and (prefers-color-scheme:dark){{\n{dark}}}\n")
}

/// What a colour of a chart is on a dark page.
fn on_dark(color: RGBColor, is_text: bool) -> RGBColor {
    let RGBColor(red, green, blue) = color;
    let is_grey = red.abs_diff(green) <= 8 && green.abs_diff(blue) <= 8 && red.abs_diff(blue) <= 8;
    if is_grey {
        return turned(color);
    }
    lightened(color, if is_text { TEXT } else { MARK })
}

/// A grey as far from the dark paper as it was from white.
fn turned(RGBColor(red, green, blue): RGBColor) -> RGBColor {
    let away = 255 - (u16::from(red) + u16::from(green) + u16::from(blue)) / 3;
    let RGBColor(paper_red, paper_green, paper_blue) = DARK_PAPER;
    let turned = |paper: u8| (u16::from(paper) + away * (245 - u16::from(paper)) / 255) as u8;
    RGBColor(turned(paper_red), turned(paper_green), turned(paper_blue))
}

/// The colour, mixed with white until it has this contrast to dark paper.
fn lightened(RGBColor(red, green, blue): RGBColor, least: f64) -> RGBColor {
    let mixed = |share: f64| {
        let mix = |byte: u8| (f64::from(byte) + (255.0 - f64::from(byte)) * share).round() as u8;
        RGBColor(mix(red), mix(green), mix(blue))
    };
    let shades = (0..=20).map(|step| mixed(f64::from(step) * 0.05));
    shades.into_iter().find(|&shade| contrast(shade, DARK_PAPER) >= least).unwrap_or(RGBColor(255, 255, 255))
}

fn parse(color: &str) -> Option<RGBColor> {
    let byte = |at: usize| u8::from_str_radix(color.get(at..at + 2)?, 16).ok();
    Some(RGBColor(byte(1)?, byte(3)?, byte(5)?))
}

/// A name within a quoted string of a style sheet, in a `<style>`. What is not harmless as it is gets written as its code point; the attribute
/// that it is compared with has been escaped, which only changes how control characters read.
fn css_string(name: &str) -> String {
    let shown = |letter: char| match letter {
        '\n' | '\t' => ' ',
        control if control.is_control() => '\u{FFFD}',
        other => other,
    };
    name.chars()
        .map(shown)
        .map(|letter| {
            let harmless = letter.is_alphanumeric() || " -_.,:+/()".contains(letter);
            if harmless { letter.to_string() } else { format!("\\{:x} ", u32::from(letter)) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, contender};

    #[test]
    fn what_is_drawn_or_written_stands_out_from_dark_paper() {
        for color in [
            RGBColor(0x33, 0x22, 0x88),
            RGBColor(0x66, 0x11, 0x00),
            RGBColor(0x88, 0x22, 0x55),
            RGBColor(0, 0x72, 0xB2),
        ] {
            assert!(contrast(on_dark(color, false), DARK_PAPER) >= MARK);
            assert!(contrast(on_dark(color, true), DARK_PAPER) >= TEXT);
        }
        // Ink and the softer ink of charts are texts.
        for grey in [RGBColor(0x22, 0x22, 0x22), RGBColor(0x59, 0x59, 0x59)] {
            assert!(contrast(on_dark(grey, true), DARK_PAPER) >= TEXT, "{grey:?}");
        }
        assert_eq!(on_dark(RGBColor(255, 255, 255), false), DARK_PAPER, "white paper becomes dark paper");
    }

    #[test]
    fn the_paper_is_that_of_the_page() {
        assert!(include_str!("page.css").contains(&format!("--paper: {}", hex(DARK_PAPER).to_lowercase())));
    }

    #[test]
    fn a_name_cannot_leave_its_string() {
        let mut results = sample::empty();
        results.contenders = vec![contender("a\"]{}</style><script>").build()];
        let style = style(&[], &[results]);
        assert!(!style.contains('<') && !style.contains("\"]{}"), "{style}");
    }
}
