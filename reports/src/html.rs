//! Results as one HTML page that needs nothing else: no network, no other file, no framework.
//!
//! It is for a colleague who opens it offline and has a minute. The order is: what to ship, and what fails or goes on
//! growing; time against memory, and memory over time, with tooltips, a time cursor that all charts share, and
//! contenders that can be switched off. The rest is below headings that open it: findings one by one, more charts,
//! tables, what the terms mean, where the figures come from. On paper, what is closed is left out.
//!
//! [`maud`] escapes whatever goes into the page, so that a trace may be called `<script>`. Only what this crate wrote
//! itself goes in as it is: the style sheet, the script and the charts.

mod charts;
mod definitions;
mod findings;
mod gaps;
mod heading;
mod means;
mod overall;
mod packed;
mod provenance;
mod settings;
mod ship;
mod size;
mod speed;
mod statement;
mod summary;
mod svg;
mod tables;
mod theme;
mod timeline;
mod trace;
mod trade_off;
mod warnings;
mod wasm;
mod winners;

use std::collections::BTreeSet;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::findings::Findings;
use self::heading::Level;
use crate::ReportError;
use crate::label::{differing_settings, labelled};
use crate::numbers::count;
use crate::prose::and;
use crate::results::{Results, Role};
use crate::times;

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// What the page may load: nothing. The browser enforces it even if there is a fault here.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/// One page on all these results, in their order. With several, an overview comes first and each trace can be opened.
///
/// # Errors
///
/// [`ReportError::Draw`] where a chart could not be drawn.
///
/// ```no_run
/// use heaprace_reports::results::Results;
///
/// let json = std::fs::read_to_string("heaprace-report/serde-heavy/results.json").expect("measured before");
/// let page = heaprace_reports::html(&[Results::from_json(&json)?])?;
/// heaprace_reports::save("serde-heavy.html".as_ref(), page.as_bytes())?;
/// # Ok::<(), heaprace_reports::ReportError>(())
/// ```
pub fn html(results: &[Results]) -> Result<String, ReportError> {
    let results = &*labelled(results);
    let title = match results {
        [one] => format!("{}: which allocator?", one.trace.name),
        _ => format!("Which allocator? {}", how_many(results)),
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="icon" href="data:,";
                title { (title) " – Heaprace" }
                style { (PreEscaped(STYLE)) (PreEscaped(theme::style(results))) }
            }
            body {
                a.skip href="#summary" { "To the summary" }
                (header(results))
                (warnings::warnings(results))
                main #summary { (traces(results)?) }
                (definitions::list())
                (provenance::provenance(results))
                p.on-paper {
                    "This is a summary. Parts that are closed on the page are not printed: findings one by one, all charts "
                    "and tables, definitions, and where the figures come from. Open a part before printing to have it on "
                    "paper."
                }
                footer {
                    "Made by Heaprace from results.json; memory figures are exact, timings are medians with 95 % "
                    "intervals."
                }
                div #tip role="tooltip" hidden {}
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    // A control character, which a name may have brought in, is not valid in a page, escaped or not.
    let valid = |letter: char| if letter.is_control() && letter != '\n' { '\u{FFFD}' } else { letter };
    Ok(page.into_string().replace('\t', " ").chars().map(valid).collect())
}

/// How many traces there are, and with how many settings if they have several.
fn how_many(results: &[Results]) -> String {
    let settings = number_of_settings(results);
    if settings < 2 {
        return count(results.len() as u64, "trace");
    }
    let traces: BTreeSet<&str> = results.iter().map(|one| one.trace.sha256.as_str()).collect();
    format!("{} with {settings} settings", count(traces.len() as u64, "trace"))
}

fn number_of_settings(results: &[Results]) -> usize {
    differing_settings(results).into_iter().collect::<BTreeSet<_>>().len()
}

fn header(results: &[Results]) -> Markup {
    html! {
        header {
            p.brand { "Heaprace" }
            h1 {
                @if let [one] = results { "Which allocator for " b { (one.trace.name) } "?" }
                @else { "Which allocator?" }
            }
            p.lede {
                @match results {
                    [] => {}
                    [one] => (trace::lede(one)),
                    _ => {
                        (how_many(results)) " replayed through the same allocators"
                        span.wide {
                            @if number_of_settings(results) < 2 { " on the same simulated page heap" }
                            "; "
                            (and(results.iter().map(|one| times::written(one)).collect::<BTreeSet<_>>()))
                        }
                        "."
                    }
                }
            }
            nav aria-label="On this page" {
                a href="#summary" { "What to ship" }
                @if results.len() == 1 { " " a href="#charts-0" { "Charts" } " " a href="#tables-0" { "Tables" } }
                @else { " " a href="#charts" { "Charts" } " " a href="#traces" { "Traces" } }
                " " a href="#definitions" { "Definitions" }
                " " a.wide href="#provenance" { "Provenance" }
            }
        }
    }
}

/// The switches for contenders, one for each name on the page.
fn switches(results: &[Results]) -> Markup {
    let mut names: Vec<&str> = Vec::new();
    for contender in results.iter().flat_map(|one| &one.contenders) {
        if contender.role != Role::Floor && !names.contains(&contender.name.as_str()) {
            names.push(&contender.name);
        }
    }
    html! {
        @if names.len() > 1 {
            div.switches role="group" aria-label="Allocators shown in charts and tables" {
                @for name in names {
                    button type="button" aria-pressed="true" data-toggle=(name) { (theme::swatch(name)) (name) }
                }
                button #show-all type="button" hidden { "Show all" }
            }
        }
    }
}

/// What the traces show: the one there is, or all of them together and then each.
fn traces(results: &[Results]) -> Result<Markup, ReportError> {
    let found: Vec<Findings> = results.iter().map(Findings::of).collect();
    Ok(html! {
        @match &found[..] {
            [] => p { "There are no results." },
            [one] => section.trace { (trace::all_of(one, 0, Level::TWO, switches(results), |charts| charts)?) },
            several => {
                (overall::section(results, several, switches(results))?)
                section #traces {
                    h2 { "Each trace" }
                    p.open-all { button #open-all type="button" { "Open all" } }
                    noscript { p.note { "The charts and tables of each trace are compressed, and need the page's script." } }
                    @for (index, one) in several.iter().enumerate() { (trace::folded(one, index)?) }
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::chart;
    use crate::results::{Figure, Warning, WarningCode};
    use crate::sample::{self, contender};

    const HOSTILE: &str = "<script>alert('x')</script>\"&\u{1b}";

    fn ids(page: &str) -> Vec<&str> {
        page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    /// Results in which every text is hostile.
    fn hostile() -> Results {
        let mut results = sample::results();
        results.contenders.push(contender(HOSTILE).version(HOSTILE).failed_requests(1).build());
        results.contenders.push(contender("broken").invalid(1, HOSTILE).build());
        results.contenders.push(contender("untimed").without_time(HOSTILE).without_memory(HOSTILE).build());
        results.trace.name = HOSTILE.into();
        results.trace.sha256 = HOSTILE.into();
        results.trace.repairs = vec![HOSTILE.into()];
        results.settings.baseline = HOSTILE.into();
        results.provenance.cpu = Figure::Known(HOSTILE.into());
        results.provenance.rustc = HOSTILE.into();
        results.provenance.date = HOSTILE.into();
        results.provenance.governor = Figure::unknown(HOSTILE);
        results.warnings = vec![Warning { code: WarningCode::NoisyMachine, message: HOSTILE.into() }];
        results
    }

    #[test]
    fn nothing_from_results_is_taken_for_markup() {
        for page in [html(&[hostile()]).unwrap(), html(&[hostile(), hostile()]).unwrap()] {
            assert!(page.contains("&lt;script&gt;alert("), "it is there, as text");
            assert!(!page.contains("<script>alert"));
            assert_eq!(page.matches("<script>").count(), 1, "the page's own");
            assert!(page.chars().all(|letter| letter == '\n' || !letter.is_control()));
        }
    }

    #[test]
    fn the_parts_are_there_and_nothing_is_loaded() {
        let page = html(&[Results { wasm: Some(sample::wasm()), ..sample::results() }]).unwrap();
        for part in [
            "Fastest for a program that starts",
            "Fastest for a program that runs on",
            "<figure class=\"chart\"",
            "<table class=\"sortable\">",
            "id=\"definitions\"",
            "id=\"provenance\"",
            "Content-Security-Policy",
            "id=\"wasm-0\"",
            "data-situation=\"small module\"",
        ] {
            assert!(page.contains(part), "{part}");
        }
        for loads in ["src=\"", "@import", "url(http", "href=\"http", "fetch("] {
            assert!(!page.contains(loads), "{loads}");
        }
        assert_eq!(page.matches("data-chart=").count(), chart::ALL.len());
        let mut without = Results { wasm: Some(sample::wasm()), ..sample::results() };
        without.contenders.iter_mut().for_each(|row| row.latency = Figure::unknown("not asked for"));
        let without = html(&[without]).unwrap();
        assert_eq!(without.matches("data-chart=").count(), chart::ALL.len() - 1);
        assert!(page.contains("data-chart=\"latency\"") && !without.contains("data-chart=\"latency\""));
        let mut other = sample::results();
        (other.trace.name, other.trace.sha256) = ("other".into(), "another".into());
        let several = html(&[sample::results(), other.clone()]).unwrap();
        assert_eq!(several.matches("class=\"packed\"").count(), 10, "three groups of charts and two of tables each");
        assert_eq!(several.matches("data-chart=").count(), chart::ALL_TRACES.len());
        assert!(!several.contains("A summary needs two traces"));
        // Origins are never in one mean: of one trace each there is none, and a sentence says so where charts would be.
        let mut mixed = [sample::results(), other];
        mixed[1].trace.origin = crate::results::Origin::Synthetic;
        let mixed = html(&mixed).unwrap();
        assert_eq!(mixed.matches("data-chart=").count(), chart::ALL_TRACES.len() - 5);
        assert_eq!(mixed.matches("A summary needs two traces of one origin").count(), 2);
    }

    #[test]
    fn ids_are_unique_and_links_have_a_target() {
        let other = Results {
            trace: crate::results::Trace { name: "other trace".into(), ..sample::results().trace },
            ..sample::results()
        };
        let page = html(&[sample::results(), other]).unwrap();
        let ids = ids(&page);
        let known: HashSet<_> = ids.iter().copied().collect();
        assert_eq!(known.len(), ids.len(), "{ids:?}");
        for target in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(known.contains(target), "#{target}");
        }
        for definition in page.split("data-def=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(known.contains(format!("def-{definition}").as_str()), "{definition}");
        }
    }

    /// The levels of all headings, in their order.
    fn headings(page: &str) -> Vec<u32> {
        let after = page.split("<h").skip(1);
        after
            .filter_map(|rest| {
                rest.strip_prefix(|letter: char| letter.is_ascii_digit()).and(rest.chars().next()?.to_digit(10))
            })
            .collect()
    }

    fn in_order(levels: &[u32]) -> bool {
        let is_step = |pair: &[u32]| pair[1] >= 2 && pair[1] <= pair[0] + 1;
        levels.first() == Some(&1) && levels.windows(2).all(is_step)
    }

    #[test]
    fn headings_are_in_order() {
        assert!(!in_order(&[1, 3]) && !in_order(&[2]) && !in_order(&[1, 2, 1]) && in_order(&[1, 2, 3, 3, 2]));
        let other = |name: &str| Results {
            trace: crate::results::Trace { name: name.into(), sha256: name.into(), ..sample::results().trace },
            ..sample::results()
        };
        let pages: [&[Results]; 6] = [
            &[],
            &[sample::empty()],
            &[sample::results()],
            &[other("one"), other("two")],
            &[other("one"), other("two"), sample::contradictory()],
            &[hostile(), hostile()],
        ];
        for results in pages {
            let page = html(results).unwrap();
            let levels = headings(&page);
            assert!(in_order(&levels), "{levels:?}");
            assert!(results.is_empty() || levels.len() > 5, "{levels:?}");
        }
    }

    #[test]
    fn what_to_ship_comes_first_then_the_charts_and_the_rest_is_closed() {
        let one = html(&[sample::results()]).unwrap();
        let several = html(&["a", "b", "c"].map(|name| sample::on(name, sample::results().contenders))).unwrap();
        for page in [one, several] {
            let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text}"));
            let places = [
                at("<h2>What to ship"),
                at("data-situation=\"long-running\""),
                at("data-situation=\"avoid\""),
                at("data-toggle="),
                at("<h2>Time against memory"),
                at("data-chart=\"pareto-"),
                at("<h2>Memory over time"),
                at("data-chart=\"footprint"),
                at("<details class=\"part\""),
                at("id=\"definitions\""),
            ];
            assert!(places.is_sorted(), "{places:?}");
            assert!(!page.contains(" open>") && !page.contains("<details open"), "closed parts are not printed");
        }
    }

    /// The words that the page, results.json and Markdown have in common.
    #[test]
    fn page_json_and_markdown_recommend_the_same() {
        let plain = |text: &str| text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace('\\', "");
        let all = ["a", "b", "c"].map(|name| sample::on(name, sample::results().contenders));
        for results in [&all[..1], &all[..]] {
            let page = plain(&html(results).unwrap());
            let export = |format: &str| {
                let exporter = crate::export::ALL.iter().find(|exporter| exporter.format == format).unwrap();
                let file = exporter.file(results, &crate::export::ExportColumns::default()).expect("it is a file");
                String::from_utf8(file.unwrap()).unwrap()
            };
            let (markdown, json): (String, serde_json::Value) =
                (plain(&export("markdown")), serde_json::from_str(&export("json")).unwrap());
            let recommended = match results {
                [_] => &json["results"][0]["recommendation"],
                _ => &json["recommendations"][0],
            };
            let advice = recommended["advice"].as_array().unwrap();
            assert_eq!(advice.len(), 3);
            for sentence in advice.iter().map(|advice| advice["sentence"].as_str().unwrap()) {
                assert!(page.contains(sentence) && markdown.contains(sentence), "{sentence}");
            }
            for avoid in recommended["avoid"].as_array().unwrap() {
                let reason = avoid["reason"].as_str().unwrap();
                assert!(page.contains(reason) && markdown.contains(reason), "{reason}");
            }
        }
    }

    #[test]
    fn the_free_gaps_are_on_the_page_with_what_they_bound() {
        let page = html(&[sample::results()]).unwrap();
        assert!(
            page.contains("<caption>Free gaps</caption>") && page.contains("No larger request can succeed."),
            "{page}"
        );
        let mut without = sample::results();
        for row in &mut without.contenders {
            if let Figure::Known(memory) = &mut row.memory {
                memory.gaps = None;
            }
        }
        assert!(!html(&[without]).unwrap().contains("<caption>Free gaps"));
    }

    #[test]
    fn every_contender_can_be_switched_off_but_the_floor() {
        let page = html(&[sample::results()]).unwrap();
        for name in ["bump", "dlmalloc", "wee_alloc"] {
            assert!(
                page.contains(&format!("data-toggle=\"{name}\""))
                    && page.contains(&format!("data-contender=\"{name}\""))
            );
        }
        assert!(!page.contains("data-toggle=\"null\""));
    }

    #[test]
    fn warnings_come_before_the_summary_and_once() {
        let mut results = sample::results();
        results.warnings = vec![Warning { code: WarningCode::Governor, message: "the clock is not held".into() }];
        let page = html(&[results.clone(), results]).unwrap();
        assert_eq!(page.matches("governor: the clock is not held").count(), 1);
        assert!(page.find("the clock is not held") < page.find("id=\"summary\""));
    }

    #[test]
    fn results_that_contradict_themselves_make_a_page_too() {
        html(&[sample::contradictory(), sample::results()]).unwrap();
    }

    #[test]
    fn results_with_little_in_them_make_a_page_too() {
        for contenders in
            [vec![], vec![contender("a").build()], vec![contender("a").without_memory("x").without_time("y").build()]]
        {
            let page = html(&[Results { contenders, ..sample::empty() }]).unwrap();
            assert!(page.ends_with("</body></html>"));
        }
        assert!(html(&[]).unwrap().contains("There are no results."));
    }
}
