//! The table of instructions per operation.

use super::columns::{self, ColumnBuilder, metric};
use super::model::{Table, TableCell, TableColumn};
use super::placing::Placing;
use crate::model::instructions_per_op;
use crate::numbers::{grouped, short};
use crate::results::{Figure, Instructions, Role};

const LEGEND: &str = "Instructions: one fresh replay over its operations, including writes into new memory, in user \
     space only. Net subtracts the floor, which counts the harness. callgrind counts are exact, and reproducible on the \
     same build; perf_event is the processor's own counter. METHODOLOGY.md gives the limits of both.";

/// The table for a terminal, with the rows that have instruction counts; `None` without any.
pub(super) fn table(rows: &[Placing]) -> Option<Table> {
    let counted = |row: &Placing| row.contender.instructions.known().cloned();
    let mut counters: Vec<&str> =
        rows.iter().filter_map(|row| Some(row.contender.instructions.known()?.counter.name())).collect();
    counters.dedup();
    let floor = rows.iter().find(|row| row.contender.role == Role::Floor).and_then(counted);
    let floor = floor.and_then(|floor| instructions_per_op(&floor).known().copied());
    let of = |figure: fn(&Instructions, Option<f64>) -> TableCell| {
        move |row: &Placing| match &row.contender.instructions {
            Figure::Known(counted) => figure(counted, floor),
            Figure::Unknown { unknown } => TableCell::Unknown(unknown.clone()),
        }
    };
    let net = of(|counted, floor| match (instructions_per_op(counted), floor) {
        (Figure::Known(gross), Some(floor)) => TableCell::figure(gross - floor, short(gross - floor)),
        (Figure::Known(_), None) => TableCell::Unknown("the floor has no instruction count".into()),
        (Figure::Unknown { unknown }, _) => TableCell::Unknown(unknown),
    });
    let all = of(|counted, _| TableCell::figure(counted.instructions as f64, grouped(counted.instructions)));
    let sources = vec![
        metric("instructions", rows).headed(|column| column.broken(&format!("per op\n{}", counters.join(", ")))),
        ColumnBuilder::new(TableColumn::plain("per op\nnet"), net),
        ColumnBuilder::new(TableColumn::plain("all"), all),
    ];
    let table = columns::table("instructions", rows, sources).names_only();
    let table = table.of_rows(|row| row.cells.iter().any(|cell| cell.is_figure()));
    (!table.rows.is_empty()).then(|| Table { legend: vec![LEGEND.to_owned()], ..table })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Figure, Results};
    use crate::sample::{self, contender};
    use crate::table::placing::placings;
    use crate::table::terminal::lay_out;

    /// The lines below the header, after this change to the results' instructions.
    fn lines(change: impl Fn(&mut Instructions)) -> Vec<String> {
        let mut floor = contender("null").role(Role::Floor).steady_ns(20).build();
        let mut talc = contender("talc").steady_ns(90).build();
        for row in [&mut floor, &mut talc] {
            let Figure::Known(figures) = &mut row.instructions else { unreachable!() };
            change(figures);
        }
        let results = Results { contenders: vec![talc, floor], ..sample::empty() };
        let table = lay_out(&table(&placings(&results)).unwrap(), 80);
        let lines = table.lines().skip_while(|line| !line.starts_with('─')).skip(1);
        lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn a_trace_without_operations_has_no_figures_per_operation() {
        assert_eq!(lines(|_| ()), ["talc 36.0 28.0 7,200,000", "null 8.00 0.00 1,600,000"]);
        assert_eq!(lines(|figures| figures.ops = 0), ["talc – – 7,200,000", "null – – 1,600,000"]);
    }
}
