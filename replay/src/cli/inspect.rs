//! `replay inspect`: a summary of a trace, without replaying it.

mod text;

use clap::Args;
use heaprace_traces::inspect::{Inspection, Inspector};
use heaprace_traces::{Source, TraceError, library};
use serde::Serialize;

use crate::cli::importing::Importing;
use crate::cli::terminal::{BAD_INPUT, EventCounter, Format, complain, print, width};

/// The version of the JSON document. It grows when a field changes its meaning or goes away.
const SCHEMA_VERSION: u32 = 1;

/// Summarize a trace: events, threads, peaks, sizes, lifetimes, and its origin
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InspectArguments {
    /// Trace to summarize: a file, or a trace of the library by name
    #[arg(value_name = "FILE|NAME")]
    trace: String,

    /// Format of standard output
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    importing: Importing,
}

const EXAMPLES: &str = "\
Examples:
  replay inspect serde-heavy
      Summarize a library trace.
  replay inspect my-program.csv.zst --format json | jq '.inspection.peak_bytes'
      Extract a figure for a script.

Definitions:
  request              an alloc or a realloc: each asks for one size
  lifetime             from the alloc to the dealloc; reallocs do not end it
  last in, first out   the freed object was the youngest live one, by its alloc
  by another thread    than the thread of the alloc; reallocs do not count
  written              from the block's start to the last byte written, by the next realloc
                       or free; only recordings with extents have it
  asked for most       counted exactly for the first 65,536 different sizes";

/// The JSON document about a trace.
#[derive(Debug, Serialize)]
struct Document {
    schema_version: u32,
    /// The short name.
    name: String,
    /// `recorded` or `synthetic`; null if unknown.
    origin: Option<&'static str>,
    /// The provenance lines of the trace itself.
    provenance: Vec<String>,
    /// What an import left out, filled in or put into order, a line each; null if the trace is no import.
    repairs: Option<Vec<String>>,
    /// What the library says, for its own traces.
    library: Option<Library>,
    inspection: Inspection,
}

/// What the library says about its trace.
#[derive(Debug, Serialize)]
struct Library {
    description: &'static str,
    program: &'static str,
    input: &'static str,
    licence: &'static str,
    story: &'static str,
}

/// Inspects a trace.
pub(crate) fn run(arguments: &InspectArguments) -> u8 {
    let document = match Source::locate(&arguments.trace).and_then(|source| inspect(&arguments.importing.apply(source)))
    {
        Ok(document) => document,
        Err(error) => return complain(BAD_INPUT, error),
    };
    print(&match arguments.format {
        Format::Text => text::render(&document, width()),
        Format::Json => {
            let json = serde_json::to_string_pretty(&document);
            json.expect("plain data with string keys always serialises") + "\n"
        }
    })
}

fn inspect(source: &Source) -> Result<Document, TraceError> {
    let mut events = source.open()?;
    let provenance = events.provenance().to_vec();
    let mut inspector = Inspector::default();
    let mut counter = EventCounter::new(source.name());
    for event in events.by_ref() {
        inspector.add(&event?);
        counter.step();
    }
    counter.finish();
    Ok(Document {
        schema_version: SCHEMA_VERSION,
        name: source.name().to_owned(),
        origin: source.origin(&provenance).map(library::Origin::name),
        provenance,
        repairs: events.repairs().map(|repairs| repairs.lines()),
        library: source.library_entry().map(|entry| Library {
            description: &entry.about.description,
            program: &entry.about.program,
            input: &entry.about.input,
            licence: &entry.about.licence,
            story: &entry.about.story,
        }),
        inspection: inspector.finish(),
    })
}
