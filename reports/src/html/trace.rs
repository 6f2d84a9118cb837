//! All of one trace: its statements, charts, tables and notes, and what it is.

use maud::{Markup, html};

use super::findings::Findings;
use super::gaps::gaps;
use super::heading::{Level, heading, part};
use super::packed::packed;
use super::ship::ship;
use super::speed::speed_in_short;
use super::statement::cards;
use super::wasm::wasm;
use super::{charts, definitions, provenance, summary, tables};
use crate::ReportError;
use crate::chart;
use crate::growth;
use crate::numbers::{bytes, count};
use crate::recommendation::Recommendation;
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
        span.wide {
            "; " (count(results.settings.rounds.into(), "timing round")) " each, " (times::written(results))
            "; " (chart::platform(&results.provenance.target))
        }
        "."
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
            (all_of(found, index, Level::TWO.below().below(), html! {}, packed)?)
        }
    })
}

/// The id of a trace among several: letters, digits and dashes of its name, and a number that keeps two names apart.
pub(super) fn anchor(results: &Results, index: usize) -> String {
    let kept = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    let plain: String = results.trace.name.chars().map(kept).collect();
    format!("trace-{index}-{plain}")
}

/// All of one trace, with its headings from this level on. `switches` come after what to ship; `pack` is done to
/// charts and tables.
pub(super) fn all_of(
    found: &Findings,
    index: usize,
    level: Level,
    switches: Markup,
    pack: fn(Markup) -> Markup,
) -> Result<Markup, ReportError> {
    let results = found.results;
    let rows = placings(results);
    let notes = notes::notes(results, &rows);
    let recommendation = Recommendation::of(results);
    let scatter = charts::of_trace(results, index, &charts::TIME_AND_MEMORY)?;
    let over_time = html! { (charts::cursor(results)) (charts::of_trace(results, index, &charts::OVER_TIME)?) };
    let id = |name: &str| format!("{name}-{index}");
    let in_wasm = wasm(results, index).transpose()?;
    Ok(html! {
        (ship(&recommendation, "What to ship", level))
        (switches)
        section id=(id("charts")) { (heading(level, "Time against memory")) (pack(scatter)) }
        section.over-time { (heading(level, "Memory over time")) (pack(over_time)) }
        @if let Some(found) = in_wasm {
            section id=(id("wasm")) { (heading(level, "In WebAssembly")) (pack(found)) }
        }
        (part("", level, "Findings one by one", cards(&summary::statements(found), level.below())))
        (part(&id("more"), level, "More charts", pack(charts::others_of_trace(results, index)?)))
        (part(&id("tables"), level, "Tables", pack(tables::tables(results, &rows))))
        @if let Some(gaps) = gaps(results) { (part(&id("gaps"), level, "Free gaps, for heaps of fixed size", pack(gaps))) }
        @if !notes.is_empty() {
            (part("", level, "What failed, and why figures are missing", html! {
                ul.notes { @for note in notes { li { (note) } } }
            }))
        }
        (part("", level, "About the trace", provenance::trace(results)))
    })
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
