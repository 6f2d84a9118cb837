//! `replay record` on a small C program, compiled for this test: the trace contains exactly its requests.
//!
//! Rust needs a C compiler to link, so one is available.

mod lacking;
mod names;
mod signals;
mod wasm;

use std::collections::HashSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use heaprace_traces::{Action, Event, Source};

const MARK: usize = 54_321;

/// Builds the library that records.
pub(crate) fn build_library() {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| build("heaprace-preload"));
}

/// Builds a library that is preloaded into the folder of this build's `replay`: for a test, Cargo builds only what it
/// links.
pub(crate) fn build(package: &str) {
    let folder = Path::new(env!("CARGO_BIN_EXE_replay")).parent().unwrap();
    let profile = folder.file_name().unwrap().to_str().unwrap();
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--package", package, "--profile"])
        .arg(if profile == "debug" { "dev" } else { profile })
        .arg("--target-dir")
        .arg(folder.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(status.success());
}

/// The C program, compiled once.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| compile("program.c", &["cc", "-O1", "-w", "-pthread"], "program").unwrap())
}

/// Compiles a file of `tests/record`; `None` if there is no such compiler.
pub(crate) fn compile(source: &str, compiler: &[&str], name: &str) -> Option<PathBuf> {
    let output = scratch(&format!("program-{name}")).join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/record").join(source);
    let status = Command::new(compiler[0]).args(&compiler[1..]).arg(source).arg("-o").arg(&output).status().ok()?;
    assert!(status.success(), "{compiler:?}");
    Some(output)
}

/// An empty folder for one test.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("record").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs `replay record` in a separate folder.
fn replay_record(folder: &Path, arguments: &[&str]) -> Output {
    build_library();
    Command::new(env!("CARGO_BIN_EXE_replay")).arg("record").args(arguments).current_dir(folder).output().unwrap()
}

/// Records one mode of the C program; returns the summary and the folder with the traces. Each call has a folder of its
/// own, because several tests record the same mode at the same time.
fn record(mode: &str, options: &[&str]) -> (String, PathBuf) {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let folder = scratch(&format!("{mode}{}-{}", options.concat(), CALLS.fetch_add(1, Ordering::Relaxed)));
    let program = program().to_str().unwrap();
    let arguments = [&["--output", "trace.csv"], options, &["--", program, mode]].concat();
    let output = replay_record(&folder, &arguments);
    let summary = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{summary}");
    assert!(summary.contains("\n  0 lost events\n"), "{summary}");
    let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with('.')), "left behind: {left:?}");
    (summary, folder)
}

fn read(trace: &Path) -> Vec<Event> {
    Source::locate(trace.to_str().unwrap()).unwrap().open().unwrap().map(Result::unwrap).collect()
}

/// The number of allocations of this size.
fn allocations(events: &[Event], size: usize) -> usize {
    let is = |event: &&Event| matches!(event.action, Action::Alloc { layout, .. } if layout.size() == size);
    events.iter().filter(is).count()
}

/// The events between two marks.
fn inner(events: &[Event]) -> impl Iterator<Item = &Event> {
    let is_mark = |event: &&Event| match event.action {
        Action::Alloc { layout, .. } | Action::Dealloc { layout } => layout.size() == MARK,
        Action::Realloc { .. } => false,
    };
    events.iter().skip_while(move |event| !is_mark(event)).skip(2).take_while(move |event| !is_mark(event))
}

/// The same, each as a line, with ids counted from 1.
fn between_marks(events: &[Event]) -> Vec<String> {
    let mut ids = Vec::new();
    let mut number = |id| match ids.iter().position(|&known| known == id) {
        Some(index) => index + 1,
        None => {
            ids.push(id);
            ids.len()
        }
    };
    let line = |event: &Event| {
        let id = number(event.id);
        match event.action {
            Action::Alloc { layout, zeroed } => {
                format!("{} {id} {} {}", if zeroed { "alloc_zeroed" } else { "alloc" }, layout.size(), layout.align())
            }
            Action::Realloc { old, new_size } => format!("realloc {id} {} {new_size} {}", old.size(), old.align()),
            Action::Dealloc { layout } => format!("dealloc {id} {} {}", layout.size(), layout.align()),
        }
    };
    inner(events).map(line).collect()
}

#[test]
fn every_function_is_recorded_correctly() {
    let (summary, folder) = record("sequence", &[]);
    assert!(summary.starts_with("program (exit status: 0): trace.csv, "), "{summary}");
    assert!(summary.contains("\n  1 of 0 bytes, recorded as 1 byte\n"), "{summary}");
    let page = 4096;
    let expected = [
        "alloc 1 100 16".to_owned(),
        "realloc 1 100 200 16".to_owned(),
        "alloc_zeroed 2 150 16".to_owned(),
        "realloc 1 200 20 16".to_owned(),
        "alloc 3 300 256".to_owned(),
        "alloc 4 128 64".to_owned(),
        "alloc 5 10 4096".to_owned(),
        "alloc 6 77 16".to_owned(),
        "realloc 6 77 91 16".to_owned(),
        "alloc 7 1 16".to_owned(),
        format!("alloc 8 9 {page}"),
        format!("alloc 9 {page} {page}"),
        "dealloc 2 150 16".to_owned(),
        "dealloc 7 1 16".to_owned(),
        "alloc 10 33 16".to_owned(),
        "dealloc 10 33 16".to_owned(),
        format!("dealloc 9 {page} {page}"),
        format!("dealloc 8 9 {page}"),
        "dealloc 6 91 16".to_owned(),
        "dealloc 5 10 4096".to_owned(),
        "dealloc 4 128 64".to_owned(),
        "dealloc 3 300 256".to_owned(),
        "dealloc 1 20 16".to_owned(),
    ];
    assert_eq!(between_marks(&read(&folder.join("trace.csv"))), expected);
}

#[test]
fn with_extents_a_trace_says_how_much_the_program_has_written() {
    let (summary, folder) = record("extents", &["--extents"]);
    assert!(summary.starts_with("program (exit status: 0)"), "{summary}");
    assert!(summary.contains(" % of the bytes asked for were written, as far as known: of "), "{summary}");
    let events = read(&folder.join("trace.csv"));
    let ended = inner(&events).filter_map(|event| match event.action {
        Action::Realloc { old: layout, .. } | Action::Dealloc { layout } => Some((layout.size(), event.written)),
        Action::Alloc { .. } => None,
    });
    let expected = [
        (100, 10),
        (100, 100),
        (100, 33),
        (1, 0),
        (24, 0),
        (50, 50),
        (1000, 70),
        (60, 60),
        (100, 100),
        (104, 100),
        (40, 40),
        (500, 40),
        (300, 7),
        (128, 0),
        (10, 10),
        (64 << 20, 5000),
        (64 << 20, 0),
        (300_000, 300_000),
        (64 << 20, (1 << 20) + 1),
        (500_000, 500_000),
        (500_000, 12),
    ];
    assert_eq!(ended.collect::<Vec<_>>(), expected.map(|(size, written)| (size, Some(written))));
}

#[test]
fn what_is_left_live_has_its_extents_after_the_last_event() {
    let (_, folder) = record("left", &["--extents"]);
    let mut events = Source::locate(folder.join("trace.csv").to_str().unwrap()).unwrap().open().unwrap();
    let mut live = std::collections::HashMap::new();
    for event in events.by_ref().map(Result::unwrap) {
        match event.action {
            Action::Alloc { layout, .. } => live.insert(event.id, layout.size()),
            Action::Realloc { new_size, .. } => live.insert(event.id, new_size),
            Action::Dealloc { .. } => live.remove(&event.id),
        };
    }
    let comments = events.comments();
    let noted: Vec<_> = comments.iter().filter_map(|comment| heaprace_traces::left_live(comment)).flatten().collect();
    let of =
        |size: usize| noted.iter().filter(|(id, _)| live[id] == size).map(|(_, written)| *written).collect::<Vec<_>>();
    assert_eq!(of(888), [0, 464, 40, 504, 80, 544, 120, 584, 160, 624]);
    assert_eq!(of(999), [77]);
}

#[test]
fn a_trace_ends_with_the_times_of_the_run_if_the_program_exits() {
    let times = |mode, options: &[&str]| {
        let (_, folder) = record(mode, options);
        let mut events = Source::locate(folder.join("trace.csv").to_str().unwrap()).unwrap().open().unwrap();
        let count = events.by_ref().count() as u64;
        (count, events.comments().iter().find_map(|comment| heaprace_traces::run_time(comment)))
    };
    let (events, found) = times("many", &[]);
    let found = found.expect("there is a comment");
    assert!(found.wall_ns > 0 && found.cpu_ns > 0, "{found:?}");
    assert!((events..1_000_000 * events).contains(&found.recorder_ns), "{found:?}, {events} events");
    assert_eq!(times("exits", &[]).1, None, "it ends by _exit");
    assert_eq!(times("many", &["--extents"]).1, None, "filling takes time");
}

#[test]
fn extents_change_no_other_part_of_a_trace() {
    let events = ["--extents", ""].map(|option| {
        let options = [option];
        let (summary, folder) = record("sequence", if option.is_empty() { &[] } else { &options });
        assert!(summary.starts_with("program (exit status: 0)"), "{summary}");
        read(&folder.join("trace.csv"))
    });
    assert_eq!(between_marks(&events[0]), between_marks(&events[1]));
    assert!(events[1].iter().all(|event| event.written.is_none()));
    for mode in ["threads", "clean", "forks"] {
        let (summary, folder) = record(mode, &["--extents"]);
        assert!(summary.starts_with("program (exit status: 0)"), "{summary}");
        let of = |event: &Event| matches!(event.action, Action::Dealloc { layout } if layout.size() >= 1000);
        let threads = read(&folder.join("trace.csv")).into_iter().filter(of).map(|event| event.written);
        assert!(mode != "threads" || threads.filter(|&written| written == Some(1000)).count() > 10_000);
    }
}

#[test]
fn blocks_that_move_between_threads_are_followed() {
    let (_, folder) = record("threads", &[]);
    let events = read(&folder.join("trace.csv"));
    // The reader has verified that no event contradicts another.
    let all: usize = (1000..1004).map(|size| allocations(&events, size)).sum();
    assert_eq!(all, 2 * 4 * 20_000);
    let threads: HashSet<u32> = events.iter().filter_map(|event| event.thread).collect();
    assert_eq!(threads, (0..9).collect(), "the main thread, and eight others, each with its own number");
    let (mut owners, mut handed_over) = (std::collections::HashMap::new(), 0);
    for event in &events {
        match event.action {
            Action::Alloc { .. } => {
                owners.insert(event.id, event.thread);
            }
            Action::Dealloc { .. } => handed_over += usize::from(owners.remove(&event.id) != Some(event.thread)),
            Action::Realloc { .. } => {}
        }
    }
    assert!(handed_over > 0);
}

#[test]
fn children_are_recorded_only_on_request() {
    let (summary, folder) = record("forks", &[]);
    assert_eq!(summary.matches("lost events").count(), 1, "{summary}");
    let events = read(&folder.join("trace.csv"));
    assert_eq!([111, 222, 333, 444, 555].map(|size| allocations(&events, size)), [1, 0, 0, 0, 10]);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);

    let (summary, folder) = record("forks", &["--follow-forks"]);
    assert_eq!(summary.matches("0 lost events").count(), 4, "{summary}");
    let inherited = "\n  begins with 1 live object of the process that it was forked from\n";
    assert_eq!(summary.matches(inherited).count(), 1, "the C library knows of one of the forks: {summary}");
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let counts: HashSet<_> = files
        .iter()
        .map(|file| (file.ends_with("trace.csv"), [111, 222, 333, 444, 555].map(|size| allocations(&read(file), size))))
        .collect();
    let expected =
        [(true, [1, 0, 0, 0, 10]), (false, [1, 10, 0, 0, 0]), (false, [0, 0, 10, 0, 0]), (false, [0, 0, 0, 10, 0])];
    assert_eq!(counts, expected.into());
}

#[test]
fn after_an_exec_the_trace_is_of_the_last_program() {
    let (summary, folder) = record("execs", &[]);
    assert!(summary.contains("Before that the process was program;"), "{summary}");
    let events = read(&folder.join("trace.csv"));
    assert_eq!((allocations(&events, 666), allocations(&events, 444)), (0, 10));

    let (_, folder) = record("execs", &["--follow-forks"]);
    let of_first: usize = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("trace.csv"))
        .map(|path| allocations(&read(&path), 666))
        .sum();
    assert_eq!(of_first, 10);
    assert_eq!(allocations(&read(&folder.join("trace.csv")), 444), 10);
}

#[test]
fn a_trace_is_complete_however_the_program_ends() {
    for (mode, end) in [("exits", "exit status: 5"), ("aborts", "signal: 6"), ("crashes", "signal: 11")] {
        let (summary, folder) = record(mode, &[]);
        assert!(summary.starts_with(&format!("program ({end}")), "{summary}");
        assert_eq!(allocations(&read(&folder.join("trace.csv")), 777), 200_000, "{mode}");
    }
}

#[test]
fn recording_does_not_affect_the_program() {
    let (summary, _) = record("clean", &[]);
    assert!(summary.starts_with("program (exit status: 0)"), "{summary}");
}

/// C++ has functions of its own, unknown to the library; they must end in functions that it knows.
#[test]
fn new_and_delete_of_every_kind_are_recorded() {
    let Some(program) = compile("new.cpp", &["c++", "-O1", "-std=c++17"], "new") else {
        eprintln!("skipped: no C++ compiler");
        return;
    };
    let folder = scratch("new");
    let output = replay_record(&folder, &["--output", "trace.csv", "--", program.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let expected = [
        "alloc 1 101 16",
        "alloc 2 202 16",
        "alloc 3 303 16",
        "alloc 4 512 128",
        "dealloc 1 101 16",
        "dealloc 2 202 16",
        "dealloc 3 303 16",
        "dealloc 4 512 128",
    ];
    assert_eq!(between_marks(&read(&folder.join("trace.csv"))), expected);
}

#[test]
fn a_program_that_cannot_be_recorded_is_rejected() {
    // A static C library is not always installed.
    let folder = scratch("refused");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/record/program.c");
    let compiled =
        Command::new("cc").args(["-static", "-w", "-pthread", "-o"]).arg(folder.join("static")).arg(source).output();
    if !compiled.unwrap().status.success() {
        eprintln!("skipped: no static C library");
        return;
    }
    let output = replay_record(&folder, &["--", "./static", "sequence"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.starts_with("error: ./static is linked statically"), "{said}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no trace");
}

/// Recorded by a `replay` in another folder than its library.
#[test]
fn a_missing_library_is_an_error_with_a_remedy() {
    let folder = scratch("alone");
    let alone = folder.join("replay");
    fs::copy(env!("CARGO_BIN_EXE_replay"), &alone).unwrap();
    let output = Command::new(&alone).args(["record", "--"]).arg(program()).current_dir(&folder).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("'cargo build --release' in Heaprace's folder builds both"), "{said}");
}

#[test]
fn a_child_begins_with_the_objects_of_its_parents() {
    let (summary, folder) = record("inherits", &["--follow-forks"]);
    assert_eq!(summary.matches("0 lost events").count(), 3, "{summary}");
    assert!(!summary.contains("left out"), "{summary}");
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let lines = |path: PathBuf| -> Vec<String> {
        let is_of_test = |event: &&Event| {
            let (Action::Alloc { layout, .. } | Action::Realloc { old: layout, .. } | Action::Dealloc { layout }) =
                event.action;
            (1001..3000).contains(&layout.size())
        };
        let events = read(&path);
        events
            .iter()
            .filter(is_of_test)
            .map(|event| match event.action {
                Action::Alloc { layout, .. } => format!("+{}", layout.size()),
                Action::Realloc { old, new_size } => format!("{}>{new_size}", old.size()),
                Action::Dealloc { layout } => format!("-{}", layout.size()),
            })
            .collect()
    };
    let found: HashSet<Vec<String>> = files.map(lines).collect();
    let expected = [
        "+1001 +1002 +1003 +1004 -1004 +1006 -1006 -1001",
        "+1001 +1002 +1003 +1005 -1002",
        "+1001 +1003 +1005 -1005 1003>2003 -2003",
    ];
    let expected = expected.map(|line| line.split(' ').map(str::to_owned).collect());
    assert_eq!(found, expected.into());
}

/// A limit on the size of files stands in for a full disk: events that cannot be written are counted, and the program
/// continues.
#[test]
fn events_that_do_not_fit_are_counted_as_lost() {
    let folder = scratch("full");
    build_library();
    // In blocks of 1024 bytes: room for 3 * 65536 records, or some less, since the header and whole chunks count, too.
    let (replay, program) = (env!("CARGO_BIN_EXE_replay"), program().display());
    let script = format!("ulimit -f 3072; exec {replay} record --output trace.htrace -- {program} many");
    let output = Command::new("bash").args(["-c", &script]).current_dir(&folder).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let events = read(&folder.join("trace.htrace"));
    assert!((130_000..200_000).contains(&events.len()), "{}", events.len());
    let lost = heaprace_reports::numbers::grouped(200_000 - allocations(&events, 777) as u64);
    assert!(said.contains(&format!("\n  {lost} lost events: the raw recording could not grow (")), "{said}");
    assert!(
        said.contains("make room there, raise the limit on the size of files, or name an --output elsewhere"),
        "{said}"
    );
}

/// The program's limit is not that of `replay`, which gives the recording its length.
#[test]
fn a_program_with_a_limit_on_its_files_is_recorded_whole() {
    let folder = scratch("limited");
    let script = format!("ulimit -f 2048; sleep 0.3; exec {} many", program().display());
    let output = replay_record(&folder, &["--output", "trace.csv", "--", "bash", "-c", &script]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("\n  0 lost events\n"), "{said}");
    assert_eq!(allocations(&read(&folder.join("trace.csv")), 777), 200_000);
}

/// If the trace cannot be written, here because a folder has its name, the raw recording is kept.
#[test]
fn a_trace_that_cannot_be_written_is_recovered_later() {
    let folder = scratch("recover");
    build_library();
    let script = format!("mkdir trace.csv; exec {} many", program().display());
    let output = replay_record(&folder, &["--output", "trace.csv", "--", "bash", "-c", &script]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let kept = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let kept: Vec<_> = kept.filter(|name| name.ends_with(".recording")).collect();
    assert_eq!(kept.len(), 1, "{said}");
    assert!(said.contains(&format!("'replay record --recover {} --output FILE'", kept[0])), "{said}");
    let output = Command::new(env!("CARGO_BIN_EXE_replay"))
        .args(["record", "--recover", &kept[0], "--output", "again.csv"])
        .current_dir(&folder)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    // Also of the shell, which the process was before.
    let made = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let made: Vec<_> =
        made.filter(|path| path.extension().is_some_and(|ending| ending == "csv") && path.is_file()).collect();
    let most = made.iter().map(|path| allocations(&read(path), 777)).max();
    assert_eq!((made.len(), most), (2, Some(200_000)), "{said}");
    let nothing = Command::new(env!("CARGO_BIN_EXE_replay"))
        .args(["record", "--recover", "trace.csv"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(String::from_utf8(nothing.stderr).unwrap().contains("there are no raw recordings in it"));
}
