//! What the terms of the page mean, in a sentence or two: shown on hover, focus and tap, and as a list at the end.
//!
//! The catalogue of metrics defines the figures, and this file the terms that are none.

use super::escape::escape;
use crate::model;

/// A term that is no metric.
struct Term {
    /// By what headings refer to it.
    id: &'static str,
    /// As the page writes it.
    term: &'static str,
    /// What it means.
    text: &'static str,
}

const fn term(id: &'static str, term: &'static str, text: &'static str) -> Term {
    Term { id, term, text }
}

/// All terms that are no metrics, in the order of the list.
const TERMS: [Term; 10] = [
    term(
        "live",
        "live (R)",
        "Bytes that the program holds: the sum of the sizes of its live objects. No allocator can do with less.",
    ),
    term(
        "committed",
        "committed (H)",
        "Pages that the allocator has taken, times the page size. The simulated heap never shrinks, as WebAssembly's memory does not.",
    ),
    term(
        "alone",
        "allocator code alone",
        "What times are called where nothing is written into the blocks. They are no program's: a program writes what it asks for, and pays for the page faults and cache misses of it.",
    ),
    term(
        "gross",
        "gross ns per operation",
        "Wall time of a whole replay over its operations, the harness's own time included.",
    ),
    term("floor", "floor", "The harness alone, without any allocator: its time is contained in every other one."),
    term(
        "interval",
        "95 % interval",
        "Where the true value lies with 95 % confidence. For a median it is formed of interpolated order statistics of the rounds (Hettmansperger and Sheather 1986), for a mean over traces by Student's t and a bootstrap-t on logarithms.",
    ),
    term(
        "inconclusive",
        "inconclusive",
        "The interval of the ratio contains 1: these rounds do not show which of the two is faster.",
    ),
    term("baseline", "yardstick", "Takes part for comparison only: you would not ship it, and it cannot be the best."),
    term(
        "ablation",
        "ablation",
        "A variant of another contender with one decision switched, to show what that decision does. It wins nothing.",
    ),
    term(
        "geomean",
        "geometric mean",
        "The mean of ratios: their product's root, so that being twice as fast on one trace and half as fast on another is 1. Recorded and synthetic traces are never averaged together.",
    ),
];

/// The id of this definition, so that a heading refers to none that is not there.
pub(super) fn definition(id: &str) -> &str {
    assert!(all().any(|(of, ..)| of == id), "no definition is called {id}");
    id
}

/// Of every definition its id, its term, the metric that it is of, and its text.
fn all() -> impl Iterator<Item = (&'static str, &'static str, Option<&'static str>, &'static str)> {
    let metrics = model::headings().map(|(name, of)| (of.id, of.full, Some(name), of.definition));
    TERMS.iter().map(|Term { id, term, text }| (*id, *term, None, *text)).chain(metrics)
}

/// A term in running text, whose definition comes up on hover, focus and tap.
pub(super) fn link(id: &str, words: &str) -> String {
    format!("<button type=\"button\" class=\"term\" data-def=\"{id}\">{}</button>", escape(words))
}

/// The list of all terms.
pub(super) fn list() -> String {
    let mut html = "<section id=\"definitions\"><h2>Definitions</h2>\n<dl class=\"definitions\">\n".to_owned();
    for (id, term, metric, text) in all() {
        let metric = metric.map(|name| format!(" <code>{name}</code>")).unwrap_or_default();
        html += &format!("<div><dt>{}{metric}</dt><dd id=\"def-{id}\">{}</dd></div>\n", escape(term), escape(text));
    }
    html += "</dl>\n<p class=\"note\">Names in code are those of exports; METRICS.md of Heaprace defines each with its formula, its range and its blind spot.</p>\n</section>\n";
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_is_there_once() {
        let all: Vec<_> = all().collect();
        for (index, (id, term, _, text)) in all.iter().enumerate() {
            assert!(all[..index].iter().all(|other| other.0 != *id && other.1 != *term), "{id}");
            assert!(text.ends_with('.'), "{id}");
        }
        assert!(all.iter().filter(|(_, _, metric, _)| metric.is_some()).count() > 10);
    }
}
