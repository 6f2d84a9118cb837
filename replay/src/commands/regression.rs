//! `replay compare`: two runs held against each other, and a gate for continuous integration.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use heaprace_reports::regression::{Regression, default_gates, gates};
use heaprace_reports::results::Results;
use heaprace_traces::library::nearest;

use crate::commands::saved;
use crate::terminal::{BAD_INPUT, FAILED, USAGE, complain, print, width};

const EXIT_CODES: &str = "\
Exit codes:
  0  compared; with --fail-above also: nothing got worse by more than that
  1  with --fail-above: something did
  2  the command line makes no sense
  3  results cannot be read, or there was nothing in them to compare";

/// Compare two runs, and fail where the new one is worse
///
/// Cells, which are allocators on traces, are paired where the trace and all settings that matter are the same. Memory is exact; times have
/// the ratio of their medians with its interval. METHODOLOGY.md says what that can tell.
#[derive(Debug, Args)]
#[command(after_long_help = EXIT_CODES)]
pub(crate) struct Comparison {
    /// The run to compare with: its results.json, or a folder that holds several
    #[arg(value_name = "OLD")]
    old: PathBuf,

    /// The run in question
    #[arg(value_name = "NEW")]
    new: PathBuf,

    /// Exit with 1 where a figure got worse by more than this: 5%, 0%
    ///
    /// A time only where its whole interval is above it. Memory as soon as it is, as it is exact. An allocator that fails verification, or
    /// requests that it served before, or that has lost one of these figures, is worse whatever is allowed.
    #[arg(long, value_name = "PERCENT", value_parser = parse_threshold)]
    fail_above: Option<f64>,

    /// Metric that --fail-above holds; where none is given: fresh_ns_per_op, steady_ns_per_op, peak_heap_bytes, min_heap.bytes. Repeatable
    #[arg(long = "metric", value_name = "NAME", requires = "fail_above", value_parser = PossibleValuesParser::new(gates()))]
    metrics: Vec<String>,

    /// Take times relative to this allocator's of the same rounds, which cancels the speed of the machine
    #[arg(long, value_name = "NAME")]
    relative_to: Option<String>,

    /// What goes to standard output: text, or Markdown for a pull request
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Markdown,
}

/// A threshold as a share.
fn parse_threshold(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix('%').map(str::trim_end);
    let percent = number.and_then(|number| number.parse::<f64>().ok());
    match percent.filter(|percent| percent.is_finite() && *percent >= 0.0) {
        Some(percent) => Ok(percent / 100.0),
        None => Err("a threshold is a number of 0 or more with its sign for per cent: 5%, 2.5%".to_owned()),
    }
}

/// Compares, and gives [`FAILED`] where the gate found something.
pub(crate) fn run(arguments: &Comparison) -> u8 {
    let read = saved::load(&[&arguments.old]).and_then(|old| Ok((old, saved::load(&[&arguments.new])?)));
    let (old, new) = match read {
        Ok(runs) => runs,
        Err(code) => return code,
    };
    if let Some(name) = &arguments.relative_to
        && let Err(message) = takes_part(name, &[&old, &new])
    {
        return complain(USAGE, format_args!("--relative-to: {message}"));
    }
    let regression = Regression::of(&old, &new, arguments.relative_to.as_deref());
    let metrics: Vec<&str> = match &arguments.metrics[..] {
        [] => default_gates(),
        chosen => chosen.iter().map(String::as_str).collect(),
    };
    let gate = arguments.fail_above.map(|threshold| (regression.worse(threshold, &metrics), threshold));
    let verdict = gate.as_ref().map(|(worse, threshold)| (worse, *threshold));
    let printed = print(&match arguments.format {
        Format::Text => regression.text(verdict, width()),
        Format::Markdown => regression.markdown(verdict),
    });
    if regression.cells.is_empty() {
        let message = "the two runs have nothing in common that could be compared";
        return complain(BAD_INPUT, message);
    }
    match verdict {
        // A gate that looked at nothing must not be green.
        Some((worse, _)) if worse.compared == 0 => {
            complain(BAD_INPUT, format_args!("--fail-above: there is nothing to compare of {}", metrics.join(", ")))
        }
        Some((worse, _)) if !worse.lines.is_empty() => printed.max(FAILED),
        _ => printed,
    }
}

/// Says so where a contender is in none of the results, and who may have been meant.
pub(crate) fn takes_part(name: &str, runs: &[&[Results]]) -> Result<(), String> {
    let rows = || runs.iter().copied().flatten().flat_map(|results| &results.contenders).map(|row| row.name.as_str());
    if rows().any(|row| row == name) {
        return Ok(());
    }
    let meant = nearest(name, rows()).map(|meant| format!(" (did you mean {meant}?)")).unwrap_or_default();
    let mut names: Vec<&str> = Vec::new();
    rows().for_each(|row| {
        if !names.contains(&row) {
            names.push(row);
        }
    });
    Err(format!("no allocator {name:?} takes part{meant}; there are {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_in_per_cent() {
        for (text, share) in [("5%", 0.05), ("0%", 0.0), ("2.5 %", 0.025), (" 100%", 1.0)] {
            assert_eq!(parse_threshold(text), Ok(share), "{text}");
        }
        for text in ["5", "", "%", "-1%", "five%", "inf%", "NaN%", "5%%"] {
            assert!(parse_threshold(text).unwrap_err().contains("5%"), "{text}");
        }
    }
}
