//! What the terms of the page mean, in a sentence or two: shown on hover, focus and tap, and as a list at the end.
//!
//! METRICS.md has the whole definition of each figure; a test holds the names of figures here and there together.

use super::escape::escape;

/// A term and what it means.
pub(super) struct Definition {
    /// By what columns refer to it.
    pub(super) id: &'static str,
    /// As the page writes it.
    pub(super) term: &'static str,
    /// What it means.
    pub(super) text: &'static str,
    /// The figure of METRICS.md that it is short for, where it is one.
    figure: Option<&'static str>,
}

const fn term(id: &'static str, term: &'static str, text: &'static str) -> Definition {
    Definition { id, term, text, figure: None }
}

const fn figure(id: &'static str, term: &'static str, figure: &'static str, text: &'static str) -> Definition {
    Definition { id, term, text, figure: Some(figure) }
}

/// All terms, in the order of the list.
pub(super) const ALL: &[Definition] = &[
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
    figure(
        "peak",
        "peak heap",
        "peak_heap_bytes",
        "The most bytes committed: max H. Exact, and the same in every run.",
    ),
    figure(
        "overhead",
        "overhead",
        "overhead_ratio",
        "Peak heap over peak live: max H / max R. 1 would be no overhead at all. The two may be reached at different events.",
    ),
    figure(
        "jw4",
        "J–W #4",
        "johnstone_wilson_4_percent",
        "Johnstone and Wilson's fourth measure: (max H / max R − 1) × 100.",
    ),
    figure(
        "jw1",
        "J–W #1",
        "mean_of_ratios_by_bytes_percent",
        "Johnstone and Wilson's first measure: the mean of H / R over bytes requested, less 1, in per cent. Counted from where live first reaches 1 % of its peak.",
    ),
    figure(
        "jw2",
        "J–W #2",
        "at_peak_live_percent",
        "Johnstone and Wilson's second measure: H / R at the first instant of peak live, less 1, in per cent.",
    ),
    figure(
        "jw3",
        "J–W #3",
        "at_peak_heap_percent",
        "Johnstone and Wilson's third measure: H / R at the first instant of the peak heap, less 1, in per cent.",
    ),
    figure(
        "minheap",
        "minimum heap",
        "ratio_to_max_live",
        "The smallest heap, in pages, in which the whole trace completes without a refused request; below it its ratio to peak live.",
    ),
    figure(
        "span",
        "span",
        "peak_span_bytes",
        "From the heap's base to the end of the highest byte that any live object has had: what an arena would have needed.",
    ),
    figure(
        "rounding",
        "rounding",
        "internal_share",
        "At peak live, the share of the granted bytes that nobody asked for: (G − R) / G. Rounding to size classes and the like; headers are not granted.",
    ),
    figure(
        "gaps",
        "gaps",
        "gap_share",
        "At peak live, the share of the span that no live object has: (S − R) / S. An upper bound on the free space within the span.",
    ),
    figure("pageslive", "pages live", "live_share", "At the peak heap, live bytes over committed bytes."),
    figure(
        "pinned",
        "pinned pages",
        "pinned_pages",
        "At the peak heap, pages with live bytes in less than a tenth of them: what compaction could win most from.",
    ),
    figure(
        "inplace",
        "realloc in place",
        "in_place_share",
        "The share of the reallocations that left the block where it was.",
    ),
    figure(
        "copied",
        "copied",
        "copied_per_requested_byte",
        "Bytes that reallocations copied, for each byte requested in the run.",
    ),
    figure(
        "resident",
        "resident at the end",
        "end_resident_bytes",
        "Bytes of the committed pages that have memory behind them after the last event, every byte of every block having been written.",
    ),
    figure(
        "growth",
        "grows by",
        "per_loop_pages",
        "Pages that each further loop of the trace adds: 0 where the heap has settled. Up to eight loops are looked at, and what the trace leaves live is freed between them.",
    ),
    figure(
        "refused",
        "refused",
        "failed_requests",
        "Requests that were answered with null. Who refuses some did less work: it has no timing and cannot be the best.",
    ),
    figure(
        "clairvoyant",
        "clairvoyant",
        "clairvoyant_bytes",
        "What a placement needs that knows beforehand when every object goes. Found by a heuristic: a better one may exist, but none below peak live.",
    ),
    term(
        "fresh",
        "fresh",
        "The time of a program that starts: one replay on fresh zeroed pages, page faults included.",
    ),
    term(
        "steady",
        "steady",
        "The time of a program that runs on: the trace is looped on one heap, from fresh pages, until times and footprint settle or the loops are used up. It is the mean of the last two loops; where a heap grows, it goes on growing.",
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
    term(
        "net",
        "net ns per operation",
        "Gross less the floor of the same round. A processor overlaps the harness with the allocator's work, so a very cheap one may even come out below 0.",
    ),
    term("floor", "floor", "The harness alone, without any allocator: its time is contained in every other one."),
    term(
        "interval",
        "95 % interval",
        "Where the true value lies with 95 % confidence. For a median it is formed of interpolated order statistics of the rounds (Hettmansperger and Sheather 1986), for a mean over traces by Student's t and a bootstrap-t on logarithms.",
    ),
    term(
        "ratio",
        "ratio",
        "How many times as long as another contender in the same round: what slowed a round down slowed both, and cancels. Its interval tells whether it differs from 1.",
    ),
    term(
        "inconclusive",
        "inconclusive",
        "The interval of the ratio contains 1: these rounds cannot tell which of the two is faster.",
    ),
    term("baseline", "yardstick", "Takes part for comparison only: you would not ship it, and it cannot be the best."),
    term(
        "ablation",
        "ablation",
        "A variant of another contender with one decision switched, to show what that decision does. It wins nothing.",
    ),
    term("p50", "p50", "The median of single calls: half of them take no longer. The timer's own cost is contained."),
    term("p90", "p90", "Nine in ten calls take no longer."),
    term("p99", "p99", "99 in 100 calls take no longer."),
    term("p999", "p99.9", "999 in 1,000 calls take no longer."),
    term("max", "slowest", "The slowest single call."),
    term(
        "instructions",
        "instructions per operation",
        "Instructions that the processor retires in a fresh replay, over its operations: those that write into new memory and the harness's own included.",
    ),
    term(
        "geomean",
        "geometric mean",
        "The mean of ratios: their product's root, so that being twice as fast on one trace and half as fast on another is 1. Recorded and synthetic traces are never averaged together.",
    ),
];

/// The definition of this name.
pub(super) fn definition(id: &str) -> &'static Definition {
    ALL.iter()
        .find(|definition| definition.id == id)
        .expect("columns name definitions that there are; a test looks them all up")
}

/// A term in running text, whose definition comes up on hover, focus and tap.
pub(super) fn link(id: &str, words: &str) -> String {
    format!("<button type=\"button\" class=\"term\" data-def=\"{id}\">{}</button>", escape(words))
}

/// The list of all terms.
pub(super) fn list() -> String {
    let mut html = "<section id=\"definitions\"><h2>Definitions</h2>\n<dl class=\"definitions\">\n".to_owned();
    for definition in ALL {
        let (id, term, text) = (definition.id, escape(definition.term), escape(definition.text));
        let figure = definition.figure.map(|figure| format!(" <code>{figure}</code>")).unwrap_or_default();
        html += &format!("<div><dt>{term}{figure}</dt><dd id=\"def-{id}\">{text}</dd></div>\n");
    }
    html += "</dl>\n<p class=\"note\">Names in code are those of results.json; METRICS.md of Heaprace defines each with its formula, its range and its blind spot.</p>\n</section>\n";
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &str = include_str!("../../../METRICS.md");

    #[test]
    fn figures_are_those_of_the_page_that_defines_them() {
        for definition in ALL {
            if let Some(figure) = definition.figure {
                assert!(METRICS.contains(&format!("`{figure}`")), "{figure} is not in METRICS.md");
            }
        }
        assert!(ALL.iter().filter(|definition| definition.figure.is_some()).count() > 10);
    }

    #[test]
    fn every_term_is_there_once() {
        for (index, one) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|other| other.id != one.id && other.term != one.term), "{}", one.id);
            assert!(one.text.ends_with('.'), "{}", one.id);
        }
    }
}
