//! No output replaces an input or another output, and what cannot be written is found before anything is measured.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const TRACE: &str = "op,id,size,align\nalloc,1,24,8\ndealloc,1\n";

fn replay(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
    command.current_dir(folder).args(arguments.split(' ')).output().unwrap()
}

/// A folder with a trace, results of it in `saved`, and links to both.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.csv"), TRACE).unwrap();
    let saved = replay(folder.path(), "--trace mine.csv --rounds 0 --allocator dlmalloc --out saved");
    assert!(saved.status.success(), "{saved:?}");
    fs::hard_link(folder.path().join("mine.csv"), folder.path().join("hard.csv")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("saved/mine/results.json", folder.path().join("soft.json")).unwrap();
    folder
}

#[test]
fn an_output_that_would_replace_an_input_or_another_output_is_a_usage_error() {
    let folder = folder();
    let results = fs::read(folder.path().join("saved/mine/results.json")).unwrap();
    let measure = "--trace mine.csv --rounds 0 --allocator dlmalloc --out saved";
    for (arguments, message) in [
        (format!("{measure} --export-csv mine.csv"), "--export-csv: mine.csv would replace mine.csv, which is read"),
        (format!("{measure} --report ./mine.csv"), "--report: ./mine.csv would replace mine.csv"),
        (format!("{measure} --export-json hard.csv"), "--export-json: hard.csv would replace mine.csv"),
        (format!("{measure} --export-csv both --export-json both"), "--export-csv and --export-json are the same file"),
        (format!("{measure} --export-csv both --export-json saved/../both"), "are the same file"),
        (format!("{measure} --export-json saved/mine/results.json"), "--export-json and --out are the same file"),
        (
            format!("{measure} --format json --export-csv -"),
            "--export-csv and --format json cannot both go to standard",
        ),
        (format!("{measure} --export-jsonl - --export-csv -"), "cannot both go to standard output"),
        ("convert mine.csv ./mine.csv".to_owned(), "OUT: ./mine.csv would replace mine.csv, which is read"),
        ("convert mine.csv hard.csv".to_owned(), "OUT: hard.csv would replace mine.csv"),
        ("trace loop mine.csv 2 --output mine.csv".to_owned(), "--output: mine.csv would replace mine.csv"),
        ("trace interleave serde-heavy mine.csv --output hard.csv".to_owned(), "--output: hard.csv would replace"),
        ("trace export --minimalloc mine.csv mine.csv".to_owned(), "--minimalloc: mine.csv would replace mine.csv"),
        ("report saved --export-csv saved/mine/results.json".to_owned(), "would replace saved/mine/results.json"),
        ("report saved --export-csv soft.json".to_owned(), "--export-csv: soft.json would replace"),
        ("report saved --format json --export-csv -".to_owned(), "cannot both go to standard output"),
        ("report saved --out new --export-markdown new/mine/footprint.csv".to_owned(), "--export-markdown and --out"),
        ("report saved --export-svg c --export-csv c/mine-footprint.svg".to_owned(), "are the same file"),
    ] {
        let output = replay(folder.path(), &arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {stderr}");
        assert!(stderr.contains(message), "{arguments}: {stderr}");
        assert!(output.stdout.is_empty(), "{arguments}");
    }
    assert_eq!(fs::read_to_string(folder.path().join("mine.csv")).unwrap(), TRACE);
    assert_eq!(fs::read(folder.path().join("saved/mine/results.json")).unwrap(), results);
    for new in ["both", "new", "c"] {
        assert!(!folder.path().join(new).exists(), "{new}");
    }
}

#[test]
fn an_export_into_the_folder_of_its_results_and_two_into_a_device_are_fine() {
    let folder = folder();
    for arguments in [
        "--trace mine.csv --rounds 0 --allocator dlmalloc --out saved --export-csv saved/mine/all.csv",
        "report saved --out saved --export-csv /dev/null --export-json /dev/null",
        "report saved --format json --export-csv all.csv",
    ] {
        let output = replay(folder.path(), arguments);
        assert!(output.status.success(), "{arguments}: {output:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_folder_that_cannot_be_written_into_is_found_before_anything_is_measured() {
    let folder = folder();
    for arguments in ["--out /proc/self", "--out new --export-csv /proc/self/all.csv"] {
        let output = replay(folder.path(), &format!("--trace mine.csv --allocator dlmalloc {arguments}"));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {stderr}");
        assert!(output.stdout.is_empty() && stderr.contains("/proc/self"), "{arguments}: {stderr}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_command_that_is_interrupted_leaves_no_unfinished_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
    command.current_dir(folder.path());
    let mut child = command
        .args([
            "trace",
            "generate",
            "uniform",
            "--events",
            "1000000000",
            "--output",
            &format!("{}.csv", "n".repeat(250)),
        ])
        .spawn()
        .unwrap();
    let entries = || fs::read_dir(folder.path()).unwrap().count();
    let started = std::time::Instant::now();
    while entries() == 0 {
        assert!(started.elapsed().as_secs() < 60 && child.try_wait().unwrap().is_none(), "it does not begin");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    // SAFETY: a signal to the child of this test, which nobody has waited for yet.
    assert_eq!(unsafe { libc::kill(child.id() as i32, libc::SIGTERM) }, 0);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(entries(), 0);
}
