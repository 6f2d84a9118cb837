//! What results are called: the trace, and the settings in which the results at hand differ.

use std::borrow::Cow;

use crate::numbers::grouped;
use crate::results::Results;

/// For each of the results, the settings in which they are not all alike: `4 KiB pages, touch first`. Empty if nothing
/// differs.
///
/// The heap limit counts in bytes, because the default in pages follows from the page size.
///
/// ```
/// use heaprace_reports::results::Results;
///
/// fn print(all: &[Results]) {
///     for (results, settings) in all.iter().zip(heaprace_reports::differing_settings(all)) {
///         println!("{} {settings}", results.trace.name);
///     }
/// }
/// ```
pub fn differing_settings(all: &[Results]) -> Vec<String> {
    let settings: Vec<[String; 4]> = all.iter().map(settings).collect();
    let differ = |at: &usize| settings.windows(2).any(|pair| pair[0][*at] != pair[1][*at]);
    let differing: Vec<usize> = (0..4).filter(differ).collect();
    let label = |one: &[String; 4]| differing.iter().map(|&at| one[at].as_str()).collect::<Vec<_>>().join(", ");
    settings.iter().map(label).collect()
}

/// The settings that results are told apart by, in words.
fn settings(results: &Results) -> [String; 4] {
    let settings = &results.settings;
    [
        format!("{} pages", size(settings.page_bytes)),
        format!("touch {}", settings.touch),
        format!("heap of {}", size(settings.heap_limit_pages.saturating_mul(settings.page_bytes))),
        results.provenance.target.clone(),
    ]
}

/// A number of bytes in the largest unit that it is a multiple of.
fn size(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.into_iter().find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{} {name}", grouped(bytes / unit)),
        None => format!("{} B", grouped(bytes)),
    }
}

/// The same results with labels in place of the names of their traces: `serde-heavy, 4 KiB pages`. For what is read by
/// people; data keep the name, and have the settings in fields of their own.
pub fn labelled(all: &[Results]) -> Cow<'_, [Results]> {
    let labels = differing_settings(all);
    if labels.iter().all(String::is_empty) {
        return Cow::Borrowed(all);
    }
    let mut named = all.to_vec();
    for (results, label) in named.iter_mut().zip(labels) {
        results.trace.name += &format!(", {label}");
    }
    Cow::Owned(named)
}

/// Separates results by the settings in which they differ, in the order of their first appearance. A single group has an
/// empty label.
pub fn by_settings(all: &[Results]) -> Vec<(String, Vec<Results>)> {
    let mut groups: Vec<(String, Vec<Results>)> = Vec::new();
    for (results, label) in all.iter().zip(differing_settings(all)) {
        match groups.iter_mut().find(|(known, _)| *known == label) {
            Some((_, group)) => group.push(results.clone()),
            None => groups.push((label, vec![results.clone()])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::TouchPolicy;
    use crate::sample::on;

    /// A trace with a page size and a heap limit, both in bytes.
    fn with(name: &str, page_bytes: u64, limit_bytes: u64, touch: TouchPolicy) -> Results {
        let mut results = on(name, vec![]);
        results.settings.page_bytes = page_bytes;
        results.settings.heap_limit_pages = limit_bytes / page_bytes;
        results.settings.touch = touch;
        results
    }

    fn names(all: &[Results]) -> Vec<String> {
        labelled(all).iter().map(|results| results.trace.name.clone()).collect()
    }

    #[test]
    fn results_are_labelled_by_the_settings_that_differ() {
        let touch = TouchPolicy::All;
        let pages = [with("one", 4096, 1 << 32, touch), with("one", 65_536, 1 << 32, touch)];
        assert_eq!(names(&pages), ["one, 4 KiB pages", "one, 64 KiB pages"], "the limit differs in pages only");
        let all = [
            with("one", 4096, 1 << 20, touch),
            with("one", 4096, 3 << 20, TouchPolicy::First),
            with("two", 4096, 12_288, touch),
        ];
        assert_eq!(
            names(&all),
            ["one, touch all, heap of 1 MiB", "one, touch first, heap of 3 MiB", "two, touch all, heap of 12 KiB"]
        );
        let odd = [with("one", 1, 1000, touch), with("one", 1, u64::MAX, touch)];
        assert_eq!(differing_settings(&odd), ["heap of 1,000 B", "heap of 18,446,744,073,709,551,615 B"]);
    }

    #[test]
    fn results_with_the_same_settings_keep_their_names() {
        let same = [with("one", 4096, 1 << 32, TouchPolicy::All), with("two", 4096, 1 << 32, TouchPolicy::All)];
        assert!(matches!(labelled(&same), Cow::Borrowed(_)));
        assert_eq!(differing_settings(&same), ["", ""]);
        assert_eq!(differing_settings(&[]), [""; 0]);
        assert_eq!(by_settings(&same).len(), 1);
    }

    #[test]
    fn groups_have_one_setting_each() {
        let of = |name, page_bytes| with(name, page_bytes, 1 << 32, TouchPolicy::All);
        let groups = by_settings(&[of("one", 65_536), of("one", 4096), of("two", 65_536)]);
        let found: Vec<_> = groups.iter().map(|(label, group)| (label.as_str(), group.len())).collect();
        assert_eq!(found, [("64 KiB pages", 2), ("4 KiB pages", 1)]);
        assert_eq!(groups[0].1[0].trace.name, "one", "the label is beside the name");
    }
}
