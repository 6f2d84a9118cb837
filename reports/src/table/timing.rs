//! The second table of a trace: net times, and ratios to the baseline.

use super::columns::{self, net, ratio};
use super::comparisons;
use super::model::{Sign, Table, TableCell, TableRow};
use super::placing::Placing;
use super::terminal::{INCONCLUSIVE, UNKNOWN};
use super::wrap::wrap;
use crate::numbers::count;
use crate::reasons::by_reason;
use crate::results::{self, Figure, Results, Role};
use crate::stats::{ROUNDS_FOR_95, Regime, net_ns_per_op};
use crate::times;

/// Columns that the baseline's name may take in the header before it is broken.
const NAME_WIDTH: usize = 11;

/// The table for a terminal, with the rows that were timed; `None` without any.
pub(super) fn table(results: &Results, rows: &[Placing]) -> Option<Table> {
    let baseline = wrap(&results.settings.baseline, NAME_WIDTH, 0).join(" \n");
    let [fresh, steady] = Regime::ALL;
    let sources = vec![
        net(results, fresh).headed(|column| column.broken("net fresh \nns/op \n95 % CI ")),
        net(results, steady).headed(|column| column.broken("net steady \nns/op \n95 % CI ")),
        ratio(results, fresh).headed(|column| column.broken(&format!("fresh × \n{baseline} \n95 % CI "))),
        ratio(results, steady).headed(|column| column.broken(&format!("steady × \n{baseline} \n95 % CI "))),
    ];
    let corner = wrap(&times::heading("timed", &results.settings), NAME_WIDTH, 0).join("\n");
    let table = columns::table(&corner, rows, sources).names_only();
    let table = table.of_rows(|row| rounds(results, &row.name, Regime::Fresh) > 0);
    (!table.rows.is_empty()).then(|| Table { legend: legend(results, &table.rows), ..table })
}

fn rounds(results: &Results, name: &str, regime: Regime) -> usize {
    let time = results.contenders.iter().find(|row| row.name == name).and_then(|row| row.time.known());
    time.map_or(0, |time| regime.samples(time).len())
}

fn legend(results: &Results, rows: &[TableRow]) -> Vec<String> {
    let (baseline, all) = (&results.settings.baseline, results.settings.rounds);
    let mut legend = vec![format!(
        "Net is the time less the floor's; × {baseline} is the gross time over {baseline}'s. Both are formed within each \
         round, and shown as medians with 95 % confidence intervals over the rounds. Below 1 is faster."
    )];
    let is_open = |cell: &TableCell| matches!(cell, TableCell::Figure { sign: Sign::Inconclusive, .. });
    if rows.iter().flat_map(|row| &row.cells).any(is_open) {
        legend.push(format!(
            "{INCONCLUSIVE} inconclusive: the interval contains 1, or there are fewer than {ROUNDS_FOR_95} rounds, so \
             it is not known which of the two is faster."
        ));
    }
    legend.extend(below_floor(results, rows));
    legend.extend(comparisons::chance(results));
    legend.extend(comparisons::parting(results));
    let early = rows.iter().filter_map(|row| {
        let rounds = rounds(results, &row.name, Regime::Fresh);
        let what = format!("timed in only {} of {all}", count(rounds as u64, "round"));
        (rounds < all as usize).then_some((row.name.as_str(), what))
    });
    legend.extend(by_reason(early).into_iter().map(|(names, what)| format!("{names}: {what}.")));
    let mut missing: Vec<_> = rows.iter().flat_map(|row| missing(results, row)).collect();
    missing.dedup();
    legend.extend(by_reason(missing).into_iter().map(|(names, why)| format!("{names}: {why}")));
    legend
}

/// Why a net time may be below 0, if one is.
fn below_floor(results: &Results, rows: &[TableRow]) -> Option<String> {
    let is_below = |row: &&results::Contender| {
        let net = Regime::ALL.map(|regime| net_ns_per_op(results, row, regime));
        net.iter().filter_map(Figure::known).any(|net| net.value < 0.0)
    };
    let shown = |row: &&results::Contender| rows.iter().any(|shown| shown.name == row.name);
    let names: Vec<_> = results.contenders.iter().filter(shown).filter(is_below).map(|row| row.name.as_str()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "{}: a net time below 0. The floor is called as often and writes as many bytes, so the work of the allocator is \
             hidden: the processor does it while it waits for something else, or disturbances outweigh it.",
            names.join(", ")
        )
    })
}

/// The figures that a row lacks, with the reasons. The notes cover a regime in which the row was not timed.
fn missing<'t>(results: &Results, row: &'t TableRow) -> impl Iterator<Item = (&'t str, String)> {
    let what = ["net time", "net time", "ratio", "ratio"].into_iter().zip(Regime::ALL.into_iter().cycle());
    let unknown = what.zip(&row.cells).filter_map(|((what, regime), cell)| match cell {
        // The floor has no net time by definition.
        TableCell::Unknown(_) if what == "net time" && row.role == Role::Floor => None,
        TableCell::Unknown(_) if rounds(results, &row.name, regime) == 0 => None,
        TableCell::Unknown(why) => Some((row.name.as_str(), format!("no {what} ({UNKNOWN}): {why}"))),
        _ => None,
    });
    unknown.collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::results::{Contender, Time};
    use crate::sample::{self, contender};
    use crate::table::placing::placings;
    use crate::table::terminal::lay_out;

    /// 200,000 operations per replay and seven rounds, each a little slower than the last: `tenths` of a nanosecond per
    /// operation, with these thousandths added in each round.
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

    struct Rendered {
        text: String,
        legend: Vec<String>,
    }

    fn table(results: &Results, width: usize) -> Rendered {
        let table = super::table(results, &placings(results)).unwrap();
        Rendered { text: lay_out(&table, width), legend: table.legend }
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
            "Net is the time less the floor's; × dlmalloc is the gross time over dlmalloc's. Both are formed within each \
             round, and shown as medians with 95 % confidence intervals over the rounds. Below 1 is faster.",
            "? inconclusive: the interval contains 1, or there are fewer than 6 rounds, so it is not known which of the two is faster.",
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
    fn missing_figures_have_their_reasons() {
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
    fn a_net_time_below_0_is_explained() {
        let mut results = three();
        results.contenders[4] = Contender { role: Role::Floor, ..timed("null", 150, [0; 7]) };
        let explained = |results: &Results| {
            let legend = table(results, 100).legend;
            legend.iter().filter(|line| line.contains("a net time below 0")).cloned().collect::<Vec<_>>()
        };
        let [line] = &explained(&results)[..] else { panic!("{:?}", explained(&results)) };
        assert!(line.starts_with("segregated-bump: a net time below 0. The floor is called as often"), "{line}");
        assert!(explained(&three()).is_empty());
    }

    #[test]
    fn a_regime_without_times_is_left_to_the_notes() {
        let mut results = three();
        let Figure::Known(time) = &mut results.contenders[2].time else { unreachable!() };
        time.steady_ns.clear();
        let table = table(&results, 100);
        assert_eq!(table.legend, self::table(&three(), 100).legend, "{:?}", table.legend);
        let talc = table.text.lines().find(|line| line.starts_with("talc")).unwrap();
        assert_eq!(talc.matches('–').count(), 4, "two missing intervals and two missing figures: {talc}");
    }

    #[test]
    fn times_of_allocator_code_alone_have_that_in_their_heading() {
        let mut results = three();
        results.settings.touch = crate::results::TouchPolicy::None;
        let text = table(&results, 100).text;
        let heading: Vec<&str> = text.lines().take(3).map(|line| line.split("  ").next().unwrap().trim()).collect();
        assert_eq!(heading, ["timed,", "allocator", "code alone"]);
    }

    #[test]
    fn allocators_that_were_ended_early_are_named() {
        let mut results = three();
        let Figure::Known(time) = &mut results.contenders[1].time else { unreachable!() };
        time.fresh_ns.truncate(2);
        time.steady_ns.truncate(2);
        let table = table(&results, 100);
        assert_eq!(table.legend.last().unwrap(), "segregated-bump: timed in only 2 rounds of 7.");
    }

    #[test]
    fn chance_and_processor_time_are_mentioned_if_they_matter() {
        let mut results = three();
        assert!(!table(&results, 100).legend.join("\n").contains("by chance"), "two verdicts of two rows each");
        results.contenders.extend(["a", "b", "c"].map(|name| timed(name, 200, [0; 7])));
        let Figure::Known(time) = &mut results.contenders[0].time else { unreachable!() };
        time.fresh_processor_ns = time.fresh_ns.clone();
        let Figure::Known(time) = &mut results.contenders[1].time else { unreachable!() };
        time.fresh_processor_ns = time.fresh_ns.iter().map(|ns| ns / 2).collect();
        let legend = table(&results, 100).legend;
        assert!(legend.contains(&crate::stats::expected_by_chance(10).unwrap()), "{legend:?}");
        let parts = "segregated-bump: fresh × dlmalloc 0.50 by wall time, 0.25 by processor time".to_owned();
        assert!(legend.contains(&parts), "{legend:?}");
    }

    #[test]
    fn there_is_no_table_if_nothing_was_timed() {
        let mut results = three();
        results.contenders.retain(|row| row.name == "broken");
        assert!(super::table(&results, &placings(&results)).is_none());
    }
}
