//! What the benches share: which of them the command line asks for, where criterion does not decide it, and how figures are shown.
//!
//! criterion skips the benchmarks that a filter leaves out. What is prepared for them, and the comparisons that criterion does not make,
//! ask here, so that `cargo bench -- micro` does not wait for a minute of something else.

// Every bench is a crate of its own, and uses some of it.
#![allow(dead_code)]

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, SamplingMode};
use regex::Regex;
use reports::stats::Estimate;

/// Options of criterion whose value is an argument of its own.
const WITH_VALUE: [&str; 19] = [
    "-c",
    "--color",
    "--colour",
    "-s",
    "--save-baseline",
    "-b",
    "--baseline",
    "--baseline-lenient",
    "--format",
    "--profile-time",
    "--load-baseline",
    "--sample-size",
    "--warm-up-time",
    "--measurement-time",
    "--nresamples",
    "--noise-threshold",
    "--confidence-level",
    "--significance-level",
    "--plotting-backend",
];

/// Whether everything is to run once only, to show that it does: `cargo bench -- --test`, and `cargo test --benches`.
pub(crate) fn is_test() -> bool {
    let has = |flag: &str| std::env::args().any(|argument| argument == flag);
    has("--test") || !has("--bench")
}

/// Whether the benchmark of this name is asked for, as criterion would decide it.
pub(crate) fn is_asked_for(name: &str) -> bool {
    let mut arguments = std::env::args().skip(1);
    let mut filter = None;
    while let Some(argument) = arguments.next() {
        if argument == "--list" {
            return false;
        } else if WITH_VALUE.contains(&argument.as_str()) {
            arguments.next();
        } else if !argument.starts_with('-') {
            filter = Some(argument);
        }
    }
    filter.is_none_or(|filter| Regex::new(&filter).is_ok_and(|filter| filter.is_match(name)))
}

/// Settings for a benchmark whose iteration is a whole replay: many of them fit into a bench of a quarter of an hour.
pub(crate) fn replays(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.sampling_mode(SamplingMode::Flat).sample_size(20);
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
}

/// A figure with its interval: `1.05 [1.04, 1.06]`.
pub(crate) fn shown(estimate: Estimate, decimals: usize) -> String {
    let value = format!("{:.decimals$}", estimate.value);
    estimate.interval.map_or(value.clone(), |interval| {
        format!("{value} [{:.decimals$}, {:.decimals$}]", interval.low, interval.high)
    })
}
