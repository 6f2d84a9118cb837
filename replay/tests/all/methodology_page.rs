//! METHODOLOGY.md explains every warning code, and no other.

use std::collections::BTreeSet;

use heaprace::time::rounds;
use heaprace::warnings;
use heaprace_reports::results::Rigor;
use heaprace_reports::results::WarningCode;
use heaprace_reports::stats::{RESAMPLES, ROUNDS_FOR_95};

const PAGE: &str = include_str!("../../../METHODOLOGY.md");

/// The section with this heading.
fn section<'p>(page: &'p str, heading: &str) -> &'p str {
    let (_, rest) = page.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    rest.split("\n## ").next().unwrap()
}

/// The codes that its table explains.
fn explained(page: &str) -> BTreeSet<&str> {
    let rows = section(page, "Warnings").lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    // A row without an explanation explains nothing.
    rows.filter(|(_, explanation)| explanation.len() > 40).map(|(code, _)| code).collect()
}

fn codes() -> BTreeSet<&'static str> {
    WarningCode::ALL.into_iter().map(WarningCode::name).collect()
}

#[test]
fn every_code_is_explained_and_no_other() {
    assert_eq!(explained(PAGE), codes());
}

/// The check can fail: a page without a code, and a page with an extra code.
#[test]
fn an_outdated_page_is_detected() {
    let without = PAGE.replace("| `governor` |", "| governor |");
    assert!(!explained(&without).contains("governor") && codes().contains("governor"));
    let with = PAGE
        .replace("| `governor` |", "| `weather` | when it rains, or snows, or both of them at once |\n| `governor` |");
    assert!(explained(&with).contains("weather") && !codes().contains("weather"));
}

/// The numbers on the page match the code.
#[test]
fn limits_match_the_page() {
    let warnings = section(PAGE, "Warnings");
    for (limit, text) in [
        (warnings::WIDEST_FLOOR_SPREAD == 0.05, "wider than 5 % of their median"),
        (warnings::MOST_WAITING == 0.02, "more than 2 % of their wall time"),
        (warnings::MOST_STOLEN == 0.01, "more than 1 % of all processors' time"),
        (warnings::FEWEST_CLOCK_STEPS == 1000, "less than 1,000 steps of the clock"),
        (ROUNDS_FOR_95 == 6, "fewer than 6 samples"),
    ] {
        assert!(limit && warnings.contains(text), "{text}");
    }
    let rigor = section(PAGE, "Quick, default, rigorous");
    let rounds = [
        (rounds::default_count(Rigor::Quick) == 6, "| `--quick` | 6, "),
        (rounds::default_count(Rigor::Default) == 15, "| default | 15 "),
        (
            rounds::default_count(Rigor::Rigorous) == 30 && rounds::FEWEST_RIGOROUS == 20,
            "| `--rigorous` | 30 (`--rounds` may say otherwise, from 20 on)",
        ),
    ];
    for (count, text) in rounds {
        assert!(count && rigor.contains(text), "{text}");
    }
    assert!(RESAMPLES == 10_000 && section(PAGE, "Time: rounds, ratios, intervals").contains("10,000 times"));
}
