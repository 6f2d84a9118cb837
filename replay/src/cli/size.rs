//! `replay size`: what allocators add to a WebAssembly module, and to firmware.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use heaprace_wasm::guests::{self, FLOOR, Guest};
use heaprace_wasm::own::{self, OwnGuestError};
use heaprace_wasm::size_table::SizeTable;
use heaprace_wasm::target::Target;
use heaprace_wasm::workshop::{Workshop, WorkshopError};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::terminal::{BAD_INPUT, FAILED, Format, USAGE, complain, note, print, width};

/// Measure what allocators add to a WebAssembly module and to firmware
///
/// Compiles and links each allocator with the same calls and options, and subtracts the same without an allocator.
/// Nothing is run, and no trace is needed. Needs a clone of Heaprace's repository, and a target of the compiler:
/// `rustup target add wasm32-unknown-unknown thumbv7em-none-eabi`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SizeArguments {
    /// Target to compile for [default: those that the compiler has]
    #[arg(long, value_name = "TARGET", value_parser = targets())]
    target: Option<Target>,

    /// Allocator to measure [default: all]. Repeatable
    #[arg(long = "allocator", short, value_name = "NAME", value_parser = PossibleValuesParser::new(names()))]
    allocators: Vec<String>,

    /// Also measure an allocator of your own: the folder of its package, or a .wasm file. Repeatable
    #[arg(long = "guest", value_name = "PATH")]
    guests: Vec<PathBuf>,

    /// Format of standard output
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,
}

const EXAMPLES: &str = "\
Examples:
  replay size --target thumbv7em
      Flash and RAM of each allocator on a Cortex-M4.
  replay size --target wasm32 --guest ../my-allocator --allocator talc
      An allocator of your own beside talc.";

fn targets() -> impl TypedValueParser<Value = Target> {
    PossibleValuesParser::new(Target::ALL.map(Target::name))
        .try_map(|name| Target::named(&name).ok_or("no such target"))
}

/// The allocators of all targets.
fn names() -> BTreeSet<&'static str> {
    let all = Target::ALL.into_iter().flat_map(guests::of).map(|guest| &*guest.name);
    all.filter(|&name| name != FLOOR).collect()
}

/// Measures, and shows.
pub(crate) fn run(arguments: &SizeArguments) -> u8 {
    let own = match own::at(&arguments.guests) {
        Ok(own) => own,
        Err(error) => return complain_of_guest(&error),
    };
    let mut tables = Vec::new();
    for target in arguments.target.map_or_else(|| Target::ALL.to_vec(), |target| vec![target]) {
        let guests = asked(target, arguments, &own);
        if guests.is_empty() && arguments.target.is_some() {
            return complain(USAGE, format_args!("none of these allocators is for {}", target.name()));
        }
        if guests.is_empty() {
            continue;
        }
        match measure(target, &guests) {
            Ok(table) => tables.push(table),
            // What was not asked for by its name may be missing.
            Err(error) => match left_out(&error, target).filter(|_| arguments.target.is_none()) {
                Some(reason) => note(format_args!("not for {}: {reason}", target.name())),
                None => return complain(FAILED, error),
            },
        }
    }
    if tables.is_empty() {
        return complain(FAILED, "nothing was measured");
    }
    print(&match arguments.format {
        Format::Text => tables.iter().map(|table| table.text(width())).collect::<Vec<_>>().join("\n"),
        Format::Json => {
            serde_json::to_string_pretty(&tables).expect("plain data with string keys always serialises") + "\n"
        }
    })
}

/// Why a target is left out if all were asked for; `None` if it must not be. An author's package need not be for every
/// target.
fn left_out(error: &WorkshopError, target: Target) -> Option<String> {
    match error {
        WorkshopError::NoTarget(_) | WorkshopError::NoLinker { .. } => Some(error.to_string()),
        WorkshopError::Compile { module, .. } => {
            Some(format!("{module} does not compile; --target {} shows why", target.name()))
        }
        _ => None,
    }
}

/// An author's allocator cannot take part.
pub(crate) fn complain_of_guest(error: &OwnGuestError) -> u8 {
    let code = if let OwnGuestError::Taken { .. } = error { USAGE } else { BAD_INPUT };
    complain(code, format_args!("--guest: {error}"))
}

/// The guests that take part for a target, an author's first.
fn asked(target: Target, arguments: &SizeArguments, own: &[Guest]) -> Vec<Guest> {
    let names = &arguments.allocators;
    let is_asked =
        |guest: &&Guest| guest.name != FLOOR && (names.is_empty() || names.iter().any(|name| *name == guest.name));
    own.iter().chain(guests::of(target).iter().filter(is_asked)).cloned().collect()
}

fn measure(target: Target, guests: &[Guest]) -> Result<SizeTable, WorkshopError> {
    let workshop = Workshop::open(target)?;
    let bar = if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.set_style(ProgressStyle::with_template("{prefix}: {msg}").expect("the template is sound"));
    bar.set_prefix(target.name());
    let table = SizeTable::of(&workshop, guests, &mut |what| {
        bar.set_message(what.to_owned());
        bar.tick();
    });
    bar.finish_and_clear();
    table
}
