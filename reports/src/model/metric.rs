//! A metric: an entry of the catalogue at its place in the results.

use super::entry::About;
use crate::results::{Contender, Figure, Results, Settings};
use crate::stats::Regime;

/// A metric of a contender, by its full name.
pub struct ContenderMetric {
    /// Its name: for exact figures its place in `results.json`.
    pub name: String,
    /// How to get it.
    pub of: Getter,
    /// Which setting asks for it.
    pub asked_by: AskedBy,
    /// What it is and how it is shown.
    pub about: About,
}

/// The exact figure of a contender.
pub type Exact = Box<dyn Fn(&Contender) -> Figure<f64> + Send + Sync>;

/// How to get a metric of a contender.
pub enum Getter {
    /// An exact figure, or one that is measured once.
    Exact(Exact),
    /// Wall time per operation, the harness's own included: an estimate whose samples are the rounds.
    Gross(Regime),
    /// Wall time per operation less the floor's, formed within the rounds: an estimate.
    Net(Regime),
    /// Wall time over the baseline's, formed within the rounds: an estimate.
    Ratio(Regime),
}

/// Which setting of a run asks for a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedBy {
    /// Every run has it.
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
    /// Whether a run with these settings was asked for the metric.
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
    /// The figure of a trace.
    pub of: Box<dyn Fn(&Results) -> Figure<f64> + Send + Sync>,
    /// What it is and how it is shown.
    pub about: About,
}
