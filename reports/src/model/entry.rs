//! An entry of the catalogue: a figure of a part of the results, with all its texts.

use crate::results::figure::Figure;

/// A figure of a part `T` of the results: one entry of the catalogue.
pub struct Entry<T> {
    /// Its field within the part in `results.json`.
    pub name: &'static str,
    /// Reads the figure from the part.
    pub of: fn(&T) -> Figure<f64>,
    /// What it is, and how it is shown and judged.
    pub about: About,
}

/// What a metric is, and how it is shown and judged.
#[derive(Clone, Copy)]
pub struct About {
    /// Its unit: `B`, `pages`, `ns`, `%`, or `1` for counts, ratios and shares.
    pub unit: &'static str,
    /// Its row in METRICS.md.
    pub docs: Docs,
    /// Its column heading, if a table shows it.
    pub heading: Option<Heading>,
    /// Which direction is better.
    pub better: Better,
    /// Whether a gate may judge it.
    pub gate: Gate,
}

/// The definition of a figure: the cells of its row in METRICS.md. An empty text means that there is nothing to say.
#[derive(Clone, Copy)]
pub struct Docs {
    /// Its formula, or a description in words.
    pub formula: &'static str,
    /// The values that it can take.
    pub range: &'static str,
    /// What it cannot see.
    pub blind_spot: &'static str,
    /// The source of its definition.
    pub source: &'static str,
}

/// A column heading, and the short definition that pages show for it.
#[derive(Clone, Copy)]
pub struct Heading {
    /// The id that columns and anchors use. Metrics that share a definition share the id.
    pub id: &'static str,
    /// The heading if there is room.
    pub full: &'static str,
    /// The heading of a narrow column.
    pub short: &'static str,
    /// The unit that tables print, such as `%` for a share. Empty if the table picks a unit by size, as for bytes.
    pub unit: &'static str,
    /// Its definition, in a sentence or two.
    pub definition: &'static str,
}

/// Which direction of a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Less is better.
    Less,
    /// More is better.
    More,
    /// Neither: it is no measure of quality, or follows from other metrics.
    Neither,
}

/// Whether a gate of `replay compare` may judge a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Never.
    Never,
    /// Only on request.
    OnRequest,
    /// Unless other metrics are chosen.
    ByDefault,
}

/// A row of a table of METRICS.md.
#[derive(Clone, Copy)]
pub struct Definition {
    /// The figure's name within its section.
    pub name: &'static str,
    /// Its unit. Empty if it is not a single number, such as a list.
    pub unit: &'static str,
    /// The other cells.
    pub docs: Docs,
}

/// An entry that no table shows and no gate judges. The builder methods add the rest.
pub(super) const fn entry<T>(name: &'static str, unit: &'static str, of: fn(&T) -> Figure<f64>) -> Entry<T> {
    let docs = docs("", "", "");
    Entry { name, of, about: About { unit, docs, heading: None, better: Better::Neither, gate: Gate::Never } }
}

/// The first three cells of a row in METRICS.md, in column order.
pub(super) const fn docs(formula: &'static str, range: &'static str, blind_spot: &'static str) -> Docs {
    Docs { formula, range, blind_spot, source: "" }
}

/// The row in METRICS.md of a figure that is not a single number.
pub(super) const fn listed(
    name: &'static str,
    formula: &'static str,
    range: &'static str,
    blind_spot: &'static str,
) -> Definition {
    Definition { name, unit: "", docs: docs(formula, range, blind_spot) }
}

/// A heading from its id, full text, short text, unit and definition.
pub(super) const fn heading([id, full, short, unit]: [&'static str; 4], definition: &'static str) -> Heading {
    Heading { id, full, short, unit, definition }
}

impl<T> Entry<T> {
    /// Adds the row in METRICS.md.
    pub(super) const fn docs(mut self, formula: &'static str, range: &'static str, blind_spot: &'static str) -> Self {
        self.about.docs = docs(formula, range, blind_spot);
        self
    }

    /// Adds the source of the definition.
    pub(super) const fn source(mut self, source: &'static str) -> Self {
        self.about.docs.source = source;
        self
    }

    /// Adds a table column: id, full heading, short heading and unit, and the definition that the page shows.
    pub(super) const fn shown(mut self, texts: [&'static str; 4], definition: &'static str) -> Self {
        self.about.heading = Some(heading(texts, definition));
        self
    }

    /// Marks less as better, and says when gates judge it.
    pub(super) const fn less_is_better(mut self, gate: Gate) -> Self {
        (self.about.better, self.about.gate) = (Better::Less, gate);
        self
    }

    /// Marks more as better.
    pub(super) const fn more_is_better(mut self) -> Self {
        self.about.better = Better::More;
        self
    }
}

/// A value that is a number, or the reason why it is unknown.
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

/// A figure inside another figure, or the reason why the outer one is unknown.
pub(super) fn within<'f, T, U>(outer: &'f Figure<T>, of: impl FnOnce(&'f T) -> Figure<U>) -> Figure<U> {
    match outer {
        Figure::Known(value) => of(value),
        Figure::Unknown { unknown } => Figure::unknown(unknown),
    }
}
