//! `replay record`: runs a native program and records its calls of `malloc` and related functions.
//!
//! The program runs with a library of ours preloaded, which writes a raw recording for each program that a process
//! runs. Once the program has ended, the recordings become traces. The exit code is that of the recording, not of the
//! program, whose status stands in the summary: a trace of a program that fails or crashes is a good trace.
//!
//! A program that is a [WebAssembly module](module) runs in Node instead.

mod conversion;
mod folder;
mod grower;
mod module;
mod outcome;
mod python;
mod raw;
mod run;
mod signals;
mod target;
mod unrecorded;

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use heaprace_traces::csv::Columns;
use heaprace_traces::{Output, escaped, numbered};

use crate::cli::files;
use crate::cli::interrupt;
use crate::cli::preloading::{locate_library, locate_program};
use crate::cli::terminal::{FAILED, USAGE, complain, complain_of, note};
use conversion::{Conversion, convert_all};
use folder::shown;
use raw::Raw;
use run::Finished;
use signals::HeldSignals;
use target::{Target, check_free};

/// The library that is preloaded.
const LIBRARY: &str = "libheaprace_preload.so";

/// Which program to record, and where to.
#[derive(Debug, Args)]
#[command(
    override_usage = "replay record [OPTIONS] -- <COMMAND> [ARGUMENTS]...\n       replay record --wasm <MODULE> [--output <FILE>]\n       replay record --recover <DIR> [--output <FILE>]",
    after_help = "Use '--help' for details and examples.",
    after_long_help = EXAMPLES
)]
pub(crate) struct RecordArguments {
    /// Trace file; its extension sets the format [default: PROGRAM.htrace]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Replace existing traces
    #[arg(long)]
    force: bool,

    /// Also record child processes, each into its own file
    ///
    /// NAME.htrace is the first process, NAME.PID.htrace any other. Without this option, children are not recorded, and
    /// only their calls are counted. A forked child's trace begins with the objects that it has from its parent.
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

    /// Record a WebAssembly module in Node; its allocator must be heaprace_recorder::WasmRecorder
    ///
    /// The module may import only what the recorder does. What runs is its export main, as a Rust program for
    /// wasm32-unknown-unknown has, or run.
    #[arg(long, value_name = "MODULE", conflicts_with_all = ["follow_forks", "extents", "recover", "command"])]
    wasm: Option<PathBuf>,

    /// Program to run, and its arguments
    #[arg(
        value_name = "COMMAND",
        required_unless_present_any = ["recover", "wasm"],
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
  replay record --wasm target/wasm32-unknown-unknown/release/my-program.wasm
      Record a Rust program compiled to WebAssembly into my-program.htrace.

What is recorded:
  Every call of malloc, calloc, realloc, free and related functions, including C++'s new and
  delete, on all threads, from the start of the program to its end, however it ends. malloc
  aligns to 16 bytes; an object of 0 bytes is recorded with 1 byte. Calls that go to an allocator
  in a shared library, such as jemalloc, are recorded, too. If a process execs another program,
  the last program is recorded. Signals to replay are passed on to the program.

What cannot be recorded:
  Programs that are linked statically or against musl, that run setuid, or that have an allocator
  linked into their own file. For Rust programs, use the crate heaprace-recorder, which keeps
  Rust's full layouts.

Exit codes:
  0  the trace is complete; the summary has the program's own exit status
  1  the trace is not all that was asked for: the program cannot be recorded, events were lost, a
     process that was not recorded made more calls than the one that was, a process still runs, a
     module trapped, the output exists, or a file could not be written
  2  usage error";

/// Records, and prints a summary to standard error.
pub(crate) fn run(arguments: &RecordArguments) -> u8 {
    if let Err(message) = check_inputs(arguments) {
        return complain(USAGE, message);
    }
    match record(arguments) {
        Ok(true) => 0,
        Ok(false) => FAILED,
        Err(error) => complain_of(FAILED, &error),
    }
}

/// Fails if the trace would replace the program, or a file that is named in its arguments.
fn check_inputs(arguments: &RecordArguments) -> Result<(), String> {
    if let Some(module) = &arguments.wasm {
        return files::check([module], "--output", &module_output(arguments, module));
    }
    let Some((command, words)) = arguments.command.split_first() else { return Ok(()) };
    let program = locate_program(command).ok();
    let inputs = program.into_iter().chain(words.iter().map(PathBuf::from));
    files::check(inputs, "--output", &output(arguments, command))
}

/// Where the trace goes.
fn output(arguments: &RecordArguments, command: &OsStr) -> PathBuf {
    arguments.output.clone().unwrap_or_else(|| target::default_name(command))
}

/// Where the trace of a module goes.
fn module_output(arguments: &RecordArguments, module: &Path) -> PathBuf {
    arguments.output.clone().unwrap_or_else(|| module::default_output(module))
}

/// Whether the traces are whole, and of all that ran.
fn record(arguments: &RecordArguments) -> anyhow::Result<bool> {
    if let Some(folder) = &arguments.recover {
        let output = arguments.output.as_deref().unwrap_or(Path::new("recovered.htrace"));
        return recover(folder, output, arguments.force);
    }
    if let Some(module) = &arguments.wasm {
        // Node gets the signal, too.
        interrupt::end_without_leftovers();
        let outcome = module::record(module, &module_output(arguments, module), arguments.force)?;
        note(format_args!("{outcome}"));
        return Ok(outcome.is_whole());
    }
    let command = arguments.command.first().context("no command is given")?;
    let program = locate_program(command)?;
    let library = locate_library(LIBRARY)?;
    let output = output(arguments, command);
    // Now, and not when the program has run for an hour: that the trace can be written there.
    check_free(&output, arguments.follow_forks, arguments.force)?;
    drop(Output::create(&output, Columns::default(), &[""; 0])?);

    let options = run::Options { follow_forks: arguments.follow_forks, extents: arguments.extents };
    let held = HeldSignals::new();
    let mut finished = run::run(&program, &arguments.command, &library, &output, options, &held)?;
    let main = finished.raws.iter().rposition(|raw| raw.process == finished.process);
    let targets = targets(&finished, main, &output, arguments);
    let Conversion { mut outcomes, bypassed, failure } =
        convert_all(&finished.raws, &targets, &ended_by_signals(&held));
    // The last program of the first process is what the user means.
    outcomes.sort_by_key(|(index, _)| Some(*index) != main);
    outcomes.iter().for_each(|(_, outcome)| note(format_args!("{outcome}")));
    if let Some(raw) = main.map(|main| &finished.raws[main]) {
        let hint = python::hint(&raw.header.name(), python::inherited().as_deref(), &arguments.command);
        hint.iter().for_each(|hint| note(format_args!("  {hint}")));
    }
    note_replaced(&finished, main, arguments.follow_forks);
    let recorded = outcomes.first().filter(|(index, _)| Some(*index) == main).map_or(0, |(_, outcome)| outcome.calls());
    let findings = unrecorded::find(&finished.raws, finished.process, recorded, &bypassed, arguments.follow_forks);
    findings.lines.iter().for_each(|line| note(format_args!("{line}")));
    if let Some(failure) = failure {
        finished.folder.keep();
        return Err(failure.context(format!(
            "the raw recordings are kept in {0}: 'replay record --recover {0} --output FILE' makes the traces elsewhere, or \
             once there is room",
            finished.folder.shown()
        )));
    }
    if outcomes.is_empty() {
        return Err(nothing_recorded(command, &finished, main.is_some()));
    }
    Ok(!findings.is_failure && outcomes.iter().all(|(_, outcome)| outcome.is_whole()))
}

/// Where each recording goes. `main` is the place of the one that the user means.
fn targets(finished: &Finished, main: Option<usize>, output: &Path, arguments: &RecordArguments) -> Vec<Target> {
    let target = |(index, raw): (usize, &Raw)| {
        let is_main = Some(index) == main;
        let path = if is_main { output.to_owned() } else { numbered(output, &raw.name()) };
        let end = match (is_main, raw.runs) {
            (true, _) => finished.status.to_string(),
            (false, true) => format!("process {}, which still runs", raw.name()),
            (false, false) => format!("process {}", raw.name()),
        };
        Target { path: (is_main || arguments.follow_forks).then_some(path), replaces: arguments.force, end }
    };
    finished.raws.iter().enumerate().map(target).collect()
}

/// Whether signals end the conversion: the second one does.
fn ended_by_signals(held: &HeldSignals) -> impl Fn() -> bool {
    let (before, is_noted) = (held.seen(), Cell::new(false));
    move || {
        let seen = held.seen().wrapping_sub(before);
        if seen > 0 && !is_noted.replace(true) {
            note(format_args!("Writing the trace. Another signal ends that and keeps the raw recordings."));
        }
        seen > 1
    }
}

/// Names the programs that the first process was before, if they have no traces.
fn note_replaced(finished: &Finished, main: Option<usize>, follow_forks: bool) {
    let before = finished.raws.iter().take(main.unwrap_or(0));
    let is_replaced = |raw: &&Raw| !follow_forks && raw.process == finished.process && raw.is_recorded();
    let names: Vec<_> = before.filter(is_replaced).map(|raw| raw.header.name()).collect();
    if !names.is_empty() {
        note(format_args!("Before that the process was {}; --follow-forks records those too", names.join(", ")));
    }
}

fn nothing_recorded(command: &OsStr, finished: &Finished, has_main: bool) -> anyhow::Error {
    let command = escaped(command.as_encoded_bytes());
    let status = finished.status;
    if finished.unfinished > 0 {
        anyhow::anyhow!(
            "{command}: nothing was recorded ({status}): the raw recording could not be created beside the trace; make room \
             there, raise the limit on the size of files, or name an --output elsewhere"
        )
    } else if has_main {
        anyhow::anyhow!(
            "{command}: nothing was recorded ({status}): it called none of the recorded functions; if others did the work, \
             try --follow-forks"
        )
    } else {
        anyhow::anyhow!(
            "{command}: nothing was recorded ({status}): the library that records was not loaded, or could not write beside the \
             trace; name the program itself, not what starts it, or an --output elsewhere"
        )
    }
}

/// Turns raw recordings into traces that could not be written when they were made.
fn recover(folder: &Path, output: &Path, force: bool) -> anyhow::Result<bool> {
    let (raws, _) = raw::list(folder)?;
    let recorded = raws.iter().filter(|raw| raw.is_recorded()).count();
    anyhow::ensure!(recorded > 0, "{}: there are no raw recordings in it", shown(folder));
    let target = |raw: &Raw| {
        let path = if recorded == 1 { output.to_owned() } else { numbered(output, &raw.name()) };
        Target { path: Some(path), replaces: force, end: format!("process {}", raw.name()) }
    };
    let targets: Vec<Target> = raws.iter().map(target).collect();
    let conversion = convert_all(&raws, &targets, &|| false);
    conversion.outcomes.iter().for_each(|(_, outcome)| note(format_args!("{outcome}")));
    for (index, function) in &conversion.bypassed {
        note(format_args!("{}", unrecorded::not_recorded(&raws[*index], function)));
    }
    if let Some(failure) = conversion.failure {
        return Err(failure);
    }
    note(format_args!("{} is not needed any more", shown(folder)));
    Ok(conversion.bypassed.is_empty() && conversion.outcomes.iter().all(|(_, outcome)| outcome.is_whole()))
}
