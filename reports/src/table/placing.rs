//! The contenders of a trace in table order, with the categories in which each is best.

use std::cmp::Ordering;

use crate::results::{Contender, Memory, Results, Role, Verification};
use crate::stats::{Estimate, Regime, gross_ns_per_op, marked_times, smallest, smallest_min_heap};

/// A contender, with the categories in which it is best.
pub(crate) struct Placing<'a> {
    pub(crate) contender: &'a Contender,
    /// Whether it is the fastest for a program that starts, or cannot be told apart from the fastest.
    pub(crate) fastest_fresh: bool,
    /// The same for a program that runs on.
    pub(crate) fastest_steady: bool,
    /// Whether no other contender needs fewer pages.
    pub(crate) smallest: bool,
    /// Whether no other contender has a smaller minimum heap.
    pub(crate) smallest_min: bool,
}

/// All contenders in table order: by overhead, then by fresh time; then those that failed requests, those that failed
/// verification, the yardsticks, the ablations and the floor.
pub(crate) fn placings(results: &Results) -> Vec<Placing<'_>> {
    placings_by(results, marked_times)
}

/// The same, with this rule for the times to mark.
pub(crate) fn placings_by<'r>(
    results: &'r Results,
    marked: impl Fn(&'r Results, Regime) -> Vec<&'r Contender>,
) -> Vec<Placing<'r>> {
    let mut contenders: Vec<&Contender> = results.contenders.iter().collect();
    contenders.sort_by(|one, other| in_table_order(one, other));
    // A single contender is compared with no other, so it is best at nothing.
    let alone = contenders.iter().filter(|row| row.role == Role::Contender).count() < 2;
    let [fresh, steady] = [Regime::Fresh, Regime::Steady].map(|regime| marked(results, regime));
    let smallest = smallest(results).map(|found| found.contenders()).unwrap_or_default();
    let smallest_min = smallest_min_heap(results).map(|found| found.contenders()).unwrap_or_default();
    let placing = |contender: &'r Contender| {
        let is_in = |best: &[&Contender]| !alone && best.iter().any(|best| std::ptr::eq(*best, contender));
        Placing {
            contender,
            fastest_fresh: is_in(&fresh),
            fastest_steady: is_in(&steady),
            smallest: is_in(&smallest),
            smallest_min: is_in(&smallest_min),
        }
    };
    contenders.into_iter().map(placing).collect()
}

fn in_table_order(one: &Contender, other: &Contender) -> Ordering {
    let group = |row: &Contender| {
        let role = match row.role {
            Role::Contender => 0,
            Role::Baseline => 1,
            Role::Ablation => 2,
            Role::Floor => 3,
        };
        let failed_requests = row.memory.known().is_some_and(|memory| memory.failed_requests > 0);
        (role, matches!(row.verification, Verification::Failed { .. }), failed_requests)
    };
    // Unknown figures come last in their group.
    let overhead = |row: &Contender| row.memory.known().map_or(f64::INFINITY, |memory| memory.overhead_ratio);
    let fresh = |row: &Contender| {
        gross_ns_per_op(row, Regime::Fresh).known().map_or(f64::INFINITY, |Estimate { value, .. }| *value)
    };
    group(one)
        .cmp(&group(other))
        .then(overhead(one).total_cmp(&overhead(other)))
        .then(fresh(one).total_cmp(&fresh(other)))
}

/// Whether to show growth: some heap has not settled, so it grows or may grow. If no growth is known, there is nothing
/// to show.
pub(crate) fn growth_matters(rows: &[Placing]) -> bool {
    let known = rows.iter().any(|row| row.growth().is_some());
    known && rows.iter().any(|row| row.memory().is_some() && row.growth() != Some(0))
}

impl<'a> Placing<'a> {
    /// Whether it is the best in some category.
    pub(crate) fn is_marked(&self) -> bool {
        self.smallest || self.smallest_min || self.fastest_fresh || self.fastest_steady
    }

    pub(crate) fn memory(&self) -> Option<&'a Memory> {
        self.contender.memory.known()
    }

    /// Pages that each further loop of the trace adds.
    pub(crate) fn growth(&self) -> Option<u64> {
        self.memory()?.growth.known().map(|growth| growth.per_loop_pages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, contender};

    fn names<'a>(rows: &[Placing<'a>], which: fn(&Placing) -> bool) -> Vec<&'a str> {
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
        assert_eq!(names(&placings(&results), |_| true), expected);
    }

    #[test]
    fn only_contenders_known_to_serve_all_requests_can_be_best() {
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
        let rows = placings(&results);
        assert_eq!(names(&rows, |row| row.smallest), ["a"]);
        assert_eq!(names(&rows, |row| row.fastest_fresh), ["a"]);
        assert_eq!(names(&rows, |row| row.fastest_steady), ["b"]);
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
        let rows = placings(&results);
        assert_eq!(names(&rows, |row| row.smallest_min), ["b"]);
    }

    /// b is faster in some rounds and slower in others; c is slower in each, but by less than rounds differ.
    #[test]
    fn ties_are_all_marked() {
        let mut results = sample::empty();
        results.contenders = vec![
            contender("a").rounds_ns(&[100, 110, 120, 130, 140, 150, 160]).build(),
            contender("b").rounds_ns(&[101, 108, 121, 128, 141, 148, 161]).build(),
            contender("c").rounds_ns(&[102, 112, 122, 132, 142, 152, 162]).pages(21).build(),
        ];
        let rows = placings(&results);
        assert_eq!(names(&rows, |row| row.smallest), ["b", "a"]);
        assert_eq!(names(&rows, |row| row.fastest_fresh), ["b", "a"]);
    }

    #[test]
    fn timings_of_several_runs_are_not_marked() {
        let results = sample::of_several_runs();
        let rows = placings(&results);
        assert!(names(&rows, |row| row.fastest_fresh || row.fastest_steady).is_empty());
        assert_eq!(names(&rows, |row| row.smallest), ["a"], "memory is exact, whichever run measured it");
    }

    #[test]
    fn no_contender_is_fastest_over_few_rounds_or_best_alone() {
        let mut results = sample::empty();
        for (rounds_of_each, marked) in [(1, 0), (5, 0), (6, 1)] {
            let of = |name: &str, ns| contender(name).rounds(rounds_of_each).fresh_ns(ns).steady_ns(ns).build();
            results.contenders = vec![of("a", 10), of("b", 20)];
            let found = placings(&results);
            assert_eq!(names(&found, |row| row.fastest_fresh || row.fastest_steady).len(), marked, "{rounds_of_each}");
        }
        results.contenders = vec![contender("a").build(), contender("bump").role(Role::Baseline).build()];
        assert!(names(&placings(&results), |row| row.smallest || row.fastest_fresh).is_empty());
    }
}
