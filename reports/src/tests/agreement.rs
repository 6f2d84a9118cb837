//! Holds table, page and exports to naming the same contenders as the fastest, and proves that the check can fail.

use crate::export;
use crate::results::{Contender, Results};
use crate::sample::{self, contender};
use crate::stats::{Fastest, Regime, fastest, gross_ns_per_op};
use crate::table::TextOptions;
use crate::table::placing::{Placing, placings, placings_by};
use crate::table::text::text_of;

/// The names that each output marks as the fastest for a program that starts.
type MarkedNames = Vec<(&'static str, Vec<String>)>;

/// The first word of each row that has a mark.
fn rows_with<'t>(lines: impl Iterator<Item = &'t str>, is_marked: impl Fn(&str) -> bool) -> Vec<String> {
    let mut names: Vec<String> =
        lines.filter(|line| is_marked(line)).filter_map(|line| Some(line.split_whitespace().next()?.into())).collect();
    names.sort();
    names
}

fn file(results: &Results, format: &str) -> String {
    let exporter = export::ALL.iter().find(|exporter| exporter.format == format).expect("it is built in");
    let file = exporter.file(std::slice::from_ref(results), &export::ExportColumns::default()).expect("it is a file");
    String::from_utf8(file.unwrap()).unwrap()
}

/// The names that each output marks, read from the output itself; the text uses these placings.
fn marked_with(results: &Results, placings: &[Placing]) -> MarkedNames {
    let text = text_of(results, placings, TextOptions { details: true, ..TextOptions::default() });
    let rows = text.lines().skip_while(|line| !line.starts_with('─')).take_while(|line| !line.is_empty());
    let in_text = rows_with(rows, |line| line.split_whitespace().nth(2).is_some_and(|median| median.ends_with('*')));
    let markdown = file(results, "markdown");
    let rows = markdown.lines().filter_map(|line| line.strip_prefix("| "));
    let in_markdown = rows_with(rows, |row| row.split(" | ").nth(1).is_some_and(|cell| cell.starts_with("**")));
    let latex = file(results, "latex");
    let in_latex =
        rows_with(latex.lines(), |row| row.split(" & ").nth(1).is_some_and(|cell| cell.starts_with("\\textbf")));
    let page = file(results, "html");
    let rows = page.split("<caption>Time</caption>").nth(1).unwrap().split("</table>").next().unwrap();
    let rows = rows.split("<tr data-contender=\"").skip(1);
    let rows: Vec<String> = rows.map(|row| row.replacen('"', " ", 1)).collect();
    let in_page = rows_with(rows.iter().map(String::as_str), |row| row.contains("</th><td class=\"best\""));
    let answer = page.split("Fastest for a program that starts</h3>").nth(1).unwrap().split("</p>").next().unwrap();
    let mut in_words: Vec<String> =
        answer.split("data-swatch=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    in_words.sort();
    vec![
        ("text", in_text),
        ("markdown", in_markdown),
        ("latex", in_latex),
        ("page's table", in_page),
        ("page's words", in_words),
    ]
}

fn marked(results: &Results) -> MarkedNames {
    marked_with(results, &placings(results))
}

/// The outputs that do not mark the same names as the first output.
fn disagreeing(marked: &MarkedNames) -> Vec<&'static str> {
    marked.iter().filter(|(_, names)| *names != marked[0].1).map(|(output, _)| *output).collect()
}

/// On a machine that gets slower round by round, `quick` is 2 % faster in each round. The intervals of the medians
/// overlap widely.
fn overlapping() -> Results {
    let ns = |share: u64| [100, 120, 140, 160, 180, 200, 220].map(|round| round * share);
    let of = |name: &str, share| contender(name).rounds_ns(&ns(share)).build();
    Results { contenders: vec![of("slow", 102), of("quick", 100)], ..sample::empty() }
}

/// The rule of overlapping intervals, which ignores rounds.
fn by_overlap(results: &Results, regime: Regime) -> Vec<&Contender> {
    let time = |row: &Contender| *gross_ns_per_op(row, regime).known().unwrap();
    let lowest = results.contenders.iter().map(time).min_by(|one, other| one.value.total_cmp(&other.value)).unwrap();
    let overlaps = |row: &&Contender| time(row).interval.unwrap().overlaps(lowest.interval.unwrap());
    results.contenders.iter().filter(overlaps).collect()
}

#[test]
fn all_outputs_name_the_contender_that_is_faster_in_every_round() {
    let results = overlapping();
    assert_eq!(by_overlap(&results, Regime::Fresh).len(), 2, "the intervals overlap");
    assert!(matches!(fastest(&results, Regime::Fresh), Fastest::Clear { best, .. } if best.name == "quick"));
    let found = marked(&results);
    assert_eq!(found[0].1, ["quick"], "{found:?}");
    assert_eq!(disagreeing(&found), [""; 0], "{found:?}");
}

#[test]
fn all_outputs_name_tied_contenders_and_none_over_few_rounds() {
    let mut results = overlapping();
    results.contenders[0] =
        contender("slow").rounds_ns(&[9_900, 12_100, 13_900, 16_100, 17_900, 20_100, 21_900]).build();
    let found = marked(&results);
    assert_eq!(found[0].1, ["quick", "slow"], "{found:?}");
    assert_eq!(disagreeing(&found), [""; 0], "{found:?}");
    results.contenders = ["a", "b"].map(|name| contender(name).rounds(5).build()).into();
    let found = marked(&results);
    assert_eq!(found[0].1, [""; 0], "{found:?}");
    assert_eq!(disagreeing(&found), [""; 0], "{found:?}");
}

/// The check finds an output that marks by another rule.
#[test]
fn a_table_that_marks_by_overlap_is_found() {
    let results = overlapping();
    let found = marked_with(&results, &placings_by(&results, by_overlap));
    assert_eq!(found[0].1, ["quick", "slow"], "{found:?}");
    assert_eq!(disagreeing(&found), ["markdown", "latex", "page's table", "page's words"], "{found:?}");
}
