//! How wide LaTeX sets a table, at most: the sum of the widest cell of each column in Computer Modern at 8 pt, and the
//! gaps between the columns. The widths of the letters are pdfTeX's, rounded up.

use super::*;
use crate::sample::{self, contender};

/// One column of a two-column paper (`\documentclass[twocolumn]{article}` has 229.5 pt, IEEE and ACM have more), in pt.
const COLUMN_PT: f64 = 229.0;

/// `\tabcolsep` of the narrow table, in pt.
const GAP_PT: f64 = 1.8;

/// Widths of letters in pt.
const LETTERS: [(f64, &str); 11] = [
    (2.4, "il.,[]:'"),
    (2.9, "fj- ~"),
    (3.1, "_I"),
    (3.4, "rst()"),
    (3.8, "cez"),
    (4.3, "ago0123456789/"),
    (4.8, "Jkqvxybdhnpu"),
    (5.4, "SZL"),
    (6.2, "FEPBwCT"),
    (6.7, "RAHNUVXYDKOQ+=G"),
    (7.1, "m%"),
];

/// Width of a text without commands, in pt; a letter that is not listed is as wide as the widest.
fn of_text(text: &str) -> f64 {
    text.chars()
        .map(|letter| LETTERS.iter().find(|(_, letters)| letters.contains(letter)).map_or(8.8, |(width, _)| *width))
        .sum()
}

/// Width of raised and lowered figures in pt: 6 pt print, and the space after it.
fn of_script(text: &str) -> f64 {
    let width = |letter| match letter {
        '+' | '-' => 5.8,
        '.' | ',' => 2.3,
        _ => 3.7,
    };
    0.5 + text.chars().filter(|letter| !"{}".contains(*letter)).map(width).sum::<f64>()
}

/// What is in the first braces, and what comes after them.
fn braced(text: &str) -> (&str, &str) {
    let mut depth = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 1 => return (&text[1..at], &text[at + 1..]),
            '}' => depth -= 1,
            _ => {}
        }
    }
    panic!("no braces in {text}")
}

/// Width of a cell in pt.
fn of_cell(cell: &str) -> f64 {
    let Some(at) = cell.find(['\\', '$', '{']) else { return of_text(cell) };
    let (before, rest) = cell.split_at(at);
    let (width, rest) = if let Some(scripts) = rest.strip_prefix("$^") {
        let (raised, rest) = braced(scripts);
        let (lowered, rest) = braced(rest.strip_prefix('_').unwrap());
        (of_script(raised).max(of_script(lowered)), rest.strip_prefix('$').unwrap())
    } else if let Some(rest) = rest.strip_prefix("$\\times$") {
        (6.7, rest)
    } else if let Some(rest) = rest.strip_prefix("\\textbf") {
        let (bold, rest) = braced(rest);
        (1.16 * of_cell(bold), rest)
    } else if let Some(rest) = rest.strip_prefix("\\emph") {
        let (italic, rest) = braced(rest);
        // As wide as upright letters on average.
        (1.02 * of_cell(italic), rest)
    } else if let Some(rest) = rest.strip_prefix("{\\footnotesize ") {
        let (small, rest) = rest.split_once('}').unwrap();
        (of_cell(small), rest)
    } else if let Some(rest) = rest.strip_prefix("\\,") {
        (1.5, rest)
    } else {
        // An escaped character.
        let rest = rest.strip_prefix('\\').unwrap_or_else(|| panic!("{rest}"));
        let letter = rest.chars().next().unwrap().len_utf8();
        (of_text(&rest[..letter]), &rest[letter..])
    };
    of_text(before) + width + of_cell(rest)
}

/// Width of the table in pt.
fn of_table(latex: &str) -> f64 {
    let rows = latex.lines().filter_map(|line| line.strip_suffix(" \\\\"));
    let (mut columns, mut spanning) = (Vec::new(), 0.0_f64);
    for row in rows {
        if let Some(title) = row.strip_prefix("\\multicolumn") {
            let text = braced(braced(braced(title).1).1).0;
            spanning = spanning.max(of_cell(text));
            continue;
        }
        // Words in place of figures are narrower than those; only the name counts.
        let cells = row.split(" & ").filter(|cell| !cell.starts_with("\\multicolumn"));
        for (at, cell) in cells.enumerate() {
            columns.resize(columns.len().max(at + 1), 0.0_f64);
            columns[at] = columns[at].max(of_cell(cell.trim()));
        }
    }
    let gaps = columns.len().saturating_sub(1) as f64;
    spanning.max(columns.iter().sum::<f64>() + gaps * 2.0 * GAP_PT)
}

/// Two traces with long names of contenders, heaps that grow, and times of three digits.
fn wide_figures() -> [Results; 2] {
    let mut of_one = sample::results();
    let rows = &mut of_one.contenders;
    rows.push(contender("buddy_system_allocator").build());
    rows.push(contender("segregated-bump-mv").rounds_ns(&[888, 999, 888, 999, 888, 999, 999]).build());
    rows.push(contender("swept-bump").grows_by(12_345).pages(14_000).fresh_ns(5000).steady_ns(5010).build());
    rows.push(contender("wasmalloc").failed_requests(12_345).build());
    rows.push(contender("broken").invalid(17, "block 3 overlaps block 2").build());
    let mut other = of_one.clone();
    (other.settings.page_bytes, other.settings.heap_limit_pages) = (4096, 16 * of_one.settings.heap_limit_pages);
    [of_one, other]
}

fn latex_with(names: &[&str]) -> String {
    let columns = ExportColumns::named(names.iter().copied()).unwrap();
    String::from_utf8(latex(&wide_figures(), &columns).unwrap()).unwrap()
}

#[test]
fn the_narrow_table_fits_one_column_and_the_wide_table_does_not() {
    let narrow = latex_with(&["narrow"]);
    assert!(narrow.contains("Allocator & Fresh & Steady & Heap & Growth \\\\\n"), "with growth: {narrow}");
    let width = of_table(&narrow);
    assert!((190.0..COLUMN_PT).contains(&width), "{width:.1} pt: {narrow}");
    // At 8 pt, though it is set in larger print.
    for wide in [latex_with(&[]), latex_with(&["narrow", "peak", "jw4"])] {
        assert!(of_table(&wide) > COLUMN_PT, "{:.1} pt: {wide}", of_table(&wide));
    }
}

/// What pdfTeX says of the same cells.
#[test]
fn widths_are_those_of_tex_or_a_little_more() {
    for (cell, pt) in [
        ("buddy\\_system\\_allocator", 87.21),
        ("segregated-bump-mv", 77.03),
        ("Overhead", 35.42),
        ("\\textbf{12.5}$^{+0.2}_{-0.2}$", 33.31),
        ("1,234$^{+1{,}000}_{-1{,}000}$", 42.58),
        ("\\textbf{1,408}", 22.32),
    ] {
        let found = of_cell(cell);
        assert!((pt..pt * 1.06).contains(&found), "{cell}: {found:.2}, in TeX {pt}");
    }
}
