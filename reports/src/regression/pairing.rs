//! Which results of two runs belong together, and their names.

use crate::label::differing_settings;
use crate::results::Results;
use crate::times;

/// The results of two runs, paired.
#[derive(Default)]
pub(super) struct Pairing<'a> {
    /// The comparable pairs, in the order of the old run.
    pub(super) pairs: Vec<Paired<'a>>,
    /// Traces that match by content or by name but are not comparable: their names, and why.
    pub(super) not_comparable: Vec<(String, String)>,
    /// Names of results in the old run only.
    pub(super) only_old: Vec<String>,
    /// Names of results in the new run only.
    pub(super) only_new: Vec<String>,
}

/// The same trace with the same settings in both runs.
pub(super) struct Paired<'a> {
    /// The name of the pair.
    pub(super) name: String,
    /// The results in the old run.
    pub(super) old: &'a Results,
    /// The results in the new run.
    pub(super) new: &'a Results,
}

/// Whether two results may be paired.
type Rule<'r> = &'r dyn Fn(&Results, &Results) -> bool;

/// Pairs each result of the old run with one of the new run. A trace is identified by its content, whatever its file
/// name: names only decide between copies.
pub(super) fn pair<'a>(old: &'a [Results], new: &'a [Results]) -> Pairing<'a> {
    let same_name = |old: &Results, new: &Results| old.trace.name == new.trace.name;
    let same_content = |old: &Results, new: &Results| old.trace.sha256 == new.trace.sha256;
    let comparable = |old: &Results, new: &Results| differences(old, new).is_empty();
    // Each rule is applied to all results before the next rule, so that no result takes a better match of another.
    let rules: [Rule; 4] =
        [&|old, new| comparable(old, new) && same_name(old, new), &comparable, &same_content, &same_name];
    let new_labels = labels(new);
    let mut left: Vec<(&Results, &String)> = new.iter().zip(&new_labels).collect();
    let mut partners: Vec<Option<&Results>> = vec![None; old.len()];
    for rule in rules {
        for (old, partner) in old.iter().zip(&mut partners).filter(|(_, partner)| partner.is_none()) {
            *partner = left.iter().position(|(new, _)| rule(old, new)).map(|index| left.remove(index).0);
        }
    }

    let mut pairing = Pairing::default();
    for ((one, partner), name) in old.iter().zip(partners).zip(labels(old)) {
        let Some(new) = partner else {
            pairing.only_old.push(name);
            continue;
        };
        let name = if same_name(one, new) { name } else { format!("{name} ({} in the new run)", new.trace.name) };
        match differences(one, new) {
            reasons if reasons.is_empty() => pairing.pairs.push(Paired { name, old: one, new }),
            reasons => pairing.not_comparable.push((name, reasons.join("; "))),
        }
    }
    pairing.only_new.extend(left.into_iter().map(|(_, label)| label.clone()));
    pairing
}

/// The names of the traces of a run, each with the settings in which the run's results differ.
fn labels(run: &[Results]) -> Vec<String> {
    let name = |(results, settings): (&Results, String)| match settings.as_str() {
        "" => results.trace.name.clone(),
        settings => format!("{} ({settings})", results.trace.name),
    };
    run.iter().zip(differing_settings(run)).map(name).collect()
}

/// Why the figures of two results cannot be compared: the relevant settings that differ.
fn differences(old: &Results, new: &Results) -> Vec<String> {
    let mut differences = Vec::new();
    let mut differ = |what: &str, old: &str, new: &str| {
        if old != new {
            differences.push(format!("{what} {old} and {new}"));
        }
    };
    let digits = |sha256: &str| sha256.chars().take(12).collect::<String>();
    if old.trace.sha256 != new.trace.sha256 {
        differ("the trace has changed, SHA-256", &digits(&old.trace.sha256), &digits(&new.trace.sha256));
    }
    let (before, after) = (&old.settings, &new.settings);
    differ("page size", &before.page_bytes.to_string(), &after.page_bytes.to_string());
    differ("touch", times::touched(old).name(), times::touched(new).name());
    differ("heap limit in pages", &before.heap_limit_pages.to_string(), &after.heap_limit_pages.to_string());
    differ("target", &old.provenance.target, &new.provenance.target);
    differences
}

/// When, where and with what a run was measured. It may have parts from several builds and machines: each is named
/// once, with its first date.
pub(super) fn measured(all: &[Results]) -> String {
    let mut known = Vec::new();
    let mut lines = Vec::new();
    for results in all {
        let from = &results.provenance;
        let revision = from.git_revision.known().map(|revision| format!(" ({revision})")).unwrap_or_default();
        let cpu = from.cpu.known().map_or("an unknown processor", String::as_str);
        let written = times::written(results);
        let by =
            format!("by Heaprace {}{revision}, {} build, on {cpu}; {written}", from.heaprace_version, from.profile);
        if !known.contains(&by) {
            lines.push(format!("{} {by}", from.date));
            known.push(by);
        }
    }
    lines.join("; and ")
}

/// The builds have different profiles, so neither times nor instructions are comparable.
pub(super) fn builds(Paired { old, new, .. }: &Paired) -> Option<String> {
    let (old, new) = (&old.provenance.profile, &new.provenance.profile);
    (old != new).then(|| format!("a {old} and a {new} build"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Extents, TouchPolicy};
    use crate::sample::on;

    fn names<'a>(pairing: &'a Pairing) -> Vec<&'a str> {
        pairing.pairs.iter().map(|pair| pair.name.as_str()).collect()
    }

    #[test]
    fn a_trace_is_the_same_by_its_content() {
        let old = [on("one", vec![])];
        let mut renamed = on("two", vec![]);
        renamed.trace.sha256 = old[0].trace.sha256.clone();
        let mut changed = on("one", vec![]);
        changed.trace.sha256 = "another".into();
        let new = [changed.clone(), renamed.clone()];
        let found = pair(&old, &new);
        assert_eq!(names(&found), ["one (two in the new run)"]);
        assert_eq!((found.not_comparable.len(), found.only_new), (0, vec!["one".to_owned()]));
        let found = pair(&old, std::slice::from_ref(&changed));
        assert_eq!(found.not_comparable[0].1, "the trace has changed, SHA-256 sha of one and another");
        renamed.settings.touch = TouchPolicy::First;
        let new = [renamed];
        let reason = ("one (two in the new run)".to_owned(), "touch all and first".to_owned());
        assert_eq!(pair(&old, &new).not_comparable, [reason]);
    }

    #[test]
    fn what_was_written_decides_and_not_what_was_asked_for() {
        let old = [on("one", vec![])];
        let mut new = old.clone();
        new[0].settings.touch = TouchPolicy::Written;
        assert_eq!(names(&pair(&old, &new)), ["one"], "the trace has no extents, so every new byte was written");
        new[0].trace.extents = Some(Extents { blocks: 1, known_blocks: 1, written_bytes: 1 });
        let reason = ("one".to_owned(), "touch all and written".to_owned());
        assert_eq!(pair(&old, &new).not_comparable, [reason]);
    }

    #[test]
    fn names_decide_between_copies() {
        let mut old = [on("copy", vec![]), on("one", vec![])];
        old[0].trace.sha256 = old[1].trace.sha256.clone();
        let mut new = old.clone();
        new.reverse();
        assert_eq!(names(&pair(&old, &new)), ["copy", "one"]);
    }

    #[test]
    fn a_trace_that_repeats_is_distinguished_by_its_settings() {
        let with = |page_bytes, heap_limit_pages, touch| {
            let mut results = on("one", vec![]);
            results.settings.page_bytes = page_bytes;
            results.settings.heap_limit_pages = heap_limit_pages;
            results.settings.touch = touch;
            results
        };
        let two = [with(4096, 1024, TouchPolicy::First), with(65_536, 64, TouchPolicy::First), on("two", vec![])];
        assert_eq!(
            names(&pair(&two, &two)),
            [
                "one (4 KiB pages, touch first, heap of 4 MiB)",
                "one (64 KiB pages, touch first, heap of 4 MiB)",
                "two (64 KiB pages, touch all, heap of 4 GiB)"
            ]
        );
        let more = [
            with(4096, 1024, TouchPolicy::First),
            with(4096, 1024, TouchPolicy::All),
            with(4096, 64, TouchPolicy::All),
        ];
        assert_eq!(
            names(&pair(&more, &more)),
            ["one (touch first, heap of 4 MiB)", "one (touch all, heap of 4 MiB)", "one (touch all, heap of 256 KiB)"]
        );
        let found = pair(&two, &[]);
        assert_eq!(found.only_old[1], "one (64 KiB pages, touch first, heap of 4 MiB)");
    }
}
