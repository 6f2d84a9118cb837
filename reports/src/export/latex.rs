//! LaTeX: a `tabular` with booktabs rules, for `\input` into a table of a paper. Several traces are groups of rows.
//!
//! The narrow columns fit one column of a two-column paper: small print, units in a line of their own, intervals as
//! raised and lowered differences, versions in the comments. What failed has words in place of its figures, because
//! there is no room for a column that says so.

#[cfg(test)]
mod width;

use super::columns::ExportColumns;
use crate::ReportError;
use crate::label::labelled;
use crate::numbers::{count, fixed};
use crate::prose::and;
use crate::results::{Contender, Results, Role, Verification};
use crate::stats::Regime;
use crate::table::model::{Beside, Sign, Table, TableCell, TableRow};
use crate::table::notes;
use crate::table::overview::for_exports;
use crate::table::placing::{growth_matters, placings};
use crate::times;

/// Columns that have a shorter heading than elsewhere, because the comments above the table explain them.
const HEADINGS: [(&str, &str); 6] = [
    ("fresh", "Fresh [ns]"),
    ("steady", "Steady [ns]"),
    ("peak", "Peak"),
    ("overhead", "Overhead"),
    ("growth", "Growth"),
    ("refused", "Failed"),
];

/// The headings and units of the narrow columns.
const NARROW_HEADINGS: [(&str, &str, &str); 4] = [
    ("fresh", "Fresh", "ns"),
    ("steady", "Steady", "ns"),
    ("overhead", "Heap", "$\\times$ live"),
    ("growth", "Growth", "pages"),
];

/// The print of the narrow table. Its size does not depend on that of the paper's text.
const NARROW_PRINT: &str = "{\\fontsize{8}{9.5}\\selectfont\\setlength{\\tabcolsep}{1.8pt}%\n";

pub(super) fn latex(all: &[Results], chosen: &ExportColumns) -> Result<Vec<u8>, ReportError> {
    let mut text = String::from(
        "% Written by Heaprace. The preamble needs \\usepackage{booktabs}.\n\
         % Times in ns per operation: medians with their 95 % confidence intervals. Peak: most committed heap; overhead: over peak live;\n\
         % growth: pages that each further loop of the trace adds.\n",
    );
    text += &format!("% Bold: {}. Times of several runs are never bold.\n", notes::marks(true, "bold"));
    for regime in Regime::ALL {
        text += &format!("% {}: {}.\n", regime.name(), times::timed(regime));
    }
    let all = &*labelled(all);
    for results in all {
        let lines = [notes::caption(results), notes::provenance(results)];
        for line in lines.into_iter().chain(notes::warnings(results)) {
            text += &format!("% {}\n", plain(&line));
        }
    }
    let placings: Vec<_> = all.iter().map(placings).collect();
    let grows = placings.iter().any(|rows| growth_matters(rows));
    let names = chosen.shown(grows);
    let tables: Vec<Table> =
        all.iter().zip(&placings).map(|(results, rows)| for_exports(results, rows, &names)).collect();
    let heading = |(at, name): (usize, &&str)| {
        let short = if chosen.are_narrow() {
            NARROW_HEADINGS.iter().find(|(known, ..)| known == name).map(|(_, heading, _)| (*heading).to_owned())
        } else {
            HEADINGS.iter().find(|(known, _)| known == name).map(|(_, heading)| (*heading).to_owned())
        };
        let full = || tables.first().map_or(String::new(), |table| escaped(&table.columns[at].heading));
        short.unwrap_or_else(full)
    };
    let headings: Vec<String> = names.iter().enumerate().map(heading).collect();
    if chosen.are_narrow() {
        text += &narrow_comments(all);
        text += NARROW_PRINT;
    }
    text += &format!(
        "\\begin{{tabular}}{{@{{}}l{}@{{}}}}\n\\toprule\nAllocator & {} \\\\\n",
        "r".repeat(names.len()),
        headings.join(" & ")
    );
    if chosen.are_narrow() {
        let unit = |name: &&str| NARROW_HEADINGS.iter().find(|(known, ..)| known == name).map_or("", |(.., unit)| unit);
        text += &format!(" & {} \\\\\n", names.iter().map(unit).collect::<Vec<_>>().join(" & "));
    }
    for ((results, placings), table) in all.iter().zip(&placings).zip(&tables) {
        text += "\\midrule\n";
        if all.len() > 1 || times::alone(&results.settings).is_some() {
            let title = escaped(&times::heading(&results.trace.name, &results.settings));
            text += &format!("\\multicolumn{{{}}}{{@{{}}l}}{{\\emph{{{title}}}}} \\\\\n", names.len() + 1);
        }
        let mut role = Role::Contender;
        for (row, placing) in table.rows.iter().zip(placings) {
            if row.role != role {
                role = row.role;
                text += "\\addlinespace\n";
            }
            text += &if chosen.are_narrow() { narrow_line(row, placing.contender) } else { line(table, row) };
        }
    }
    text += "\\bottomrule\n\\end{tabular}";
    text += if chosen.are_narrow() { "}\n" } else { "\n" };
    Ok(text.into_bytes())
}

/// What the narrow table has no room for.
fn narrow_comments(all: &[Results]) -> String {
    let mut versions: Vec<String> = Vec::new();
    for row in all.iter().flat_map(|results| &results.contenders) {
        let version = format!("{} {}", row.name, row.version);
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    format!(
        "% Heap: overhead. Raised and lowered: how far the ends of the interval are above and below the median.\n\
         % Versions: {}.\n",
        plain(&and(&versions))
    )
}

fn line(table: &Table, row: &TableRow) -> String {
    let cells = table.columns.iter().zip(&row.cells).map(|(column, of)| {
        // Each trace has its own unit, so the heading cannot have it.
        let unit = column.heading.rsplit(' ').next().filter(|_| column.id == "peak" && of.is_figure());
        cell(of) + &unit.map(|unit| format!("\\,{unit}")).unwrap_or_default()
    });
    let name = format!("{} {}", escaped(&row.name), escaped(&row.version));
    joined([name].into_iter().chain(cells))
}

/// A row of the narrow table.
fn narrow_line(row: &TableRow, contender: &Contender) -> String {
    let failed_requests = contender.memory.known().map_or(0, |memory| memory.failed_requests);
    let failed = match contender.verification {
        Verification::Failed { .. } => Some("failed verification".to_owned()),
        _ if failed_requests > 0 => Some(format!("{} failed", count(failed_requests, "request"))),
        _ => None,
    };
    let cells = match failed {
        Some(failed) => vec![format!("\\multicolumn{{{}}}{{r@{{}}}}{{{failed}}}", row.cells.len())],
        None => row.cells.iter().map(narrow_cell).collect(),
    };
    joined([escaped(&row.name)].into_iter().chain(cells))
}

/// The cells as a row.
fn joined(cells: impl Iterator<Item = String>) -> String {
    let line = cells.collect::<Vec<_>>().join(" & ");
    // `\\` and the rules would take it as their argument.
    let apart = if line.trim_start().starts_with(['[', '*']) { "{}" } else { "" };
    format!("{apart}{line} \\\\\n")
}

/// A cell of the narrow table: an interval is raised and lowered differences, and a second figure is left out.
fn narrow_cell(of: &TableCell) -> String {
    let TableCell::Figure { text, beside: Beside::Interval(low, high), sign, .. } = of else {
        let alone = match of {
            TableCell::Figure { value, text, sign, .. } => TableCell::figure(*value, text.clone()).marked(*sign),
            other => other.clone(),
        };
        return cell(&alone);
    };
    let number = |text: &str| text.replace(',', "").parse::<f64>().unwrap_or(f64::NAN);
    let places = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let difference = |more: &str, less: &str| escaped(&fixed(number(more) - number(less), places)).replace(',', "{,}");
    let scripts = format!("$^{{+{}}}_{{-{}}}$", difference(high, text), difference(text, low));
    cell(&TableCell::figure(0.0, text.clone()).marked(*sign)) + &scripts
}

fn cell(cell: &TableCell) -> String {
    let (text, beside, sign) = match cell {
        TableCell::Figure { text, beside, sign, .. } => (escaped(text), beside, sign),
        TableCell::Words(words) => return escaped(words),
        TableCell::Unknown(_) => return "--".to_owned(),
        TableCell::Empty => return String::new(),
    };
    let text = if *sign == Sign::Best { format!("\\textbf{{{text}}}") } else { text };
    match beside {
        Beside::Interval(low, high) => format!("{text} {{\\footnotesize [{}, {}]}}", escaped(low), escaped(high)),
        Beside::Times(other) | Beside::Same(other) => format!("{text} {{\\footnotesize ({})}}", escaped(other)),
        Beside::Nothing => text,
    }
}

/// Escapes a text so that LaTeX sets it verbatim: with pdfTeX and its default fonts (OT1), and with newer engines.
/// Characters that those fonts lack become a question mark.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', character]),
            '\\' => escaped += "\\textbackslash{}",
            '~' => escaped += "\\textasciitilde{}",
            '^' => escaped += "\\textasciicircum{}",
            '<' => escaped += "\\textless{}",
            '>' => escaped += "\\textgreater{}",
            '|' => escaped += "\\textbar{}",
            '"' => escaped += "\\textquotedblright{}",
            '–' => escaped += "--",
            '×' => escaped += "$\\times$",
            other if other.is_ascii_graphic() || other == ' ' => escaped.push(other),
            'Ð' | 'ð' | 'Þ' | 'þ' => escaped.push('?'),
            other if ('\u{C0}'..='\u{FF}').contains(&other) => escaped.push(other),
            _ => escaped.push('?'),
        }
    }
    escaped
}

/// Text for a comment: one line, and ASCII only, so that no input encoding fails on it.
fn plain(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_ascii() && !character.is_control() { character } else { '?' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, contender};

    fn text(all: &[Results]) -> String {
        String::from_utf8(latex(all, &ExportColumns::default()).unwrap()).unwrap()
    }

    #[test]
    fn looks_like_this() {
        let expected = "\
\\begin{tabular}{@{}lrrrrr@{}}
\\toprule
Allocator & Fresh [ns] & Steady [ns] & Peak & Overhead & Failed \\\\
\\midrule
dlmalloc 0.2.14 & 12.5 {\\footnotesize [12.3, 12.7]} & 12.6 {\\footnotesize [12.4, 12.8]} & \\textbf{1,280}\\,KiB & \\textbf{1.25} & 0 \\\\
talc 5.1.1 & \\textbf{9.40} {\\footnotesize [9.25, 9.54]} & \\textbf{9.40} {\\footnotesize [9.25, 9.54]} & 1,408\\,KiB & 1.38 & 0 \\\\
wee\\_alloc 0.4.5 & 11.8 {\\footnotesize [11.6, 12.0]} & 11.2 {\\footnotesize [11.0, 11.4]} & 56,896\\,KiB & 55.6 & 12 \\\\
broken 0.1.0 & -- & -- & 1,280\\,KiB & 1.25 & INVALID \\\\
\\addlinespace
bump 0.1.0 & 20.9 {\\footnotesize [20.6, 21.2]} & 6.40 {\\footnotesize [6.30, 6.50]} & 498,880\\,KiB & 487 & 0 \\\\
\\addlinespace
null 0.1.0 & 3.60 {\\footnotesize [3.54, 3.65]} & 2.00 {\\footnotesize [1.97, 2.03]} & -- & -- & -- \\\\
\\bottomrule
\\end{tabular}
";
        let text = text(&[sample::of_every_kind()]);
        assert!(text.ends_with(expected), "{text}");
        let comments = text.lines().take_while(|line| line.starts_with("% ")).count();
        assert_eq!(text.lines().nth(comments), Some("\\begin{tabular}{@{}lrrrrr@{}}"), "all above it is comments");
    }

    #[test]
    fn the_columns_can_be_chosen() {
        let chosen = ExportColumns::named(["jw4", "steady-ratio", "resident"]).unwrap();
        let text = String::from_utf8(latex(&[sample::of_every_kind()], &chosen).unwrap()).unwrap();
        for line in [
            "\nAllocator & J?W \\#4 \\% & steady $\\times$ dlmalloc & resident, KiB \\\\\n",
            "\ntalc 5.1.1 & 37.5 & 0.746 {\\footnotesize [0.746, 0.746]} & 1,408 \\\\\n",
        ] {
            assert!(text.contains(&line.replace("J?W", "J--W")), "{line} in {text}");
        }
    }

    #[test]
    fn the_narrow_table_looks_like_this() {
        let expected = "\
% Heap: overhead. Raised and lowered: how far the ends of the interval are above and below the median.
% Versions: null 0.1.0, wee_alloc 0.4.5, dlmalloc 0.2.14, talc 5.1.1, bump 0.1.0 and broken 0.1.0.
{\\fontsize{8}{9.5}\\selectfont\\setlength{\\tabcolsep}{1.8pt}%
\\begin{tabular}{@{}lrrr@{}}
\\toprule
Allocator & Fresh & Steady & Heap \\\\
 & ns & ns & $\\times$ live \\\\
\\midrule
dlmalloc & 12.5$^{+0.2}_{-0.2}$ & 12.6$^{+0.2}_{-0.2}$ & \\textbf{1.25} \\\\
talc & \\textbf{9.40}$^{+0.14}_{-0.15}$ & \\textbf{9.40}$^{+0.14}_{-0.15}$ & 1.38 \\\\
wee\\_alloc & \\multicolumn{3}{r@{}}{12 requests failed} \\\\
broken & \\multicolumn{3}{r@{}}{failed verification} \\\\
\\addlinespace
bump & 20.9$^{+0.3}_{-0.3}$ & 6.40$^{+0.10}_{-0.10}$ & 487 \\\\
\\addlinespace
null & 3.60$^{+0.05}_{-0.06}$ & 2.00$^{+0.03}_{-0.03}$ & -- \\\\
\\bottomrule
\\end{tabular}}
";
        let chosen = ExportColumns::named([ExportColumns::NARROW]).unwrap();
        let text = String::from_utf8(latex(&[sample::of_every_kind()], &chosen).unwrap()).unwrap();
        assert!(text.ends_with(expected), "{text}");
    }

    #[test]
    fn several_traces_are_groups() {
        let mut other = sample::results();
        other.trace.name = "100%_of\n\\input{x}".into();
        let text = text(&[sample::results(), other]);
        assert_eq!(text.matches("\\begin{tabular}").count(), 1);
        assert!(text.contains("\\multicolumn{7}{@{}l}{\\emph{serde-heavy}} \\\\\n"));
        assert!(text.contains("\\emph{100\\%\\_of?\\textbackslash{}input\\{x\\}}} \\\\\n"), "{text}");
    }

    #[test]
    fn growth_has_a_column_if_a_contender_grows_and_groups_name_times_of_allocator_code_alone() {
        let mut results = sample::empty();
        results.contenders = vec![contender("a").grows_by(1234).build(), contender("b").build()];
        results.settings.touch = crate::results::TouchPolicy::None;
        let text = text(&[results]);
        assert!(text.contains("{@{}lrrrrrr@{}}") && text.contains(" & Overhead & Growth & Failed \\\\\n"), "{text}");
        assert!(text.contains(" & 1,234 & 0 \\\\\n"), "{text}");
        assert!(text.contains("\\multicolumn{7}{@{}l}{\\emph{serde-heavy, allocator code alone}} \\\\\n"), "{text}");
    }

    #[test]
    fn timings_of_several_runs_are_not_bold() {
        let text = text(&[sample::of_several_runs()]);
        assert!(text.contains(" Times of several runs are never bold.\n"), "{text}");
        assert_eq!(text.matches("\\textbf").count(), 2, "peak and overhead of the smallest: {text}");
    }

    #[test]
    fn a_name_is_not_taken_as_an_argument_of_the_line_above() {
        let mut results = sample::empty();
        results.contenders = vec![contender("[t]").build(), contender("*").build(), contender("a").build()];
        let text = text(&[results]);
        for begins in ["\n{}[t] 0.1.0 & ", "\n{}* 0.1.0 & ", "\na 0.1.0 & "] {
            assert!(text.contains(begins), "{begins} in {text}");
        }
    }

    #[test]
    fn special_characters_are_set_verbatim() {
        assert_eq!(
            escaped("a&b%c$d#e_f{g}h~i^j\\k"),
            "a\\&b\\%c\\$d\\#e\\_f\\{g\\}h\\textasciitilde{}i\\textasciicircum{}j\\textbackslash{}k"
        );
        assert_eq!(escaped("é × 1–2 名"), "é $\\times$ 1--2 ?");
        assert_eq!(escaped("a\"b Ðþ Å"), "a\\textquotedblright{}b ?? Å", "as pdfTeX sets it without a further package");
        assert_eq!(plain("a\nb – c"), "a?b ? c");
    }
}
