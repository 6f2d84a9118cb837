//! The command line: one verb a file; without a verb, traces are replayed and contenders compared.

mod child;
mod compare;
mod convert;
mod exports;
mod importing;
mod inspect;
mod manual;
mod progress;
mod rank;
#[cfg(target_os = "linux")]
mod record;
mod replay;
mod report;
mod saved;
mod snapshots;
mod sweep;
mod terminal;
mod trace;

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser, Subcommand};
use heaprace_traces::Source;

use self::terminal::{USAGE, note};

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
    replay: replay::ReplayArguments,
}

/// What else the command does.
#[derive(Debug, Subcommand)]
enum Verb {
    Inspect(inspect::InspectArguments),
    Trace(trace::TraceArguments),
    /// Convert a trace from one format to another
    Convert(convert::ConvertArguments),
    Sweep(sweep::SweepArguments),
    /// Record the allocations of a native program as a trace
    #[cfg(target_os = "linux")]
    Record(record::RecordArguments),
    Report(report::ReportArguments),
    Compare(compare::CompareArguments),
    Rank(rank::RankArguments),
    /// Print a script that completes this command's words in a shell
    Completions(manual::CompletionsArguments),
    /// Print the manual page of this command, or of one of its commands
    Man(manual::ManArguments),
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
    if child::is_wanted() {
        return ExitCode::from(child::serve());
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
        Some(Verb::Compare(arguments)) => compare::run(&arguments),
        Some(Verb::Rank(ranking)) => rank::run(&ranking),
        Some(Verb::Completions(completions)) => manual::complete(&completions, Arguments::command()),
        Some(Verb::Man(manual)) => manual::page(&manual, Arguments::command()),
        None => replay::run(&arguments.replay, Arguments::command),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
