//! `replay compare`: the differences between two runs, and a gate for continuous integration.

use std::fs;
use std::path::{Path, PathBuf};
use std::slice;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use heaprace_reports::regression::{Regression, default_gates, gates};
use heaprace_reports::results::Results;

use crate::cli::saved;
use crate::cli::terminal::{BAD_INPUT, FAILED, USAGE, complain, print, width};

const EXIT_CODES: &str = "\
Exit codes:
  0  success; with --fail-above: no regression above the threshold, or nothing to compare yet
  1  with --fail-above: a regression above the threshold
  2  usage error
  3  results could not be read, or what they have in common could not be compared";

/// Compare two runs, and fail on a regression
///
/// Pairs each allocator and trace of the two runs if the trace and all relevant settings are the same. Memory figures
/// are exact; times are compared by the ratio of their medians, with its interval. METHODOLOGY.md explains what that
/// can show.
#[derive(Debug, Args)]
#[command(after_long_help = EXIT_CODES)]
pub(crate) struct CompareArguments {
    /// The reference run: a results.json, or a folder that contains several. An empty folder is a run that measured nothing
    #[arg(value_name = "OLD")]
    old: PathBuf,

    /// The new run
    #[arg(value_name = "NEW")]
    new: PathBuf,

    /// Exit with 1 if a figure got worse by more than this: 5%, 0%
    ///
    /// A time counts only if its whole interval is above the threshold; memory is exact, so any excess counts. An
    /// allocator that newly fails verification or requests, or that lost one of these figures, always fails the gate.
    /// Allocators and traces in NEW only are listed as new, and do not fail, even if NEW has no others.
    #[arg(long, value_name = "PERCENT", value_parser = parse_threshold)]
    fail_above: Option<f64>,

    /// Metric to gate with --fail-above [default: fresh_ns_per_op, steady_ns_per_op, peak_heap_bytes, min_heap.bytes].
    /// Repeatable
    ///
    /// On a shared or noisy machine, gate on instructions_per_op and peak_heap_bytes: they hardly depend on the machine,
    /// so the smallest regression shows. Instructions need both runs measured with --instructions.
    #[arg(long = "metric", value_name = "NAME", requires = "fail_above", value_parser = PossibleValuesParser::new(gates()))]
    metrics: Vec<String>,

    /// Divide times by this allocator's times of the same rounds, which cancels the speed of the machine
    #[arg(long, value_name = "NAME")]
    relative_to: Option<String>,

    /// Format of standard output: text, Markdown for a pull request, or, with --fail-above, annotations for GitHub
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Markdown,
    Github,
}

/// A threshold as a share.
fn parse_threshold(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix('%').map(str::trim_end);
    let percent = number.and_then(|number| number.parse::<f64>().ok());
    match percent.filter(|percent| percent.is_finite() && *percent >= 0.0) {
        Some(percent) => Ok(percent / 100.0),
        None => Err("a threshold is a percentage of 0 or more: 5%, 2.5%".to_owned()),
    }
}

/// Compares, and returns [`FAILED`] if the gate found a regression.
pub(crate) fn run(arguments: &CompareArguments) -> u8 {
    let (old, new) =
        match old_run(&arguments.old).and_then(|old| Ok((old, saved::read(slice::from_ref(&arguments.new))?))) {
            Ok(runs) => runs,
            Err(code) => return code,
        };
    if let Some(name) = &arguments.relative_to
        && let Err(message) = saved::takes_part(name, &[&old, &new])
    {
        return complain(USAGE, format_args!("--relative-to: {message}"));
    }
    if matches!(arguments.format, Format::Github) && arguments.fail_above.is_none() {
        return complain(USAGE, "--format github: annotations are the findings of a gate; give --fail-above, too");
    }
    let regression = Regression::of(&old, &new, arguments.relative_to.as_deref());
    let metrics: Vec<&str> = match &arguments.metrics[..] {
        [] => default_gates(),
        chosen => chosen.iter().map(String::as_str).collect(),
    };
    let gate = arguments.fail_above.map(|threshold| (regression.worse(threshold, &metrics), threshold));
    let verdict = gate.as_ref().map(|(worse, threshold)| (worse, *threshold));
    let printed = print(&match (arguments.format, verdict) {
        (Format::Github, Some((worse, threshold))) => regression.github(worse, threshold),
        (Format::Github, None) | (Format::Text, _) => regression.text(verdict, width()),
        (Format::Markdown, _) => regression.markdown(verdict),
    });
    if regression.is_all_new() {
        return printed;
    }
    if regression.cells.is_empty() {
        let message = "nothing that the two runs have in common can be compared";
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

/// The results of the reference run. It measured nothing where all traces, or all allocators, are new.
fn old_run(path: &Path) -> Result<Vec<Results>, u8> {
    let is_empty = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    if is_empty { Ok(Vec::new()) } else { saved::read(&[path.to_owned()]) }
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
