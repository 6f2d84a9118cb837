//! The rows of a table: their order, what is best in each column, and the text of each cell.

use std::cmp::Ordering;

use crate::numbers;
use crate::results::{Contender, Figure, Memory, Results, Role, Verification};
use crate::stats::{Estimate, Regime, gross_ns_per_op, marked_times, smallest, smallest_min_heap};

/// What stands where there is no figure; the notes say why.
pub(crate) const UNKNOWN: &str = "–";

/// What stands for the failures of a contender whose blocks were not what an allocator's must be.
pub(crate) const INVALID: &str = "INVALID";

/// What stands behind the best figure of a column; the others have a blank there, so that digits stay aligned.
const MARK: char = '*';

/// A contender with its timings as estimates, and whether its figures are among the best.
pub(crate) struct Row<'a> {
    pub(crate) contender: &'a Contender,
    pub(crate) fresh: Timing,
    pub(crate) steady: Timing,
    /// Whether no other contender needs fewer pages.
    pub(crate) smallest: bool,
    /// Whether no other contender can do with fewer pages.
    pub(crate) smallest_min: bool,
}

/// Nanoseconds per operation of one row.
#[derive(Default)]
pub(crate) struct Timing {
    pub(crate) ns_per_op: Option<Estimate>,
    /// Whether it is the fastest, or cannot be told apart from that.
    pub(crate) fastest: bool,
}

/// All rows in the order of the table: contenders by overhead and then by fresh time, behind them those that failed
/// requests and then those that failed verification; then the baselines, the ablations and the floor.
pub(crate) fn rows(results: &Results) -> Vec<Row<'_>> {
    let mut rows: Vec<Row> = results.contenders.iter().map(|contender| row(contender)).collect();
    rows.sort_by(in_table_order);
    mark_best(&mut rows, results);
    rows
}

fn row(contender: &Contender) -> Row<'_> {
    let timing = |regime| Timing { ns_per_op: gross_ns_per_op(contender, regime).known().copied(), fastest: false };
    Row {
        contender,
        fresh: timing(Regime::Fresh),
        steady: timing(Regime::Steady),
        smallest: false,
        smallest_min: false,
    }
}

fn in_table_order(one: &Row, other: &Row) -> Ordering {
    let group = |row: &Row| {
        let role = match row.contender.role {
            Role::Contender => 0,
            Role::Baseline => 1,
            Role::Ablation => 2,
            Role::Floor => 3,
        };
        (role, row.is_invalid(), row.failed_requests() > 0)
    };
    // What is not known comes last in its group.
    let overhead = |row: &Row| row.memory().map_or(f64::INFINITY, |memory| memory.overhead_ratio);
    let fresh = |row: &Row| row.fresh.ns_per_op.map_or(f64::INFINITY, |estimate| estimate.value);
    group(one)
        .cmp(&group(other))
        .then(overhead(one).total_cmp(&overhead(other)))
        .then(fresh(one).total_cmp(&fresh(other)))
}

/// Whether growth has to be shown: some row has not settled, so that it grows or may do so. Where nobody's growth is known there is nothing to
/// show.
pub(crate) fn growth_matters(rows: &[Row]) -> bool {
    let known = rows.iter().any(|row| row.growth().is_some());
    known && rows.iter().any(|row| row.memory().is_some() && row.growth() != Some(0))
}

/// Marks the best of each column. A single contender is not marked, as it was compared with none.
fn mark_best(rows: &mut [Row], results: &Results) {
    if rows.iter().filter(|row| row.contender.role == Role::Contender).count() < 2 {
        return;
    }
    let [fresh, steady] = [Regime::Fresh, Regime::Steady].map(|regime| marked_times(results, regime));
    let smallest = smallest(results).map(|found| found.contenders()).unwrap_or_default();
    let smallest_min = smallest_min_heap(results).map(|found| found.contenders()).unwrap_or_default();
    for row in rows {
        let is_in = |best: &[&Contender]| best.iter().any(|best| std::ptr::eq(*best, row.contender));
        (row.smallest, row.smallest_min) = (is_in(&smallest), is_in(&smallest_min));
        (row.fresh.fastest, row.steady.fastest) = (is_in(&fresh), is_in(&steady));
    }
}

impl Row<'_> {
    /// Whether it is the best at something.
    pub(crate) fn is_marked(&self) -> bool {
        self.smallest || self.smallest_min || self.fresh.fastest || self.steady.fastest
    }

    pub(crate) fn memory(&self) -> Option<&Memory> {
        self.contender.memory.known()
    }

    pub(crate) fn peak_bytes(&self) -> Option<u64> {
        self.memory().map(|memory| memory.peak_heap_bytes)
    }

    fn min_pages(&self) -> Option<u64> {
        self.contender.min_heap.known().map(|min| min.pages)
    }

    /// Pages that each further loop of the trace adds.
    pub(crate) fn growth(&self) -> Option<u64> {
        self.memory()?.growth.known().map(|growth| growth.per_loop_pages)
    }

    fn failed_requests(&self) -> u64 {
        self.memory().map_or(0, |memory| memory.failed_requests)
    }

    fn is_invalid(&self) -> bool {
        matches!(self.contender.verification, Verification::Failed { .. })
    }

    /// The text of a memory figure with its mark.
    pub(crate) fn memory_cell(&self, figure: impl Fn(&Memory) -> String) -> String {
        match self.memory() {
            Some(memory) => marked(figure(memory), self.smallest),
            None => marked(UNKNOWN.into(), false),
        }
    }

    /// The pages of the minimum heap with their mark.
    pub(crate) fn min_heap_cell(&self) -> String {
        marked(self.min_pages().map_or(UNKNOWN.into(), numbers::grouped), self.smallest_min)
    }

    /// The minimum heap over peak live, or nothing.
    pub(crate) fn min_heap_ratio_cell(&self) -> String {
        self.contender.min_heap.known().map(|min| numbers::short(min.ratio_to_max_live)).unwrap_or_default()
    }

    /// The pages of its growth.
    pub(crate) fn growth_cell(&self) -> String {
        self.growth().map_or(UNKNOWN.into(), numbers::grouped)
    }

    /// How many requests were answered with null, or that the blocks were wrong.
    pub(crate) fn failures_cell(&self) -> String {
        match &self.contender.memory {
            _ if self.is_invalid() => INVALID.into(),
            Figure::Known(memory) => numbers::grouped(memory.failed_requests),
            Figure::Unknown { .. } => UNKNOWN.into(),
        }
    }
}

impl Timing {
    /// The median with its mark.
    pub(crate) fn value_cell(&self) -> String {
        marked(self.ns_per_op.map_or(UNKNOWN.into(), |estimate| numbers::short(estimate.value)), self.fastest)
    }

    /// The interval with as many decimals as the median, or nothing.
    pub(crate) fn interval_cell(&self) -> String {
        let Some((value, interval)) = self.ns_per_op.and_then(|estimate| Some((estimate.value, estimate.interval?)))
        else {
            return String::new();
        };
        let decimals = numbers::decimals(value);
        format!("{}–{}", numbers::fixed(interval.low, decimals), numbers::fixed(interval.high, decimals))
    }
}

/// The text with its mark, or with a blank in its place.
pub(crate) fn marked(text: String, best: bool) -> String {
    format!("{text}{}", if best { MARK } else { ' ' })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, contender};

    fn names<'a>(rows: &[Row<'a>], which: fn(&Row) -> bool) -> Vec<&'a str> {
        rows.iter().filter(|row| which(row)).map(|row| row.contender.name.as_str()).collect()
    }

    #[test]
    fn order_is_role_then_soundness_then_overhead_then_fresh_time() {
        let mut results = sample::empty();
        results.contenders = vec![
            contender("null").role(Role::Floor).without_memory("hands out no memory").build(),
            contender("ablation").role(Role::Ablation).pages(1).build(),
            contender("bump").role(Role::Baseline).pages(1).build(),
            contender("broken").pages(1).invalid(17, "block 3 overlaps block 2").build(),
            contender("refuses").pages(1).failed_requests(12).build(),
            contender("unknown").without_memory("not accounted here").build(),
            contender("slow").pages(20).fresh_ns(30).build(),
            contender("quick").pages(20).fresh_ns(10).build(),
            contender("small").pages(19).fresh_ns(900).build(),
        ];
        let expected = ["small", "quick", "slow", "unknown", "refuses", "broken", "bump", "ablation", "null"];
        assert_eq!(names(&rows(&results), |_| true), expected);
    }

    #[test]
    fn only_who_is_known_to_serve_all_requests_can_be_best() {
        let mut results = sample::empty();
        results.contenders = vec![
            contender("a").pages(20).fresh_ns(12).steady_ns(40).build(),
            contender("b").pages(22).fresh_ns(20).steady_ns(9).build(),
            contender("refuses").pages(2).fresh_ns(1).steady_ns(1).failed_requests(1).build(),
            contender("broken").pages(2).fresh_ns(1).steady_ns(1).invalid(1, "outside the heap").build(),
            contender("unknown").without_memory("not accounted here").fresh_ns(1).steady_ns(1).build(),
            contender("bump").role(Role::Baseline).pages(2).fresh_ns(1).steady_ns(1).build(),
            contender("ablation").role(Role::Ablation).pages(2).fresh_ns(1).steady_ns(1).build(),
        ];
        let rows = rows(&results);
        assert_eq!(names(&rows, |row| row.smallest), ["a"]);
        assert_eq!(names(&rows, |row| row.fresh.fastest), ["a"]);
        assert_eq!(names(&rows, |row| row.steady.fastest), ["b"]);
    }

    #[test]
    fn the_smallest_minimum_heap_is_marked() {
        let mut results = sample::empty();
        results.contenders = vec![
            contender("a").pages(20).min_pages(20, 0).build(),
            contender("b").pages(22).min_pages(19, 0).build(),
            contender("unknown").without_min_heap("not accounted here").build(),
            contender("bump").role(Role::Baseline).pages(30).min_pages(2, 0).build(),
        ];
        let rows = rows(&results);
        assert_eq!(names(&rows, |row| row.smallest_min), ["b"]);
        let cells: Vec<_> = rows.iter().map(|row| (row.min_heap_cell(), row.min_heap_ratio_cell())).collect();
        assert_eq!(
            cells,
            [("20 ", "1.25"), ("– ", ""), ("19*", "1.19"), ("2 ", "0.12")]
                .map(|(pages, ratio)| (pages.into(), ratio.into()))
        );
    }

    /// b is faster in some rounds and slower in others; c is slower in each, if by less than the rounds differ.
    #[test]
    fn ties_are_all_marked() {
        let mut results = sample::empty();
        results.contenders = vec![
            contender("a").rounds_ns(&[100, 110, 120, 130, 140, 150, 160]).build(),
            contender("b").rounds_ns(&[101, 108, 121, 128, 141, 148, 161]).build(),
            contender("c").rounds_ns(&[102, 112, 122, 132, 142, 152, 162]).pages(21).build(),
        ];
        let rows = rows(&results);
        assert_eq!(names(&rows, |row| row.smallest), ["b", "a"]);
        assert_eq!(names(&rows, |row| row.fresh.fastest), ["b", "a"]);
    }

    #[test]
    fn timings_of_several_runs_are_not_marked() {
        let results = sample::of_several_runs();
        let rows = rows(&results);
        assert!(names(&rows, |row| row.fresh.fastest || row.steady.fastest).is_empty());
        assert_eq!(names(&rows, |row| row.smallest), ["a"], "memory is exact, wherever it was measured");
    }

    #[test]
    fn nothing_is_fastest_over_few_rounds_and_nothing_is_best_alone() {
        let mut results = sample::empty();
        for (rounds_of_each, marked) in [(1, 0), (5, 0), (6, 1)] {
            let of = |name: &str, ns| contender(name).rounds(rounds_of_each).fresh_ns(ns).steady_ns(ns).build();
            results.contenders = vec![of("a", 10), of("b", 20)];
            let found = rows(&results);
            assert_eq!(names(&found, |row| row.fresh.fastest || row.steady.fastest).len(), marked, "{rounds_of_each}");
        }
        results.contenders = vec![contender("a").build(), contender("bump").role(Role::Baseline).build()];
        assert!(names(&rows(&results), |row| row.smallest || row.fresh.fastest).is_empty());
    }

    #[test]
    fn cells_keep_the_decimals_of_the_median_and_a_place_for_the_mark() {
        let timing = |value, low, high| Timing {
            ns_per_op: Some(Estimate { value, interval: Some(crate::stats::Interval { low, high }) }),
            fastest: true,
        };
        let cells = |timing: Timing| (timing.value_cell(), timing.interval_cell());
        assert_eq!(cells(timing(18.5, 9.21, 100.4)), ("18.5*".into(), "9.2–100.4".into()));
        assert_eq!(cells(timing(1445.3, 1401.0, 1502.8)), ("1,445*".into(), "1,401–1,503".into()));
        assert_eq!(cells(Timing::default()), ("– ".into(), String::new()));
    }
}
