//! `replay record`: runs a native program and records its calls of `malloc` and related functions.
//!
//! The program runs with a library of ours preloaded, which writes a raw recording for each program that a process
//! runs. Once the program has ended, the recordings become traces. The exit code is that of the recording, not of the
//! program, whose status stands in the summary: a trace of a program that fails or crashes is a good trace.

mod outcome;
mod run;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use heaprace_traces::Output;
use heaprace_traces::csv::Columns;

use crate::cli::preloading::{locate_library, locate_program};
use crate::cli::terminal::{FAILED, complain_of, note};
use outcome::{Outcome, convert};
use run::Finished;

/// The library that is preloaded.
const LIBRARY: &str = "libheaprace_preload.so";

/// Which program to record, and where to.
#[derive(Debug, Args)]
#[command(
    override_usage = "replay record [OPTIONS] -- <COMMAND> [ARGUMENTS]...\n       replay record --recover <DIR> [--output <FILE>]",
    after_help = "Use '--help' for details and examples.",
    after_long_help = EXAMPLES
)]
pub(crate) struct RecordArguments {
    /// Trace file; its extension sets the format [default: PROGRAM.htrace]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Also record child processes, each into its own file
    ///
    /// NAME.htrace is the first process, NAME.PID.htrace any other. Without this option, children are not recorded.
    #[arg(long)]
    follow_forks: bool,

    /// Also record how much of each block the program writes
    ///
    /// New blocks are filled with a pattern, and looked at when they are freed or resized. A replay can then write as
    /// much as the program did. Recording takes longer, and large reservations stay unused.
    #[arg(long)]
    extents: bool,

    /// Convert raw recordings that an earlier run left in this folder because it could not write the traces
    #[arg(long, value_name = "DIR", conflicts_with_all = ["follow_forks", "extents", "command"])]
    recover: Option<PathBuf>,

    /// Program to run, and its arguments
    #[arg(
        value_name = "COMMAND",
        required_unless_present = "recover",
        num_args = 1..,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    command: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  replay record -- sqlite3 :memory: 'select 1'
      Record sqlite3 into sqlite3.htrace. To compare allocators on it:
      replay --trace sqlite3.htrace
  PYTHONMALLOC=malloc replay record --output script.htrace -- python3 script.py
      Python's own allocator hides nearly all calls; this variable turns it off.
  replay record --follow-forks --output build.htrace -- gcc -c main.c
      Record the compiler driver and each process it starts: build.htrace, build.4711.htrace
      and so on.
  replay record --extents -- jq . data.json
      Also record how much of each block jq writes, so that a replay can write as much.

What is recorded:
  Every call of malloc, calloc, realloc, free and related functions, including C++'s new and
  delete, on all threads, from the start of the program to its end, however it ends. malloc
  aligns to 16 bytes; an object of 0 bytes is recorded with 1 byte. If a process execs another
  program, the last program is recorded.

What cannot be recorded:
  Programs that are linked statically or against musl, that run setuid, or that bring their own
  allocator. For Rust programs, use the crate heaprace-recorder, which keeps Rust's full layouts.

Exit codes:
  0  the trace is complete; the summary has the program's own exit status
  1  the program cannot be recorded, events were lost, or a file could not be written
  2  usage error";

/// Records, and prints a summary to standard error.
pub(crate) fn run(arguments: &RecordArguments) -> u8 {
    match record(arguments) {
        Ok(lost) => u8::from(lost) * FAILED,
        Err(error) => complain_of(FAILED, &error),
    }
}

/// Whether any event was lost.
fn record(arguments: &RecordArguments) -> anyhow::Result<bool> {
    if let Some(folder) = &arguments.recover {
        return recover(folder, arguments.output.as_deref().unwrap_or(Path::new("recovered.htrace")));
    }
    let command = arguments.command.first().context("no command is given")?;
    let program = locate_program(command)?;
    let library = locate_library(LIBRARY)?;
    let output = match &arguments.output {
        Some(path) => path.clone(),
        None => {
            let mut name = Path::new(command).file_name().unwrap_or_default().to_owned();
            name.push(".htrace");
            name.into()
        }
    };
    // Now, and not when the program has run for an hour: that the trace can be written there.
    drop(Output::create(&output, Columns::default(), &[""; 0])?);

    let options = run::Options { follow_forks: arguments.follow_forks, extents: arguments.extents };
    let finished = run::run(&program, &arguments.command, &library, &output, options)?;
    let (outcomes, failure) = convert_all(&finished, &output);
    if let Some(failure) = failure {
        outcomes.iter().for_each(|outcome| note(format_args!("{outcome}")));
        let folder = finished.keep();
        return Err(failure.context(format!(
            "the raw recordings are kept in {0}: 'replay record --recover {0} --output FILE' makes the traces elsewhere, or once there is room",
            folder.display()
        )));
    }
    if outcomes.is_empty() {
        anyhow::bail!(
            "{}: nothing was recorded ({}); it allocated nothing, brings an allocator of its own, or started with a cleared \
             environment: name the program itself, not what starts it, or try --follow-forks",
            command.display(),
            finished.status
        );
    }
    outcomes.iter().for_each(|outcome| note(format_args!("{outcome}")));
    Ok(outcomes.iter().any(|outcome| outcome.counts.lost > 0))
}

/// Turns raw recordings into traces that could not be written when they were made.
fn recover(folder: &Path, output: &Path) -> anyhow::Result<bool> {
    let mut recordings = run::list(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    recordings.sort_by(|one, other| one.name.cmp(&other.name));
    anyhow::ensure!(!recordings.is_empty(), "{}: there are no raw recordings in it", folder.display());
    let mut lost = false;
    for raw in &recordings {
        let path = if recordings.len() == 1 { output.to_owned() } else { numbered(output, &raw.name) };
        let Some(outcome) = convert(&raw.path, &path, format!("process {}", raw.name))? else { continue };
        lost |= outcome.counts.lost > 0;
        note(format_args!("{outcome}"));
    }
    note(format_args!("{} is not needed any more", folder.display()));
    Ok(lost)
}

/// Turns each recording that has events into a trace. Returns the first failure; the others are tried nonetheless.
fn convert_all(finished: &Finished, output: &Path) -> (Vec<Outcome>, Option<anyhow::Error>) {
    let (mut outcomes, mut failure) = (Vec::new(), None);
    for raw in &finished.recordings {
        let path = if raw.is_main { output.to_owned() } else { numbered(output, &raw.name) };
        let end = match (raw.is_main, raw.is_running()) {
            (true, _) => finished.status.to_string(),
            (false, true) => format!("process {}, which still runs", raw.name),
            (false, false) => format!("process {}", raw.name),
        };
        match convert(&raw.path, &path, end) {
            Ok(outcome) => outcomes.extend(outcome),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    if !finished.replaced.is_empty() {
        let names: Vec<_> = finished.replaced.iter().map(run::Raw::program).collect();
        note(format_args!("Before that the process was {}; --follow-forks records those too", names.join(", ")));
    }
    (outcomes, failure)
}

/// `name.htrace` with another part before its endings.
fn numbered(output: &Path, part: &str) -> PathBuf {
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    // Dots before the endings of a format belong to the name.
    let endings = [".csv.zst", ".csv", ".htrace"].into_iter().find(|ending| name.ends_with(ending)).unwrap_or_default();
    let stem = name.strip_suffix(endings).unwrap_or(&name);
    output.with_file_name(format!("{stem}.{part}{endings}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_process_has_its_number_before_the_endings() {
        for (output, expected) in [
            ("a.csv.zst", "a.12.csv.zst"),
            ("folder/a.csv", "folder/a.12.csv"),
            ("v1.2.csv.zst", "v1.2.12.csv.zst"),
            ("a.htrace", "a.12.htrace"),
        ] {
            assert_eq!(numbered(Path::new(output), "12"), Path::new(expected));
        }
    }
}
