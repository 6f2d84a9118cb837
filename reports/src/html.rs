//! Results as one HTML page that needs nothing else: no network, no other file, no framework.
//!
//! It is for a colleague who opens it offline and has a minute: first who wins on what, in words that the intervals allow; then the charts,
//! with tooltips, a time cursor that all of them share, and contenders that can be switched off; then the tables, and what the terms mean; at
//! last where the figures come from. What comes from results is escaped wherever it goes ([`escape`]).

mod charts;
mod definitions;
mod escape;
mod findings;
mod means;
mod overall;
mod packed;
mod provenance;
mod size;
mod speed;
mod statement;
mod summary;
mod svg;
mod tables;
mod theme;
mod timeline;
mod trade_off;
mod warnings;

use std::collections::BTreeSet;

use self::escape::{anchor, escape};
use self::findings::Findings;
use self::packed::packed;
use self::statement::cards;
use self::warnings::warnings;
use crate::ReportError;
use crate::chart;
use crate::growth;
use crate::numbers::{bytes, count};
use crate::prose::and;
use crate::results::{Results, Role};
use crate::stats::smallest;
use crate::table::notes;
use crate::table::placing::placings;
use crate::times;

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// What the page may load: nothing. A browser that holds to it could not even if there were a fault here.
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
    let title = match results {
        [one] => format!("{}: which allocator?", one.trace.name),
        _ => format!("Which allocator? {}", count(results.len() as u64, "trace")),
    };
    let found: Vec<Findings> = results.iter().map(Findings::of).collect();
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{} – Heaprace</title>\n<style>\n{STYLE}{}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#summary\">To the summary</a>\n",
        escape(&title),
        theme::style(results),
    );
    page += &header(results);
    page += &warnings(results);
    page += &switches(results);
    page += "<main id=\"summary\">\n";
    match &found[..] {
        [] => page += "<p>There are no results.</p>\n",
        [one] => {
            page +=
                &format!("<section class=\"trace\">{}</section>\n", trace(one, charts::of_trace(one.results, 0)?, 0))
        }
        _ => {
            page += &overall::section(results, &found)?;
            page += "<section id=\"traces\"><h2>Each trace</h2>\n<p class=\"open-all\"><button type=\"button\" id=\"open-all\">Open all</button></p>\n\
                     <noscript><p class=\"note\">The charts of each trace are packed, and need the page's script.</p></noscript>\n";
            for (index, one) in found.iter().enumerate() {
                page += &folded(one, index)?;
            }
            page += "</section>\n";
        }
    }
    page += "</main>\n";
    page += &definitions::list();
    page += &provenance::provenance(results);
    page += "<footer>Made by Heaprace from results.json; memory figures are exact, timings are medians with 95 % intervals.</footer>\n\
             <div id=\"tip\" role=\"tooltip\" hidden></div>\n<script>\n";
    page += SCRIPT;
    page += "</script>\n</body>\n</html>\n";
    Ok(page)
}

fn header(results: &[Results]) -> String {
    let heading = match results {
        [one] => format!("Which allocator for <b>{}</b>?", escape(&one.trace.name)),
        _ => "Which allocator?".into(),
    };
    let about = match results {
        [one] => lede(one),
        [] => String::new(),
        _ => format!(
            "{} replayed through the same allocators on the same simulated page heap; {}.",
            count(results.len() as u64, "trace"),
            escape(&and(results.iter().map(|one| times::written(&one.settings)).collect::<BTreeSet<_>>()))
        ),
    };
    let parts = match results {
        [_] => "<a href=\"#charts-0\">Charts</a> <a href=\"#tables-0\">Tables</a>",
        _ => "<a href=\"#traces\">Traces</a>",
    };
    format!(
        "<header><p class=\"brand\">Heaprace</p><h1>{heading}</h1>\n<p class=\"lede\">{about}</p>\n\
         <nav aria-label=\"On this page\"><a href=\"#summary\">Summary</a> {parts} <a href=\"#definitions\">Definitions</a> <a href=\"#provenance\">Provenance</a></nav></header>\n"
    )
}

/// What the trace is and how it was replayed, in a sentence. HTML.
fn lede(results: &Results) -> String {
    let trace = &results.trace;
    let platform = chart::platform(&results.provenance.target);
    format!(
        "A {} trace of {}, with at most {} {} in {}; {} each, {}; {}.",
        match trace.origin {
            crate::results::Origin::Unstated => "user's",
            other => provenance::origin(other),
        },
        count(trace.events, "event"),
        escape(&bytes(trace.peak_live_bytes)),
        definitions::link("live", "live"),
        count(trace.peak_live_objects, "object"),
        count(results.settings.rounds.into(), "timing round"),
        escape(times::written(&results.settings)),
        escape(&platform),
    )
}

/// The switches for contenders, one for each name on the page.
fn switches(results: &[Results]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for contender in results.iter().flat_map(|one| &one.contenders) {
        if contender.role != Role::Floor && !names.contains(&contender.name.as_str()) {
            names.push(&contender.name);
        }
    }
    if names.len() < 2 {
        return String::new();
    }
    let mut html =
        "<div class=\"switches\" role=\"group\" aria-label=\"Allocators shown in charts and tables\">\n".to_owned();
    for name in names {
        let name = escape(name);
        html += &format!(
            "<button type=\"button\" aria-pressed=\"true\" data-toggle=\"{name}\"><i class=\"swatch\" data-swatch=\"{name}\"></i>{name}</button>\n"
        );
    }
    html + "<button type=\"button\" id=\"show-all\" hidden>Show all</button></div>\n"
}

/// A trace among several, closed until one opens it.
fn folded(found: &Findings, index: usize) -> Result<String, ReportError> {
    let results = found.results;
    let [fresh, steady] = [&found.fresh, &found.steady].map(|fastest| escape(&speed::speed_in_short(fastest)));
    let small = smallest(results);
    let small = small.map(|found| growth::named(&found.contenders()));
    Ok(format!(
        "<details class=\"trace\" id=\"{}\"><summary><h3>{}</h3><span>{}; fastest fresh: <b>{fresh}</b>; fastest steady: <b>{steady}</b>; smallest: <b>{}</b></span></summary>\n<p class=\"lede\">{}</p>\n{}</details>\n",
        anchor(&results.trace.name, index),
        escape(&results.trace.name),
        provenance::origin(results.trace.origin),
        escape(&small.unwrap_or_else(|| "not known".into())),
        lede(results),
        trace(found, packed(&charts::of_trace(results, index)?), index),
    ))
}

/// All of one trace; `charts` are its charts, packed or not.
fn trace(found: &Findings, charts: String, index: usize) -> String {
    let results = found.results;
    let rows = placings(results);
    let mut html = cards(&summary::statements(found));
    html += &format!("<h3 class=\"part\" id=\"charts-{index}\">Charts</h3>\n");
    html += &charts;
    html += &format!("<h3 class=\"part\" id=\"tables-{index}\">Tables</h3>\n");
    html += &tables::tables(results, &rows);
    let notes = notes::notes(results, &rows);
    if !notes.is_empty() {
        html += "<h3 class=\"part\">What failed, and why figures are missing</h3>\n<ul class=\"notes\">\n";
        html.extend(notes.iter().map(|note| format!("<li>{}</li>\n", escape(note))));
        html += "</ul>\n";
    }
    html + "<h3 class=\"part\">About the trace</h3>\n" + &provenance::trace(results)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::results::{Figure, Warning, WarningCode};
    use crate::sample::{self, contender};

    const HOSTILE: &str = "<script>alert('x')</script>\"&\u{1b}";

    fn ids(page: &str) -> Vec<&str> {
        page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    /// Results whose every text was written by somebody who means harm.
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
        let page = html(&[sample::results()]).unwrap();
        for part in [
            "Fastest for a program that starts",
            "Fastest for a program that runs on",
            "<figure class=\"chart\"",
            "<table class=\"sortable\">",
            "id=\"definitions\"",
            "id=\"provenance\"",
            "Content-Security-Policy",
        ] {
            assert!(page.contains(part), "{part}");
        }
        for loads in ["src=\"", "@import", "url(http", "href=\"http", "fetch("] {
            assert!(!page.contains(loads), "{loads}");
        }
        assert_eq!(page.matches("data-chart=").count(), chart::ALL.len());
        let mut without = sample::results();
        without.contenders.iter_mut().for_each(|row| row.latency = Figure::unknown("not asked for"));
        let without = html(&[without]).unwrap();
        assert_eq!(without.matches("data-chart=").count(), chart::ALL.len() - 1);
        assert!(page.contains("data-chart=\"latency\"") && !without.contains("data-chart=\"latency\""));
        let mut other = sample::results();
        (other.trace.name, other.trace.sha256) = ("other".into(), "another".into());
        let several = html(&[sample::results(), other.clone()]).unwrap();
        assert_eq!(several.matches("class=\"packed\"").count(), 2);
        assert_eq!(several.matches("data-chart=").count(), chart::ALL_TRACES.len());
        assert!(!several.contains("A summary needs two traces"));
        // Origins are never in one mean: of one trace each there is none, and one sentence says so.
        let mut mixed = [sample::results(), other];
        mixed[1].trace.origin = crate::results::Origin::Synthetic;
        let mixed = html(&mixed).unwrap();
        assert_eq!(mixed.matches("data-chart=").count(), chart::ALL_TRACES.len() - 3);
        assert_eq!(mixed.matches("A summary needs two traces of one origin").count(), 1);
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
            assert!(page.ends_with("</html>\n"));
        }
        assert!(html(&[]).unwrap().contains("There are no results."));
    }
}
