//! What ran without being recorded.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use heaprace_reports::numbers::{count, grouped};

use super::folder::shown;
use super::raw::{self, Raw};
use crate::cli::preloading::refusal;

/// Maximum number of programs that a line names.
const MOST_NAMED: usize = 3;

/// What ran without being recorded, as lines for the user, and whether the traces are all that was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    pub(super) lines: Vec<String>,
    pub(super) is_failure: bool,
}

impl Findings {
    fn fail(&mut self, line: String) {
        self.lines.push(line);
        self.is_failure = true;
    }
}

/// Looks for it in the recordings of a run, which are sorted by process and number. `process` is the first process, and
/// `recorded` has the calls in its trace. `bypassed` has the places of recordings without calls, each with the function
/// that gives out memory instead.
pub(super) fn find(
    raws: &[Raw],
    process: u32,
    recorded: u64,
    bypassed: &[(usize, String)],
    follow_forks: bool,
) -> Findings {
    let mut found = Findings::default();
    for (index, function) in bypassed {
        let raw = &raws[*index];
        found.fail(not_recorded(raw, function));
    }
    gone_by_exec(raws, process, follow_forks, &mut found);
    missing_forks(raws, &mut found);
    if follow_forks {
        still_running(raws, &mut found);
    } else {
        only_counted(raws, process, recorded, &mut found);
    }
    found
}

/// A program that was to be recorded, and brings a function of its own in place of all that are.
pub(super) fn not_recorded(raw: &Raw, function: &str) -> String {
    format!(
        "{} (process {}) was not recorded: it calls {function}, an allocator of its own; build it without, or record it with \
         the crate heaprace-recorder if it is in Rust",
        raw.header.name(),
        raw.name()
    )
}

/// Processes that became a program which has no recording.
fn gone_by_exec(raws: &[Raw], process: u32, follow_forks: bool, found: &mut Findings) {
    let mut others: BTreeMap<&Path, u64> = BTreeMap::new();
    for (index, raw) in raws.iter().enumerate() {
        let is_last = raws.get(index + 1).is_none_or(|next| next.process != raw.process);
        let Some(exec) = raw.header.exec.as_deref().filter(|_| is_last) else { continue };
        if raw.process == process {
            let name = raw.header.name();
            found.fail(format!("{name} became {}, which was not recorded: {}", shown(exec), reason(exec)));
        } else {
            *others.entry(exec).or_default() += 1;
        }
    }
    let verb = if follow_forks { "recorded" } else { "even counted" };
    for (exec, processes) in others {
        let processes = count(processes, "process");
        found.fail(format!("{processes} became {}, which was not {verb}: {}", shown(exec), reason(exec)));
    }
}

/// Why a program has no recording, and what to do.
fn reason(program: &Path) -> String {
    refusal(program).unwrap_or_else(|| {
        "it started with a cleared environment, as 'env -i' and 'sudo' do, or could not write to the folder of the \
         recording; record that program itself"
            .to_owned()
    })
}

/// Children whose calls were counted.
fn only_counted(raws: &[Raw], process: u32, recorded: u64, found: &mut Findings) {
    // By process, because it may have been several programs: the name of the one with the most calls.
    let mut processes: BTreeMap<u32, (u64, &Raw)> = BTreeMap::new();
    for raw in raws.iter().filter(|raw| raw.process != process && raw.header.claimed > 0) {
        let (calls, busiest) = processes.entry(raw.process).or_insert((0, raw));
        *calls = calls.saturating_add(raw.header.claimed);
        if raw.header.claimed > busiest.header.claimed {
            *busiest = raw;
        }
    }
    if !processes.is_empty() {
        counted(&processes, recorded, found);
    }
    not_counted(raws, process, found);
    still_uncounted(raws, process, found);
}

/// Names the programs with the most calls, and the one that made more than the recorded process.
fn counted(processes: &BTreeMap<u32, (u64, &Raw)>, recorded: u64, found: &mut Findings) {
    let mut programs: HashMap<String, (u64, u64)> = HashMap::new();
    for (calls, raw) in processes.values() {
        let (number, sum) = programs.entry(raw.header.name()).or_default();
        (*number, *sum) = (*number + 1, sum.saturating_add(*calls));
    }
    let mut programs: Vec<_> = programs.into_iter().collect();
    programs.sort_by(|(one, (_, few)), (other, (_, many))| many.cmp(few).then(one.cmp(other)));
    let (named, rest) = programs.split_at(programs.len().min(MOST_NAMED));
    let described =
        |number: u64, of: &str, calls: u64| format!("{}{of} with {}", processes_of(number), count(calls, "call"));
    let mut parts: Vec<String> =
        named.iter().map(|(name, (number, calls))| described(*number, &format!(" of {name}"), *calls)).collect();
    if !rest.is_empty() {
        let sum = |part: fn(&(u64, u64)) -> u64| rest.iter().map(|(_, sums)| part(sums)).fold(0, u64::saturating_add);
        parts.push(described(sum(|sums| sums.0), " of other programs", sum(|sums| sums.1)));
    }
    found.lines.push(format!("not recorded: {}; --follow-forks records them", parts.join(", ")));

    if let Some((calls, raw)) = processes.values().max_by_key(|(calls, _)| calls).filter(|(calls, _)| *calls > recorded)
    {
        found.fail(format!(
            "the trace is of a process with {}, but {} (process {}) made {}: record that one with --follow-forks, or by naming \
             it in place of what starts it",
            count(recorded, "call"),
            raw.header.name(),
            raw.process,
            grouped(*calls)
        ));
    }
}

/// Children with memory from functions that are not recorded.
fn not_counted(raws: &[Raw], process: u32, found: &mut Findings) {
    let mut programs: BTreeMap<(String, String), u64> = BTreeMap::new();
    for raw in raws.iter().filter(|raw| raw.process != process) {
        if let Some(bypass) = &raw.header.bypass {
            *programs.entry((raw.header.name(), shown(bypass.as_ref()))).or_default() += 1;
        }
    }
    for ((name, bypass), processes) in programs {
        let processes = processes_of(processes);
        found.fail(format!("{processes} of {name}: what {bypass} gives out is not even counted"));
    }
}

/// Children that go on.
fn still_uncounted(raws: &[Raw], process: u32, found: &mut Findings) {
    let running: Vec<_> = raws.iter().filter(|raw| raw.runs && raw.process != process).collect();
    if let Some(raw) = running.first() {
        found.fail(format!(
            "{} ({}, process {}): what it does from now on is not even counted; keep the program in the foreground, or end \
             it before its parent ends",
            still_run(running.len() as u64),
            raw.header.name(),
            raw.process
        ));
    }
}

/// Children that could not begin a recording.
fn missing_forks(raws: &[Raw], found: &mut Findings) {
    for (place, missing) in raw::missing_forks(raws) {
        let parent = &raws[place];
        found.fail(format!(
            "{} that {} (process {}) forked could not begin a recording; check the free space, the permissions of the folder, \
             and whether the program changes its root or user",
            processes_of(missing),
            parent.header.name(),
            parent.name()
        ));
    }
}

fn still_running(raws: &[Raw], found: &mut Findings) {
    for raw in raws.iter().filter(|raw| raw.runs) {
        found.fail(format!(
            "{} (process {}) still runs, so its trace is cut off here; keep the program in the foreground, or end it \
             before its parent ends",
            raw.header.name(),
            raw.name()
        ));
    }
}

fn processes_of(number: u64) -> String {
    match number {
        1 => "1 process".to_owned(),
        number => format!("{} processes", grouped(number)),
    }
}

fn still_run(number: u64) -> String {
    match number {
        1 => "1 process still runs".to_owned(),
        number => format!("{} processes still run", grouped(number)),
    }
}

#[cfg(test)]
mod tests {
    use heaprace_traces::native::{NativeHeader, Parent};

    use super::*;

    fn raw(process: u32, number: u32, program: &str, change: impl FnOnce(&mut NativeHeader)) -> Raw {
        let mut header = NativeHeader::default();
        header.program = program.into();
        header.claimed = 10;
        change(&mut header);
        Raw { path: format!("{process}-{number}.raw").into(), process, number, header, runs: false }
    }

    fn counted(process: u32, program: &str, calls: u64) -> Raw {
        raw(process, 0, program, |header| (header.only_counted, header.claimed) = (true, calls))
    }

    #[test]
    fn a_run_of_one_process_has_nothing_unrecorded() {
        let raws = [raw(1, 0, "sh", |header| header.exec = Some("/bin/ls".into())), raw(1, 1, "ls", |_| {})];
        for follow_forks in [false, true] {
            assert_eq!(find(&raws, 1, 10, &[], follow_forks), Findings::default());
        }
    }

    #[test]
    fn a_program_that_the_process_became_unseen_is_a_failure() {
        let raws = [raw(1, 0, "/usr/bin/env", |header| header.exec = Some("/nowhere/a\u{1b}b".into()))];
        let found = find(&raws, 1, 10, &[], false);
        assert!(found.is_failure);
        assert!(
            found.lines[0]
                .starts_with(r"env became /nowhere/a\u{1b}b, which was not recorded: it started with a cleared")
        );

        let raws =
            [raw(1, 0, "timeout", |_| {}), raw(2, 0, "timeout", |header| header.exec = Some("/etc/passwd".into()))];
        let found = find(&raws, 1, 10, &[], false);
        assert!(found.is_failure);
        assert!(
            found.lines[0]
                .starts_with("1 process became /etc/passwd, which was not even counted: /etc/passwd is neither an ELF")
        );
        assert!(find(&raws, 1, 10, &[], true).lines[0].contains("was not recorded"));
    }

    #[test]
    fn counted_children_are_named_and_one_with_more_calls_than_the_trace_is_a_failure() {
        let main = || raw(1, 0, "nginx", |_| {});
        let workers = [
            main(),
            counted(2, "/sbin/nginx", 20_000),
            counted(3, "nginx", 17_090),
            counted(4, "nginx", 0),
            counted(5, "sh", 1),
        ];
        let found = find(&workers, 1, 20_000, &[], false);
        let line = "not recorded: 2 processes of nginx with 37,090 calls, 1 process of sh with 1 call; --follow-forks records them";
        assert_eq!(found, Findings { lines: vec![line.to_owned()], is_failure: false });
        let found = find(&workers, 1, 19_999, &[], false);
        assert!(found.is_failure);
        assert!(
            found.lines[1]
                .starts_with("the trace is of a process with 19,999 calls, but nginx (process 2) made 20,000:")
        );

        let many: Vec<Raw> =
            std::iter::once(main()).chain((2..7).map(|process| counted(process, &format!("p{process}"), 3))).collect();
        let found = find(&many, 1, 100, &[], false);
        assert!(
            found.lines[0].contains("1 process of p4 with 3 calls, 2 processes of other programs with 6 calls;"),
            "{found:?}"
        );
    }

    #[test]
    fn the_calls_of_a_process_are_summed_over_its_programs() {
        let raws = [raw(1, 0, "x", |_| {}), counted(2, "sh", 4), Raw { number: 1, ..counted(2, "gcc", 7) }];
        let found = find(&raws, 1, 10, &[], false);
        assert!(found.lines[0].starts_with("not recorded: 1 process of gcc with 11 calls;"));
        assert!(found.is_failure);
    }

    #[test]
    fn a_process_with_memory_from_elsewhere_is_a_failure() {
        let raws =
            [raw(1, 0, "cargo", |_| {}), raw(2, 1, "rustc", |header| header.bypass = Some("malloc of rustc".into()))];
        let found = find(&raws, 1, 10, &[(1, "malloc of rustc".to_owned())], true);
        let line = "rustc (process 2-1) was not recorded: it calls malloc of rustc, an allocator of its own;";
        assert!(found.is_failure && found.lines[0].starts_with(line), "{found:?}");
        let found = find(&raws, 1, 10, &[], false);
        assert!(found.is_failure);
        assert_eq!(
            found.lines.last().unwrap(),
            "1 process of rustc: what malloc of rustc gives out is not even counted"
        );
    }

    #[test]
    fn forks_without_a_recording_are_a_failure() {
        let parent = |process| Some(Parent { process, number: 0, claimed: 3 });
        let mut raws = vec![
            raw(1, 0, "server", |header| header.forks = 2),
            raw(2, 0, "server", |header| header.parent = parent(1)),
            raw(2, 1, "ls", |_| {}),
        ];
        let found = find(&raws, 1, 10, &[], true);
        assert!(
            found.is_failure && found.lines[0].starts_with("1 process that server (process 1) forked"),
            "{found:?}"
        );
        raws.push(raw(3, 0, "server", |header| header.parent = parent(1)));
        assert_eq!(find(&raws, 1, 10, &[], true), Findings::default());
    }

    #[test]
    fn a_process_that_still_runs_is_a_failure() {
        let running = Raw { runs: true, ..raw(2, 0, "daemon", |_| {}) };
        let found = find(&[raw(1, 0, "start", |_| {}), running.clone()], 1, 10, &[], true);
        assert!(
            found.is_failure && found.lines[0].starts_with("daemon (process 2) still runs, so its trace is cut off")
        );
        let found = find(&[raw(1, 0, "start", |_| {}), running], 1, 20, &[], false);
        assert!(
            found.is_failure && found.lines[1].starts_with("1 process still runs (daemon, process 2)"),
            "{found:?}"
        );
    }
}
