//! The first table of a trace: time and memory of each contender, and the offline bound.

use super::columns::{self, ColumnBuilder, failures, gross, metric, peak, ratio};
use super::model::{Table, TableCell, TableColumn, TableRow};
use super::notes;
use super::placing::{Placing, growth_matters};
use super::terminal;
use super::wrap::wrap;
use crate::numbers::{exact_unit, grouped, short};
use crate::results::{Bounds, Results, Role};
use crate::stats::Regime;
use crate::times;

/// Terminal columns that "allocator code alone" takes in a heading.
const ALONE_WIDTH: usize = 10;

/// The table for a terminal, with its legend. Growth has a column if some heap grows or may grow. If all heaps have
/// settled, it has a column only if there is room for everything else.
pub(super) fn overview(results: &Results, rows: &[Placing], width: usize) -> (String, Vec<String>) {
    let table = table(results, rows);
    if rows.iter().any(|row| row.growth().is_some())
        && let Some(text) = terminal::in_full(&table, width)
    {
        return (text, notes::legend(results, rows, true));
    }
    let with_growth = growth_matters(rows);
    let table = table.keeping(|_, column| with_growth || column.id != "growth");
    (terminal::lay_out(&table, width), notes::legend(results, rows, with_growth))
}

/// The table with all columns, and with a row for the offline bound.
fn table(results: &Results, rows: &[Placing]) -> Table {
    let bound = results.bounds.known().map(|bounds| Bound::of(bounds, results.settings.page_bytes));
    let peak_bytes = peak(rows, bound.as_ref().map(|bound| bound.bytes));
    let peaks = rows.iter().filter_map(|row| row.memory().map(|memory| memory.peak_heap_bytes));
    let (unit_bytes, unit) = exact_unit(peaks.chain(bound.as_ref().map(|bound| bound.bytes)));
    let mut sources = vec![
        time(results, Regime::Fresh),
        time(results, Regime::Steady),
        peak(rows, None).each(|row, cell| of_pages(row, cell)).headed(|column| column.broken("peak\npages ")),
        peak_bytes.headed(|column| column.broken(&format!("peak\n{unit} ")).stacked()),
        metric("overhead", rows).headed(|column| column.broken("over- \nhead × ")),
        metric("jw4", rows).headed(|column| column.broken("J–W #4 \n% ").stacked()),
        failures(rows),
    ];
    if results.settings.min_heap {
        sources.insert(4, metric("minheap", rows).headed(|column| column.broken("min pages \n× live ")));
    }
    sources.insert(sources.len() - 3, metric("growth", rows).headed(|column| column.broken("grows by\npages")));
    let mut table = columns::table("allocator", rows, sources);
    let bound = bound.map(|bound| bound.row(&table, unit_bytes));
    table.rows.extend(bound);
    table
}

/// The columns that papers and pull requests have room for.
pub(crate) const OF_EXPORTS: [&str; 6] = ["fresh", "steady", "peak", "overhead", "growth", "refused"];

/// The table with the columns of these names, in their order.
pub(crate) fn for_exports(results: &Results, rows: &[Placing], names: &[&'static str]) -> Table {
    let source = |name: &&'static str| match *name {
        "fresh" => gross(results, Regime::Fresh),
        "steady" => gross(results, Regime::Steady),
        "fresh-ratio" => ratio(results, Regime::Fresh),
        "steady-ratio" => ratio(results, Regime::Steady),
        "refused" => failures(rows),
        id => metric(id, rows),
    };
    columns::table("allocator", rows, names.iter().map(source).collect())
}

/// A column of times, whose heading is narrower than its figures if there is little room.
fn time(results: &Results, regime: Regime) -> ColumnBuilder<'_> {
    let alone =
        times::alone(&results.settings).map_or(String::new(), |alone| wrap(alone, ALONE_WIDTH, 0).join(" \n") + " \n");
    let heading = |name: String| format!("{name} \n{alone}95 % CI ");
    let name = regime.name();
    gross(results, regime).headed(|column| TableColumn {
        narrow: heading(format!("{name} ns/op")),
        narrowest: heading(format!("{name} \nns/op")),
        ..column
    })
}

fn of_pages(row: &Placing, cell: TableCell) -> TableCell {
    match (cell, row.memory()) {
        (TableCell::Figure { sign, .. }, Some(memory)) => {
            TableCell::figure(memory.peak_heap_pages as f64, grouped(memory.peak_heap_pages)).marked(sign)
        }
        (cell, _) => cell,
    }
}

/// The span of the clairvoyant placement, in whole pages as heaps are.
struct Bound {
    pages: u64,
    bytes: u64,
    overhead: f64,
}

impl Bound {
    fn of(bounds: &Bounds, page_bytes: u64) -> Self {
        let page_bytes = page_bytes.max(1);
        let pages = bounds.clairvoyant_bytes.div_ceil(page_bytes);
        let bytes = pages.saturating_mul(page_bytes);
        Bound { pages, bytes, overhead: bytes as f64 / bounds.max_live_bytes.max(1) as f64 }
    }

    fn row(&self, table: &Table, unit_bytes: u64) -> TableRow {
        let figure = |value: f64, text| TableCell::figure(value, text);
        let cell = |(at, column): (usize, &TableColumn)| match column.id {
            "peak" if at == 2 => figure(self.pages as f64, grouped(self.pages)),
            "peak" => figure(self.bytes as f64, grouped(self.bytes / unit_bytes)),
            "overhead" => figure(self.overhead, short(self.overhead)),
            "jw4" => figure((self.overhead - 1.0) * 100.0, short((self.overhead - 1.0) * 100.0)),
            _ => TableCell::Empty,
        };
        TableRow {
            group: "offline bound:".to_owned(),
            name: "clairvoyant".to_owned(),
            version: String::new(),
            role: Role::Baseline,
            invalid: None,
            cells: table.columns.iter().enumerate().map(cell).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::placing::placings;
    use super::*;
    use crate::results::Figure;
    use crate::sample::{self, contender};

    fn at(results: &Results, width: usize) -> String {
        overview(results, &placings(results), width).0
    }

    /// 17 pages of 256 B are not whole KiB, though the contender's peak is.
    #[test]
    fn the_bound_is_not_cut_to_whole_kib() {
        let mut results = Results { contenders: vec![contender("talc").build()], ..sample::empty() };
        results.settings.page_bytes = 256;
        let Figure::Known(bounds) = &mut results.bounds else { unreachable!() };
        bounds.clairvoyant_bytes = 16 * 256 + 1;
        let text = at(&results, 100);
        let line = text.lines().find(|line| line.starts_with("clairvoyant")).unwrap();
        assert_eq!(line.split_whitespace().take(3).collect::<Vec<_>>(), ["clairvoyant", "17", "4,352"]);
        assert!(text.contains("    B   head ×"), "{text}");
    }

    #[test]
    fn minimum_heaps_have_a_column_if_they_were_searched_for() {
        let mut results = Results {
            contenders: vec![
                contender("null")
                    .role(Role::Floor)
                    .fresh_ns(36)
                    .steady_ns(20)
                    .without_memory("hands out no memory")
                    .build(),
                contender("wee_alloc").version("0.4.5").pages(889).min_pages(881, 2).fresh_ns(118).build(),
                contender("dlmalloc").version("0.2.14").pages(20).min_pages(20, 0).fresh_ns(125).build(),
                contender("refuses").pages(7).failed_requests(1).without_min_heap("requests failed").build(),
            ],
            ..sample::empty()
        };
        assert!(!at(&results, 100).contains("min pages"), "not asked for");
        results.settings.min_heap = true;
        results.bounds = Figure::unknown("left out");
        results.contenders[0].min_heap = Figure::unknown("hands out no memory");
        let text = at(&results, 80);
        let expected = "\
allocator      fresh      steady      peak  min pages    over-   failed
               ns/op       ns/op    pages      × live   head ×
             95 % CI     95 % CI      peak              J–W #4
                                      KiB                    %
────────────────────────────────────────────────────────────────────────
dlmalloc        12.5        1.00*      20*         20*    1.25*       0
  0.2.14   12.3–12.7   0.98–1.02    1,280*       1.25     25.0*
wee_alloc       11.8*       1.00*     889         881     55.6        0
  0.4.5    11.6–12.0   0.98–1.02   56,896        55.1    5,456
refuses         1.00        1.00        7           –     0.44        1
  0.1.0    0.98–1.02   0.98–1.02      448                -56.2
floor:
null            3.60        2.00        –           –        –        –
  0.1.0    3.54–3.65   1.97–2.03        –                    –

";
        assert_eq!(text, expected.trim_end(), "{text}");
        let header = "allocator  fresh ns/op   steady ns/op     peak     peak  min pages    over-   J–W #4   failed";
        assert!(at(&results, 100).contains(header), "at 100 columns, {header} in\n{}", at(&results, 100));
    }

    #[test]
    fn growth_has_a_column_if_some_heap_grows_or_if_there_is_room() {
        let mut results = Results {
            contenders: vec![
                contender("null")
                    .role(Role::Floor)
                    .fresh_ns(36)
                    .steady_ns(20)
                    .without_memory("hands out no memory")
                    .build(),
                contender("dlmalloc").version("0.2.14").pages(20).fresh_ns(125).steady_ns(126).build(),
                contender("segregated-bump").pages(1455).grows_by(1423).fresh_ns(185).steady_ns(93).build(),
                contender("wee_alloc").pages(92).without_steady("the heap limit was reached in loop 5").build(),
                contender("segregated-bump-mv")
                    .role(Role::Ablation)
                    .pages(70)
                    .grows_by(9)
                    .fresh_ns(1)
                    .steady_ns(1)
                    .build(),
            ],
            ..sample::empty()
        };
        let Figure::Known(memory) = &mut results.contenders[3].memory else { unreachable!() };
        memory.growth = Figure::unknown("the heap limit was reached in loop 3");
        let (text, legend) = overview(&results, &placings(&results), 80);
        let expected = "\
allocator               fresh      steady      peak  grows by   over-   failed
                        ns/op       ns/op    pages      pages  head ×
                      95 % CI     95 % CI      peak            J–W #4
                                               KiB                  %
───────────────────────────────────────────────────────────────────────────────
dlmalloc                 12.5        12.6       20*         0    1.25*       0
  0.2.14            12.3–12.7   12.4–12.8    1,280*              25.0*
wee_alloc                1.00*          –       92          –    5.75        0
  0.1.0             0.98–1.02                5,888                475
segregated-bump          18.5        9.30*   1,455      1,423    90.9        0
  0.1.0             18.2–18.8   9.15–9.44   93,120              8,994
ablations:
segregated-bump-mv       0.10        0.10       70          9    4.38        0
  0.1.0             0.10–0.10   0.10–0.10    4,480                338
floor:
null                     3.60        2.00        –          –       –        –
  0.1.0             3.54–3.65   1.97–2.03        –                  –
offline bound:
clairvoyant                                     17               1.06
                                             1,088               6.25
";
        assert_eq!(text, expected.trim_end(), "{text}");
        let grows_by =
            |legend: &[String]| legend.iter().any(|line| line.starts_with("Grows by: pages that each further loop"));
        assert!(grows_by(&legend), "{legend:?}");
        results.contenders.truncate(2);
        let (text, legend) = overview(&results, &placings(&results), 100);
        assert!(!text.contains("grows by") && !grows_by(&legend), "there is no room");
        let (text, legend) = overview(&results, &placings(&results), 140);
        assert!(text.contains("grows by") && grows_by(&legend), "{text}");
    }

    #[test]
    fn times_of_allocator_code_alone_have_that_in_their_headings() {
        let mut results =
            Results { contenders: vec![contender("dlmalloc").build(), contender("talc").build()], ..sample::empty() };
        assert!(!at(&results, 100).to_lowercase().contains("allocator code alone"));
        results.settings.touch = crate::results::TouchPolicy::None;
        for width in [60, 80, 100, 140] {
            let text = at(&results, width);
            let heading = text
                .lines()
                .skip_while(|line| !line.starts_with("allocator "))
                .take_while(|line| !line.starts_with('─'));
            let heading: Vec<&str> = heading.collect();
            let below = heading
                .windows(2)
                .any(|two| two[0].matches("allocator").count() == 2 && two[1].matches("code alone").count() == 2);
            assert!(below, "{text}");
        }
    }
}
