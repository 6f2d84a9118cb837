//! `replay trace generate`: synthetic traces.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use heaprace_traces::csv::Columns;
use heaprace_traces::synthetic::Kind;

use super::{Failure, To, write};
use crate::cli::terminal::USAGE;

/// Which trace to generate.
#[derive(Debug, Args)]
pub(super) struct Generate {
    /// Pattern to generate
    #[arg(value_name = "KIND", value_parser = kinds())]
    kind: Kind,
    /// Number of events; robson may end earlier
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    events: u64,
    /// Random seed; robson uses none
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Number of live objects in the steady state; uniform and drift only [default: 10000, or a tenth of the events]
    #[arg(long, value_name = "N")]
    live: Option<u64>,
    #[command(flatten)]
    to: To,
}

fn kinds() -> impl TypedValueParser<Value = Kind> {
    let values = Kind::ALL.map(|kind| PossibleValue::new(kind.name()).help(kind.description()));
    PossibleValuesParser::new(values).map(|name| {
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
        kind.expect("the parser lets only these names through")
    })
}

impl Generate {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let Generate { kind, events, seed, live, ref to } = *self;
        let generated = match live {
            None => kind.events(events, seed),
            Some(live) => kind.events_with_live(events, live, seed).map_err(|error| (USAGE, error.to_string()))?,
        };
        write(generated.map(Ok), kind.name(), Columns::default(), &kind.provenance(events, live, seed), to)
    }
}
