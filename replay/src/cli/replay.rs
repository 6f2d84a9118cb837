//! Without a verb: replays traces through contenders, prints the comparison, and saves it.

use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args, Command};
use heaprace_allocators::{Group, PageSize};
use heaprace_engine::comparison::{ComparisonPlan, Progress, compare, folder_name};
use heaprace_engine::contender::{Contender, TouchPolicy};
use heaprace_engine::field::{Field, FieldError};
use heaprace_engine::heap_size::{HeapLimit, parse_memory, parse_page_size};
use heaprace_engine::limits::parse_budget;
use heaprace_engine::memory::metrics::Instant as Moment;
use heaprace_engine::memory_budget;
use heaprace_engine::time::rounds::{self, Rounds};
use heaprace_reports::numbers::count;
use heaprace_reports::results::{Results, Rigor, Verification};
use heaprace_reports::{RESULTS_FILE, check_folder, printable, table};
use heaprace_traces::{LibraryEntry, Source, library};

use crate::cli::child::begin_again;
use crate::cli::exports::Exports;
use crate::cli::files::Files;
use crate::cli::importing::Importing;
use crate::cli::interrupt::interrupt;
use crate::cli::named::{locate, misused};
use crate::cli::progress::Bar;
use crate::cli::saved::{OUT, Showing, charts_in, save, save_results, save_set, set_charts_in};
use crate::cli::snapshots::{self, SnapshotFile};
use crate::cli::terminal::{FAILED, Format, INTERRUPTED, USAGE, code_of, complain, complain_of, note, print};

/// What `replay` says without a trace and without a command.
const GUIDE: &str = "\
replay compares memory allocators on what a program really asked for. Three ways to begin:

  replay serde-heavy                     a program of the library; 'replay --list' names all
  replay record -- my-program            record your own program, then: replay my-program.htrace
  replay library --quick                 every program of the library

It prints a table and what to ship. 'replay --help' has the rest.";

/// Finished rounds are saved between rounds, but rarely enough not to disturb the timing.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// Which traces to replay, through which allocators, and how.
#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// Traces to replay: files, traces of the library by name (see --list), or 'library' for all of it
    #[arg(value_name = "TRACE")]
    traces: Vec<String>,

    /// The same, as an option. Repeatable
    #[arg(long = "trace", short = 't', value_name = "TRACE")]
    named_traces: Vec<String>,

    /// Allocator or group to compare (see --list) [default: the group 'default']. Repeatable
    #[arg(long = "allocator", short, value_name = "NAME", hide_possible_values = true)]
    allocators: Vec<String>,

    /// List allocators and library traces
    #[arg(long)]
    list: bool,

    /// Maximum heap size: 16MiB, 1GiB, 640KiB, 100pages
    ///
    /// A request that needs more fails; failures are counted in the table. The default of 4 GiB is the limit of a
    /// 32-bit WebAssembly memory. The limit is a whole number of pages.
    #[arg(long, value_name = "SIZE", default_value = "4GiB")]
    heap_limit: HeapLimit,

    /// Page size of the heap, a power of two from 256 to 2MiB: 4096, 4KiB
    ///
    /// The heap grows by whole pages. WebAssembly has pages of 64 KiB; smaller pages model firmware and kernels.
    /// dlmalloc and talc ask for pages of this size; wee_alloc still grows in steps of 4 KiB.
    #[arg(long, value_name = "SIZE", value_parser = parse_page_size, default_value = "64KiB")]
    page_size: PageSize,

    /// Search for the smallest heap in which each allocator completes the trace
    ///
    /// Replays the trace at many heap limits, --jobs of them in parallel. results.json lists every limit tried.
    #[arg(long)]
    min_heap: bool,

    /// Allocators to examine in parallel [default: CPUs]
    ///
    /// Memory figures do not depend on it. While an allocator is timed, nothing else runs.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Time limit per allocator and phase: 60s, 5min
    ///
    /// The phases are memory figures, minimum heap and timing. The row of an allocator that takes longer says how far
    /// it got.
    #[arg(long, value_name = "TIME", value_parser = parse_budget)]
    budget: Option<Duration>,

    /// Memory that replay may take: 2GiB, 500MiB [default: a third of the machine's]
    ///
    /// The default is less if a control group or 'ulimit -v' gives less. An allocator whose heap would need more has no
    /// figures, and its row says so.
    #[arg(long, value_name = "SIZE", value_parser = parse_memory)]
    memory: Option<u64>,

    /// Timing rounds; 0 measures memory only [default: 15]
    ///
    /// Each round is a process that times every allocator once, in a new random order. "Fresh" is the first replay, on
    /// fresh pages. For "steady", the trace then loops on the same heap until times and footprint settle (at most 8
    /// times); the last two loops count.
    #[arg(long, value_name = "N")]
    rounds: Option<u32>,

    /// Take a first look: 6 rounds, the fewest that give a 95 % interval
    #[arg(long, conflicts_with_all = ["rigorous", "rounds"])]
    quick: bool,

    /// Take times to publish: a pinned process per allocator and round, 30 rounds
    ///
    /// Each process gets an environment of random size, which moves the stack and with it the times. --rounds sets
    /// another number, at least 20.
    #[arg(long)]
    rigorous: bool,

    /// Allocator that ratios are relative to; it is added if missing [default: dlmalloc if timed, else the first]
    #[arg(long, value_name = "NAME", hide_possible_values = true)]
    baseline: Option<String>,

    /// Exit with 1 on any warning, after measuring and saving everything
    #[arg(long)]
    strict: bool,

    /// Random seed for the order within rounds
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// What to write into each new or grown block while timing
    ///
    /// Programs write to the memory they ask for, though often not to all of it. 'none' times the allocator's code alone,
    /// which favors allocators that spread out.
    #[arg(long, value_name = "WHAT", value_parser = touches(), default_value_t)]
    touch: TouchPolicy,

    /// Also time single calls: percentiles and the slowest calls
    ///
    /// Runs in separate replays. results.json has percentiles by kind and size class, and the 20 slowest calls of each
    /// allocator with the state of the heap.
    #[arg(long)]
    latency: bool,

    /// Also count the instructions of a replay, with the CPU's counter or valgrind, if available
    #[arg(long)]
    instructions: bool,

    /// Skip the check of every block
    #[arg(long)]
    skip_verification: bool,

    /// Skip the clairvoyant placement, which takes seconds on a large trace
    #[arg(long)]
    skip_bounds: bool,

    /// Write the place of every live object to snapshots.csv at this moment: peak-live, peak-heap, end, or an event
    /// number. Repeatable
    #[arg(long, value_name = "WHEN", value_parser = parse_instant)]
    snapshot_at: Vec<Moment>,

    /// Folder for results: DIR/<trace>/results.json and charts; charts over several traces go to DIR
    #[arg(long, value_name = "DIR", default_value = "heaprace-report")]
    out: PathBuf,

    /// Format of standard output: the table, or the results as JSON, one document per trace
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    showing: Showing,

    #[command(flatten)]
    importing: Importing,

    #[command(flatten)]
    exports: Exports,
}

fn touches() -> impl TypedValueParser<Value = TouchPolicy> {
    let value = |touch| {
        PossibleValue::new(TouchPolicy::name(touch)).help(match touch {
            TouchPolicy::None => "Nothing: the allocator's code alone. Real programs do write what they ask for",
            TouchPolicy::First => "The first new byte of each new or grown block",
            TouchPolicy::All => "Every new byte once, as a program that uses all it asks for does",
            TouchPolicy::Written => "What the program wrote, if the trace knows it; else every new byte",
        })
    };
    PossibleValuesParser::new(TouchPolicy::ALL.map(value))
        .map(|name| TouchPolicy::named(&name).expect("the parser lets only these names through"))
}

fn parse_instant(text: &str) -> Result<Moment, String> {
    Moment::from_name(text).ok_or_else(|| "expected peak-live, peak-heap, end, or an event number (from 1)".to_owned())
}

/// Compares, or lists what can be compared.
pub(crate) fn run(arguments: &ReplayArguments, field: &Field, command: &Command) -> u8 {
    if arguments.list {
        return print(&list(field));
    }
    let traces: Vec<&str> = arguments.named_traces.iter().chain(&arguments.traces).map(String::as_str).collect();
    if traces.is_empty() {
        note(format_args!("{GUIDE}"));
        return USAGE;
    }
    let sources = match locate(&traces, &arguments.importing, command) {
        Ok(sources) => sources,
        Err(code) => return code,
    };
    // Now, and not when all is measured.
    if let Err(message) = check_files(arguments, &sources) {
        return misused(command, ErrorKind::ValueValidation, message);
    }
    if let Err(error) = fs::create_dir_all(&arguments.out) {
        return complain(
            FAILED,
            format_args!("--out: cannot create the folder {}: {error}; choose another", arguments.out.display()),
        );
    }
    let folders = sources.iter().map(|source| folder_of(arguments, source)).chain([arguments.out.clone()]);
    let writable = folders.into_iter().try_for_each(|folder| check_folder(&folder));
    if let Err(error) = writable.and_then(|()| arguments.exports.check_folders()) {
        return complain(FAILED, error);
    }
    let limit_pages = match arguments.heap_limit.pages(arguments.page_size) {
        Ok(pages) => pages,
        Err(message) => return misused(command, ErrorKind::ValueValidation, format!("--heap-limit: {message}")),
    };
    let (rigor, rounds) = match rigor_and_rounds(arguments) {
        Ok(both) => both,
        Err(message) => return misused(command, ErrorKind::ValueValidation, message),
    };
    let contenders = match chosen(arguments, field) {
        Ok(contenders) => contenders,
        Err(error) => return misused(command, ErrorKind::InvalidValue, error.to_string()),
    };
    let plan = ComparisonPlan {
        contenders,
        verify: !arguments.skip_verification,
        snapshots: once(&arguments.snapshot_at),
        bounds: !arguments.skip_bounds,
        min_heap: arguments.min_heap,
        jobs: arguments.jobs.unwrap_or_else(|| thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)),
        budget: arguments.budget,
        memory_bytes: Some(arguments.memory.unwrap_or_else(memory_budget::default_bytes)),
        interrupt: interrupt(),
        baseline: arguments.baseline.clone(),
        rigor,
        rounds: Rounds {
            count: rounds,
            seed: arguments.seed,
            touch: arguments.touch,
            page: arguments.page_size,
            limit_pages,
        },
        latency: arguments.latency,
        instructions: arguments.instructions,
        make_child: Some(begin_again),
    };
    // What fails on one trace does not keep the others from being replayed.
    let interrupted = || plan.interrupt.load(Ordering::Relaxed);
    let left = sources.iter().enumerate().take_while(|_| !interrupted());
    let mut all = Vec::new();
    let several = sources.len() > 1;
    let heads = several && arguments.prints_text() && !arguments.showing.each_in_full();
    let headed = if heads { print(&table::heading(arguments.showing.options())) } else { 0 };
    let codes = left
        .map(|(at, source)| {
            let place = several.then_some((at + 1, sources.len()));
            replay_one(source, place, &plan, arguments, &mut all)
        })
        .max()
        .unwrap_or(0)
        .max(headed);
    let saved = if all.len() > 1 { save_set(&all, &arguments.out) } else { Ok(()) };
    if several && !all.is_empty() {
        note(format_args!("Results and charts of each trace are in {}", arguments.out.join("<trace>").display()));
    }
    let mut code = saved.map_or_else(|error| complain_of(FAILED, &error), |()| codes).max(codes);
    if several && arguments.prints_text() && !all.is_empty() {
        code = code.max(print(&format!("\n{}", table::summary(&all, arguments.showing.options()))));
    }
    // What was finished by an interruption is exported, too.
    code = code.max(arguments.exports.write(&all));
    // That nothing was saved is worse than that it is not all.
    if interrupted() && code == 0 { INTERRUPTED } else { code }
}

/// The contenders that take part.
fn chosen(arguments: &ReplayArguments, field: &Field) -> Result<Vec<Contender>, FieldError> {
    let names = match &arguments.allocators[..] {
        [] => vec![Group::Default.name()],
        names => names.iter().map(String::as_str).collect(),
    };
    field.choose(names.into_iter().chain(arguments.baseline.as_deref()))
}

impl ReplayArguments {
    /// Whether tables go to standard output.
    fn prints_text(&self) -> bool {
        matches!(self.format, Format::Text) && !self.exports.take_stdout()
    }
}

/// The folder of a trace's results.
fn folder_of(arguments: &ReplayArguments, source: &Source) -> PathBuf {
    arguments.out.join(folder_name(source.name()))
}

/// Checks that what is written replaces neither a trace nor each other.
fn check_files(arguments: &ReplayArguments, sources: &[Source]) -> Result<(), String> {
    let mut files = Files::default();
    sources.iter().filter_map(Source::path).for_each(|path| files.read(path));
    for source in sources {
        let folder = folder_of(arguments, source);
        files.write(OUT, &folder.join(RESULTS_FILE))?;
        charts_in(&folder, &mut files)?;
        if !arguments.snapshot_at.is_empty() {
            files.write("--snapshot-at", &folder.join(snapshots::FILE_NAME))?;
        }
    }
    if sources.len() > 1 {
        set_charts_in(&arguments.out, &mut files)?;
    }
    arguments.format.check(&mut files)?;
    let names: Vec<&str> = sources.iter().map(Source::name).collect();
    arguments.exports.check(&mut files, &names)
}

/// Each moment once.
fn once(moments: &[Moment]) -> Vec<Moment> {
    let mut once = Vec::new();
    for moment in moments {
        if !once.contains(moment) {
            once.push(*moment);
        }
    }
    once
}

/// How much is done against measurement noise, and in how many rounds.
fn rigor_and_rounds(arguments: &ReplayArguments) -> Result<(Rigor, u32), String> {
    if arguments.quick {
        return Ok((Rigor::Quick, rounds::default_count(Rigor::Quick)));
    }
    if !arguments.rigorous {
        return Ok((Rigor::Default, arguments.rounds.unwrap_or(rounds::default_count(Rigor::Default))));
    }
    match arguments.rounds.unwrap_or(rounds::default_count(Rigor::Rigorous)) {
        count @ rounds::FEWEST_RIGOROUS.. => Ok((Rigor::Rigorous, count)),
        count => Err(format!("--rounds {count}: --rigorous needs at least {} rounds", rounds::FEWEST_RIGOROUS)),
    }
}

/// Replays one trace, and adds its results to `all`. Of several, `place` is its number and how many there are.
fn replay_one(
    source: &Source,
    place: Option<(usize, usize)>,
    plan: &ComparisonPlan,
    arguments: &ReplayArguments,
    all: &mut Vec<Results>,
) -> u8 {
    let before = place.map_or(String::new(), |(at, all)| format!("{at} of {all}, "));
    let bar = Bar::new(&format!("{before}{}", printable(source.name())), plan);
    let folder = folder_of(arguments, source);
    let goes_on = plan.latency || plan.instructions;
    let mut snapshots = SnapshotFile::default();
    let mut snapshots_saved = if plan.snapshots.is_empty() { Ok(()) } else { SnapshotFile::remove(&folder) };
    let mut last_save = Instant::now();
    let outcome = compare(source, plan, |progress| {
        bar.show(&progress);
        // Finished figures are saved as they come, in case of an interrupt or a power loss. A save that fails here is
        // tried again, and the last one reports its failure. Charts can be drawn again from what is saved.
        match progress {
            Progress::AllExamined(results) => {
                let _ = save_results(results, &folder);
            }
            Progress::Timing { results, done, all } if done == all && goes_on => {
                let _ = save_results(results, &folder);
            }
            // The end is here.
            Progress::Timing { done, all, .. } if done == all => {}
            Progress::Examined(results) | Progress::Timing { results, .. } if last_save.elapsed() > SAVE_EVERY => {
                let _ = save_results(results, &folder);
                last_save = Instant::now();
            }
            Progress::Snapshots { name, snapshots: taken } if snapshots_saved.is_ok() => {
                snapshots_saved = snapshots.add(&folder, name, taken);
            }
            _ => {}
        }
    });
    bar.finish();
    let results = match outcome {
        Ok(results) => results,
        Err(error) => return complain(code_of(&error), error),
    };
    for event in plan.snapshots.iter().filter_map(|moment| match moment {
        Moment::Event(event) if *event > results.trace.events => Some(*event),
        _ => None,
    }) {
        let events = count(results.trace.events, "event");
        note(format_args!("warning: --snapshot-at {event}: there is no snapshot, as the trace has {events}"));
    }
    // First, so that the text ends with what to ship.
    let saved = match save(&results, &folder).and(snapshots_saved) {
        Ok(()) => {
            if place.is_none() {
                note(format_args!("Results and charts are in {}", folder.display()));
            }
            0
        }
        Err(error) => complain_of(FAILED, &error),
    };
    let options = arguments.showing.options();
    let shown = match arguments.format {
        _ if arguments.exports.take_stdout() => 0,
        Format::Json => print(&results.to_json()),
        Format::Text if place.is_none() => print(&table::text(&results, options)),
        Format::Text if arguments.showing.each_in_full() => print(&(table::text(&results, options) + "\n")),
        Format::Text => print(&table::line(&results, options)),
    };
    let doubtful = arguments.strict && !results.warnings.is_empty();
    if doubtful {
        let codes: Vec<_> = results.warnings.iter().map(|warning| warning.code.name()).collect();
        note(format_args!("error: --strict: there are warnings: {}", codes.join(", ")));
    }
    let unsound = results.contenders.iter().any(|row| matches!(row.verification, Verification::Failed { .. }));
    all.push(results);
    shown.max(saved).max(if unsound || doubtful { FAILED } else { 0 })
}

fn list(field: &Field) -> String {
    let mut text = "Allocators:\n".to_owned();
    for Contender { info, .. } in field.all() {
        text += &format!("  {} {}\n      {}\n", info.name, info.version, info.summary);
    }
    text += "\nGroups of allocators:\n";
    for group in Group::ALL {
        let members: Vec<_> = field.members(group).iter().map(|member| member.info.name).collect();
        if !members.is_empty() {
            text += &format!("  {}: {}\n      {}\n", group.name(), group.summary(), members.join(", "));
        }
    }
    text += "  all\n";
    text += "\nTraces in the library:\n";
    library::entries().iter().for_each(|entry| text += &listed(entry));
    text += "\nThe same programs, recorded in WebAssembly:\n";
    library::twins().iter().for_each(|entry| text += &listed(entry));
    let groups = library::GROUPS.join(", ");
    text + &format!(
        "\nSeveral at once: {groups}.\nAny other trace is given by its path; FORMAT.md says what is in one.\n"
    )
}

/// Two lines on a trace of the library.
fn listed(entry: &LibraryEntry) -> String {
    let LibraryEntry { name, about, .. } = entry;
    let kind = about.kind.map_or(about.origin.name(), library::ProgramKind::name);
    format!("  {name} ({kind}, {} events)\n      {}\n", about.totals.events, about.description)
}
