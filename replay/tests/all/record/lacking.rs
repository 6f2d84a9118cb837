//! What a trace lacks is said, and the exit code is 1.

use std::fs;
use std::path::Path;

use super::{allocations, compile, program, read, replay_record, scratch};

/// Runs `replay record`, and returns its exit code and what it says.
fn said(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = replay_record(folder, arguments);
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_program_that_starts_with_a_cleared_environment_is_named() {
    let program = program().to_str().unwrap();
    for options in [&["--output", "trace.csv"][..], &["--output", "follow.csv", "--follow-forks"]] {
        let (code, said) = said(&scratch("cleared"), &[options, &["--", "env", "-i", program, "many"]].concat());
        assert_eq!(code, 1, "{said}");
        let expected = format!("\nenv became {program}, which was not recorded: it started with a cleared environment");
        assert!(said.contains(&expected), "{said}");
    }
}

#[test]
fn a_child_that_did_the_work_is_offered() {
    let program = program().to_str().unwrap();
    let folder = scratch("child");
    let (code, text) = said(&folder, &["--output", "trace.csv", "--", "timeout", "20", program, "many"]);
    assert_eq!(code, 1, "{text}");
    let expected = "\nnot recorded: 1 process of program with 200,000 calls; --follow-forks records them\nthe trace is of a process with ";
    assert!(text.contains(expected), "{text}");

    let (code, text) =
        said(&folder, &["--follow-forks", "--output", "all.csv", "--", "timeout", "20", program, "many"]);
    assert_eq!(code, 0, "{text}");
    let child = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let child = child
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("all."))
        .map(|path| allocations(&read(&path), 777));
    assert_eq!(child.max(), Some(200_000));

    // A child with fewer calls is only named.
    let script = format!("for i in $(seq 300); do words[i]=$i; done; {program} child; true");
    let (code, text) = said(&folder, &["--output", "small.csv", "--", "bash", "-c", &script]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("\nnot recorded: ") && text.contains("1 process of program with 1"), "{text}");
}

#[test]
fn a_static_program_that_a_process_became_is_named_with_the_reason() {
    let options = ["cc", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-w"];
    let fixed = compile("static.c", &options, "static").unwrap();
    let fixed = fixed.to_str().unwrap();
    let folder = scratch("becomes-static");
    let (code, text) = said(&folder, &["--output", "exec.csv", "--", "env", fixed]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains(&format!("\nenv became {fixed}, which was not recorded: {fixed} is linked statically")),
        "{text}"
    );
    let (code, text) = said(&folder, &["--output", "child.csv", "--", "timeout", "20", fixed]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains(&format!("\n1 process became {fixed}, which was not even counted: {fixed} is linked")),
        "{text}"
    );
}

#[test]
fn an_allocator_that_is_linked_into_the_program_is_named() {
    let own = compile("own.c", &["cc", "-O1", "-w"], "own").unwrap();
    let (code, text) = said(&scratch("own-allocator"), &["--output", "trace.csv", "--", own.to_str().unwrap()]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("\n  the trace lacks what the program's own allocator gives out: its file has 'mi_malloc';"),
        "{text}"
    );
}

#[test]
fn a_process_that_still_runs_cuts_its_trace_off() {
    let program = program().to_str().unwrap();
    let folder = scratch("daemon");
    let (code, text) = said(&folder, &["--follow-forks", "--output", "trace.csv", "--", program, "daemon"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains(" still runs, so its trace is cut off here;"), "{text}");
    let traces: Vec<String> =
        fs::read_dir(&folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    assert_eq!(
        traces.iter().filter(|trace| trace.ends_with("\n# cut off: the process still ran\n")).count(),
        1,
        "{text}"
    );

    let (code, text) = said(&folder, &["--output", "first.csv", "--", program, "daemon"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("\n1 process still runs (program, process "), "{text}");
}

#[test]
fn memory_that_is_no_block_is_a_note() {
    let (code, text) = said(&scratch("maps"), &["--output", "trace.csv", "--", program().to_str().unwrap(), "maps"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("\n  note: 6") && text.contains(" MiB of private memory came from elsewhere"), "{text}");
}

#[test]
fn a_program_without_calls_has_no_trace() {
    let folder = scratch("no-calls");
    let (code, text) = said(&folder, &["--", program().to_str().unwrap()]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("nothing was recorded (exit status: 0): it called none"), "{text}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

/// Processes that changed their user create their recordings in the folder, and nobody else reads them.
#[test]
fn the_recordings_of_a_run_are_private() {
    let folder = scratch("rights");
    let script = "stat -c '%a %n' .trace.csv.*.recording .trace.csv.*.recording/*.raw; true";
    let output = replay_record(&folder, &["--output", "trace.csv", "--", "bash", "-c", script]);
    let listed = String::from_utf8(output.stdout).unwrap();
    assert!(listed.starts_with("1733 .trace.csv."), "{listed}");
    assert!(listed.lines().skip(1).all(|line| line.starts_with("600 ")), "{listed}");
}
