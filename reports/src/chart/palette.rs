//! One colour and one dash pattern per contender, the same in every chart.
//!
//! The first colours are those of Okabe and Ito (2008), the others those of Tol's muted scheme; both are made for
//! people with red-green colour blindness. That many colours cannot all differ in grey, so each also has a dash
//! pattern, and charts write names next to lines.

use plotters::style::{BLACK, RGBColor, WHITE};

/// How a contender is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) color: RGBColor,
    /// Lengths of alternating dashes and gaps, in pixels, as in SVG; empty for a solid line.
    pub(super) dashes: &'static str,
}

const fn style(red: u8, green: u8, blue: u8, dashes: &'static str) -> Style {
    Style { color: RGBColor(red, green, blue), dashes }
}

const SOLID: &str = "";
const LONG: &str = "36 12";
const SHORT: &str = "14 10";
const DOTS: &str = "5 9";
const DASH_DOT: &str = "30 9 6 9";
const DASH_DOT_DOT: &str = "30 9 6 9 6 9";

/// The known contenders. Two with the same dashes differ in lightness.
const KNOWN: &[(&str, Style)] = &[
    ("swept-bump", style(0x00, 0x00, 0x00, SOLID)),
    ("segregated-bump", style(0xD5, 0x5E, 0x00, SOLID)),
    ("segregated-bump-mv", style(0xE6, 0x9F, 0x00, SHORT)),
    ("dlmalloc", style(0x00, 0x72, 0xB2, LONG)),
    ("wasmalloc", style(0x56, 0xB4, 0xE9, SOLID)),
    ("wee_alloc", style(0xCC, 0x79, 0xA7, DASH_DOT_DOT)),
    ("talc", style(0x00, 0x9E, 0x73, DASH_DOT)),
    ("bump", style(0x88, 0x22, 0x55, DOTS)),
    ("rlsf", style(0x33, 0x22, 0x88, SHORT)),
    ("linked_list_allocator", style(0x22, 0x22, 0x55, LONG)),
    ("buddy_system_allocator", style(0x99, 0x99, 0x33, LONG)),
    ("mimalloc", style(0x11, 0x77, 0x33, SHORT)),
    ("jemalloc", style(0xAA, 0x44, 0x99, DASH_DOT)),
    ("lol_alloc", style(0x66, 0x11, 0x00, DASH_DOT_DOT)),
    ("null", style(0x77, 0x77, 0x77, DOTS)),
];

/// For contenders that are not in the table. Two of them may share a style; their names distinguish them.
const OTHERS: &[Style] = &[
    style(0x44, 0xAA, 0x99, LONG),
    style(0xCC, 0x66, 0x77, DASH_DOT),
    style(0x66, 0x66, 0xBB, SHORT),
    style(0x80, 0x60, 0x30, DASH_DOT_DOT),
    style(0x00, 0x55, 0x77, DOTS),
];

/// The style of the contender with this name. It is the same in every version.
pub(crate) fn style_of(name: &str) -> Style {
    match KNOWN.iter().find(|(known, _)| *known == name) {
        Some((_, style)) => *style,
        None => OTHERS[(fnv1a(name) % OTHERS.len() as u64) as usize],
    }
}

/// The colour, darkened until text in it is readable on white: a contrast of 4.5, as WCAG 2 requires.
pub(super) fn ink(color: RGBColor) -> RGBColor {
    let darker = |RGBColor(red, green, blue), share: f64| {
        let scale = |byte: u8| (f64::from(byte) * share) as u8;
        RGBColor(scale(red), scale(green), scale(blue))
    };
    let shades = (0..20).map(|step| darker(color, 1.0 - f64::from(step) * 0.05));
    shades.into_iter().find(|&shade| contrast(shade, WHITE) >= 4.5).unwrap_or(BLACK)
}

/// Contrast of two colours by WCAG 2: 1 for equal lightness, 21 for black on white.
pub(crate) fn contrast(one: RGBColor, other: RGBColor) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// Relative luminance by WCAG 2: 0 is black and 1 is white.
fn luminance(RGBColor(red, green, blue): RGBColor) -> f64 {
    let linear = |byte: u8| match f64::from(byte) / 255.0 {
        share if share <= 0.04045 => share / 12.92,
        share => ((share + 0.055) / 1.055).powf(2.4),
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

/// The colour in SVG notation: `#0072B2`.
pub(crate) fn hex(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// FNV-1a: distributes names, and is stable across machines and versions, unlike the standard library's hasher.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Style> {
        KNOWN.iter().map(|(_, style)| *style).chain(OTHERS.iter().copied()).collect()
    }

    #[test]
    fn colours_are_unique() {
        let all = all();
        for (index, style) in all.iter().enumerate() {
            assert!(all[..index].iter().all(|other| other.color != style.color), "{style:?}");
        }
    }

    #[test]
    fn every_colour_stands_out_from_white() {
        for style in all() {
            assert!(contrast(style.color, WHITE) >= 2.0, "{style:?}: {:.2}", contrast(style.color, WHITE));
            assert!(contrast(ink(style.color), WHITE) >= 4.5, "{style:?} as text");
        }
    }

    #[test]
    fn colours_alike_in_grey_have_different_dashes() {
        let known: Vec<Style> = KNOWN.iter().map(|(_, style)| *style).collect();
        for (index, one) in known.iter().enumerate() {
            for other in &known[..index] {
                let contrast = contrast(one.color, other.color);
                assert!(one.dashes != other.dashes || contrast >= 1.5, "{one:?} and {other:?}: {contrast:.2}");
            }
        }
    }

    #[test]
    fn contrast_matches_its_definition() {
        assert!((contrast(BLACK, WHITE) - 21.0).abs() < 1e-9);
        // #767676 is the lightest grey that passes 4.5 on white.
        assert!(contrast(RGBColor(0x76, 0x76, 0x76), WHITE) >= 4.5);
        assert!(contrast(RGBColor(0x77, 0x77, 0x77), WHITE) < 4.5);
        assert_eq!(ink(BLACK), BLACK);
    }

    #[test]
    fn styles_are_stable() {
        assert_eq!(hex(style_of("dlmalloc").color), "#0072B2");
        assert_eq!(style_of("somebody's"), style_of("somebody's"));
        // The published FNV-1a value of "foobar".
        assert_eq!(fnv1a("foobar"), 0x8594_4171_F739_67E8);
    }
}
