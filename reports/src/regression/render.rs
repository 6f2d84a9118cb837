//! A comparison of two runs as text for a terminal, and as Markdown for a pull request.

use super::comparison::{Compared, Regression};
use super::gate::{Worse, change, difference, percent};
use super::sight::{allowed, blind, each};
use crate::numbers::{fixed, grouped};
use crate::reasons::by_reason;
use crate::results::{Figure, Role};
use crate::stats::{ROUNDS_FOR_95, Ratio, Regime, Verdict, expected_by_chance};
use crate::table::markdown::{escaped, markdown as table_as_markdown};
use crate::table::model::{Table, TableColumn};
use crate::table::terminal::{self, UNKNOWN};
use crate::table::wrap;
use crate::times;

/// Stands for a missing ratio, with blanks in place of its mark.
const NO_RATIO: &str = "–  ";

/// Stands in place of a verdict where the new run has nothing that the old one has, too.
const NOTHING_YET: &str = "Nothing to compare yet: no allocator has been measured on the same trace in both runs.";

/// The title of the list of what each time could have shown, in text and in Markdown.
const SIGHT: &str = "smallest slowdown that each time could have shown";
const SIGHT_TITLE: &str = "Smallest slowdown that each time could have shown";

impl Regression {
    /// As text at most `width` columns wide, except for the table if names are long. `worse` has the findings of a
    /// gate, and its threshold.
    pub fn text(&self, worse: Option<(&Worse, f64)>, width: usize) -> String {
        let mut paragraphs = Vec::new();
        if let Some((old, new)) = &self.runs {
            paragraphs.push(vec![format!("old: {old}"), format!("new: {new}")]);
        }
        let mut text = block(&paragraphs, width);
        if !self.cells.is_empty() {
            text += &terminal::plain(&self.table());
            text += "\n\n";
        }
        let legend = self.legend();
        let lists = [
            ("exact differences:", self.differences()),
            ("new, so there is nothing to compare with:", self.only_new.clone()),
            ("not compared:", self.not_compared()),
        ];
        let lists = lists.into_iter().filter(|(_, lines)| !lines.is_empty());
        let mut below: Vec<Vec<String>> = if self.cells.is_empty() { Vec::new() } else { vec![legend] };
        below.push(self.doubts.iter().map(|doubt| format!("WARNING: {doubt}")).collect());
        below.extend(lists.map(|(title, lines)| std::iter::once(title.to_owned()).chain(lines).collect()));
        if let Some((worse, threshold)) = worse {
            let seen = each(&worse.sight);
            below.extend((!seen.is_empty()).then(|| std::iter::once(format!("{SIGHT}:")).chain(seen).collect()));
            below.push(std::iter::once(self.verdict(worse, threshold)).chain(worse.lines.clone()).collect());
            below.push(blind(&worse.sight, threshold).map(|blind| format!("WARNING: {blind}")).into_iter().collect());
        } else if self.is_all_new() {
            below.push(vec![NOTHING_YET.to_owned()]);
        }
        text += &block(&below, width);
        text.trim_end_matches('\n').to_owned() + "\n"
    }

    /// As Markdown, starting with the verdict if there is one.
    pub fn markdown(&self, worse: Option<(&Worse, f64)>) -> String {
        let mut text = String::from("### Allocators, new against old\n\n");
        if let Some((worse, threshold)) = worse {
            text += &format!("**{}**\n\n{}", escaped(&self.verdict(worse, threshold)), list(&worse.lines));
            text.extend(blind(&worse.sight, threshold).map(|blind| format!("**Warning:** {}\n\n", escaped(&blind))));
        } else if self.is_all_new() {
            text += &format!("**{NOTHING_YET}**\n\n");
        }
        if !self.cells.is_empty() {
            text += &table_as_markdown(&self.table());
            text += &format!("\n{}\n\n", escaped(&self.legend().join(" ")));
        }
        text += &list(&self.doubts.iter().map(|doubt| format!("Warning: {doubt}")).collect::<Vec<_>>());
        if !self.only_new.is_empty() {
            text += &format!("New, so there is nothing to compare with: {}\n\n", escaped(&self.only_new.join(", ")));
        }
        let seen = worse.map(|(worse, _)| each(&worse.sight)).unwrap_or_default();
        for (title, lines) in
            [("Exact differences", self.differences()), ("Not compared", self.not_compared()), (SIGHT_TITLE, seen)]
        {
            if !lines.is_empty() {
                text += &format!("<details><summary>{title}</summary>\n\n{}</details>\n\n", list(&lines));
            }
        }
        if let Some((old, new)) = &self.runs {
            text += &list(&[format!("old: {old}"), format!("new: {new}")]);
        }
        text.trim_end().to_owned() + "\n"
    }

    /// The verdict of a gate. Where a time could not have shown what is allowed, the verdict does not claim that it is no
    /// worse.
    pub(super) fn verdict(&self, worse: &Worse, threshold: f64) -> String {
        let by = if threshold == 0.0 { "at all".to_owned() } else { format!("by more than {} %", allowed(threshold)) };
        match (worse.compared, worse.lines.len()) {
            _ if self.is_all_new() => NOTHING_YET.into(),
            (0, _) => "No figure that the gate judges could be compared.".into(),
            (compared, 0) if worse.sight.iter().any(|time| time.is_blind_to(threshold)) => {
                format!("None of {compared} figures is shown to be worse {by}, but some are too noisy to tell.")
            }
            (compared, 0) => format!("None of {compared} figures got worse {by}."),
            (compared, 1) => format!("1 of {compared} figures got worse {by}:"),
            (compared, count) => format!("{count} of {compared} figures got worse {by}:"),
        }
    }

    /// The legend of the table, and how many of its verdicts are expected to be wrong by chance.
    fn legend(&self) -> Vec<String> {
        let programs = self.regimes().into_iter().map(|regime| match regime {
            Regime::Fresh => format!("Fresh: {}. ", times::program(regime)),
            Regime::Steady => format!("Steady: {}. ", times::program(regime)),
            Regime::Rewound => format!("Rewound: {}. ", times::timed(regime)),
        });
        let table = format!(
            "Times are new / old: the ratio of the medians, with its 95 % confidence interval. ▲ slower, ▼ faster: the \
             whole interval is on one side of 1. All others are inconclusive. {}Memory is exact.",
            programs.collect::<String>()
        );
        let other = self.relative_to.as_ref();
        let relative =
            other.map(|other| format!("Times of each run are relative to those of {other} in the same rounds."));
        let ratios = self.cells.iter().flat_map(|cell| &cell.times).filter_map(|(_, ratio)| ratio.known());
        let chance = expected_by_chance(ratios.filter(|ratio| ratio.estimate.interval.is_some()).count());
        [Some(table), relative, chance].into_iter().flatten().collect()
    }

    /// The regimes that any cell has.
    fn regimes(&self) -> Vec<Regime> {
        let is_compared = |of: &Regime| self.cells.iter().flat_map(|cell| &cell.times).any(|(regime, _)| regime == of);
        Regime::EVERY.into_iter().filter(is_compared).collect()
    }

    fn table(&self) -> Table {
        let regimes = self.regimes();
        let times = regimes.iter().map(|regime| format!("{} ×\n95 % CI", regime.name()));
        let headings = times.chain(["peak heap\nKiB", "change"].map(str::to_owned));
        let mut table = Table::new("allocator", headings.map(|heading| TableColumn::plain(&heading)).collect());
        for cell in &self.cells {
            let peak = cell.figures.iter().find(|figure| figure.metric.name == "peak_heap_bytes");
            let peak = peak.and_then(|figure| figure.known());
            let time = |of: &Regime| cell.times.iter().find(|(regime, _)| regime == of);
            let times = regimes.iter().map(|of| time(of).map_or(NO_RATIO.into(), |(_, found)| ratio(found)));
            let role = if cell.role == Role::Ablation { " (ablation)" } else { "" };
            let memory = [
                peak.map_or(UNKNOWN.into(), |(_, new)| grouped((new as u64).div_ceil(1024))),
                match (&cell.broke, peak) {
                    (Some(_), _) => "BROKE".into(),
                    (None, Some((old, new))) => percent(change(old, new)),
                    (None, None) => UNKNOWN.into(),
                },
            ];
            table.words(&cell.trace, format!("{}{role}", cell.contender), times.chain(memory));
        }
        table
    }

    /// The exact differences and version changes, a line per cell.
    fn differences(&self) -> Vec<String> {
        let of_cell = |cell: &Compared| {
            let mut parts = Vec::new();
            if cell.versions.0 != cell.versions.1 {
                parts.push(format!("version {} → {}", cell.versions.0, cell.versions.1));
            }
            for pair in &cell.figures {
                match pair.known() {
                    Some((old, new)) if old != new => parts.push(difference(pair, old, new)),
                    _ => {}
                }
            }
            (!parts.is_empty()).then(|| format!("{} on {}: {}", cell.contender, cell.trace, parts.join(", ")))
        };
        self.cells.iter().filter_map(of_cell).collect()
    }

    /// What is missing in the table, and why.
    fn not_compared(&self) -> Vec<String> {
        let mut lines: Vec<String> =
            self.not_comparable.iter().map(|(what, why)| format!("{what}: not comparable: {why}")).collect();
        let unknown =
            self.cells.iter().flat_map(|cell| missing_comparisons(cell).into_iter().map(move |reason| (cell, reason)));
        let named: Vec<(String, String)> =
            unknown.map(|(cell, reason)| (format!("{} on {}", cell.contender, cell.trace), reason)).collect();
        let grouped = by_reason(named.iter().map(|(name, reason)| (name.as_str(), reason.clone())));
        lines.extend(grouped.into_iter().map(|(names, reason)| format!("{names}: {reason}")));
        if !self.only_old.is_empty() {
            lines.push(format!("in the old run only: {}", self.only_old.join(", ")));
        }
        lines
    }
}

/// The comparisons that a cell lacks, and why.
fn missing_comparisons(cell: &Compared) -> Vec<String> {
    let mut missing = no_ratios(cell);
    let apart = cell.figures.iter().filter_map(|pair| Some((pair.metric.name.as_str(), pair.apart.clone()?)));
    missing.extend(by_reason(apart).into_iter().map(|(metrics, reason)| format!("{metrics}: {reason}")));
    let lost = cell.figures.iter().filter_map(|pair| Some((pair.metric.name.as_str(), pair.lost()?.to_string())));
    missing.extend(by_reason(lost).into_iter().map(|(metrics, reason)| format!("{metrics}: new: {reason}")));
    missing
}

/// The ratios of times that a cell lacks, or has without an interval, and why.
fn no_ratios(cell: &Compared) -> Vec<String> {
    let missing = |ratio: &Figure<Ratio>, of: &str| match ratio {
        Figure::Unknown { unknown } => Some(format!("no ratio of {of}times: {unknown}")),
        Figure::Known(ratio) if ratio.estimate.interval.is_none() => Some(format!(
            "no interval for {of}times: a 95 % interval needs at least {ROUNDS_FOR_95} rounds in both runs"
        )),
        Figure::Known(_) => None,
    };
    let mut of_all = cell.times.iter().map(|(_, ratio)| missing(ratio, ""));
    let first = of_all.next().flatten();
    if first.is_some() && of_all.all(|other| other == first) {
        return first.into_iter().collect();
    }
    cell.times.iter().filter_map(|(regime, ratio)| missing(ratio, &format!("{} ", regime.name()))).collect()
}

/// A ratio with its interval and its mark: `1.08 1.05–1.11 ▲`.
fn ratio(figure: &Figure<Ratio>) -> String {
    let Figure::Known(Ratio { estimate, verdict }) = figure else { return NO_RATIO.into() };
    let mark = match verdict {
        Verdict::Slower => "▲",
        Verdict::Faster => "▼",
        Verdict::Inconclusive => " ",
    };
    match estimate.interval {
        Some(interval) => {
            format!("{} {}–{} {mark}", fixed(estimate.value, 2), fixed(interval.low, 2), fixed(interval.high, 2))
        }
        None => format!("{} {mark}", fixed(estimate.value, 2)),
    }
}

/// Paragraphs of wrapped lines, with a blank line after each.
fn block(paragraphs: &[Vec<String>], width: usize) -> String {
    let mut text = String::new();
    for paragraph in paragraphs.iter().filter(|paragraph| !paragraph.is_empty()) {
        for line in paragraph.iter().flat_map(|line| wrap(line, width, 2)) {
            text += &line;
            text.push('\n');
        }
        text.push('\n');
    }
    text
}

/// A Markdown list with a blank line after it; empty without lines.
fn list(lines: &[String]) -> String {
    let items: String = lines.iter().map(|line| format!("- {}\n", escaped(line))).collect();
    if items.is_empty() { items } else { items + "\n" }
}

#[cfg(test)]
mod tests {
    use super::super::default_gates;
    use super::*;
    use crate::sample::{contender, on};

    fn regression() -> Regression {
        let old = [
            on(
                "one",
                vec![
                    contender("dlmalloc").version("0.2.13").pages(20).fresh_ns(125).steady_ns(126).build(),
                    contender("wee_alloc").pages(889).fresh_ns(100).steady_ns(100).build(),
                    contender("gone").build(),
                ],
            ),
            on("two", vec![contender("wee_alloc").rounds(1).pages(3).build()]),
        ];
        let new = [
            on(
                "one",
                vec![
                    contender("dlmalloc").version("0.2.14").pages(21).fresh_ns(150).steady_ns(126).build(),
                    contender("wee_alloc")
                        .pages(800)
                        .fresh_ns(100)
                        .steady_ns(50)
                        .without_time("the child died")
                        .build(),
                ],
            ),
            on("two", vec![contender("wee_alloc").rounds(1).pages(3).failed_requests(2).build()]),
        ];
        Regression::of(&old, &new, None)
    }

    #[test]
    fn text_looks_like_this() {
        let expected = "\
old: 2026-05-04T12:00:00Z by Heaprace 0.1.0 (9700486), release build, on AMD EPYC 7763 64-Core
  Processor; every new byte written
new: 2026-05-04T12:00:00Z by Heaprace 0.1.0 (9700486), release build, on AMD EPYC 7763 64-Core
  Processor; every new byte written

allocator           fresh ×          steady ×  peak heap   change
                    95 % CI           95 % CI        KiB
──────────────────────────────────────────────────────────────────
one
dlmalloc   1.20 1.17–1.23 ▲  1.00 0.98–1.02        1,344   +5.0 %
wee_alloc               –                 –       51,200  -10.0 %
two
wee_alloc            1.00              1.00          192    BROKE

Times are new / old: the ratio of the medians, with its 95 % confidence interval. ▲ slower, ▼
  faster: the whole interval is on one side of 1. All others are inconclusive. Fresh: a program that
  starts. Steady: a program that runs on. Memory is exact.

exact differences:
dlmalloc on one: version 0.2.13 → 0.2.14, peak_heap_bytes 1,310,720 → 1,376,256 (+5.0 %),
  peak_span_bytes 1,310,720 → 1,376,256 (+5.0 %), retention.end_resident_bytes 1,310,720 → 1,376,256
  (+5.0 %), retention.freed_heap_bytes 1,310,720 → 1,376,256 (+5.0 %), grow_calls 20 → 21 (+5.0 %)
wee_alloc on one: peak_heap_bytes 58,261,504 → 52,428,800 (-10.0 %), peak_span_bytes 58,261,504 →
  52,428,800 (-10.0 %), retention.end_resident_bytes 58,261,504 → 52,428,800 (-10.0 %),
  retention.freed_heap_bytes 58,261,504 → 52,428,800 (-10.0 %), grow_calls 889 → 800 (-10.0 %)

not compared:
wee_alloc on one: no ratio of times: new: the child died
wee_alloc on one: instructions_per_op: new: the child died
wee_alloc on two: no interval for times: a 95 % interval needs at least 6 rounds in both runs
in the old run only: gone on one

smallest slowdown that each time could have shown:
dlmalloc on one: fresh_ns_per_op 2.2 %, steady_ns_per_op 2.2 %

4 of 7 figures got worse by more than 5 %:
dlmalloc on one: fresh_ns_per_op +20.0 % (95 % CI +17.4 % to +22.7 %)
wee_alloc on one: fresh_ns_per_op is no longer known: the child died
wee_alloc on one: steady_ns_per_op is no longer known: the child died
wee_alloc on two: fails 2 requests, 0 before
";
        let found = regression();
        let text = found.text(Some((&found.worse(0.05, &default_gates()), 0.05)), 100);
        assert_eq!(text, expected, "{text}");
        assert!(!found.text(None, 100).contains("got worse"));
    }

    #[test]
    fn markdown_has_the_verdict_first() {
        let found = regression();
        let text = found.markdown(Some((&found.worse(0.05, &default_gates()), 0.05)));
        let expected = "\
### Allocators, new against old

**4 of 7 figures got worse by more than 5 %:**

- dlmalloc on one: fresh\\_ns\\_per\\_op +20.0 % (95 % CI +17.4 % to +22.7 %)
- wee\\_alloc on one: fresh\\_ns\\_per\\_op is no longer known: the child died
- wee\\_alloc on one: steady\\_ns\\_per\\_op is no longer known: the child died
- wee\\_alloc on two: fails 2 requests, 0 before

| allocator | fresh × 95 % CI | steady × 95 % CI | peak heap KiB | change |
| :-- | --: | --: | --: | --: |
| **one** |  |  |  |  |
| dlmalloc | 1.20 1.17–1.23 ▲ | 1.00 0.98–1.02 | 1,344 | +5.0 % |
";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.contains("<details><summary>Exact differences</summary>\n\n- dlmalloc on one: version"));
    }

    #[test]
    fn every_machine_of_a_run_is_named_and_each_page_size_has_its_heading() {
        let mut run = [on("one", vec![contender("a").pages(2).build()]), on("one", vec![contender("a").build()])];
        run[1].settings.page_bytes = 4096;
        run[1].provenance.cpu = Figure::Known("another".into());
        let mut new = run.clone();
        new[1].contenders = vec![contender("a").pages(40).build()];
        let found = Regression::of(&run, &new, None);
        let text = found.text(Some((&found.worse(0.0, &default_gates()), 0.0)), 300);
        let runs = "Processor; every new byte written; and 2026-05-04T12:00:00Z by Heaprace 0.1.0 (9700486), release build, on another; every new byte written\n";
        assert_eq!(text.matches(runs).count(), 2, "{text}");
        for heading in ["\none (64 KiB pages, heap of 4 GiB)\n", "\none (4 KiB pages, heap of 256 MiB)\n"] {
            assert!(text.contains(heading), "{text}");
        }
        assert!(text.contains("\na on one (4 KiB pages, heap of 256 MiB): peak_heap_bytes 1,310,720 →"), "{text}");
    }

    /// Five contenders with two ratios each have ten verdicts; four have eight.
    #[test]
    fn many_verdicts_come_with_the_number_wrong_by_chance() {
        let run = |rows: usize| {
            [on("one", ["a", "b", "c", "d", "e"][..rows].iter().map(|name| contender(name).build()).collect())]
        };
        let sentence = "Of these 10 verdicts, about 1 is expected to be wrong by chance alone (5 % each).";
        let five = Regression::of(&run(5), &run(5), None);
        assert!(five.text(None, 300).contains(sentence) && five.markdown(None).contains(sentence));
        let four = Regression::of(&run(4), &run(4), None);
        assert!(!four.text(None, 300).contains("by chance") && !four.markdown(None).contains("by chance"));
    }

    #[test]
    fn ablations_are_labelled() {
        let run = [on("one", vec![contender("a").build(), contender("variant").role(Role::Ablation).build()])];
        let text = Regression::of(&run, &run, None).markdown(None);
        assert!(text.contains("| variant (ablation) | 1.00 ") && text.contains("| a | 1.00 "), "{text}");
    }

    #[test]
    fn runs_without_common_traces_are_listed() {
        let nothing = Regression::of(&[on("a", vec![])], &[on("b", vec![])], None);
        let text = nothing.text(None, 100);
        assert!(
            text.ends_with(
                "new, so there is nothing to compare with:\nb\n\nnot compared:\nin the old run only: a\n\n\
                 Nothing to compare yet: no allocator has been measured on the same trace in both runs.\n"
            ),
            "{text}"
        );
        assert_eq!(Regression::of(&[], &[], None).text(None, 80), "\n");
        let gate = nothing.worse(0.0, &default_gates());
        for text in [nothing.markdown(Some((&gate, 0.0))), nothing.markdown(None)] {
            assert!(
                text.contains("\n\n**Nothing to compare yet: no allocator has been") && text.contains(": b\n"),
                "{text}"
            );
        }
        let timeless = [on("a", vec![contender("talc").without_time("x").build()])];
        let found = Regression::of(&timeless, &timeless, None);
        let gate = found.worse(0.0, &["fresh_ns_per_op"]);
        assert!(found.markdown(Some((&gate, 0.0))).contains("**No figure that the gate judges could be compared.**"));
    }
}
