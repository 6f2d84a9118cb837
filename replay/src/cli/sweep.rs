//! `replay sweep`: the cells of a plan, listed, run and merged.

use std::path::{Path, PathBuf};

use clap::Args;
use heaprace_engine::field::Field;
use heaprace_engine::heap_size::parse_memory;
use heaprace_engine::memory_budget::default_bytes;
use heaprace_engine::sweep::{
    Build, Cell, CellSettings, CellState, Key, Merged, Stray, Sweep, SweepError, Work, merge, strays,
};
use heaprace_reports::labelled;
use heaprace_reports::numbers::count;
use heaprace_reports::results::{Results, Verification};
use serde::Serialize;

use crate::cli::child::begin_again;
use crate::cli::saved::{save_charts, save_results};
use crate::cli::terminal::{BAD_INPUT, FAILED, Format, USAGE, code_of, complain, complain_of, note, print};

/// Split a comparison into cells that any machine can run, and merge them
///
/// A plan names traces, allocators and settings. Without --cell, --run or --merge, the command lists the cells of a
/// plan. A cell's id is a hash of everything its figures depend on: the trace's content, the allocator, the settings,
/// and this build. Finished cells are skipped; a killed run leaves no partial files.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SweepArguments {
    /// Plan: a TOML file with traces, allocators and settings
    #[arg(value_name = "PLAN")]
    plan: PathBuf,

    /// Run this cell, unless it is finished
    #[arg(long, value_name = "ID", conflicts_with_all = ["run", "merge"])]
    cell: Option<String>,

    /// Run all unfinished cells, one after the other
    #[arg(long)]
    run: bool,

    /// Merge finished cells into DIR/<trace>[-<settings>]/results.json and charts
    #[arg(long)]
    merge: bool,

    /// Memory that a cell may take [default: a third of the machine's]
    #[arg(long, value_name = "SIZE", value_parser = parse_memory)]
    memory: Option<u64>,

    /// Folder of the sweep; cells are in DIR/cells
    #[arg(long, value_name = "DIR", default_value = "heaprace-sweep")]
    out: PathBuf,

    /// Format of the list on standard output: a table, or JSON, one cell per line
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,
}

const EXAMPLES: &str = "\
A plan:
  traces = [\"library:recorded\", \"my-program.htrace\"]
  allocators = [\"dlmalloc\", \"talc\"]
  [settings]
  page_size = [\"4KiB\", \"64KiB\"]
  rounds = 20

  Traces are files (relative to the plan), names of library traces, or \"library\",
  \"library:recorded\", \"library:programs\", \"library:drivers\", \"library:synthetic\",
  \"library:wasm\". Allocators are names and groups (see 'replay --list'), by default the group
  \"default\". Settings are page_size, heap_limit, touch, rounds, seed, rigorous, latency,
  instructions, min_heap, skip_verification and budget, each a value or a list with the syntax of
  replay's options, and skip_bounds = true. Every combination becomes a cell.

Examples:
  replay sweep plan.toml
      List the cells, and which of them are finished.
  replay sweep plan.toml --run --merge
      Run everything on this machine, one cell after the other; run it again to resume.
  replay sweep plan.toml --cell 0123456789abcdef
      Run one cell, as a scheduler does. sweeps/README.md has a Snakemake workflow, with Slurm
      and Kubernetes.

Exit codes:
  0  success
  1  a file could not be written; with --merge also: cells are missing, or an allocator failed
     verification
  2  usage error, or the plan has no such cell
  3  the plan or a trace could not be read";

/// A line of the list.
#[derive(Serialize)]
struct Line<'c> {
    id: &'c str,
    /// The trace's short name.
    trace: &'c str,
    /// The allocator, or `bounds`.
    subject: &'c str,
    /// Whether it takes times, so that nothing should run beside it.
    timed: bool,
    done: bool,
    /// The file that it writes, in the folder of the sweep.
    file: String,
    key: &'c Key,
}

/// Lists, runs or merges.
pub(crate) fn run(arguments: &SweepArguments, field: &Field) -> u8 {
    let sweep = Build::current(field).and_then(|build| Sweep::read(&arguments.plan, field, &build));
    let sweep = match sweep {
        Ok(sweep) => sweep,
        Err(error) => return complain(code(&error), error),
    };
    let out = &arguments.out;
    let memory_bytes = arguments.memory.unwrap_or_else(default_bytes);
    if let Some(id) = &arguments.cell {
        return match sweep.cells().iter().find(|cell| cell.id() == id) {
            Some(cell) => run_cell(cell, out, memory_bytes),
            None => complain(USAGE, no_such_cell(id, &arguments.plan, sweep.build())),
        };
    }
    if !arguments.run && !arguments.merge {
        return list(&sweep, out, arguments.format);
    }
    let ran = if arguments.run { run_all(&sweep, out, memory_bytes) } else { 0 };
    let merged = if arguments.merge { merge_all(&sweep, out) } else { 0 };
    ran.max(merged)
}

fn code(error: &SweepError) -> u8 {
    match error {
        SweepError::Report(_) | SweepError::Build { .. } => FAILED,
        SweepError::Compare(error) => code_of(error),
        _ => BAD_INPUT,
    }
}

fn no_such_cell(id: &str, plan: &Path, build: &Build) -> String {
    format!(
        "{} has no cell {id} for this build ({}, {}, {}, host pages of {} B): if another build or another version of the plan or of a \
         trace has listed it, list the cells again",
        plan.display(),
        build.revision,
        build.profile,
        build.target,
        build.host_page_bytes
    )
}

fn list(sweep: &Sweep, out: &Path, format: Format) -> u8 {
    let cells = sweep.cells();
    let done: Vec<bool> = cells.iter().map(|cell| matches!(cell.state(out), CellState::Done(_))).collect();
    let lines = cells.iter().zip(done).map(|(cell, done)| Line {
        id: cell.id(),
        trace: cell.trace().name(),
        subject: cell.subject(),
        timed: cell.timed(),
        done,
        file: cell.path(Path::new("")).display().to_string(),
        key: cell.key(),
    });
    print(&match format {
        Format::Json => lines.map(|line| json(&line)).collect::<String>(),
        Format::Text => table(&lines.collect::<Vec<_>>(), sweep.settings()),
    })
}

fn json(line: &Line<'_>) -> String {
    serde_json::to_string(line).expect("plain data with string keys always serialises") + "\n"
}

fn table(lines: &[Line<'_>], settings: &[(String, CellSettings)]) -> String {
    let label = |line: &Line<'_>| match &line.key.work {
        Work::Bounds => "",
        Work::Contender { settings: chosen, .. } => {
            settings.iter().find(|(_, one)| one == chosen).map_or("", |(label, _)| label.as_str())
        }
    };
    let width = |title: &str, of: fn(&Line<'_>) -> usize| lines.iter().map(of).chain([title.len()]).max().unwrap_or(0);
    let (trace, subject) = (width("trace", |line| line.trace.len()), width("of", |line| line.subject.len()));
    let mut text = String::new();
    let mut row = |cells: [&str; 5]| {
        let [id, done, name, of, label] = cells;
        let line = format!("{id:<16}  {done:<4}  {name:<trace$}  {of:<subject$}  {label}");
        text += line.trim_end();
        text.push('\n');
    };
    row(["cell", "done", "trace", "of", if settings.len() > 1 { "settings" } else { "" }]);
    for line in lines {
        row([line.id, if line.done { "yes" } else { "no" }, line.trace, line.subject, label(line)]);
    }
    let done = lines.iter().filter(|line| line.done).count() as u64;
    text + &format!(
        "\n{}, of which {done} {} done\n",
        count(lines.len() as u64, "cell"),
        if done == 1 { "is" } else { "are" }
    )
}

/// Runs a cell unless it is done. A contender that fails verification is an outcome: the cell is done.
fn run_cell(cell: &Cell, out: &Path, memory_bytes: u64) -> u8 {
    match cell.state(out) {
        CellState::Done(_) => {
            note(format_args!("{}: is done already", name(cell)));
            return 0;
        }
        CellState::Unusable(why) => note(format_args!("{}: is run again: {why}", name(cell))),
        CellState::Missing => {}
    }
    match cell.run_within(begin_again, Some(memory_bytes)).and_then(|results| cell.save(&results, out)) {
        Ok(()) => {
            note(format_args!("{}: is in {}", name(cell), cell.path(out).display()));
            0
        }
        Err(error) => complain(code(&error), error),
    }
}

fn name(cell: &Cell) -> String {
    format!("cell {} ({}, {})", cell.id(), cell.trace().name(), cell.subject())
}

/// What fails in one cell does not keep the others from being run.
fn run_all(sweep: &Sweep, out: &Path, memory_bytes: u64) -> u8 {
    let codes = sweep.cells().iter().map(|cell| run_cell(cell, out, memory_bytes)).collect::<Vec<_>>();
    codes.into_iter().max().unwrap_or(0)
}

fn merge_all(sweep: &Sweep, out: &Path) -> u8 {
    let mut exit = 0;
    let mut missing = Vec::new();
    let merged = merge(sweep, |cell| cell.state(out));
    let done: Vec<Results> = merged.iter().filter_map(|merged| merged.results.clone()).collect();
    let mut labelled = labelled(&done).into_owned().into_iter();
    for Merged { folder, results, missing: gone } in &merged {
        let folder = out.join(folder);
        missing.extend(gone.iter().map(|(cell, reason)| (cell.id().to_owned(), reason)));
        let Some(results) = results else {
            note(format_args!("{}: no contender is done yet", folder.display()));
            continue;
        };
        let shown = labelled.next();
        let charts = || shown.iter().try_for_each(|shown| save_charts(shown, &folder));
        exit = exit.max(match save_results(results, &folder).and_then(|()| charts()) {
            Ok(()) => print(&format!("{}\n", folder.join("results.json").display())),
            Err(error) => complain_of(FAILED, &error),
        });
        exit = exit.max(unsound(results));
    }
    for (stray, number) in strays(sweep, out) {
        let files = count(number as u64, "file");
        match stray {
            Stray::OtherBuild(revision) => {
                note(format_args!(
                    "left out: {files} of another build, {revision}: figures of two builds are not merged"
                ));
            }
            Stray::OtherPlan => note(format_args!("left out: {files} of cells that this plan does not have")),
            Stray::Unreadable(path) => note(format_args!("left out: {}, which is no cell", path.display())),
        }
    }
    // The bounds of a trace are missed by all of its documents.
    missing.sort();
    missing.dedup();
    match &missing[..] {
        [] => exit,
        [(_, first), rest @ ..] => {
            let others = match rest.len() {
                0 => String::new(),
                number => format!(", and {number} more"),
            };
            let of = count(sweep.cells().len() as u64, "cell");
            let message = format!("{} of {of} are missing: {first}{others}; --run runs them", missing.len());
            exit.max(complain(FAILED, message))
        }
    }
}

/// Says which contenders failed verification.
fn unsound(results: &Results) -> u8 {
    let mut exit = 0;
    for row in &results.contenders {
        if let Verification::Failed { event, message } = &row.verification {
            let message =
                format!("{} on {}: failed verification at event {event}: {message}", row.name, results.trace.name);
            exit = complain(FAILED, message);
        }
    }
    exit
}
