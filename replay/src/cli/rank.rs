//! `replay rank`: allocators ranked over a set of traces.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use heaprace_reports::by_settings;
use heaprace_reports::ranking::{self, MEASURES};
use heaprace_reports::results::Results;

use crate::cli::saved::{self, takes_part};
use crate::cli::terminal::{BAD_INPUT, USAGE, complain, note, print, width};

/// Rank allocators over a set of traces, with confidence intervals
///
/// Ranks by the geometric mean of ratios to the baseline, over the traces that all allocators completed. Recorded and
/// synthetic traces are ranked separately; programs of others and the library's drivers together and apart. So are
/// results of several settings, such as those of a sweep: page size, touch policy, heap limit, target.
#[derive(Debug, Args)]
pub(crate) struct RankArguments {
    /// Saved results: results.json files, or folders that contain them; each trace once per setting
    #[arg(value_name = "RESULTS", required = true)]
    results: Vec<PathBuf>,

    /// Metric to rank by [default: all]. Repeatable
    #[arg(long = "metric", value_name = "NAME", value_parser = PossibleValuesParser::new(MEASURES.map(|(name, _)| name)))]
    metrics: Vec<String>,

    /// Allocator that ratios are relative to [default: the baseline of the results]
    #[arg(long, value_name = "NAME")]
    baseline: Option<String>,
}

/// Reads the results, and ranks.
pub(crate) fn run(arguments: &RankArguments) -> u8 {
    let all = match saved::read(&arguments.results) {
        Ok(all) => all,
        Err(code) => return code,
    };
    let groups = by_settings(&all);
    if let Some(error) = groups.iter().find_map(|(_, group)| ranking::check(group).err()) {
        return complain(BAD_INPUT, error);
    }
    // A file may hold an empty list of results.
    let Some(first) = all.first() else { return complain(BAD_INPUT, "there are no results to rank") };
    let baseline = match &arguments.baseline {
        Some(baseline) => {
            if let Err(message) = takes_part(baseline, &[&all]) {
                return complain(USAGE, format_args!("--baseline: {message}"));
            }
            baseline
        }
        // Results may have a baseline that is not among their rows, as those of a slice of a sweep.
        None => {
            let default = &first.settings.baseline;
            let fallback =
                first.contenders.first().map(|row| &row.name).filter(|_| takes_part(default, &[&all]).is_err());
            if let Some(fallback) = fallback {
                note(format_args!(
                    "{default}, the baseline of the results, is not among them: {fallback} is; see --baseline"
                ));
            }
            fallback.unwrap_or(default)
        }
    };
    let chosen = |name: &str| arguments.metrics.is_empty() || arguments.metrics.iter().any(|metric| metric == name);
    let measures: Vec<_> = MEASURES.into_iter().filter(|(name, _)| chosen(name)).collect();
    let text = |(settings, group): &(String, Vec<Results>)| {
        let heading = if settings.is_empty() { String::new() } else { format!("With {settings}\n\n") };
        heading + &ranking::text(group, baseline, &measures, width())
    };
    print(&groups.iter().map(text).collect::<Vec<_>>().join("\n"))
}
