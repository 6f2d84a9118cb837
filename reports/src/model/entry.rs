//! A line of the catalogue: a figure of a part of the results, with every text about it.

use crate::results::Figure;

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

/// A row of a table of METRICS.md.
#[derive(Clone, Copy)]
pub struct Definition {
    /// The figure's name, without the place that its section names.
    pub name: &'static str,
    /// Its unit; empty where it is no single number, but a list or the like.
    pub unit: &'static str,
    /// The other cells.
    pub docs: Docs,
}

/// An entry that no table shows and no gate judges, with everything still to be said of it.
pub(super) const fn entry<T>(name: &'static str, unit: &'static str, of: fn(&T) -> Figure<f64>) -> Entry<T> {
    let docs = docs("", "", "");
    Entry { name, of, about: About { unit, docs, heading: None, better: Better::Neither, gate: Gate::Never } }
}

/// The cells of a row of METRICS.md, in the order of the columns.
pub(super) const fn docs(formula: &'static str, range: &'static str, blind_spot: &'static str) -> Docs {
    Docs { formula, range, blind_spot, source: "" }
}

/// A figure of METRICS.md that is no single number, with its row there.
pub(super) const fn listed(
    name: &'static str,
    formula: &'static str,
    range: &'static str,
    blind_spot: &'static str,
) -> Definition {
    Definition { name, unit: "", docs: docs(formula, range, blind_spot) }
}

/// A heading, by its id, its full and its short text and its unit, with the definition.
pub(super) const fn heading([id, full, short, unit]: [&'static str; 4], definition: &'static str) -> Heading {
    Heading { id, full, short, unit, definition }
}

impl<T> Entry<T> {
    /// The same with its row of METRICS.md.
    pub(super) const fn docs(mut self, formula: &'static str, range: &'static str, blind_spot: &'static str) -> Self {
        self.about.docs = docs(formula, range, blind_spot);
        self
    }

    /// The same with the source of its definition.
    pub(super) const fn source(mut self, source: &'static str) -> Self {
        self.about.docs.source = source;
        self
    }

    /// The same with a column in tables: id, full and short heading, and unit, with the definition that the page shows.
    pub(super) const fn shown(mut self, texts: [&'static str; 4], definition: &'static str) -> Self {
        self.about.heading = Some(heading(texts, definition));
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
