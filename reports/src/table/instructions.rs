//! The table of instructions per operation.

use super::cells::{Row, UNKNOWN};
use super::narrow::narrow;
use super::wrap::printable;
use crate::numbers::{grouped, short};
use crate::results::{Instructions, Role};

/// What explains the columns, below the table.
pub(super) const LEGEND: &str = "Instructions: of one warm replay over its operations, in the program alone, not in the kernel. The net is less the \
     floor's, which counts the harness. callgrind counts exactly, and the same again on the same build; perf_event is the processor's own \
     counter. METHODOLOGY.md says what they cannot tell.";

/// The table of the rows that have such figures, in at most so many columns; nothing where there is none.
pub(super) fn table(rows: &[Row], width: usize) -> Option<String> {
    let known: Vec<(&Row, &Instructions)> =
        rows.iter().filter_map(|row| Some((row, row.contender.instructions.known()?))).collect();
    let (_, first) = known.first()?;
    let mut counters = vec![first.counter.as_str()];
    counters.extend(known.iter().map(|(_, figures)| figures.counter.as_str()));
    counters.dedup();
    let floor = known.iter().find(|(row, _)| row.contender.role == Role::Floor).map(|(_, floor)| per_op(floor));
    let lines = known.iter().map(|(row, figures)| {
        vec![
            printable(&row.contender.name),
            short(per_op(figures)),
            floor.map_or(UNKNOWN.into(), |floor| short(per_op(figures) - floor)),
            grouped(figures.instructions),
        ]
    });
    let header =
        ["instructions".to_owned(), format!("per op\n{}", counters.join(", ")), "per op\nnet".into(), "all".into()];
    Some(narrow(header.into(), lines, width))
}

fn per_op(figures: &Instructions) -> f64 {
    figures.instructions as f64 / figures.ops.max(1) as f64
}
