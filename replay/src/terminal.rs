//! What a command says to its user: results on standard output, all else on standard error, and an exit code.

use std::fmt;
use std::io::{self, Write};

/// A contender's blocks were not sound, or a file could not be written.
pub(crate) const FAILED: u8 = 1;
/// The command line makes no sense.
pub(crate) const USAGE: u8 = 2;
/// A trace cannot be read.
pub(crate) const BAD_INPUT: u8 = 3;

/// Prints to standard output. A reader that has gone away (`| head`) is not an error.
pub(crate) fn print(text: &str) -> u8 {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(FAILED, format_args!("cannot write to standard output: {error}"))
        }
        _ => 0,
    }
}

/// Says on standard error what is wrong, and gives the exit code back.
pub(crate) fn complain(code: u8, error: impl fmt::Display) -> u8 {
    note(format_args!("error: {error}"));
    code
}

/// A line on standard error. Where even that cannot be written, there is nobody to tell.
pub(crate) fn note(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{line}");
}
