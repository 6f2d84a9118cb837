//! The first look at a trace: one table of the contenders that can be shipped, with times relative to the reference.

use super::columns::{self, ColumnBuilder, failures, metric, peak, ratio_with};
use super::model::{Beside, CellShape, Sign, Table, TableColumn};
use super::notes;
use super::placing::Placing;
use super::terminal::{BEST, INCONCLUSIVE, lay_out};
use super::wrap::wrap;
use crate::numbers::{bytes, count, short};
use crate::prose::printable;
use crate::recommendation::LEGEND;
use crate::results::{Origin, Results, Role};
use crate::stats::{ROUNDS_FOR_95, Regime, gross_ns_per_op};
use crate::times;

/// Decimals of a ratio: its interval is rarely narrower, and the details have one more.
const RATIO_DECIMALS: usize = 2;

/// Columns that the reference's name may take in a heading before it is broken.
const NAME_WIDTH: usize = 11;

/// The trace in one sentence.
pub(super) fn caption(results: &Results) -> String {
    let trace = &results.trace;
    let origin = match trace.origin {
        Origin::Unstated => String::new(),
        origin => format!(" ({origin})"),
    };
    let rounds = match results.settings.rounds {
        0 => "not timed".to_owned(),
        rounds => count(rounds.into(), "round"),
    };
    format!(
        "{}{origin}: {}, at most {} live; {rounds}",
        printable(&trace.name),
        count(trace.events, "event"),
        bytes(trace.peak_live_bytes)
    )
}

/// The table for a terminal. If there is nothing that can be shipped, it has all rows.
pub(super) fn table(results: &Results, rows: &[Placing], width: usize) -> String {
    lay_out(&of_contenders(results, rows), width)
}

fn of_contenders(results: &Results, rows: &[Placing]) -> Table {
    let mut sources = Vec::new();
    if results.settings.rounds > 0 {
        sources.extend(Regime::ALL.map(|regime| time(results, regime)));
    }
    sources.push(peak(rows, None));
    // There is room for one of them.
    sources.push(match results.settings.min_heap {
        true => metric("minheap", rows)
            .each(|_, cell| cell.with(Beside::Nothing))
            .headed(|column| TableColumn { shape: CellShape::Marked, ..column.broken("min \npages ") }),
        false => metric("overhead", rows).headed(|column| column.broken("peak / \nlive ")),
    });
    sources.push(failures(rows));
    let table = columns::table("allocator", rows, sources).names_only();
    let none = table.rows.iter().all(|row| row.role != Role::Contender);
    table.of_rows(|row| none || row.role == Role::Contender)
}

/// The time over the reference's, with a mark where it is the best.
fn time(results: &Results, regime: Regime) -> ColumnBuilder<'_> {
    let baseline = wrap(&results.settings.baseline, NAME_WIDTH, 0).join(" \n");
    let heading = format!("{} × \n{baseline} ", regime.name());
    ratio_with(results, regime, RATIO_DECIMALS)
        .each(move |row, cell| {
            let fastest = if regime == Regime::Fresh { row.fastest_fresh } else { row.fastest_steady };
            if fastest { cell.marked(Sign::Best) } else { cell }
        })
        .headed(|column| column.broken(&heading))
}

/// What the reference's 1 is in nanoseconds, and what the marks mean, each a short line.
pub(super) fn legend(results: &Results, rows: &[Placing]) -> Vec<String> {
    let shippable = rows.iter().filter(|row| row.contender.role == Role::Contender);
    let marked = shippable.clone().any(|row| row.is_marked());
    let mut lines = Vec::new();
    if results.settings.rounds > 0 {
        let name = &results.settings.baseline;
        let baseline = results.contenders.iter().find(|row| row.name == *name);
        let of = |regime: Regime| {
            let time = gross_ns_per_op(baseline?, regime);
            Some(format!("{} ns {}", short(time.known()?.value), regime.name()))
        };
        let absolute: Vec<String> = Regime::ALL.into_iter().filter_map(of).collect();
        if !absolute.is_empty() {
            lines.push(format!("× {name} ({} per operation), with 95 % intervals.", absolute.join(", ")));
        }
        lines.extend(times::alone(&results.settings).map(|alone| format!("Times are of {alone}: see --explain.")));
    }
    // With a minimum heap there is no room for the ratio.
    if notes::some_failed(rows) && !results.settings.min_heap {
        lines.push(format!("Peak / live {}.", notes::OF_THE_SERVED));
    }
    let marks = marked.then(|| format!("{BEST} best or a tie, {INCONCLUSIVE} undecided. "));
    lines.push(format!("{}All figures: --details. What they mean: --explain.", marks.unwrap_or_default()));
    lines
}

/// How to read the columns and the recommendation, for those who ask.
pub(super) fn explanation(results: &Results, rows: &[Placing]) -> Vec<String> {
    let mut lines = notes::legend(results, rows, false);
    if results.settings.rounds > 0 {
        let baseline = &results.settings.baseline;
        lines.push(format!(
            "fresh × and steady × {baseline}: the time over {baseline}'s, formed within each round, and shown as the \
             median over the rounds. {INCONCLUSIVE} undecided: the interval contains 1, or there are fewer than \
             {ROUNDS_FOR_95} rounds."
        ));
    }
    lines.push(LEGEND.to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::super::text::{TextOptions, text};
    use crate::results::{Results, Warning, WarningCode};
    use crate::sample::{self, contender};

    fn at_80(results: &Results) -> String {
        text(results, TextOptions { width: Some(80), ..TextOptions::default() })
    }

    #[test]
    fn looks_like_this() {
        let mut results = sample::of_every_kind();
        let message = "two replays ran at once, which disturbs every time that was taken meanwhile.".to_owned();
        results.warnings = vec![Warning { code: WarningCode::NoisyMachine, message }];
        let expected = "\
serde-heavy (synthetic): 200,000 events, at most 1 MiB live; 15 rounds
allocator          fresh ×          steady ×      peak  peak /    failed
                  dlmalloc          dlmalloc       KiB    live
─────────────────────────────────────────────────────────────────────────
dlmalloc      1                 1               1,280*    1.25*        0
talc       0.75* 0.75–0.75   0.75* 0.75–0.75    1,408     1.38         0
wee_alloc  0.94  0.94–0.94   0.89  0.89–0.89   56,896     55.6        12
broken        –                 –               1,280     1.25   INVALID
× dlmalloc (12.5 ns fresh, 12.6 ns steady per operation), with 95 % intervals.
Peak / live where requests failed: of what was served, not of the whole trace.
* best or a tie, ? undecided. All figures: --details. What they mean: --explain.

committed heap over the run, by events, all on one scale, and its peak
(live)     ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁     1 MiB
dlmalloc   ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  1.25 MiB
talc       ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  1.38 MiB
wee_alloc  ▁▁▁▁▁▁▂▂▂▂▂▂▃▃▃▃▃▃▄▄▄▄▄▄▄▅▅▅▅▅▅▆▆▆▆▆▆▇▇▇▇▇▇▇███████████████  55.6 MiB
broken     ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  1.25 MiB

WARNING noisy-machine: two replays ran at once, which disturbs every time that …

broken: INVALID: failed verification at event 17: block 3 overlaps block 2
wee_alloc: 12 requests failed, first at event 4,711 (65,400 B)

What to ship, by serde-heavy:
Long-running: Ship talc: 0.75 × (0.75–0.75) the time of dlmalloc, 1.38 MiB at
  the peak.
Starts and ends: Ship talc: 0.75 × (0.75–0.75) the time of dlmalloc, 1.38 MiB at
  the peak.
Little memory: Ship dlmalloc (the reference): 1.25 MiB at the peak, 1.25 × the
  most that the program held.
Avoid: wee_alloc (did not serve the whole trace: requests failed), broken (did
  not serve the whole trace: failed verification).
This is one run of one program. For yours, record it with 'replay record'; for
  more, take --trace library.
";
        assert_eq!(at_80(&results), expected);
    }

    #[test]
    fn the_first_look_fits_a_screen_and_ends_with_what_to_run() {
        let names = ["dlmalloc", "talc", "wasmalloc", "wee_alloc", "segregated-bump", "swept-bump", "rlsf"];
        let contenders = names.map(|name| match name {
            "segregated-bump" | "wee_alloc" => {
                contender(name).pages(900).grows_by(423).fresh_ns(300).steady_ns(300).build()
            }
            _ => {
                let ns = 100 + name.len() as u64;
                contender(name).pages(ns).fresh_ns(ns).steady_ns(ns).build()
            }
        });
        let mut results = Results { contenders: contenders.into(), ..sample::results() };
        let message = "a reason that is longer than a line of a terminal can be, and then some more".to_owned();
        let warning = |code| Warning { code, message: message.clone() };
        for (warnings, has_footprints) in [(1, true), (5, false)] {
            results.warnings = vec![warning(WarningCode::NoisyMachine); warnings];
            let text = at_80(&results);
            assert!(text.lines().count() <= 40, "{} lines:\n{text}", text.lines().count());
            assert_eq!(text.contains("committed heap over the run"), has_footprints, "{text}");
            let last = text.split("\n\n").last().unwrap();
            assert!(last.starts_with("What to ship, by serde-heavy:\nLong-running: "), "{last}");
        }
    }

    #[test]
    fn without_rounds_there_are_no_columns_of_times() {
        let mut results = sample::results();
        results.settings.rounds = 0;
        assert!(!at_80(&results).contains("fresh ×") && at_80(&results).contains("live; not timed\n"));
    }

    #[test]
    fn a_minimum_heap_that_was_asked_for_has_a_column() {
        let mut results = Results { contenders: vec![contender("a").min_pages(18, 0).build()], ..sample::empty() };
        assert!(!at_80(&results).contains("   min "));
        results.settings.min_heap = true;
        assert!(at_80(&results).contains("   min "));
    }
}
