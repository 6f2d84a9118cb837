//! `replay tune`: the member of our own family that suits a program.

mod members;
mod modules;
mod verify;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, Command};
use heaprace_allocators::PageSize;
use heaprace_allocators::family::Design;
use heaprace_engine::environment::provenance;
use heaprace_engine::heap_size::{HeapLimit, parse_page_size};
use heaprace_engine::tune::{self, Footprint, HeldOut, Merit};
use heaprace_engine::{Program, memory_budget};
use heaprace_reports::chart;
use heaprace_reports::table::tuning_text;
use heaprace_reports::tuning::{Advice, HeldOutChoice, TUNING_FILE, Tuning};
use heaprace_reports::{check_folder, save};
use heaprace_traces::Source;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::importing::Importing;
use crate::cli::interrupt::interrupt;
use crate::cli::named::{AskedTraces, locate};
use crate::cli::terminal::{BAD_INPUT, FAILED, Format, INTERRUPTED, USAGE, complain, note, print, width};

/// Search our own family of allocators for the member that suits your program
///
/// Runs hundreds of members over each trace, which gives the exact peak of each one's heap; replays those that are worth it,
/// with every block checked, for times; and says which one to take, or that there is nothing to gain. Writes the
/// configuration as Rust, ready to paste.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, override_usage = "replay tune <TRACE>... [OPTIONS]")]
pub(crate) struct TuneArguments {
    #[command(flatten)]
    traces: AskedTraces,

    /// Trace to judge the choice on, which it is not made on. Repeatable
    #[arg(long = "judge", value_name = "TRACE")]
    judges: Vec<String>,

    /// Page size of the heap, a power of two from 256 to 2MiB
    #[arg(long, value_name = "SIZE", value_parser = parse_page_size, default_value = "64KiB")]
    page_size: PageSize,

    /// Maximum heap size: 16MiB, 1GiB, 100pages
    #[arg(long, value_name = "SIZE", default_value = "4GiB")]
    heap_limit: HeapLimit,

    /// Timing rounds of each replay; 0 takes no times
    #[arg(long, value_name = "N", default_value_t = 10)]
    rounds: u32,

    /// Compile the members that are replayed, by cargo in the clone that this was built from: times of the code that ships
    ///
    /// Without it, decisions are looked up at run time, by the members and by the flagship that they are compared with.
    /// That costs a segregated-bump more than a swept-bump.
    #[arg(long)]
    compile: bool,

    /// Folder for tune.json, tune.svg and tuned.rs
    #[arg(long, value_name = "DIR", default_value = "heaprace-tune")]
    out: PathBuf,

    /// Format of standard output: the answer with tables, or JSON
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    importing: Importing,
}

const EXAMPLES: &str = "\
Examples:
  replay tune my-program.htrace
      What suits my-program? The choice by the first half of the trace is held against all of it.
  replay tune monday.htrace --judge tuesday.htrace
      Choose on one recording, and judge on another.
  replay tune my-firmware.htrace --page-size 1KiB --heap-limit 64KiB
      For a small device.

The result is a line for HEAPRACE_MEMBER, which the allocator 'custom' reads in every command:
  HEAPRACE_MEMBER=swept-bump:bins=32 replay run --compare --allocator custom --allocator swept-bump \\
      --baseline swept-bump -- ./my-program
      What does it save in the program itself?
tuned.rs has the same as types, which are compiled and need no such variable.

Exit codes:
  0  success, also if there is nothing to gain
  1  a replay failed, or has another peak than predicted; or a file could not be written
  2  usage error
  3  a trace could not be read
  130  interrupted by Ctrl-C";

/// A trace that is searched on.
struct Subject {
    source: Source,
    program: Program,
}

/// Searches, verifies, saves and shows.
pub(crate) fn run(arguments: &TuneArguments, command: &Command) -> u8 {
    let limit_pages = match arguments.heap_limit.pages(arguments.page_size) {
        Ok(pages) => pages.min((memory_budget::default_bytes() / arguments.page_size.bytes() as u64) as usize),
        Err(error) => return complain(USAGE, format_args!("--heap-limit: {error}")),
    };
    let chosen = arguments.traces.names();
    let judges: Vec<&str> = arguments.judges.iter().map(String::as_str).collect();
    let located = locate(&chosen, &arguments.importing, command)
        .and_then(|chosen| Ok((chosen.len(), [chosen, locate(&judges, &arguments.importing, command)?].concat())));
    let (chosen, sources) = match located {
        Ok(located) => located,
        Err(code) => return code,
    };
    // What comes from a pipe is kept under another name, which another process would not find.
    let is_file = |source: &Source| source.path().is_some_and(|path| path.to_string_lossy() == source.display());
    if let Some(piped) = sources.iter().find(|source| !is_file(source) && source.library_entry().is_none()) {
        let message = "a trace is read many times here, in several processes: give it as a file";
        return complain(USAGE, format_args!("{}: {message}", piped.display()));
    }
    if let Err(error) = check_folder(&arguments.out) {
        return complain(FAILED, error);
    }
    let mut subjects = Vec::new();
    for source in sources {
        match Program::load(&source) {
            Ok(program) => subjects.push(Subject { source, program }),
            Err(error) => return complain(BAD_INPUT, error),
        }
    }
    let interrupt = interrupt();
    let found = match search(&subjects[..chosen], arguments.page_size, limit_pages, &interrupt) {
        Ok(found) => found,
        Err(code) => return code,
    };
    let designs: Vec<(Design, Vec<String>)> = std::iter::once((Design::FLAGSHIP, Vec::new()))
        .chain(found.merits.iter().map(|merit| {
            (merit.candidate.design, merit.strengths.iter().map(|strength| strength.name().to_owned()).collect())
        }))
        .collect();
    let verified = verify::rows(&subjects, &designs, arguments, limit_pages, &interrupt);
    if interrupt.load(Ordering::Relaxed) {
        note(format_args!("ended before all members were replayed: there is no answer"));
        return INTERRUPTED;
    }
    let (rows, code) = match verified {
        Ok(rows) => rows,
        Err(error) => return complain(FAILED, error),
    };
    let name = |subject: &Subject| subject.source.name().to_owned();
    let tuning = Tuning {
        tuning_version: Tuning::VERSION,
        provenance: provenance(),
        page_bytes: arguments.page_size.bytes() as u64,
        chosen_on: subjects[..chosen].iter().map(name).collect(),
        judged_on: subjects[chosen..].iter().map(name).collect(),
        tried: tune::space().len() as u64,
        rows,
        held_out: found.held_out,
        are_compiled: arguments.compile,
    };
    code.max(show(&tuning, &designs, arguments))
}

/// What a search gives.
struct Found {
    merits: Vec<Merit>,
    held_out: Vec<HeldOutChoice>,
}

/// How often the times of those that come into question are taken again: the least of all counts.
const REPEATS: usize = 4;

fn search(subjects: &[Subject], page: PageSize, limit_pages: usize, interrupt: &AtomicBool) -> Result<Found, u8> {
    let space = tune::space();
    let bar = if io::stderr().is_terminal() {
        ProgressBar::new((space.len() * subjects.len()) as u64)
    } else {
        ProgressBar::hidden()
    };
    let style = ProgressStyle::with_template("searching: {pos} of {len} members {wide_bar} {eta} left");
    bar.set_style(style.expect("the template is sound"));
    let run = |designs: &[Design], done: &mut dyn FnMut(usize)| -> Result<Vec<Vec<Footprint>>, u8> {
        let mut all = Vec::with_capacity(subjects.len());
        for (index, subject) in subjects.iter().enumerate() {
            let count = |count: usize| done(index * designs.len() + count);
            let found = tune::footprints(&subject.program, designs, page, limit_pages, interrupt, count);
            all.push(found.map_err(|error| complain(FAILED, error))?);
            if interrupt.load(Ordering::Relaxed) {
                note(format_args!("ended before all members were tried: there is no answer"));
                return Err(INTERRUPTED);
            }
        }
        Ok(all)
    };
    let mut first = run(&space, &mut |count| bar.set_position(count as u64))?;
    bar.finish_and_clear();
    for (footprints, subject) in first.iter().zip(subjects) {
        if footprints[0].peak_pages.is_none() {
            let name = subject.source.name();
            return Err(complain(FAILED, format_args!("{name}: swept-bump does not get by with --heap-limit")));
        }
    }
    let held_out = first
        .iter()
        .zip(subjects)
        .filter_map(|(footprints, subject)| Some(in_words(&tune::held_out(footprints)?, subject.source.name())));
    let held_out = held_out.collect();
    let listed = tune::shortlist(&first);
    for _ in 0..REPEATS {
        let again = run(&listed, &mut |_| {})?;
        tune::take_faster(&mut first, &again);
    }
    let listed: Vec<Vec<Footprint>> = first
        .into_iter()
        .map(|footprints| footprints.into_iter().filter(|one| listed.contains(&one.design)).collect())
        .collect();
    Ok(Found { merits: tune::front(&listed), held_out })
}

fn in_words(held_out: &HeldOut, trace: &str) -> HeldOutChoice {
    HeldOutChoice {
        trace: trace.to_owned(),
        design: held_out.design.to_string(),
        half_pages: held_out.half_pages,
        end_pages: held_out.end_pages,
        carries_over: held_out.carries_over(),
    }
}

/// Saves the document, the chart and the configuration, and shows the answer.
fn show(tuning: &Tuning, designs: &[(Design, Vec<String>)], arguments: &TuneArguments) -> u8 {
    let mut code = 0;
    let mut write = |name: &str, text: &str| {
        if let Err(error) = save(&arguments.out.join(name), text.as_bytes()) {
            code = complain(FAILED, error);
        }
    };
    write(TUNING_FILE, &tuning.to_json());
    match chart::tuning(tuning) {
        Ok(svg) => write("tune.svg", &svg),
        Err(error) => note(format_args!("tune.svg: {error}")),
    }
    let advice = tuning.advice();
    match advice {
        Advice::Take { row, .. } => write(CONFIGURATION, &configuration(&designs[row].0)),
        // That of another search would be taken for this one's.
        Advice::Keep | Advice::Unknown => _ = std::fs::remove_file(arguments.out.join(CONFIGURATION)),
    }
    code = code.max(print(&match arguments.format {
        Format::Json => tuning.to_json(),
        Format::Text => tuning_text(tuning, width()),
    }));
    match advice {
        Advice::Take { row, .. } => {
            let (design, out) = (&designs[row].0, arguments.out.join(CONFIGURATION));
            note(format_args!("{} has it as Rust. In the program itself, without compiling it:", out.display()));
            note(format_args!(
                "  {}={design} replay run --compare --allocator custom --allocator swept-bump --baseline swept-bump -- \
                 PROGRAM",
                heaprace_allocators::family::VARIABLE
            ));
        }
        Advice::Keep | Advice::Unknown => {}
    }
    code
}

/// The file with the configuration.
const CONFIGURATION: &str = "tuned.rs";

/// The configuration, with what makes it the global allocator.
fn configuration(design: &Design) -> String {
    format!(
        "// The allocator that `replay tune` has chosen. Cargo.toml needs segregated-bump = \"{}\".\n\n{}{GLOBAL}",
        env!("CARGO_PKG_VERSION"),
        design.to_rust()
    )
}

/// For a module, and for firmware.
const GLOBAL: &str = "
/// Of a WebAssembly module, which has one thread.
#[cfg(target_family = \"wasm\")]
#[global_allocator]
// SAFETY: the module has one thread.
static ALLOCATOR: Allocator<segregated_bump::page_source::WasmPages> =
    unsafe { SingleThreaded::new(Inner::new(segregated_bump::page_source::WasmPages)) };

/// An allocator over a region of memory, for firmware: `#[global_allocator] static ALLOCATOR: Allocator<Region> = ...`.
///
/// # Safety
///
/// As for `SingleThreaded::new`, and as for `Region::from_raw`.
pub const unsafe fn over(
    region: segregated_bump::page_source::Region,
) -> Allocator<segregated_bump::page_source::Region> {
    // SAFETY: upheld by the caller.
    unsafe { SingleThreaded::new(Inner::new(region)) }
}
";
