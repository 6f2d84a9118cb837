//! All of one trace: its statements, charts, tables and notes, and what it is.

use maud::{Markup, html};

use super::findings::Findings;
use super::packed::packed;
use super::speed::speed_in_short;
use super::statement::cards;
use super::{charts, definitions, provenance, summary, tables};
use crate::ReportError;
use crate::chart;
use crate::growth;
use crate::numbers::{bytes, count};
use crate::results::{Origin, Results};
use crate::stats::smallest;
use crate::table::notes;
use crate::table::placing::placings;
use crate::times;

/// What the trace is and how it was replayed, in a sentence.
pub(super) fn lede(results: &Results) -> Markup {
    let trace = &results.trace;
    let kind = match trace.origin {
        Origin::Unstated => "user's",
        other => provenance::origin(other),
    };
    html! {
        "A " (kind) " trace of " (count(trace.events, "event"))
        ", with at most " (bytes(trace.peak_live_bytes)) " " (definitions::link("live", "live"))
        " in " (count(trace.peak_live_objects, "object"))
        "; " (count(results.settings.rounds.into(), "timing round")) " each, " (times::written(results))
        "; " (chart::platform(&results.provenance.target)) "."
    }
}

/// A trace among several, closed until the reader opens it.
pub(super) fn folded(found: &Findings, index: usize) -> Result<Markup, ReportError> {
    let results = found.results;
    let small = smallest(results).map_or("not known".into(), |found| growth::named(&found.contenders()));
    Ok(html! {
        details.trace id=(anchor(results, index)) {
            summary {
                h3 { (results.trace.name) }
                span {
                    (provenance::origin(results.trace.origin))
                    "; fastest fresh: " b { (speed_in_short(&found.fresh)) }
                    "; fastest steady: " b { (speed_in_short(&found.steady)) }
                    "; smallest: " b { (small) }
                }
            }
            p.lede { (lede(results)) }
            (all_of(found, packed(charts::of_trace(results, index)?), index))
        }
    })
}

/// The id of a trace among several: letters, digits and dashes of its name, and a number that keeps two names apart.
pub(super) fn anchor(results: &Results, index: usize) -> String {
    let kept = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    let plain: String = results.trace.name.chars().map(kept).collect();
    format!("trace-{index}-{plain}")
}

/// All of one trace; `charts` are its charts, packed or not.
pub(super) fn all_of(found: &Findings, charts: Markup, index: usize) -> Markup {
    let results = found.results;
    let rows = placings(results);
    let notes = notes::notes(results, &rows);
    html! {
        (cards(&summary::statements(found)))
        h3.part id={ "charts-" (index) } { "Charts" }
        (charts)
        h3.part id={ "tables-" (index) } { "Tables" }
        (tables::tables(results, &rows))
        @if !notes.is_empty() {
            h3.part { "What failed, and why figures are missing" }
            ul.notes { @for note in notes { li { (note) } } }
        }
        h3.part { "About the trace" }
        (provenance::trace(results))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn anchors_have_plain_letters() {
        let mut results = sample::empty();
        results.trace.name = "a b/<ü>".into();
        assert_eq!(anchor(&results, 3), "trace-3-a-b----");
    }
}
