//! `replay run` on small C programs: every contender serves them, and the heap that they need is the one that a replay
//! of their recording predicts.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use heaprace_allocators::{Purpose, contenders};
use heaprace_reports::real::RealRuns;
use heaprace_reports::results::Results;

use crate::record::{build, build_library, compile, program, scratch};
use crate::record_limits::own_operators;

fn replay(arguments: &[&str], input: &str) -> Output {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| build("heaprace-serve"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
    let piped = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn churn() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| compile("churn.c", &["cc", "-O1"], "churn").unwrap())
}

/// Compares on all contenders, and every further allocator of the registry that is one.
fn compare(command: &[&str], rounds: &str, options: &[&str], input: &str) -> (RealRuns, Output) {
    let arguments = [&["run", "--compare", "--rounds", rounds, "--json", "-"], options, &["--"], command].concat();
    let output = replay(&arguments, input);
    let json = String::from_utf8(output.stdout.clone()).unwrap();
    let runs = RealRuns::from_json(&json).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (runs, output)
}

/// `--allocator` for everything that can serve a program.
fn all() -> Vec<&'static str> {
    let served = contenders::ALL.iter().filter(|info| info.purpose != Purpose::Floor);
    served.flat_map(|info| ["--allocator", info.name]).collect()
}

#[test]
fn every_contender_serves_what_programs_do() {
    let file = program().to_str().unwrap();
    for (mode, failure) in [
        ("sequence", None),
        ("threads", None),
        ("forks", None),
        ("execs", None),
        ("many", None),
        ("clean", None),
        ("exits", Some("exit status: 5")),
        ("aborts", Some("signal: 6 (SIGABRT)")),
        ("crashes", Some("signal: 11 (SIGSEGV)")),
    ] {
        let (runs, output) = compare(&[file, mode], "1", &all(), "");
        assert_eq!(output.status.success(), failure.is_none(), "{mode}: {output:?}");
        assert_eq!(runs.has_threads, mode == "threads", "{mode}");
        for row in &runs.contenders {
            let found = row.failure.as_deref().map(|text| text.trim_end_matches(" (core dumped)"));
            assert_eq!(found, failure, "{mode} on {}", row.name);
            assert!(row.peak_pages[0] > 0, "{mode} on {}", row.name);
        }
    }
}

/// The operators of a library that the program links would serve its objects, and the contender would not.
#[test]
fn the_contender_serves_the_objects_of_a_program_with_operators_of_its_own() {
    let Some(program) = own_operators() else {
        eprintln!("skipped: there is no C++ compiler");
        return;
    };
    let (runs, output) = compare(&[program.to_str().unwrap()], "1", &["--allocator", "dlmalloc"], "");
    assert!(output.status.success(), "{output:?}");
    // A thousand strings with their texts, of 132 to 1,131 bytes each.
    assert!(runs.contenders.iter().all(|row| row.peak_pages[0] >= 9), "{output:?}");
}

#[test]
fn the_heap_of_the_program_is_the_one_that_a_replay_of_its_recording_predicts() {
    build_library();
    let folder = scratch("real");
    let (trace, out) = (folder.join("churn.csv"), folder.join("report"));
    let (trace, out) = (trace.to_str().unwrap(), out.to_str().unwrap());
    let recorded = replay(&["record", "--output", trace, "--", churn().to_str().unwrap()], "");
    assert!(recorded.status.success(), "{recorded:?}");
    let options = ["--rounds", "0", "--skip-bounds", "--skip-verification", "--format", "json", "--out", out];
    let replayed = replay(&[&["--trace", trace][..], &options].concat(), "");
    let predicted = Results::from_json(&String::from_utf8(replayed.stdout).unwrap()).unwrap();
    let (runs, _) = compare(&[churn().to_str().unwrap()], "2", &["--allocator", "default"], "");
    for row in &runs.contenders {
        let predicted = predicted.contenders.iter().find(|it| it.name == row.name).unwrap();
        let predicted = predicted.memory.known().unwrap().peak_heap_pages;
        assert_eq!(row.peak_pages, [predicted; 2], "{}", row.name);
        let growths: Vec<_> = row.growths.iter().map(|&(_, pages)| pages).collect();
        assert!(growths.is_sorted() && growths.last() == Some(&predicted), "{}: {growths:?}", row.name);
        assert!(row.failure.is_none() && row.refused_requests == 0, "{}: {row:?}", row.name);
    }
    let pages = |name| runs.named(name).unwrap().peak_pages[0];
    assert!(pages("bump") > 10 * pages("dlmalloc"), "the contenders are different ones");
}

#[test]
fn a_limit_refuses_requests() {
    let program = churn().to_str().unwrap();
    let output = replay(&["run", "--allocator", "talc", "--heap-limit", "2pages", "--", program], "");
    let summary = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && summary.contains("exit status: 4"), "{summary}");
    assert!(summary.contains("peak heap 2 pages") && summary.contains("1 request refused"), "{summary}");
}

#[test]
fn a_block_that_is_freed_twice_ends_the_program() {
    let output = replay(&["run", "--allocator", "dlmalloc", "--", churn().to_str().unwrap(), "frees twice"], "");
    let summary = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && summary.contains("no live block"), "{summary}");
}

#[test]
fn every_run_reads_the_whole_input() {
    let (runs, output) = compare(&[churn().to_str().unwrap(), "reads"], "3", &[], "x");
    assert!(output.status.success() && runs.contenders.iter().all(|row| row.failure.is_none()), "{output:?}");
    let (_, output) = compare(&[churn().to_str().unwrap(), "reads"], "1", &[], "");
    assert_eq!(output.status.code(), Some(1), "nothing is read");
}

#[test]
fn what_cannot_be_served_is_an_error_with_its_remedy() {
    let program = churn().to_str().unwrap();
    for (arguments, code, words) in [
        (&["run", "--", program][..], 2, "name one allocator"),
        (&["run", "--allocator", "null", "--", program], 2, "name one allocator"),
        (&["run", "--allocator", "talc", "--", "no-such-program"], 1, "no such program in PATH"),
        (&["run", "--allocator", "talc", "--global", "--", program], 1, "(exit status: 0): no request reached"),
        (
            &["run", "--allocator", "talc", "--global", "--", program, "fails"],
            1,
            "(exit status: 6): no request reached",
        ),
        (&["run", "--allocator", "talc", "--heap-limit", "8GiB", "--", program], 2, "at most 4GiB"),
        (&["run", "--compare", "--rounds", "0", "--", program], 2, "0 is not in 1.."),
    ] {
        let output = replay(arguments, "");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        assert!(error.contains(words), "{arguments:?}: {error}");
    }
}

/// The signal goes to `replay` alone: the run that is under way ends by itself, and its round does not count.
#[test]
fn ctrl_c_leaves_the_rounds_that_are_finished() {
    build("heaprace-serve");
    let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
    command.args(["run", "--compare", "--rounds", "100000", "--allocator", "talc", "--"]).arg(churn());
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));
    // SAFETY: sends a signal to our own child.
    unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGINT) };
    let output = child.wait_with_output().unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(130), "{table}");
    assert!(table.contains("talc") && table.contains(" rounds: medians"), "{table}");
}
