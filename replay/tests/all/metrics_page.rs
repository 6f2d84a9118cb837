//! METRICS.md defines every memory figure that results hold, and no other.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use allocators::PageSize;
use replay::contender::Contender;
use replay::min_heap::{self, Candidate};
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

/// The figures of a page: what stands in code font, one word of lower case.
fn documented(page: &str) -> BTreeSet<String> {
    let code = page.split('`').skip(1).step_by(2);
    let word = |text: &&str| {
        text.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
    };
    code.filter(word).map(str::to_owned).collect()
}

fn measured() -> BTreeSet<String> {
    // A heap of one page, so that a request fails and every optional figure is there.
    let lines = program("alloc,1,100,8\nalloc,2,100000,8\nrealloc,1,200\n");
    let memory = examine(Contender::named("segregated-bump").unwrap(), &lines, 1).memory;
    let mut found = BTreeSet::new();
    keys(&serde_json::to_value(memory).unwrap(), &mut found);
    let candidate = Candidate { contender: Contender::named("bump").unwrap(), peak_pages: 2 };
    let lines = program("alloc,1,60000,8\nrealloc,1,65000\n");
    let min_heaps = min_heap::find(&lines, PageSize::WASM, &[candidate], NonZeroUsize::MIN, |_| {}).unwrap();
    keys(&serde_json::to_value(min_heaps).unwrap(), &mut found);
    found
}

#[test]
fn every_figure_is_defined() {
    let (documented, measured) = (documented(PAGE), measured());
    let missing: Vec<_> = measured.difference(&documented).collect();
    assert!(missing.is_empty(), "not in METRICS.md: {missing:?}");
    // The other way round: values of these figures, and names of other files' figures, are all that it may speak of besides.
    let values = [
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
    let strange: Vec<_> = documented.difference(&measured).filter(|word| !values.contains(&word.as_str())).collect();
    assert!(strange.is_empty(), "METRICS.md defines what is not measured: {strange:?}");
}

/// The check can fail: a page without a figure, and one with a figure too many.
#[test]
fn a_page_out_of_step_is_found() {
    let without = PAGE.replace("`pinned_pages`", "pinned pages");
    assert!(measured().difference(&documented(&without)).any(|key| key == "pinned_pages"));
    let with = format!("{PAGE} `weather_percent`");
    assert!(documented(&with).difference(&measured()).any(|key| key == "weather_percent"));
}
