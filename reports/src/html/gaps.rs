//! What a heap of fixed size asks: how much of its free memory is in one piece, and which request would still succeed.

use maud::{Markup, html};

use super::definitions::link;
use super::tables::sortable;
use super::theme::swatch;
use crate::numbers::{bytes, short};
use crate::results::{Contender, Gaps, GapsAt, Results};

/// Headings, each with whether the column sorts by text, and the definition that it shows.
const HEADINGS: [(&str, bool, Option<&str>); 10] = [
    ("allocator", true, None),
    ("largest gap at peak live", false, Some("largestgap")),
    ("largest request then, at most", false, Some("largestrequest")),
    ("external frag. then, %", false, Some("external")),
    ("largest gap at peak heap", false, Some("largestgap")),
    ("largest request then, at most", false, Some("largestrequest")),
    ("external frag. then, %", false, Some("external")),
    ("largest gap at the end", false, Some("largestgap")),
    ("largest request then, at most", false, Some("largestrequest")),
    ("external frag. then, %", false, Some("external")),
];

/// The table of the gaps at the three instants; nothing where no contender has these figures.
pub(super) fn gaps(results: &Results) -> Option<Markup> {
    let known = |contender| Some((contender, gaps_of(contender)?));
    let rows: Vec<(&Contender, &Gaps)> = results.contenders.iter().filter_map(known).collect();
    (!rows.is_empty()).then(|| {
        html! {
            p {
                "A heap of fixed size fails a request that fits into no free piece, however much is free in total. The "
                (link("largestgap", "largest gap")) " is the longest run of bytes of the heap without a live block; the "
                (link("largestrequest", "largest request")) " that could still succeed also counts what the heap may grow "
                "by up to its limit, here " (bytes(limit_bytes(results))) ". Both are upper bounds: what the allocator "
                "itself needs in a gap, as headers and alignment, and memory that it does not use again, are not "
                "subtracted. " (link("external", "External fragmentation")) " is 1 − largest gap / free."
            }
            (sortable("sortable", "Free gaps", HEADINGS.into_iter(), rows.iter().map(|(contender, gaps)| row(contender, gaps))))
        }
    })
}

fn limit_bytes(results: &Results) -> u64 {
    results.settings.heap_limit_pages.saturating_mul(results.settings.page_bytes)
}

fn gaps_of(contender: &Contender) -> Option<&Gaps> {
    contender.memory.known()?.gaps.as_ref()
}

fn row(contender: &Contender, gaps: &Gaps) -> Markup {
    html! {
        tr data-contender=(contender.name) {
            th scope="row" { (swatch(&contender.name)) (contender.name) }
            @for at in [&gaps.at_peak_live, &gaps.at_peak_heap, &gaps.at_end] { (cells(at)) }
        }
    }
}

fn cells(at: &GapsAt) -> Markup {
    let external = at.external_share.map(|share| 100.0 * share);
    html! {
        td data-v=(at.largest_gap_bytes) { (bytes(at.largest_gap_bytes)) small { "of " (bytes(at.free_bytes)) " free" } }
        td data-v=(at.largest_request_bytes) { (bytes(at.largest_request_bytes)) }
        td data-v=[external] { (external.map_or("–".to_owned(), short)) }
    }
}
