//! METRICS.md defines every memory figure in the results, and no other.

use std::collections::BTreeSet;

use heaprace::comparison::{ComparisonPlan, compare};
use heaprace::contender::{Contender, TouchPolicy};
use heaprace::time::rounds::Rounds;
use heaprace_allocators::PageSize;
use heaprace_reports::model;
use heaprace_traces::Source;
use serde_json::Value;

use crate::{examine, program};

const PAGE: &str = include_str!("../../../METRICS.md");

/// All keys of the memory figures, at any depth.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            found.insert(key.clone());
            keys(value, found);
        }),
        Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

/// The figures of a page: single lower-case words in code font.
fn documented(page: &str) -> BTreeSet<String> {
    let code = page.split('`').skip(1).step_by(2);
    let word = |text: &&str| {
        text.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
    };
    code.filter(word).map(str::to_owned).collect()
}

fn measured() -> BTreeSet<String> {
    // A heap of one page, so that a request fails and every optional figure is present.
    let lines = program("alloc,1,100,8\nalloc,2,100000,8\nrealloc,1,200\n");
    let memory = examine(Contender::named("segregated-bump").unwrap(), &lines, 1).memory;
    let mut found = BTreeSet::new();
    keys(&serde_json::to_value(memory).unwrap(), &mut found);
    // And a heap on which no request fails, because growth is unknown otherwise.
    let memory = examine(Contender::named("segregated-bump").unwrap(), &program("alloc,1,100,8\n"), 1).memory;
    keys(&serde_json::to_value(memory).unwrap(), &mut found);
    let plan = ComparisonPlan {
        verify: false,
        bounds: true,
        min_heap: true,
        ..ComparisonPlan::of(
            vec![Contender::named("bump").unwrap()],
            Rounds { count: 0, seed: 1, touch: TouchPolicy::None, page: PageSize::WASM, limit_pages: 16 },
        )
    };
    let lines = "op,id,size,align\nalloc,1,60000,8\nrealloc,1,65000\nalloc,2,8,8\ndealloc,2\n";
    let source = Source::from_bytes("a.csv", lines.as_bytes());
    let results = compare(&source, &plan, |_| {}).unwrap();
    keys(&serde_json::to_value(&results.contenders[0].min_heap).unwrap(), &mut found);
    keys(&serde_json::to_value(&results.bounds).unwrap(), &mut found);
    keys(&serde_json::to_value(&results.trace.distributions).unwrap(), &mut found);
    found
}

#[test]
fn every_figure_is_defined() {
    let (documented, measured) = (documented(PAGE), measured());
    let missing: Vec<_> = measured.difference(&documented).collect();
    assert!(missing.is_empty(), "not in METRICS.md: {missing:?}");
    // The other way round: apart from figures, the page may only contain values of figures and names of other files'
    // figures.
    let values = [
        "bounds",
        "distributions",
        "peak_live",
        "peak_heap",
        "end",
        "requested",
        "rounding",
        "free",
        "tail",
        "lost",
        "metadata",
        "unknown",
        "null",
    ];
    let other = ["times", "latency", "instructions", "trace"];
    let other = model::definitions().into_iter().filter(|(table, _)| other.contains(table));
    let other: BTreeSet<&str> = other.flat_map(|(_, rows)| rows).map(|row| row.name).collect();
    let is_known = |word: &&String| values.contains(&word.as_str()) || other.contains(word.as_str());
    let strange: Vec<_> = documented.difference(&measured).filter(|word| !is_known(word)).collect();
    assert!(strange.is_empty(), "METRICS.md defines what is not measured: {strange:?}");
}

/// The check can fail: a page without a figure, and a page with an extra figure.
#[test]
fn an_outdated_page_is_detected() {
    let without = PAGE.replace("`pinned_pages`", "pinned pages");
    assert!(measured().difference(&documented(&without)).any(|key| key == "pinned_pages"));
    let with = format!("{PAGE} `weather_percent`");
    assert!(documented(&with).difference(&measured()).any(|key| key == "weather_percent"));
}
