//! `replay convert`: a trace from one format to another.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::Args;
use heaprace_traces::{Output, Source, TraceError};
use indicatif::{HumanCount, ProgressBar};

use crate::cli::files;
use crate::cli::importing::Importing;
use crate::cli::terminal::{BAD_INPUT, FAILED, USAGE, complain, note};

/// Events between two updates of the progress.
const STEP: u64 = 1 << 16;

/// Which trace to convert, and where to write it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  replay convert my-program.csv my-program.htrace
      Make a small file that reads fast.
  replay convert my-program.htrace my-program.csv
      Back to text, to read or to edit.
  replay convert serde-heavy serde-heavy.csv.zst
      Copy a library trace.
  replay convert surfaceflinger.zip surfaceflinger.htrace --assume-align 8
      Import another tool's recording; here Android's, from a 32-bit device.")]
pub(crate) struct ConvertArguments {
    /// Trace to convert: a file, or a trace of the library by name. Its format is detected
    #[arg(value_name = "IN")]
    input: String,

    /// File to write; its extension sets the format: .htrace, .csv or .csv.zst
    #[arg(value_name = "OUT")]
    output: PathBuf,

    #[command(flatten)]
    importing: Importing,
}

/// Converts, and prints a line about the result.
pub(crate) fn run(arguments: &ConvertArguments) -> u8 {
    let source = match Source::locate(&arguments.input) {
        Ok(source) => arguments.importing.apply(source),
        Err(error) => return complain(BAD_INPUT, error),
    };
    if let Err(message) = files::check([arguments.input.as_str()], "OUT", &arguments.output) {
        return complain(USAGE, message);
    }
    match convert(&source, &arguments.output) {
        Ok(events) => {
            let share = |bytes: Option<u64>| match bytes {
                Some(bytes) => format!("{} B, {:.2} an event", HumanCount(bytes), bytes as f64 / events as f64),
                None => "of unknown size".to_owned(),
            };
            let written = arguments.output.metadata().ok().map(|metadata| metadata.len());
            note(format_args!(
                "{} events from {} ({}) to {} ({})",
                HumanCount(events),
                source.display(),
                share(size_of_input(&source)),
                arguments.output.display(),
                share(written)
            ));
            0
        }
        Err(error) => complain(code_of(&error), error),
    }
}

/// What is to blame: the command line, the disk that is written to, or else the trace.
fn code_of(error: &TraceError) -> u8 {
    match error {
        TraceError::UnknownEnding { .. } => USAGE,
        TraceError::Create { .. } | TraceError::WriteFile { .. } => FAILED,
        _ => BAD_INPUT,
    }
}

fn convert(source: &Source, path: &Path) -> Result<u64, TraceError> {
    let mut trace = source.open()?;
    let mut output = Output::create(path, trace.columns(), trace.provenance())?;
    let bar = if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    let mut events = 0;
    while let Some(event) = trace.next() {
        let event = event?;
        trace.comments().iter().try_for_each(|comment| output.comment(comment))?;
        output.write(&event)?;
        events += 1;
        if events % STEP == 0 {
            bar.set_message(format!("{} events", HumanCount(events)));
            bar.tick();
        }
    }
    trace.comments().iter().try_for_each(|comment| output.comment(comment))?;
    output.finish()?;
    bar.finish_and_clear();
    if let Some(repairs) = trace.repairs() {
        repairs.lines().iter().for_each(|line| note(format_args!("{}: {line}", source.display())));
    }
    Ok(events)
}

fn size_of_input(source: &Source) -> Option<u64> {
    match source.library_entry() {
        Some(entry) => Some(entry.htrace.len() as u64),
        None => Path::new(source.display()).metadata().ok().filter(|file| file.is_file()).map(|file| file.len()),
    }
}
