//! This command begun again as a child of itself: a process of its own for whatever is timed or counted.

use std::env;
use std::io;
use std::process::Command;

use heaprace_engine::field::Field;
use heaprace_engine::time::{child, process};

use crate::cli::terminal::FAILED;

/// Whether this process was begun as a child. It is no verb of the command line: neither help nor completions mention
/// it.
pub(crate) fn is_wanted() -> bool {
    env::args_os().nth(1).is_some_and(|verb| verb == process::VERB)
}

/// Answers the parent.
pub(crate) fn serve(field: &Field) -> u8 {
    if child::serve(field.all()) { 0 } else { FAILED }
}

/// This command as a child of itself.
pub(crate) fn begin_again() -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.arg(process::VERB);
    Ok(command)
}
