//! The results in the terminal.

use heaprace_reports::numbers::{grouped, short};
use heaprace_reports::results::{Figure, Role};
use heaprace_reports::table::wrap;

use crate::comparison::{GuestResults, GuestRow, GuestTime, NOT_TIMED, Spread, TierTimes};
use crate::size::AddedBytes;

/// Stands for a figure that there is not.
const UNKNOWN: &str = "–";

/// Blanks between two columns.
const GAP: &str = "  ";

/// The tables, and why figures are missing, for a terminal of this width.
pub fn text(results: &GuestResults, width: usize) -> String {
    let rows: Vec<&GuestRow> = results.rows.iter().filter(|row| row.role != Role::Floor).collect();
    let mut text = heading(results, width);
    text += &sizes_and_pages(&rows);
    if rows.iter().any(|row| row.fuel.is_some()) {
        text += "\nFuel of an event beyond the floor, and of the calls that cost more than others\n";
        text += &fuel(&rows);
    }
    let tiers = rows.first().map_or(0, |row| row.times.len());
    for tier in (0..tiers).filter(|&tier| results.rows.iter().any(|row| is_timed(&row.times[tier]))) {
        text += &format!(
            "\n{} code: ns per event beyond the floor, and × {}'s time, with 95 % intervals\n",
            capital(rows[0].times[tier].tier),
            results.reference
        );
        text += &times(&rows, tier);
    }
    text += &notes(results, width);
    text
}

fn heading(results: &GuestResults, width: usize) -> String {
    let engine = match &results.engine {
        Figure::Known(engine) => engine.clone(),
        Figure::Unknown { unknown } => format!("no engine ({unknown})"),
    };
    let written = if results.touch { "every new byte written" } else { "nothing written" };
    let line = format!(
        "{}: {} events in WebAssembly, {written}, {engine}. Modules replayed at opt-level {}, by {}.",
        results.trace,
        grouped(results.events),
        results.opt_level,
        results.compiler,
    );
    wrap(&line, width, 0).join("\n") + "\n\n"
}

fn sizes_and_pages(rows: &[&GuestRow]) -> String {
    let fails = rows.iter().any(|row| row.memory.known().is_some_and(|memory| memory.failed_requests > 0));
    let mut lines = vec![vec!["", "bytes at z", "code", "data", "-Oz", "s", "3", "pages", "grows"]];
    if fails {
        lines[0].push("failed");
    }
    let mut lines: Vec<Vec<String>> = vec![lines.remove(0).into_iter().map(str::to_owned).collect()];
    for row in rows {
        let mut line = vec![row.name.to_owned()];
        let whole = |added: &AddedBytes| signed(added.whole_bytes);
        match row.sizes.known() {
            Some(sizes) => {
                line.extend([whole(&sizes.z), signed(sizes.z.code_bytes), signed(sizes.z.data_bytes)]);
                line.push(sizes.z_wasm_opt.known().map_or(UNKNOWN.to_owned(), whole));
                line.extend([whole(&sizes.s), whole(&sizes.three)]);
            }
            None => line.extend([UNKNOWN; 6].map(str::to_owned)),
        }
        match row.memory.known() {
            Some(memory) => {
                let grows = memory.grow_calls.known().unwrap_or(&memory.growing_events);
                line.extend([grouped(memory.grown_pages), grouped(*grows)]);
            }
            None => line.extend([UNKNOWN; 2].map(str::to_owned)),
        }
        if fails {
            line.push(row.memory.known().map_or(UNKNOWN.to_owned(), |memory| grouped(memory.failed_requests)));
        }
        lines.push(line);
    }
    aligned(&lines)
}

fn fuel(rows: &[&GuestRow]) -> String {
    let header = ["", "mean", "bulk bytes", "median", "90 %", "99 %", "99.9 %", "worst", "at event"];
    let mut lines = vec![header.map(str::to_owned).to_vec()];
    for row in rows {
        let mut line = vec![row.name.to_owned()];
        match row.fuel.as_ref().and_then(Figure::known) {
            Some(fuel) => {
                line.extend([short(fuel.net_per_op), short(fuel.bulk_bytes_per_op)]);
                line.extend(fuel.percentiles.map(|(_, fuel)| grouped(fuel)));
                line.extend([grouped(fuel.worst.fuel), grouped(fuel.worst.event)]);
            }
            None => line.extend([UNKNOWN; 8].map(str::to_owned)),
        }
        lines.push(line);
    }
    aligned(&lines)
}

fn times(rows: &[&GuestRow], tier: usize) -> String {
    let header = ["", "fresh", "", "×", "", "steady", "", "×", ""];
    let mut lines = vec![header.map(str::to_owned).to_vec()];
    for row in rows {
        let mut line = vec![row.name.to_owned()];
        for time in [&row.times[tier].fresh, &row.times[tier].steady] {
            let of = |figure: fn(&GuestTime) -> &Figure<Spread>| time.known().and_then(|time| figure(time).known());
            line.extend(cells(of(|time| &time.net_ns_per_op)));
            line.extend(cells(of(|time| &time.ratio)));
        }
        lines.push(line);
    }
    aligned(&lines)
}

fn is_timed(times: &TierTimes) -> bool {
    times.fresh.known().is_some() || times.steady.known().is_some()
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

/// Why figures are missing: each reason once, with the names that it is for.
fn notes(results: &GuestResults, width: usize) -> String {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    let mut add = |name: &'static str, reason: String| match reasons.iter_mut().find(|(known, _)| *known == reason) {
        Some((_, names)) if names.contains(&name) => {}
        Some((_, names)) => names.push(name),
        None => reasons.push((reason, vec![name])),
    };
    for row in &results.rows {
        if let Figure::Known(sizes) = &row.sizes
            && let Figure::Unknown { unknown } = &sizes.z_wasm_opt
        {
            add(row.name, unknown.to_string());
        }
        if let Figure::Unknown { unknown } = &row.memory {
            add(row.name, unknown.to_string());
        }
        if let Some(Figure::Unknown { unknown }) = &row.fuel {
            add(row.name, format!("fuel: {unknown}"));
        }
        let times = row.times.iter().flat_map(|tier| [(tier.tier, &tier.fresh), (tier.tier, &tier.steady)]);
        let missing: Vec<(&str, String)> = times
            .filter_map(|(tier, time)| match time {
                Figure::Unknown { unknown } => Some((tier, unknown.to_string())),
                Figure::Known(_) => None,
            })
            .collect();
        // Without rounds nothing is missing; and what failed its check has its reason above.
        if row.memory.known().is_none() || missing.iter().all(|(_, reason)| reason == NOT_TIMED) {
            continue;
        }
        let of_all = missing.len() == 2 * row.times.len() && missing.iter().all(|(_, reason)| *reason == missing[0].1);
        for (tier, reason) in missing {
            add(row.name, if of_all { reason } else { format!("{tier} code: {reason}") });
        }
    }
    let all = results.rows.iter().filter(|row| row.role != Role::Floor).count();
    let mut text = String::new();
    for (reason, names) in reasons {
        let names = if names.len() >= all { "all".to_owned() } else { names.join(", ") };
        text += &format!("\n{}", wrap(&format!("{UNKNOWN} {names}: {reason}"), width, 2).join("\n"));
    }
    if text.is_empty() { text } else { format!("{text}\n") }
}

fn signed(bytes: i64) -> String {
    let sign = if bytes < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(bytes.unsigned_abs()))
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// Lines of cells, the first one to the left and the others to the right.
fn aligned(lines: &[Vec<String>]) -> String {
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
