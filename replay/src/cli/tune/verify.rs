//! Replays of the members that are worth one, with every block checked.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use heaprace_allocators::family::{Design, VARIABLE};
use heaprace_engine::comparison::folder_name;
use heaprace_engine::tune;
use heaprace_reports::RESULTS_FILE;
use heaprace_reports::results::{Figure, Latency, Results, Verification};
use heaprace_reports::stats::{Ratio, Regime, ratio_beside};
use heaprace_reports::tuning::{TimeRatio, TunedOnTrace, TunedRow};
use heaprace_traces::Source;
use indicatif::{ProgressBar, ProgressStyle};

use super::modules::Modules;
use super::{Subject, TuneArguments, members};
use crate::cli::terminal::{FAILED, complain};

/// The contender that has a design, and the one that times are compared with.
const CUSTOM: &str = "custom";
const FLAGSHIP: &str = "swept-bump";

/// What a replay gives for a member on a trace: times over the compiled flagship's.
struct Replayed {
    pages: Figure<u64>,
    times: [Figure<Ratio>; 2],
    worst_call_ns: Figure<f64>,
}

/// The rows of these designs, the flagship first, and an exit code that is not 0 if a replay failed or has another peak than
/// the search has predicted.
pub(super) fn rows(
    subjects: &[Subject],
    designs: &[(Design, Vec<String>)],
    arguments: &TuneArguments,
    limit_pages: usize,
    interrupt: &AtomicBool,
) -> anyhow::Result<(Vec<TunedRow>, u8)> {
    let bar = if io::stderr().is_terminal() {
        ProgressBar::new((designs.len() * subjects.len()) as u64)
    } else {
        ProgressBar::hidden()
    };
    let style = ProgressStyle::with_template("replaying: {pos} of {len} {wide_bar} {eta} left");
    bar.set_style(style.expect("the template is sound"));
    let folder = tempfile::tempdir().context("no folder for temporary files")?;
    let only: Vec<Design> = designs.iter().map(|(design, _)| *design).collect();
    let replay = Replay { arguments, limit_pages, folder: folder.path(), interrupt };
    let compiled = if arguments.compile { Some(members::build(&only)?) } else { None };
    let modules = Modules::new(folder.path());
    let mut rows = Vec::new();
    for (design, chosen_for) in designs {
        let (design_text, chosen_for) = (design.to_string(), chosen_for.clone());
        rows.push(TunedRow {
            design: design_text,
            chosen_for,
            module_bytes: modules.bytes(design),
            traces: Vec::new(),
        });
    }
    let mut code = 0;
    for subject in subjects {
        let (page, source) = (arguments.page_size, &subject.source);
        let predicted = tune::footprints(&subject.program, &only, page, limit_pages, interrupt, |_| {})?;
        let replayed = match &compiled {
            Some(command) => replay.compiled(command, only.len(), source)?,
            None => replay.looked_up(&only, source, || bar.inc(1))?,
        };
        if interrupt.load(Ordering::Relaxed) {
            break;
        }
        // The flagship is a row as well, as a member of its own: differences of the two are those of the machine.
        let flagship = replayed[0].times.clone();
        for ((row, replayed), predicted) in rows.iter_mut().zip(replayed).zip(predicted) {
            if replayed.pages.known() != predicted.peak_pages.as_ref() {
                let found = match &replayed.pages {
                    Figure::Known(pages) => format!("{pages} pages"),
                    Figure::Unknown { unknown } => unknown.to_string(),
                };
                let expected = predicted.peak_pages.map_or_else(|| "too many".to_owned(), |pages| pages.to_string());
                let name = source.name();
                code = complain(
                    FAILED,
                    format_args!("{}: {name}: {expected} pages predicted, replayed: {found}", row.design),
                );
            }
            let [fresh, steady] =
                [0, 1].map(|regime| over(&replayed.times[regime], &flagship[regime], arguments.compile));
            row.traces.push(TunedOnTrace {
                trace: source.name().to_owned(),
                predicted_pages: predicted.peak_pages,
                pages: replayed.pages,
                fresh,
                steady,
                worst_call_ns: replayed.worst_call_ns,
            });
        }
    }
    bar.finish_and_clear();
    Ok((rows, code))
}

/// The time of a member over the flagship's: as it is where both are compiled, and else over that of a flagship whose decisions
/// are looked up, too.
fn over(own: &Figure<Ratio>, flagship: &Figure<Ratio>, are_compiled: bool) -> Figure<TimeRatio> {
    match (own, flagship) {
        (Figure::Known(own), _) if are_compiled => Figure::Known(TimeRatio::from(own)),
        (Figure::Known(own), Figure::Known(flagship)) => Figure::Known(TimeRatio::of(own, flagship)),
        (Figure::Unknown { unknown }, _) | (_, Figure::Unknown { unknown }) => Figure::unknown(unknown.clone()),
    }
}

/// Runs `replay` on traces.
struct Replay<'r> {
    arguments: &'r TuneArguments,
    limit_pages: usize,
    /// Where its results go.
    folder: &'r Path,
    interrupt: &'r AtomicBool,
}

impl Replay<'_> {
    /// Each design in a process of its own, since a process has one.
    fn looked_up(&self, designs: &[Design], source: &Source, mut done: impl FnMut()) -> anyhow::Result<Vec<Replayed>> {
        let mut all = Vec::new();
        for design in designs {
            let mut command = Command::new(env::current_exe()?);
            command.env(VARIABLE, design.to_string());
            let results = self.results(command, &[CUSTOM.to_owned()], source)?;
            all.push(replayed(&results, CUSTOM)?);
            done();
            if self.interrupt.load(Ordering::Relaxed) {
                break;
            }
        }
        Ok(all)
    }

    /// All members in one run of the command that they are compiled into.
    fn compiled(&self, command: &Path, count: usize, source: &Source) -> anyhow::Result<Vec<Replayed>> {
        let names: Vec<String> = (0..count).map(members::name).collect();
        let results = self.results(Command::new(command), &names, source)?;
        names.iter().map(|name| replayed(&results, name)).collect()
    }

    fn results(&self, mut command: Command, names: &[String], source: &Source) -> anyhow::Result<Results> {
        let trace: OsString = match (source.path(), source.library_entry()) {
            (Some(path), _) => path.into(),
            (None, Some(entry)) => entry.name.into(),
            (None, None) => bail!("{}: the trace is no file", source.display()),
        };
        let arguments = self.arguments;
        command.arg("--trace").arg(trace).args(["--allocator", FLAGSHIP, "--baseline", FLAGSHIP]);
        command.args(names.iter().flat_map(|name| ["--allocator", name]));
        command.args(["--rounds", &arguments.rounds.to_string(), "--skip-bounds", "--format", "json"]);
        if arguments.rounds > 0 {
            command.arg("--latency");
        }
        command.args(["--page-size", &arguments.page_size.bytes().to_string()]);
        command.args(["--heap-limit", &format!("{}pages", self.limit_pages)]);
        command.args(arguments.importing.arguments()).arg("--out").arg(self.folder);
        let output = command.stdin(Stdio::null()).output()?;
        let file = self.folder.join(folder_name(source.name())).join(RESULTS_FILE);
        let json = match fs::read_to_string(&file) {
            Ok(json) if matches!(output.status.code(), Some(0 | 1)) => json,
            _ => bail!("a replay ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()),
        };
        // The next replay must not find this one's.
        fs::remove_file(&file)?;
        Ok(Results::from_json(&json)?)
    }
}

/// The figures of the contender of this name.
fn replayed(results: &Results, name: &str) -> anyhow::Result<Replayed> {
    let row = results.contenders.iter().find(|row| row.name == name).context("a replay has no row of the member")?;
    let pages = match (&row.verification, row.memory.known()) {
        (Verification::Passed, Some(memory)) if memory.failed_requests == 0 => Figure::Known(memory.peak_heap_pages),
        (Verification::Passed, Some(_)) => Figure::unknown("it does not get by with --heap-limit"),
        (Verification::Passed, None) => {
            Figure::unknown(row.memory.reason().map_or_else(String::new, ToString::to_string))
        }
        _ => Figure::unknown("it failed the check of its blocks"),
    };
    let worst = |latency: &Latency| latency.slowest.first().map_or(latency.all.max_ns, |call| call.ns);
    let worst_call_ns = match &row.latency {
        Figure::Known(latency) => Figure::Known(worst(latency)),
        Figure::Unknown { unknown } => Figure::unknown(unknown.clone()),
    };
    let times = [Regime::Fresh, Regime::Steady].map(|regime| ratio_beside(results, row, FLAGSHIP, regime));
    Ok(Replayed { pages, times, worst_call_ns })
}
