//! The `replay` command.

mod cli;
mod commands;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
