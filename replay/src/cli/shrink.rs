//! `replay shrink`: the smallest trace on which an allocator fails as on a given one.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use heaprace_allocators::{PageSize, Purpose};
use heaprace_engine::field::Field;
use heaprace_engine::fuzz::{FuzzError, HeapShape, ShrinkPlan, Shrunk, shrink_trace};
use heaprace_engine::heap_size::{HeapLimit, parse_page_size};
use heaprace_engine::limits::parse_budget;
use heaprace_engine::program::CompileError;
use heaprace_reports::numbers::count;
use heaprace_traces::{Source, TraceError};

use crate::cli::files;
use crate::cli::fuzz::{progress_bar, save};
use crate::cli::importing::Importing;
use crate::cli::interrupt::interrupt;
use crate::cli::terminal::{BAD_INPUT, FAILED, INTERRUPTED, USAGE, complain, print};

/// Make a trace on which an allocator fails as small as it gets
///
/// The allocator fails if a block is unsound, or if it crashes, panics or never returns. Events, sizes and alignments
/// are taken away as long as it fails in the same way. Each attempt runs in a child process.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ShrinkArguments {
    /// Trace on which the allocator fails: a file, or a trace of the library by name
    #[arg(long, short, value_name = "TRACE")]
    trace: String,

    /// The allocator
    #[arg(long, short, value_name = "NAME", hide_possible_values = true)]
    allocator: String,

    /// Maximum heap size: 16MiB, 1GiB, 100pages
    #[arg(long, value_name = "SIZE", default_value = "4GiB")]
    heap_limit: HeapLimit,

    /// Page size of the heap, a power of two from 256 to 2MiB: 4096, 4KiB
    #[arg(long, value_name = "SIZE", value_parser = parse_page_size, default_value = "64KiB")]
    page_size: PageSize,

    /// Time limit: 60s, 5min. The smallest trace by then is written
    #[arg(long, value_name = "TIME", value_parser = parse_budget, default_value = "60s")]
    time: Duration,

    /// File to write; its extension sets the format [default: <trace>-shrunk.csv]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    #[command(flatten)]
    importing: Importing,
}

const EXAMPLES: &str = "\
Examples:
  replay shrink --trace my-program.htrace --allocator wee_alloc
      Find the few events of my-program on which wee_alloc fails.
  replay shrink --trace my-program.htrace --allocator talc --page-size 4096 --out talc.csv
      The same for a fault that shows on pages of 4 KiB.

Exit codes:
  0  success: the trace is written, and the command that replays it is printed
  1  a file could not be written, or no process could be made
  2  usage error, or the allocator does not fail on the trace
  3  the trace could not be read
  130  interrupted by Ctrl-C; the smallest trace by then is written, if the allocator is known to fail";

/// Shrinks, and prints what is left.
pub(crate) fn run(arguments: &ShrinkArguments, field: &Field) -> u8 {
    let source = match Source::locate(&arguments.trace) {
        Ok(source) => arguments.importing.apply(source).rereadable(),
        Err(error) => return complain(BAD_INPUT, error),
    };
    let source = match source {
        Ok(source) => source,
        Err(error) => return complain(BAD_INPUT, error),
    };
    let out = arguments.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}-shrunk.csv", source.name())));
    if let Err(message) = files::check(source.path(), "--out", &out) {
        return complain(USAGE, message);
    }
    let limit_pages = match arguments.heap_limit.pages(arguments.page_size) {
        Ok(pages) => pages,
        Err(message) => return complain(USAGE, format_args!("--heap-limit: {message}")),
    };
    let contender = match field.choose([arguments.allocator.as_str()]).as_deref() {
        // The blocks of the floor overlap.
        Ok(&[contender]) if contender.info.purpose != Purpose::Floor => contender,
        _ => {
            return complain(
                USAGE,
                format_args!("--allocator: {} cannot be checked; name another", arguments.allocator),
            );
        }
    };
    if let Err(reason) = (contender.probe)() {
        return complain(FAILED, format_args!("{}: {reason}", arguments.allocator));
    }
    let heap = HeapShape { page: arguments.page_size, limit_pages };
    let plan = ShrinkPlan { heap, time: arguments.time, interrupt: interrupt() };
    let bar = progress_bar();
    bar.set_message("reading");
    bar.tick();
    let shrunk =
        shrink_trace(&contender, &source.with_interrupt(Some(plan.interrupt.clone())), &plan, &mut |progress| {
            let events = count(progress.events, "event");
            bar.set_message(match progress.trials {
                0 => format!("checking {events}"),
                trials => format!("shrunk to {events} in {}", count(trials, "trial")),
            });
            bar.tick();
        });
    bar.finish_and_clear();
    match shrunk {
        Ok(Shrunk::Sound) => {
            let message = format!("{} does not fail on {}", arguments.allocator, arguments.trace);
            complain(
                USAGE,
                format_args!("{message}; give the heap on which it does, with --heap-limit and --page-size"),
            )
        }
        Ok(Shrunk::Interrupted) => INTERRUPTED,
        Ok(Shrunk::Failed(finding)) => {
            let code = print(&format!("{finding}\n")).max(save(&finding, &out));
            if code == 0 && plan.interrupt.load(std::sync::atomic::Ordering::Relaxed) { INTERRUPTED } else { code }
        }
        Err(error) => complain(code_of(&error), error),
    }
}

fn code_of(error: &FuzzError) -> u8 {
    match error {
        FuzzError::Trace(TraceError::Interrupted { .. })
        | FuzzError::Compile(CompileError::Trace(TraceError::Interrupted { .. })) => INTERRUPTED,
        FuzzError::Trace(_) | FuzzError::Compile(_) => BAD_INPUT,
        _ => FAILED,
    }
}
