//! `replay rank`: contenders in order over a set of traces.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use heaprace_reports::ranking::{self, MEASURES};

use crate::commands::regression::takes_part;
use crate::commands::saved;
use crate::terminal::{BAD_INPUT, USAGE, complain, print, width};

/// Rank the allocators over a set of traces, with how sure that is
///
/// By the geometric mean of the ratios to the baseline, over the traces that all of them completed. Recorded and synthetic traces are ranked
/// apart.
#[derive(Debug, Args)]
pub(crate) struct Ranking {
    /// Saved results: results.json files, or folders that hold them; each trace once
    #[arg(value_name = "RESULTS", required = true)]
    results: Vec<PathBuf>,

    /// Rank by this metric; by all of them where none is given. Repeatable
    #[arg(long = "metric", value_name = "NAME", value_parser = PossibleValuesParser::new(MEASURES.map(|(name, _)| name)))]
    metrics: Vec<String>,

    /// Allocator that ratios are formed to; that of the results where it is not given
    #[arg(long, value_name = "NAME")]
    baseline: Option<String>,
}

/// Reads the results, and ranks.
pub(crate) fn run(arguments: &Ranking) -> u8 {
    let all = match saved::load(&arguments.results) {
        Ok(all) => all,
        Err(code) => return code,
    };
    if let Err(error) = ranking::check(&all) {
        return complain(BAD_INPUT, error);
    }
    // A file may hold an empty list of results.
    let Some(first) = all.first() else { return complain(BAD_INPUT, "there are no results to rank") };
    let baseline = arguments.baseline.as_ref().unwrap_or(&first.settings.baseline);
    if let Err(message) = takes_part(baseline, &[&all]) {
        return complain(USAGE, format_args!("--baseline: {message}"));
    }
    let chosen = |name: &str| arguments.metrics.is_empty() || arguments.metrics.iter().any(|metric| metric == name);
    let measures: Vec<_> = MEASURES.into_iter().filter(|(name, _)| chosen(name)).collect();
    print(&ranking::text(&all, baseline, &measures, width()))
}
