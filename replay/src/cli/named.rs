//! The traces that a command line names: files, traces of the library, and groups of them.

use std::collections::HashSet;
use std::path::Path;

use clap::error::ErrorKind;
use clap::{Args, Command};
use heaprace_engine::comparison::folder_name;
use heaprace_traces::library::{self, nearest};
use heaprace_traces::{Source, TraceError};

use crate::cli::importing::Importing;
use crate::cli::terminal::{BAD_INPUT, USAGE, complain, note};

/// The traces that a command must be given: by place, or by an option.
#[derive(Debug, Args)]
pub(crate) struct AskedTraces {
    /// Traces: files, traces of the library by name, or groups of it
    #[arg(value_name = "TRACE", required_unless_present = "named_traces")]
    traces: Vec<String>,

    /// The same, as an option. Repeatable
    #[arg(long = "trace", short = 't', value_name = "TRACE")]
    named_traces: Vec<String>,
}

impl AskedTraces {
    /// As they are written on the command line.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.named_traces.iter().chain(&self.traces).map(String::as_str).collect()
    }
}

/// Finds every trace before anything is replayed.
pub(crate) fn locate(arguments: &[&str], importing: &Importing, command: &Command) -> Result<Vec<Source>, u8> {
    let mut sources = Vec::new();
    let mut folders = HashSet::new();
    for source in arguments.iter().flat_map(|argument| named(argument)) {
        // Now, while Ctrl-C ends the process at once: a pipe may take as long as its writer.
        let source = source.and_then(|source| importing.apply(source).rereadable());
        let source = source.map_err(|error| {
            let code = complain(BAD_INPUT, &error);
            if let TraceError::NotFound { argument, .. } = &error {
                suggest_verb(argument, command);
            }
            code
        })?;
        if !folders.insert(folder_name(source.name()).to_owned()) {
            let message =
                format!("two traces are called {:?}: their results would go to the same folder", source.name());
            return Err(misused(command, ErrorKind::ArgumentConflict, message));
        }
        sources.push(source);
    }
    Ok(sources)
}

/// A mistyped command looks like a trace.
fn suggest_verb(word: &str, command: &Command) {
    let verbs = command.get_subcommands().map(Command::get_name);
    if let Some(verb) = nearest(word, verbs) {
        note(format_args!("if you meant the command: replay {verb}"));
    }
}

/// The trace that is called so, or those of a group of the library.
fn named(argument: &str) -> Vec<Result<Source, TraceError>> {
    match library::group(argument) {
        Some(group) if !Path::new(argument).is_file() => {
            group.into_iter().map(|entry| Ok(Source::from(entry))).collect()
        }
        _ => vec![Source::locate(argument)],
    }
}

/// Says what makes no sense about the arguments together, as clap does about each of them.
pub(crate) fn misused(command: &Command, kind: ErrorKind, message: String) -> u8 {
    let _ = command.clone().error(kind, message).print();
    USAGE
}
