//! Records the trace library, and checks that it can still be recorded.
//!
//! `record NAME` runs the workload of that name, writes `traces/library/NAME.htrace`, and prints the part of its `.toml` that
//! follows from the trace. `check` runs the workload of every library trace that has one, and compares totals. Both run the workloads
//! that lie beside this program, so they are built together: `./record NAME` and `./check` do that.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use traces::library::{self, LibraryEntry, Origin, Totals};
use traces::{Output, Profile, Source};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["record", name] => record(name).map(|()| ExitCode::SUCCESS),
        ["check"] => check(),
        _ => {
            eprintln!("usage: library record NAME | library check");
            Ok(ExitCode::from(2))
        }
    }
}

/// Records one workload anew into the library.
fn record(name: &str) -> Result<()> {
    let source = Source::locate(&run(&workload(name)?)?.to_string_lossy())?;
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../library").join(format!("{name}.htrace"));
    let mut profile = Profile::default();
    let mut events = source.open()?;
    let mut output = Output::create(&library, events.columns(), events.provenance())?;
    while let Some(event) = events.next() {
        let event = event?;
        events.comments().iter().try_for_each(|comment| output.comment(comment))?;
        output.write(&event)?;
        profile.add(&event);
    }
    events.comments().iter().try_for_each(|comment| output.comment(comment))?;
    output.finish()?;
    println!("{name}.htrace: {} bytes. For {name}.toml:\n", fs::metadata(&library)?.len());
    println!("platform = \"{}\"\nsha256 = \"{}\"\n\n[totals]", traces::record::platform(), source.sha256()?);
    for (total, value) in Totals::from(&profile).named() {
        println!("{total} = {value}");
    }
    Ok(())
}

/// Records every workload again, and compares it with the library.
fn check() -> Result<ExitCode> {
    let mut failed = false;
    for entry in library::entries() {
        let Ok(workload) = workload(entry.name) else {
            println!("{}: not recorded here ({})", entry.name, origin_or_command(entry));
            continue;
        };
        let totals = totals(&Source::locate(&run(&workload)?.to_string_lossy())?)?;
        let tolerance_percent = entry.about.tolerance_percent;
        let (mut largest_percent, mut differences) = (0.0, Vec::new());
        for ((total, now), (_, stated)) in totals.named().into_iter().zip(entry.about.totals.named()) {
            // As floats: totals are far below 2^53. What is 0 in the library differs without bounds if it is anything else now.
            let percent = if now == stated { 0.0 } else { now.abs_diff(stated) as f64 / stated as f64 * 100.0 };
            if percent > tolerance_percent {
                differences.push(format!("{total} is {now}, the library says {stated}"));
            }
            largest_percent = f64::max(largest_percent, percent);
        }
        match differences.is_empty() {
            true if largest_percent == 0.0 => println!("{}: recorded again, the same totals", entry.name),
            true => {
                println!("{}: recorded again, {largest_percent:.3} % apart, {tolerance_percent} % allowed", entry.name)
            }
            false => println!("{}: further apart than {tolerance_percent} %: {}", entry.name, differences.join("; ")),
        }
        failed |= !differences.is_empty();
    }
    Ok(ExitCode::from(u8::from(failed)))
}

fn origin_or_command(entry: &LibraryEntry) -> &str {
    match entry.about.origin {
        Origin::Synthetic => "synthetic",
        _ => &entry.about.command,
    }
}

/// The program beside this one of that name.
fn workload(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    match path.is_file() {
        true => Ok(path),
        false => Err(format!("there is no workload {name}; the workloads are the files of src/bin").into()),
    }
}

/// Runs a workload, and gives the trace that it leaves, which lies beside it.
fn run(workload: &Path) -> Result<PathBuf> {
    let trace = workload.with_extension("csv");
    let status = Command::new(workload).env("HEAPRACE_TRACE", &trace).status()?;
    if !status.success() {
        return Err(format!("{} failed: {status}", workload.display()).into());
    }
    Ok(trace)
}

fn totals(source: &Source) -> Result<Totals> {
    let mut profile = Profile::default();
    for event in source.open()? {
        profile.add(&event?);
    }
    Ok(Totals::from(&profile))
}
