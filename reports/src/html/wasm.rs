//! The allocators as WebAssembly modules: what each adds to a module, its pages, and its times in engines.

use maud::{Markup, html};

use super::charts;
use super::tables::sortable;
use super::theme::swatch;
use crate::ReportError;
use crate::numbers::{grouped, short, signed};
use crate::reasons::by_reason;
use crate::results::{Figure, Results, Role};
use crate::wasm::{NOT_TIMED, Spread, WasmResults, WasmRow, WasmTime};

/// The section's content for the trace that is the `index`th of the page; `None` if it was not replayed there.
pub(super) fn wasm(results: &Results, index: usize) -> Option<Result<Markup, ReportError>> {
    let wasm = results.wasm.as_ref()?;
    Some(charts::of_trace(results, index, &charts::WEB_ASSEMBLY).map(|chart| {
        html! {
            p.note { (about(wasm)) }
            (chart)
            (table(wasm))
            @for (names, reason) in missing(wasm) { p.note { (names) ": " (reason) "." } }
        }
    }))
}

fn about(wasm: &WasmResults) -> String {
    let engines: Vec<&str> = wasm.engines.iter().filter_map(Figure::known).map(String::as_str).collect();
    let engines = if engines.is_empty() { "no engine".to_owned() } else { engines.join(" and ") };
    let written = if wasm.touch { "every new byte was written" } else { "nothing was written" };
    format!(
        "The same trace through wasm32 modules that grow their memory by memory.grow, in {engines}; {written}. Modules are \
         compiled by {} and replayed at opt-level {}. Bytes are what an allocator adds to a module; times are nanoseconds \
         per event beyond the floor, medians over {} rounds with 95 % intervals; × is the time over that of {}.",
        wasm.compiler, wasm.opt_level, wasm.rounds, wasm.reference
    )
}

/// A cell: its text and the number that it sorts by.
type Cell = Option<(String, f64)>;

fn table(wasm: &WasmResults) -> Markup {
    let tiers: Vec<String> =
        wasm.rows.first().map_or(Vec::new(), |row| row.times.iter().map(|tier| tier.name()).collect());
    let timed: Vec<usize> =
        (0..tiers.len()).filter(|&at| wasm.rows.iter().any(|row| row.times[at].is_timed())).collect();
    let has_fuel = wasm.rows.iter().any(|row| row.fuel.is_some());
    let mut headings: Vec<String> =
        ["bytes at z", "code", "data", "-Oz", "s", "3", "pages", "grows", "failed"].map(str::to_owned).to_vec();
    if has_fuel {
        headings.extend(["fuel/op", "worst call, fuel"].map(str::to_owned));
    }
    for &tier in &timed {
        for regime in ["fresh", "steady"] {
            headings.push(format!("{}: {regime} ns/op", tiers[tier]));
            headings.push(format!("{regime} ×"));
        }
    }
    let corner = ("allocator", true, None);
    let heads = std::iter::once(corner).chain(headings.iter().map(|heading| (heading.as_str(), false, None)));
    let rows = wasm.allocators().map(|row| {
        let mut cells: Vec<Cell> = sizes(row);
        cells.extend(memory(row));
        if has_fuel {
            cells.extend(fuel(row));
        }
        for &tier in &timed {
            for time in [&row.times[tier].fresh, &row.times[tier].steady] {
                cells.push(spread(time, |time| &time.net_ns_per_op));
                cells.push(spread(time, |time| &time.ratio));
            }
        }
        html! {
            tr data-contender=(row.name) {
                th scope="row" {
                    (swatch(&row.name)) (row.name)
                    small { (row.version) @if row.role == Role::Ablation { " " i { "ablation" } } }
                }
                @for cell in cells {
                    @match cell {
                        Some((text, value)) => td data-v=(value) { (text) },
                        None => td.unknown { "–" },
                    }
                }
            }
        }
    });
    sortable("sortable", "As WebAssembly modules", heads, rows)
}

fn sizes(row: &WasmRow) -> Vec<Cell> {
    let Some(sizes) = row.sizes.known() else { return vec![None; 6] };
    let optimised = sizes.z_wasm_opt.known().map(|added| added.whole_bytes);
    let bytes = [
        Some(sizes.z.whole_bytes),
        Some(sizes.z.code_bytes),
        Some(sizes.z.data_bytes),
        optimised,
        Some(sizes.s.whole_bytes),
        Some(sizes.three.whole_bytes),
    ];
    bytes.into_iter().map(|bytes| bytes.map(|bytes| (signed(bytes), bytes as f64))).collect()
}

fn memory(row: &WasmRow) -> [Cell; 3] {
    let memory = row.memory.known();
    let numbers = [memory.map(|memory| memory.grown_pages), row.grows(), memory.map(|memory| memory.failed_requests)];
    numbers.map(|number| number.map(|number| (grouped(number), number as f64)))
}

fn fuel(row: &WasmRow) -> [Cell; 2] {
    let Some(fuel) = row.fuel.as_ref().and_then(Figure::known) else { return [None, None] };
    let worst = format!("{} at event {}", grouped(fuel.worst.fuel), grouped(fuel.worst.event));
    [Some((short(fuel.net_per_op), fuel.net_per_op)), Some((worst, fuel.worst.fuel as f64))]
}

fn spread(time: &Figure<WasmTime>, of: fn(&WasmTime) -> &Figure<Spread>) -> Cell {
    let spread = of(time.known()?).known()?;
    let interval = spread.interval.map(|[low, high]| format!(" ({}–{})", short(low), short(high)));
    Some((format!("{}{}", short(spread.median), interval.unwrap_or_default()), spread.median))
}

/// Why figures are missing: names, and the reason.
fn missing(wasm: &WasmResults) -> Vec<(String, String)> {
    let mut found: Vec<(&str, String)> = Vec::new();
    for row in wasm.allocators() {
        let times = row.times.iter().flat_map(|tier| [tier.fresh.reason(), tier.steady.reason()]).flatten();
        let of_row = [
            row.sizes.reason(),
            row.sizes.known().and_then(|sizes| sizes.z_wasm_opt.reason()),
            row.memory.reason(),
            row.fuel.as_ref().and_then(Figure::reason),
        ];
        let mut reasons: Vec<String> = of_row.into_iter().flatten().chain(times).map(ToString::to_string).collect();
        reasons.sort();
        reasons.dedup();
        found
            .extend(reasons.into_iter().filter(|reason| reason != NOT_TIMED).map(|reason| (row.name.as_str(), reason)));
    }
    found.extend(wasm.engines.iter().filter_map(Figure::reason).map(|reason| ("an engine", reason.to_string())));
    by_reason(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn page(wasm: WasmResults) -> String {
        let results = Results { wasm: Some(wasm), ..sample::empty() };
        super::wasm(&results, 0).unwrap().unwrap().into_string()
    }

    #[test]
    fn every_figure_is_there_and_what_is_missing_has_its_reason() {
        let page = page(sample::wasm());
        for text in [
            "1,794",
            "16.0 (15.0–17.0)",
            "Node, optimised: steady ns/op",
            "data-chart=\"module-size\"",
            "600 at event 7",
        ] {
            assert!(page.contains(text), "{text} in {page}");
        }
        assert!(page.contains("wasm-opt is not installed."), "{page}");
        assert!(wasm(&sample::empty(), 0).is_none());
    }

    #[test]
    fn nothing_is_taken_for_markup() {
        let mut wasm = sample::wasm();
        wasm.rows[0].name = "<script>".into();
        wasm.rows[0].memory = Figure::unknown("<b>");
        wasm.compiler = "<u>".into();
        let page = page(wasm);
        assert!(!page.contains("<script>") && !page.contains("<b>") && !page.contains("<u>"), "{page}");
    }
}
