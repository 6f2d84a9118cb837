//! The figures of a trace that go into a table for others, whatever its markup.

use crate::numbers::{self, exact_unit, grouped, short};
use crate::results::{Results, Role};
use crate::table::cells::{self, Timing};

/// The rows of one trace, in the order of the terminal's table.
pub(super) struct Figures {
    /// Unit of the peaks.
    pub(super) unit: &'static str,
    /// Whether growth has to be shown, as some contender grows.
    pub(super) grows: bool,
    pub(super) rows: Vec<Row>,
}

/// One contender.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) role: Role,
    pub(super) fresh: Cell,
    pub(super) steady: Cell,
    pub(super) peak: Cell,
    pub(super) overhead: Cell,
    /// Pages that each further loop of the trace adds.
    pub(super) growth: String,
    pub(super) failed: String,
}

/// A figure.
#[derive(Default)]
pub(super) struct Cell {
    /// Its digits; nothing where it is not known.
    pub(super) value: Option<String>,
    /// The ends of its interval.
    pub(super) interval: Option<(String, String)>,
    /// Whether none is better.
    pub(super) best: bool,
}

pub(super) fn of(results: &Results) -> Figures {
    let rows = cells::rows(results);
    let (unit_bytes, unit) = exact_unit(rows.iter().filter_map(cells::Row::peak_bytes));
    let of_memory = |row: &cells::Row, text: Option<String>| Cell { value: text, interval: None, best: row.smallest };
    let row = |row: &cells::Row| Row {
        name: row.contender.name.clone(),
        version: row.contender.version.clone(),
        role: row.contender.role,
        fresh: timed(&row.fresh),
        steady: timed(&row.steady),
        peak: of_memory(row, row.memory().map(|memory| grouped(memory.peak_heap_bytes / unit_bytes))),
        overhead: of_memory(row, row.memory().map(|memory| short(memory.overhead_ratio))),
        growth: row.growth_cell(),
        failed: row.failures_cell(),
    };
    let grows = cells::growth_matters(&rows);
    Figures { unit, grows, rows: rows.iter().map(row).collect() }
}

fn timed(timing: &Timing) -> Cell {
    let Some(estimate) = timing.ns_per_op else { return Cell::default() };
    // An interval has as many decimals as its median.
    let decimals = numbers::decimals(estimate.value);
    let ends = |low, high| (numbers::fixed(low, decimals), numbers::fixed(high, decimals));
    Cell {
        value: Some(short(estimate.value)),
        interval: estimate.interval.map(|interval| ends(interval.low, interval.high)),
        best: timing.fastest,
    }
}
