//! `replay record` on programs that take something away from themselves: addresses, descriptors, their root, files
//! altogether. They run as without it, and nothing is lost.

use std::path::Path;
use std::process::{Command, Output};

use heaprace_traces::{Action, Source};

use crate::record::{build_library, compile, scratch};

/// Requests of a mode: allocations as well as deallocations.
const REQUESTS: usize = 100_000;

/// Records a command into `trace.htrace` of a folder.
fn record(folder: &Path, options: &[&str], command: &[&str]) -> Output {
    build_library();
    let mut replay = Command::new(env!("CARGO_BIN_EXE_replay"));
    replay.args(["record", "--output", "trace.htrace"]).args(options).arg("--").args(command).current_dir(folder);
    replay.output().unwrap()
}

/// The numbers of allocations and of deallocations in the folder's trace.
fn counts(folder: &Path) -> (usize, usize) {
    let trace = folder.join("trace.htrace");
    let (mut allocated, mut freed) = (0, 0);
    for event in Source::locate(trace.to_str().unwrap()).unwrap().open().unwrap() {
        match event.unwrap().action {
            Action::Alloc { .. } => allocated += 1,
            Action::Dealloc { .. } => freed += 1,
            Action::Realloc { .. } => {}
        }
    }
    (allocated, freed)
}

/// Runs a mode without and with recording, and expects the same of it.
fn expect_the_same(mode: &str) {
    let program =
        compile("limits.c", &["cc", "-O1", "-fno-builtin", "-w", "-pthread"], &format!("limits-{mode}")).unwrap();
    let folder = scratch(&format!("limits-{mode}"));
    let command = [program.to_str().unwrap(), mode, folder.to_str().unwrap()];
    let plain = Command::new(command[0]).args(&command[1..]).output().unwrap();
    if plain.status.code() == Some(77) {
        eprintln!("skipped: this machine does not allow a process to take away its {mode}");
        return;
    }
    assert!(plain.status.success(), "{mode}: {plain:?}");

    let recorded = record(&folder, &[], &command);
    let summary = String::from_utf8_lossy(&recorded.stderr);
    assert!(recorded.status.success() && summary.contains("exit status: 0"), "{mode}: {summary}");
    assert_eq!(recorded.stdout, plain.stdout, "{mode}");
    assert!(summary.contains("\n  0 lost events"), "{mode}: {summary}");
    let (allocated, freed) = counts(&folder);
    assert!(allocated >= REQUESTS && freed >= REQUESTS, "{mode}: {allocated} allocations, {freed} deallocations");
}

#[test]
fn a_program_gets_the_addresses_that_it_gets_without_recording() {
    expect_the_same("addresses");
}

#[test]
fn a_program_without_free_descriptors_is_recorded() {
    expect_the_same("descriptors");
}

#[test]
fn a_program_that_closes_all_descriptors_finds_its_own_numbers() {
    expect_the_same("closed");
}

#[test]
fn a_program_that_changes_its_root_and_its_user_is_recorded() {
    expect_the_same("root");
}

#[test]
fn a_program_can_lock_its_memory() {
    expect_the_same("locked");
}

#[test]
fn a_program_that_may_not_open_files_lives_and_is_recorded() {
    expect_the_same("seccomp");
}

#[test]
fn the_first_request_can_come_from_a_small_stack() {
    expect_the_same("stack");
}

#[test]
fn cancelled_threads_leave_no_lock() {
    expect_the_same("cancel");
}

#[test]
fn signal_handlers_that_allocate_are_recorded() {
    expect_the_same("signals");
}

#[test]
fn a_program_that_skips_its_exit_handlers_is_recorded() {
    expect_the_same("exits");
}

/// A C++ program that links a shared library with operators of its own.
pub(crate) fn own_operators() -> Option<std::path::PathBuf> {
    let options = ["c++", "-std=c++17", "-O1", "-w"];
    let library =
        compile("own_operators.cpp", &[&options[..], &["-DLIBRARY", "-fPIC", "-shared"]].concat(), "libown.so")?;
    let library = library.to_str().unwrap();
    let folder = Path::new(library).parent().unwrap().to_str().unwrap();
    compile("own_operators.cpp", &[&options[..], &[library, &format!("-Wl,-rpath,{folder}")]].concat(), "own-operators")
}

#[test]
fn operators_of_another_allocator_are_recorded_and_go_on_to_serve() {
    let Some(program) = own_operators() else {
        eprintln!("skipped: there is no C++ compiler");
        return;
    };
    let folder = scratch("own-operators");
    let recorded = record(&folder, &[], &[program.to_str().unwrap()]);
    let summary = String::from_utf8_lossy(&recorded.stderr);
    assert!(recorded.status.success() && recorded.stdout == b"done\n", "{summary}");
    assert!(summary.contains("\n  0 lost events"), "{summary}");
    let (allocated, freed) = counts(&folder);
    // A string and its text, a thousand times, and a vector that doubles.
    assert!(allocated >= 2010 && freed >= 2010, "{allocated} allocations, {freed} deallocations");
}
