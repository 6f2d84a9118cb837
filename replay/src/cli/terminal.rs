//! What a command prints: results on standard output, everything else on standard error; and its exit codes.

use std::env;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use clap::ValueEnum;
use heaprace_engine::comparison::CompareError;
use heaprace_engine::lane::LaneError;
use heaprace_reports::printable;
use heaprace_traces::TraceError;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::files::{Files, STDOUT};

/// A contender's blocks were not sound, or a file could not be written.
pub(crate) const FAILED: u8 = 1;
/// A usage error.
pub(crate) const USAGE: u8 = 2;
/// A trace or saved results cannot be read.
pub(crate) const BAD_INPUT: u8 = 3;

/// Interrupted by the user: the exit code that shells give for SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;

/// The exit code of a comparison that could not be made.
pub(crate) fn code_of(error: &CompareError) -> u8 {
    match error {
        CompareError::Lane(LaneError::Heap(_)) => FAILED,
        CompareError::Trace(TraceError::Interrupted { .. }) => INTERRUPTED,
        _ => BAD_INPUT,
    }
}

/// The format of results on standard output.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

impl Format {
    /// Claims standard output for JSON, beside which nothing else makes sense. A table gives way to an export.
    pub(crate) fn check(self, files: &mut Files) -> Result<(), String> {
        match self {
            Format::Text => Ok(()),
            Format::Json => files.write("--format json", Path::new(STDOUT)),
        }
    }
}

/// Prints to standard output. A closed pipe (`| head`) is not an error.
pub(crate) fn print(text: &str) -> u8 {
    print_bytes(text.as_bytes())
}

/// The same for bytes that need not be text.
pub(crate) fn print_bytes(bytes: &[u8]) -> u8 {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(FAILED, format_args!("cannot write to standard output: {error}"))
        }
        _ => 0,
    }
}

/// Prints an error to standard error, and returns the exit code.
pub(crate) fn complain(code: u8, error: impl fmt::Display) -> u8 {
    note(format_args!("error: {error}"));
    code
}

/// The same with all causes. A cause that the text of its error already contains is not repeated.
pub(crate) fn complain_of(code: u8, error: &anyhow::Error) -> u8 {
    complain(code, with_causes(error))
}

fn with_causes(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| {
        if text.is_empty() {
            cause
        } else if text.contains(&cause) {
            text
        } else {
            format!("{text}: {cause}")
        }
    })
}

/// Prints a line to standard error, with control characters, which names of files may have, as escapes. If even that
/// fails, nobody can read about it.
pub(crate) fn note(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{}", printable(&line.to_string()));
}

/// Columns of the terminal; if standard output is none, of the variable COLUMNS, as pagers and scripts set it.
pub(crate) fn columns() -> Option<usize> {
    let terminal = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
    terminal.or_else(|| env::var("COLUMNS").ok()?.parse().ok())
}

/// The same, or 100 where nothing says; at least 40.
pub(crate) fn width() -> usize {
    columns().unwrap_or(100).max(40)
}

/// Counts events, and shows the count if standard error is a terminal.
pub(crate) struct EventCounter {
    bar: ProgressBar,
    count: u64,
}

impl EventCounter {
    /// Events between two updates: reading the clock for every event would take longer than most events.
    const INTERVAL: u64 = 1 << 16;

    pub(crate) fn new(what: &str) -> Self {
        let bar = if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("{prefix}: {human_pos} events");
        bar.set_style(style.expect("the template is sound"));
        bar.set_prefix(what.to_owned());
        EventCounter { bar, count: 0 }
    }

    /// One more.
    #[inline]
    pub(crate) fn step(&mut self) {
        self.count += 1;
        if self.count.is_multiple_of(Self::INTERVAL) {
            self.bar.set_position(self.count);
        }
    }

    /// Removes the display, and returns the count.
    pub(crate) fn finish(self) -> u64 {
        self.bar.finish_and_clear();
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_not_repeated() {
        let cause = || std::io::Error::other("no room");
        let error = anyhow::Error::from(cause()).context("cannot write a.csv: no room; choose another folder");
        assert_eq!(with_causes(&error), "cannot write a.csv: no room; choose another folder");
        let error = anyhow::Error::from(cause()).context("cannot write a.csv").context("nothing is saved");
        assert_eq!(with_causes(&error), "nothing is saved: cannot write a.csv: no room");
    }
}
