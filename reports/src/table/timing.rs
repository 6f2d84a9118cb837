//! The second table of one trace: times without the harness, and against one contender.

use super::cells::{Row, UNKNOWN};
use super::comparisons;
use super::narrow::{narrow, whole};
use super::notes::reason;
use super::pair::{Pair, joined, widths};
use super::wrap::{printable, wrap};
use crate::numbers::{self, count};
use crate::reasons::by_reason;
use crate::results::{Figure, Results, Role};
use crate::stats::{Estimate, ROUNDS_FOR_95, Ratio, Regime, Verdict, net_ns_per_op, ratio_beside};
use crate::times;

/// What stands behind a ratio whose interval spans 1; the others have a blank there.
const INCONCLUSIVE: char = '?';

/// Decimals of a ratio below 10: three, as the fourth digit is where two good allocators differ.
const RATIO_DECIMALS: usize = 3;

/// Columns that the baseline's name may take in the head before it is broken.
const NAME_WIDTH: usize = 11;

/// The table with its legend.
pub(super) struct TimingTable {
    pub(super) text: String,
    /// What explains the columns, and the cells that are empty, below the table.
    pub(super) legend: Vec<String>,
}

/// The figures of one row, fresh and steady.
struct Line<'a> {
    name: &'a str,
    is_floor: bool,
    rounds: usize,
    /// Whether there are samples at all; the notes have the reason where there are none.
    timed: [bool; 2],
    net: [Figure<Estimate>; 2],
    ratio: [Figure<Ratio>; 2],
}

/// The table of the rows that were timed, in at most so many columns; nothing where there is none.
pub(super) fn timing(results: &Results, rows: &[Row], width: usize) -> Option<TimingTable> {
    let baseline = &results.settings.baseline;
    let rounds = |row: &Row| row.contender.time.known().map_or(0, |time| time.fresh_ns.len());
    let timed = rows.iter().map(|row| (row, rounds(row))).filter(|&(_, rounds)| rounds > 0);
    let lines: Vec<Line> = timed
        .map(|(Row { contender, .. }, rounds)| Line {
            name: &contender.name,
            is_floor: contender.role == Role::Floor,
            rounds,
            timed: Regime::ALL
                .map(|regime| contender.time.known().is_some_and(|time| !regime.samples(time).is_empty())),
            net: Regime::ALL.map(|regime| net_ns_per_op(results, contender, regime)),
            ratio: Regime::ALL.map(|regime| ratio_beside(results, contender, baseline, regime)),
        })
        .collect();
    if lines.is_empty() {
        return None;
    }
    let (header, beside) = build(results, &lines, false);
    let text = whole(&header, &beside, width).unwrap_or_else(|| {
        let (header, below) = build(results, &lines, true);
        narrow(header, below, width)
    });
    Some(TimingTable { text, legend: legend(results, &lines) })
}

/// The header, and the rows below it, with intervals below their medians or beside them.
fn build(results: &Results, lines: &[Line], interval_below: bool) -> (Vec<String>, Vec<Vec<String>>) {
    let baseline = &results.settings.baseline;
    let columns: Vec<Vec<Pair>> = [0, 1]
        .map(|at| lines.iter().map(|line| net_cells(&line.net[at])).collect())
        .into_iter()
        .chain([0, 1].map(|at| lines.iter().map(|line| ratio_cells(&line.ratio[at], line.name == baseline)).collect()))
        .collect();
    let widths: Vec<(usize, usize)> = columns.iter().map(|column| widths(column.iter().cloned())).collect();

    let baseline = wrap(baseline, NAME_WIDTH, 0).join(" \n");
    let header = vec![
        wrap(&times::heading("timed", &results.settings), NAME_WIDTH, 0).join("\n"),
        "net fresh \nns/op \n95 % CI ".to_owned(),
        "net steady \nns/op \n95 % CI ".to_owned(),
        format!("fresh × \n{baseline} \n95 % CI "),
        format!("steady × \n{baseline} \n95 % CI "),
    ];
    let row = |(index, line): (usize, &Line)| {
        let cells = columns.iter().zip(&widths);
        let cells = cells.map(|(column, &widths)| joined(column[index].clone(), widths, interval_below));
        [printable(line.name)].into_iter().chain(cells).collect()
    };
    (header, lines.iter().enumerate().map(row).collect())
}

/// A median with its interval, all with so many decimals.
fn cells(estimate: &Estimate, decimals: usize, mark: char) -> Pair {
    let interval = estimate.interval.map(|interval| {
        format!("{}–{}", numbers::fixed(interval.low, decimals), numbers::fixed(interval.high, decimals))
    });
    (format!("{}{mark}", numbers::fixed(estimate.value, decimals)), interval.unwrap_or_default())
}

fn net_cells(net: &Figure<Estimate>) -> Pair {
    match net {
        Figure::Known(estimate) => cells(estimate, numbers::decimals(estimate.value), ' '),
        Figure::Unknown { .. } => (format!("{UNKNOWN} "), String::new()),
    }
}

fn ratio_cells(ratio: &Figure<Ratio>, is_baseline: bool) -> Pair {
    match ratio {
        // Its ratio to itself is no measurement.
        Figure::Known(_) if is_baseline => ("1 ".to_owned(), String::new()),
        Figure::Known(Ratio { estimate, verdict }) => {
            let decimals = if estimate.value < 9.9995 { RATIO_DECIMALS } else { numbers::decimals(estimate.value) };
            cells(estimate, decimals, if *verdict == Verdict::Inconclusive { INCONCLUSIVE } else { ' ' })
        }
        Figure::Unknown { .. } => (format!("{UNKNOWN} "), String::new()),
    }
}

fn legend(results: &Results, lines: &[Line]) -> Vec<String> {
    let (baseline, rounds) = (&results.settings.baseline, results.settings.rounds);
    let mut legend = vec![format!(
        "Net is the time beyond the floor's, and × {baseline} the whole time over {baseline}'s, both formed within each round; medians with \
         their 95 % confidence intervals over the rounds. Below 1 is faster."
    )];
    let ratios = || lines.iter().filter(|line| line.name != *baseline).flat_map(|line| &line.ratio);
    if ratios().filter_map(Figure::known).any(|ratio| ratio.verdict == Verdict::Inconclusive) {
        legend.push(format!(
            "{INCONCLUSIVE} inconclusive: the interval contains 1, or there are fewer than {ROUNDS_FOR_95} rounds; they do not tell which of the two is faster."
        ));
    }
    legend.extend(comparisons::chance(results));
    legend.extend(comparisons::parting(results));
    let early = lines.iter().filter(|line| line.rounds < rounds as usize);
    let early =
        early.map(|line| (line.name, format!("timed in {} of {rounds} alone", count(line.rounds as u64, "round"))));
    legend.extend(by_reason(early).into_iter().map(|(names, what)| format!("{names}: {what}.")));
    let missing = lines.iter().flat_map(|line| {
        let net = timed(line, &line.net).filter(|_| !line.is_floor).filter_map(reason).map(|why| ("net time", why));
        let ratio = timed(line, &line.ratio).filter_map(reason).map(|why| ("ratio", why));
        let unknown: Vec<_> = net.chain(ratio).collect();
        unknown.into_iter().map(|(what, why)| (line.name, format!("no {what} ({UNKNOWN}): {why}")))
    });
    let mut missing: Vec<_> = missing.collect();
    missing.dedup();
    legend.extend(by_reason(missing).into_iter().map(|(names, why)| format!("{names}: {why}")));
    legend
}

/// The figures of those regimes that the row was timed in.
fn timed<'l, T>(line: &'l Line, figures: &'l [Figure<T>; 2]) -> impl Iterator<Item = &'l Figure<T>> {
    figures.iter().zip(line.timed).filter_map(|(figure, timed)| timed.then_some(figure))
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::results::{Contender, Time};
    use crate::sample::{self, contender};
    use crate::table::cells::rows;

    /// 200 operations a replay, and seven rounds, each a little slower: `tenths` of a nanosecond an operation, and so many
    /// thousandths more or less in each.
    fn timed(name: &str, tenths: u64, thousandths: [i64; 7]) -> Contender {
        let samples = |tenths: u64| {
            let sample = |(round, &more): (usize, &i64)| {
                (tenths * 20_000 * (10 + round as u64) / 10).saturating_add_signed(more * tenths as i64 * 20)
            };
            thousandths.iter().enumerate().map(sample).collect()
        };
        let time = Time { ops: 200_000, fresh_ns: samples(2 * tenths), steady_ns: samples(tenths), ..Time::default() };
        Contender { time: Figure::Known(time), ..contender(name).build() }
    }

    fn three() -> Results {
        let mut results = sample::empty();
        results.settings.rounds = 7;
        let floor = Contender { role: Role::Floor, ..timed("null", 35, [0; 7]) };
        results.contenders = vec![
            timed("dlmalloc", 200, [0; 7]),
            timed("segregated-bump", 100, [-30, -20, -10, 0, 10, 20, 30]),
            timed("talc", 201, [-30, -20, -10, 0, 10, 20, 30]),
            contender("broken").invalid(17, "block 3 overlaps block 2").build(),
            floor,
        ];
        results
    }

    fn table(results: &Results, width: usize) -> TimingTable {
        timing(results, &rows(results), width).unwrap()
    }

    #[test]
    fn looks_like_this_at_100_columns() {
        let table = table(&three(), 100);
        let expected = "\
timed                  net fresh         net steady              fresh ×             steady ×
                           ns/op              ns/op             dlmalloc             dlmalloc
                         95 % CI            95 % CI              95 % CI              95 % CI
───────────────────────────────────────────────────────────────────────────────────────────────
segregated-bump  16.9  13.5–20.3   8.45  6.75–10.15   0.500  0.489–0.507   0.500  0.489–0.507
dlmalloc         42.9  35.4–50.4   21.4   17.7–25.2       1                    1
talc             43.2  34.7–51.6   21.6   17.4–25.8   1.005? 0.984–1.020   1.005? 0.984–1.020
null                –                 –               0.175  0.175–0.175   0.175  0.175–0.175";
        assert_eq!(table.text, expected);
        let expected = [
            "Net is the time beyond the floor's, and × dlmalloc the whole time over dlmalloc's, both formed within each round; medians with \
             their 95 % confidence intervals over the rounds. Below 1 is faster.",
            "? inconclusive: the interval contains 1, or there are fewer than 6 rounds; they do not tell which of the two is faster.",
        ];
        assert_eq!(table.legend, expected);
    }

    #[test]
    fn looks_like_this_at_60_columns() {
        let table = table(&three(), 60);
        let expected = "\
timed            net fresh   net steady
                     ns/op        ns/op
                   95 % CI      95 % CI
─────────────────────────────────────────
segregated-bump       16.9         8.45
                 13.5–20.3   6.75–10.15
dlmalloc              42.9         21.4
                 35.4–50.4    17.7–25.2
talc                  43.2         21.6
                 34.7–51.6    17.4–25.8
null                     –            –

timed                fresh ×      steady ×
                    dlmalloc      dlmalloc
                     95 % CI       95 % CI
────────────────────────────────────────────
segregated-bump        0.500         0.500
                 0.489–0.507   0.489–0.507
dlmalloc                   1             1

talc                   1.005?        1.005?
                 0.984–1.020   0.984–1.020
null                   0.175         0.175
                 0.175–0.175   0.175–0.175";
        assert_eq!(table.text, expected);
    }

    #[test]
    fn nothing_exceeds_80_columns() {
        let mut results = three();
        results.settings.baseline = "buddy_system_allocator".into();
        results.contenders[0].name = "buddy_system_allocator".into();
        results.contenders[1] = timed("linked_list_allocator", 144_531, [-300, 0, 300, 0, 10, 20, 30]);
        let table = table(&results, 80);
        assert!(table.text.lines().all(|line| line.width() <= 80), "{}", table.text);
        for figure in ["buddy_syste", "m_allocator", "linked_list_allocat", "40,748", "28,706–44,775", "665–781"] {
            assert!(table.text.contains(figure), "{figure} in\n{}", table.text);
        }
    }

    #[test]
    fn what_is_not_there_has_its_reason() {
        let mut results = three();
        results.settings.baseline = "wee_alloc".into();
        results.contenders.pop();
        let table = table(&results, 100);
        let names = "segregated-bump, dlmalloc, talc";
        assert_eq!(
            table.legend[1..],
            [
                format!("{names}: no net time (–): the floor does not take part"),
                format!("{names}: no ratio (–): wee_alloc does not take part"),
            ]
        );
    }

    #[test]
    fn a_regime_that_a_row_was_not_timed_in_is_left_to_the_notes() {
        let mut results = three();
        let Figure::Known(time) = &mut results.contenders[2].time else { unreachable!() };
        time.steady_ns.clear();
        let table = table(&results, 100);
        assert_eq!(table.legend, super::timing(&three(), &rows(&three()), 100).unwrap().legend, "{:?}", table.legend);
        let talc = table.text.lines().find(|line| line.starts_with("talc")).unwrap();
        assert_eq!(talc.matches('–').count(), 4, "two intervals and two figures that are not there: {talc}");
    }

    #[test]
    fn times_that_are_no_program_s_are_called_so_in_the_heading() {
        let mut results = three();
        results.settings.touch = "none".into();
        let text = table(&results, 100).text;
        let heading: Vec<&str> = text.lines().take(3).map(|line| line.split("  ").next().unwrap().trim()).collect();
        assert_eq!(heading, ["timed,", "allocator", "code alone"]);
    }

    #[test]
    fn who_was_ended_early_is_named() {
        let mut results = three();
        let Figure::Known(time) = &mut results.contenders[1].time else { unreachable!() };
        time.fresh_ns.truncate(2);
        time.steady_ns.truncate(2);
        let table = table(&results, 100);
        assert_eq!(table.legend.last().unwrap(), "segregated-bump: timed in 2 rounds of 7 alone.");
    }

    #[test]
    fn chance_and_the_processor_s_time_are_told_where_there_is_something_to_tell() {
        let mut results = three();
        assert!(!table(&results, 100).legend.join("\n").contains("by chance"), "two verdicts of two rows each");
        results.contenders.extend(["a", "b", "c"].map(|name| timed(name, 200, [0; 7])));
        let Figure::Known(time) = &mut results.contenders[0].time else { unreachable!() };
        time.fresh_processor_ns = time.fresh_ns.clone();
        let Figure::Known(time) = &mut results.contenders[1].time else { unreachable!() };
        time.fresh_processor_ns = time.fresh_ns.iter().map(|ns| ns / 2).collect();
        let legend = table(&results, 100).legend;
        assert!(legend.contains(&crate::stats::expected_by_chance(10).unwrap()), "{legend:?}");
        let parts = "segregated-bump: fresh × dlmalloc 0.50 by wall time, 0.25 by the processor's time".to_owned();
        assert!(legend.contains(&parts), "{legend:?}");
    }

    #[test]
    fn there_is_none_where_nothing_was_timed() {
        let mut results = three();
        results.contenders.retain(|row| row.name == "broken");
        assert!(timing(&results, &rows(&results), 100).is_none());
    }
}
