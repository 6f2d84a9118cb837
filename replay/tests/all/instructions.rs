//! Instructions: the same build gives the same figure for the replay alone, and every obstacle is a reason.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use heaprace::Program;
use heaprace::comparison::{ComparisonPlan, compare};
use heaprace::contender::{Contender, TouchPolicy};
use heaprace::limits::Limits;
use heaprace::time::instructions::simulate;
use heaprace::time::process::MakeChild;
use heaprace::time::process::TraceLocation;
use heaprace::time::rounds::Rounds;
use heaprace_allocators::PageSize;
use heaprace_reports::results::{Figure, Instructions, Results};
use heaprace_traces::Source;

use crate::replay_child;

const ROUNDS: Rounds =
    Rounds { count: 0, seed: 1, touch: TouchPolicy::None, page: PageSize::WASM, limit_pages: 65_536 };

const REPLAY: &str = env!("CARGO_BIN_EXE_replay");

/// Whether callgrind can count here; prints a note if not.
fn has_valgrind(test: &str) -> bool {
    let there = Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success());
    if !there {
        println!("skipped: {test}: valgrind is not installed");
    }
    there
}

/// A trace in a file of this name, which another process can open.
fn file(name: &str, lines: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, format!("op,id,size,align\n{lines}")).unwrap();
    path
}

/// The instructions of a contender for the trace in this file.
fn count(contender: &str, path: &Path, make_child: MakeChild) -> Figure<Instructions> {
    let source = Source::locate(path.to_str().unwrap()).unwrap();
    let program = Program::load(&source).unwrap();
    let contender = Contender::named(contender).unwrap();
    let trace = TraceLocation::of(&source).expect("it is in a file");
    simulate(&trace, program.events(), &contender, &ROUNDS, make_child, Limits::NONE)
}

/// Alternating allocations and deallocations.
fn pairs(count: u32) -> String {
    (0..count).map(|id| format!("alloc,{id},48,8\ndealloc,{id}\n")).collect()
}

#[test]
fn the_same_build_has_the_same_figure_again() {
    if !has_valgrind("the_same_build_has_the_same_figure_again") {
        return;
    }
    let lines = "alloc,1,24,8\nalloc,2,5000,8\nalloc_zeroed,3,100,64\nrealloc,1,70000\ndealloc,2\nrealloc,1,200\nalloc,4,24,8\n";
    let path = file("instructions-again.csv", lines);
    // wee_alloc gets its pages by an interposed mmap, which must work under valgrind too.
    for contender in ["talc", "wee_alloc"] {
        let once = count(contender, &path, replay_child);
        let instructions = once.known().unwrap_or_else(|| panic!("{contender}: {once:?}"));
        assert_eq!((instructions.counter.name(), instructions.ops), ("callgrind", 7));
        assert!(instructions.instructions > 7 * 20, "{instructions:?}");
        assert_eq!(count(contender, &path, replay_child), once, "{contender}");
    }
}

#[test]
fn only_the_replay_is_counted_and_every_operation_equally() {
    if !has_valgrind("only_the_replay_is_counted_and_every_operation_equally") {
        return;
    }
    let [one, two, three] = [1, 2, 3].map(|hundreds| {
        let path = file(&format!("instructions-{hundreds}.csv"), &pairs(100 * hundreds));
        let figure = count("null", &path, replay_child);
        figure.known().unwrap_or_else(|| panic!("{figure:?}")).instructions
    });
    let of_a_hundred = two - one;
    assert_eq!(three - two, of_a_hundred);
    assert!(of_a_hundred > 100 * 10, "{of_a_hundred} for a hundred pairs");
    let around = one - of_a_hundred;
    assert!(around < 400, "{around} outside any operation: loading a trace takes a million");
}

/// glibc's fastest copy is a single instruction for all bytes, of which callgrind counts every byte: it must use
/// another one.
#[test]
fn copied_bytes_are_not_counted_one_by_one() {
    if !has_valgrind("copied_bytes_are_not_counted_one_by_one") {
        return;
    }
    let path = file("instructions-copies.csv", "alloc,1,1000000,8\nrealloc,1,2000000\n");
    let figure = count("bump", &path, replay_child);
    let instructions = figure.known().unwrap_or_else(|| panic!("{figure:?}")).instructions;
    assert!((1_000_000 / 64..1_000_000 / 2).contains(&instructions), "{instructions} for a million bytes");
}

#[test]
fn every_obstacle_is_a_reason() {
    if !has_valgrind("every_obstacle_is_a_reason") {
        return;
    }
    let path = file("instructions-reasons.csv", &pairs(1));
    let cases: [(&str, MakeChild); 4] = [
        ("its process cannot be started: out of luck", || Err(io::Error::other("out of luck"))),
        ("its process died", || Ok(Command::new("/no/such/program"))),
        ("its process answered nothing", || Ok(Command::new("/bin/true"))),
        // The right answer, from a process that has not replayed anything.
        ("callgrind has not seen the replay", || {
            let mut command = Command::new("sh");
            command.args(["-c", "echo '{\"Ok\":null}'"]);
            Ok(command)
        }),
    ];
    for (expected, make_child) in cases {
        let Figure::Unknown { unknown } = count("bump", &path, make_child) else { panic!("{expected}: counted") };
        assert!(unknown.to_string().contains(expected), "{unknown:?} does not say {expected:?}");
    }
    let source = Source::from_bytes("a.csv", "op,id,size,align\nalloc,1,8,8\n".as_bytes());
    let bump = vec![Contender::named("bump").unwrap()];
    let plan =
        ComparisonPlan { instructions: true, make_child: Some(replay_child), ..ComparisonPlan::of(bump, ROUNDS) };
    let in_memory = compare(&source, &plan, |_| {}).unwrap();
    let reason = Figure::unknown("a trace in memory cannot be given to another process");
    assert_eq!(in_memory.contenders[0].instructions, reason);
}

/// The situation of a user without valgrind.
#[test]
fn without_valgrind_the_processor_counts_or_the_reason_names_both() {
    let path = file("instructions-without.csv", &pairs(10));
    let out = path.with_extension("report");
    let output = Command::new(REPLAY)
        .args(["--rounds", "0", "--skip-bounds", "--instructions", "--format", "json", "--allocator", "bump"])
        .args(["--trace".as_ref(), path.as_os_str(), "--out".as_ref(), out.as_os_str()])
        .env("PATH", env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let results: Results = serde_json::from_slice(&output.stdout).unwrap();
    assert!(results.settings.instructions);
    let names: Vec<_> = results.contenders.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["bump", "null"], "the floor takes part, for the net figure");
    for row in results.contenders {
        match row.instructions {
            Figure::Known(instructions) => {
                assert_eq!((instructions.counter.name(), instructions.ops), ("perf_event", 20));
                assert!(instructions.instructions > 20);
            }
            Figure::Unknown { unknown } => {
                println!("skipped: the processor's counter: {unknown}");
                assert!(unknown.to_string().contains("the processor's cannot be had ("), "{unknown}");
                assert!(unknown.to_string().contains("valgrind is not installed"), "{unknown}");
            }
        }
    }
}
