//! Where the figures come from: the machine, the build, the settings, the trace. Traces that share them are listed
//! together.

use maud::{Markup, html};

use super::heading::{Level, part};
use crate::numbers::{bytes, count, grouped};
use crate::results::{Figure, Origin, ProgramKind, Results};
use crate::table::notes;
use crate::times;

/// Results that share all facts about machine, build and settings.
struct Group<'a> {
    facts: Vec<(&'static str, String)>,
    members: Vec<&'a Results>,
}

/// The section on machine, build and settings, for all traces.
pub(super) fn provenance(results: &[Results]) -> Markup {
    let mut groups: Vec<Group> = Vec::new();
    for one in results {
        let facts = facts(one);
        match groups.iter_mut().find(|group| group.facts == facts) {
            Some(group) => group.members.push(one),
            None => groups.push(Group { facts, members: vec![one] }),
        }
    }
    let content = html! {
        @for Group { facts, members } in &groups {
            @if groups.len() > 1 {
                h3 { (members.iter().map(|one| one.trace.name.as_str()).collect::<Vec<_>>().join(", ")) }
            }
            (list(facts.iter().chain(&[("measured", dates(members))])))
        }
    };
    part("provenance", Level::TWO, "Where the figures come from", content)
}

/// When these were measured, from first to last.
fn dates(results: &[&Results]) -> String {
    let dates = || results.iter().map(|one| &one.provenance.date);
    match (dates().min(), dates().max()) {
        (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
        (first, _) => first.cloned().unwrap_or_default(),
    }
}

/// The machine and the settings, which whole groups of traces share.
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
        ("host page size", format!("{} B", grouped(from.host_page_bytes))),
        (
            "heap page size",
            format!("{} B, at most {}", grouped(settings.page_bytes), count(settings.heap_limit_pages, "page")),
        ),
        ("timed replays", times::written(results).to_owned()),
        ("rounds", format!("{} ({rigor} rigor), seed {}", grouped(settings.rounds.into()), settings.seed)),
    ];
    if let Some(budget) = settings.budget_ns {
        facts.push(("time budget", format!("{} per contender", time(budget))));
    }
    if settings.streamed {
        facts.push(("trace", "decoded during each replay, as it is too long for memory".into()));
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
pub(super) fn trace(results: &Results) -> Markup {
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
        ("requested in total", bytes(trace.allocated_bytes)),
        (
            "peak live",
            format!(
                "{} B in {}, after event {}",
                grouped(trace.peak_live_bytes),
                count(trace.peak_live_objects, "object"),
                grouped(trace.peak_live_event)
            ),
        ),
        ("live at the end", count(trace.left_live_objects, "object")),
    ];
    facts.extend(trace.kind.map(|kind| ("program", written(kind).to_owned())));
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
    html! {
        (list(&facts))
        @for line in notes::trace(results) { p.note { (line) } }
    }
}

/// Who wrote the program, and for what.
fn written(kind: ProgramKind) -> &'static str {
    match kind {
        ProgramKind::Driver => "a driver, written for the trace library",
        ProgramKind::Program => "written by others, for a use of their own",
    }
}

/// Where a trace comes from, in a word or two.
pub(super) fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Recorded => "recorded",
        Origin::Synthetic => "synthetic",
        Origin::Unstated => "origin not stated",
    }
}

fn list<'a>(facts: impl IntoIterator<Item = &'a (&'static str, String)>) -> Markup {
    html! {
        dl.facts {
            @for (term, text) in facts { div { dt { (term) } dd { (text) } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_time_budget_has_a_unit_that_fits() {
        let shown = |budget_ns| {
            let mut results = sample::empty();
            results.settings.budget_ns = Some(budget_ns);
            facts(&results).into_iter().find(|(term, _)| *term == "time budget").unwrap().1
        };
        assert_eq!(shown(300_000_000), "300 ms per contender");
        assert_eq!(shown(60_000_000_000), "60 s per contender");
        assert_eq!(shown(1_500_000), "1,500 µs per contender");
    }
}
