//! The winners of each trace, as a table with links to the traces.

use maud::{Markup, html};

use super::findings::Findings;
use super::provenance::origin;
use super::speed::speed_in_short;
use super::trace::anchor;
use crate::growth;
use crate::numbers::short;
use crate::stats::{Fastest, smallest};

/// Headings that sort by text, each with the definition that it shows.
const HEADINGS: [(&str, Option<&str>); 5] = [
    ("trace", None),
    ("origin", None),
    ("fastest fresh", Some("fresh")),
    ("fastest steady", Some("steady")),
    ("smallest", Some("peak")),
];

/// A row for each trace.
pub(super) fn winners_by_trace(found: &[Findings]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Table: winners by trace" {
            table.sortable.words {
                caption { "Winners by trace" }
                thead {
                    tr {
                        @for (heading, definition) in HEADINGS {
                            th scope="col" aria-sort="none" {
                                button type="button" data-text data-def=[definition] { (heading) }
                            }
                        }
                        th scope="col" aria-sort="none" {
                            button type="button" data-def="overhead" { "its overhead ×" }
                        }
                    }
                }
                tbody { @for (index, one) in found.iter().enumerate() { (row(one, index)) } }
            }
        }
    }
}

fn row(Findings { results, fresh, steady }: &Findings, index: usize) -> Markup {
    let small = smallest(results);
    let overhead = small.as_ref().and_then(|found| found.best.first()).map(|(_, memory)| memory.overhead_ratio);
    html! {
        tr {
            th scope="row" { a href={ "#" (anchor(results, index)) } { (results.trace.name) } }
            td { (origin(results.trace.origin)) }
            @for fastest in [fresh, steady] {
                @let class = (!matches!(fastest, Fastest::Clear { .. })).then_some("unknown");
                td class=[class] { (speed_in_short(fastest)) }
            }
            td { (small.map_or("–".to_owned(), |found| growth::named(&found.contenders()))) }
            td data-v=[overhead] { (overhead.map_or("–".to_owned(), short)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Contender, Results};
    use crate::sample::{contender, on};

    fn html(contenders: Vec<Contender>) -> String {
        let results: Results = on("a <b>", contenders);
        winners_by_trace(&[Findings::of(&results)]).into_string()
    }

    #[test]
    fn each_trace_has_a_link_and_its_winners() {
        let html = html(vec![
            contender("dlmalloc").pages(20).fresh_ns(100).steady_ns(100).build(),
            contender("talc").pages(22).fresh_ns(200).steady_ns(200).build(),
        ]);
        assert!(html.contains("<a href=\"#trace-0-a--b-\">a &lt;b&gt;</a>"), "{html}");
        assert_eq!(html.matches("<td>dlmalloc</td>").count(), 3, "{html}");
    }

    #[test]
    fn a_winner_that_grows_says_so_in_its_cell() {
        let html = html(vec![
            contender("dlmalloc").pages(20).fresh_ns(200).steady_ns(200).build(),
            contender("talc").pages(22).grows_by(3).fresh_ns(100).steady_ns(100).build(),
        ]);
        let cell = "<td>talc, but it grows by 3 pages each time the work repeats</td>";
        assert_eq!(html.matches(cell).count(), 2, "{html}");
    }
}
