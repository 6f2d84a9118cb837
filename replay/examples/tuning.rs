//! Writes the page on what `replay tune` finds for the programs of the library, and what that is worth in the programs
//! themselves.
//!
//! `tuning FROM TO` reads the folders `FROM/NAME`, each with the `tune.json` of `replay tune NAME` and, where there is
//! something to gain, the `real.json` of `replay run --compare --json` on `custom` and `swept-bump`. It writes
//! `TO/tuning.md`. `traces/workloads/tune` calls it.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use heaprace_reports::real::{RealContender, RealRuns, RunClock};
use heaprace_reports::results::Figure;
use heaprace_reports::save;
use heaprace_reports::stats::{Estimate, ratio_within_rounds};
use heaprace_reports::tuning::{Advice, HeldOutChoice, Tuning, WORTH};

/// A program, what was found for it, and its real runs if a member was found and run.
struct Program {
    tuning: Tuning,
    runs: Option<RealRuns>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [from, to] = &arguments[..] else { return Err("usage: tuning FROM TO".into()) };
    let mut folders: Vec<PathBuf> =
        fs::read_dir(from)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    folders.sort();
    let mut programs = Vec::new();
    for folder in folders.iter().filter(|folder| folder.join("tune.json").is_file()) {
        programs.push(program(folder).map_err(|error| format!("{}: {error}", folder.display()))?);
    }
    save(&to.join("tuning.md"), page(&programs).as_bytes())?;
    println!("{} programs: {}", programs.len(), to.join("tuning.md").display());
    Ok(())
}

fn program(folder: &Path) -> Result<Program, Box<dyn Error>> {
    let tuning = Tuning::from_json(&fs::read_to_string(folder.join("tune.json"))?)?;
    let real = folder.join("real.json");
    let runs = if real.is_file() { Some(RealRuns::from_json(&fs::read_to_string(real)?)?) } else { None };
    Ok(Program { tuning, runs })
}

/// What a program itself needs and takes on the member that was found, over the flagship.
struct Truth {
    /// Pages of the member and of the flagship: the medians of all rounds, as programs with threads or random seeds differ.
    pages: [u64; 2],
    time: Option<Estimate>,
}

impl Truth {
    fn of(runs: &RealRuns) -> Option<Self> {
        let [member, flagship] = ["custom", "swept-bump"].map(|name| runs.named(name));
        let (member, flagship) = (member?, flagship?);
        let middle = |row: &RealContender| {
            let mut pages = row.peak_pages.clone();
            pages.sort_unstable();
            pages.get(pages.len() / 2).copied()
        };
        let times = [member, flagship].map(|row| row.times_ns(RunClock::Cpu));
        let time = ratio_within_rounds(times[0], times[1]).known().map(|ratio| ratio.estimate);
        Some(Truth { pages: [middle(member)?, middle(flagship)?], time })
    }

    /// Whether a tenth of the heap or of the time is saved, and nothing of the other lost, as far as intervals show.
    fn gains(&self) -> bool {
        let peak = self.pages[0] as f64 / self.pages[1].max(1) as f64;
        let interval = self.time.and_then(|time| time.interval);
        let is_slower = interval.is_some_and(|interval| interval.low > 1.0);
        let is_faster = interval.is_some_and(|interval| interval.high < 1.0 - WORTH);
        peak <= 1.0 - WORTH + 1e-9 && !is_slower || peak <= 1.0 && is_faster
    }
}

fn page(programs: &[Program]) -> String {
    let found: Vec<(&Program, usize)> = programs
        .iter()
        .filter_map(|program| match program.tuning.advice() {
            Advice::Take { row, .. } => Some((program, row)),
            Advice::Keep | Advice::Unknown => None,
        })
        .collect();
    let truths: Vec<Option<Truth>> =
        found.iter().map(|(program, _)| program.runs.as_ref().and_then(Truth::of)).collect();
    let holds = truths.iter().flatten().filter(|truth| truth.gains()).count();
    let run = truths.iter().flatten().count();
    let mut page = format!(
        "# What tuning gains\n\n```sh\ntraces/workloads/tune\n```\n\n\
         **For {} of {} programs, `replay tune` finds a member of our family that saves a tenth of the heap or of the time of \
         swept-bump without a loss in the other; of the {run} that were run for real, the gain is there in {holds}.** For the \
         others it says that there is nothing to gain.\n\n\
         A member is chosen by its exact peak among {} members, and compiled for the times of replays. The program itself ran on \
         the contender `custom`, whose decisions are looked up at run time, beside the compiled swept-bump: what it takes longer \
         is at most that. Pages are of 64 KiB, so a page of a small heap is much of it; \
         those of a program are the medians of its rounds. Times of the program are processor time, with 95 % \
         intervals. The floor is swept-bump beside another copy of the same code. [validation](validation/README.md) has what is known \
         of why some programs need other pages than their replay predicts.\n\n\
         | program | member | pages, replay | pages, program | steady time ×, replay | its floor | time ×, program | holds |\n\
         |---|---|--:|--:|--:|--:|--:|---|\n",
        found.len(),
        programs.len(),
        programs.first().map_or(0, |program| program.tuning.tried)
    );
    for ((program, row), truth) in found.iter().zip(&truths) {
        let tuning = &program.tuning;
        let pages = |row: usize| tuning.rows[row].traces[0].pages.known().map_or("–".to_owned(), u64::to_string);
        let steady = |row| {
            let time = tuning.time(row, |on| &on.steady);
            time.map_or("–".to_owned(), |time| ratio(time.value, time.interval))
        };
        let (real_pages, time, verdict) = match truth {
            Some(truth) => (
                format!("{} of {}", truth.pages[0], truth.pages[1]),
                truth.time.map_or("–".to_owned(), |time| {
                    ratio(time.value, time.interval.map(|interval| [interval.low, interval.high]))
                }),
                if truth.gains() { "yes" } else { "**no**" },
            ),
            None => ("–".to_owned(), "–".to_owned(), "not run: the program is not on this machine"),
        };
        page += &format!(
            "| {} | `{}` | {} of {} | {real_pages} | {} | {} | {time} | {verdict} |\n",
            tuning.chosen_on[0],
            tuning.rows[*row].design,
            pages(*row),
            pages(0),
            steady(*row),
            steady(0)
        );
    }
    let held: Vec<&HeldOutChoice> = programs.iter().flat_map(|program| &program.tuning.held_out).collect();
    let carried = held.iter().filter(|choice| choice.carries_over).count();
    page += &format!(
        "\n## Chosen on the first half\n\nOn {} of the traces some member has a smaller heap than swept-bump on the first half. On \
         {carried} of them at least half of what it saves there is saved on the whole trace, too:\n\n\
         | program | member | first half | whole trace | carries over |\n|---|---|--:|--:|---|\n",
        held.len()
    );
    for choice in held {
        let end = choice.end_pages.map_or("given up".to_owned(), |[own, flagship]| format!("{own} of {flagship}"));
        page += &format!(
            "| {} | `{}` | {} of {} | {end} | {} |\n",
            choice.trace,
            choice.design,
            choice.half_pages[0],
            choice.half_pages[1],
            if choice.carries_over { "yes" } else { "no" }
        );
    }
    if let Some(program) = programs.first() {
        let provenance = &program.tuning.provenance;
        let known = |figure: &Figure<String>| figure.known().cloned();
        let machine = [known(&provenance.cpu), Some(provenance.date.clone())].into_iter().flatten();
        page += &format!("\nMeasured on {}.\n", machine.collect::<Vec<_>>().join(", "));
    }
    page
}

fn ratio(value: f64, interval: Option<[f64; 2]>) -> String {
    let interval = interval.map_or_else(String::new, |[low, high]| format!(" ({low:.2}–{high:.2})"));
    format!("{value:.2}{interval}")
}
