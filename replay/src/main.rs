//! The `replay` command: parse, compare, print, save.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
