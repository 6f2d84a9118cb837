//! The table of instructions per operation.

use super::cells::{Row, UNKNOWN};
use super::narrow::narrow;
use super::wrap::printable;
use crate::model::instructions_per_op;
use crate::numbers::{grouped, short};
use crate::results::{Instructions, Role};

/// What explains the columns, below the table.
pub(super) const LEGEND: &str = "Instructions: of one fresh replay over its operations, what it writes into new memory included, in the program alone and not in the kernel. The net is less the \
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
    let floor = known.iter().find(|(row, _)| row.contender.role == Role::Floor);
    let floor = floor.and_then(|(_, floor)| per_op(floor));
    let cell = |figure: Option<f64>| figure.map_or(UNKNOWN.into(), short);
    let lines = known.iter().map(|(row, figures)| {
        let gross = per_op(figures);
        let net = gross.zip(floor).map(|(gross, floor)| gross - floor);
        vec![printable(&row.contender.name), cell(gross), cell(net), grouped(figures.instructions)]
    });
    let header =
        ["instructions".to_owned(), format!("per op\n{}", counters.join(", ")), "per op\nnet".into(), "all".into()];
    Some(narrow(header.into(), lines, width))
}

fn per_op(figures: &Instructions) -> Option<f64> {
    instructions_per_op(figures).known().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Figure, Results};
    use crate::sample::{self, contender};
    use crate::table::cells::rows;

    /// The lines below the header, of results whose instructions were changed.
    fn lines(change: impl Fn(&mut Instructions)) -> (String, Vec<String>) {
        let mut floor = contender("null").role(Role::Floor).steady_ns(20).build();
        let mut talc = contender("talc").steady_ns(90).build();
        for row in [&mut floor, &mut talc] {
            let Figure::Known(figures) = &mut row.instructions else { unreachable!() };
            change(figures);
        }
        let results = Results { contenders: vec![talc, floor], ..sample::empty() };
        let table = table(&rows(&results), 80).unwrap();
        let lines = table.lines().skip_while(|line| !line.starts_with('─')).skip(1);
        (table.clone(), lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect())
    }

    #[test]
    fn without_operations_there_is_nothing_per_operation() {
        assert_eq!(lines(|_| ()).1, ["talc 36.0 28.0 7,200,000", "null 8.00 0.00 1,600,000"]);
        assert_eq!(lines(|figures| figures.ops = 0).1, ["talc – – 7,200,000", "null – – 1,600,000"]);
    }

    #[test]
    fn a_counter_cannot_command_the_terminal() {
        let table = lines(|figures| figures.counter = "\u{1b}[2J".into()).0;
        assert!(table.contains("\u{FFFD}[2J") && !table.contains('\u{1b}'), "{table}");
    }
}
