//! `replay wasm`: a trace through allocators as WebAssembly modules, in a real engine.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use heaprace_allocators::PageSize;
use heaprace_engine::Program;
use heaprace_engine::heap_size::HeapLimit;
use heaprace_engine::limits::parse_budget;
use heaprace_engine::memory_budget;
use heaprace_reports::save;
use heaprace_traces::Source;
use heaprace_wasm::comparison::{GuestError, GuestPlan, GuestResults, REFERENCE, compare_guests};
use heaprace_wasm::guests::{self, Guest};
use heaprace_wasm::host::Host;
use heaprace_wasm::node::Node;
use heaprace_wasm::table;
use heaprace_wasm::workshop::OptLevel;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::files::STDOUT;
use crate::cli::importing::Importing;
use crate::cli::terminal::{BAD_INPUT, FAILED, USAGE, complain, print, width};

/// Replay a trace through allocators compiled to WebAssembly, in a real engine
///
/// Compiles each allocator to a wasm32 module, which grows its memory by memory.grow, and puts side by side the bytes
/// that it adds to a module, its pages, its growth and its time. Needs `rustup target add wasm32-unknown-unknown`, a
/// clone of Heaprace's repository, and Node.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WasmArguments {
    /// Trace to replay: a file, or a trace of the library by name
    #[arg(long, short, value_name = "TRACE")]
    trace: String,

    /// Allocator to compare [default: all]; dlmalloc, which ratios are relative to, is added. Repeatable
    #[arg(long = "allocator", short, value_name = "NAME", value_parser = guests())]
    allocators: Vec<Guest>,

    /// Engine that runs the modules
    #[arg(long, value_name = "ENGINE", value_enum, default_value_t = Engine::Node)]
    engine: Engine,

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

    /// Also write the results as JSON, '-' for standard output instead of the table
    #[arg(long, value_name = "PATH")]
    json: Option<PathBuf>,

    #[command(flatten)]
    importing: Importing,
}

const EXAMPLES: &str = "\
Examples:
  replay wasm --trace serde-heavy
      Sizes, pages and times of all allocators in V8.
  replay wasm --trace serde-heavy --allocator talc --allocator dlmalloc --rounds 15
      Compare two more closely.
  replay wasm --trace serde-heavy --rounds 0 --json - | jq '.rows[] | [.name, .sizes.z.whole_bytes]'
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
    let names = guests::ALL.iter().map(|guest| guest.name).filter(|&name| name != guests::FLOOR);
    PossibleValuesParser::new(names).try_map(|name| Guest::named(&name).ok_or("no such allocator"))
}

fn levels() -> impl TypedValueParser<Value = OptLevel> {
    PossibleValuesParser::new(OptLevel::ALL.map(OptLevel::name))
        .try_map(|name| OptLevel::named(&name).ok_or("no such level"))
}

/// Compares, and shows.
pub(crate) fn run(arguments: &WasmArguments) -> u8 {
    let source = match Source::locate(&arguments.trace).map(|source| arguments.importing.apply(source)) {
        Ok(source) => source,
        Err(error) => return complain(BAD_INPUT, error),
    };
    let plan = match plan(arguments) {
        Ok(plan) => plan,
        Err(message) => return complain(USAGE, message),
    };
    let program = match Program::load(&source) {
        Ok(program) => program,
        Err(error) => return complain(BAD_INPUT, error),
    };
    let bar = if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.set_style(ProgressStyle::with_template("{prefix}: {msg}").expect("the template is sound"));
    bar.set_prefix(source.name().to_owned());
    let compared = with_engine(arguments.engine, |host| {
        compare_guests(source.name(), &program, &plan, host, &mut |what| {
            bar.set_message(what.to_owned());
            bar.tick();
        })
    });
    bar.finish_and_clear();
    match compared {
        Ok(results) => show(&results, arguments),
        Err(error @ GuestError::Recording(_)) => complain(BAD_INPUT, error),
        Err(error) => complain(FAILED, error),
    }
}

fn plan(arguments: &WasmArguments) -> Result<GuestPlan, String> {
    let page = PageSize::WASM;
    let limit_pages = arguments.heap_limit.pages(page).map_err(|error| format!("--heap-limit: {error}"))? as u64;
    let guests = match arguments.allocators.is_empty() {
        true => guests::ALL.into_iter().filter(|guest| guest.name != guests::FLOOR).collect(),
        false => {
            let is_asked = |guest: &Guest| guest.name == REFERENCE || arguments.allocators.contains(guest);
            guests::ALL.into_iter().filter(is_asked).collect()
        }
    };
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

/// Calls `compare` with the engine, or with the reason why it cannot run.
fn with_engine<T>(engine: Engine, compare: impl FnOnce(Result<&dyn Host, String>) -> T) -> T {
    match engine {
        Engine::Node => match Node::find() {
            Ok(node) => compare(Ok(&node)),
            Err(error) => compare(Err(error.to_string())),
        },
        #[cfg(feature = "wasmtime")]
        Engine::Wasmtime => compare(Ok(&heaprace_wasm::wasmtime::Wasmtime::default())),
    }
}

fn show(results: &GuestResults, arguments: &WasmArguments) -> u8 {
    let json = || serde_json::to_string_pretty(results).expect("plain data with string keys always serialises") + "\n";
    match &arguments.json {
        Some(path) if path.as_os_str() == STDOUT => return print(&json()),
        Some(path) => {
            if let Err(error) = save(path, json().as_bytes()) {
                return complain(FAILED, error);
            }
        }
        None => {}
    }
    print(&table::text(results, width()))
}
