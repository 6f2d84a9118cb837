//! Draws every chart for the cases that go wrong first, from real results:
//! `cargo run -p heaprace-reports --example gallery -- OUT results.json...`
//!
//! Each results file gives a folder per case, with every chart as SVG and its data as CSV:
//!
//! - `as-is`: the results unchanged;
//! - `failed`: the first contender failed verification, and the second was ended early;
//! - `one`: a single contender;
//! - `twelve`: twelve contenders, the additional ones derived from the others;
//! - `marked`: with forty phase marks;
//! - `none`: no contender.
//!
//! The charts over several traces are in `all-traces`; those over the first two traces and the first trace alone are in
//! `two-traces` and `one-trace`.
//!
//! To see them as printed in a column of a paper, and in grey:
//! `rsvg-convert --width 1004 footprint.svg --output footprint.png` (8.5 cm at 300 dots per inch) and
//! `convert footprint.png -colorspace gray grey.png`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use heaprace_reports::chart;
use heaprace_reports::results::{Contender, Figure, Grouped, Mark, Partial, Reason, Results, Role, Verification};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let split = arguments.split_first().filter(|(_, files)| !files.is_empty());
    let Some((out, files)) = split else { return Err("usage: gallery OUT results.json...".into()) };
    let mut all = Vec::new();
    for file in files {
        let results = Results::from_json(&fs::read_to_string(file)?)?;
        all.push(results.clone());
        for (case, results) in cases(&results) {
            draw_all(&results, &out.join(format!("{}-{case}", results.trace.name)))?;
        }
    }
    for (case, traces) in [("all-traces", &all[..]), ("two-traces", &all[..all.len().min(2)]), ("one-trace", &all[..1])]
    {
        draw_set(traces, &out.join(case))?;
    }
    Ok(())
}

fn draw_set(traces: &[Results], folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    for chart in chart::ALL_TRACES {
        heaprace_reports::save(&folder.join(chart.file_name), (chart.draw)(traces)?.as_bytes())?;
        heaprace_reports::save(&folder.join(chart.data_file_name()), (chart.data)(traces).as_bytes())?;
    }
    Ok(())
}

fn draw_all(results: &Results, folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    for chart in chart::ALL {
        heaprace_reports::save(&folder.join(chart.file_name), (chart.draw)(results)?.as_bytes())?;
        heaprace_reports::save(&folder.join(chart.data_file_name()), (chart.data)(results).as_bytes())?;
    }
    Ok(())
}

fn cases(results: &Results) -> [(&'static str, Results); 6] {
    let with = |change: fn(&mut Results)| {
        let mut changed = results.clone();
        change(&mut changed);
        changed
    };
    [
        ("as-is", results.clone()),
        ("failed", with(fail_some)),
        ("one", with(|results| results.contenders.retain(|row| row.name == "talc"))),
        ("twelve", with(make_twelve)),
        ("marked", with(set_marks)),
        ("none", with(|results| results.contenders.clear())),
    ]
}

fn ships(row: &&mut Contender) -> bool {
    row.role == Role::Contender
}

fn fail_some(results: &mut Results) {
    let mut rows = results.contenders.iter_mut().filter(ships);
    if let Some(row) = rows.next() {
        let message = "the block at 0x5f0 (64 B) overlaps the block at 0x5e0 (32 B)".to_string();
        row.verification = Verification::Failed { event: 4711, message };
        row.time = Figure::unknown("failed verification");
        row.latency = Figure::unknown("failed verification");
    }
    if let Some(row) = rows.next() {
        row.memory = Figure::unknown(Reason::OverBudgetAt { event: Grouped(1000) });
        row.time = Figure::unknown(Reason::OverBudgetAt { event: Grouped(1000) });
        row.latency = Figure::unknown(Reason::OverBudgetAt { event: Grouped(1000) });
        row.partial =
            Some(Partial { reason: Reason::OverBudget, events: 1000, heap_bytes: 65_536, elapsed_ns: 10_000_000_000 });
    }
}

/// Copies of the existing contenders, each a little slower and larger.
fn make_twelve(results: &mut Results) {
    let names = ["rlsf", "linked_list_allocator", "buddy_system_allocator", "mimalloc", "jemalloc", "lol_alloc"];
    let models: Vec<Contender> =
        results.contenders.iter().filter(|row| row.memory.known().is_some()).cloned().collect();
    for (index, name) in names.into_iter().enumerate() {
        let Some(model) = models.get(index % models.len().max(1)) else { continue };
        let mut row = Contender { name: name.into(), role: Role::Contender, ..model.clone() };
        let grown = |figure: u64| figure + figure * (index as u64 + 1) / 40;
        if let Figure::Known(memory) = &mut row.memory {
            memory.timeline.iter_mut().for_each(|point| point.committed_bytes = grown(point.committed_bytes));
            memory.peak_heap_bytes = grown(memory.peak_heap_bytes);
            memory.overhead_ratio = memory.peak_heap_bytes as f64 / results.trace.peak_live_bytes as f64;
        }
        if let Figure::Known(time) = &mut row.time {
            let samples = time.fresh_ns.iter_mut().chain(&mut time.steady_ns);
            samples.for_each(|sample| *sample = grown(*sample));
        }
        if let Figure::Known(latency) = &mut row.latency {
            latency.curve.iter_mut().for_each(|point| point.ns *= 1.0 + 0.1 * index as f64);
            latency.all.max_ns *= 1.0 + 0.1 * index as f64;
        }
        results.contenders.push(row);
    }
}

fn set_marks(results: &mut Results) {
    let events = results.trace.events;
    let mut marks = vec![
        Mark { event: 0, name: "start".into() },
        Mark { event: events / 10, name: "a phase with a very long name".into() },
        Mark { event: events / 10 + events / 50, name: "hidden behind it".into() },
    ];
    marks.extend(
        (0..36).map(|index| Mark { event: events / 2 + index * events / 80, name: format!("request {index}") }),
    );
    marks.push(Mark { event: events - events / 100, name: "the end".into() });
    results.trace.mark_count = marks.len() as u64;
    results.trace.marks = marks;
}
