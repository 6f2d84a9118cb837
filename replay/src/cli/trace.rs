//! `replay trace`: traces derived from others, synthetic traces, and exports for other tools.

mod export;
mod generate;

use std::ops::Range;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use heaprace_traces::algebra::{self, InterleavedPart};
use heaprace_traces::csv::Columns;
use heaprace_traces::{Event, Events, Output, Source, TraceError};

use crate::cli::files;
use crate::cli::importing::Importing;
use crate::cli::terminal::{BAD_INPUT, EventCounter, FAILED, USAGE, complain, note};

/// Make new traces from others, generate synthetic ones, or export one
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TraceArguments {
    #[command(subcommand)]
    operation: Operation,
}

const EXAMPLES: &str = "\
Examples:
  replay trace loop serde-heavy 10 --output ten.csv.zst
      Repeat a trace ten times.
  replay trace interleave serde-heavy my-program.csv --output both.csv.zst
      Merge two programs onto one heap.
  replay trace slice serde-heavy 100000..200000 --output middle.csv
      Cut out a part; it begins with what was live there.
  replay trace generate drift --events 1000000 --output drift.csv.zst
      Generate a synthetic trace.
  replay trace generate uniform --events 50000000 --live 1000000 --output million.htrace
      Keep about a million objects live.
  replay trace export --minimalloc text-editor.csv text-editor
      Write a placement problem for MiniMalloc.

The extension of --output sets the format. The new trace's provenance records what was done.
Marks are not carried over.";

#[derive(Debug, Subcommand)]
enum Operation {
    /// Cut out a part of a trace
    ///
    /// The new trace first allocates the objects that are live where the slice begins, oldest first, each with its size
    /// at that point: these are extra events. Objects that are live where it ends stay live.
    Slice {
        #[command(flatten)]
        from: From,
        /// Events to keep: after number FROM, up to and including number TO; either is optional: 1000.. or ..2000
        #[arg(value_name = "FROM..TO", value_parser = parse_range)]
        events: Slice,
        #[command(flatten)]
        to: To,
    },
    /// Repeat a trace
    ///
    /// Objects that a round leaves live are freed before the next round, oldest first, so that all rounds start alike.
    /// Objects that the last round leaves stay live.
    Loop {
        #[command(flatten)]
        from: From,
        /// Number of rounds
        #[arg(value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        rounds: u64,
        #[command(flatten)]
        to: To,
    },
    /// Merge several traces onto one heap
    ///
    /// Each trace proceeds in proportion to its length, so that all end together. Ids and threads are renumbered to
    /// keep traces apart. Timestamps are dropped.
    Interleave {
        /// Traces: files, or traces of the library by name; at least two
        #[arg(value_name = "FILE|NAME", num_args = 2.., required = true)]
        traces: Vec<String>,
        /// Consecutive events of a trace before the next trace's turn
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
        burst: u64,
        #[command(flatten)]
        to: To,
        #[command(flatten)]
        importing: Importing,
    },
    /// Multiply every size by a factor
    ///
    /// Sizes are rounded to whole bytes, at least 1; alignments do not change.
    Scale {
        #[command(flatten)]
        from: From,
        /// Factor, a decimal number above 0
        #[arg(value_name = "FACTOR", value_parser = parse_factor)]
        factor: f64,
        #[command(flatten)]
        to: To,
    },
    /// Estimate what the program would ask for with 32-bit pointers
    ///
    /// Blocks that are aligned to 8 bytes shrink to half their size and are aligned to 4; all others stay. docs/wasm.md
    /// says how far that is from the truth.
    Narrow {
        #[command(flatten)]
        from: From,
        #[command(flatten)]
        to: To,
    },
    /// Drop the final run of frees, after which nothing is allocated or reallocated
    WithoutTeardown {
        #[command(flatten)]
        from: From,
        #[command(flatten)]
        to: To,
    },
    /// Generate a synthetic trace, labelled as such
    Generate(generate::Generate),
    /// Export a trace as a placement problem for solvers of dynamic storage allocation
    ///
    /// Each object between two changes of its size becomes a line: a number, the event of its birth, the event of its
    /// death (exclusive), its size and its alignment in bytes. The clairvoyant placement solves the same problem, so a
    /// solver's result compares with it.
    Export(export::Export),
}

impl Operation {
    /// Checks that the new trace would not replace one that is read.
    fn check_files(&self) -> Result<(), String> {
        let (from, to) = match self {
            Operation::Slice { from, to, .. }
            | Operation::Loop { from, to, .. }
            | Operation::Scale { from, to, .. }
            | Operation::Narrow { from, to }
            | Operation::WithoutTeardown { from, to } => (from, to),
            Operation::Interleave { traces, to, .. } => {
                return files::check(traces.iter().map(String::as_str), OUTPUT, &to.output);
            }
            Operation::Generate(_) => return Ok(()),
            Operation::Export(export) => return export.check_files(),
        };
        files::check([from.trace.as_str()], OUTPUT, &to.output)
    }
}

/// The option that names the new trace.
const OUTPUT: &str = "--output";

/// Where the events come from.
#[derive(Debug, Args)]
struct From {
    /// Trace: a file, or a trace of the library by name
    #[arg(value_name = "FILE|NAME")]
    trace: String,
    #[command(flatten)]
    importing: Importing,
}

/// Where the new trace goes.
#[derive(Debug, Args)]
struct To {
    /// File for the new trace; its extension sets the format
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
}

/// What the user asked for.
#[derive(Clone, Debug)]
struct Slice {
    range: Range<u64>,
    text: String,
}

fn parse_range(text: &str) -> Result<Slice, String> {
    let (from, to) =
        text.split_once("..").ok_or("a slice is two numbers of events with two dots between: 1000..2000")?;
    let number = |digits: &str, absent| match digits {
        "" => Ok(absent),
        _ => digits.parse::<u64>().map_err(|error| format!("{digits:?} is no number of events: {error}")),
    };
    let range = number(from, 0)?..number(to, u64::MAX)?;
    if range.is_empty() { Err("it holds no event".to_owned()) } else { Ok(Slice { range, text: text.to_owned() }) }
}

fn parse_factor(text: &str) -> Result<f64, String> {
    let factor: f64 = text.parse().map_err(|_| "a factor is a decimal number, as 2 or 0.5")?;
    if factor.is_finite() && factor > 0.0 { Ok(factor) } else { Err("a factor is above 0, and finite".to_owned()) }
}

/// Makes the trace.
pub(crate) fn run(arguments: &TraceArguments) -> u8 {
    if let Err(message) = arguments.operation.check_files() {
        return complain(USAGE, message);
    }
    let made = match &arguments.operation {
        Operation::Slice { from, events, to } => from.open().and_then(|(source, input)| {
            let done = format!("slice {} of {}", events.text, source.name());
            let (columns, provenance) = (input.columns(), algebra::provenance(input.provenance(), &done));
            write(algebra::slice(input, events.range.clone()), source.display(), columns, &provenance, to)
        }),
        Operation::Loop { from, rounds, to } => from.rereadable().and_then(|source| {
            let input = source.open().map_err(bad_input)?;
            let done = format!("{rounds} rounds of {}", source.name());
            let (columns, provenance) = (input.columns(), algebra::provenance(input.provenance(), &done));
            write(algebra::repeat(|| source.open(), *rounds), source.display(), columns, &provenance, to)
        }),
        Operation::Interleave { traces, burst, to, importing } => interleave(traces, importing, *burst, to),
        Operation::Scale { from, factor, to } => from.open().and_then(|(source, input)| {
            let done = format!("sizes of {} times {factor}", source.name());
            let (columns, provenance) = (input.columns(), algebra::provenance(input.provenance(), &done));
            write(algebra::scale(input, *factor), source.display(), columns, &provenance, to)
        }),
        Operation::Narrow { from, to } => from.open().and_then(|(source, input)| {
            if let Some(reason) = algebra::why_not_narrow(input.provenance()) {
                return Err((BAD_INPUT, format!("{}: {reason}", source.display())));
            }
            let done = format!("{} with pointers of 32 bits, estimated", source.name());
            let (columns, provenance) = (input.columns(), algebra::provenance(input.provenance(), &done));
            write(algebra::narrow(input), source.display(), columns, &provenance, to)
        }),
        Operation::WithoutTeardown { from, to } => from.open().and_then(|(source, input)| {
            let done = format!("{} without its teardown", source.name());
            let (columns, provenance) = (input.columns(), algebra::provenance(input.provenance(), &done));
            write(algebra::without_teardown(input), source.display(), columns, &provenance, to)
        }),
        Operation::Generate(generate) => generate.run(),
        Operation::Export(export) => return export.run(),
    };
    match made {
        Ok(()) => 0,
        Err((code, error)) => complain(code, error),
    }
}

/// What went wrong, and the exit code for it.
type Failure = (u8, String);

/// What is wrong with what is read.
fn bad_input(error: TraceError) -> Failure {
    (BAD_INPUT, error.to_string())
}

/// What is wrong with an event of the new trace. A slice that the trace does not reach is the command line's fault.
fn bad_event(error: TraceError, from: &str) -> Failure {
    match error {
        TraceError::SliceBeyondEnd { .. } => (USAGE, format!("{from}: {error}")),
        TraceError::Derived { .. } => (BAD_INPUT, format!("{from}: {error}")),
        error => bad_input(error),
    }
}

impl From {
    fn locate(&self) -> Result<Source, Failure> {
        Ok(self.importing.apply(Source::locate(&self.trace).map_err(bad_input)?))
    }

    fn open(&self) -> Result<(Source, Events), Failure> {
        let source = self.locate()?;
        let events = source.open().map_err(bad_input)?;
        Ok((source, events))
    }

    /// The trace for an operation that opens it several times.
    fn rereadable(&self) -> Result<Source, Failure> {
        self.locate()?.rereadable().map_err(bad_input)
    }
}

fn interleave(traces: &[String], importing: &Importing, burst: u64, to: &To) -> Result<(), Failure> {
    let located = |trace: &String| importing.apply(Source::locate(trace)?).rereadable();
    let sources: Result<Vec<Source>, _> = traces.iter().map(located).collect();
    let sources = sources.map_err(bad_input)?;
    let parts: Result<Vec<InterleavedPart<Events>>, _> = sources.iter().map(counted).collect();
    let parts = parts.map_err(bad_input)?;
    let names: Vec<&str> = sources.iter().map(Source::name).collect();
    let done = format!("{} interleaved, {burst} at a stretch", names.join(" and "));
    let said: Vec<Vec<String>> = parts.iter().map(|part| part.events.provenance().to_vec()).collect();
    let threads = parts.iter().any(|part| part.events.columns().thread);
    let written = parts.iter().any(|part| part.events.columns().written);
    let columns = Columns { thread: threads, time_ns: false, written };
    write(
        algebra::interleave(parts, threads, burst),
        &names.join(" and "),
        columns,
        &algebra::provenance_of_parts(&said, &done),
        to,
    )
}

/// Counts the events in a first pass, and opens the trace for the second.
fn counted(source: &Source) -> Result<InterleavedPart<Events>, TraceError> {
    let mut counter = EventCounter::new(source.name());
    for event in source.open()? {
        event?;
        counter.step();
    }
    let count = counter.finish();
    Ok(InterleavedPart { events: source.open()?, count })
}

/// Writes the new trace, which comes from others, and says how long it is.
fn write(
    events: impl Iterator<Item = Result<Event, TraceError>>,
    from: &str,
    columns: Columns,
    provenance: &[String],
    to: &To,
) -> Result<(), Failure> {
    let failed = |error: TraceError| match error {
        TraceError::UnknownEnding { .. } => (USAGE, error.to_string()),
        _ => (FAILED, error.to_string()),
    };
    let mut output = Output::create(&to.output, columns, provenance).map_err(failed)?;
    let mut counter = EventCounter::new(&to.output.to_string_lossy());
    for event in events {
        output.write(&event.map_err(|error| bad_event(error, from))?).map_err(failed)?;
        counter.step();
    }
    let count = counter.finish();
    output.finish().map_err(failed)?;
    note(format_args!("{}: {}", to.output.display(), heaprace_reports::numbers::count(count, "event")));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_has_two_ends_and_something_between() {
        for (text, range) in [("0..5", 0..5), ("7..8", 7..8), ("7..", 7..u64::MAX), ("..9", 0..9), ("..", 0..u64::MAX)]
        {
            assert_eq!(parse_range(text).unwrap().range, range, "{text}");
        }
        for text in ["", "5", "5..5", "6..5", "a..b", "-1..5", "1...5"] {
            assert!(parse_range(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_factor_is_a_positive_number() {
        assert_eq!(parse_factor("0.5"), Ok(0.5));
        for text in ["", "0", "-1", "inf", "NaN", "half"] {
            assert!(parse_factor(text).is_err(), "{text}");
        }
    }
}
