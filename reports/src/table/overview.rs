//! The first table of one trace: time and memory of each allocator, and what an offline placement needs.

use super::cells::{Row, Timing, growth_matters, marked};
use super::narrow::{narrow, whole};
use super::pair::{Pair, joined, widths};
use super::wrap::{printable, wrap};
use crate::numbers::{exact_unit, grouped, short};
use crate::results::{Results, Role};
use crate::times;

/// Ways to lay the table out, roomiest first.
const LAYOUTS: [Layout; 4] = [
    Layout { version_below: false, interval_below: false, memory_below: false },
    Layout { version_below: true, interval_below: false, memory_below: false },
    Layout { version_below: true, interval_below: true, memory_below: false },
    Layout { version_below: true, interval_below: true, memory_below: true },
];

/// Columns that "allocator code alone" takes in a heading.
const ALONE_WIDTH: usize = 10;

/// Of several tables, where memory has one of its own.
const NARROWEST: Layout = Layout { version_below: true, interval_below: true, memory_below: false };

/// Where the pages at the peak stand, and behind them their KiB.
const PEAK_COLUMN: usize = 3;

/// How many columns are behind that of growth: overhead, J–W #4 and failures.
const BEHIND_GROWTH: usize = 3;

/// Where the minimum heap stands, if it was asked for: behind the peak.
const MIN_HEAP_COLUMN: usize = PEAK_COLUMN + 2;

#[derive(Clone, Copy)]
struct Layout {
    /// Whether the version stands below the name.
    version_below: bool,
    /// Whether intervals stand below their medians, and ratios below their pages.
    interval_below: bool,
    /// Whether KiB stand below their pages, and J–W #4 below the overhead.
    memory_below: bool,
}

impl Layout {
    /// The cells of a row, or of the header, with those below others that this layout has there.
    fn stacked(self, mut cells: Vec<String>) -> Vec<String> {
        if self.memory_below {
            for upper in [cells.len() - 3, PEAK_COLUMN] {
                let lower = cells.remove(upper + 1);
                cells[upper] += "\n";
                cells[upper] += &lower;
            }
        }
        cells
    }
}

/// The table.
pub(super) struct Overview {
    pub(super) text: String,
    /// Whether it has a column for growth.
    pub(super) with_growth: bool,
}

/// The table in the roomiest layout that fits; if none does, as several tables. Growth has a column where some row grows or
/// may do so; where all have settled, if there is room beside everything else.
pub(super) fn overview(results: &Results, rows: &[Row], width: usize) -> Overview {
    let fitting = |layout, with_growth| {
        let (header, rows) = build(results, rows, layout, with_growth);
        whole(&header, &rows, width)
    };
    let known = rows.iter().any(|row| row.growth().is_some());
    if let Some(text) = fitting(LAYOUTS[0], true).filter(|_| known) {
        return Overview { text, with_growth: true };
    }
    let with_growth = growth_matters(rows);
    let laid_out = LAYOUTS.into_iter().find_map(|layout| fitting(layout, with_growth));
    let text = laid_out.unwrap_or_else(|| {
        let (header, rows) = build(results, rows, NARROWEST, with_growth);
        narrow(header, rows, width)
    });
    Overview { text, with_growth }
}

/// The header, and the rows below it; with a column for growth or without.
fn build(results: &Results, rows: &[Row], layout: Layout, with_growth: bool) -> (Vec<String>, Vec<Vec<String>>) {
    let with_min_heap = results.settings.min_heap;
    // In whole pages, as the heaps above it are.
    let page_bytes = results.settings.page_bytes.max(1);
    let bound = results.bounds.known().map(|bounds| {
        let pages = bounds.clairvoyant_bytes.div_ceil(page_bytes);
        (pages, pages.saturating_mul(page_bytes), bounds.max_live_bytes.max(1))
    });
    let (unit_bytes, unit) =
        exact_unit(rows.iter().filter_map(Row::peak_bytes).chain(bound.map(|(_, bytes, _)| bytes)));
    let fresh_widths = widths(rows.iter().map(|row| timing_cells(&row.fresh)));
    let steady_widths = widths(rows.iter().map(|row| timing_cells(&row.steady)));
    let min_heap_widths = widths(rows.iter().map(min_heap_cells));

    let mut header = vec![
        "allocator".to_string(),
        time_heading("fresh", results, layout),
        time_heading("steady", results, layout),
        "peak\npages ".into(),
        format!("peak\n{unit} "),
        "over- \nhead × ".into(),
        "J–W #4 \n% ".into(),
        "failed".into(),
    ];
    if with_min_heap {
        header.insert(MIN_HEAP_COLUMN, "min pages \n× live ".into());
    }
    if with_growth {
        header.insert(header.len() - BEHIND_GROWTH, "grows by\npages".into());
    }
    let mut lines = Vec::new();
    let mut role = Role::Contender;
    for row in rows {
        if row.contender.role != role {
            role = row.contender.role;
            lines.push(vec![heading(role).to_owned()]);
        }
        let mut cells = vec![
            name(row, layout.version_below),
            joined(timing_cells(&row.fresh), fresh_widths, layout.interval_below),
            joined(timing_cells(&row.steady), steady_widths, layout.interval_below),
            row.memory_cell(|memory| grouped(memory.peak_heap_pages)),
            row.memory_cell(|memory| grouped(memory.peak_heap_bytes / unit_bytes)),
            row.memory_cell(|memory| short(memory.overhead_ratio)),
            row.memory_cell(|memory| short(memory.johnstone_wilson_4_percent)),
            row.failures_cell(),
        ];
        if with_min_heap {
            cells.insert(MIN_HEAP_COLUMN, joined(min_heap_cells(row), min_heap_widths, layout.interval_below));
        }
        if with_growth {
            cells.insert(cells.len() - BEHIND_GROWTH, row.growth_cell());
        }
        lines.push(layout.stacked(cells));
    }
    if let Some((pages, bytes, max_live_bytes)) = bound {
        let overhead = bytes as f64 / max_live_bytes as f64;
        let unmarked = |text| marked(text, false);
        let mut cells = vec![
            "clairvoyant".to_owned(),
            String::new(),
            String::new(),
            unmarked(grouped(pages)),
            unmarked(grouped(bytes / unit_bytes)),
            unmarked(short(overhead)),
            unmarked(short((overhead - 1.0) * 100.0)),
            String::new(),
        ];
        if with_min_heap {
            cells.insert(MIN_HEAP_COLUMN, String::new());
        }
        if with_growth {
            cells.insert(cells.len() - BEHIND_GROWTH, String::new());
        }
        lines.push(vec!["offline bound:".to_owned()]);
        lines.push(layout.stacked(cells));
    }
    (layout.stacked(header), lines)
}

/// The heading of a column of times: narrower than its figures where there is little room.
fn time_heading(regime: &str, results: &Results, layout: Layout) -> String {
    let text = if layout.memory_below { format!("{regime} \nns/op") } else { format!("{regime} ns/op") };
    let alone =
        times::alone(&results.settings).map_or(String::new(), |alone| wrap(alone, ALONE_WIDTH, 0).join(" \n") + " \n");
    format!("{text} \n{alone}95 % CI ")
}

/// The heading of the rows of a role.
fn heading(role: Role) -> &'static str {
    match role {
        Role::Contender => "contenders:",
        Role::Baseline => "baselines:",
        Role::Ablation => "ablations:",
        Role::Floor => "floor:",
    }
}

fn name(row: &Row, version_below: bool) -> String {
    let separator = if version_below { "\n  " } else { " " };
    format!("{}{separator}{}", printable(&row.contender.name), printable(&row.contender.version))
}

fn timing_cells(timing: &Timing) -> Pair {
    (timing.value_cell(), timing.interval_cell())
}

fn min_heap_cells(row: &Row) -> Pair {
    (row.min_heap_cell(), row.min_heap_ratio_cell())
}
