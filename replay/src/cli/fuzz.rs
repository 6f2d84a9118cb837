//! `replay fuzz`: random programs against allocators, and the smallest trace that shows a fault.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use heaprace_allocators::{Group, Purpose};
use heaprace_engine::field::Field;
use heaprace_engine::fuzz::{Finding, FoundIn, FuzzPlan, FuzzProgress, fuzz};
use heaprace_engine::limits::parse_budget;
use heaprace_reports::check_folder;
use heaprace_reports::numbers::{count, short};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::interrupt::interrupt;
use crate::cli::terminal::{FAILED, INTERRUPTED, USAGE, complain, note, print};

/// Check allocators with random programs, and shrink what they fail on
///
/// The programs are made up from a seed, biased to what breaks allocators: sizes around the borders of classes and
/// pages, growth by one byte and by doubling, alignments up to 64 KiB, heaps that run full, frees in every order. Every
/// block is checked, as in a replay. A fault that crashes, panics or never returns is found, too.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FuzzArguments {
    /// Allocator or group to check [default: those of the group 'default' that a program could ship]. Repeatable
    #[arg(long = "allocator", short, value_name = "NAME", hide_possible_values = true)]
    allocators: Vec<String>,

    /// Time for the programs: 60s, 5min
    #[arg(long, value_name = "TIME", value_parser = parse_budget, default_value = "60s")]
    time: Duration,

    /// Random seed: the same seed and build make the same programs
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Folder for the traces that show a fault
    #[arg(long, value_name = "DIR", default_value = "heaprace-fuzz")]
    out: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  replay fuzz
      Check the allocators of the group 'default' for a minute.
  replay fuzz --allocator swept-bump --time 10min --seed 7
      Check one for longer, with other programs.

A fault is shrunk to the smallest trace that still shows it, written to DIR, and printed with the
command that replays it. To shrink a trace of your own, use 'replay shrink'. Allocators without a
fault then run the conformance suite, which takes some seconds more. For an allocator in your own
crate, call heaprace::fuzz::check in a test.

The programs run in a child process. Where the system cannot fork (Windows), they run in the
command itself, and a fault that crashes it is not attributed.

Exit codes:
  0  no fault found
  1  a fault found, or a file could not be written
  2  usage error
  130  interrupted by Ctrl-C, with no fault found until then";

/// Fuzzes, and prints what was found.
pub(crate) fn run(arguments: &FuzzArguments, field: &Field) -> u8 {
    let chosen = match &arguments.allocators[..] {
        [] => Ok(field.members(Group::Default)),
        names => field.choose(names.iter().map(String::as_str)),
    };
    let mut chosen = match chosen {
        Ok(chosen) => chosen,
        Err(error) => return complain(USAGE, error),
    };
    // Nobody ships a yardstick, and the blocks of the floor overlap.
    let is_asked_for = !arguments.allocators.is_empty();
    chosen.retain(|contender| match contender.info.purpose {
        Purpose::Contender => true,
        Purpose::Floor => false,
        _ => is_asked_for,
    });
    if chosen.is_empty() {
        return complain(USAGE, "--allocator: the floor is no allocator, and its blocks overlap; name another");
    }
    let plan = FuzzPlan { seed: arguments.seed, time: arguments.time, interrupt: interrupt(), ..FuzzPlan::default() };
    let bar = progress_bar();
    let started = Instant::now();
    let report = fuzz(&chosen, &plan, &mut |progress| show(&bar, &progress, started.elapsed(), plan.time));
    bar.finish_and_clear();
    let report = match report {
        Ok(report) => report,
        Err(error) => return complain(FAILED, error),
    };
    for (name, reason) in &report.skipped {
        note(format_args!("{name}: is left out: {reason}"));
    }
    let mut code = 0;
    for finding in &report.findings {
        code = code.max(FAILED).max(show_finding(finding, &arguments.out));
    }
    let names: Vec<&str> = chosen.iter().map(|contender| contender.info.name).collect();
    let done = format!(
        "{} of seed {}, {} and {} in {} s: {}\n",
        count(report.programs, "program"),
        plan.seed,
        count(report.ops, "operation"),
        count(report.cases, "conformance case"),
        short(started.elapsed().as_secs_f64()),
        match report.findings.len() as u64 {
            0 => format!("no fault found in {}", names.join(", ")),
            faults => format!("{} found", count(faults, "fault")),
        }
    );
    code = code.max(print(&done));
    if report.interrupted && code == 0 { INTERRUPTED } else { code }
}

/// Prints a finding, writes its trace, and prints how to replay it.
fn show_finding(finding: &Finding, out: &Path) -> u8 {
    let code = print(&format!("{finding}\n"));
    let number = match &finding.found_in {
        FoundIn::Program { seed, number, .. } => format!("{seed}-{number}"),
        FoundIn::Conformance { .. } | FoundIn::Trace { .. } => return code.max(print("\n")),
    };
    if let Err(error) = fs::create_dir_all(out) {
        return complain(
            FAILED,
            format_args!("--out: cannot create the folder {}: {error}; choose another", out.display()),
        );
    }
    if let Err(error) = check_folder(out) {
        return complain(FAILED, error);
    }
    code.max(save(finding, &out.join(format!("{}-{number}.csv", finding.contender))))
}

/// Writes the trace of a finding, and prints the command that replays it.
pub(super) fn save(finding: &Finding, path: &Path) -> u8 {
    match finding.save(path) {
        Ok(()) => print(&format!(
            "    replay --trace {} {}\n\n",
            quoted(&path.display().to_string()),
            finding.replay_options()
        )),
        Err(error) => complain(FAILED, error),
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+=:@%".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A line on standard error, if that is a terminal.
pub(super) fn progress_bar() -> ProgressBar {
    use std::io::IsTerminal;
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.set_style(ProgressStyle::with_template("{msg}").expect("the template is sound"));
    bar
}

fn show(bar: &ProgressBar, progress: &FuzzProgress, elapsed: Duration, time: Duration) {
    match progress {
        FuzzProgress::Programs { programs, ops } => {
            let left = time.saturating_sub(elapsed).as_secs();
            let (programs, ops) = (count(*programs, "program"), count(*ops, "operation"));
            bar.set_message(format!("{programs}, {ops}, {left} s left"));
        }
        FuzzProgress::Shrinking(name, shrunk) => {
            let (events, trials) = (count(shrunk.events, "event"), count(shrunk.trials, "trial"));
            bar.set_message(format!("{name} fails: shrunk to {events} in {trials}"));
        }
        FuzzProgress::Conformance(name) => bar.set_message(format!("conformance suite: {name}")),
    }
    bar.tick();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted("heaprace-fuzz/talc-1-12.csv"), "heaprace-fuzz/talc-1-12.csv");
        assert_eq!(quoted("my folder/it's.csv"), r"'my folder/it'\''s.csv'");
    }
}
