//! The table model of every output: columns, rows and cells, without markup. The renderers for a terminal, Markdown,
//! LaTeX and HTML lay it out.

use crate::numbers::{decimals, fixed};
use crate::results::{Figure, Reason, Role};
use crate::stats::Estimate;

/// Rows of cells below column headings.
#[derive(Clone)]
pub(crate) struct Table {
    /// What the table shows.
    pub(crate) caption: String,
    /// The heading of the names, with line feeds where a terminal breaks it.
    pub(crate) corner: String,
    pub(crate) columns: Vec<TableColumn>,
    pub(crate) rows: Vec<TableRow>,
    /// The explanation below the table: columns, marks, and cells without a figure.
    pub(crate) legend: Vec<String>,
}

/// A heading, and the properties that the cells below it share.
#[derive(Clone)]
pub(crate) struct TableColumn {
    /// The id of the heading's definition; empty if there is none.
    pub(crate) id: &'static str,
    /// The heading on one line.
    pub(crate) heading: String,
    /// The heading broken into short lines, for a terminal.
    pub(crate) narrow: String,
    /// The same for even less room.
    pub(crate) narrowest: String,
    pub(crate) shape: CellShape,
    /// Whether it may stand below the previous column if there is little room.
    pub(crate) is_stacked: bool,
}

/// The parts that the cells of a column have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CellShape {
    /// A text.
    Plain,
    /// A figure and its mark.
    Marked,
    /// A figure, its mark, and its companion.
    Paired,
}

/// A row: its subject, and a cell per column.
#[derive(Clone)]
pub(crate) struct TableRow {
    /// The heading above its group of rows; empty if there is none.
    pub(crate) group: String,
    pub(crate) name: String,
    /// The version of a contender; empty if the table has none.
    pub(crate) version: String,
    pub(crate) role: Role,
    /// What the contender did wrong, if it failed verification.
    pub(crate) invalid: Option<String>,
    pub(crate) cells: Vec<TableCell>,
}

/// The content of a cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TableCell {
    /// A figure.
    Figure {
        /// The sort key of the cell.
        value: f64,
        text: String,
        beside: Beside,
        sign: Sign,
    },
    /// Words.
    Words(String),
    /// No figure, and the reason.
    Unknown(Reason),
    /// No figure belongs here: for example the floor's ratio to itself.
    Empty,
}

/// The companion of a figure, in smaller print if the output has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Beside {
    Nothing,
    /// The ends of its interval.
    Interval(String, String),
    /// The ratio to another figure.
    Times(String),
    /// The same figure in another unit.
    Same(String),
}

/// The mark of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    None,
    /// No figure is better, or none is known to be.
    Best,
    /// A ratio that does not show which of the two is faster.
    Inconclusive,
}

impl Sign {
    /// [`Sign::Best`] if it is the best.
    pub(crate) fn best(is_best: bool) -> Self {
        if is_best { Sign::Best } else { Sign::None }
    }
}

impl TableCell {
    /// A figure without a companion.
    pub(crate) fn figure(value: f64, text: String) -> Self {
        TableCell::Figure { value, text, beside: Beside::Nothing, sign: Sign::None }
    }

    /// An estimate with its interval, both with this many decimals. Without an interval, the size of the value sets the
    /// decimals.
    pub(crate) fn estimate(figure: &Figure<Estimate>, places: Option<usize>, sign: Sign) -> Self {
        let Estimate { value, interval } = match figure {
            Figure::Known(estimate) => *estimate,
            Figure::Unknown { unknown } => return TableCell::Unknown(unknown.clone()),
        };
        let places = places.unwrap_or_else(|| decimals(value));
        let beside = interval.map_or(Beside::Nothing, |interval| {
            Beside::Interval(fixed(interval.low, places), fixed(interval.high, places))
        });
        TableCell::Figure { value, text: fixed(value, places), beside, sign }
    }

    /// Adds a mark to a figure.
    pub(crate) fn marked(mut self, with: Sign) -> Self {
        if let TableCell::Figure { sign, .. } = &mut self {
            *sign = with;
        }
        self
    }

    /// Adds a companion to a figure.
    pub(crate) fn with(mut self, what: Beside) -> Self {
        if let TableCell::Figure { beside, .. } = &mut self {
            *beside = what;
        }
        self
    }

    pub(crate) fn is_figure(&self) -> bool {
        matches!(self, TableCell::Figure { .. })
    }
}

impl TableColumn {
    /// A column of texts below a heading, with line feeds where a terminal breaks it.
    pub(crate) fn plain(heading: &str) -> Self {
        TableColumn::new("", heading.replace('\n', " "), CellShape::Plain).broken(heading)
    }

    /// A column with this heading and definition.
    pub(crate) fn new(id: &'static str, heading: String, shape: CellShape) -> Self {
        TableColumn { id, narrow: heading.clone(), narrowest: heading.clone(), heading, shape, is_stacked: false }
    }

    /// Sets the line breaks of the heading on a terminal.
    pub(crate) fn broken(mut self, narrow: &str) -> Self {
        (self.narrow, self.narrowest) = (narrow.to_owned(), narrow.to_owned());
        self
    }

    /// Lets the column stand below the previous one if there is little room.
    pub(crate) fn stacked(mut self) -> Self {
        self.is_stacked = true;
        self
    }
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(corner: &str, columns: Vec<TableColumn>) -> Self {
        Table { caption: String::new(), corner: corner.to_owned(), columns, rows: Vec::new(), legend: Vec::new() }
    }

    /// Adds a row of texts to a group.
    pub(crate) fn words(&mut self, group: &str, name: String, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter().map(TableCell::Words).collect();
        let (group, version) = (group.to_owned(), String::new());
        self.rows.push(TableRow { group, name, version, role: Role::Contender, invalid: None, cells });
    }

    /// Drops the columns for which this is false.
    pub(crate) fn keeping(&self, keeps: impl Fn(usize, &TableColumn) -> bool) -> Self {
        let kept: Vec<usize> = (0..self.columns.len()).filter(|&at| keeps(at, &self.columns[at])).collect();
        let rows = self
            .rows
            .iter()
            .map(|row| TableRow { cells: kept.iter().map(|&at| row.cells[at].clone()).collect(), ..row.clone() });
        Table {
            caption: self.caption.clone(),
            corner: self.corner.clone(),
            columns: kept.iter().map(|&at| self.columns[at].clone()).collect(),
            rows: rows.collect(),
            legend: self.legend.clone(),
        }
    }

    /// Drops versions and groups: for a table below another one that has them.
    pub(crate) fn names_only(mut self) -> Self {
        for row in &mut self.rows {
            row.group.clear();
            row.version.clear();
        }
        self
    }

    /// Drops the rows for which this is false.
    pub(crate) fn of_rows(mut self, keeps: impl FnMut(&TableRow) -> bool) -> Self {
        self.rows.retain(keeps);
        self
    }
}
