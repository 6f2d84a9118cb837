//! A metric: an entry of the catalogue at its place in the results.

use super::entry::About;
use crate::results::{Contender, Figure, Results, Settings};
use crate::stats::Regime;

/// A metric of a contender, by its full name.
pub struct ContenderMetric {
    /// Its name. The name of an exact figure is its place in `results.json`.
    pub name: String,
    /// How to read it.
    pub of: Getter,
    /// The setting that asks for it.
    pub asked_by: AskedBy,
    /// What it is and how it is shown.
    pub about: About,
}

/// The exact figure of a contender or of a trace.
pub type Exact<T> = Box<dyn Fn(&T) -> Figure<f64> + Send + Sync>;

/// How to read a metric of a contender.
pub enum Getter {
    /// An exact figure, or a single measurement.
    Exact(Exact<Contender>),
    /// Wall time per operation, with the harness's own: an estimate whose samples are the rounds.
    Gross(Regime),
    /// Wall time per operation less the floor's, formed within rounds: an estimate.
    Net(Regime),
    /// Wall time over the baseline's, formed within rounds: an estimate.
    Ratio(Regime),
}

/// The setting of a run that asks for a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedBy {
    /// None: every run has it.
    EveryRun,
    /// `--min-heap`.
    MinHeap,
    /// `--latency`.
    Latency,
    /// `--instructions`.
    Instructions,
    /// At least one timing round.
    Rounds,
}

impl AskedBy {
    /// Whether a run with these settings asks for the metric.
    pub(crate) fn asks(self, settings: &Settings) -> bool {
        match self {
            AskedBy::EveryRun => true,
            AskedBy::MinHeap => settings.min_heap,
            AskedBy::Latency => settings.latency,
            AskedBy::Instructions => settings.instructions,
            AskedBy::Rounds => settings.rounds > 0,
        }
    }
}

/// A metric of the trace, the same for all contenders.
pub struct TraceMetric {
    /// Its name: its place in `results.json`.
    pub name: String,
    /// Reads the figure of a trace.
    pub of: Exact<Results>,
    /// What it is and how it is shown.
    pub about: About,
}
