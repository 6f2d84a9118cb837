//! The results of the WebAssembly lane in the terminal.

use std::collections::BTreeMap;

use super::wrap::wrap;
use crate::numbers::{grouped, short, signed};
use crate::reasons::names_by_reason;
use crate::results::{Figure, Role};
use crate::wasm::{NOT_TIMED, Spread, TierTimes, WasmResults, WasmRow, WasmTime};

/// Stands for a figure that there is not.
pub const UNKNOWN: &str = "–";

/// Blanks between two columns.
const GAP: &str = "  ";

/// The tables of a trace, and why figures are missing, for a terminal of this width. Of sizes it has one: 'replay size' has
/// all.
pub fn wasm_text(results: &WasmResults, width: usize) -> String {
    let rows: Vec<&WasmRow> = results.allocators().collect();
    let mut text = heading(results, width);
    text += &pages(&rows);
    if rows.iter().any(|row| row.fuel.is_some()) {
        text += "\nFuel of an event beyond the floor, and percentiles of calls\n\n";
        text += &fuel(&rows);
        text += "\nThe call that cost the most fuel, what was live before it, and the pages that it grew by\n\n";
        text += &worst_calls(&rows);
    }
    let tiers = rows.first().map_or(0, |row| row.times.len());
    for tier in (0..tiers).filter(|&tier| results.rows.iter().any(|row| row.times[tier].is_timed())) {
        let name = rows[0].times[tier].name();
        text += &format!(
            "\n{name} code: ns per event beyond the floor, and × {}'s time, with 95 % intervals\n\n",
            results.reference
        );
        text += &times(&rows, tier);
    }
    text += &reasons(missing(results), rows.len(), width);
    text
}

/// Why an allocator can have other pages in its native build.
const WHY_OTHER_PAGES: &str = "native: pages of the native replay, where words have 8 bytes; headers and the steps in which a heap grows \
    differ with them";

/// The figures that most readers ask for, in one table, and why figures are missing. Times are of the first tier that was
/// timed. `native` are pages of the same allocators in the native replay, by name.
pub(super) fn in_short(results: &WasmResults, native: &BTreeMap<&str, u64>, width: usize) -> String {
    let rows: Vec<&WasmRow> = results.allocators().collect();
    let tiers = rows.first().map_or(0, |row| row.times.len());
    let tier = (0..tiers).find(|&tier| results.rows.iter().any(|row| row.times[tier].is_timed()));
    let has_fuel = rows.iter().any(|row| row.fuel.is_some());
    let has_native = rows.iter().any(|row| native.contains_key(row.name.as_str()));
    let mut header = ["", "bytes at z", "pages", "grows"].map(str::to_owned).to_vec();
    if has_native {
        header.push("native".to_owned());
    }
    if has_fuel {
        header.extend(["fuel", "worst call"].map(str::to_owned));
    }
    if tier.is_some() {
        header.extend(["fresh ×", "", "steady ×", ""].map(str::to_owned));
    }
    let mut lines = vec![header];
    for row in &rows {
        let mut line = size_and_pages(row);
        if has_native {
            line.push(native.get(row.name.as_str()).map_or(String::new(), |&pages| grouped(pages)));
        }
        if has_fuel {
            let fuel = row.fuel.as_ref().and_then(Figure::known);
            line.push(cell(fuel.map(|fuel| short(fuel.net_per_op))));
            line.push(cell(fuel.map(|fuel| grouped(fuel.worst.fuel))));
        }
        if let Some(tier) = tier {
            for time in [&row.times[tier].fresh, &row.times[tier].steady] {
                line.extend(cells(time.known().and_then(|time| time.ratio.known())));
            }
        }
        lines.push(line);
    }
    let mut about = Vec::new();
    if let Some(tier) = tier {
        about.push(format!("× {}'s time in {}", results.reference, rows[0].times[tier].name()));
    }
    if has_fuel {
        about.push("fuel: mean of an event beyond the floor".to_owned());
    }
    if has_native {
        about.push(WHY_OTHER_PAGES.to_owned());
    }
    let about = if about.is_empty() { String::new() } else { about.join("; ") + "." };
    let about: String = wrap(&about, width, 0).iter().map(|line| format!("{line}\n")).collect();
    heading(results, width) + &aligned(&lines) + &about + &reasons(missing(results), rows.len(), width)
}

fn heading(results: &WasmResults, width: usize) -> String {
    let engines: Vec<String> = results.engines.iter().filter_map(Figure::known).cloned().collect();
    let engines = if engines.is_empty() { "no engine".to_owned() } else { engines.join(", ") };
    let written = if results.touch { "every new byte written" } else { "nothing written" };
    let line = format!(
        "{}: {} events in WebAssembly, {written}; {engines}; modules at opt-level {}",
        results.trace,
        grouped(results.events),
        results.opt_level,
    );
    wrap(&line, width, 0).join("\n") + "\n\n"
}

fn pages(rows: &[&WasmRow]) -> String {
    let fails = rows.iter().any(|row| row.memory.known().is_some_and(|memory| memory.failed_requests > 0));
    let mut lines = vec![["", "bytes at z", "pages", "grows"].map(str::to_owned).to_vec()];
    if fails {
        lines[0].push("failed".to_owned());
    }
    for row in rows {
        let mut line = size_and_pages(row);
        if fails {
            line.push(cell(row.memory.known().map(|memory| grouped(memory.failed_requests))));
        }
        lines.push(line);
    }
    aligned(&lines)
}

/// Name, bytes, pages and grows.
fn size_and_pages(row: &WasmRow) -> Vec<String> {
    vec![
        row.name.clone(),
        cell(row.sizes.known().map(|sizes| signed(sizes.z.whole_bytes))),
        cell(row.memory.known().map(|memory| grouped(memory.grown_pages))),
        cell(row.grows().map(grouped)),
    ]
}

fn cell(figure: Option<String>) -> String {
    figure.unwrap_or_else(|| UNKNOWN.to_owned())
}

fn fuel(rows: &[&WasmRow]) -> String {
    let header = ["", "mean", "bulk bytes", "median", "90 %", "99 %", "99.9 %", "worst"];
    let mut lines = vec![header.map(str::to_owned).to_vec()];
    for row in rows {
        let mut line = vec![row.name.clone()];
        match row.fuel.as_ref().and_then(Figure::known) {
            Some(fuel) => {
                line.extend([short(fuel.net_per_op), short(fuel.bulk_bytes_per_op)]);
                line.extend(fuel.percentiles.map(|(_, fuel)| grouped(fuel)));
                line.push(grouped(fuel.worst.fuel));
            }
            None => line.extend([UNKNOWN; 7].map(str::to_owned)),
        }
        lines.push(line);
    }
    aligned(&lines)
}

fn worst_calls(rows: &[&WasmRow]) -> String {
    let header = ["", "fuel", "event", "call", "bytes", "live KiB", "objects", "pages", "grew"];
    let mut lines = vec![header.map(str::to_owned).to_vec()];
    for row in rows {
        let mut line = vec![row.name.clone()];
        match row.fuel.as_ref().and_then(Figure::known).map(|fuel| &fuel.worst) {
            Some(worst) => {
                line.extend([grouped(worst.fuel), grouped(worst.event), worst.kind.to_string()]);
                line.push(grouped(worst.size_bytes.into()));
                line.push(grouped(worst.live_bytes.div_ceil(1024)));
                line.extend([worst.live_objects, worst.pages, worst.grown_pages].map(grouped));
            }
            None => line.extend([UNKNOWN; 8].map(str::to_owned)),
        }
        lines.push(line);
    }
    aligned(&lines)
}

fn times(rows: &[&WasmRow], tier: usize) -> String {
    let header = ["", "fresh", "", "×", "", "steady", "", "×", ""];
    let mut lines = vec![header.map(str::to_owned).to_vec()];
    for row in rows {
        let mut line = vec![row.name.clone()];
        for time in [&row.times[tier].fresh, &row.times[tier].steady] {
            let of = |figure: fn(&WasmTime) -> &Figure<Spread>| time.known().and_then(|time| figure(time).known());
            line.extend(cells(of(|time| &time.net_ns_per_op)));
            line.extend(cells(of(|time| &time.ratio)));
        }
        lines.push(line);
    }
    aligned(&lines)
}

/// A median and its interval.
fn cells(spread: Option<&Spread>) -> [String; 2] {
    match spread {
        Some(spread) => {
            let interval = spread.interval.map(|[low, high]| format!("{}–{}", short(low), short(high)));
            [short(spread.median), interval.unwrap_or_default()]
        }
        None => [UNKNOWN.to_owned(), String::new()],
    }
}

/// Why figures are missing, a line each reason with the names that it is for; nothing if nothing is missing. What holds
/// for `all` has no list of names.
pub fn reasons<'a>(missing: impl IntoIterator<Item = (&'a str, String)>, all: usize, width: usize) -> String {
    let mut text = String::new();
    for (mut names, reason) in names_by_reason(missing) {
        names.dedup();
        let names = if names.len() >= all { "all".to_owned() } else { names.join(", ") };
        text += &format!("\n{}", wrap(&format!("{UNKNOWN} {names}: {reason}"), width, 2).join("\n"));
    }
    if text.is_empty() { text } else { format!("{text}\n") }
}

/// Why figures of a trace are missing.
fn missing(results: &WasmResults) -> Vec<(&str, String)> {
    let mut missing = Vec::new();
    for row in &results.rows {
        let mut add = |reason: String| missing.push((row.name.as_str(), reason));
        if let (Figure::Unknown { unknown }, true) = (&row.sizes, row.role != Role::Floor) {
            add(unknown.to_string());
        }
        if let Some(reason) = row.memory.reason() {
            // Whatever else is missing is so for the same reason.
            add(reason.to_string());
            continue;
        }
        if let Some(Figure::Unknown { unknown }) = &row.fuel {
            add(format!("fuel: {unknown}"));
        }
        let times = row.times.iter().flat_map(|tier| [(tier, &tier.fresh), (tier, &tier.steady)]);
        let times: Vec<(&TierTimes, String)> =
            times.filter_map(|(tier, time)| Some((tier, time.reason()?.to_string()))).collect();
        // Without rounds nothing is missing.
        if times.iter().all(|(_, reason)| reason == NOT_TIMED) {
            continue;
        }
        let of_all = times.len() == 2 * row.times.len() && times.iter().all(|(_, reason)| *reason == times[0].1);
        for (tier, reason) in times {
            add(if of_all { reason } else { format!("{} code: {reason}", tier.name()) });
        }
    }
    missing.extend(results.engines.iter().filter_map(Figure::reason).map(|reason| ("an engine", reason.to_string())));
    missing
}

/// Lines of cells, the first one to the left and the others to the right.
pub fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default())
        .collect();
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        let mut row = format!("{:<1$}", line[0], widths[0]);
        for (cell, width) in line[1..].iter().zip(&widths[1..]) {
            row += &format!("{GAP}{cell:>width$}");
        }
        text += row.trim_end();
        text.push('\n');
        if at == 0 {
            let whole = widths.iter().sum::<usize>() + GAP.len() * columns.saturating_sub(1);
            text += &"─".repeat(whole);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn each_table_has_a_row_for_each_allocator_and_reasons_stand_once() {
        let wasm = sample::wasm();
        let text = wasm_text(&wasm, 100);
        assert_eq!(text.matches("\ntalc ").count(), 5, "{text}");
        assert!(!text.contains("\nnull "), "the floor has no row: {text}");
        for line in ["Node, optimised code: ns per event", "Wasmtime, cranelift code: ns per event", "16.0"] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert_eq!(text.matches("– refuses: not timed, because requests failed").count(), 1, "{text}");
    }

    #[test]
    fn in_short_there_is_one_table_with_the_times_of_one_tier() {
        let wasm = sample::wasm();
        let text = in_short(&wasm, &BTreeMap::from([("talc", 77)]), 100);
        assert_eq!(text.matches("\ntalc ").count(), 1, "{text}");
        assert!(text.contains("native: pages of the"), "{text}");
        assert!(text.contains("× dlmalloc's time in Node, optimised; fuel: mean"), "{text}");
        let talc = text.lines().find(|line| line.starts_with("talc ")).unwrap();
        assert!(!in_short(&wasm, &BTreeMap::new(), 100).contains("native"));
        for cell in ["1,794", "84", "77", "150", "600", "0.80"] {
            assert!(talc.contains(cell), "{cell} in {talc}");
        }
    }

    #[test]
    fn without_rounds_nothing_is_missing_and_without_an_engine_the_reason_stands_once() {
        let mut wasm = sample::wasm();
        let times = wasm.rows.iter_mut().flat_map(|row| &mut row.times);
        times.for_each(|tier| {
            tier.fresh = Figure::unknown(NOT_TIMED);
            tier.steady = Figure::unknown(NOT_TIMED);
        });
        let text = wasm_text(&wasm, 100);
        assert!(!text.contains(UNKNOWN), "{text}");
        wasm.engines = vec![Figure::unknown("node is not installed")];
        for row in &mut wasm.rows {
            (row.memory, row.times) = (Figure::unknown("node is not installed"), Vec::new());
        }
        let text = wasm_text(&wasm, 100);
        assert_eq!(text.matches("node is not installed").count(), 1, "{text}");
        assert!(text.contains("no engine"), "{text}");
    }
}
