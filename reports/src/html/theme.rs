//! The colours of contenders beside their names. Charts contain their own; a dark page inverts both by its style sheet.

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::chart::palette::{hex, style_of};
use crate::results::Results;

/// A contender's colour, as a small square.
pub(super) fn swatch(name: &str) -> Markup {
    html! { i.swatch data-swatch=(name) {} }
}

/// The rules for the swatches of all contenders.
pub(super) fn style(results: &[Results]) -> String {
    let native = results.iter().flat_map(|one| &one.contenders).map(|contender| contender.name.as_str());
    let in_wasm = results.iter().flat_map(|one| &one.wasm).flat_map(|wasm| &wasm.rows).map(|row| row.name.as_str());
    let names: BTreeSet<&str> = native.chain(in_wasm).collect();
    let rule = |name| format!("[data-swatch=\"{}\"]{{--swatch:{}}}\n", css_string(name), hex(style_of(name).color));
    names.into_iter().map(rule).collect()
}

/// A name within a quoted string of a style sheet, in a `<style>`: what could end it is written as a code point.
/// Control characters stay: the page replaces them here as in the attribute that this is compared with.
fn css_string(name: &str) -> String {
    let written = |letter: char| {
        let is_control = letter.is_control() && letter != '\n';
        let stays = is_control || letter.is_alphanumeric() || " -_.,:+/()".contains(letter);
        if stays { letter.to_string() } else { format!("\\{:x} ", u32::from(letter)) }
    };
    name.chars().map(written).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, contender};

    #[test]
    fn each_contender_has_its_colour_once() {
        let style = style(&[sample::results(), sample::results()]);
        assert_eq!(style.matches("[data-swatch=\"dlmalloc\"]{--swatch:#0072B2}").count(), 1, "{style}");
    }

    #[test]
    fn a_name_cannot_leave_its_string() {
        let mut results = sample::empty();
        results.contenders = vec![contender("a\"]{}</style><script>").build()];
        let style = style(&[results]);
        assert!(!style.contains('<') && !style.contains("\"]{}"), "{style}");
    }
}
