//! `replay completions` and `replay man`: what a package installs with the command.

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::terminal::{FAILED, USAGE, complain, print_bytes};

/// For which shell.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

/// Of what.
#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// One of its commands: compare, trace slice
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
}

/// Prints the script that completes words.
pub(crate) fn complete(arguments: &CompletionsArguments, mut command: Command) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "replay", &mut script);
    print_bytes(&script)
}

/// Prints a manual page, as `man -l` reads it.
pub(crate) fn page(arguments: &ManArguments, mut command: Command) -> u8 {
    // So that commands know what they belong to.
    command.build();
    for name in &arguments.command {
        let Some(found) = command.find_subcommand(name) else {
            let names: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
            let known = if names.is_empty() { "it has none".to_owned() } else { names.join(", ") };
            return complain(USAGE, format_args!("{:?} has no command {name:?}: {known}", command.get_name()));
        };
        command = found.clone();
    }
    let mut page = Vec::new();
    match Man::new(command).render(&mut page) {
        Ok(()) => print_bytes(&page),
        Err(error) => complain(FAILED, error),
    }
}
