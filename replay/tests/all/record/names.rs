//! Names of programs and of traces.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Output};

use super::{build_library, program, replay_record, scratch};

/// Records a copy of the C program under this name.
fn record_as(folder: &Path, name: &[u8], options: &[&str]) -> Output {
    build_library();
    let copy = folder.join(OsStr::from_bytes(name));
    fs::copy(program(), &copy).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
    command.arg("record").args(options).arg("--").arg(Path::new(".").join(OsStr::from_bytes(name))).arg("child");
    command.current_dir(folder).output().unwrap()
}

#[test]
fn the_name_of_a_program_forges_no_line_of_the_provenance() {
    let folder = scratch("forged");
    let output = record_as(&folder, b"ls\norigin: synthetic\ngenerator: none\x1b[2J", &["--output", "forged.csv"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let escaped = r"ls\norigin: synthetic\ngenerator: none\u{1b}[2J";
    assert!(said.starts_with(&format!("{escaped} (exit status: 0): forged.csv, ")), "{said}");
    let trace = fs::read_to_string(folder.join("forged.csv")).unwrap();
    assert!(trace.contains(&format!("\n# program: {escaped}\n")) && !trace.contains("\n# origin"), "{trace}");
}

#[test]
fn a_default_name_is_one_that_replay_reads() {
    let folder = scratch("odd-names");
    for (name, trace) in [(&b"ls\xff"[..], "ls_.htrace"), (b"a\nb\x1bc", "a_b_c.htrace")] {
        let output = record_as(&folder, name, &[]);
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stderr).expect("the summary is text");
        assert!(said.contains(&format!("): {trace}, ")), "{said}");
        let inspected =
            Command::new(env!("CARGO_BIN_EXE_replay")).args(["inspect", trace]).current_dir(&folder).output();
        assert!(inspected.unwrap().status.success(), "{trace}");
    }
}

#[test]
fn an_existing_trace_is_replaced_only_by_force() {
    let folder = scratch("exists");
    let program = program().to_str().unwrap();
    let run = |options: &[&str]| {
        let script = format!(": > ran; exec {program} child");
        let output = replay_record(&folder, &[options, &["--output", "a.csv", "--", "sh", "-c", &script]].concat());
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    fs::write(folder.join("a.csv"), "precious").unwrap();
    let (code, said) = run(&[]);
    assert_eq!((code, said.as_str()), (1, "error: a.csv exists; --force replaces it, --output names another file\n"));
    assert!(!folder.join("ran").exists(), "the program does not run in vain");
    assert_eq!(fs::read(folder.join("a.csv")).unwrap(), b"precious");
    assert_eq!(run(&["--force"]).0, 0);
    assert_ne!(fs::read(folder.join("a.csv")).unwrap(), b"precious");

    fs::remove_file(folder.join("a.csv")).unwrap();
    fs::write(folder.join("a.4711.csv"), "precious").unwrap();
    assert_eq!(run(&[]).0, 0, "without children there is one trace");
    fs::remove_file(folder.join("a.csv")).unwrap();
    let (code, said) = run(&["--follow-forks"]);
    assert!(code == 1 && said.starts_with("error: ./a.4711.csv exists;"), "{said}");
}

/// The program makes a file of that name while it runs.
#[test]
fn a_file_that_came_in_between_is_not_replaced() {
    let folder = scratch("in-between");
    let script = format!("echo precious > a.csv; exec {} child", program().display());
    let output = replay_record(&folder, &["--output", "a.csv", "--", "sh", "-c", &script]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("the raw recordings are kept in .a.csv.") && said.contains("a.csv exists;"), "{said}");
    assert_eq!(fs::read(folder.join("a.csv")).unwrap(), b"precious\n");
}

#[test]
fn neither_the_program_nor_its_arguments_are_replaced_even_by_force() {
    let folder = scratch("replaced");
    fs::copy(program(), folder.join("tool.csv")).unwrap();
    fs::write(folder.join("input.csv"), "precious").unwrap();
    for (output, command) in
        [("tool.csv", &["./tool.csv", "child"][..]), ("./input.csv", &["sh", "-c", ": > ran", "input.csv"])]
    {
        let recorded = replay_record(&folder, &[&["--force", "--output", output, "--"], command].concat());
        let said = String::from_utf8(recorded.stderr).unwrap();
        assert_eq!(recorded.status.code(), Some(2), "{said}");
        assert!(said.starts_with(&format!("error: --output: {output} would replace ")), "{said}");
    }
    assert_eq!(fs::read(folder.join("tool.csv")).unwrap(), fs::read(program()).unwrap());
    assert_eq!(fs::read(folder.join("input.csv")).unwrap(), b"precious");
    assert!(!folder.join("ran").exists());
}
