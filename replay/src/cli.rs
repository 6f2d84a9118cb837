//! The command line: one verb a file; without a verb, traces are replayed and contenders compared.

mod child;
mod compare;
mod convert;
mod exports;
mod files;
mod fuzz;
mod importing;
mod inspect;
mod interrupt;
mod manual;
mod named;
#[cfg(target_os = "linux")]
mod preloading;
mod progress;
mod rank;
#[cfg(target_os = "linux")]
mod record;
mod replay;
mod report;
#[cfg(target_os = "linux")]
mod run;
mod saved;
mod shrink;
mod size;
mod snapshots;
mod sweep;
mod terminal;
mod trace;
mod tune;
mod wasm;

use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use heaprace_engine::contender::Contender;
use heaprace_engine::field::Field;

use self::terminal::{USAGE, complain};

/// Replay allocation traces of real programs through memory allocators, and compare them.
///
/// Each allocator replays the trace once with every block checked, which gives exact memory figures, and then in timed
/// rounds. The table goes to standard output; results.json and charts go to a folder.
#[derive(Debug, Parser)]
#[command(
    name = "replay",
    version,
    override_usage = "replay <TRACE>... [OPTIONS]\n       replay --list\n       replay <COMMAND>",
    after_help = "Use '--help' for details and examples.",
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

/// The other commands.
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
    #[cfg(target_os = "linux")]
    Run(run::RunArguments),
    Report(report::ReportArguments),
    Compare(compare::CompareArguments),
    Rank(rank::RankArguments),
    Fuzz(fuzz::FuzzArguments),
    Shrink(shrink::ShrinkArguments),
    Wasm(wasm::WasmArguments),
    Size(size::SizeArguments),
    Tune(tune::TuneArguments),
    /// Print a shell completion script
    Completions(manual::CompletionsArguments),
    /// Print the manual page of replay or of one of its commands
    Man(manual::ManArguments),
}

const EXAMPLES: &str = "\
Examples:
  replay serde-heavy
      Compare all allocators on a library trace, and say what to ship.
  replay serde-heavy --details --explain
      The same with every figure, and with what each of them means.
  replay my-program.htrace --allocator talc --allocator dlmalloc
      Compare two on your own trace. 'replay record' records a native program;
      the crate heaprace-recorder records a Rust program.
  replay serde-heavy --rigorous --strict
      Take times to publish: one process per allocator and round, exit code 1 on any warning.
  replay serde-heavy --heap-limit 2MiB --rounds 0
      Which allocators fit into 2 MiB? Memory only, no timing.
  replay serde-heavy --min-heap --page-size 4096 --rounds 0
      How much memory does a device with 4 KiB pages need, per allocator?
  replay serde-heavy --format json | jq '.contenders[] | [.name, .memory.peak_heap_pages]'
      Extract figures for a script.
  replay serde-heavy --out new && replay compare old new --fail-above 5%
      Fail if the new run is worse than the one in the folder 'old'.

Exit codes:
  0  success; a request that fails at the heap limit is a result, not an error
  1  an allocator failed verification, a gate found a regression, --strict met a warning, or a
     file could not be written
  2  usage error
  3  a trace or saved results could not be read, or --memory leaves nothing for a heap
  130  interrupted by Ctrl-C or SIGTERM; finished results are saved";

/// Runs the command with the arguments of this process, and returns its exit code. `own` are contenders that take part
/// beside those of the registry, as [`contenders!`](crate::contenders) lists them.
///
/// A timed replay is a child process of the same binary: nothing may come before this call that a child must not do.
pub fn main(own: Vec<Contender>) -> ExitCode {
    let field = match Field::with(own) {
        Ok(field) => field,
        Err(error) => return ExitCode::from(complain(USAGE, error)),
    };
    if child::is_wanted() {
        return ExitCode::from(child::serve(&field));
    }
    let command = command(&field);
    let parsed = command.clone().try_get_matches().and_then(|matches| Arguments::from_arg_matches(&matches));
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    let has_handler = match &arguments.verb {
        Some(Verb::Fuzz(_) | Verb::Shrink(_) | Verb::Tune(_)) => true,
        // The signals of a recorded program are its own.
        #[cfg(target_os = "linux")]
        Some(Verb::Record(_) | Verb::Run(_)) => true,
        verb => verb.is_none(),
    };
    if !has_handler {
        interrupt::end_without_leftovers();
    }
    ExitCode::from(match arguments.verb {
        Some(Verb::Inspect(arguments)) => inspect::run(&arguments),
        Some(Verb::Trace(arguments)) => trace::run(&arguments),
        Some(Verb::Convert(arguments)) => convert::run(&arguments),
        Some(Verb::Sweep(arguments)) => sweep::run(&arguments, &field),
        #[cfg(target_os = "linux")]
        Some(Verb::Record(recording)) => record::run(&recording),
        #[cfg(target_os = "linux")]
        Some(Verb::Run(arguments)) => run::run(&arguments),
        Some(Verb::Report(report)) => report::run(&report),
        Some(Verb::Compare(arguments)) => compare::run(&arguments),
        Some(Verb::Rank(ranking)) => rank::run(&ranking),
        Some(Verb::Fuzz(arguments)) => fuzz::run(&arguments, &field),
        Some(Verb::Shrink(arguments)) => shrink::run(&arguments, &field),
        Some(Verb::Wasm(arguments)) => wasm::run(&arguments, &command),
        Some(Verb::Size(arguments)) => size::run(&arguments),
        Some(Verb::Tune(arguments)) => tune::run(&arguments, &command),
        Some(Verb::Completions(completions)) => manual::complete(&completions, command),
        Some(Verb::Man(manual)) => manual::page(&manual, command),
        None => replay::run(&arguments.replay, &field, &command),
    })
}

/// The command line, with the names of these contenders for messages and completions.
fn command(field: &Field) -> Command {
    let name = || PossibleValuesParser::new(field.names());
    let names_or_groups = || PossibleValuesParser::new(field.choices());
    Arguments::command()
        .mut_arg("allocators", |argument| argument.value_parser(names_or_groups()))
        .mut_arg("baseline", |argument| argument.value_parser(name()))
        .mut_subcommands(|verb| match verb.get_name() {
            "fuzz" => verb.mut_arg("allocators", |argument| argument.value_parser(names_or_groups())),
            "shrink" => verb.mut_arg("allocator", |argument| argument.value_parser(name())),
            _ => verb,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command(&Field::registered()).debug_assert();
    }
}
