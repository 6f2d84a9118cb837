//! A table as every output has it: columns, rows and cells, without markup. Renderers for a terminal, Markdown, LaTeX
//! and HTML lay it out.

use crate::numbers::{decimals, fixed};
use crate::results::{Figure, Reason, Role};
use crate::stats::Estimate;

/// Rows of cells below headings.
#[derive(Clone)]
pub(crate) struct Table {
    /// What it shows.
    pub(crate) caption: String,
    /// The heading of the names, with line feeds where a terminal breaks it.
    pub(crate) corner: String,
    pub(crate) columns: Vec<TableColumn>,
    pub(crate) rows: Vec<TableRow>,
    /// What explains columns, marks, and cells without a figure, below it.
    pub(crate) legend: Vec<String>,
}

/// A heading, and what the cells below it have in common.
#[derive(Clone)]
pub(crate) struct TableColumn {
    /// The definition that the heading refers to; empty where there is none.
    pub(crate) id: &'static str,
    /// The heading in a line.
    pub(crate) heading: String,
    /// The heading broken into short lines, for a terminal.
    pub(crate) narrow: String,
    /// The same where there is even less room.
    pub(crate) narrowest: String,
    pub(crate) shape: CellShape,
    /// Whether it can stand below the column before it, where there is little room.
    pub(crate) is_stacked: bool,
}

/// What the cells of a column have room for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CellShape {
    /// A text.
    Plain,
    /// A figure and its mark.
    Marked,
    /// A figure, its mark, and what belongs to the figure.
    Paired,
}

/// A row: what it is about, and a cell for each column.
#[derive(Clone)]
pub(crate) struct TableRow {
    /// What stands above it and the other rows of its group; empty where nothing does.
    pub(crate) group: String,
    pub(crate) name: String,
    /// The version of a contender; empty where the table has none.
    pub(crate) version: String,
    pub(crate) role: Role,
    /// What the contender did wrong, where it failed verification.
    pub(crate) invalid: Option<String>,
    pub(crate) cells: Vec<TableCell>,
}

/// What stands in a column of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TableCell {
    /// A figure.
    Figure {
        /// By what the column is sorted.
        value: f64,
        text: String,
        beside: Beside,
        sign: Sign,
    },
    /// Words.
    Words(String),
    /// There is no figure, and why.
    Unknown(Reason),
    /// Nothing belongs here: the floor's ratio to itself and the like.
    Empty,
}

/// What belongs to a figure, in smaller print where there is such.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Beside {
    Nothing,
    /// The ends of its interval.
    Interval(String, String),
    /// How many times another figure it is.
    Times(String),
    /// The same in another unit.
    Same(String),
}

/// What is said of a figure by a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    None,
    /// None is better, or none is known to be.
    Best,
    /// A ratio that does not say which of the two is faster.
    Inconclusive,
}

impl Sign {
    /// [`Sign::Best`], where it is.
    pub(crate) fn best(is_best: bool) -> Self {
        if is_best { Sign::Best } else { Sign::None }
    }
}

impl TableCell {
    /// A figure alone.
    pub(crate) fn figure(value: f64, text: String) -> Self {
        TableCell::Figure { value, text, beside: Beside::Nothing, sign: Sign::None }
    }

    /// An estimate with its interval, both with this number of decimals; without one, with what the size of the value
    /// asks for.
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

    /// The same figure with its mark.
    pub(crate) fn marked(mut self, with: Sign) -> Self {
        if let TableCell::Figure { sign, .. } = &mut self {
            *sign = with;
        }
        self
    }

    /// The same figure with what belongs to it.
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

    /// The same with the heading broken so on a terminal.
    pub(crate) fn broken(mut self, narrow: &str) -> Self {
        (self.narrow, self.narrowest) = (narrow.to_owned(), narrow.to_owned());
        self
    }

    /// The same below the column before it, where there is little room.
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

    /// Adds a row of a group, of texts.
    pub(crate) fn words(&mut self, group: &str, name: String, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter().map(TableCell::Words).collect();
        let (group, version) = (group.to_owned(), String::new());
        self.rows.push(TableRow { group, name, version, role: Role::Contender, invalid: None, cells });
    }

    /// The same without the columns that this says nothing for.
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

    /// The same with the names of the rows alone: a table below another one that has the versions and the groups.
    pub(crate) fn names_only(mut self) -> Self {
        for row in &mut self.rows {
            row.group.clear();
            row.version.clear();
        }
        self
    }

    /// The same without the rows that this says nothing for.
    pub(crate) fn of_rows(mut self, keeps: impl FnMut(&TableRow) -> bool) -> Self {
        self.rows.retain(keeps);
        self
    }
}
