//! `replay wasm`: a trace through allocators as WebAssembly modules, in a real engine.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Command, ValueEnum};
use heaprace_allocators::PageSize;
use heaprace_engine::Program;
use heaprace_engine::comparison::folder_name;
use heaprace_engine::heap_size::HeapLimit;
use heaprace_engine::limits::parse_budget;
use heaprace_engine::memory_budget;
use heaprace_reports::recommendation::small_module;
use heaprace_reports::table::{wasm_text, wrap};
use heaprace_reports::wasm::{WASM_FILE, WasmResults};
use heaprace_reports::{check_folder, save};
use heaprace_traces::{Source, algebra};
use heaprace_wasm::comparison::{self, GuestError, GuestPlan, REFERENCE, Subject, compare_guests};
use heaprace_wasm::guests::{self, Guest};
use heaprace_wasm::host::Host;
use heaprace_wasm::node::Node;
use heaprace_wasm::own;
use heaprace_wasm::target::Target;
use heaprace_wasm::workshop::OptLevel;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::importing::Importing;
use crate::cli::named::{AskedTraces, locate};
use crate::cli::size::complain_of_guest;
use crate::cli::terminal::{BAD_INPUT, FAILED, Format, USAGE, complain, note, print, width};

/// Replay traces through allocators compiled to WebAssembly, in real engines
///
/// Compiles each allocator to a wasm32 module, which grows its memory by memory.grow, and puts side by side the bytes
/// that it adds to a module, its pages, its growth and its time. Needs `rustup target add wasm32-unknown-unknown`, a
/// clone of Heaprace's repository, and Node. 'replay report' shows the results beside native ones of the same trace.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, override_usage = "replay wasm <TRACE>... [OPTIONS]")]
pub(crate) struct WasmArguments {
    #[command(flatten)]
    traces: AskedTraces,

    /// Estimate the trace for pointers of this width, from a recording on 64 bits
    ///
    /// As 'replay trace narrow' does: a lower bound of what the program asks for in WebAssembly.
    #[arg(long, value_name = "BITS", value_parser = ["32"])]
    pointer_width: Option<String>,

    /// Allocator to compare [default: all]; dlmalloc, which ratios are relative to, is added. Repeatable
    #[arg(long = "allocator", short, value_name = "NAME", value_parser = guests())]
    allocators: Vec<Guest>,

    /// Also compare an allocator of your own: the folder of its package, or a .wasm file. Repeatable
    #[arg(long = "guest", value_name = "PATH")]
    guests: Vec<PathBuf>,

    /// Engine that runs the modules [default: all that are there]. Repeatable
    #[arg(long = "engine", value_name = "ENGINE", value_enum)]
    engines: Vec<Engine>,

    /// Optimization level of the modules that are replayed; sizes are of all three
    #[arg(long, value_name = "LEVEL", value_parser = levels(), default_value = "3")]
    opt_level: OptLevel,

    /// Timing rounds; 0 measures sizes and pages only
    ///
    /// Each round runs every allocator once, each in a new process of the engine, in a new random order.
    #[arg(long, value_name = "N", default_value_t = 6)]
    rounds: u32,

    /// What to write into each new or grown block
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = Writes::All)]
    touch: Writes,

    /// Maximum memory that an allocator may add: 16MiB, 100pages
    ///
    /// Growth beyond it is denied; requests that fail are counted. A limit of more than a third of the machine's memory
    /// becomes that.
    #[arg(long, value_name = "SIZE", default_value = "4GiB")]
    heap_limit: HeapLimit,

    /// Time limit per allocator and phase: 60s, 5min
    ///
    /// The phases are the check of its blocks, and each of the engine's tiers.
    #[arg(long, value_name = "TIME", value_parser = parse_budget, default_value = "60s")]
    budget: Duration,

    /// Random seed for the order within rounds
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Folder for results: DIR/<trace>/wasm.json
    #[arg(long, value_name = "DIR", default_value = "heaprace-report")]
    out: PathBuf,

    /// Format of standard output: tables, or the results as JSON, one document per trace
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    importing: Importing,
}

const EXAMPLES: &str = "\
Examples:
  replay wasm serde-heavy
      Sizes, pages and times of all allocators.
  replay wasm serde-heavy --allocator talc --allocator dlmalloc --rounds 15
      Compare two more closely.
  replay serde-heavy && replay wasm serde-heavy && replay report heaprace-report/serde-heavy
      Native figures and those of WebAssembly together.
  replay wasm serde-heavy --rounds 0 --format json | jq '.rows[] | [.name, .sizes.z.whole_bytes]'
      Extract sizes for a script.";

/// The engines.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Engine {
    /// V8, by way of Node
    Node,
    /// Wasmtime, which also counts fuel
    #[cfg(feature = "wasmtime")]
    Wasmtime,
}

/// What a replay writes.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Writes {
    /// Nothing: the allocator's code alone
    None,
    /// Every new byte once
    All,
}

fn guests() -> impl TypedValueParser<Value = Guest> {
    // The floor takes part in any case.
    let names = guests::of(Target::Wasm32).iter().map(|guest| &*guest.name).filter(|&name| name != guests::FLOOR);
    PossibleValuesParser::new(names).try_map(|name| Guest::named(&name, Target::Wasm32).ok_or("no such allocator"))
}

fn levels() -> impl TypedValueParser<Value = OptLevel> {
    PossibleValuesParser::new(OptLevel::ALL.map(OptLevel::name))
        .try_map(|name| OptLevel::named(&name).ok_or("no such level"))
}

/// Compares on every trace, saves and shows.
pub(crate) fn run(arguments: &WasmArguments, command: &Command) -> u8 {
    let traces = arguments.traces.names();
    let sources = match locate(&traces, &arguments.importing, command) {
        Ok(sources) => sources,
        Err(code) => return code,
    };
    let own = match own::at(&arguments.guests) {
        Ok(own) => own,
        Err(error) => return complain_of_guest(&error),
    };
    let plan = match plan(arguments, own) {
        Ok(plan) => plan,
        Err(message) => return complain(USAGE, message),
    };
    let is_narrowed = arguments.pointer_width.is_some();
    let folders = sources.iter().map(|source| arguments.out.join(folder_of(source, is_narrowed)));
    if let Err(error) = folders.into_iter().try_for_each(|folder| check_folder(&folder)) {
        return complain(FAILED, error);
    }
    let hosts = hosts(arguments);
    let engines: Vec<_> = hosts.iter().map(|host| host.as_ref().map(|host| &**host).map_err(Clone::clone)).collect();
    let (mut all, mut code): (Vec<WasmResults>, u8) = (Vec::new(), 0);
    for source in &sources {
        let loaded = load(source, is_narrowed).map_err(|message| complain(BAD_INPUT, message));
        let compared = loaded.and_then(|loaded| Ok((compare(&loaded, &plan, &engines)?, loaded.folder)));
        let (results, folder) = match compared {
            Ok(compared) => compared,
            // What fails on one trace does not keep the others from being replayed.
            Err(failed) => {
                code = code.max(failed);
                continue;
            }
        };
        let saved = save(&arguments.out.join(folder).join(WASM_FILE), results.to_json().as_bytes());
        code = code.max(saved.map_or_else(|error| complain(FAILED, error), |()| 0));
        code = code.max(print(&match arguments.format {
            Format::Json => results.to_json(),
            Format::Text => wasm_text(&results, width()) + "\n",
        }));
        all.push(results);
    }
    if matches!(arguments.format, Format::Text)
        && let Some(module) = small_module(&all.iter().collect::<Vec<_>>())
    {
        code = code.max(print(&(wrap(&format!("Small module: {}", module.text()), width(), 2).join("\n") + "\n")));
    }
    if !all.is_empty() {
        note(format_args!("Results are in {}", arguments.out.join("<trace>").join(WASM_FILE).display()));
    }
    code
}

/// What is replayed of a trace.
struct Loaded {
    name: String,
    /// Where its results go, in the folder for all.
    folder: String,
    sha256: String,
    program: Program,
}

/// A trace as it was recorded, or its estimate with pointers of 32 bits.
fn load(source: &Source, is_narrowed: bool) -> Result<Loaded, String> {
    let sha256 = source.sha256().map_err(|error| error.to_string())?;
    if !is_narrowed {
        let program = Program::load(source).map_err(|error| error.to_string())?;
        return Ok(Loaded { name: source.name().to_owned(), folder: folder_of(source, false), sha256, program });
    }
    let events = source.open().map_err(|error| error.to_string())?;
    if let Some(reason) = algebra::why_not_narrow(events.provenance()) {
        return Err(format!("{}: {reason}", source.display()));
    }
    let program = Program::compile(algebra::narrow(events)).map_err(|error| error.to_string())?;
    let name = format!("{}, estimated with pointers of 32 bits", source.name());
    // It is another trace than the recorded one: native results of that are not to be shown with it.
    Ok(Loaded { name, folder: folder_of(source, true), sha256: format!("{sha256}{NARROWED}"), program })
}

/// What is appended where an estimate must not be taken for its trace.
const NARROWED: &str = "-32-bit";

fn folder_of(source: &Source, is_narrowed: bool) -> String {
    format!("{}{}", folder_name(source.name()), if is_narrowed { NARROWED } else { "" })
}

/// Compares on one trace; the error is an exit code, after a line that says what is wrong.
fn compare(loaded: &Loaded, plan: &GuestPlan, engines: &[comparison::Engine<'_>]) -> Result<WasmResults, u8> {
    let bar = if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.set_style(ProgressStyle::with_template("{prefix}: {msg}").expect("the template is sound"));
    bar.set_prefix(loaded.name.clone());
    let subject = Subject { name: &loaded.name, sha256: &loaded.sha256, program: &loaded.program };
    let compared = compare_guests(subject, plan, engines, &mut |what| {
        bar.set_message(what.to_owned());
        bar.tick();
    });
    bar.finish_and_clear();
    compared.map_err(|error| match error {
        GuestError::Recording(_) => complain(BAD_INPUT, error),
        error => complain(FAILED, error),
    })
}

fn plan(arguments: &WasmArguments, own: Vec<Guest>) -> Result<GuestPlan, String> {
    let page = PageSize::WASM;
    let limit_pages = arguments.heap_limit.pages(page).map_err(|error| format!("--heap-limit: {error}"))? as u64;
    let is_asked = |guest: &&Guest| match arguments.allocators.is_empty() {
        true => guest.name != guests::FLOOR,
        false => guest.name == REFERENCE || arguments.allocators.contains(guest),
    };
    let guests = own.into_iter().chain(guests::of(Target::Wasm32).iter().filter(is_asked).cloned()).collect();
    Ok(GuestPlan {
        guests,
        level: arguments.opt_level,
        rounds: arguments.rounds,
        touch: arguments.touch == Writes::All,
        limit_pages: limit_pages.min(memory_budget::default_bytes() / page.bytes() as u64),
        budget: arguments.budget,
        seed: arguments.seed,
    })
}

/// The engines that were asked for, or the reasons why they cannot run.
fn hosts(arguments: &WasmArguments) -> Vec<Result<Box<dyn Host>, String>> {
    let find = |engine: &Engine| -> Result<Box<dyn Host>, String> {
        Ok(match engine {
            Engine::Node => Box::new(Node::find().map_err(|error| error.to_string())?),
            #[cfg(feature = "wasmtime")]
            Engine::Wasmtime => Box::new(heaprace_wasm::wasmtime::Wasmtime::default()),
        })
    };
    let asked = if arguments.engines.is_empty() { Engine::value_variants() } else { &arguments.engines };
    asked.iter().map(find).collect()
}
