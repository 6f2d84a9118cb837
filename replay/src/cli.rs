//! The command line: one verb a file under `commands`; without a verb, traces are replayed and contenders compared.

use std::env;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{Parser, Subcommand};
use heaprace::child;
use heaprace::contender::Contender;
use heaprace_traces::Source;

#[cfg(target_os = "linux")]
use crate::commands::record;
use crate::commands::{compare, convert, inspect, manual, rank, regression, report, sweep, trace};
use crate::terminal::{FAILED, USAGE, note};

/// Replays allocation traces of real programs through memory allocators, and compares them.
///
/// Each allocator replays the trace once with every block checked, which gives the exact memory figures, and then in timed rounds. The
/// table goes to standard output; results.json and the charts go to a folder.
#[derive(Debug, Parser)]
#[command(
    name = "replay",
    version,
    override_usage = "replay --trace <FILE|NAME>... [OPTIONS]\n       replay --list\n       replay <COMMAND>",
    after_help = "'--help' says more, with examples.",
    after_long_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,

    #[command(flatten)]
    compare: compare::Comparison,
}

/// What else the command does.
#[derive(Debug, Subcommand)]
enum Verb {
    Inspect(inspect::Inspect),
    Trace(trace::TraceAlgebra),
    /// Convert a trace from one format to another
    Convert(convert::Conversion),
    Sweep(sweep::Sweeping),
    /// Record the allocations of a native program as a trace
    #[cfg(target_os = "linux")]
    Record(record::Recording),
    Report(report::Report),
    Compare(regression::Comparison),
    Rank(rank::Ranking),
    /// Print a script that completes this command's words in a shell
    Completions(manual::Completions),
    /// Print the manual page of this command, or of one of its commands
    Man(manual::Manual),
}

const EXAMPLES: &str = "\
Examples:
  replay --trace serde-heavy.csv
      Compare all allocators on a trace of the library.
  replay --trace my-program.csv --allocator talc --allocator dlmalloc
      Compare two on a trace of your own: 'replay record' records a native program,
      heaprace_traces::Recorder one in Rust.
  replay --trace serde-heavy --rigorous --strict
      Times to publish: a process for each allocator and round, and exit code 1 if there is a
      warning.
  replay --trace serde-heavy --heap-limit 2MiB --rounds 0
      Who gets along with 2 MiB? Memory figures alone, without timing.
  replay --trace serde-heavy --min-heap --page-size 4096 --rounds 0
      How much memory must a device with pages of 4 KiB have, for each allocator?
  replay --trace serde-heavy --format json | jq '.contenders[] | [.name, .memory.peak_heap_pages]'
      Figures for a script.
  replay --trace serde-heavy --out new && replay compare old new --fail-above 5%
      Did it get worse than in the run that is in the folder 'old'?

Exit codes:
  0  done; that a request failed at the heap limit is an outcome, not an error
  1  an allocator failed verification, a gate found something worse, --strict met a warning, or
     a file could not be written
  2  the command line makes no sense
  3  a trace or results cannot be read
  130  ended by Ctrl-C, with what was finished by then";

/// Runs the command.
pub(crate) fn main() -> ExitCode {
    // Not a verb of the command line: it is for this command alone, and neither help nor completions speak of it.
    if env::args_os().nth(1).is_some_and(|verb| verb == child::VERB) {
        return ExitCode::from(if child::serve(&Contender::all()) { 0 } else { FAILED });
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            // The likeliest first mistake.
            if let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand)
                && Source::locate(word).is_ok()
            {
                note(format_args!("'replay --trace {word}' compares all allocators on that trace."));
            }
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    ExitCode::from(match arguments.verb {
        Some(Verb::Inspect(arguments)) => inspect::run(&arguments),
        Some(Verb::Trace(arguments)) => trace::run(&arguments),
        Some(Verb::Convert(arguments)) => convert::run(&arguments),
        Some(Verb::Sweep(arguments)) => sweep::run(&arguments),
        #[cfg(target_os = "linux")]
        Some(Verb::Record(recording)) => record::run(&recording),
        Some(Verb::Report(report)) => report::run(&report),
        Some(Verb::Compare(comparison)) => regression::run(&comparison),
        Some(Verb::Rank(ranking)) => rank::run(&ranking),
        Some(Verb::Completions(completions)) => manual::complete(&completions),
        Some(Verb::Man(manual)) => manual::page(&manual),
        None => compare::run(&arguments.compare),
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
