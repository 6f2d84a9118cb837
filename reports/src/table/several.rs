//! Several traces as text: a line for each, then the means over them, and what to ship.

use unicode_width::UnicodeWidthStr;

use super::advice;
use super::model::{CellShape, Sign, Table, TableCell, TableColumn};
use super::paragraphs::{Paint, Paragraphs};
use super::terminal::{UNKNOWN, lay_out};
use super::text::TextOptions;
use super::wrap::wrap;
use crate::growth::OverTraces;
use crate::label::by_settings;
use crate::numbers::{bytes, count, fixed};
use crate::prose::printable;
use crate::reasons::by_reason;
use crate::recommendation::{Advice, Recommendation, Situation};
use crate::results::{Figure, Origin, Results, Role};
use crate::stats::{Estimate, Measure, Regime, by_origin, common, completed, trust_in_mean};

/// Columns of a trace's name.
const TRACE_WIDTH: usize = 20;

/// Columns of a contender's name with the number that tie with it.
const NAME_WIDTH: usize = 19;

/// Columns of a figure.
const FIGURE_WIDTH: usize = 10;

/// The width from which figures have room beside the names.
const WITH_FIGURES: usize = TRACE_WIDTH + 3 * (NAME_WIDTH + FIGURE_WIDTH);

/// The measures of the means, in the order of the columns.
const MEASURES: [Measure; 3] = [Measure::Time(Regime::Fresh), Measure::Time(Regime::Steady), Measure::Footprint];

/// The heading above the [lines](line()) of several traces.
pub fn heading(options: TextOptions) -> String {
    let paint = Paint { color: options.color };
    let caption = "What to ship by each trace alone; +1: one more cannot be told apart from it";
    let caption: String = wrap(caption, options.width(), 2).iter().map(|line| paint.bold(line) + "\n").collect();
    let cells = Situation::ALL.map(|situation| (situation.name().to_owned(), String::new()));
    caption + &row("trace", cells, options)
}

/// A trace in one line: what to ship in each situation, with how many tie with it. There is a figure beside it if the
/// width allows: the time over the reference's, or the peak.
///
/// ```
/// use heaprace_reports::results::Results;
/// use heaprace_reports::table::{self, TextOptions};
///
/// fn show(all: &[Results]) {
///     let options = TextOptions::default();
///     print!("{}", table::heading(options));
///     for results in all {
///         print!("{}", table::line(results, options));
///     }
///     print!("\n{}", table::summary(all, options));
/// }
/// ```
pub fn line(results: &Results, options: TextOptions) -> String {
    let found = Recommendation::of(results);
    let cell = |situation: Situation| {
        let advice = found.advice.iter().find(|advice| advice.situation == situation);
        advice.map_or((UNKNOWN.to_owned(), String::new()), shown)
    };
    row(&printable(&results.trace.name), Situation::ALL.map(cell), options)
}

/// What an advice ships, and its figure.
fn shown(advice: &Advice) -> (String, String) {
    let Some((first, tied)) = advice.ship.split_first() else { return (UNKNOWN.to_owned(), String::new()) };
    let name = if tied.is_empty() { first.clone() } else { format!("{first} +{}", tied.len()) };
    let figure = match (advice.situation, &advice.beside_reference) {
        (Situation::LittleMemory, _) => advice.peak_heap_bytes.map(bytes),
        (_, Some(beside)) => Some(format!("{} ×", fixed(beside.ratio, 2))),
        (_, None) => None,
    };
    (name, figure.unwrap_or_default())
}

fn row(trace: &str, cells: [(String, String); 3], options: TextOptions) -> String {
    let with_figures = options.width() >= WITH_FIGURES;
    let mut line = padded(trace, TRACE_WIDTH);
    for (name, figure) in cells {
        line += &padded(&name, NAME_WIDTH);
        if with_figures {
            line += &padded(&figure, FIGURE_WIDTH);
        }
    }
    line.trim_end().to_owned() + "\n"
}

/// The text with blanks up to this many columns, and at least one.
fn padded(text: &str, columns: usize) -> String {
    let blanks = columns.saturating_sub(text.width()).max(1);
    format!("{text}{}", " ".repeat(blanks))
}

/// The means over several traces with their intervals, and what to ship: of each origin with two traces or more.
///
/// Results of several settings share no mean: each setting has its own.
pub fn summary(all: &[Results], options: TextOptions) -> String {
    let groups = by_settings(all);
    if groups.len() < 2 {
        return summary_of(all, options);
    }
    let paint = Paint { color: options.color };
    let each = groups.iter().map(|(settings, group)| {
        let heading: String = wrap(settings, options.width(), 2).iter().map(|line| paint.bold(line) + "\n").collect();
        format!("{heading}\n{}", summary_of(group, options))
    });
    each.collect::<Vec<_>>().join("\n")
}

fn summary_of(all: &[Results], options: TextOptions) -> String {
    let paint = Paint { color: options.color };
    let mut text = Paragraphs::new(options.width());
    let recommendations = Recommendation::over(all);
    for (origin, group) in by_origin(all).into_iter().filter(|(_, group)| group.len() > 1) {
        let caption = format!(
            "Geometric means over {} {}",
            count(group.len() as u64, "trace"),
            match origin {
                Origin::Recorded => "recorded from programs",
                Origin::Synthetic => "made by generators",
                Origin::Unstated => "of unstated origin",
            }
        );
        text.add(wrap(&caption, options.width(), 2).iter().map(|line| paint.bold(line)));
        let table = means(&group);
        text.add(lay_out(&table, options.width()).lines().map(|line| paint.table_line(line)));
        text.add_notes(&table.legend);
    }
    text.add_notes(&warnings(all));
    for recommendation in &recommendations {
        text.add(advice::lines(recommendation, options.width(), options.details, paint));
    }
    text.end()
}

/// The means of each contender, and on how many traces it grows or failed.
fn means(group: &[&Results]) -> Table {
    let Some(first) = group.first() else { return Table::new("allocator", Vec::new()) };
    let baseline = &first.settings.baseline;
    let found = MEASURES.map(|measure| common(group, baseline, measure));
    let columns = [
        format!("fresh × \n{baseline} \n95 % CI "),
        format!("steady × \n{baseline} \n95 % CI "),
        "peak / \nlive \n95 % CI ".to_owned(),
    ];
    let mut columns: Vec<TableColumn> = columns
        .iter()
        .map(|heading| {
            TableColumn::new("", heading.replace(" \n", " ").trim().to_owned(), CellShape::Paired).broken(heading)
        })
        .collect();
    columns.extend(["grows\non", "failed\non"].map(TableColumn::plain));
    let mut table = Table::new("allocator", columns);
    let mut names: Vec<&str> = Vec::new();
    for row in group.iter().flat_map(|results| &results.contenders).filter(|row| row.role == Role::Contender) {
        if !names.contains(&row.name.as_str()) {
            names.push(&row.name);
        }
    }
    let estimates = found.each_ref().map(|common| common.geometric_means());
    let of = |name: &str, measure: usize| -> Option<Estimate> {
        let at = found[measure].rows.iter().position(|row| row.name == name)?;
        estimates[measure].get(at).copied()
    };
    // By memory, as the table of a trace.
    names.sort_by(|one, other| {
        let memory = |name| of(name, 2).map_or(f64::INFINITY, |mean| mean.value);
        memory(one).total_cmp(&memory(other))
    });
    for name in names {
        let cell = |measure: usize| match of(name, measure) {
            // Its ratio to itself is not a measurement.
            Some(_) if name == baseline && measure < 2 => TableCell::figure(1.0, "1".into()),
            Some(mean) => TableCell::estimate(&Figure::Known(mean), Some(2), Sign::None),
            None => TableCell::Unknown("it did not complete enough of the traces".into()),
        };
        let rows = || group.iter().filter_map(|results| results.contenders.iter().find(|row| row.name == *name));
        let growing = OverTraces::of(name, group).going_on();
        let failed = rows().filter(|row| completed(row).is_err()).count();
        table.words("", name.to_owned(), []);
        let cells = &mut table.rows.last_mut().expect("it was just added").cells;
        cells.extend((0..MEASURES.len()).map(cell));
        cells.extend([growing, failed].map(|number| TableCell::Words(number.to_string())));
    }
    table.legend.extend(trust_in_mean(found[2].traces.len()));
    let counted = ["fresh", "steady", "peak"].into_iter().zip(&found).filter_map(|(what, common)| {
        let (traces, all) = (common.traces.len(), group.len());
        (traces < all).then(|| (what, format!("{traces} of {all} traces, which all in the mean completed.")))
    });
    table.legend.extend(by_reason(counted).into_iter().map(|(what, traces)| format!("{what}: {traces}")));
    table
}

/// How many traces have which warnings, in a line each.
fn warnings(all: &[Results]) -> Vec<String> {
    let mut codes: Vec<(&str, usize)> = Vec::new();
    for code in all.iter().flat_map(|results| &results.warnings).map(|warning| warning.code.name()) {
        match codes.iter_mut().find(|(known, _)| *known == code) {
            Some((_, number)) => *number += 1,
            None => codes.push((code, 1)),
        }
    }
    let text = |(code, number)| format!("WARNING {code} on {}: --details has the text.", count(number as u64, "trace"));
    codes.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Contender;
    use crate::sample::{self, contender};

    fn all() -> Vec<Results> {
        let contenders = |factor: u64| -> Vec<Contender> {
            vec![
                contender("bump").role(Role::Baseline).pages(1).fresh_ns(1).steady_ns(1).build(),
                contender("dlmalloc").pages(20).fresh_ns(200).steady_ns(200).build(),
                contender("talc").pages(22).fresh_ns(100 + factor).steady_ns(100 + factor).build(),
                contender("climber").pages(80).grows_by(9).fresh_ns(150).steady_ns(150).build(),
                contender("refuses").pages(1).failed_requests(factor % 2).build(),
            ]
        };
        let names = ["one", "two", "three", "four", "five", "six"];
        names.iter().enumerate().map(|(at, name)| sample::on(name, contenders(at as u64))).collect()
    }

    fn at(width: usize) -> TextOptions {
        TextOptions { width: Some(width), ..TextOptions::default() }
    }

    #[test]
    fn a_trace_is_a_line_with_figures_where_there_is_room() {
        let all = all();
        assert_eq!(line(&all[1], at(80)), "two                 talc               talc               dlmalloc\n");
        let wide = line(&all[1], at(120));
        assert!(wide.contains("talc               0.51 ×") && wide.trim_end().ends_with("1.25 MiB"), "{wide}");
        for width in [80, 120] {
            let heading = heading(at(width));
            let starts = |text: &str, word: &str| text.lines().last().and_then(|line| line.find(word));
            assert_eq!(starts(&heading, "long-running"), starts(&line(&all[1], at(width)), "talc"), "{heading}");
            let longest = heading.lines().map(str::width).max();
            assert!(longest <= Some(width), "{heading}");
        }
        let failed = sample::on("none", vec![contender("a").failed_requests(3).build()]);
        assert_eq!(line(&failed, at(80)).split_whitespace().collect::<Vec<_>>(), ["none", "–", "–", "–"]);
    }

    #[test]
    fn the_summary_has_means_with_intervals_and_says_on_how_many_traces_a_contender_grows_or_fails() {
        let text = summary(&all(), at(100));
        let of = |name: &str| -> Vec<String> {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name} in\n{text}"));
            line.split_whitespace().map(str::to_owned).collect()
        };
        assert_eq!(of("dlmalloc")[1..3], ["1", "1"], "{text}");
        let talc = of("talc");
        assert!(talc[1] == "0.51" && talc[2].contains('–') && talc[talc.len() - 2..] == ["0", "0"], "{text}");
        assert_eq!(of("climber")[of("climber").len() - 2..], ["6", "0"], "{text}");
        assert_eq!(of("refuses").last().unwrap(), "3", "{text}");
        assert!(!text.contains("\nbump"), "only what can be shipped: {text}");
        assert!(text.contains("What to ship, by 6 "), "{text}");
    }

    #[test]
    fn warnings_are_counted_over_the_traces() {
        use crate::results::{Warning, WarningCode};
        let mut all = all();
        for results in &mut all[..2] {
            results.warnings = vec![Warning { code: WarningCode::DirtyTree, message: "a long text".into() }];
        }
        let text = summary(&all, at(80));
        assert!(text.contains("\nWARNING dirty-tree on 2 traces: --details has the text.\n"), "{text}");
    }
}
