//! What the terms of the page mean, in a sentence or two: shown on hover, focus and tap, and listed at the end.
//!
//! The catalogue of metrics defines the figures, and this file the other terms.

use maud::{Markup, html};

use super::heading::{Level, part};
use crate::model;

/// The id, term and text of every term that is not a metric, in the order of the list.
const TERMS: [(&str, &str, &str); 11] = [
    (
        "live",
        "live (R)",
        "Bytes that the program holds: the sum of its live objects' sizes. No allocator can take less.",
    ),
    (
        "committed",
        "committed (H)",
        "Pages that the allocator has taken, times the page size. The simulated heap never shrinks, as WebAssembly's memory does not.",
    ),
    (
        "largestrequest",
        "largest request that could still succeed",
        "The largest gap between live blocks, or the last gap with what the heap may still grow by up to its limit, whichever is larger. No larger request can succeed. Whether one of this size does is up to the allocator: its headers and alignment take a part of the gap.",
    ),
    (
        "alone",
        "allocator code alone",
        "Said of times when nothing is written into the blocks. No program has these times: it writes to the memory that it requests, and pays for the page faults and cache misses.",
    ),
    ("gross", "gross ns per operation", "Wall time of a replay over its operations, the harness's own time included."),
    ("floor", "floor", "The harness alone, without any allocator. Every gross time includes its time."),
    (
        "interval",
        "95 % interval",
        "The range in which the true value lies with 95 % confidence. For a median it comes from interpolated order statistics of the rounds (Hettmansperger and Sheather 1986), for a mean over traces from Student's t and a bootstrap-t on logarithms.",
    ),
    ("inconclusive", "inconclusive", "The ratio's interval contains 1: these rounds do not show which is faster."),
    ("baseline", "yardstick", "Takes part for comparison only: you would not ship it, and it cannot win."),
    (
        "ablation",
        "ablation",
        "A variant of another contender with one decision switched, to show what that decision does. It cannot win.",
    ),
    (
        "geomean",
        "geometric mean",
        "The mean of ratios: the nth root of their product, so that twice as fast on one trace and half as fast on another average to 1. Recorded and synthetic traces are never averaged together.",
    ),
];

/// The id of this definition, checked to exist.
pub(super) fn definition(id: &str) -> &str {
    assert!(all().any(|(of, ..)| of == id), "no definition is called {id}");
    id
}

/// The id, term, metric (if it defines one) and text of every definition.
fn all() -> impl Iterator<Item = (&'static str, &'static str, Option<&'static str>, &'static str)> {
    let metrics = model::headings().map(|(name, of)| (of.id, of.full, Some(name), of.definition));
    TERMS.into_iter().map(|(id, term, text)| (id, term, None, text)).chain(metrics)
}

/// A term in running text, which shows its definition on hover, focus and tap.
pub(super) fn link(id: &str, words: &str) -> Markup {
    html! { button.term type="button" data-def=(id) { (words) } }
}

/// The list of all terms.
pub(super) fn list() -> Markup {
    let content = html! {
        dl.definitions {
            @for (id, term, metric, text) in all() {
                div {
                    dt { (term) @if let Some(name) = metric { " " code { (name) } } }
                    dd id={ "def-" (id) } { (text) }
                }
            }
        }
        p.note { "Names in code are those of exports. METRICS.md of Heaprace defines each of them in full." }
    };
    part("definitions", Level::TWO, "Definitions", content)
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
