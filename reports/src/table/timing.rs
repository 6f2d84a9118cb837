//! The second table of one trace: times without the harness, and against one contender.

use super::cells::{Row, UNKNOWN};
use super::narrow::{narrow, whole};
use super::notes::reason;
use super::pair::{Pair, joined, widths};
use super::wrap::{printable, wrap};
use crate::numbers::{self, count};
use crate::reasons::by_reason;
use crate::results::{Figure, Results, Role};
use crate::stats::{Estimate, Ratio, Temperature, Verdict, net_ns_per_op, ratio_beside};

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

/// The figures of one row, cold and warm.
struct Line<'a> {
    name: &'a str,
    is_floor: bool,
    rounds: usize,
    net: [Figure<Estimate>; 2],
    ratio: [Figure<Ratio>; 2],
}

/// The table of the rows that were timed, in at most so many columns; nothing where there is none.
pub(super) fn timing(results: &Results, rows: &[Row], width: usize) -> Option<TimingTable> {
    let baseline = &results.settings.baseline;
    let rounds = |row: &Row| row.contender.time.known().map_or(0, |time| time.cold_ns.len());
    let timed = rows.iter().map(|row| (row, rounds(row))).filter(|&(_, rounds)| rounds > 0);
    let lines: Vec<Line> = timed
        .map(|(Row { contender, .. }, rounds)| Line {
            name: &contender.name,
            is_floor: contender.role == Role::Floor,
            rounds,
            net: Temperature::ALL.map(|temperature| net_ns_per_op(results, contender, temperature)),
            ratio: Temperature::ALL.map(|temperature| ratio_beside(results, contender, baseline, temperature)),
        })
        .collect();
    if lines.is_empty() {
        return None;
    }
    let (header, beside) = build(&lines, baseline, false);
    let text = whole(&header, &beside, width).unwrap_or_else(|| {
        let (header, below) = build(&lines, baseline, true);
        narrow(header, below, width)
    });
    Some(TimingTable { text, legend: legend(&lines, baseline, results.settings.rounds) })
}

/// The header, and the rows below it, with intervals below their medians or beside them.
fn build(lines: &[Line], baseline: &str, interval_below: bool) -> (Vec<String>, Vec<Vec<String>>) {
    let columns: Vec<Vec<Pair>> = [0, 1]
        .map(|at| lines.iter().map(|line| net_cells(&line.net[at])).collect())
        .into_iter()
        .chain([0, 1].map(|at| lines.iter().map(|line| ratio_cells(&line.ratio[at], line.name == baseline)).collect()))
        .collect();
    let widths: Vec<(usize, usize)> = columns.iter().map(|column| widths(column.iter().cloned())).collect();

    let baseline = wrap(baseline, NAME_WIDTH, 0).join(" \n");
    let header = vec![
        "timed".to_owned(),
        "net cold \nns/op \n95 % CI ".to_owned(),
        "net warm \nns/op \n95 % CI ".to_owned(),
        format!("cold × \n{baseline} \n95 % CI "),
        format!("warm × \n{baseline} \n95 % CI "),
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

fn legend(lines: &[Line], baseline: &str, rounds: u32) -> Vec<String> {
    let mut legend = vec![format!(
        "Net is the time beyond the floor's, and × {baseline} the whole time over {baseline}'s, both formed within each round; medians with \
         their 95 % confidence intervals over the rounds. Below 1 is faster."
    )];
    let ratios = || lines.iter().filter(|line| line.name != baseline).flat_map(|line| &line.ratio);
    if ratios().filter_map(Figure::known).any(|ratio| ratio.verdict == Verdict::Inconclusive) {
        legend.push(format!(
            "{INCONCLUSIVE} inconclusive: the interval spans 1, or there is none, and these rounds do not tell which of the two is faster."
        ));
    }
    let early = lines.iter().filter(|line| line.rounds < rounds as usize);
    let early =
        early.map(|line| (line.name, format!("timed in {} of {rounds} alone", count(line.rounds as u64, "round"))));
    legend.extend(by_reason(early).into_iter().map(|(names, what)| format!("{names}: {what}.")));
    let missing = lines.iter().flat_map(|line| {
        let net = line.net.iter().filter(|_| !line.is_floor).filter_map(reason).map(|why| ("net time", why));
        let ratio = line.ratio.iter().filter_map(reason).map(|why| ("ratio", why));
        let unknown: Vec<_> = net.chain(ratio).collect();
        unknown.into_iter().map(|(what, why)| (line.name, format!("no {what} ({UNKNOWN}): {why}")))
    });
    let mut missing: Vec<_> = missing.collect();
    missing.dedup();
    legend.extend(by_reason(missing).into_iter().map(|(names, why)| format!("{names}: {why}")));
    legend
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
        let time =
            Time { ops: 200_000, cold_ns: samples(2 * tenths), warm_ns: samples(tenths), companions: Vec::new() };
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
timed                   net cold          net warm               cold ×               warm ×
                           ns/op             ns/op             dlmalloc             dlmalloc
                         95 % CI           95 % CI              95 % CI              95 % CI
──────────────────────────────────────────────────────────────────────────────────────────────
segregated-bump  16.9  13.9–19.9   8.45  6.95–9.95   0.500  0.491–0.507   0.500  0.491–0.507
dlmalloc         42.9  36.3–49.5   21.4  18.1–24.8       1                    1
talc             43.2  35.7–50.6   21.6  17.9–25.3   1.005? 0.987–1.018   1.005? 0.987–1.018
null                –                 –              0.175  0.175–0.175   0.175  0.175–0.175";
        assert_eq!(table.text, expected);
        let expected = [
            "Net is the time beyond the floor's, and × dlmalloc the whole time over dlmalloc's, both formed within each round; medians with \
             their 95 % confidence intervals over the rounds. Below 1 is faster.",
            "? inconclusive: the interval spans 1, or there is none, and these rounds do not tell which of the two is faster.",
        ];
        assert_eq!(table.legend, expected);
    }

    #[test]
    fn looks_like_this_at_60_columns() {
        let table = table(&three(), 60);
        let expected = "\
timed             net cold    net warm
                     ns/op       ns/op
                   95 % CI     95 % CI
────────────────────────────────────────
segregated-bump       16.9        8.45
                 13.9–19.9   6.95–9.95
dlmalloc              42.9        21.4
                 36.3–49.5   18.1–24.8
talc                  43.2        21.6
                 35.7–50.6   17.9–25.3
null                     –           –

timed                 cold ×        warm ×
                    dlmalloc      dlmalloc
                     95 % CI       95 % CI
────────────────────────────────────────────
segregated-bump        0.500         0.500
                 0.491–0.507   0.491–0.507
dlmalloc                   1             1

talc                   1.005?        1.005?
                 0.987–1.018   0.987–1.018
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
        for figure in ["buddy_syste", "m_allocator", "linked_list_allocat", "40,748", "31,789–43,927", "723–736"] {
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
    fn who_was_ended_early_is_named() {
        let mut results = three();
        let Figure::Known(time) = &mut results.contenders[1].time else { unreachable!() };
        time.cold_ns.truncate(2);
        time.warm_ns.truncate(2);
        let table = table(&results, 100);
        assert_eq!(table.legend.last().unwrap(), "segregated-bump: timed in 2 rounds of 7 alone.");
    }

    #[test]
    fn there_is_none_where_nothing_was_timed() {
        let mut results = three();
        results.contenders.retain(|row| row.name == "broken");
        assert!(timing(&results, &rows(&results), 100).is_none());
    }
}
