//! The colours of contenders beside their names. Those of charts are in the charts; on a dark page the style sheet turns all of them round.

use std::collections::BTreeSet;

use crate::chart::palette::{hex, style_of};
use crate::results::Results;

/// The rules for the swatches of all contenders.
pub(super) fn style(results: &[Results]) -> String {
    let names: BTreeSet<&str> =
        results.iter().flat_map(|one| &one.contenders).map(|contender| contender.name.as_str()).collect();
    let rule = |name| format!("[data-swatch=\"{}\"]{{--swatch:{}}}\n", css_string(name), hex(style_of(name).color));
    names.into_iter().map(rule).collect()
}

/// A name within a quoted string of a style sheet, in a `<style>`: what is not harmless is written as its code point. Control characters are
/// those that [`super::escape::escape`] leaves in the attribute that this is compared with.
fn css_string(name: &str) -> String {
    let shown = |letter: char| match letter {
        '\n' | '\t' => ' ',
        control if control.is_control() => '\u{FFFD}',
        other => other,
    };
    let written = |letter: char| {
        let harmless = letter.is_alphanumeric() || " -_.,:+/()".contains(letter);
        if harmless { letter.to_string() } else { format!("\\{:x} ", u32::from(letter)) }
    };
    name.chars().map(shown).map(written).collect()
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
