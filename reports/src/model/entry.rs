//! What the catalogue says of a metric: how to get it, and every text about it.

use crate::results::{Contender, Figure, Results, Settings};
use crate::stats::Regime;

/// A figure of a part `T` of the results, by its field there: one line of the catalogue.
pub struct Entry<T> {
    /// The field in `results.json`, within the part.
    pub name: &'static str,
    /// The figure of such a part.
    pub of: fn(&T) -> Figure<f64>,
    /// What it is and how it is shown.
    pub about: About,
}

/// What a metric is and how it is shown and judged.
#[derive(Clone, Copy)]
pub struct About {
    /// Its unit: `B`, `pages`, `ns`, `%`, or `1` for counts, ratios and shares.
    pub unit: &'static str,
    /// What METRICS.md says of it.
    pub docs: Docs,
    /// The heading of its column, where a table shows it.
    pub heading: Option<Heading>,
    /// Which direction is better.
    pub better: Better,
    /// Whether a gate may judge it.
    pub gate: Gate,
}

/// The definition of a figure: the cells of its row in METRICS.md. An empty text stands for "nothing to say".
#[derive(Clone, Copy)]
pub struct Docs {
    /// Its formula, or what it is in words.
    pub formula: &'static str,
    /// The values that it can have.
    pub range: &'static str,
    /// What it cannot see.
    pub blind_spot: &'static str,
    /// Where its definition comes from.
    pub source: &'static str,
}

/// The heading of a column, and the short definition that it shows on a page.
#[derive(Clone, Copy)]
pub struct Heading {
    /// What columns and anchors refer to it by. Metrics that share a definition share the id.
    pub id: &'static str,
    /// The heading where there is room.
    pub full: &'static str,
    /// The heading of a narrow column.
    pub short: &'static str,
    /// The unit that tables print, as `%` for a share; empty where the table chooses it by size, as for bytes.
    pub unit: &'static str,
    /// What it is, in a sentence or two.
    pub definition: &'static str,
}

/// Which direction of a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Less is better.
    Less,
    /// More is better.
    More,
    /// It is neither good nor bad, or follows from other metrics.
    Neither,
}

/// Whether a gate of `replay compare` may judge a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It may not.
    Never,
    /// It does where it is asked to.
    OnRequest,
    /// It does unless other metrics are chosen.
    ByDefault,
}

/// A figure of METRICS.md that is no single number, such as a list.
pub struct Listed {
    /// Its field in `results.json`.
    pub name: &'static str,
    /// Its definition.
    pub docs: Docs,
}

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

/// A row of METRICS.md's tables, in the order of the columns.
pub(super) const fn docs(
    formula: &'static str,
    range: &'static str,
    blind_spot: &'static str,
    source: &'static str,
) -> Docs {
    Docs { formula, range, blind_spot, source }
}

/// An entry that no table shows and no gate judges.
pub(super) const fn entry<T>(
    name: &'static str,
    unit: &'static str,
    of: fn(&T) -> Figure<f64>,
    docs: Docs,
) -> Entry<T> {
    Entry { name, of, about: About::new(unit, docs) }
}

impl<T> Entry<T> {
    /// The same with a column in tables.
    pub(super) const fn shown(mut self, heading: Heading) -> Self {
        self.about.heading = Some(heading);
        self
    }

    /// The same, as less of it is better, with what gates do.
    pub(super) const fn less_is_better(mut self, gate: Gate) -> Self {
        (self.about.better, self.about.gate) = (Better::Less, gate);
        self
    }

    /// The same, as more of it is better.
    pub(super) const fn more_is_better(mut self) -> Self {
        self.about.better = Better::More;
        self
    }
}

impl About {
    /// Of a metric that no table shows and no gate judges.
    pub(super) const fn new(unit: &'static str, docs: Docs) -> Self {
        About { unit, docs, heading: None, better: Better::Neither, gate: Gate::Never }
    }
}

/// Something that is a number, or the reason why there is none.
pub(super) trait Number {
    fn number(&self) -> Figure<f64>;
}

impl Number for u64 {
    fn number(&self) -> Figure<f64> {
        Figure::Known(*self as f64)
    }
}

impl Number for f64 {
    fn number(&self) -> Figure<f64> {
        Figure::Known(*self)
    }
}

impl<T: Number> Number for Option<T> {
    fn number(&self) -> Figure<f64> {
        self.as_ref().map_or_else(|| Figure::unknown("it has no value here: METRICS.md says when"), Number::number)
    }
}

impl<T: Number> Number for Figure<T> {
    fn number(&self) -> Figure<f64> {
        within(self, Number::number)
    }
}

/// The figure within another one that is there; else the reason why that one is not.
pub(super) fn within<'f, T, U>(outer: &'f Figure<T>, of: impl FnOnce(&'f T) -> Figure<U>) -> Figure<U> {
    match outer {
        Figure::Known(value) => of(value),
        Figure::Unknown { unknown } => Figure::unknown(unknown),
    }
}
