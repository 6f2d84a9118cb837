//! Where the figures come from: the machine, the build, the settings, the trace. Told once for all traces that share it.

use super::escape::escape;
use crate::numbers::{bytes, count, grouped};
use crate::results::{Figure, Origin, Results};
use crate::table::notes::import;
use crate::times;

/// Results that share all facts about machine, build and settings.
struct Group<'a> {
    facts: Vec<(&'static str, String)>,
    members: Vec<&'a Results>,
}

/// The section on machine, build and settings, for all traces.
pub(super) fn provenance(results: &[Results]) -> String {
    let mut groups: Vec<Group> = Vec::new();
    for one in results {
        let facts = facts(one);
        match groups.iter_mut().find(|group| group.facts == facts) {
            Some(group) => group.members.push(one),
            None => groups.push(Group { facts, members: vec![one] }),
        }
    }
    let mut html = "<section id=\"provenance\"><h2>Where the figures come from</h2>\n".to_owned();
    for Group { facts, members } in &groups {
        if groups.len() > 1 {
            let names: Vec<_> = members.iter().map(|one| one.trace.name.as_str()).collect();
            html += &format!("<h3>{}</h3>\n", escape(&names.join(", ")));
        }
        let mut dates: Vec<&str> = members.iter().map(|one| one.provenance.date.as_str()).collect();
        dates.sort_unstable();
        let date = match (dates.first(), dates.last()) {
            (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
            (first, _) => first.map(|date| (*date).to_owned()).unwrap_or_default(),
        };
        html += &list(facts.iter().map(|(term, text)| (*term, text.clone())).chain([("measured", date)]));
    }
    html + "</section>\n"
}

/// What is true of the machine and of the choices, for whole groups of traces.
fn facts(results: &Results) -> Vec<(&'static str, String)> {
    let (from, settings) = (&results.provenance, &results.settings);
    let rigor = settings.rigor.name();
    let mut facts = vec![
        ("Heaprace", from.heaprace_version.clone()),
        ("revision", known(&from.git_revision)),
        ("build", format!("{}, for {}", from.profile, from.target)),
        ("compiler", from.rustc.clone()),
        ("processor", format!("{}; {} usable", known(&from.cpu), count(from.cpu_count.into(), "processor"))),
        ("kernel", known(&from.kernel)),
        ("governor", known(&from.governor)),
        ("transparent huge pages", known(&from.transparent_huge_pages)),
        ("host's page", format!("{} B", grouped(from.host_page_bytes))),
        (
            "heap's page",
            format!("{} B, at most {}", grouped(settings.page_bytes), count(settings.heap_limit_pages, "page")),
        ),
        ("timed replays", times::written(settings).to_owned()),
        ("rounds", format!("{} ({rigor} rigor), seed {}", grouped(settings.rounds.into()), settings.seed)),
    ];
    if let Some(budget) = settings.budget_ns {
        facts.push(("time budget", format!("{} a contender", time(budget))));
    }
    if settings.streamed {
        facts.push(("trace", "decoded beside each replay, as it is too long for memory".into()));
    }
    facts
}

/// A time in the largest unit in which it is whole: `60 s`, `300 ms`.
fn time(ns: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(1_000_000_000, "s"), (1_000_000, "ms"), (1000, "µs"), (1, "ns")];
    let (size, unit) = UNITS.into_iter().find(|(size, _)| ns.is_multiple_of(*size)).unwrap_or((1, "ns"));
    format!("{} {unit}", grouped(ns / size))
}

fn known(figure: &Figure<String>) -> String {
    match figure {
        Figure::Known(text) => text.clone(),
        Figure::Unknown { unknown } => format!("unknown: {unknown}"),
    }
}

/// What one trace is.
pub(super) fn trace(results: &Results) -> String {
    let trace = &results.trace;
    let mut facts = vec![
        ("origin", origin(trace.origin).to_owned()),
        (
            "events",
            format!(
                "{}: {}, {}, {}",
                grouped(trace.events),
                count(trace.allocs, "allocation"),
                count(trace.reallocs, "reallocation"),
                count(trace.deallocs, "deallocation")
            ),
        ),
        ("requested in all", bytes(trace.allocated_bytes)),
        (
            "live at most",
            format!(
                "{} B in {}, after event {}",
                grouped(trace.peak_live_bytes),
                count(trace.peak_live_objects, "object"),
                grouped(trace.peak_live_event)
            ),
        ),
        ("left at the end", count(trace.left_live_objects, "object")),
    ];
    if let Figure::Known(bounds) = &results.bounds {
        facts.push(("clairvoyant placement", format!("{} B", grouped(bounds.clairvoyant_bytes))));
        facts.push((
            "Robson's worst case",
            format!(
                "{} B, for this peak and a largest size of {} B",
                grouped(bounds.robson_bytes),
                grouped(bounds.max_size_bytes)
            ),
        ));
    }
    if trace.mark_count > 0 {
        facts.push(("marks", grouped(trace.mark_count)));
    }
    facts.push(("SHA-256", trace.sha256.clone()));
    let mut html = list(facts.into_iter());
    html.extend(import(results).iter().map(|line| format!("<p class=\"note\">{}</p>\n", escape(line))));
    html
}

/// Where a trace comes from, in a word or two.
pub(super) fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Recorded => "recorded",
        Origin::Synthetic => "synthetic",
        Origin::Unstated => "origin not stated",
    }
}

fn list<'a>(facts: impl Iterator<Item = (&'a str, String)>) -> String {
    let mut html = "<dl class=\"facts\">\n".to_owned();
    for (term, text) in facts {
        html += &format!("<div><dt>{}</dt><dd>{}</dd></div>\n", escape(term), escape(&text));
    }
    html + "</dl>\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_time_budget_has_a_unit_that_fits() {
        let told = |budget_ns| {
            let mut results = sample::empty();
            results.settings.budget_ns = Some(budget_ns);
            facts(&results).into_iter().find(|(term, _)| *term == "time budget").unwrap().1
        };
        assert_eq!(told(300_000_000), "300 ms a contender");
        assert_eq!(told(60_000_000_000), "60 s a contender");
        assert_eq!(told(1_500_000), "1,500 µs a contender");
    }
}
