//! `replay run`: runs a program itself on contenders, to see what a replay predicts.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use clap::Args;
use clap::builder::PossibleValuesParser;
use heaprace_allocators::{Group, Info, PageSize, Purpose};
use heaprace_engine::comparison::participants::DEFAULT_BASELINE;
use heaprace_engine::field::Field;
use heaprace_engine::heap_size::HeapLimit;
use heaprace_engine::real::{self, Input, RealPlan};
use heaprace_reports::check_folder;
use heaprace_reports::numbers::{bytes, count};
use heaprace_reports::real::{RealContender, RealRuns, RunClock};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::files::{self, Files};
use crate::cli::interrupt::interrupt;
use crate::cli::preloading::{locate_library, locate_program};
use crate::cli::terminal::{FAILED, INTERRUPTED, USAGE, complain, complain_of, note, print, width};

/// The library that is preloaded.
const LIBRARY: &str = "libheaprace_serve.so";

/// Run a program itself on an allocator, to see what a replay predicts
///
/// The allocator serves malloc and its kin from a page heap, as in a replay. With --compare, the program runs many times,
/// on one allocator after the other.
#[derive(Debug, Args)]
#[command(
    override_usage = "replay run --allocator <NAME> [OPTIONS] -- <COMMAND> [ARGUMENTS]...\n       replay run --compare [OPTIONS] -- <COMMAND> [ARGUMENTS]...",
    after_help = "Use '--help' for details and examples.",
    after_long_help = EXAMPLES
)]
pub(crate) struct RunArguments {
    /// Allocator to run on, or with --compare also a group [default with --compare: the group 'default']. Repeatable with
    /// --compare
    #[arg(long = "allocator", short, value_name = "NAME", value_parser = PossibleValuesParser::new(names()), hide_possible_values = true)]
    allocators: Vec<String>,

    /// Compare allocators over rounds, in a new random order in each
    ///
    /// The program's output is dropped. Standard input is read once and given to every run.
    #[arg(long)]
    compare: bool,

    /// Rounds of a comparison
    #[arg(long, value_name = "N", default_value_t = 15, requires = "compare", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,

    /// Allocator that differences are to; it is added if missing
    #[arg(long, value_name = "NAME", default_value = DEFAULT_BASELINE, requires = "compare", value_parser = PossibleValuesParser::new(names()), hide_possible_values = true)]
    baseline: String,

    /// Maximum heap size: 16MiB, 1GiB, 100pages
    #[arg(long, value_name = "SIZE", default_value = "4GiB")]
    heap_limit: HeapLimit,

    /// The program has heaprace_engine::Global as its global allocator: preload nothing
    #[arg(long)]
    global: bool,

    /// Random seed for the order within rounds
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Write all figures as JSON ('-' for stdout)
    #[arg(long, value_name = "PATH|-")]
    json: Option<PathBuf>,

    /// Program to run, and its arguments
    #[arg(value_name = "COMMAND", required = true, num_args = 1.., trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  replay run --allocator talc -- ./my-program
      Run my-program on talc; time, peak heap and growth go to standard error.
  replay run --compare -- sqlite3 :memory: '.read ledger.sql'
      How much longer does it take on each allocator than on dlmalloc?
  replay run --compare --global --allocator talc --allocator swept-bump -- target/release/service
      The same for a Rust program with heaprace_engine::Global<ByName> as its global allocator, which
      passes full layouts on; malloc knows alignment 16 only.
  replay run --allocator dlmalloc --heap-limit 2MiB -- ./my-program
      Does it get by with 2 MiB?

What is served:
  Native programs that are linked dynamically against glibc 2.32 or later, from their first
  request on. Child processes are not served. A lock guards the allocator as soon as the program
  has a second thread. A table beside the heap has the sizes of blocks, which C does not pass to
  free; its cost is the same for all allocators and drops out of differences.

Exit codes:
  0  success
  1  the program fails, cannot be run or is not served, or a file could not be written
  2  usage error
  130  interrupted by Ctrl-C; finished rounds are shown";

/// The library that is preloaded has the contenders of the registry.
fn names() -> Vec<&'static str> {
    Field::registered().choices().collect()
}

/// Runs, and prints what was measured.
pub(crate) fn run(arguments: &RunArguments) -> u8 {
    let plan = match plan(arguments) {
        Ok(plan) => plan,
        Err(Misuse::Usage(message)) => return complain(USAGE, message),
        Err(Misuse::Program(error)) => return complain_of(FAILED, &error),
    };
    if let Some(path) = &arguments.json {
        let mut files = Files::default();
        files.read(Path::new(&plan.command[0]));
        files.read(Path::new("/dev/stdin"));
        if let Err(message) = files.write("--json", path) {
            return complain(USAGE, message);
        }
        let folder = path.parent().unwrap_or(path);
        if let Err(error) = if files::is_file_to_be(path) { check_folder(folder) } else { Ok(()) } {
            return complain(FAILED, error);
        }
    }
    let input = if arguments.compare { Input::of_this_process() } else { Ok(Input::Inherited) };
    let input = match input {
        Ok(input) => input,
        Err(error) => return complain(FAILED, format_args!("cannot read standard input: {error}")),
    };
    let interrupt = interrupt();
    let bar = progress(&plan, arguments.compare);
    let runs = real::run(&plan, &input, &interrupt, |done| bar.set_position(done as u64));
    bar.finish_and_clear();
    let runs = match runs {
        Ok(runs) => runs,
        Err(error) => return complain(FAILED, error),
    };
    let interrupted = interrupt.load(Ordering::Relaxed);
    if interrupted && runs.contenders.iter().all(|row| row.wall_ns.is_empty()) {
        note(format_args!("no round was finished"));
        return INTERRUPTED;
    }
    let mut code = 0;
    match &arguments.json {
        Some(path) if path.as_os_str() == "-" => code = print(&runs.to_json()),
        Some(path) => {
            if let Err(error) = heaprace_reports::save(path, runs.to_json().as_bytes()) {
                code = complain(FAILED, error);
            }
        }
        None => {}
    }
    let json_on_stdout = arguments.json.as_ref().is_some_and(|path| path.as_os_str() == "-");
    if arguments.compare {
        let failed = runs.contenders.iter().any(|row| row.failure.is_some());
        let shown = if json_on_stdout { 0 } else { print(&runs.text(width())) };
        code = code.max(shown).max(u8::from(failed) * FAILED);
    } else if let Some(row) = runs.contenders.first().filter(|_| !arguments.compare) {
        code = code.max(single(&runs, row));
    }
    if interrupted { INTERRUPTED } else { code }
}

enum Misuse {
    Usage(String),
    Program(anyhow::Error),
}

fn plan(arguments: &RunArguments) -> Result<RealPlan, Misuse> {
    let limit = arguments.heap_limit.pages(PageSize::WASM).and_then(|pages| match pages {
        0..=heaprace_allocators::page_heap::WASM32_PAGES => Ok(pages),
        _ => Err("a real run has at most 4GiB".to_owned()),
    });
    let limit_pages = limit.map_err(|message| Misuse::Usage(format!("--heap-limit: {message}")))?;
    let field = Field::registered();
    let mut names: Vec<&str> = arguments.allocators.iter().map(String::as_str).collect();
    if arguments.compare {
        if names.is_empty() {
            names.push(Group::Default.name());
        }
        names.push(&arguments.baseline);
    }
    let chosen = field.choose(names).map_err(|error| Misuse::Usage(error.to_string()))?;
    let takes_part = |info: &Info| match &arguments.allocators[..] {
        [] => info.purpose == Purpose::Contender,
        // The blocks of the floor overlap.
        _ => info.purpose != Purpose::Floor,
    };
    let chosen: Vec<_> = chosen.into_iter().filter(|contender| takes_part(&contender.info)).collect();
    for contender in &chosen {
        let reason = |reason| Misuse::Usage(format!("{} cannot run here: {reason}", contender.info.name));
        (contender.probe)().map_err(reason)?;
    }
    let chosen: Vec<Info> = chosen.iter().map(|contender| contender.info).collect();
    if !arguments.compare && chosen.len() != 1 {
        let message = "name one allocator with --allocator, or compare several with --compare".to_owned();
        return Err(Misuse::Usage(message));
    }
    let name = arguments.command.first().expect("clap requires a command");
    let (preload, file) = match arguments.global {
        true => (None, PathBuf::from(name)),
        false => {
            let file = locate_program(name).map_err(Misuse::Program)?;
            (Some(locate_library(LIBRARY).map_err(Misuse::Program)?), file)
        }
    };
    let mut command = arguments.command.clone();
    command[0] = file.into_os_string();
    Ok(RealPlan {
        command,
        preload,
        contenders: chosen,
        baseline: arguments.baseline.clone(),
        rounds: if arguments.compare { arguments.rounds } else { 1 },
        seed: arguments.seed,
        limit_pages,
        shows_output: !arguments.compare,
    })
}

fn progress(plan: &RealPlan, compare: bool) -> ProgressBar {
    if !compare || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::from(plan.rounds) * plan.contenders.len() as u64);
    let style = ProgressStyle::with_template("{pos} of {len} runs {wide_bar} {eta} left");
    bar.set_style(style.expect("the template is sound"));
    bar
}

/// Says on standard error what a single run was like, and gives the program's exit code.
fn single(runs: &RealRuns, row: &RealContender) -> u8 {
    let ms = |clock| row.times_ns(clock).first().map_or(0.0, |&ns| ns as f64 / 1e6);
    let pages = row.peak_pages.first().copied().unwrap_or(0);
    note(format_args!(
        "{}: {:.2} ms ({:.2} ms of processor time), peak heap {} ({}), {}{}",
        row.name,
        ms(RunClock::Wall),
        ms(RunClock::Cpu),
        count(pages, "page"),
        bytes(pages * runs.page_bytes),
        count(row.minor_faults.first().copied().unwrap_or(0), "page fault"),
        if runs.has_threads { "; with a lock, as more than one thread allocates" } else { "" }
    ));
    if let Some(growth) = growth(row) {
        note(format_args!("{growth}"));
    }
    if row.refused_requests > 0 {
        note(format_args!("{} refused", count(row.refused_requests, "request")));
    }
    match &row.failure {
        Some(failure) => {
            note(format_args!("the program ended with {failure}"));
            FAILED
        }
        None => 0,
    }
}

/// When the heap had reached a quarter, half and three quarters of its peak.
fn growth(row: &RealContender) -> Option<String> {
    let &(_, peak) = row.growths.last()?;
    let reached = |share: u64| row.growths.iter().find(|&&(_, pages)| pages * 4 >= peak * share).map(|&(ns, _)| ns);
    let at = |share| reached(share).map(|ns| format!("{:.2} ms", ns as f64 / 1e6));
    Some(format!(
        "the heap grew {}: a quarter of the peak after {}, half after {}, all after {}",
        count(row.growths.len() as u64, "time"),
        at(1)?,
        at(2)?,
        at(4)?
    ))
}
