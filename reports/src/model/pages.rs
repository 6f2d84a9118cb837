//! Holds the tables of METRICS.md and `docs/RESULTS.md` to the catalogue. Each stands between two markers: `<!--
//! generated: NAME -->` and `<!-- end -->`. The test fails if a table is stale, and rewrites it if `HEAPRACE_BLESS` is
//! set.

use super::catalogue::{definitions, of_contenders, of_traces};
use super::entry::{About, Better, Definition, Gate};
use super::metric::AskedBy;

const METRICS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../METRICS.md");

const RESULTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/RESULTS.md");

const END: &str = "<!-- end -->";

/// If this variable is set, the test rewrites stale tables.
const BLESS: &str = "HEAPRACE_BLESS";

/// A Markdown table without the columns that are empty in every row.
fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let kept: Vec<usize> = (0..N).filter(|&column| rows.iter().any(|row| !row[column].is_empty())).collect();
    let line = |cells: &dyn Fn(usize) -> String| {
        let cells: Vec<String> = kept.iter().map(|&column| cells(column)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let mut text = line(&|column| header[column].to_owned());
    text += &format!("|{}\n", "---|".repeat(kept.len()));
    for row in rows {
        text += &line(&|column| if row[column].is_empty() { "–".to_owned() } else { row[column].clone() });
    }
    text
}

/// The tables of METRICS.md, by their names.
fn tables_of_definitions() -> Vec<(&'static str, String)> {
    let row = |Definition { name, unit, docs }: &Definition| {
        let [formula, range, blind_spot, source] =
            [docs.formula, docs.range, docs.blind_spot, docs.source].map(str::to_owned);
        [format!("`{name}`"), unit.to_string(), formula, range, blind_spot, source]
    };
    let header = ["figure", "unit", "formula", "range", "what it cannot see", "source"];
    let tables = definitions().into_iter();
    tables.map(|(name, rows)| (name, table(header, &rows.iter().map(row).collect::<Vec<_>>()))).collect()
}

/// The list of metrics in `docs/RESULTS.md`.
fn table_of_metrics() -> String {
    let row = |name: &str, asked_by: AskedBy, about: &About| {
        let better = match about.better {
            Better::Less => "less",
            Better::More => "more",
            Better::Neither => "",
        };
        let gate = match about.gate {
            Gate::Never => "",
            Gate::OnRequest => "on request",
            Gate::ByDefault => "by default",
        };
        let option = match asked_by {
            AskedBy::EveryRun => "",
            AskedBy::MinHeap => "`--min-heap`",
            AskedBy::Latency => "`--latency`",
            AskedBy::Instructions => "`--instructions`",
            AskedBy::Rounds => "`--rounds`",
        };
        [&format!("`{name}`"), about.unit, about.docs.formula, better, gate, option].map(str::to_owned)
    };
    let of_contenders = of_contenders().iter().map(|metric| row(&metric.name, metric.asked_by, &metric.about));
    let of_traces = of_traces().iter().map(|metric| row(&metric.name, AskedBy::EveryRun, &metric.about));
    let rows: Vec<_> = of_contenders.chain(of_traces).collect();
    table(["metric", "unit", "what it is", "better", "gate", "option"], &rows)
}

/// The page with its generated tables filled in from the catalogue.
///
/// # Panics
///
/// If the page's markers do not match the tables.
fn filled(page: &str, tables: &[(&str, String)]) -> String {
    let marks = page.matches("<!-- generated: ").count();
    assert_eq!((marks, page.matches(END).count()), (tables.len(), tables.len()), "marks of generated tables");
    let mut page = page.to_owned();
    for (name, table) in tables {
        let mark = format!("<!-- generated: {name} -->\n");
        let start = page.find(&mark).unwrap_or_else(|| panic!("no place for the table {name}")) + mark.len();
        let end = start + page[start..].find(END).expect("as many ends as marks");
        page.replace_range(start..end, &format!("\n{table}\n"));
    }
    page
}

#[test]
fn generated_tables_match_the_catalogue() {
    for (path, tables) in [(METRICS, tables_of_definitions()), (RESULTS, vec![("metrics", table_of_metrics())])] {
        let page = std::fs::read_to_string(path).unwrap();
        let expected = filled(&page, &tables);
        if page != expected && std::env::var_os(BLESS).is_some() {
            std::fs::write(path, &expected).unwrap();
            continue;
        }
        let stale: Vec<_> = expected.lines().filter(|line| !page.lines().any(|other| other == *line)).collect();
        assert!(
            page == expected,
            "{path} is stale: `{BLESS}=1 cargo test -p heaprace-reports pages` rewrites its tables. New lines: {stale:#?}"
        );
    }
}

#[test]
fn a_stale_table_is_found_and_rewritten() {
    let tables = [("one", table(["figure", "unit", "source"], &[["`a`", "B", ""].map(str::to_owned)]))];
    let page = "Before.\n\n<!-- generated: one -->\n\n| figure |\n|---|\n| `b` |\n\n<!-- end -->\n\nAfter.\n";
    let fresh = filled(page, &tables);
    assert_eq!(
        fresh,
        "Before.\n\n<!-- generated: one -->\n\n| figure | unit |\n|---|---|\n| `a` | B |\n\n<!-- end -->\n\nAfter.\n"
    );
    assert_eq!(filled(&fresh, &tables), fresh);
    let page = filled(&std::fs::read_to_string(METRICS).unwrap(), &tables_of_definitions());
    let stale = page.replace("| `grow_calls` | 1 |", "| `grow_calls` | B |");
    assert!(stale != page && filled(&stale, &tables_of_definitions()) == page);
}

#[test]
#[should_panic(expected = "marks of generated tables")]
fn a_page_that_lacks_a_table_is_found() {
    let metrics = std::fs::read_to_string(METRICS).unwrap();
    filled(&metrics.replace("<!-- generated: bounds -->", ""), &tables_of_definitions());
}
